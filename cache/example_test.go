package cache_test

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/sextant-dns/sextant/cache"
)

// One question, three answers: which one a client gets depends on where it is.
func Example() {
	now := time.Unix(0, 0)
	answers := cache.New[string, string](cache.Options[string, string]{})
	answers.Put("cdn.example", netip.Prefix{}, "somewhere", now.Add(time.Minute))
	answers.Put("cdn.example", netip.MustParsePrefix("192.0.0.0/8"), "in the west", now.Add(time.Minute))
	answers.Put("cdn.example", netip.MustParsePrefix("192.0.2.0/24"), "next door", now.Add(time.Second))

	ask := func(client netip.Prefix, now time.Time) {
		v, scope, _ := answers.Get("cdn.example", client, now)
		fmt.Println(v, scope)
	}
	ask(netip.MustParsePrefix("192.0.2.7/32"), now)
	ask(netip.MustParsePrefix("192.0.2.7/32"), now.Add(2*time.Second))
	ask(netip.MustParsePrefix("2001:db8::/56"), now)
	// Output:
	// next door 192.0.2.0/24
	// in the west 192.0.0.0/8
	// somewhere invalid Prefix
}
