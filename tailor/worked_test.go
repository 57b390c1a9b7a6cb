package tailor_test

import (
	"testing"

	"github.com/sextant-dns/sextant/geo"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/tailor"
)

func worldOfFour() []string {
	return []string{"203.0.112.0/22 DE", "203.0.116.0/22 AT", "203.0.120.0/22 US"}
}

func worked(t testing.TB) *draft {
	return lay(t).
		site("fra", "", "www 60 A 203.0.113.80", "www 60 AAAA 2001:db8:f::80").
		site("iad", "", "www 60 A 198.51.100.80", "www 60 AAAA 2001:db8:a::80").
		site("sin", "", "www 60 A 198.18.5.80").
		route("www", nil, "de=fra,iad", "at=fra,sin", "us=iad", "*=iad")
}

// The worked example: DE=[fra,iad], AT=[fra,sin], US=[iad], everyone else [iad]. The Map is
// one and the same from beginning to end.
func TestWorkedExample(t *testing.T) {
	t.Parallel()
	d := worked(t)
	m := compile(t, &d.Overlay, worldOfFour()...)
	health := &states{}
	z := tailor.New(base(t, "www A 192.0.2.80"), &d.Overlay, tailor.Options{Atlas: tailor.NewAtlas(func() *geo.Map { return m }), Health: health})
	const fra, iad, sin = "203.0.113.80", "198.51.100.80", "198.18.5.80"
	for _, c := range []struct {
		client        string
		up, upScope   string
		down, dnScope string
	}{
		{"203.0.113.9", fra, "203.0.112.0/21", iad, "203.0.112.0/22"},
		{"203.0.117.9", fra, "203.0.112.0/21", sin, "203.0.116.0/22"},
		{"203.0.121.9", iad, "203.0.120.0/21", iad, "203.0.120.0/21"},
		{"203.0.125.9", iad, "203.0.120.0/21", iad, "203.0.120.0/21"},
		{"8.8.8.8", iad, "0.0.0.0/1", iad, "0.0.0.0/1"},
	} {
		for _, length := range []string{"/32", "/24"} {
			client := at(c.client + length)
			client.At = client.At.Masked()
			health.set()
			if f := z.Find(name("www"), lookup.TypeA, client); said(f) != c.up || f.Scope.String() != c.upScope || f.Wanted != 0 {
				t.Errorf("%s: %s for %s (wanted %d), not %s for %s", c.client, said(f), f.Scope, f.Wanted, c.up, c.upScope)
			}
			health.set("fra")
			if f := z.Find(name("www"), lookup.TypeA, client); said(f) != c.down || f.Scope.String() != c.dnScope {
				t.Errorf("%s without fra: %s for %s, not %s for %s", c.client, said(f), f.Scope, c.down, c.dnScope)
			}
		}
	}
	health.set()
	e := z.Find(name("www"), lookup.TypeA, at("203.0.113.9")).Because.Explain()
	// A resolver needs 22 cache slots for all of IPv4.
	if e.Spread.Prefixes4 != 22 || e.Spread.Longest4 != 21 {
		t.Errorf("spread %+v", e.Spread)
	}
	const because = "route (test.geo:100) > de; the client is in de; sites fra UP · iad UP; all of 203.0.112.0/21 hear the same, 203.0.120.0/21 does not"
	if got := z.Find(name("www"), lookup.TypeA, at("203.0.113.9")).Because.String(); got != because {
		t.Errorf("because %s", got)
	}
}
