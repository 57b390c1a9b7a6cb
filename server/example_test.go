package server_test

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/server"
)

// The whole server is a function from bytes to bytes.
func ExampleServer_Respond() {
	zone := lookup.Func(func(context.Context, lookup.Query) (*lookup.Response, error) {
		return &lookup.Response{AA: true, Answer: lookup.MustRRsets("www.example. 300 IN A 192.0.2.80")}, nil
	})
	s := server.New(server.Options{Views: []server.View{
		{Name: "office", Clients: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, Authoritative: zone},
	}})

	query := new(dns.Msg)
	query.SetQuestion("WWW.Example.", dns.TypeA)
	msg, _ := query.Pack()
	for _, client := range []string{"192.0.2.7:53124", "198.51.100.7:53124"} {
		reply := new(dns.Msg)
		_ = reply.Unpack(s.Respond(nil, msg, netip.MustParseAddrPort(client), server.UDP))
		fmt.Println(dns.RcodeToString[reply.Rcode], reply.Question[0].Name, reply.Answer)
	}
	// Output:
	// NOERROR WWW.Example. [WWW.Example.	300	IN	A	192.0.2.80]
	// REFUSED WWW.Example. []
}
