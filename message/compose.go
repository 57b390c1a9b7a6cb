package message

import (
	"encoding/binary"
	"strings"

	"github.com/sextant-dns/sextant/lookup"
)

// whole is a Message with what it points to.
type whole struct {
	Message
	opt      OPT
	question [1]Question
}

// message makes the Message of what was read, in few allocations: one for all RRsets,
// one for all text.
func (d *decoder) message(whole *whole) *Message {
	m := &whole.Message
	*m = Message{Header: newHeader(binary.BigEndian.Uint16(d.msg), binary.BigEndian.Uint16(d.msg[2:])), Misfits: d.misfits}

	var c composer
	c.text.Grow(d.textSize())
	m.Question = whole.question[:0]
	for _, q := range d.questions {
		m.Question = append(m.Question, Question{Raw: c.keep(q.raw.of(d.buf)), Name: c.owner(d.buf, q.name), Type: q.t, Class: q.class})
	}
	sets := make([]lookup.RRset, 0, len(d.grouping.sets)) // the three sections share it
	for i, section := range [...]*[]lookup.RRset{&m.Answer, &m.Authority, &m.Additional} {
		start := len(sets)
		sets = c.rrsets(sets, &d.grouping, d.buf, d.ends[i])
		*section = sets[start:len(sets):len(sets)]
	}
	if d.opt.present {
		whole.opt = OPT{Size: d.opt.size, Version: uint8(d.opt.ttl >> 16), DO: d.opt.ttl&bitDO != 0, Options: c.options(d.opt)}
		m.OPT = &whole.opt
		m.Rcode |= lookup.Rcode(d.opt.ttl>>24) << 4 // RFC 6891 6.1.3
	}
	return m
}

// textSize is how much text there will be, or a little more.
func (d *decoder) textSize() int {
	n := len(d.opt.rdata)
	for i := range d.questions {
		n += d.questions[i].raw.len() + d.questions[i].name.len()
	}
	for i := range d.grouping.sets {
		n += d.grouping.sets[i].owner.len()
	}
	for i := range d.grouping.rrs {
		n += 2 + d.grouping.rrs[i].rdata.len()
	}
	return n
}

// composer lays the text of a message down in one string. The string grows
// within memory that it was given at first, so what was cut from it stays good.
type composer struct {
	text strings.Builder
	sets int         // how many of grouping.sets have been laid down
	span span        // where the latest name came from
	name lookup.Name // that name
}

// keep lays down b.
func (c *composer) keep(b []byte) string {
	start := c.text.Len()
	c.text.Write(b)
	return c.text.String()[start:]
}

// owner lays down a name in lower case, unless it is the latest one again.
func (c *composer) owner(buf []byte, s span) lookup.Name {
	if s != c.span {
		c.span, c.name = s, lookup.Name(c.keep(s.of(buf)))
	}
	return c.name
}

// rrsets lays down the sets that are left before end and appends them to dst.
func (c *composer) rrsets(dst []lookup.RRset, g *grouping, buf []byte, end int) []lookup.RRset {
	for ; c.sets < end; c.sets++ {
		s := &g.sets[c.sets]
		if s.data.first == 0 {
			continue // see grouping.close
		}
		dst = append(dst, lookup.RRset{
			Name: c.owner(buf, s.owner),
			Type: s.t,
			TTL:  s.ttl,
			Data: c.rdata(g.rrs, s.data, buf),
			Sigs: c.rdata(g.rrs, s.sigs, buf),
		})
	}
	return dst
}

// rdata lays down the RRs of a list in the form of lookup.Rdata.
func (c *composer) rdata(rrs []rr, l list, buf []byte) lookup.Rdata {
	start := c.text.Len()
	for k := l.first; k != 0; k = rrs[k-1].after {
		data := rrs[k-1].rdata.of(buf)
		c.text.WriteByte(byte(len(data) >> 8))
		c.text.WriteByte(byte(len(data)))
		c.text.Write(data)
	}
	return lookup.Rdata(c.text.String()[start:])
}

// options lays down the options of the OPT.
func (c *composer) options(opt pseudo) []Option {
	if opt.options == 0 {
		return nil
	}
	options := make([]Option, 0, opt.options)
	for b := opt.rdata; len(b) > 0; {
		end := 4 + int(binary.BigEndian.Uint16(b[2:]))
		options = append(options, Option{Code: binary.BigEndian.Uint16(b), Data: c.keep(b[4:end])})
		b = b[end:]
	}
	return options
}
