package geo_test

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"testing"

	"github.com/maxmind/mmdbwriter/mmdbtype"

	"github.com/sextant-dns/sextant/geo"
)

func located(code string, lat, long float64) mmdbtype.Map {
	m := mmdbtype.Map{"location": mmdbtype.Map{"latitude": mmdbtype.Float64(lat), "longitude": mmdbtype.Float64(long)}}
	if code != "" {
		m["country"] = mmdbtype.Map{"iso_code": mmdbtype.String(code)}
	}
	return m
}

// Frankfurt, Ashburn and Singapore.
func threeSites() []geo.Point { return []geo.Point{{50.1, 8.7}, {38.9, -77.4}, {1.35, 103.8}} }

func TestDistance(t *testing.T) {
	t.Parallel()
	at := threeSites()
	for _, c := range []struct {
		from, to geo.Point
		km       float64
	}{
		{at[0], at[1], 6540}, {at[0], at[2], 10270}, {at[1], at[2], 15560}, {at[0], at[0], 0},
		{geo.Point{0, 179.5}, geo.Point{0, -179.5}, 111.2}, // across the line where degrees begin anew
		{geo.Point{90, 0}, geo.Point{-90, 77}, math.Pi * 6371},
	} {
		if got := c.from.Distance(c.to); math.Abs(got-c.km) > 0.005*c.km+0.1 || got != c.to.Distance(c.from) {
			t.Errorf("from %v to %v: %.1f km, want %.1f", c.from, c.to, got, c.km)
		}
	}
}

// Classes know which sites are nearest; networks from where the order is the same are one.
func TestRanking(t *testing.T) {
	t.Parallel()
	city := read(t, "GeoLite2-City",
		record{"203.0.112.0/24", located("DE", 52.5, 13.4)}, record{"203.0.113.0/24", located("FR", 48.9, 2.3)}, // the same order
		record{"203.0.114.0/24", located("US", 40.7, -74)}, record{"203.0.115.0/24", located("JP", 35.7, 139.7)},
		record{"203.0.116.0/24", located("", 35, 135)}, record{"203.0.117.0/24", mmdbtype.Map{"country": mmdbtype.Map{"iso_code": mmdbtype.String("SG")}}})
	m := compile(t, geo.Sources{
		Databases: []*geo.Database{city},
		Rankings:  map[string]geo.Ranking{"all": {Places: threeSites()}, "one": {Places: threeSites(), Depth: 1}},
	}, "de")
	for _, c := range []struct{ client, scope, all, one string }{
		{"203.0.112.9", "203.0.112.0/24", "[0 1 2]", "[0]"},
		{"203.0.113.9", "203.0.113.0/24", "[0 1 2]", "[0]"},
		{"203.0.114.9", "203.0.114.0/24", "[1 0 2]", "[1]"},
		{"203.0.115.9", "203.0.115.0/24", "[2 0 1]", "[2]"},
		{"203.0.116.9", "203.0.116.0/23", "[2 0 1]", "[2]"}, // no country, and a country with no coordinates
		{"203.0.118.9", "203.0.118.0/23", "[]", "[]"},
	} {
		class, scope := m.Locate(netip.PrefixFrom(netip.MustParseAddr(c.client), 32))
		if scope.String() != c.scope || fmt.Sprint(m.Ranking(class, "all")) != c.all || fmt.Sprint(m.Ranking(class, "one")) != c.one {
			t.Errorf("%s: %s, all %v, one %v; want %s %s %s", c.client, scope, m.Ranking(class, "all"), m.Ranking(class, "one"), c.scope, c.all, c.one)
		}
		for _, s := range m.Selectors(class) {
			if s.Kind != geo.Country {
				t.Errorf("%s: an order of places appears as the selector %s", c.client, s)
			}
		}
		if m.Ranking(class, "none") != nil || m.Ranking(class+1000, "all") != nil {
			t.Error("what does not exist has an order")
		}
	}
	// For "one" alone Germany, France and everything else that is nearest to Frankfurt are alike.
	e := m.Equivalence(func(c geo.Class) uint32 {
		if one := m.Ranking(c, "one"); one != nil {
			return uint32(one[0])
		}
		return 9
	})
	if _, scope := e.Locate(netip.MustParsePrefix("203.0.112.9/32")); scope.String() != "203.0.112.0/23" {
		t.Errorf("those nearest to Frankfurt: %s", scope)
	}
}

func TestRankingsThatAreOfNoUse(t *testing.T) {
	t.Parallel()
	here := read(t, "country", record{"203.0.112.0/24", country("DE")})
	networks := read(t, "GeoLite2-ASN", record{"203.0.112.0/24", mmdbtype.Map{"autonomous_system_number": mmdbtype.Uint32(64500)}})
	for name, c := range map[string]struct {
		database *geo.Database
		ranking  geo.Ranking
		want     error
	}{
		"no places":            {here, geo.Ranking{}, geo.ErrRanking},
		"too many":             {here, geo.Ranking{Places: make([]geo.Point, 256)}, geo.ErrRanking},
		"not on Earth":         {here, geo.Ranking{Places: []geo.Point{{91, 0}}}, geo.ErrRanking},
		"not a number":         {here, geo.Ranking{Places: []geo.Point{{math.NaN(), 0}}}, geo.ErrRanking},
		"nobody knows where":   {networks, geo.Ranking{Places: threeSites()}, geo.ErrUnknown},
		"countries will do":    {here, geo.Ranking{Places: threeSites()}, nil},
		"more depth than many": {here, geo.Ranking{Places: threeSites(), Depth: 9}, nil},
	} {
		_, err := geo.Compile(nil, geo.Sources{Databases: []*geo.Database{c.database}, Rankings: map[string]geo.Ranking{"r": c.ranking}})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// Every country that a database may name has a centre, on the right continent as far as
// the nearest of three sites can tell.
func TestEveryCountryHasACentre(t *testing.T) {
	t.Parallel()
	var records []record
	codes := []string{}
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			code := string([]rune{a, b})
			if s, err := geo.ParseSelector("cc:" + code); err == nil {
				records = append(records, record{fmt.Sprintf("203.%d.%d.0/24", len(codes)/256, len(codes)%256), country(s.Value)})
				codes = append(codes, code)
			}
		}
	}
	if len(codes) != 250 {
		t.Fatalf("%d countries", len(codes))
	}
	m := compile(t, geo.Sources{
		Databases: []*geo.Database{read(t, "country", records...)}, Rankings: map[string]geo.Ranking{"r": {Places: threeSites()}},
	})
	nearest := map[string][]uint8{"DE": {0}, "GB": {0}, "RU": {0}, "ZA": {0, 2}, "US": {1}, "CA": {1}, "BR": {1, 0}, "JP": {2}, "AU": {2}, "FJ": {2}, "NZ": {2}, "IN": {2}}
	for i, code := range codes {
		class, _ := m.Locate(netip.MustParsePrefix(records[i].network))
		order := m.Ranking(class, "r")
		if len(order) != 3 {
			t.Errorf("%s has no centre", code)
		} else if want := nearest[code]; want != nil && !slices.Contains(want, order[0]) {
			t.Errorf("%s is nearest to site %d, want %v", code, order[0], want)
		}
	}
}
