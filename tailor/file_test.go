package tailor_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/sextant-dns/sextant/geo"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/overlay"
	"github.com/sextant-dns/sextant/tailor"
	"github.com/sextant-dns/sextant/zones"
)

// From files to answers: the example of the reference, with the databases of testdata/geo.
func TestTheExampleOfTheReference(t *testing.T) {
	t.Parallel()
	below, err := zones.LoadFile("../overlay/testdata/example.org.zone", lookup.MustName("example.org."))
	if err != nil {
		t.Fatal(err)
	}
	sets := map[string][]netip.Prefix{"partners": {netip.MustParsePrefix("198.18.0.0/15")}}
	o, err := overlay.LoadFile("../overlay/testdata/example.org.geo", overlay.Options{Base: below, Views: []string{"corp"}, Sets: sets})
	if err != nil {
		t.Fatal(err)
	}
	from := geo.Sources{Sets: sets, Rankings: tailor.Rankings(o)}
	for _, file := range []string{"city", "asn"} {
		d, err := geo.Open("../testdata/geo/toy-"+file+".mmdb", nil)
		if err != nil {
			t.Fatal(err)
		}
		from.Databases = append(from.Databases, d)
	}
	m, err := geo.Compile(o.Selectors(), from)
	if err != nil {
		t.Fatal(err)
	}
	z := tailor.New(below, o, tailor.Options{Atlas: atlas(m)})
	for _, c := range []struct{ question, client, want string }{
		{"shop A", "203.0.113.9", "198.18.5.80"},     // in Germany, and in AS 64500, which is more specific
		{"shop AAAA", "203.0.113.9", "2001:db8::80"}, // what that site does not serve is the zone file's
		{"shop HTTPS", "203.0.113.9", `1 . alpn="h3,h2" ipv4hint="198.18.5.80"`},
		{"shop A", "192.0.2.200", "203.0.113.80"},
		{"shop A", "203.0.121.9", "198.51.100.80"},
		{"shop AAAA", "203.0.121.9", "2001:db8:a::80"},
		{"shop A", "198.18.1.1", "198.18.5.80"},
		{"shop A", "9.9.9.9", "203.0.113.80"},
		{"@ A", "203.0.121.9", "alias shop.example.org."},
		{"git A", "10.1.2.3", "192.0.2.22"},
		{"vpn A", "10.1.2.3", "NXDOMAIN"},
	} {
		label, kind, _ := strings.Cut(c.question, " ")
		owner := lookup.MustName("example.org.")
		if label != "@" {
			owner = lookup.MustName(label + ".example.org.")
		}
		if f := z.Find(owner, typeOf(t, kind), at(c.client)); said(f) != c.want {
			t.Errorf("%s for %s: %s, not %s; %s", c.question, c.client, said(f), c.want, f.Because)
		}
	}
	for _, p := range tailor.Judge(below, o, m) {
		t.Error(p)
	}
}
