package dig

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/miekg/dns"
)

// setPrefix asks for the prefixes of the NAT64 as well (RFC 7050 3), and prints
// nothing but them.
func setPrefix(p *parser, _ *query, on bool, _ string) error {
	if !on {
		return nil
	}
	p.command.greet = false
	p.begin("ipv4only.arpa")
	if q := p.current; q != p.defaults {
		q.setType(dns.TypeAAAA)
		q.prefix = true
		q.show.all(false)
	}
	return nil
}

// printPrefixes prints the prefixes in which both addresses of ipv4only.arpa are
// (RFC 7050 2.2): one alone may stand in an address by accident.
func (d *dialogue) printPrefixes(r *reply) {
	var addrs []netip.Addr
	for _, rr := range r.rrset(inAnswer, dns.TypeAAAA) {
		if a, ok := netip.AddrFromSlice(r.octets[rr.at:rr.end]); ok && a.Is6() {
			addrs = append(addrs, a)
		}
	}
	for _, p := range pref64s(addrs) {
		fmt.Fprintln(d.out, p)
	}
}

func pref64s(addrs []netip.Addr) []netip.Prefix {
	var found []netip.Prefix
	for _, a := range addrs {
		for _, bits := range []int{96, 64, 56, 48, 40, 32} { // RFC 6052 2.2
			v4, p := embedded(a, bits)
			if v4 != netip.AddrFrom4([4]byte{192, 0, 0, 170}) || slices.Contains(found, p) {
				continue
			}
			if slices.ContainsFunc(addrs, func(b netip.Addr) bool {
				other, q := embedded(b, bits)
				return q == p && other == netip.AddrFrom4([4]byte{192, 0, 0, 171})
			}) {
				found = append(found, p)
			}
		}
	}
	return found
}

// embedded is the IPv4 address behind a prefix of that length; octet 8 of the
// address does not count (RFC 6052 2.2).
func embedded(a netip.Addr, bits int) (netip.Addr, netip.Prefix) {
	octets := a.As16()
	var v4 [4]byte
	at := bits / 8
	for i := range v4 {
		if at == 8 {
			at++
		}
		v4[i] = octets[at]
		at++
	}
	p, _ := a.Prefix(bits)
	return netip.AddrFrom4(v4), p
}
