package tailor_test

import (
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/sextant-dns/sextant/geo"
	"github.com/sextant-dns/sextant/internal/geopeers"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/overlay"
	"github.com/sextant-dns/sextant/tailor"
	"github.com/sextant-dns/sextant/zones"
)

// The five properties of TestE33ScopesAreExact with an overlay's networks, countries and
// continents upon a country database of the real Internet: all scopes that there are, one by
// one, in each state of the sites, and with one and the same Map: `make test-geo`.
func TestRealDatabaseAndOverlay(t *testing.T) {
	file := os.Getenv("GEO_MMDB")
	if file == "" {
		t.Skip("GEO_MMDB names no database; make test-geo fetches one")
	}
	countries, err := geopeers.OpenCountries(file)
	if err != nil {
		t.Fatal(err)
	}
	plan := geopeers.Usual().With(map[string][]string{
		"133.0.0.0/8": {"iad", "fra"}, "133.1.0.0/16": {"sin", "fra"}, "133.1.2.0/23": {"fra", "iad"}, "133.1.2.128/25": {"iad"},
		"9.9.9.0/24": {"sin", "iad"}, "81.0.0.0/10": {"sin"}, "2a02::/20": {"sin", "fra"}, "2a02:1::/32": {"iad"},
	})
	health := &states{}
	z := realZone(t, file, plan, health)
	r := rand.New(rand.NewPCG(2026, 7))
	real := internet{borders: countries.Networks(), countries: map[netip.Addr]string{}, of: countries}
	for _, rule := range plan.Rules {
		if rule.Network.IsValid() {
			real.borders = append(real.borders, rule.Network)
		}
	}
	for _, down := range []string{"", "fra", "iad fra", "sin", ""} {
		health.set(strings.Fields(down)...)
		now := plan
		for _, site := range health.down {
			now = now.WithDown(site)
		}
		oracle := real.oracle(func(a netip.Addr, country string) string {
			if answer := now.Answer(a, country); answer.IsValid() {
				return answer.String()
			}
			return "192.0.2.2" // of the zone: nobody is up
		})
		t.Logf("without %q: %d scopes", down, agreeEverywhere(t, z, "www", oracle))
		agreeWithSome(t, z, oracle, r)
	}
	oracle := real.oracle(func(_ netip.Addr, country string) string {
		if geopeers.Continent(country) == "EU" && country != "RU" {
			return "192.0.2.7"
		}
		return "192.0.2.50"
	})
	t.Logf("of a record under a condition: %d scopes", agreeEverywhere(t, z, "plain", oracle))
}

func geoName(label string) lookup.Name { return lookup.MustName(label + "." + geopeers.Zone) }

func realZone(t *testing.T, file string, plan geopeers.Plan, health tailor.Health) *tailor.Zone {
	t.Helper()
	below, err := zones.Load(strings.NewReader(plan.ZoneFile()), "geo.zone", zones.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	o, err := overlay.Load(strings.NewReader(plan.Overlay()+"$WHEN eu+!ru\nplain A 192.0.2.7\n"), "geo.geo", overlay.Options{Base: below})
	if err != nil {
		t.Fatal(err)
	}
	d, err := geo.Open(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := geo.Compile(o.Selectors(), geo.Sources{Databases: []*geo.Database{d}})
	if err != nil {
		t.Fatal(err)
	}
	return tailor.New(below, o, tailor.Options{Atlas: atlas(m), Health: health})
}

// internet is the borders at which answers may change, and whose countries are looked up in
// the file once.
type internet struct {
	borders   []netip.Prefix
	countries map[netip.Addr]string
	of        *geopeers.Countries
}

func (i internet) oracle(answer func(netip.Addr, string) string) *geopeers.Oracle {
	return geopeers.NewOracle(i.borders, func(a netip.Addr) string {
		country, known := i.countries[a]
		if !known {
			country = i.of.Of(a)
			i.countries[a] = country
		}
		return answer(a, country)
	})
}

// agreeEverywhere goes through all scopes of a name: they follow each other without a gap and
// without an overlap, and each is the widest prefix in which all hear what the oracle says. It
// counts them.
func agreeEverywhere(t *testing.T, z *tailor.Zone, label string, oracle *geopeers.Oracle) (count int) {
	t.Helper()
	next := map[bool]netip.Addr{true: netip.IPv4Unspecified(), false: netip.IPv6Unspecified()}
	for p := range z.World(geoName(label), lookup.TypeA) {
		v4 := p.Addr().Is4()
		if a := p.Addr(); v4 && a != next[v4] || a.Less(next[v4]) {
			t.Fatalf("%s comes where %s is next", p, next[v4])
		}
		if next[v4] = after(p); strings.HasPrefix(oracle.Answer(p.Addr()), "IPv4 in ") {
			continue
		}
		if widest := oracle.Widest(p.Addr()); widest != p {
			t.Fatalf("%s is a scope, and all of %s hear %s", p, widest, oracle.Answer(p.Addr()))
		}
		f := z.Find(geoName(label), lookup.TypeA, tailor.Client{At: netip.PrefixFrom(p.Addr(), p.Addr().BitLen())})
		if said(f) != oracle.Answer(p.Addr()) || f.Scope != p {
			t.Fatalf("%s: %s for %s, and the oracle says %s", p, said(f), f.Scope, oracle.Answer(p.Addr()))
		}
		count++
	}
	if next[true].IsValid() {
		t.Fatalf("IPv4 ends before %s", next[true])
	}
	return count
}

// after is the first address after a prefix, invalid after the last one.
func after(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().AsSlice()
	for i := p.Bits(); i < 8*len(b); i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a.Next()
}

// agreeWithSome asks as clients at random, two in each scope, whose answers have to be the
// same octets; no two of the scopes may overlap.
func agreeWithSome(t *testing.T, z *tailor.Zone, oracle *geopeers.Oracle, r *rand.Rand) {
	t.Helper()
	var scopes []netip.Prefix
	for range 20_000 {
		var a netip.Addr
		if a = netip.AddrFrom4([4]byte{byte(r.IntN(224)), byte(r.IntN(256)), byte(r.IntN(256)), byte(r.IntN(256))}); r.IntN(3) == 0 {
			a = netip.AddrFrom16([16]byte{[]byte{0x24, 0x26, 0x28, 0x2a, 0x2c}[r.IntN(5)], byte(r.IntN(32)), byte(r.IntN(256)), byte(r.IntN(256)), byte(r.IntN(256)), 15: 1})
		}
		f := z.Find(geoName("www"), lookup.TypeA, tailor.Client{At: netip.PrefixFrom(a, a.BitLen())})
		if said(f) != oracle.Answer(a) || f.Scope != oracle.Widest(a) {
			t.Fatalf("%s: %s for %s, not %s for %s", a, said(f), f.Scope, oracle.Answer(a), oracle.Widest(a))
		}
		b := f.Scope.Addr().AsSlice()
		for i := f.Scope.Bits(); i < 8*len(b); i++ {
			b[i/8] |= byte(r.IntN(2)) << (7 - i%8)
		}
		other, _ := netip.AddrFromSlice(b)
		if g := z.Find(geoName("www"), lookup.TypeA, tailor.Client{At: netip.PrefixFrom(other, other.BitLen())}); g.Set.Data != f.Set.Data || g.Scope != f.Scope {
			t.Fatalf("%s for %s, and of the same scope %s for %s", a, f.Scope, other, g.Scope)
		}
		scopes = append(scopes, f.Scope)
	}
	slices.SortFunc(scopes, func(p, q netip.Prefix) int { return p.Addr().Compare(q.Addr()) })
	for i, p := range slices.Compact(scopes)[1:] {
		if q := scopes[i]; p != q && p.Overlaps(q) {
			t.Fatalf("%s and %s overlap", p, q)
		}
	}
}
