package geo_test

import (
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"testing"

	"github.com/sextant-dns/sextant/geo"
)

func toyAtlas(t *testing.T) *geo.Atlas {
	t.Helper()
	var all []*geo.Database
	for _, name := range []string{"toy-city.mmdb", "toy-asn.mmdb"} {
		d, err := geo.Open(filepath.Join("..", "testdata", "geo", name), nil)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, d)
	}
	return geo.NewAtlas(all...)
}

func TestAtlasSaysWhereAnAddressIs(t *testing.T) {
	t.Parallel()
	a := toyAtlas(t)
	for address, want := range map[string]string{
		"203.0.113.9":       "[eu de de-be city:Berlin city:2950159 as64500] true",
		"2002:cb00:7109::1": "[eu de de-be city:Berlin city:2950159 as64500] true",
		"8.8.8.8":           "[] false",
	} {
		said, at, located := a.Said(netip.MustParseAddr(address))
		if got := fmt.Sprint(said, " ", located); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
		// Berlin, or the middle of Germany when the record has no coordinates.
		if berlin := (geo.Point{Lat: 52.5, Long: 13.4}); located && at.Distance(berlin) > 300 {
			t.Errorf("%s is at %v", address, at)
		}
	}
}

func TestAtlasListsTheLargestNetworks(t *testing.T) {
	t.Parallel()
	a := toyAtlas(t)
	de := geo.Selector{Kind: geo.Country, Value: "DE"}
	all, err := a.Networks(de, 100)
	if err != nil || len(all) == 0 {
		t.Fatalf("%v, %v", all, err)
	}
	for i, p := range all {
		said, _, _ := a.Said(p.Addr())
		if !slices.Contains(said, de) {
			t.Errorf("%s: %v", p, said)
		}
		if i > 0 && all[i-1].Addr().Is4() == p.Addr().Is4() && all[i-1].Bits() > p.Bits() {
			t.Errorf("%s comes before %s", all[i-1], p)
		}
	}
	if one, err := a.Networks(de, 1); err != nil || one[0] != all[0] {
		t.Errorf("%v, %v", one, err)
	}
	if _, err := a.Networks(geo.Selector{Kind: geo.Country, Value: "AQ"}, 1); !errors.Is(err, geo.ErrUnknown) {
		t.Errorf("a country that is not there: %v", err)
	}
}
