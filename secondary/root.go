package secondary

import "net/netip"

// RootPrimaries are the servers that transfer the root zone to everybody who asks
// (RFC 8806 A): those that ICANN runs for the purpose, and the root servers that do
// so beside their work, with their addresses of today.
func RootPrimaries() []netip.AddrPort {
	var all []netip.AddrPort
	for _, a := range [...]string{
		"192.0.32.132", "2620:0:2d0:202::132", // xfr.lax.dns.icann.org
		"192.0.47.132", "2620:0:2830:202::132", // xfr.cjr.dns.icann.org
		"170.247.170.2", "2801:1b8:10::b", // b.root-servers.net
		"192.33.4.12", "2001:500:2::c", // c.root-servers.net
		"199.7.91.13", "2001:500:2d::d", // d.root-servers.net
		"192.5.5.241", "2001:500:2f::f", // f.root-servers.net
		"192.112.36.4", "2001:500:12::d0d", // g.root-servers.net
		"193.0.14.129", "2001:7fd::1", // k.root-servers.net
	} {
		all = append(all, netip.AddrPortFrom(netip.MustParseAddr(a), 53))
	}
	return all
}
