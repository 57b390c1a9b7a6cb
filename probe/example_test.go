package probe_test

import (
	"fmt"
	"net/netip"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/probe"
)

// No more than one query, whatever comes.
func ExampleNew() {
	c := probe.New(netip.MustParseAddrPort("127.0.0.1:53"), probe.Options{Rate: 50, Most: 1})
	q := probe.Query("www.example", dns.TypeA, true, probe.Option{Code: dns.EDNS0SUBNET, Data: "\x00\x01\x18\x00\xc0\x00\x02"})
	fmt.Println(c.Server(), q.Question[0].Name, c.Asked())
	// Output: 127.0.0.1:53 www.example. 0
}
