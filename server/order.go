package server

import (
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/server/internal/wire"
)

// Order is in what order the addresses of an answer are given. Clients mostly take
// the first. It is about A and AAAA alone: for other types the order means nothing
// or stands in the rdata.
type Order uint8

// The orders.
const (
	OrderFixed  Order = iota // as the response has them
	OrderCyclic              // each answer begins one further on
	OrderRandom              // each answer begins anywhere
)

// ring is a set of addresses in the answer section of a packet, by number among the
// RRs of the packet. They can change places, since all have one size and no name in
// them that a pointer could lead to. The zero ring is none.
type ring struct{ first, count uint8 }

// setRing finds the ring: the last set of several addresses, which is what aliases
// lead to.
func (p *packet) setRing(answer []lookup.RRset, dnssec bool) {
	const most = 1<<8 - 1
	at := 0
	for i := range answer {
		s := &answer[i]
		n := s.Data.Len()
		if size := addressSize(s.Type); n > 1 && at+n <= most && size > 0 && len(s.Data) == n*(2+size) {
			p.ring = ring{uint8(at), uint8(n)}
			if p.traits &^= wide; s.Type == lookup.TypeAAAA {
				p.traits |= wide
			}
		}
		if at += n; dnssec {
			at += s.Sigs.Len()
		}
	}
	if int(p.ring.first)+int(p.ring.count) > int(p.ttls) { // the message was full before
		p.ring = ring{}
	}
}

// addressSize is the length of the type's rdata if those are addresses, otherwise 0.
func addressSize(t lookup.Type) int {
	switch t {
	case lookup.TypeA:
		return 4
	case lookup.TypeAAAA:
		return 16
	}
	return 0
}

// turn is by how many places the addresses of p are moved in this answer.
func (s *Server) turn(q *query, p *packet) int {
	if p.ring.count == 0 {
		return 0
	}
	switch s.options.Order {
	case OrderCyclic:
		return int(q.tally.turns.Add(1) % uint64(p.ring.count))
	case OrderRandom:
		return s.options.IntN(int(p.ring.count))
	}
	return 0
}

// rotate writes the addresses of p into sections, a copy of the body or of its
// beginning, by so many places earlier.
func (p *packet) rotate(sections []byte, places int) {
	const behindTTL = 6 // TTL and RDLENGTH
	size := 4
	if p.is(wide) {
		size = 16
	}
	count, body := int(p.ring.count), p.body()
	rdata := func(i int) int { return wire.Offset(p.offsets(), int(p.ring.first)+i) + behindTTL }
	if rdata(count-1)+size > len(sections) {
		return // they were cut off
	}
	for i := range count {
		from := rdata((i + places) % count)
		copy(sections[rdata(i):], body[from:from+size])
	}
}
