package resolver_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
)

// BenchmarkHit is a query whose answer is remembered: one of this very second, and
// one that has been in memory for a while.
func BenchmarkHit(b *testing.B) {
	for _, name := range []string{"www.example.com.", "abroad.example.com."} {
		for _, age := range []time.Duration{0, 10 * time.Second} {
			b.Run(fmt.Sprintf("%s/age=%v", name, age), func(b *testing.B) {
				now := time.Now()
				r := shops(b).resolver(func(o *resolver.Options) { o.Now = func() time.Time { return now } })
				q := question(name + " A")
				if _, err := r.Resolve(b.Context(), q); err != nil {
					b.Fatal(err)
				}
				now = now.Add(age)
				b.ReportAllocs()
				for b.Loop() {
					if _, err := r.Resolve(b.Context(), q); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkMiss is a query for a name that nobody has asked for: with its zone
// known, and with three levels of zones to go down.
func BenchmarkMiss(b *testing.B) {
	n := newInternet(b)
	n.zone("example.com.", "*.example.com. 60 A 192.0.2.9", "192.0.2.1")
	hot := n.resolver()
	b.Run("zone known", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			q := question("www.example.com. A")
			q.Name = lookup.MustName(fmt.Sprintf("n%d.example.com.", i))
			if _, err := hot.Resolve(b.Context(), q); err != nil {
				b.Fatal(err)
			}
			n.sent = n.sent[:0]
		}
	})
	b.Run("three levels", func(b *testing.B) {
		b.ReportAllocs()
		q := question("www.example.com. A")
		for b.Loop() {
			hot.Flush()
			if _, err := hot.Resolve(b.Context(), q); err != nil {
				b.Fatal(err)
			}
			n.sent = n.sent[:0]
		}
	})
}

// BenchmarkCopyOfTheRoot denies names that nobody has asked for before, from a copy
// of the root: what mistyped names cost without a root server.
func BenchmarkCopyOfTheRoot(b *testing.B) {
	n := shops(b)
	r := n.resolver(primed, minimised, with(n.held(".").zone()))
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		q := question(fmt.Sprintf("www.x%d. A", i))
		if response, err := r.Resolve(b.Context(), q); err != nil || response.Rcode != lookup.NXDOMAIN {
			b.Fatal(response, err)
		}
	}
	if n.count("") > 0 {
		b.Error("something was sent")
	}
}
