package attack_test

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/sextant-dns/sextant/internal/attack"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/transport"
)

// A server that says something else every time, and what the ledger tells of it.
func Example() {
	n := attack.NewInternet()
	addr := n.Zone("evil.com.", func(m attack.Message) attack.Act {
		if m.Nth%2 == 1 {
			return attack.Fail(lookup.SERVFAIL)
		}
		return attack.Deny("evil.com.")
	})
	question := lookup.Question{Name: lookup.MustName("www.evil.com."), Type: lookup.TypeA, Class: lookup.ClassIN}
	for range 2 {
		reply, err := n.Exchange(context.Background(), transport.Request{Server: netip.AddrPortFrom(addr, 53), Question: question})
		if err != nil {
			panic(err)
		}
		fmt.Println(reply.Rcode)
	}
	page := n.Turn()
	fmt.Println(page.Messages, "messages,", page.Servers(), "server,", page.Repeats(), "with the same question")
	// Output:
	// SERVFAIL
	// NXDOMAIN
	// 2 messages, 1 server, 2 with the same question
}
