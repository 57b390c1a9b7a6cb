package geo_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/sextant-dns/sextant/geo"
)

func selectors(t testing.TB, texts ...string) (all []geo.Selector) {
	t.Helper()
	for _, text := range texts {
		s, err := geo.ParseSelector(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	return all
}

func compile(t testing.TB, from geo.Sources, used ...string) *geo.Map {
	t.Helper()
	m, err := geo.Compile(selectors(t, used...), from)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// The worked example: DE=[fra,iad], AT=[fra,sin], US=[iad], everyone else [iad].
func TestWorkedExample(t *testing.T) {
	t.Parallel()
	toy := read(t, "country ipvAll",
		record{"203.0.112.0/22", country("DE")}, record{"203.0.116.0/22", country("AT")}, record{"203.0.120.0/22", country("US")})
	m := compile(t, geo.Sources{Databases: []*geo.Database{toy}}, "de", "at", "us")
	sites := map[string][]string{"de": {"fra", "iad"}, "at": {"fra", "sin"}, "us": {"iad"}, "": {"iad"}}
	number := []string{"fra", "iad", "sin"}
	under := func(down string) *geo.Equivalence {
		return m.Equivalence(func(c geo.Class) uint32 {
			where := ""
			if at := m.Selectors(c); len(at) > 0 {
				where = at[0].String()
			}
			for _, site := range sites[where] {
				if site != down {
					return uint32(slices.Index(number, site))
				}
			}
			t.Errorf("no site for %q", where)
			return 99
		})
	}
	all, failed := under(""), under("fra")
	for _, c := range []struct {
		client, where string
		up, down      string // the scopes, with all sites and without fra
	}{
		{"203.0.113.9", "de", "203.0.112.0/21", "203.0.112.0/22"},
		{"203.0.117.9", "at", "203.0.112.0/21", "203.0.116.0/22"},
		{"203.0.121.9", "us", "203.0.120.0/21", "203.0.120.0/21"},
		{"203.0.125.9", "", "203.0.120.0/21", "203.0.120.0/21"},
		{"8.8.8.8", "", "0.0.0.0/1", "0.0.0.0/1"},
	} {
		for _, length := range []int{24, 32} {
			client := netip.PrefixFrom(netip.MustParseAddr(c.client), length)
			class, _ := m.Locate(client)
			if got := m.Selectors(class); c.where == "" && len(got) > 0 || c.where != "" && (len(got) != 1 || got[0].String() != c.where) {
				t.Errorf("%s is at %v, not at %q", client, got, c.where)
			}
			if _, got := all.Locate(client); got.String() != c.up {
				t.Errorf("%s: scope %s, not %s", client, got, c.up)
			}
			if _, got := failed.Locate(client); got.String() != c.down {
				t.Errorf("%s without fra: scope %s, not %s", client, got, c.down)
			}
		}
	}
	slots := 0
	for p := range all.Prefixes() {
		if p.Addr().Is4() {
			slots++
		}
	}
	if slots != 22 {
		t.Errorf("a resolver needs %d cache slots for all of IPv4, not 22", slots)
	}
}
