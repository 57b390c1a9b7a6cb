package server

import (
	"net/netip"
	"slices"

	"github.com/sextant-dns/sextant/lookup"
)

// View is what a set of clients hears. Its resolvers must not be changed while
// the server has it.
type View struct {
	Name    string         // for people
	Clients []netip.Prefix // whom it is for; empty: everyone

	// Recursive answers queries with RD set, Authoritative those without. When
	// one of them is nil the other answers all, and when both are, the clients
	// are refused. Authoritative must not wait for anything, unless it is a Prompter:
	// who receives queries asks it, before the next one is looked at.
	Recursive, Authoritative lookup.Resolver

	RateLimit bool // Options.RateLimit holds for all replies, and not for errors alone
}

// Prompter is a Resolver that can answer without waiting, or say that it cannot.
type Prompter interface {
	lookup.Resolver

	// Prompt is Resolve, and never waits. When ok is false there is no answer yet, and
	// Resolve is asked by somebody who can wait.
	Prompt(q lookup.Query) (r *lookup.Response, ok bool)
}

// resolver is who answers a query: views choose, RD selects. ours tells that it
// is the authoritative one; r is nil when there is none.
func (v *View) resolver(rd bool) (r lookup.Resolver, ours bool) {
	if v.Authoritative == nil || rd && v.Recursive != nil {
		return v.Recursive, false
	}
	return v.Authoritative, true
}

func (v *View) contains(client netip.Addr) bool {
	return len(v.Clients) == 0 || slices.ContainsFunc(v.Clients, func(p netip.Prefix) bool { return p.Contains(client) })
}

// generation is a set of views with the packets that were made under it. A query
// belongs to one generation from its beginning to its end, so a late answer of
// views that were replaced cannot get among the packets of the new ones.
type generation struct {
	views   []View
	packets *packets // nil: nothing is remembered
}

func newGeneration(views []View, o Options) *generation {
	g := &generation{views: slices.Clone(views), packets: newPackets(o.Packets, o.PacketBytes)}
	for i := range g.views {
		clients := slices.Clone(g.views[i].Clients)
		for j := range clients {
			clients[j] = unmapped(clients[j])
		}
		g.views[i].Clients = clients
	}
	return g
}

// view is the index of the first view that contains the client, -1 if none does.
func (g *generation) view(client netip.Addr) int {
	for i := range g.views {
		if g.views[i].contains(client) {
			return i
		}
	}
	return -1
}

// unmapped writes a prefix of IPv4-mapped addresses as the IPv4 prefix that it
// means: that is how client addresses are compared.
func unmapped(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked()
}

// clientOf is the address of who sent from there: plain IPv4 also when the
// socket maps it into IPv6, and without a zone, which no prefix contains.
func clientOf(from netip.AddrPort) netip.Addr { return from.Addr().Unmap().WithZone("") }
