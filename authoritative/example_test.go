package authoritative_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/sextant-dns/sextant/authoritative"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/zones"
)

func Example() {
	zone, err := zones.Load(strings.NewReader(`$ORIGIN example.
$TTL 3600
@	SOA	ns hostmaster 2026010101 7200 900 1209600 300
@	NS	ns
ns	A	192.0.2.53
www	CNAME	web
web	A	192.0.2.80
`), "example.zone", zones.LoadOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	tree, err := zones.NewTree(zone)
	if err != nil {
		fmt.Println(err)
		return
	}
	authority := authoritative.New(tree)
	for _, name := range []string{"www.example.", "nobody.example.", "www.example.com."} {
		question := lookup.Question{Name: lookup.MustName(name), Type: lookup.TypeA, Class: lookup.ClassIN}
		response, _ := authority.Resolve(context.Background(), lookup.Query{Question: question})
		fmt.Print(response)
	}
	// Output:
	// NOERROR AA
	// answer:
	// www.example.	3600	IN	CNAME	web.example.
	// web.example.	3600	IN	A	192.0.2.80
	// NXDOMAIN AA
	// authority:
	// example.	300	IN	SOA	ns.example. hostmaster.example. 2026010101 7200 900 1209600 300
	// REFUSED EDE 20 (Not Authoritative)
}
