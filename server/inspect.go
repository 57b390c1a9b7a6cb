package server

import (
	"iter"
	"net/netip"
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

// Packet is what a Server shows of a packed response that it remembers.
type Packet struct {
	Question lookup.Question // with the DO and CD of those whom it answers
	RD       bool            // of those, too
	View     string
	Scope    netip.Prefix // whom it is for; the zero Prefix: everyone
	Rcode    lookup.Rcode
	Size     int       // octets of its sections
	Expires  time.Time // may have passed
}

// Packets yields what is in the packet cache, in no useful order. No lock is held
// while somebody looks.
func (s *Server) Packets() iter.Seq[Packet] {
	return func(yield func(Packet) bool) {
		g := s.generation.Load()
		if g.packets == nil {
			return
		}
		for e := range g.packets.cache.All() {
			if p, ok := e.Value.shown(g.views); ok {
				p.Scope, p.Expires = e.Scope, e.Expires
				if !yield(p) {
					return
				}
			}
		}
	}
}

// shown is p as those see it who operate the server; ok is false for a question
// that has no name.
func (p *packet) shown(views []View) (shown Packet, ok bool) {
	asked := p.asked()
	name, n, err := lookup.NameFromWire(asked)
	if err != nil || len(asked) != n+4 {
		return Packet{}, false
	}
	uint16At := func(i int) uint16 { return uint16(asked[i])<<8 | uint16(asked[i+1]) }
	shown = Packet{
		Question: lookup.Question{Name: name, Type: lookup.Type(uint16At(n)), Class: lookup.Class(uint16At(n + 2)), DO: p.variant&4 != 0, CD: p.variant&2 != 0},
		RD:       p.variant&1 != 0,
		Rcode:    p.rcode,
		Size:     len(p.body()),
	}
	if view := int(p.variant >> 3); view < len(views) {
		shown.View = views[view].Name
	}
	return shown, true
}

// View is the view of a client at that address; ok is false for one that is refused.
func (s *Server) View(client netip.Addr) (v View, ok bool) {
	g := s.generation.Load()
	i, _ := g.view(clientOf(netip.AddrPortFrom(client, 0)), "", netip.Prefix{})
	if i < 0 {
		return View{}, false
	}
	return g.views[i], true
}

// Views are those that there are, in the order in which they are tried.
func (s *Server) Views() []View { return append([]View(nil), s.generation.Load().views...) }

// Resolver is who answers a query of the view, with RD set or without; nil: such
// clients are refused.
func (v View) Resolver(rd bool) lookup.Resolver {
	r, _ := v.resolver(rd)
	return r
}
