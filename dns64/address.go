package dns64

import (
	"errors"
	"fmt"
	"net/netip"
)

// WellKnown is the prefix that is used when no other is configured
// (RFC 6052 2.1). It carries global IPv4 addresses only: see Bar.
var WellKnown = netip.MustParsePrefix("64:ff9b::/96")

// The two well-known IPv4 addresses of ipv4only.arpa (RFC 7050 2.2).
var (
	wka170 = netip.AddrFrom4([4]byte{192, 0, 0, 170})
	wka171 = netip.AddrFrom4([4]byte{192, 0, 0, 171})
)

// uOctet is the octet of an address, bits 64 to 71, that is always zero and
// that the embedded IPv4 address steps over (RFC 6052 2.2).
const uOctet = 8

// ParsePrefix reads a Pref64 in text form, with a dotted quad tail or without
// (RFC 6052 2.4), and checks it as CheckPrefix does.
func ParsePrefix(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("Pref64: %w", err)
	}
	if err := CheckPrefix(p); err != nil {
		return netip.Prefix{}, err
	}
	return p, nil
}

// CheckPrefix tells why p cannot be a Pref64, or nil: it must be IPv6, have no
// bit set outside its length, be 32, 40, 48, 56, 64 or 96 bits long, and leave
// bits 64 to 71 zero (RFC 6052 2.2).
func CheckPrefix(p netip.Prefix) error {
	switch {
	case !p.IsValid():
		return errors.New("Pref64 is missing or not a prefix")
	case !p.Addr().Is6() || p.Addr().Is4In6():
		return fmt.Errorf("Pref64 %s is not an IPv6 prefix", p)
	}
	switch p.Bits() {
	case 32, 40, 48, 56, 64, 96:
	default:
		return fmt.Errorf("Pref64 %s has length %d; RFC 6052 2.2 allows 32, 40, 48, 56, 64 and 96", p, p.Bits())
	}
	if masked := p.Masked(); masked != p {
		return fmt.Errorf("Pref64 %s has bits set after its length; meant %s?", p, masked)
	}
	if octets := p.Addr().As16(); octets[uOctet] != 0 {
		return fmt.Errorf("Pref64 %s has bits 64 to 71 set; RFC 6052 2.2 wants them zero", p)
	}
	return nil
}

// Embed is the IPv6 address that stands for v4 under the Pref64 p, its suffix
// zero (RFC 6052 2.2 and 2.3). It is the zero Addr when p fails CheckPrefix or
// v4 is not IPv4; an IPv4-mapped address counts as IPv4.
func Embed(p netip.Prefix, v4 netip.Addr) netip.Addr {
	v4 = v4.Unmap()
	if CheckPrefix(p) != nil || !v4.Is4() {
		return netip.Addr{}
	}
	return embed(p, v4.As4())
}

// embed is Embed for a prefix that has been checked.
func embed(p netip.Prefix, v4 [4]byte) netip.Addr {
	octets := p.Addr().As16()
	at := p.Bits() / 8
	for _, octet := range v4 {
		if at == uOctet {
			at++
		}
		octets[at] = octet
		at++
	}
	return netip.AddrFrom16(octets)
}

// Extract is the IPv4 address inside a; ok is false when a does not lie in the
// Pref64 p or p fails CheckPrefix. Bits 64 to 71 and the suffix are skipped,
// whatever they hold (RFC 6052 2.2 and 2.3).
func Extract(p netip.Prefix, a netip.Addr) (v4 netip.Addr, ok bool) {
	if CheckPrefix(p) != nil || !p.Contains(a) {
		return netip.Addr{}, false
	}
	octets, at := a.As16(), p.Bits()/8
	var quad [4]byte
	for i := range quad {
		if at == uOctet {
			at++
		}
		quad[i] = octets[at]
		at++
	}
	return netip.AddrFrom4(quad), true
}
