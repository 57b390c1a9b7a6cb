package message

import (
	"encoding/binary"

	"github.com/sextant-dns/sextant/lookup"
)

// Part is one message of a zone transfer in the making (RFC 5936 2.2): a header, a
// question and RRs in the answer section, in the order in which they are added.
type Part struct {
	encoder encoder
	header  Header
	counts  counts
	limit   int
}

// NewPart begins a message at the end of dst. The header is h with QR set. It is not
// to become longer than limit octets.
func NewPart(dst []byte, h Header, q Question, limit int) *Part {
	p := &Part{encoder: encoder{dst: dst}, header: h, counts: counts{1, 0, 0, 0}, limit: min(limit, maxMessage)}
	p.header.QR = true
	e := &p.encoder
	e.names.start = len(dst)
	e.dst = appendHeader(e.dst, p.header, p.counts)
	e.dst = e.names.appendName(e.dst, q.Raw)
	e.dst = binary.BigEndian.AppendUint16(e.dst, uint16(q.Type))
	e.dst = binary.BigEndian.AppendUint16(e.dst, uint16(q.Class))
	return p
}

// Add adds an RR. When it is false there is no room for it, nothing was added, and
// only End may follow.
func (p *Part) Add(r Record) bool {
	e := &p.encoder
	end := len(e.dst)
	set := lookup.RRset{Name: r.Name, Type: r.Type, TTL: r.TTL, Data: lookup.PackRdata(r.Data)}
	e.rrs(&set, r.Type, set.Data)
	if e.offset() > p.limit || p.counts[1] == 1<<16-1 {
		e.dst = e.dst[:end]
		return false
	}
	p.counts[1]++
	return true
}

// End appends an OPT unless opt is nil, and returns dst with the message. The OPT must
// have been left room for.
func (p *Part) End(opt *OPT) []byte {
	e := &p.encoder
	if opt != nil {
		p.counts[3] = 1
		e.dst = AppendOPT(e.dst, *opt, p.header.Rcode)
	}
	appendHeader(e.dst[:e.names.start], p.header, p.counts)
	return e.dst
}
