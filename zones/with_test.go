package zones

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sextant-dns/sextant/lookup"
)

// With makes what New makes of the same RRsets, whatever the change, and refuses what
// New refuses.
func TestWithAgreesWithNew(t *testing.T) {
	t.Parallel()
	r := random{rand.New(rand.NewPCG(3, 4))}
	good, bad := 0, 0
	for range 6000 {
		was, err := Load(strings.NewReader(r.zone()), "random", LoadOptions{})
		if err != nil {
			continue
		}
		other, err := Load(strings.NewReader(r.zone()), "random", LoadOptions{})
		if err != nil {
			continue
		}
		// Some names become what they are in the other zone.
		changed := map[lookup.Name][]lookup.RRset{}
		for range 1 + r.IntN(6) {
			n := name(r.name())
			changed[n] = slices.Clone(other.At(n))
			for _, s := range was.At(n) { // some of what is there stays
				if _, ok := lookup.Find(changed[n], n, s.Type); !ok && r.IntN(2) == 0 {
					changed[n] = append(changed[n], s)
				}
			}
		}
		if r.IntN(5) == 0 { // and one gets what may not stand there, or above others
			all := slices.Collect(was.All())
			n := all[r.IntN(len(all))].Name
			added := lookup.MustRRsets(n.String() + []string{" CNAME a.z.", " DNAME elsewhere."}[r.IntN(2)])
			if _, ok := lookup.Find(was.At(n), n, added[0].Type); !ok {
				changed[n] = append(slices.Clone(was.At(n)), added...)
			}
		}
		all := map[lookup.Name][]lookup.RRset{}
		for s := range was.All() {
			if _, gone := changed[s.Name]; !gone {
				all[s.Name] = append(all[s.Name], s)
			}
		}
		maps.Copy(all, changed)
		var records []Record
		for _, sets := range all {
			for _, s := range sets {
				records = appendAll(records, s)
			}
		}
		want, err := New(was.Apex(), records, "records")
		got, err2 := was.With(changed)
		if (err == nil) != (err2 == nil) {
			t.Fatalf("New: %v, With: %v", err, err2)
		}
		if err != nil {
			bad++
			continue
		}
		good++
		for n := range changed { // the index finds what is there
			if !slices.Equal(got.At(n), want.At(n)) || got.Find(n, lookup.TypeA) != want.Find(n, lookup.TypeA) {
				t.Fatalf("%s: got %v, want %v", n, got.At(n), want.At(n))
			}
		}
		if got.names != want.names || got.rdata != want.rdata || got.soa != want.soa || got.depth != want.depth || got.Names() != want.Names() ||
			!slices.Equal(got.nodes, want.nodes) || !slices.Equal(got.sets, want.sets) || !reflect.DeepEqual(got.denial, want.denial) {
			t.Fatalf("got %v\nwant %v", slices.Collect(got.All()), slices.Collect(want.All()))
		}
	}
	if good < 500 || bad < 20 {
		t.Errorf("%d good and %d bad zones: the test tests little", good, bad)
	}
}

func appendAll(to []Record, s lookup.RRset) []Record {
	for rdata := range s.Data.All() {
		to = append(to, Record{s.Name, s.Type, s.TTL, rdata})
	}
	return to
}

func TestWithKeepsInTheZone(t *testing.T) {
	t.Parallel()
	z := load(t, corners)
	if _, err := z.With(map[lookup.Name][]lookup.RRset{name("www.elsewhere."): lookup.MustRRsets("www.elsewhere. A 192.0.2.1")}); err == nil {
		t.Error("a name of another zone was taken")
	}
	if _, err := z.With(map[lookup.Name][]lookup.RRset{z.Apex(): nil}); err == nil {
		t.Error("an apex without SOA was taken")
	}
}

func BenchmarkWith(b *testing.B) {
	z, err := Load(bytes.NewReader(wide(100_000)), "wide", LoadOptions{})
	if err != nil {
		b.Fatal(err)
	}
	changed := map[lookup.Name][]lookup.RRset{}
	for i := range 10 {
		set := lookup.MustRRsets(fmt.Sprintf("n%d.example. A 192.0.2.1", i))
		changed[set[0].Name] = set
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := z.With(changed); err != nil {
			b.Fatal(err)
		}
	}
}
