package geopeers

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
	"github.com/oschwald/maxminddb-golang/v2"

	"github.com/sextant-dns/sextant/geo"
)

// A Network is in a country, which is said in two capital letters.
type Network struct {
	Prefix  netip.Prefix
	Country string
}

// Read is all networks of the database at path that are in a country, in the order of
// their addresses. Its records are flat ones: country_code.
func Read(path string) ([]Network, error) {
	reader, err := maxminddb.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = reader.Close() }()
	var all []Network
	for result := range reader.Networks() {
		var record struct {
			Code string `maxminddb:"country_code"`
		}
		if err := result.Decode(&record); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if record.Code != "" {
			all = append(all, Network{result.Prefix(), record.Code})
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: no network in it has a country_code", path)
	}
	return all, nil
}

// Write writes a database of MaxMind's layout, which gdnsd, Knot, PowerDNS and Sextant
// can read, with country and continent.
func Write(path string, networks []Network) error {
	tree, err := mmdbwriter.New(mmdbwriter.Options{
		DatabaseType: "GeoIP2-Country", RecordSize: 28, BuildEpoch: 1767225600,
		Description: map[string]string{"en": "geo-whois-asn-country by NRO, CC BY 4.0, in another layout"},
		Languages:   []string{"en"},
	})
	if err != nil {
		return err
	}
	records := map[string]mmdbtype.Map{}
	for _, n := range networks {
		record := records[n.Country]
		if record == nil {
			record = mmdbtype.Map{"country": mmdbtype.Map{"iso_code": mmdbtype.String(n.Country)}}
			if c := Continent(n.Country); c != "" {
				record["continent"] = mmdbtype.Map{"code": mmdbtype.String(c)}
			}
			records[n.Country] = record
		}
		if err := insert(tree, n.Prefix, record); err != nil {
			return err
		}
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if _, err := tree.WriteTo(f); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}

// insert leaves out what nobody is at: reserved space, and IPv6 forms of IPv4 addresses,
// which the writer makes the same as those.
func insert(tree *mmdbwriter.Tree, p netip.Prefix, record mmdbtype.Map) error {
	network := &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
	err := tree.Insert(network, record)
	if _, reserved := errors.AsType[*mmdbwriter.ReservedNetworkError](err); reserved {
		return nil
	}
	if _, aliased := errors.AsType[*mmdbwriter.AliasedNetworkError](err); aliased {
		return nil
	}
	return err
}

// Continent is that of a country as package geo has it, "" for what is no country of
// ISO 3166-1, such as EU: the peers want it in the file.
func Continent(country string) string {
	for _, s := range (geo.Selector{Kind: geo.Country, Value: country}).Implied() {
		return s.Value
	}
	return ""
}
