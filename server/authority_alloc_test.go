//go:build !race

// The race detector has a sync.Pool lose things now and then, so that nothing can be said of
// allocations.

package server_test

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/server"
)

// What is asked once of our zones is neither kept nor packed for keeping.
func TestAnswersOfOurZonesAreMadeInFewAllocations(t *testing.T) {
	s := serving(t, "@ 300 SOA ns host 1 1 1 1 300\n@ 300 NS ns\nns 300 A 192.0.2.1\n", "example.")
	queries := make([][]byte, 2000)
	for i := range queries {
		queries[i], _ = new(dns.Msg).SetQuestion(fmt.Sprintf("x%d.example.", i), dns.TypeA).Pack()
	}
	dst, from, next := make([]byte, 0, 512), netip.MustParseAddrPort("192.0.2.200:4242"), 0
	n := testing.AllocsPerRun(1000, func() {
		s.Respond(dst, queries[next], from, server.UDP)
		next++
	})
	if n > 2 { // the name and the response
		t.Errorf("%v allocations", n)
	}
}
