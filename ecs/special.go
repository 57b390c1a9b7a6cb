package ecs

import (
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/sextant-dns/sextant/lookup"
)

// SpecialPurpose is the address space of which nothing is ever told, because no
// server on the Internet can make anything of it: what the IANA registries that
// RFC 6890 began do not call globally reachable, and what is no unicast.
func SpecialPurpose() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/8"),       // this network (RFC 791)
		netip.MustParsePrefix("10.0.0.0/8"),      // private (RFC 1918)
		netip.MustParsePrefix("100.64.0.0/10"),   // carrier-grade NAT (RFC 6598)
		netip.MustParsePrefix("127.0.0.0/8"),     // loopback
		netip.MustParsePrefix("169.254.0.0/16"),  // link-local (RFC 3927)
		netip.MustParsePrefix("172.16.0.0/12"),   // private
		netip.MustParsePrefix("192.0.0.0/24"),    // protocol assignments
		netip.MustParsePrefix("192.0.2.0/24"),    // documentation (RFC 5737)
		netip.MustParsePrefix("192.88.99.0/24"),  // once 6to4 relays (RFC 7526)
		netip.MustParsePrefix("192.168.0.0/16"),  // private
		netip.MustParsePrefix("198.18.0.0/15"),   // benchmarks (RFC 2544)
		netip.MustParsePrefix("198.51.100.0/24"), // documentation
		netip.MustParsePrefix("203.0.113.0/24"),  // documentation
		netip.MustParsePrefix("224.0.0.0/3"),     // multicast and reserved

		// Global unicast IPv6 is 2000::/3, and all else is something else: unique
		// local, link-local, multicast, NAT64, IPv4-mapped.
		netip.MustParsePrefix("::/3"),
		netip.MustParsePrefix("4000::/2"),
		netip.MustParsePrefix("8000::/1"),
		netip.MustParsePrefix("2001::/23"),     // protocol assignments, Teredo
		netip.MustParsePrefix("2001:db8::/32"), // documentation (RFC 3849)
		netip.MustParsePrefix("2002::/16"),     // 6to4
		netip.MustParsePrefix("3fff::/20"),     // documentation (RFC 9637)
	}
}

// Nobodys is the block that p lies in, if its addresses say nothing of where somebody
// is: they are used in many networks at the same time, or by nobody at all. Networks of
// documentation are not among them, since examples and tests treat them as places.
func Nobodys(p netip.Prefix) (block netip.Prefix, ok bool) {
	if isSomebodys(p.Addr()) {
		return netip.Prefix{}, false
	}
	for _, b := range nobodys {
		if Covers(b, p) {
			return b, true
		}
	}
	return netip.Prefix{}, false
}

// isSomebodys tells that addr is in none of the blocks of nobodys, by its first octet,
// as most addresses are: each query with a subnet has one.
func isSomebodys(addr netip.Addr) bool {
	if addr.Is4() {
		switch first := addr.As4()[0]; first {
		case 0, 10, 100, 127, 169, 172, 192:
			return false
		default:
			return first < 224
		}
	}
	first := addr.As16()[0]
	return addr.Is6() && first > 0 && first < 0xfc
}

// nobodys is never written.
var nobodys = [...]netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"),     // RFC 1918
	netip.MustParsePrefix("172.16.0.0/12"),  // RFC 1918
	netip.MustParsePrefix("192.168.0.0/16"), // RFC 1918
	netip.MustParsePrefix("100.64.0.0/10"),  // RFC 6598
	netip.MustParsePrefix("127.0.0.0/8"),
	netip.MustParsePrefix("169.254.0.0/16"), // RFC 3927
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("224.0.0.0/3"), // multicast and reserved
	netip.MustParsePrefix("fc00::/7"),    // RFC 4193
	netip.MustParsePrefix("fe80::/10"),
	netip.MustParsePrefix("fec0::/10"),
	netip.MustParsePrefix("ff00::/8"),
	netip.MustParsePrefix("::/96"), // unspecified, loopback, and what RFC 4291 2.5.5.1 gave up
}

// IsDelegating tells whether zone does little but delegate: the root, a top-level
// domain, or a suffix under which registries register. Their answers do not depend
// on where a client is (RFC 7871 12.1). Suffixes that companies have put on the
// list for what they host are not meant: their servers may well be a CDN's.
func IsDelegating(zone lookup.Name) bool {
	if zone.Labels() <= 1 {
		return true
	}
	name := strings.TrimSuffix(zone.String(), ".")
	// The child shows the zones that have suffixes for all their children (*.ck).
	for _, suffix := range [...]string{name, "x." + name} {
		if public, registry := publicsuffix.PublicSuffix(suffix); registry && public == suffix {
			return true
		}
	}
	return false
}

// longest is the longest of networks that covers p, the zero Prefix if none does.
func longest(networks []netip.Prefix, p netip.Prefix) (found netip.Prefix) {
	for _, n := range networks {
		if Covers(n, p) && (!found.IsValid() || n.Bits() > found.Bits()) {
			found = n
		}
	}
	return found
}

func covered(by []netip.Prefix, p netip.Prefix) bool {
	return slices.ContainsFunc(by, func(n netip.Prefix) bool { return Covers(n, p) })
}
