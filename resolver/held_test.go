package resolver_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sextant-dns/sextant/lookup"
)

// fleeting is a chain of aliases from name to name of z.example.com, a zone whose
// delegation lives for that many seconds, and so does the address of its name
// server.
func fleeting(t *testing.T, ttl int) *internet {
	n := newInternet(t)
	n.zone("example.com.", "", "192.0.2.1")
	n.zone("hosts.net.", fmt.Sprintf("ns.hosts.net. %d A 192.0.2.3", ttl), "192.0.2.2")
	text := "end.z.example.com. 0 A 192.0.2.9\n"
	for i := range 5 {
		text += fmt.Sprintf("a%d.z.example.com. 0 CNAME a%d.z.example.com.\n", i, i+1)
	}
	z := n.zone("z.example.com.", text+"a5.z.example.com. 0 CNAME end.z.example.com.")
	n.host("192.0.2.3").zones = []*zone{z}
	n.host("192.0.2.3").script = apart
	n.delegate(z.apex, fmt.Sprintf("z.example.com. %d NS ns.hosts.net.", ttl))
	return n
}

func TestWhatLivesForNoTimeIsHeldForTheLengthOfOneQuery(t *testing.T) {
	t.Parallel()
	for _, ttl := range []int{0, 1} {
		n := fleeting(t, ttl)
		r := n.resolver(minimised)
		if got := ask(t, r, "a0.z.example.com. A"); !strings.HasSuffix(got, "end.z.example.com. 0 A 192.0.2.9") {
			t.Fatal(got)
		}
		for _, line := range []string{"192.0.2.1 z.example.com. A ", "192.0.2.2 ns.hosts.net. A "} {
			if n.count(line) != 1 {
				t.Errorf("TTL %d: %q %d times, sent\n%s", ttl, line, n.count(line), n.log())
			}
		}
		if ttl > 0 {
			continue
		}
		// Nobody else gets to see it.
		n.forget()
		z := n.zones[lookup.MustName("example.com.")]
		z.remove("z.example.com.")
		if got := ask(t, r, "a0.z.example.com. A"); !strings.HasPrefix(got, "NXDOMAIN") {
			t.Errorf("%s, sent\n%s", got, n.log())
		}
	}
}
