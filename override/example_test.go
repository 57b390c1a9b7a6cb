package override_test

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/override"
)

// The zone above denies the zone, whose own servers are well.
func Example() {
	internet := lookup.Func(func(context.Context, lookup.Query) (*lookup.Response, error) {
		return &lookup.Response{Rcode: lookup.NXDOMAIN, Authority: lookup.MustRRsets("io. 900 IN SOA a. b. 1 2 3 4 900")}, nil
	})
	ours := lookup.Func(func(_ context.Context, q lookup.Query) (*lookup.Response, error) {
		return &lookup.Response{AA: true, Answer: lookup.MustRRsets(q.Name.String() + " 300 IN A 192.0.2.80")}, nil
	})
	set := override.New(override.Options{Source: func(override.Override) (override.Source, error) {
		return override.Source{Path: ours}, nil // cmd/sextant makes a resolver that asks the servers
	}})
	err := set.Add(override.Override{
		Zone: lookup.MustName("example.io."), Kind: override.Servers, When: override.Outage,
		Servers: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.53:53")},
	}, "olga", override.DefaultFor)
	if err != nil {
		fmt.Println(err)
		return
	}
	resolver := set.Before(override.View{Name: "default", Next: internet})
	for _, name := range []string{"www.example.io.", "www.example.jp."} {
		q := lookup.Query{RD: true, Question: lookup.Question{Name: lookup.MustName(name), Type: lookup.TypeA, Class: lookup.ClassIN}}
		r, _ := resolver.Resolve(context.Background(), q)
		fmt.Print(r)
	}
	// Output:
	// NOERROR
	// answer:
	// www.example.io.	300	IN	A	192.0.2.80
	// NXDOMAIN
	// authority:
	// io.	900	IN	SOA	a. b. 1 2 3 4 900
}
