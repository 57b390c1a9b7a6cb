package resolver_test

import (
	"fmt"
	"testing"

	"github.com/sextant-dns/sextant/lookup"
)

// BenchmarkHit is a query whose answer is remembered.
func BenchmarkHit(b *testing.B) {
	for _, name := range []string{"www.example.com.", "abroad.example.com."} {
		b.Run(name, func(b *testing.B) {
			r, q := shops(b).resolver(), question(name+" A")
			if _, err := r.Resolve(b.Context(), q); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Resolve(b.Context(), q); err != nil {
					b.Fatal(err)
				}
			}
		})
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
