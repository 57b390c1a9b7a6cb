package dns64

import (
	"net/netip"
	"testing"

	"github.com/sextant-dns/sextant/lookup"
)

// The tests of this file follow RFC 8880 7 and RFC 7050. Where the world is nil
// a question that goes below fails the test: nothing may be sent upstream (D72).

const theSOA = "ipv4only.arpa. 3600 IN SOA ipv4only.arpa. nobody.invalid. 1 3600 1200 604800 3600"

func TestD53D72D74IPv4OnlyARPA(t *testing.T) {
	t.Parallel()
	for _, mode := range []Mode{Standard, Forced} {
		d, b := stack(t, Options{Default: Rule{Mode: mode, HideA: mode == Forced}}, nil)
		same(t, resolve(t, d, "ipv4only.arpa. A"), `NOERROR AA
			answer:
			ipv4only.arpa. 3600 IN A 192.0.0.170
			ipv4only.arpa. 3600 IN A 192.0.0.171`)
		// D53: not global, and yet under the well-known prefix.
		same(t, resolve(t, d, "ipv4only.arpa. AAAA"), `NOERROR AA EDE 29 (Synthesized): DNS64, RFC 8880
			answer:
			ipv4only.arpa. 3600 IN AAAA 64:ff9b::c000:aa
			ipv4only.arpa. 3600 IN AAAA 64:ff9b::c000:ab`)
		for _, question := range []string{"ipv4only.arpa. SOA", "ipv4only.arpa. NS", "ipv4only.arpa. MX", "ipv4only.arpa. ANY", "ipv4only.arpa. HTTPS"} {
			same(t, resolve(t, d, question), "NOERROR AA\nauthority:\n"+theSOA)
		}
		b.wasAsked()
	}
}

// TestD72NamesBelowDoNotExist: the DNS64 is the authority for a zone that has
// nothing but its apex.
func TestD72NamesBelowDoNotExist(t *testing.T) {
	t.Parallel()
	d, b := stack(t, Options{}, nil)
	for _, question := range []string{"x.ipv4only.arpa. AAAA", "a.b.ipv4only.arpa. A", "x.ipv4only.arpa. DS"} {
		same(t, resolve(t, d, question), "NXDOMAIN AA\nauthority:\n"+theSOA)
	}
	b.wasAsked()
}

func TestD73DSIsResolvedNormally(t *testing.T) {
	t.Parallel()
	d, b := stack(t, Options{}, world{"ipv4only.arpa. DS": {authority: "arpa. 300 IN SOA a. b. 1 2 3 4 300", security: lookup.Secure}})
	if r := resolve(t, d, "ipv4only.arpa. DS DO"); r != b.says["ipv4only.arpa. DS"].Response {
		t.Errorf("got %v, want the response from below", r)
	}
}

func TestD74D70EveryPrefixIsSynthesized(t *testing.T) {
	t.Parallel()
	const many = "2001:db8:64::c000:aa 2001:db8:64::c000:ab 2001:db8:65:c000:0:aa00:: 2001:db8:65:c000:0:ab00::"
	two := prefixes("2001:db8:64::/96", "2001:db8:65::/48")
	all := netip.MustParsePrefix("0.0.0.0/0")
	ietf := netip.MustParsePrefix("192.0.0.0/24")
	for _, test := range []struct {
		name    string
		options Options
		want    string
	}{
		{"all of Prefixes", Options{Prefixes: two}, many},
		{"those of the range", Options{Ranges: []Range{{IPv4: all, Prefixes: two}}}, many},
		{"even if a range leaves the addresses out", Options{Prefixes: two, Ranges: []Range{{IPv4: ietf}}}, many},
		{"those of the rule", Options{Rules: []Rule{{Suffix: ipv4only, Prefixes: two}}}, many},
	} {
		d, _ := stack(t, test.options, nil)
		if got := addresses(resolve(t, d, "ipv4only.arpa. AAAA")); got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
	// Prefixes for private addresses alone are not for discovery (RFC 7050 5.1).
	d, _ := stack(t, Options{Ranges: []Range{{IPv4: netip.MustParsePrefix("10.0.0.0/8"), Prefixes: two}}}, nil)
	same(t, resolve(t, d, "ipv4only.arpa. AAAA"), "NOERROR AA\nauthority:\n"+theSOA)
}

func TestD69D70TTLOfDiscovery(t *testing.T) {
	t.Parallel()
	for o, want := range map[uint32]uint32{0: 3600, 60: 60, 86400: 86400} {
		d, _ := stack(t, Options{DiscoveryTTL: o}, nil)
		for _, question := range []string{"ipv4only.arpa. AAAA", "ipv4only.arpa. A", "ipv4only.arpa. TXT"} {
			if got := resolve(t, d, question).TTL(); got != want {
				t.Errorf("%s: got %d, want %d", question, got, want)
			}
		}
	}
}

func TestD75NotSpecialWhereDNS64IsOff(t *testing.T) {
	t.Parallel()
	w := world{"ipv4only.arpa. AAAA": none}
	for name, o := range map[string]Options{
		"for all names":     {Default: Rule{Mode: Off}},
		"for the name":      {Rules: []Rule{{Suffix: ipv4only, Mode: Off}}},
		"for the whole TLD": {Rules: []Rule{{Suffix: arpa, Mode: Off}}},
	} {
		d, b := stack(t, o, w)
		if r := resolve(t, d, "ipv4only.arpa. AAAA"); r != b.says["ipv4only.arpa. AAAA"].Response {
			t.Errorf("off %s: got %v, want the response from below", name, r)
		}
	}
	d, _ := stack(t, Options{Default: Rule{Mode: Off}, Rules: []Rule{{Suffix: lookup.MustName("v4.example.")}}}, nil)
	if got := addresses(resolve(t, d, "ipv4only.arpa. AAAA")); got != "64:ff9b::c000:aa 64:ff9b::c000:ab" {
		t.Errorf("on for some names: got %q", got)
	}
}

func TestD77ReverseNamesOfTheWellKnownAddresses(t *testing.T) {
	t.Parallel()
	for _, apex := range []string{"170.0.0.192.in-addr.arpa.", "171.0.0.192.in-addr.arpa."} {
		d, b := stack(t, Options{}, world{apex + " DS": none})
		zoneSOA := "authority:\n" + apex + " 3600 IN SOA " + apex + " nobody.invalid. 1 3600 1200 604800 3600"
		same(t, resolve(t, d, apex+" PTR"), "NOERROR AA\nanswer:\n"+apex+" 3600 IN PTR ipv4only.arpa.")
		same(t, resolve(t, d, apex+" A"), "NOERROR AA\n"+zoneSOA)
		same(t, resolve(t, d, "x."+apex+" PTR"), "NXDOMAIN AA\n"+zoneSOA)
		resolve(t, d, apex+" DS")
		b.wasAsked(apex + " DS")
	}
}

func TestD65D78ReverseOfTheWellKnownAddressesInAPref64(t *testing.T) {
	t.Parallel()
	for a, inAddr := range map[string]string{
		"64:ff9b::c000:aa":             "170.0.0.192.in-addr.arpa.",
		"2001:db8:64::c000:ab":         "171.0.0.192.in-addr.arpa.",
		"2001:db8:122:344:c0:0:aa00:0": "170.0.0.192.in-addr.arpa.",
		"2001:db8:122:344:c0:0:aa00:1": "170.0.0.192.in-addr.arpa.",
		"2001:db8:77:c000:0:ab00::":    "171.0.0.192.in-addr.arpa.",
	} {
		reverse := arpaName(t, a)
		d, _ := stack(t, known64s, nil)
		same(t, resolve(t, d, reverse+" PTR"), "NOERROR AA\nanswer:\n"+
			reverse+" 3600 IN CNAME "+inAddr+"\n"+inAddr+" 3600 IN PTR ipv4only.arpa.")

		named := known64s
		named.NAT64Name = lookup.MustName("nat64.example.")
		d, _ = stack(t, named, nil)
		same(t, resolve(t, d, reverse+" PTR"), "NOERROR AA\nanswer:\n"+reverse+" 3600 IN PTR nat64.example.")
	}
}

func TestSpecialNamesAreCounted(t *testing.T) {
	t.Parallel()
	d, _ := stack(t, Options{}, nil)
	resolve(t, d, "ipv4only.arpa. AAAA")
	resolve(t, d, "ipv4only.arpa. TXT")
	if s := d.Stats(); s != (Stats{Local: 2}) {
		t.Errorf("counted %+v", s)
	}
}
