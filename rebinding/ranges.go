package rebinding

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/sextant-dns/sextant/lookup"
)

// wellKnown is the Pref64 of RFC 6052 2.1. It must not carry private addresses
// (RFC 6052 3.1), but a translator might not look.
var wellKnown = netip.MustParsePrefix("64:ff9b::/96")

// sixToFour holds IPv4 addresses in bits 16 to 47 (RFC 3056 2).
var sixToFour = netip.MustParsePrefix("2002::/16")

// DefaultPrivate is a new list of the ranges that are meant for a host, a link or
// a site, and reach something else from each.
func DefaultPrivate() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/8"),      // this host (RFC 1122 3.2.1.3); 0.0.0.0 reaches the host itself
		netip.MustParsePrefix("10.0.0.0/8"),     // private (RFC 1918 3)
		netip.MustParsePrefix("100.64.0.0/10"),  // shared, CGNAT (RFC 6598 7)
		netip.MustParsePrefix("127.0.0.0/8"),    // loopback (RFC 1122 3.2.1.3)
		netip.MustParsePrefix("169.254.0.0/16"), // link-local (RFC 3927 2.1)
		netip.MustParsePrefix("172.16.0.0/12"),  // private (RFC 1918 3)
		netip.MustParsePrefix("192.168.0.0/16"), // private (RFC 1918 3)
		netip.MustParsePrefix("::/128"),         // unspecified (RFC 4291 2.5.2)
		netip.MustParsePrefix("::1/128"),        // loopback (RFC 4291 2.5.3)
		netip.MustParsePrefix("fc00::/7"),       // unique local (RFC 4193 3.1)
		netip.MustParsePrefix("fe80::/10"),      // link-local (RFC 4291 2.5.6)
		netip.MustParsePrefix("fec0::/10"),      // site-local, deprecated but known to old hosts (RFC 3879 4)
	}
}

// ranges judges addresses. It is immutable.
type ranges struct {
	private []netip.Prefix
	pref64s []netip.Prefix
}

func newRanges(o Options) ranges {
	r := ranges{private: DefaultPrivate(), pref64s: slices.Concat([]netip.Prefix{wellKnown}, o.Prefixes)}
	if o.Private != nil {
		r.private = slices.Clone(o.Private)
	}
	return r
}

// offends tells whether rdata of an A, AAAA, SVCB or HTTPS RR has a private
// address. Address rdata of a wrong length is no address.
func (r *ranges) offends(t lookup.Type, rdata string) bool {
	switch {
	case t == lookup.TypeA:
		return len(rdata) == 4 && r.private4(rdata)
	case t == lookup.TypeAAAA:
		return len(rdata) == 16 && r.private6(rdata)
	}
	return r.hints(rdata)
}

// private4 judges the IPv4 address in four octets.
func (r *ranges) private4(octets string) bool {
	var quad [4]byte
	copy(quad[:], octets)
	return r.contains(netip.AddrFrom4(quad))
}

// private6 judges the IPv6 address in sixteen octets, and any IPv4 address that it
// embeds.
func (r *ranges) private6(octets string) bool {
	var all [16]byte
	copy(all[:], octets)
	a := netip.AddrFrom16(all)
	switch {
	case r.contains(a):
		return true
	case a.Is4In6():
		return r.private4(octets[12:]) // RFC 4291 2.5.5.2
	case sixToFour.Contains(a) && r.private4(octets[2:6]):
		return true
	}
	for _, p := range r.pref64s {
		if p.Contains(a) && r.contains(extract(p, all)) {
			return true
		}
	}
	return false
}

func (r *ranges) contains(a netip.Addr) bool {
	for _, p := range r.private {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// extract is the IPv4 address that a has after the Pref64 p. It steps over octet
// 8, the u octet, which is no part of it (RFC 6052 2.2).
func extract(p netip.Prefix, a [16]byte) netip.Addr {
	const u = 8
	var quad [4]byte
	at := p.Bits() / 8
	for i := range quad {
		if at == u {
			at++
		}
		quad[i] = a[at]
		at++
	}
	return netip.AddrFrom4(quad)
}

// checkPref64 tells why p cannot be a Pref64 (RFC 6052 2.2), or nil.
func checkPref64(p netip.Prefix) error {
	if !p.IsValid() || !p.Addr().Is6() || p.Addr().Is4In6() {
		return fmt.Errorf("Pref64 %s is not an IPv6 prefix", p)
	}
	switch p.Bits() {
	case 32, 40, 48, 56, 64, 96:
		return nil
	}
	return fmt.Errorf("Pref64 %s has length %d; RFC 6052 2.2 allows 32, 40, 48, 56, 64 and 96", p, p.Bits())
}
