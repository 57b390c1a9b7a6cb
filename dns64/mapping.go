package dns64

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/sextant-dns/sextant/lookup"
)

// maxSynthetic bounds the AAAA of one answer, however many A there are and
// Pref64s for each. 256 take 7 KB of a message.
const maxSynthetic = 256

// mapping says which Pref64s carry which IPv4 address. It is immutable.
type mapping struct {
	general []netip.Prefix // for what no range covers
	ranges  []Range        // longest first
	bar     Bar
}

func newMapping(o Options) *mapping {
	m := &mapping{general: slices.Clone(o.Prefixes), ranges: slices.Clone(o.Ranges), bar: o.Bar}
	slices.SortStableFunc(m.ranges, func(a, b Range) int { return cmp.Compare(b.IPv4.Bits(), a.IPv4.Bits()) })
	configured := len(m.general) > 0
	for _, r := range m.ranges {
		configured = configured || len(r.Prefixes) > 0
	}
	if !configured {
		m.general = []netip.Prefix{WellKnown} // RFC 6147 5.2: only when no other is configured
	}
	return m
}

// choose is the Pref64s that the ranges assign to v4 (RFC 6147 5.1.7).
func (m *mapping) choose(v4 netip.Addr) []netip.Prefix {
	for _, r := range m.ranges {
		if r.IPv4.Contains(v4) {
			return r.Prefixes
		}
	}
	return m.general
}

// discovery is the Pref64s under which ipv4only.arpa is synthesized: always
// some where any serve for everything, even if a range leaves out 192.0.0.0/24.
func (m *mapping) discovery() []netip.Prefix {
	if chosen := m.choose(wka170); len(chosen) > 0 {
		return chosen
	}
	return m.general
}

// all is every Pref64 that the mapping uses.
func (m *mapping) all() []netip.Prefix {
	prefixes := slices.Clone(m.general)
	for _, r := range m.ranges {
		prefixes = append(prefixes, r.Prefixes...)
	}
	return prefixes
}

// translate embeds the A rdata and tells which Pref64s it used. Addresses that
// map to none, or are barred from theirs, are left out.
func (m *mapping) translate(a lookup.Rdata) (aaaa lookup.Rdata, used []netip.Prefix) {
	var rrs []string
	for rdata := range a.All() {
		if len(rdata) != 4 {
			continue
		}
		quad := [4]byte([]byte(rdata))
		v4 := netip.AddrFrom4(quad)
		for _, p := range m.choose(v4) {
			if len(rrs) == maxSynthetic {
				return lookup.PackRdata(rrs...), used
			}
			if p == WellKnown && m.bar.bars(v4) {
				continue
			}
			rrs = append(rrs, aaaaRdata(embed(p, quad)))
			if !slices.Contains(used, p) {
				used = append(used, p)
			}
		}
	}
	return lookup.PackRdata(rrs...), used
}

// aaaaRdata is the rdata of an AAAA RR (RFC 3596 2.2).
func aaaaRdata(a netip.Addr) string {
	octets := a.As16()
	return string(octets[:])
}

// bars tells whether v4 may not stand in the well-known prefix.
func (b Bar) bars(v4 netip.Addr) bool {
	if b == BarOff {
		return false
	}
	in := func(p netip.Prefix) bool { return p.Contains(v4) }
	switch {
	case slices.ContainsFunc(privateIPv4, in):
		return b == BarRFC6052
	case slices.ContainsFunc(globalExceptions, in):
		return false
	}
	return slices.ContainsFunc(nonGlobalIPv4, in)
}

// privateIPv4 are the ranges that draft-ietf-v6ops-nat64-wkp-1918 lets in.
var privateIPv4 = parsePrefixes(
	"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", // RFC 1918 3
	"100.64.0.0/10", // RFC 6598 7
)

// nonGlobalIPv4 are the other ranges that are not globally reachable unicast:
// the IANA IPv4 Special-Purpose Address Registry (RFC 6890), and multicast.
var nonGlobalIPv4 = parsePrefixes(
	"0.0.0.0/8",       // RFC 791 3.2
	"127.0.0.0/8",     // RFC 1122 3.2.1.3
	"169.254.0.0/16",  // RFC 3927
	"192.0.0.0/24",    // RFC 6890 2.1
	"192.0.2.0/24",    // RFC 5737
	"192.88.99.0/24",  // RFC 7526, was 6to4 anycast
	"198.18.0.0/15",   // RFC 2544
	"198.51.100.0/24", // RFC 5737
	"203.0.113.0/24",  // RFC 5737
	"224.0.0.0/4",     // RFC 5771, multicast
	"240.0.0.0/4",     // RFC 1112 4, and limited broadcast
)

// globalExceptions are the parts of nonGlobalIPv4 that are global after all.
var globalExceptions = parsePrefixes(
	"192.0.0.9/32",  // RFC 7723 4.2, PCP anycast
	"192.0.0.10/32", // RFC 8155 8.1, TURN anycast
)

func parsePrefixes(texts ...string) []netip.Prefix {
	prefixes := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		prefixes[i] = netip.MustParsePrefix(text)
	}
	return prefixes
}
