package geo_test

import (
	"bytes"
	"flag"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"

	"github.com/sextant-dns/sextant/geo"
)

// The files in testdata/geo are what `go test ./geo -run Fixtures -update` writes.
var update = flag.Bool("update", false, "write testdata/geo anew")

type record struct {
	network string
	value   mmdbtype.Map
}

// mmdb makes a database of a type.
func mmdb(t testing.TB, databaseType string, records ...record) []byte {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{
		DatabaseType: databaseType, BuildEpoch: 1767225600, RecordSize: 24, IncludeReservedNetworks: true,
		Description: map[string]string{"en": "networks of documentation (RFC 5737, RFC 3849) and invented places"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		_, network, err := net.ParseCIDR(r.network)
		if err != nil {
			t.Fatal(err)
		}
		if err := tree.Insert(network, r.value); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if _, err := tree.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func read(t testing.TB, databaseType string, records ...record) *geo.Database {
	t.Helper()
	d, err := geo.Read(databaseType, mmdb(t, databaseType, records...), nil)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// place is a record of GeoLite2-City; an empty argument is left out.
func place(continent, country, subdivision, city string, number int) mmdbtype.Map {
	m := mmdbtype.Map{
		"continent": mmdbtype.Map{"code": mmdbtype.String(continent)},
		"country":   mmdbtype.Map{"iso_code": mmdbtype.String(country)},
	}
	if subdivision != "" {
		m["subdivisions"] = mmdbtype.Slice{mmdbtype.Map{"iso_code": mmdbtype.String(subdivision)}}
	}
	if city != "" {
		m["city"] = mmdbtype.Map{"geoname_id": mmdbtype.Uint32(number), "names": mmdbtype.Map{"en": mmdbtype.String(city)}}
	}
	return m
}

func country(code string) mmdbtype.Map { return mmdbtype.Map{"country_code": mmdbtype.String(code)} }

// toyCity has 203.0.112.0/20 as the worked example has it, and the networks that are
// set aside for documentation, so that examples can show places.
func toyCity() []record {
	return []record{
		{"203.0.112.0/22", place("EU", "DE", "BE", "Berlin", 2950159)},
		{"203.0.116.0/22", place("EU", "AT", "9", "Vienna", 2761369)},
		{"203.0.120.0/22", place("NA", "US", "NY", "New York", 5128581)},
		{"192.0.2.0/25", place("EU", "DE", "HE", "Frankfurt am Main", 2925533)},
		{"192.0.2.128/25", place("EU", "CH", "ZH", "Zurich", 2657896)},
		{"198.51.100.0/24", place("NA", "US", "VA", "Ashburn", 4744870)},
		{"198.18.0.0/15", place("AS", "SG", "", "Singapore", 1880252)},
		{"2001:db8:a::/48", place("NA", "US", "VA", "Ashburn", 4744870)},
		{"2001:db8:f::/48", place("EU", "DE", "HE", "Frankfurt am Main", 2925533)},
	}
}

func toyASN() []record {
	as := func(n int) mmdbtype.Map { return mmdbtype.Map{"autonomous_system_number": mmdbtype.Uint32(n)} }
	return []record{
		{"203.0.112.0/21", as(64500)}, {"203.0.120.0/22", as(64501)}, {"192.0.2.0/24", as(64502)},
		{"198.51.100.0/24", as(64501)}, {"2001:db8::/32", as(64500)},
	}
}

func TestFixturesAreWhatThisProgramMakes(t *testing.T) {
	t.Parallel()
	for name, content := range map[string][]byte{
		"toy-city.mmdb": mmdb(t, "GeoLite2-City", toyCity()...),
		"toy-asn.mmdb":  mmdb(t, "GeoLite2-ASN", toyASN()...),
	} {
		file := filepath.Join("..", "testdata", "geo", name)
		if *update {
			if err := os.WriteFile(file, content, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		committed, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(committed, content) {
			t.Errorf("%s: %d bytes, of which this program would make %d others; run with -update", file, len(committed), len(content))
		}
	}
}
