package special_test

import (
	"context"
	"fmt"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/special"
)

// A lab has test. for itself; everything else that is special stays here.
func Example() {
	internet := lookup.Func(func(_ context.Context, q lookup.Query) (*lookup.Response, error) {
		fmt.Println("asked of the next resolver:", q.Name)
		return &lookup.Response{}, nil
	})
	resolver := special.New(internet, special.Options{Off: []lookup.Name{lookup.MustName("test.")}})
	for _, name := range []string{"localhost.", "printer.local.", "www.test."} {
		question := lookup.Question{Name: lookup.MustName(name), Type: lookup.TypeA, Class: lookup.ClassIN}
		response, _ := resolver.Resolve(context.Background(), lookup.Query{Question: question})
		fmt.Print(response)
	}
	// Output:
	// NOERROR AA
	// answer:
	// localhost.	10800	IN	A	127.0.0.1
	// NXDOMAIN AA EDE 0 (Other): answered locally: local. is special (RFC 6762 22.1)
	// authority:
	// local.	10800	IN	SOA	local. nobody.invalid. 1 3600 1200 604800 10800
	// asked of the next resolver: www.test.
	// NOERROR
}
