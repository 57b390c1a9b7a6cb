package tailor_test

import (
	"strings"
	"testing"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/tailor"
)

func typeOf(t testing.TB, text string) lookup.Type {
	t.Helper()
	for _, known := range []lookup.Type{lookup.TypeA, lookup.TypeAAAA, lookup.TypeTXT, lookup.TypeMX, lookup.TypeNS, lookup.TypeSOA, lookup.TypeCNAME, lookup.TypeDS, lookup.TypeHTTPS, lookup.TypeANY} {
		if known.String() == text {
			return known
		}
	}
	t.Fatalf("no type %s", text)
	return 0
}

// horizon is a zone with what is different inside.
func horizon(t testing.TB) (*draft, []string) {
	d := lay(t).
		when("view:corp", "git A 10.0.4.22", "vpn A 10.0.0.1", "a.deep A 10.0.0.2", "@ A 10.0.0.80",
			"*.lab A 10.0.1.1", "cut A 10.0.0.4", "in.cut A 10.0.0.5", "mx A 10.0.0.6", "shop CNAME git").
		when("view:guest", "git A 10.9.9.9").
		when("view:corp+192.0.2.0/24", "git A 10.0.4.23").
		when("!view:corp", "away TXT away").
		when("10.0.0.0/8", "near A 10.0.0.7")
	for i := range d.Rules {
		if d.Rules[i].Set.Name == name("mx") {
			d.Rules[i].Keep = []lookup.Type{lookup.TypeMX}
		}
	}
	return d, []string{"@ A 192.0.2.80", "git A 192.0.2.22", "git AAAA 2001:db8::22", "git TXT out", "mx A 192.0.2.6", "mx MX 10 git", "mx TXT out",
		"*.lab A 192.0.2.99", "*.lab TXT lab", "b.lab TXT b", "*.deep A 192.0.2.98", "cut NS ns.elsewhere.example.", "shop A 192.0.2.7", "near TXT near", "plain A 192.0.2.1"}
}

// A view's rule takes the place of the whole name, other rules of one type, and what no
// rule speaks of is the base's. Names are those of both layers.
func TestHorizons(t *testing.T) {
	t.Parallel()
	d, lines := horizon(t)
	below := base(t, lines...)
	m := compile(t, &d.Overlay)
	inside := tailor.New(below, &d.Overlay, tailor.Options{View: "corp", Atlas: atlas(m)})
	outside := tailor.New(below, &d.Overlay, tailor.Options{Atlas: atlas(m)})
	for _, c := range []struct{ question, in, out string }{
		{"git A", "10.0.4.22", "192.0.2.22"},
		{"git AAAA", "NODATA", "2001:db8::22"}, // the public AAAA beside an inside A is the classic leak
		{"git TXT", "NODATA", `"out"`},
		{"mx A", "10.0.0.6", "192.0.2.6"},
		{"mx MX", "10 git.example.com.", "10 git.example.com."}, // keep=MX
		{"mx TXT", "NODATA", `"out"`},
		{"vpn A", "10.0.0.1", "NXDOMAIN"}, // only inside
		{"vpn TXT", "NODATA", "NXDOMAIN"},
		{"deep A", "NODATA", "NODATA"}, // an empty non-terminal of both
		{"a.deep A", "10.0.0.2", "192.0.2.98"},
		{"x.deep A", "192.0.2.98", "192.0.2.98"},
		{"x.a.deep A", "NXDOMAIN", "192.0.2.98"}, // a.deep encloses it more closely than the wildcard does
		{"x.lab A", "10.0.1.1", "192.0.2.99"},    // a wildcard is replaced like any name
		{"x.lab TXT", "NODATA", `"lab"`},
		{"b.lab A", "NODATA", "NODATA"}, // the base's b stands in the wildcard's way
		{"b.lab TXT", `"b"`, `"b"`},
		{"x.b.lab A", "NXDOMAIN", "NXDOMAIN"},
		{"@ A", "10.0.0.80", "192.0.2.80"},
		{"@ NS", "ns1.example.com.", "ns1.example.com."}, // what makes the zone stays
		{"@ SOA", "ns1.example.com. hostmaster.example.com. 1 7200 900 1209600 300", "ns1.example.com. hostmaster.example.com. 1 7200 900 1209600 300"},
		{"cut A", "10.0.0.4", "delegation"},
		{"in.cut A", "10.0.0.5", "delegation"},
		{"y.cut A", "delegation", "delegation"},
		{"shop A", "git.example.com.", "192.0.2.7"}, // an alias inside
		{"away TXT", "NXDOMAIN", `"away"`},
		{"plain A", "192.0.2.1", "192.0.2.1"},
		{"nobody A", "NXDOMAIN", "NXDOMAIN"},
	} {
		label, text, _ := strings.Cut(c.question, " ")
		for _, side := range []struct {
			zone *tailor.Zone
			want string
		}{{inside, c.in}, {outside, c.out}} {
			f := side.zone.Find(name(label), typeOf(t, text), at("203.0.113.9"))
			got := said(f)
			if f.Kind.String() == "delegation" {
				got = "delegation"
			}
			if got != side.want {
				t.Errorf("%s in view %q: %s, not %s", c.question, side.zone.View(), got, side.want)
			}
			if c.question != "git A" && f.Scope.IsValid() {
				t.Errorf("%s in view %q: for %s; a view does not depend on addresses", c.question, side.zone.View(), f.Scope)
			}
		}
	}
	if f := inside.Find(name("git"), lookup.TypeA, at("192.0.2.7")); said(f) != "10.0.4.23" || f.Scope.String() != "192.0.2.0/24" {
		t.Errorf("view and network: %s for %s", said(f), f.Scope)
	}
	for client, want := range map[string]string{"10.1.1.1": "10.0.0.7", "11.1.1.1": "NODATA"} {
		f := outside.Find(name("near"), lookup.TypeA, at(client))
		if said(f) != want || want == "NODATA" && (f.Scope.IsValid() || !f.Uncacheable) {
			t.Errorf("%s hears %s for %s", client, said(f), f.Scope)
		}
		if f := outside.Find(name("near"), lookup.TypeTXT, at(client)); said(f) != `"near"` || f.Scope.IsValid() || f.Uncacheable {
			t.Errorf("a type beside it: %s for %s", said(f), f.Scope)
		}
	}
}

// RFC 7871 7.4 and 7.2.1 of ANY: one RRset, with its own scope.
func TestANYIsOneRRset(t *testing.T) {
	t.Parallel()
	d := lay(t).when("192.0.2.0/24", "www A 10.0.0.1", "only A 10.0.0.2")
	z := tailor.New(base(t, "www A 192.0.2.80", "www TXT x", "only TXT y", "txt TXT z"), &d.Overlay, tailor.Options{Atlas: atlas(compile(t, &d.Overlay))})
	for _, c := range []struct{ owner, client, want, scope string }{
		{"www", "192.0.2.1", "10.0.0.1", "192.0.2.0/24"},
		{"www", "192.0.3.1", "192.0.2.80", "192.0.3.0/24"},
		{"only", "192.0.2.1", "10.0.0.2", "192.0.2.0/24"},
		{"only", "192.0.3.1", `"y"`, "192.0.3.0/24"},
		{"txt", "192.0.2.1", `"z"`, "invalid Prefix"},
	} {
		if f := z.Find(name(c.owner), lookup.TypeANY, at(c.client)); said(f) != c.want || f.Scope.String() != c.scope {
			t.Errorf("%s for %s: %s for %s, not %s for %s", c.owner, c.client, said(f), f.Scope, c.want, c.scope)
		}
	}
}

// A name is an alias for those of whom the most specific that is true makes it one, and for
// nobody else; nothing stands beside a CNAME.
func TestAliasesAreAloneForWhomTheyAre(t *testing.T) {
	t.Parallel()
	d := lay(t).
		when("192.0.2.0/24", "www CNAME cdn.example.net.", "was A 10.0.0.1").
		when("192.0.2.128/25", "www A 10.0.0.1")
	z := tailor.New(base(t, "www A 192.0.2.80", "www TXT x", "was CNAME old.example.net."), &d.Overlay, tailor.Options{Atlas: atlas(compile(t, &d.Overlay))})
	for _, c := range []struct{ owner, t, client, want string }{
		{"www", "A", "192.0.2.1", "cdn.example.net."},
		{"www", "TXT", "192.0.2.1", "cdn.example.net."},
		{"www", "CNAME", "192.0.2.1", "cdn.example.net."},
		{"www", "A", "192.0.2.129", "10.0.0.1"},
		{"www", "TXT", "192.0.2.129", `"x"`},
		{"www", "CNAME", "192.0.2.129", "NODATA"},
		{"www", "TXT", "192.0.3.1", `"x"`},
		{"was", "A", "192.0.3.1", "old.example.net."},
		{"was", "TXT", "192.0.3.1", "old.example.net."},
		{"was", "A", "192.0.2.1", "10.0.0.1"},
		{"was", "TXT", "192.0.2.1", "NODATA"},
	} {
		if f := z.Find(name(c.owner), typeOf(t, c.t), at(c.client)); said(f) != c.want {
			t.Errorf("%s %s for %s: %s, not %s", c.owner, c.t, c.client, said(f), c.want)
		}
	}
}
