package resolver_test

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
	"github.com/sextant-dns/sextant/transport"
)

// network is an Internet with two servers: one for the root, one for example.
type network struct{}

func (network) Exchange(_ context.Context, r transport.Request) (*transport.Reply, error) {
	fmt.Println("ask", r.Server, "for", r.Question)
	if r.Server.Addr() == netip.MustParseAddr("198.51.100.1") {
		return &transport.Reply{
			Sent:       1,
			Authority:  lookup.MustRRsets("example. 86400 IN NS ns.example."),
			Additional: lookup.MustRRsets("ns.example. 86400 IN A 192.0.2.1"),
		}, nil
	}
	return &transport.Reply{Sent: 1, AA: true, Answer: lookup.MustRRsets("www.example. 300 IN A 192.0.2.80")}, nil
}

// A resolver needs an Exchanger, as a rule a transport.Client, and nothing else.
func Example() {
	r := resolver.New(resolver.Options{
		Exchanger: network{},
		Hints:     []resolver.Server{{Name: lookup.MustName("ns.root."), Addrs: []netip.Addr{netip.MustParseAddr("198.51.100.1")}}},
		NoPriming: true,
	})
	q := lookup.Query{RD: true, Question: lookup.Question{Name: lookup.MustName("www.example."), Type: lookup.TypeA, Class: lookup.ClassIN}}
	response, err := r.Resolve(context.Background(), q)
	if err != nil {
		fmt.Println(lookup.EDEOf(err))
		return
	}
	fmt.Print(response)
	// Output:
	// ask 198.51.100.1:53 for example. IN A
	// ask 192.0.2.1:53 for www.example. IN A
	// NOERROR
	// answer:
	// www.example.	300	IN	A	192.0.2.80
}
