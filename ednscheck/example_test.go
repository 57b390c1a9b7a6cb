package ednscheck_test

import (
	"fmt"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/ednscheck"
)

// A server that takes what it does not know for an error.
func Example() {
	old := func(q *dns.Msg) *dns.Msg {
		r := new(dns.Msg).SetReply(q)
		if q.IsEdns0() != nil {
			r.Rcode = dns.RcodeFormatError
		}
		return r
	}
	for _, c := range ednscheck.Cases() {
		if c.Section == "8.2.2" {
			fmt.Println(c)
			for _, complaint := range c.Judge(ednscheck.Observe(old(c.Query("example")), 0), true) {
				fmt.Println("-", complaint)
			}
		}
	}
	// Output:
	// 8.2.2 EDNS version 1
	// - rcode FORMERR, expected BADVERS
	// - there is no OPT, and the query had one
}
