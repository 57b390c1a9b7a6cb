package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
)

func TestGeoLookup(t *testing.T) {
	t.Parallel()
	city := filepath.Join("..", "..", "testdata", "geo", "toy-city.mmdb")
	asn := filepath.Join("..", "..", "testdata", "geo", "toy-asn.mmdb")
	h := newHousehold(t, map[string]string{
		"places.mmdb":   countries(t, map[string]string{"203.0.112.0/22": "DE"}),
		"sextant.yaml":  "listen: [127.0.0.1:5353]\ngeo:\n  databases: [places.mmdb]\n  sets: [{ name: ours, networks: [203.0.113.0/24] }]\n",
		"nowhere.yaml":  "listen: [127.0.0.1:5353]\n",
		"mistaken.yaml": "lisen: [127.0.0.1:5353]\n",
	})
	for _, c := range []struct {
		args string
		code int
		want []string
	}{
		{"203.0.113.9 --mmdb " + city + " --mmdb " + asn, exitOK,
			[]string{"(GeoLite2-City, 2026-01-01): 203.0.112.0/22: eu de de-be city:Berlin city:2950159\n", "(GeoLite2-ASN, 2026-01-01): 203.0.112.0/21: as64500\n"}},
		{"203.0.113.9 --selectors eu --mmdb " + city, exitOK, []string{"class: eu\nscope: 203.0.112.0/21\n"}},
		{"2002:cb00:7109::1 --selectors eu,de --mmdb " + city, exitOK, []string{"is 203.0.113.9, embedded in 2002::/16", "203.0.112.0/22", "class: de eu\nscope: 2002:cb00:7000::/38\n"}},
		{"203.0.112.0/20 --selectors eu,de --mmdb " + city, exitOK, []string{"class: nothing\nscope: 203.0.120.0/21\n", "203.0.112.0/20 is of several classes"}},
		{"8.8.8.8 --selectors eu --mmdb " + city, exitOK, []string{": nothing\n", "class: nothing\nscope: 0.0.0.0/1\n"}},
		{"203.0.113.9 --selectors as64500 --mmdb " + city, exitFailed, []string{"as64500", "no database has values of the kind asn"}},
		{"203.0.113.9 --mmdb geo_test.go", exitFailed, []string{"not a usable mmdb database"}},
		{"203.0.113.9", exitUsage, []string{"mmdb"}},
		{"nowhere --mmdb " + city, exitUsage, []string{"neither an address nor a prefix"}},
		{"203.0.113.9 --selectors xx --mmdb " + city, exitUsage, []string{"no country"}},
		{"203.0.113.9 --selectors uk --mmdb " + city, exitUsage, []string{`"uk": did you mean gb?`}},
		{"203.0.113.9 --selectors de,net:ours --config " + h.path("sextant.yaml"), exitOK, []string{"places.mmdb (", "203.0.112.0/22: de\n", "class: net:ours de\nscope: 203.0.113.0/24\n"}},
		{"203.0.113.9 --mmdb " + city + " --config " + h.path("sextant.yaml"), exitOK, []string{"places.mmdb (", "toy-city.mmdb ("}},
		{"203.0.113.9 --config " + h.path("nowhere.yaml"), exitFailed, []string{"geo.databases names no database"}},
		{"203.0.113.9 --config " + h.path("mistaken.yaml"), exitUsage, []string{"lisen"}},
	} {
		var out bytes.Buffer
		code := run(t.Context(), append([]string{"geo", "lookup"}, strings.Fields(c.args)...), &out, &out)
		if code != c.code {
			t.Errorf("geo lookup %s: exit code %d, not %d", c.args, code, c.code)
		}
		for _, want := range c.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("geo lookup %s: no %q in\n%s", c.args, want, &out)
			}
		}
	}
}
