package dns64

import (
	"cmp"
	"net/netip"
	"slices"
)

// lengths are those that a Pref64 can have (RFC 6052 2.2).
func lengths() []int { return []int{32, 40, 48, 56, 64, 96} }

// Candidates are the Pref64s, one for each length, under which a would be the address of
// an IPv4 host, with that host: what can be said of an address of which nothing else is
// known. Bits 64 to 71 have to be zero (RFC 6052 2.2).
func Candidates(a netip.Addr) (all []Candidate) {
	if !a.Is6() || a.Is4In6() {
		return nil
	}
	for _, bits := range lengths() {
		p := netip.PrefixFrom(a.WithZone(""), bits).Masked()
		if a.As16()[uOctet] != 0 || CheckPrefix(p) != nil {
			continue
		}
		if v4, ok := Extract(p, a); ok {
			all = append(all, Candidate{p, v4})
		}
	}
	return all
}

// A Candidate is one way to read an IPv6 address.
type Candidate struct {
	Prefix netip.Prefix
	V4     netip.Addr
}

// Discover finds the Pref64s in the AAAA records of ipv4only.arpa (RFC 7050 3). All are
// looked at; those that hold neither of the well-known addresses are no synthetic ones.
// Where one can be read in two ways, because a well-known address stands in it twice, the
// record of the other well-known address decides; when it does not, either, nothing is
// found in it.
func Discover(addrs []netip.Addr) (prefixes []netip.Prefix) {
	for _, a := range addrs {
		ways := wellKnownIn(a)
		if len(ways) > 1 { // RFC 7050 3: ambiguous, so the other well-known address is tried
			ways = slices.DeleteFunc(ways, func(c Candidate) bool {
				return !slices.ContainsFunc(addrs, func(b netip.Addr) bool { return b == Embed(c.Prefix, other(c.V4)) })
			})
		}
		if len(ways) == 1 && !slices.Contains(prefixes, ways[0].Prefix) {
			prefixes = append(prefixes, ways[0].Prefix)
		}
	}
	slices.SortFunc(prefixes, func(p, q netip.Prefix) int {
		return cmp.Or(p.Addr().Compare(q.Addr()), cmp.Compare(p.Bits(), q.Bits()))
	})
	return prefixes
}

// wellKnownIn is the ways to read a as the address of a well-known address.
func wellKnownIn(a netip.Addr) []Candidate {
	return slices.DeleteFunc(Candidates(a), func(c Candidate) bool { return c.V4 != wka170 && c.V4 != wka171 })
}

// other is the other one of the well-known addresses.
func other(v4 netip.Addr) netip.Addr {
	if v4 == wka170 {
		return wka171
	}
	return wka170
}

// Bars says whether an IPv4 address is kept out of the well-known prefix (RFC 6052 3.1).
func (b Bar) Bars(v4 netip.Addr) bool { return b.bars(v4.Unmap()) }
