package geo_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sextant-dns/sextant/geo"
)

func TestParseSelector(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want geo.Selector
	}{
		{"eu", geo.Selector{Kind: geo.Continent, Value: "EU"}},
		{"c:as", geo.Selector{Kind: geo.Continent, Value: "AS"}},
		{"cc:as", geo.Selector{Kind: geo.Country, Value: "AS"}},
		{"De", geo.Selector{Kind: geo.Country, Value: "DE"}},
		{"us-ny", geo.Selector{Kind: geo.Subdivision, Value: "US-NY"}},
		{"as064500", geo.Selector{Kind: geo.ASN, Value: "64500"}},
		{"city:Sao Paulo", geo.Selector{Kind: geo.City, Value: "Sao Paulo"}},
		{"192.0.2.0/24", geo.Selector{Kind: geo.Network, Value: "192.0.2.0/24"}},
		{"2001:DB8::/32", geo.Selector{Kind: geo.Network, Value: "2001:db8::/32"}},
		{"net:cdn", geo.Selector{Kind: geo.Set, Value: "cdn"}},
		{"view:corp", geo.Selector{Kind: geo.View, Value: "corp"}},
	} {
		got, err := geo.ParseSelector(c.text)
		if err != nil || got != c.want {
			t.Errorf("%s: %v, %v", c.text, got, err)
		}
	}
	for text, hint := range map[string]string{
		"as": "c:as or cc:as", "na": "c:na or cc:na", "xx": "no country", "": "no country", "e": "no country",
		"xx-ny": "no country XX", "us-": "hyphen", "us-newyork": "hyphen", "as0": "from 1", "as4294967296": "from 1",
		"192.0.2.1/24": "192.0.2.0/24", "192.0.2.1": "no network", "c:de": "continents are", "c: a": "continents are", "cc:e ": "no such country", "cc:eu": "no such country", "city:": "nothing", "planet:earth": "c, cc, city",
	} {
		if _, err := geo.ParseSelector(text); !errors.Is(err, geo.ErrSelector) || !strings.Contains(err.Error(), hint) {
			t.Errorf("%q: %v, which says nothing of %q", text, err, hint)
		}
	}
}

func FuzzParseSelector(f *testing.F) {
	for _, s := range []string{"eu", "c:as", "cc:as", "us-ny", "as64500", "city:Bonn", "192.0.2.0/24", "2001:db8::/32", "net:a", "view:b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := geo.ParseSelector(text)
		if err != nil {
			return
		}
		if again, err := geo.ParseSelector(s.String()); err != nil || again != s {
			t.Errorf("%q is %v, written %q, which is %v, %v", text, s, s.String(), again, err)
		}
	})
}

// ISO 3166-1 has 249 countries, of which each is in one continent, and databases have
// Kosovo.
func TestCountries(t *testing.T) {
	t.Parallel()
	if n := len(countries()); n != 250 {
		t.Errorf("%d countries", n)
	}
}
