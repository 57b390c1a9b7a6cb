package server

import (
	"bytes"
	"net/netip"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/message"
	"github.com/sextant-dns/sextant/server/internal/wire"
)

// packet is a response packed once, ready to be rendered for many clients: all
// of a reply but its header, question and OPT, which differ from client to
// client. It is never changed once it was put among the packets. Errors are
// packets without a body.
type packet struct {
	rcode  lookup.Rcode
	flags  wire.Flags // AA and TC
	counts wire.Counts
	secure bool

	// body holds the three sections, in the positions that they have after the
	// question: compression pointers count from the start of the message.
	body       []byte
	ttls       []uint16 // where each TTL stands in body, ascending
	additional int      // where the additional section starts in body
	glue       bool     // the additional section may not be left out

	scope   netip.Prefix
	wanted  uint8 // as in lookup.Response
	ede     []lookup.EDE
	born    time.Time // when the TTLs were right
	ageless bool      // the data is our own: its TTLs do not run

	// Whom it answers (packets.go).
	question string
	variant  variant
}

// pack makes a packet of the response to q.
func pack(q *query, r *lookup.Response) *packet {
	name := q.Name()
	asked := message.Question{Raw: string(name), Name: name, Type: q.Type, Class: q.Class}
	msg, at := message.AppendResponse(make([]byte, 0, 512), message.Header{}, asked, r, q.DO)
	flags, counts := wire.ReadHead(msg)
	for i := range at.TTLs {
		at.TTLs[i] -= uint16(at.Answer)
	}
	return &packet{
		rcode:      r.Rcode,
		flags:      flags & (wire.AA | wire.TC),
		counts:     counts,
		secure:     r.Security == lookup.Secure,
		body:       bytes.Clone(msg[at.Answer:at.End]),
		ttls:       at.TTLs,
		additional: at.Additional - at.Answer,
		glue:       r.Glue,
		scope:      r.Scope,
		wanted:     r.Wanted,
		ede:        r.EDE,
	}
}

// age is how many whole seconds old the packet is at that time.
func (p *packet) age(now time.Time) uint32 {
	if p.ageless {
		return 0
	}
	return uint32(max(now.Sub(p.born), 0) / time.Second)
}

// cut is how much of the body fits into room octets, and the flags and counts
// that go with it: all; all but an additional section that is a mere courtesy;
// or nothing, with TC set (RFC 2181 9).
func (p *packet) cut(room int) (body []byte, flags wire.Flags, counts wire.Counts) {
	switch {
	case len(p.body) <= room:
		return p.body, p.flags, p.counts
	case !p.glue && p.additional <= room: // RFC 9471 3: glue is no courtesy
		return p.body[:p.additional], p.flags, wire.Counts{p.counts[0], p.counts[1], 0}
	}
	return nil, p.flags | wire.TC, wire.Counts{}
}

// render appends p as the reply to q. Every reply is made here.
func (s *Server) render(dst []byte, q *query, p *packet) []byte {
	limit := s.limit(q)
	body, flags, counts := p.cut(limit - q.QuestionEnd - s.optLen(q))
	q.rcode = p.rcode
	if q.EDNS {
		counts[2]++
	} else if q.rcode > 15 { // there is no room for its upper bits
		q.rcode = lookup.SERVFAIL
	}
	flags |= wire.Flags(q.rcode & 0xf)
	if q.view >= 0 && q.generation.views[q.view].Recursive != nil {
		flags |= wire.RA
	}
	// RFC 6840 5.7 and 5.8: AD goes to those who asked for it, or set DO.
	if p.secure && (q.DO || q.Flags&wire.AD != 0) {
		flags |= wire.AD
	}

	start := len(dst)
	dst = q.AppendHead(dst, q.msg, flags, counts)
	sections := len(dst)
	dst = append(dst, body...)
	wire.Age(dst[sections:], within(p.ttls, len(body)), p.age(q.arrived))
	if q.EDNS {
		dst = s.appendOPT(dst, q, p, start+limit)
	}
	q.tally.reply(q)
	return dst
}

// limit is how long the reply to q may be.
func (s *Server) limit(q *query) int {
	switch {
	case q.proto == TCP:
		return wire.MaxMessage
	case !q.EDNS:
		return minUDP // RFC 1035 4.2.1
	}
	// RFC 6891 6.2.3: values below 512 are treated as 512.
	return min(max(int(q.Size), minUDP), s.options.UDPSize)
}

// within leaves out the offsets that are not below end.
func within(offsets []uint16, end int) []uint16 {
	for len(offsets) > 0 && int(offsets[len(offsets)-1]) >= end {
		offsets = offsets[:len(offsets)-1]
	}
	return offsets
}
