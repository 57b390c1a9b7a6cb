package tailor_test

import (
	"net/netip"
	"testing"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/tailor"
)

func prefix(b [4]byte, bits int) netip.Prefix { return netip.PrefixFrom(netip.AddrFrom4(b), bits) }

// RFC 7871 7.1.2, 10 and 11.3: whose place decides, and for whom the answer is said to be.
func TestE29E39E40E41WhosePlaceDecides(t *testing.T) {
	t.Parallel()
	d := lay(t).when("198.51.100.0/24", "www A 10.0.0.1").when("10.0.0.0/8", "www A 10.0.0.2")
	z := tailored(t, d, nil, "www A 192.0.2.80")
	for _, c := range []struct{ client, subnet, want, scope string }{
		{"198.51.100.7", "", "10.0.0.1", "198.51.100.0/24"},
		{"::ffff:198.51.100.7", "", "10.0.0.1", "198.51.100.0/24"},
		{"198.51.100.7", "203.0.113.0/24", "192.0.2.80", "200.0.0.0/5"},
		{"203.0.113.1", "198.51.100.0/24", "10.0.0.1", "198.51.100.0/24"},
		{"198.51.100.7", "0.0.0.0/0", "10.0.0.1", "0.0.0.0/0"}, // nothing is told, who asks decides
		{"203.0.113.1", "::/0", "192.0.2.80", "::/0"},
		{"198.51.100.7", "10.1.2.0/24", "10.0.0.1", "10.0.0.0/8"}, // not what somebody in 10/8 hears
		{"203.0.113.1", "10.1.2.0/24", "192.0.2.80", "10.0.0.0/8"},
		{"198.51.100.7", "192.168.1.0/24", "10.0.0.1", "192.168.0.0/16"},
		{"198.51.100.7", "127.0.0.1/32", "10.0.0.1", "127.0.0.0/8"},
		{"198.51.100.7", "100.64.7.0/24", "10.0.0.1", "100.64.0.0/10"},
		{"198.51.100.7", "fd12:3456::/48", "10.0.0.1", "fc00::/7"},
		{"198.51.100.7", "fe80::/64", "10.0.0.1", "fe80::/10"},
		{"198.51.100.7", "240.0.0.0/24", "10.0.0.1", "224.0.0.0/3"},
		{"10.1.1.1", "", "10.0.0.2", "10.0.0.0/8"}, // who is there is there
		{"10.1.1.1", "10.2.0.0/16", "10.0.0.2", "10.0.0.0/8"},
		{"198.51.100.7", "8.0.0.0/5", "192.0.2.80", "8.0.0.0/5"}, // has 10/8 in it, and more
	} {
		q := lookup.Query{Client: netip.MustParseAddr(c.client)}
		if c.subnet != "" {
			q.Subnet = netip.MustParsePrefix(c.subnet)
		}
		f := z.Find(name("www"), lookup.TypeA, tailor.ClientOf(q.Client, q.Subnet))
		if said(f) != c.want || f.Scope.String() != c.scope {
			t.Errorf("%s with %q: %s for %s, not %s for %s", c.client, c.subnet, said(f), f.Scope, c.want, c.scope)
		}
		// An answer by who asks, said to be for another network, is nothing for our caches.
		if byAsker := c.subnet != "" && (q.Subnet.Bits() == 0 || f.Scope.Bits() < q.Subnet.Bits() && c.scope != "200.0.0.0/5"); f.Uncacheable != byAsker {
			t.Errorf("%s with %q: uncacheable %v", c.client, c.subnet, f.Uncacheable)
		}
	}
	if f := z.Find(name("www"), lookup.TypeA, tailor.ClientOf(netip.Addr{}, netip.Prefix{})); f.Scope.IsValid() || !f.Uncacheable {
		t.Errorf("of nobody: %s, uncacheable %v", f.Scope, f.Uncacheable)
	}
	if f := z.Find(name("ns1"), lookup.TypeA, tailor.ClientOf(netip.Addr{}, netip.MustParsePrefix("10.0.0.0/24"))); f.Scope.IsValid() || f.Uncacheable {
		t.Errorf("a name that nobody tailors: %s, uncacheable %v", f.Scope, f.Uncacheable)
	}
}

// IPv4 that is all alike is not said to be for /0 while IPv6 hears something else, for that
// would be taken to be for everyone.
func TestAFamilyIsTwoHalves(t *testing.T) {
	t.Parallel()
	d := lay(t).when("2001:db8::/32", "www A 10.0.0.1")
	z := tailored(t, d, nil, "www A 192.0.2.80")
	if f := z.Find(name("www"), lookup.TypeA, at("203.0.113.9")); f.Scope.String() != "128.0.0.0/1" {
		t.Errorf("scope %s", f.Scope)
	}
}
