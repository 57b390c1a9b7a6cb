package resolver

import (
	"net/netip"
	"slices"

	"github.com/sextant-dns/sextant/lookup"
)

// gather collects the addresses that are known: glue first, and for name servers
// without glue what was learned from their own zone. For the others there will be
// leads.
func (p *poll) gather() {
	if p.cut.pinned {
		for _, i := range p.order(len(p.cut.via.Servers)) {
			p.admit(p.cut.via.Servers[i])
		}
	}
	for _, i := range p.order(len(p.cut.servers)) {
		s := p.cut.servers[i]
		if len(s.Addrs) == 0 {
			p.remembered(s.Name)
		} else {
			p.add(s.Addrs)
			p.spare = p.others(p.spare, s)
		}
	}
	for _, name := range p.cut.own {
		p.spare = append(p.spare, p.leadsTo(name)...)
	}
	// The zone itself would have to be asked for addresses in it. When no server of it
	// answers there is no point in that, and where glue has come it was all that there
	// is (RFC 9471 3); where there was none, the zone above may give it.
	inside := func(l lead) bool { return l.question.Name.IsSubdomainOf(p.cut.zone) }
	for _, l := range p.spare {
		if inside(l) && len(p.inside) < maxInside {
			p.inside = append(p.inside, l)
		}
	}
	p.spare = slices.DeleteFunc(p.spare, inside)
	if len(p.servers) == 0 {
		for i, l := range p.leads {
			p.leads[i].glue = inside(l)
		}
	}
}

// remembered collects the addresses of a name server that were learned before.
// What is not known of it becomes leads.
func (p *poll) remembered(name lookup.Name) {
	now, added := p.r.options.Now(), 0
	var leads []lead
	for _, l := range p.leadsTo(name) {
		if h, ok := p.r.recall(p.task.alone(), l.question, now); ok && h.next == "" {
			added += p.add(addressesIn(h.response))
			continue
		}
		leads = append(leads, l)
	}
	if added > 0 {
		p.spare = append(p.spare, leads...)
	} else {
		p.leads = append(p.leads, leads...)
	}
}

// leadsTo are those to all addresses of a name server that can be used.
func (p *poll) leadsTo(name lookup.Name) (leads []lead) {
	for _, t := range p.families() {
		leads = append(leads, lead{question: hopQuestion(name, t)})
	}
	return leads
}

// others appends the leads to the addresses of s of which the glue says nothing.
func (p *poll) others(to []lead, s Server) []lead {
	for _, t := range p.families() {
		if !slices.ContainsFunc(s.Addrs, func(a netip.Addr) bool { return addressType(a) == t }) {
			to = append(to, lead{question: hopQuestion(s.Name, t)})
		}
	}
	return to
}

func addressType(a netip.Addr) lookup.Type {
	if a.Is4() {
		return lookup.TypeA
	}
	return lookup.TypeAAAA
}

// order is the numbers below n in random order, so that the first name server in a
// delegation does not bear the load of all resolvers.
func (p *poll) order(n int) []int {
	order := make([]int, n)
	for i := range order {
		j := p.r.options.IntN(i + 1)
		order[i], order[j] = order[j], i
	}
	return order
}

// families are the types of the addresses that can be used.
func (p *poll) families() []lookup.Type {
	switch {
	case p.r.options.NoIPv4:
		return bothFamilies[1:]
	case p.r.options.NoIPv6:
		return bothFamilies[:1]
	}
	return bothFamilies[:]
}

// bothFamilies is never written.
var bothFamilies = [...]lookup.Type{lookup.TypeA, lookup.TypeAAAA}

// add makes candidates of those addrs that are usable and new, and counts them.
func (p *poll) add(addrs []netip.Addr) (added int) {
	for _, a := range addrs[:min(len(addrs), maxAddresses)] {
		if p.admit(netip.AddrPortFrom(a, p.r.options.Port)) {
			added++
		}
	}
	return added
}

// admit makes a candidate of s, if it is usable and new.
func (p *poll) admit(s netip.AddrPort) bool {
	barred := s.Addr().Is4() && p.r.options.NoIPv4 || s.Addr().Is6() && p.r.options.NoIPv6 || p.forbids(s.Addr())
	known := slices.ContainsFunc(p.servers, func(c *candidate) bool { return c.server == s })
	if barred || known || len(p.servers) == maxServers {
		return false
	}
	var c *candidate
	if n := len(p.servers); n < len(p.room) {
		c = &p.room[n] // nearly all zones have no more
	} else {
		c = new(candidate)
	}
	c.server, c.configured = s, p.configured()
	p.servers = append(p.servers, c)
	return true
}

// configured tells whether the zone is in a part of the tree that is configured. When
// that is all of it, it says nothing of servers that delegations lead to.
func (p *poll) configured() bool {
	apex, z := p.r.pins.find(p.cut.zone)
	return p.cut.pinned || z != nil && apex != lookup.Root
}

// forbids tells whether no server may be looked for at a. What the operator has
// configured is believed: the servers of Zones, and the Hints.
func (p *poll) forbids(a netip.Addr) bool {
	if p.cut.pinned || slices.ContainsFunc(p.r.options.Hints, func(s Server) bool { return slices.Contains(s.Addrs, a) }) {
		return false
	}
	return slices.ContainsFunc(p.r.options.DoNotQuery, func(no netip.Prefix) bool { return no.Contains(a) })
}

// DefaultDoNotQuery is where delegations lead only by mistake or malice: this
// host and this network (RFC 6890 2.2), and what is no single host.
func DefaultDoNotQuery() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/8"),
		netip.MustParsePrefix("127.0.0.0/8"),
		netip.MustParsePrefix("224.0.0.0/3"), // multicast, reserved and broadcast
		netip.MustParsePrefix("::/127"),      // unspecified and loopback
		netip.MustParsePrefix("ff00::/8"),
	}
}

// addressesIn are the addresses in an answer.
func addressesIn(r *lookup.Response) (addrs []netip.Addr) {
	for _, s := range r.Answer {
		addrs = addresses(addrs, s)
	}
	return addrs
}
