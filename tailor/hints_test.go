package tailor_test

import (
	"strings"
	"testing"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/overlay"
	"github.com/sextant-dns/sextant/tailor"
)

// Hints never contradict the addresses that the same client hears (RFC 9460 7.3).
func TestHintsFollowTheAddresses(t *testing.T) {
	t.Parallel()
	d := lay(t).
		site("fra", "", "www 60 A 198.51.100.1", "www 60 AAAA 2001:db8::1").
		site("iad", "", "www 60 A 198.51.100.2", "www 60 HTTPS 1 . alpn=h2 ipv4hint=192.0.2.99 ipv6hint=2001:db8::99").
		route("www", nil, "192.0.2.0/24=fra", "192.0.3.0/24=iad").
		when("192.0.4.0/24", "www AAAA 2001:db8::4", "www A 198.51.100.4").
		when("192.0.2.0/24", "moved A 198.51.100.5").
		alias("192.0.6.0/24", "www", "elsewhere.example.net.", 60)
	z := tailored(t, d, nil, "www A 192.0.2.80", "www HTTPS 1 . alpn=h3 ipv4hint=192.0.2.80 ipv6hint=2001:db8::80",
		"svc A 192.0.2.81", "moved A 192.0.2.82", "moved HTTPS 1 moved.example.com. alpn=h3 ipv4hint=192.0.2.82", "moved SVCB 1 www mandatory=ipv4hint,alpn alpn=h3 ipv4hint=192.0.2.80",
		"plain A 192.0.2.83", "plain HTTPS 1 . ipv4hint=192.0.2.83")
	for _, c := range []struct{ owner, client, want string }{
		{"www", "192.0.2.1", `1 . alpn="h3" ipv4hint="198.51.100.1" ipv6hint="2001:db8::1"`},
		{"www", "192.0.3.1", `1 . alpn="h2" ipv4hint="198.51.100.2"`}, // no AAAA there, nor in the base
		{"www", "192.0.4.1", `1 . alpn="h3" ipv4hint="198.51.100.4" ipv6hint="2001:db8::4"`},
		{"www", "192.0.5.1", `1 . alpn="h3" ipv4hint="192.0.2.80"`}, // what the zone file says of IPv6 is not so
		{"www", "192.0.6.1", `1 . alpn="h3"`},                       // who knows what the target has
		{"moved", "192.0.2.1", `1 moved.example.com. alpn="h3" ipv4hint="198.51.100.5"`},
		{"moved", "192.0.9.1", `1 moved.example.com. alpn="h3" ipv4hint="192.0.2.82"`},
		{"plain", "192.0.2.1", `1 . ipv4hint="192.0.2.83"`},
	} {
		f := z.Find(name(c.owner), lookup.TypeHTTPS, at(c.client))
		if said(f) != c.want {
			t.Errorf("%s for %s: %s, not %s", c.owner, c.client, said(f), c.want)
		}
		a := z.Find(name(c.owner), lookup.TypeA, at(c.client))
		if a.Alias == nil && !strings.Contains(said(f), said(a)) {
			t.Errorf("%s for %s: %s does not have %s", c.owner, c.client, said(f), said(a))
		}
	}
	// A target whose addresses depend on who asks: its hints are left out, also of mandatory.
	if f := z.Find(name("moved"), lookup.TypeSVCB, at("192.0.9.1")); said(f) != `1 www.example.com. mandatory="alpn" alpn="h3"` {
		t.Errorf("another name's hints: %s", said(f))
	}
}

// Where the client's network decides, HTTPS is of the site that A is of.
func TestHintsFollowTheSiteOfANetwork(t *testing.T) {
	t.Parallel()
	d := three(t, func(r *overlay.Route) { r.StickyV4 = 24 }, "*=fra:6,iad:3,sin:1")
	z := tailored(t, d, nil, "dl A 192.0.2.80", "dl HTTPS 1 . ipv4hint=192.0.2.80 ipv6hint=2001:db8::80")
	seen := map[string]bool{}
	for i := range 200 {
		client := at("11.0.0.1")
		b := client.At.Addr().As4()
		b[2] = byte(i)
		client = tailor.Client{At: prefix(b, 32)}
		a, six, h := z.Find(name("dl"), lookup.TypeA, client), z.Find(name("dl"), lookup.TypeAAAA, client), z.Find(name("dl"), lookup.TypeHTTPS, client)
		if want := `1 . ipv4hint="` + said(a) + `" ipv6hint="` + said(six) + `"`; said(h) != want || h.Scope != a.Scope {
			t.Fatalf("%s for %s beside %s for %s", said(h), h.Scope, said(a), a.Scope)
		}
		seen[said(h)] = true
	}
	if len(seen) != 3 {
		t.Errorf("%v", seen)
	}
}
