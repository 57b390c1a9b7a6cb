package authoritative

import (
	"strings"
	"sync"
	"testing"

	"github.com/sextant-dns/sextant/lookup"
)

func TestReplaceSwapsAllZonesAtOnce(t *testing.T) {
	t.Parallel()
	before := tree(t, parent, child)
	after := tree(t, strings.ReplaceAll(parent, "192.0.2.80", "192.0.2.90"), strings.ReplaceAll(child, "192.0.2.180", "192.0.2.190"))
	a := New(before)
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for range 500 {
				// The chain begins in one zone and ends in the other's, both of one tree.
				r := ask(t, a, "back.child.example. A")
				if got := r.Answer[len(r.Answer)-1]; got.Data.Len() != 2 {
					t.Errorf("got %v", r)
				}
			}
		})
	}
	for range 100 {
		a.Replace(after)
		a.Replace(before)
	}
	a.Replace(after)
	readers.Wait()
	if got := ask(t, a, "www.child.example. A").Answer[0].String(); !strings.HasSuffix(got, "192.0.2.190") {
		t.Errorf("after Replace: %s", got)
	}
}

func TestZoneTellsWhetherANameIsOurs(t *testing.T) {
	t.Parallel()
	a := New(tree(t, parent, child))
	for q, want := range map[string]string{"www.example.": "example.", "www.child.example.": "child.example.", "elsewhere.": ""} {
		got := ""
		if z, ok := a.Zone(lookup.MustName(q)); ok {
			got = z.Apex().String()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", q, got, want)
		}
	}
	if r := ask(t, New(nil), "www.example. A"); r.Rcode != lookup.REFUSED {
		t.Errorf("without zones: %v", r)
	}
}

// A response is shared: nothing in it may reach into the zone.
func TestResponsesAreNotTheZonesOwn(t *testing.T) {
	t.Parallel()
	a := New(tree(t, parent))
	r := ask(t, a, "x.sub.example. A")
	for i := range r.Additional {
		r.Additional[i].TTL = 0
	}
	r.Authority[0].TTL = 0
	if again := ask(t, a, "x.sub.example. A"); again.TTL() != 300 {
		t.Errorf("got %v", again)
	}
}

func BenchmarkResolve(b *testing.B) {
	a := New(tree(b, parent, child, other))
	for _, question := range []string{"www.example. A", "nobody.example. A", "x.sub.example. A", "chain.example. A"} {
		b.Run(strings.Fields(question)[0], func(b *testing.B) {
			q := lookup.Query{Question: lookup.Question{Name: lookup.MustName(strings.Fields(question)[0]), Type: lookup.TypeA, Class: lookup.ClassIN}}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := a.Resolve(b.Context(), q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
