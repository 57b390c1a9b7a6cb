package lab_test

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/sextant-dns/sextant"
	"github.com/sextant-dns/sextant/lab"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/transport"
)

// A server of io begins to lie, as one did on 28 October 2016.
func Example() {
	internet, err := lab.New(sextant.LabZones(), lab.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	server := internet.Addrs(lookup.MustName("ns-a4.io."))[0]
	ask := func() {
		reply, err := internet.Exchange(context.Background(), transport.Request{
			Server:   netip.AddrPortFrom(server, 53),
			Question: lookup.Question{Name: lookup.MustName("api.corp.io."), Type: lookup.TypeA, Class: lookup.ClassIN},
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(reply.Rcode, "and in authority", reply.Authority[0].Name, reply.Authority[0].Type)
	}
	ask()
	internet.Break(lab.NXDomain, server)
	ask()
	// Output:
	// NOERROR and in authority corp.io. NS
	// NXDOMAIN and in authority io. SOA
}

func ExampleTry() {
	trial := lab.Try()[0]
	fmt.Printf("dig %s   # %s, with forced DNS64 %s", trial.Dig, trial.Off, trial.Forced)
	// Output: dig www.facebook.com AAAA   # 2a03:2880:f00d:1:face:b00c:0:1, with forced DNS64 64:ff9b::1f0d:4ff6
}
