package geo_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/maxmind/mmdbwriter/mmdbtype"

	"github.com/sextant-dns/sextant/geo"
)

func text(m map[string]string) mmdbtype.Map {
	record := mmdbtype.Map{}
	for k, v := range m {
		record[mmdbtype.String(k)] = mmdbtype.String(v)
	}
	return record
}

// What each publisher's records say, by the database's type alone.
func TestLayouts(t *testing.T) {
	t.Parallel()
	berlin := place("EU", "DE", "BE", "Berlin", 2950159)
	for _, c := range []struct {
		databaseType string
		value        mmdbtype.Map
		want         string
	}{
		{"GeoLite2-City", berlin, "[eu de de-be city:Berlin city:2950159]"},
		{"GeoIP2-Country", place("AS", "JP", "", "", 0), "[c:as jp]"},
		{"GeoIP2-Enterprise", mmdbtype.Map{"country": mmdbtype.Map{"iso_code": mmdbtype.String("FR")}, "traits": mmdbtype.Map{"autonomous_system_number": mmdbtype.Uint32(64500)}}, "[fr as64500]"},
		{"GeoLite2-ASN", mmdbtype.Map{"autonomous_system_number": mmdbtype.Uint32(64500)}, "[as64500]"},
		{"DBIP-City-Lite", place("EU", "GB", "", "London", 2643743), "[eu gb city:London city:2643743]"},
		{"DBIP-ASN-Lite (compat=GeoLite2-ASN)", mmdbtype.Map{"autonomous_system_number": mmdbtype.Uint32(64501)}, "[as64501]"},
		{"ipinfo generic_ipinfo_lite.mmdb", text(map[string]string{"country_code": "NO", "country": "Norway", "continent_code": "EU", "continent": "Europe", "asn": "AS64502"}), "[eu no as64502]"},
		{"ipinfo generic_country_asn.mmdb", text(map[string]string{"country": "CA", "country_name": "Canada", "continent": "NA", "asn": "AS64503"}), "[c:na ca as64503]"},
		{"ipinfo standard_location.mmdb", text(map[string]string{"country": "US", "region": "New York", "region_code": "NY", "city": "New York", "geoname_id": "5128581"}), "[us us-ny city:New York city:5128581]"},
		{"country ipvAll", country("AU"), "[au]"},
		{"something of our own", text(map[string]string{"country_code": "za", "subdivision_code": "ZA-GP"}), "[za za-gp]"},
	} {
		d := read(t, c.databaseType, record{"192.0.2.0/24", c.value})
		said, network, err := d.Lookup(netip.MustParseAddr("192.0.2.7"))
		if err != nil || fmt.Sprint(said) != c.want || network.String() != "192.0.2.0/24" {
			t.Errorf("%s: %v of %s, %v; want %s", c.databaseType, said, network, err, c.want)
		}
	}
}

func TestPathsOfTheOperator(t *testing.T) {
	t.Parallel()
	content := mmdb(t, "Acme", record{"192.0.2.0/24", mmdbtype.Map{"where": mmdbtype.Slice{text(map[string]string{"land": "de"})}}})
	if _, err := geo.Read("acme.mmdb", content, nil); !errors.Is(err, geo.ErrDatabase) {
		t.Errorf("a database that says nothing we know of: %v", err)
	}
	d, err := geo.Read("acme.mmdb", content, geo.Layout{geo.Country: {"where.0.land"}})
	if err != nil || !d.Has(geo.Country) || d.Has(geo.ASN) {
		t.Fatalf("%v, %v", d, err)
	}
	m := compile(t, geo.Sources{Databases: []*geo.Database{d}}, "de", "eu")
	class, scope := m.Locate(netip.MustParsePrefix("192.0.2.7/32"))
	if said(m, class) != "[de eu]" || scope.String() != "192.0.2.0/24" {
		t.Errorf("%s, %s", said(m, class), scope)
	}
}

func TestDatabasesTogether(t *testing.T) {
	t.Parallel()
	open := func(name string) *geo.Database {
		d, err := geo.Open(filepath.Join("..", "testdata", "geo", name), nil)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	contradicts := read(t, "country", record{"0.0.0.0/0", country("FR")})
	m := compile(t, geo.Sources{
		Databases: []*geo.Database{open("toy-asn.mmdb"), open("toy-city.mmdb"), contradicts},
		Sets:      map[string][]netip.Prefix{"lab": prefixes("203.0.113.0/24")},
		Views:     map[string][]netip.Prefix{"corp": prefixes("10.0.0.0/8")},
	}, "as64500", "as64501", "de", "fr", "eu", "us-ny", "city:Berlin", "city:2761369", "203.0.113.0/25", "203.0.113.64/26", "net:lab", "view:corp")
	for _, c := range []struct{ client, want, scope string }{
		{"203.0.112.1/32", "[as64500 city:Berlin de eu]", "203.0.112.0/24"},
		{"203.0.113.1/32", "[203.0.113.0/25 net:lab as64500 city:Berlin de eu]", "203.0.113.0/26"},
		{"203.0.113.65/32", "[203.0.113.64/26 203.0.113.0/25 net:lab as64500 city:Berlin de eu]", "203.0.113.64/26"},
		{"203.0.117.1/32", "[as64500 city:2761369 eu]", "203.0.116.0/22"},
		{"203.0.121.1/32", "[as64501 us-ny]", "203.0.120.0/22"},
		{"10.1.1.1/32", "[view:corp]", "10.0.0.0/8"},
		{"198.51.100.1/32", "[as64501]", "198.51.100.0/24"},
		{"2001:db8:f::1/128", "[as64500 de eu]", "2001:db8:f::/48"},
		{"2001:db8:e::1/128", "[as64500]", "2001:db8:e::/48"},
		{"8.8.8.8/32", "[]", "8.0.0.0/7"},
	} {
		class, scope := m.Locate(netip.MustParsePrefix(c.client))
		if got := fmt.Sprint(m.Selectors(class)); got != c.want || scope.String() != c.scope {
			t.Errorf("%s: %s of %s, not %s of %s", c.client, got, scope, c.want, c.scope)
		}
	}
	class, _ := m.Locate(netip.MustParsePrefix("203.0.112.1/32"))
	if !m.Has(class, geo.Selector{Kind: geo.Country, Value: "DE"}) || m.Has(class, geo.Selector{Kind: geo.Country, Value: "FR"}) {
		t.Error("Has and Selectors differ")
	}
}

// An mmdb file and the oracle, for random countries.
func TestMapsAreWhatDatabasesSay(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 17))
		var records []record
		var rules []rule
		codes := []string{"DE", "FR", "US", "SG"}
		for range 1 + r.IntN(40) {
			p := netip.PrefixFrom(netip.AddrFrom4([4]byte{203, 0, byte(r.IntN(8)), byte(r.IntN(256))}), 20+r.IntN(13)).Masked()
			code := codes[r.IntN(len(codes))]
			records = append(records, record{p.String(), country(code)})
			rules = append(rules, rule{code, p})
		}
		d := read(t, "country", records...)
		m := compile(t, geo.Sources{Databases: []*geo.Database{d}}, "de", "us")
		o := newOracle(rules, true)
		for range 100 {
			p := netip.PrefixFrom(rules[r.IntN(len(rules))].network.Addr(), 32)
			answer := func(a netip.Addr) string { // the last rule wins, as the writer has it
				code := ""
				for _, rule := range rules {
					if rule.network.Contains(a) {
						code = rule.selector
					}
				}
				return map[string]string{"": "[]", "DE": "[de]", "FR": "[]", "US": "[us]", "SG": "[]"}[code]
			}
			class, scope := m.Locate(p)
			o.checkWith(t, p, scope, said(m, class), answer)
		}
	}
}

// A kind is read from one database for all addresses, also when the other one is
// read for another kind and says more.
func TestDatabasesDoNotContradictEachOther(t *testing.T) {
	t.Parallel()
	first := read(t, "GeoLite2-Country", record{"192.0.2.0/25", place("EU", "DE", "", "", 0)})
	second := read(t, "ipinfo generic_country_asn.mmdb",
		record{"192.0.2.0/24", text(map[string]string{"country": "FR", "continent": "AS", "asn": "AS64500"})})
	m := compile(t, geo.Sources{Databases: []*geo.Database{first, second}}, "de", "fr", "eu", "c:as", "as64500")
	for client, want := range map[string]string{"192.0.2.1/32": "[as64500 de eu]", "192.0.2.129/32": "[as64500]"} {
		class, _ := m.Locate(netip.MustParsePrefix(client))
		if got := fmt.Sprint(m.Selectors(class)); got != want {
			t.Errorf("%s: %s, not %s", client, got, want)
		}
	}
}

func TestWhatNothingKnows(t *testing.T) {
	t.Parallel()
	asn := read(t, "GeoLite2-ASN", toyASN()...)
	for _, text := range []string{"de", "eu", "us-ny", "city:Bonn", "net:nowhere", "view:nowhere"} {
		_, err := geo.Compile(selectors(t, text), geo.Sources{Databases: []*geo.Database{asn}})
		if !errors.Is(err, geo.ErrUnknown) || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := geo.Open(filepath.Join(t.TempDir(), "none.mmdb"), nil); err == nil {
		t.Error("no file, no error")
	}
	class, scope := compile(t, geo.Sources{}).Locate(netip.MustParsePrefix("192.0.2.1/32"))
	if class != 0 || scope.String() != "0.0.0.0/0" {
		t.Errorf("without selectors: %d, %s", class, scope)
	}
	if _, scope := compile(t, geo.Sources{}).Locate(netip.Prefix{}); scope.IsValid() {
		t.Errorf("an invalid prefix is located in %s", scope)
	}
}
