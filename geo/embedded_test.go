package geo_test

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/sextant-dns/sextant/geo"
)

func TestEmbeddedAddressesAreWhereTheIPv4AddressIs(t *testing.T) {
	t.Parallel()
	from := geo.Sources{
		Sets:  map[string][]netip.Prefix{"a": prefixes("192.0.2.0/24"), "b": prefixes("::ffff:198.51.100.0/120")},
		NAT64: prefixes("2001:db8::/32", "2001:db9:100::/40", "2001:dba:122::/48", "2001:dbb:122:300::/56", "2001:dbc:122:344::/64", "2001:dbd:122:344::/96", "64:ff9b::/96"),
	}
	m := compile(t, from, "net:a", "net:b")
	for _, c := range []struct{ client, class, scope string }{
		{"192.0.2.33/32", "[net:a]", "192.0.2.0/24"},
		{"::ffff:192.0.2.33/128", "[net:a]", "::ffff:192.0.2.0/120"},
		{"198.51.100.7/32", "[net:b]", "198.51.100.0/24"},
		{"64:ff9b::c000:221/128", "[net:a]", "64:ff9b::c000:200/120"},
		{"2002:c000:221::1/128", "[net:a]", "2002:c000:200::/40"},
		{"2002:c000:221::/48", "[net:a]", "2002:c000:200::/40"},
		// RFC 4380 4: server 198.51.100.1, and the client 192.0.2.45 with its bits inverted.
		{"2001::c633:6401:0:63bf:3fff:fdd2/128", "[net:a]", "2001::c633:6401:0:63bf:3fff:fd00/120"},
		// The vectors of RFC 6052 2.4, each below a first word of its own.
		{"2001:db8:c000:221::/128", "[net:a]", "2001:db8:c000:200::/56"},
		{"2001:db9:1c0:2:21::/128", "[net:a]", "2001:db9:1c0:2::/64"},
		{"2001:dba:122:c000:2:2100::/128", "[net:a]", "2001:dba:122:c000:2::/80"},
		{"2001:dbb:122:3c0:0:221::/128", "[net:a]", "2001:dbb:122:3c0:0:200::/88"},
		{"2001:dbc:122:344:c0:2:2100::/128", "[net:a]", "2001:dbc:122:344:c0:2::/96"},
		{"2001:dbd:122:344::c000:221/128", "[net:a]", "2001:dbd:122:344::c000:200/120"},
		// Nowhere: the widest network around it that has neither set.
		{"64:ff9b::808:808/128", "[]", "64:ff9b::/97"},
		{"2001:db9:1c0:1::/128", "[]", "2001:db9:1c0::/63"},
		{"8000::/128", "[]", "8000::/1"},
		// RFC 4291 2.5.5.1 is deprecated: these are IPv6 addresses.
		{"::192.0.2.33/128", "[]", "::/81"},
	} {
		class, scope := m.Locate(netip.MustParsePrefix(c.client))
		if said(m, class) != c.class || scope.String() != netip.MustParsePrefix(c.scope).String() {
			t.Errorf("%s: %s, scope %s, not %s, %s", c.client, said(m, class), scope, c.class, c.scope)
		}
	}
}

// Whatever IPv4 is like, an embedded address gets the class of the IPv4 address and
// the scope that goes with its scope; and where all of IPv4 is answered alike, what
// embeds it is as wide as its surroundings let it be.
func TestEmbeddedScopesFollowIPv4(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 13))
		rules := world(r, true)
		m := compileRules(t, rules)
		for range 50 {
			p := asked(r, true, rules)
			four := binary.BigEndian.Uint32(p.Addr().AsSlice())
			class, scope := m.Locate(p)
			for _, f := range []struct {
				base   string
				start  int
				invert uint32
			}{{"::ffff:0:0", 96, 0}, {"64:ff9b::", 96, 0}, {"2002::", 16, 0}, {"2001::5:6:7:8:0:0", 96, 1<<32 - 1}} {
				client := shifted(f.base, f.start, four^f.invert)
				want := netip.PrefixFrom(shifted(f.base, f.start, binary.BigEndian.Uint32(scope.Addr().AsSlice())^f.invert), f.start+scope.Bits()).Masked()
				got, wide := m.Locate(netip.PrefixFrom(client, f.start+p.Bits()))
				if got != class || scope.Bits() > 0 && wide != want {
					t.Fatalf("%s in %s: class %d, scope %s, not %d, %s", p, f.base, got, wide, class, want)
				}
			}
		}
	}
}

// shifted is base with v4 written over the 32 bits from start.
func shifted(base string, start int, v4 uint32) netip.Addr {
	b := netip.MustParseAddr(base).As16()
	binary.BigEndian.PutUint32(b[start/8:], v4)
	return netip.AddrFrom16(b)
}

func TestEmbedded(t *testing.T) {
	t.Parallel()
	own := prefixes("2001:db8:122:344::/64")
	for _, c := range []struct{ address, want, by string }{
		{"::ffff:192.0.2.33", "192.0.2.33", "::ffff:0.0.0.0/96"},
		{"2002:c000:221::1", "192.0.2.33", "2002::/16"},
		{"2001::c633:6401:0:63bf:3fff:fdd2", "192.0.2.45", "2001::/32"},
		{"2001:db8:122:344:c0:2:2100::", "192.0.2.33", "2001:db8:122:344::/64"},
	} {
		v4, by, ok := geo.Embedded(netip.MustParseAddr(c.address), own...)
		if !ok || v4.String() != c.want || by != netip.MustParsePrefix(c.by) {
			t.Errorf("%s: %s by %s, %t; want %s by %s", c.address, v4, by, ok, c.want, c.by)
		}
	}
	for _, address := range []string{"192.0.2.33", "2001:db8::1", "::192.0.2.33"} {
		if v4, by, ok := geo.Embedded(netip.MustParseAddr(address), own...); ok {
			t.Errorf("%s: %s by %s", address, v4, by)
		}
	}
}

func TestPrefixesThatCannotEmbed(t *testing.T) {
	t.Parallel()
	for _, p := range []string{"2001:db8::/33", "2001:db8::1/96", "192.0.2.0/24", "2001:db8:0:0:1::/72", "2002:c000::/32"} {
		if _, err := geo.Compile(nil, geo.Sources{NAT64: prefixes(p)}); !errors.Is(err, geo.ErrEmbedded) {
			t.Errorf("%s: %v", p, err)
		}
	}
	inside := geo.Sources{Sets: map[string][]netip.Prefix{"a": prefixes("64:ff9b::c000:200/120")}}
	if _, err := geo.Compile(selectors(t, "net:a"), inside); !errors.Is(err, geo.ErrNetwork) {
		t.Errorf("a network within 64:ff9b::/96: %v", err)
	}
}
