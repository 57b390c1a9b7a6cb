package primary_test

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/primary"
	"github.com/sextant-dns/sextant/zones"
)

// A zone is edited, and a secondary that has the version before gets the difference.
func Example() {
	edition := func(serial int, address string) primary.Zone {
		text := fmt.Sprintf("$ORIGIN example.\n$TTL 60\n@ SOA ns host %d 7200 900 1209600 300\n@ NS ns\nns A 192.0.2.1\nwww A %s\n", serial, address)
		zone, err := zones.Load(strings.NewReader(text), "example.zone", zones.LoadOptions{})
		if err != nil {
			fmt.Println(err)
		}
		return primary.Zone{Data: zone, Transfer: []primary.Peer{{Network: netip.MustParsePrefix("192.0.2.0/24")}}}
	}
	p := primary.New(primary.Options{})
	p.Replace(nil, []primary.Zone{edition(1, "192.0.2.80")})
	p.Replace(nil, []primary.Zone{edition(2, "192.0.2.81")})

	have := uint32(1)
	records, _ := p.Transfer(netip.MustParseAddr("192.0.2.2"), "", lookup.MustName("example."), &have)
	for r := range records {
		fmt.Println(r.Name, r.Type)
	}
	_, otherwise := p.Transfer(netip.MustParseAddr("198.51.100.1"), "", lookup.MustName("example."), nil)
	fmt.Println(otherwise.Rcode)
	// Output:
	// example. SOA
	// example. SOA
	// www.example. A
	// example. SOA
	// www.example. A
	// example. SOA
	// REFUSED
}
