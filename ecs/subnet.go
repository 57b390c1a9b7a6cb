package ecs

import "net/netip"

// Truncated is p with at most that many bits; p itself when it has no more.
func Truncated(p netip.Prefix, bits int) netip.Prefix {
	return netip.PrefixFrom(p.Addr(), min(p.Bits(), bits)).Masked()
}

// Covers tells whether all of inner lies in outer. Both must be valid; those of
// different families never cover each other.
func Covers(outer, inner netip.Prefix) bool {
	return outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
}

// Untold is the network of length 0 that has the family of addr: what is said
// for a client about which nothing is to be said. An invalid addr counts as IPv4.
func Untold(addr netip.Addr) netip.Prefix {
	if addr.Is6() && !addr.Is4In6() {
		return netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	}
	return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
}
