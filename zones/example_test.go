package zones_test

import (
	"fmt"
	"strings"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/zones"
)

const master = `$ORIGIN example.
$TTL 3600
@	SOA	ns hostmaster 2026010101 7200 900 1209600 300
@	NS	ns
ns	A	192.0.2.53
*	TXT	"whoever you are"
sub	NS	ns.sub
ns.sub	A	192.0.2.54
`

// A zone says what kind of match there is; making a response of it is the work
// of package authoritative.
func Example() {
	zone, err := zones.Load(strings.NewReader(master), "example.zone", zones.LoadOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, q := range []string{"ns.example.", "www.example.", "www.sub.example."} {
		m := zone.Find(lookup.MustName(q), lookup.TypeTXT)
		fmt.Println(q, m.Kind, m.Wildcard, m.Set.Type)
	}
	// Output:
	// ns.example. NODATA false None
	// www.example. answer true TXT
	// www.sub.example. delegation false NS
}

// Whatever is wrong with a file is told with its place.
func ExampleLoad() {
	_, err := zones.Load(strings.NewReader(master+"www	CNAME	ns\nwww	A	192.0.2.80\n"), "example.zone", zones.LoadOptions{})
	fmt.Println(err)
	// Output: example.zone:10:1: www.example. A: stands beside a CNAME, and must not (RFC 2181 10.1)
}
