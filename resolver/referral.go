package resolver

import (
	"iter"
	"net/netip"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/transport"
)

// Bounds of what is taken from one referral, before anything is looked up
// (NRDelegation, CacheFlush).
const (
	maxNames     = 13 // name servers
	maxAddresses = 6  // of one name server
)

// Referral is where a server of a zone above has referred to; or that one has referred to
// nobody, and has answered.
type Referral struct {
	Zone    lookup.Name
	Servers []Server // with the addresses that came with it; not to be modified
	Glue    bool     // it is what a server has said when it was asked for addresses that were left out

	// Answered is the name for which a server of Zone, the only one in Servers and without a
	// name there, has answered with data. Empty: it is a referral.
	Answered lookup.Name
}

// delegated finds the delegation below zone on the way to q in a reply without
// the answer. NS sets at or above zone are not on the way, those beside it are
// nobody's business (CVE-2025-11411).
func delegated(zone lookup.Name, q lookup.Question, r *transport.Reply) (verdict, bool) {
	sections := [][]lookup.RRset{r.Authority}
	if q.Type == lookup.TypeNS || q.Type == lookup.TypeANY {
		sections = append(sections, r.Answer) // RFC 2181 5.4.1: some put a referral there
	}
	if _, ok := soaFor(zone, q.Name, r); ok {
		return verdict{}, false
	}
	for _, section := range sections {
		for _, s := range section {
			if s.Type != lookup.TypeNS || !isAbove(zone, s.Name) || !q.Name.IsSubdomainOf(s.Name) {
				continue
			}
			if q.Type == lookup.TypeDS && s.Name == q.Name {
				continue // RFC 4035 3.1.4.1: the child is not the one to ask
			}
			c := newCut(zone, s, r.Additional)
			c.signed(r.Authority)
			return verdict{kind: referral, cut: c}, true
		}
	}
	return verdict{}, false
}

// newCut is the cut that ns makes, with the glue that a server of zone may give
// for it: addresses of these very name servers, if they lie in zone. The life of
// the shortest-lived part is the life of all.
func newCut(zone lookup.Name, ns lookup.RRset, additional []lookup.RRset) *cut {
	c := &cut{zone: owned(ns.Name), ttl: ns.TTL, servers: make([]Server, 0, min(ns.Data.Len(), maxNames))}
	for name := range nameServers(ns) {
		c.servers = append(c.servers, Server{Name: owned(name)})
	}
	c.equip(zone, additional)
	return c
}

// nameServers are the names in a set of NS that are any, maxNames at most.
func nameServers(ns lookup.RRset) iter.Seq[lookup.Name] {
	return func(yield func(lookup.Name) bool) {
		left := maxNames
		for rdata := range ns.Data.All() {
			name, _, err := lookup.NameFromWire(rdata)
			if err != nil {
				continue
			}
			if left == 0 || !yield(name) {
				return
			}
			left--
		}
	}
}

// equip gives the name servers that lie in zone and have none their addresses.
func (c *cut) equip(zone lookup.Name, additional []lookup.RRset) {
	for i := range c.servers {
		s := &c.servers[i]
		if len(s.Addrs) > 0 || !s.Name.IsSubdomainOf(zone) {
			continue
		}
		for _, glue := range additional {
			if glue.Name != s.Name {
				continue
			}
			before := len(s.Addrs)
			if s.Addrs = addresses(s.Addrs, glue); len(s.Addrs) > before {
				c.ttl = min(c.ttl, glue.TTL)
			}
		}
		s.Addrs = s.Addrs[:min(len(s.Addrs), maxAddresses)]
	}
}

// gullible is classify for those who want to believe a server about the addresses of
// all name servers that it refers to, and not only of those in its own zone.
func gullible(zone lookup.Name, q lookup.Question, r *transport.Reply) verdict {
	v := classify(zone, q, r)
	if v.kind == referral {
		v.cut.equip(lookup.Root, r.Additional)
	}
	return v
}

// signed takes from a referral what it says of the DS of c (RFC 4035 3.1.4).
func (c *cut) signed(authority []lookup.RRset) {
	for _, s := range authority {
		switch {
		case s.Sigs == "":
		case s.Type == lookup.TypeDS && s.Name == c.zone:
			c.ds = compact(s)
		case denies(s.Type) && len(c.noDS) < maxProof:
			c.noDS = append(c.noDS, compact(s))
		}
	}
}

// addresses appends the addresses in a set of A or AAAA that can be a server's.
func addresses(to []netip.Addr, s lookup.RRset) []netip.Addr {
	size := 4
	switch s.Type {
	case lookup.TypeA:
	case lookup.TypeAAAA:
		size = 16
	default:
		return to
	}
	for rdata := range s.Data.All() {
		a, _ := netip.AddrFromSlice([]byte(rdata))
		if len(rdata) == size && !a.IsUnspecified() && !a.IsMulticast() {
			to = append(to, a.Unmap())
		}
	}
	return to
}
