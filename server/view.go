package server

import (
	"math/bits"
	"net/netip"
	"slices"

	"github.com/sextant-dns/sextant/lookup"
)

// View is what a set of clients hears. Its resolvers must not be changed while
// the server has it.
type View struct {
	Name    string         // for people
	Clients []netip.Prefix // whom it is for; empty, and no Keys: everyone
	Keys    []lookup.Name  // whoever signs with one of them (RFC 8945) is in the first view that has it, wherever they are

	// Recursive answers queries with RD set, Authoritative those without. When
	// one of them is nil the other answers all, and when both are, the clients
	// are refused. Authoritative must not wait for anything, unless it is a Prompter:
	// who receives queries asks it, before the next one is looked at.
	Recursive, Authoritative lookup.Resolver

	// Proxies may say by an EDNS Client Subnet that a query is of somebody else, who then
	// is in the view, or not, in their place. Nobody else's option says anything of
	// views: anybody can send any (RFC 7871 11.2).
	Proxies []Proxy

	RateLimit bool // Options.RateLimit holds for all replies, and not for errors alone
}

// Prompter is a Resolver that can answer without waiting, or say that it cannot.
type Prompter interface {
	lookup.Resolver

	// Prompt is Resolve, and never waits. When ok is false there is no answer yet, and
	// Resolve is asked by somebody who can wait. Most answers take no work that has to be
	// bounded, so q comes without a Budget.
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

// Proxy is who may speak for others.
type Proxy struct {
	Network netip.Prefix // where it is; the zero Prefix: anywhere, given the Key
	Key     lookup.Name  // that its queries are signed with (RFC 8945); "": they need not be
}

// is tells whether a client that has signed with the key ("": with none) is the proxy.
func (p Proxy) is(client netip.Addr, key lookup.Name) bool {
	if p.Key != "" && p.Key != key || p.Key == "" && !p.Network.IsValid() {
		return false
	}
	return !p.Network.IsValid() || p.Network.Contains(client)
}

// contains tells whether all of a network is in the view.
func (v *View) contains(at netip.Prefix) bool {
	return v.isOpen() || slices.ContainsFunc(v.Clients, func(p netip.Prefix) bool { return includes(p, at) })
}

// isOpen tells whether the view is for everyone.
func (v *View) isOpen() bool { return len(v.Clients)+len(v.Keys) == 0 }

func includes(p, at netip.Prefix) bool { return p.Bits() <= at.Bits() && p.Contains(at.Addr()) }

// isProxy tells whether a client may speak for others to the view.
func (v *View) isProxy(client netip.Addr, key lookup.Name) bool {
	return slices.ContainsFunc(v.Proxies, func(p Proxy) bool { return p.is(client, key) })
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
		proxies := slices.Clone(g.views[i].Proxies)
		for j := range proxies {
			if proxies[j].Network.IsValid() {
				proxies[j].Network = unmapped(proxies[j].Network)
			}
		}
		g.views[i].Clients, g.views[i].Proxies = clients, proxies
	}
	return g
}

// view is the index of the first view that has the key that a client has signed with ("": with
// none), else of the first that contains the client, -1 if none does. What a client says of a subnet counts where it
// is a proxy. Then within is for how many bits of that the choice holds: all addresses that
// have them in common are in the same view by the word of that proxy.
func (g *generation) view(client netip.Addr, key lookup.Name, subnet netip.Prefix) (view int, within uint8) {
	if key != "" {
		if i := slices.IndexFunc(g.views, func(v View) bool { return slices.Contains(v.Keys, key) }); i >= 0 {
			return i, 0
		}
	}
	own := netip.PrefixFrom(client, client.BitLen())
	for i := range g.views {
		v, at := &g.views[i], own
		proxied := len(v.Proxies) > 0 && subnet.IsValid() && v.isProxy(client, key)
		if proxied {
			at = subnet
		}
		in := v.contains(at)
		if proxied {
			within = max(within, v.border(at, in))
		}
		if in {
			return i, within
		}
	}
	return -1, within
}

// border is how many bits a prefix around at has at least that is in the view as a whole,
// or outside of it as a whole. It may be more than at has.
func (v *View) border(at netip.Prefix, in bool) (bits uint8) {
	if at.Bits() == 0 { // RFC 7871 7.2.1: SCOPE is 0 where SOURCE is
		return 0
	}
	if in {
		bits = 128
	}
	for _, p := range v.Clients {
		switch {
		case p.Addr().Is4() != at.Addr().Is4():
		case in && includes(p, at):
			bits = min(bits, uint8(p.Bits()))
		case !in && includes(at, p): // some of them are in the view
			bits = max(bits, uint8(p.Bits()))
		case !in:
			bits = max(bits, common(p.Addr(), at.Addr())+1)
		}
	}
	if in && v.isOpen() {
		return 0
	}
	return bits
}

// common is with how many equal bits two addresses of one family begin.
func common(a, b netip.Addr) (n uint8) {
	x, y := a.AsSlice(), b.AsSlice()
	for i := range x {
		if d := x[i] ^ y[i]; d != 0 {
			return n + uint8(bits.LeadingZeros8(d))
		}
		n += 8
	}
	return n
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
