package main

import (
	"net/netip"
	"strings"
	"testing"
)

func TestANetworkOfAPlaceIsFound(t *testing.T) {
	t.Parallel()
	files := []string{"../../testdata/geo/toy-city.mmdb", "../../testdata/geo/toy-asn.mmdb"}
	for place, want := range map[string]string{"de": "203.0.112.0/24", "us-ny": "203.0.120.0/24", "as64500": "203.0.112.0/24", "fr": "no network is in fr", "nonsense": "not a selector"} {
		p, err := networkOf(files, place)
		got := p.String()
		if err != nil {
			got = err.Error()
		}
		if !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s, want %s", place, got, want)
		}
	}
	if _, err := networkOf(nil, "de"); err == nil || !strings.Contains(err.Error(), "SEXTANT_GEO") {
		t.Error(err)
	}
	if !wider(netip.MustParsePrefix("10.0.0.0/16"), netip.MustParsePrefix("2001:db8::/12")) {
		t.Error("IPv6 is preferred")
	}
}
