package dnssec_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
)

func zoneFile(t testing.TB, name string) (apex lookup.Name, sets []lookup.RRset) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	sets = lookup.MustRRsets(string(text))
	return sets[0].Name, sets
}

// The examples of RFC 8976 A, and a signed zone.
func TestZONEMDOfTheRFC(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"rfc8976-a1.zone", "rfc8976-a2.zone", "rfc8976-a3.zone", "uri.arpa.zone", "rfc8976-a5.zone"} {
		apex, sets := zoneFile(t, file)
		if err := dnssec.CheckZONEMD(apex, slices.Values(sets)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		slices.Reverse(sets)
		if err := dnssec.CheckZONEMD(apex, slices.Values(sets)); err != nil {
			t.Errorf("%s backwards: %v", file, err)
		}
	}
	// Both digests of A.3 alone.
	apex, sets := zoneFile(t, "rfc8976-a3.zone")
	i := slices.IndexFunc(sets, func(s lookup.RRset) bool { return s.Type == lookup.TypeZONEMD })
	all := slices.Collect(sets[i].Data.All())
	for _, rdata := range all[:2] {
		sets[i].Data = lookup.PackRdata(rdata)
		if err := dnssec.CheckZONEMD(apex, slices.Values(sets)); err != nil {
			t.Errorf("hash %d alone: %v", rdata[5], err)
		}
		again, err := dnssec.ZONEMD(apex, slices.Values(sets), dnssec.ZONEMDHash(rdata[5]))
		if err != nil || again != sets[i] {
			t.Errorf("hash %d made anew: %v, %v", rdata[5], again, err)
		}
	}
}

func TestZONEMDThatDoesNotFit(t *testing.T) {
	t.Parallel()
	const good = `example. 86400 IN ZONEMD 2018031900 1 1 c68090d90a7aed716bc459f9340e3d7c1370d4d24b7e2fc3a1ddc0b9a87153b9a9713b3c9ae5cc27777f98b8e730044c`
	for _, c := range []struct {
		what   string
		change func(zone string) string
		want   error
	}{
		{"nothing changed", func(z string) string { return z }, nil},
		{"an address", func(z string) string { return strings.Replace(z, "203.0.113.63", "203.0.113.64", 1) }, dnssec.ErrZONEMDMismatch},
		{"a TTL", func(z string) string { return strings.Replace(z, "3600", "3601", 1) }, dnssec.ErrZONEMDMismatch},
		{"an RR more", func(z string) string { return z + "\nx.example. 5 IN A 192.0.2.1" }, dnssec.ErrZONEMDMismatch},
		{"an RRSIG more", func(z string) string {
			return z + "\nns1.example. 3600 IN RRSIG A 13 2 3600 20300101000000 20200101000000 1 example. AAAA"
		}, dnssec.ErrZONEMDMismatch},
		{"an RRSIG over ZONEMD", func(z string) string {
			return z + "\nexample. 86400 IN RRSIG ZONEMD 13 1 86400 20300101000000 20200101000000 1 example. AAAA"
		}, nil},
		{"another serial of the SOA", func(z string) string { return strings.Replace(z, "2018031900 1800", "2018031901 1800", 1) }, dnssec.ErrZONEMDMismatch},
		{"no SOA", func(z string) string { return strings.Replace(z, "SOA", "TYPE65400 \\# 0 ;", 1) }, dnssec.ErrZONEMDMismatch},
		{"no ZONEMD", func(z string) string { return strings.Replace(z, "ZONEMD", "TYPE65400 \\# 0 ;", 1) }, dnssec.ErrNoZONEMD},
		{"private scheme", func(z string) string { return strings.Replace(z, "2018031900 1 1", "2018031900 241 1", 1) }, dnssec.ErrZONEMDUnsupported},
		{"unknown hash", func(z string) string { return strings.Replace(z, "2018031900 1 1", "2018031900 1 3", 1) }, dnssec.ErrZONEMDUnsupported},
		{"two of one pair", func(z string) string { return z + "\n" + strings.Replace(good, "c680", "c681", 1) }, dnssec.ErrZONEMDUnsupported},
		{"short digest", func(z string) string { return strings.Replace(z, "e730044c", "", 1) }, dnssec.ErrZONEMDUnsupported},
	} {
		text, err := os.ReadFile(filepath.Join("testdata", "rfc8976-a1.zone"))
		if err != nil {
			t.Fatal(err)
		}
		sets := lookup.MustRRsets(c.change(string(text)))
		if err := dnssec.CheckZONEMD(lookup.MustName("example."), slices.Values(sets)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.what, err, c.want)
		}
	}
}
