package geo_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/sextant-dns/sextant/geo"
)

func TestLocateDoesNotAllocate(t *testing.T) {
	m := compileRules(t, world(rand.New(rand.NewPCG(1, 1)), true))
	clients := prefixes("203.0.113.7/32", "203.0.113.0/24", "203.0.0.0/8", "2001:db8::1/128", "2002:cb00:7101::/48", "2001::5:6:7:8:34ff:8efe/128", "::/0")
	e := m.Equivalence(func(c geo.Class) uint32 { return uint32(c) % 2 })
	if n := testing.AllocsPerRun(100, func() {
		for _, p := range clients {
			m.Locate(p)
			e.Locate(p)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Many ask one Equivalence at once, which remembers as it goes; all hear the same.
func TestEquivalenceIsForManyAtOnce(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(2, 2))
	rules := world(r, true)
	m := compileRules(t, rules)
	group := func(c geo.Class) uint32 { return uint32(c) % 2 }
	alone, together := m.Equivalence(group), m.Equivalence(group)
	type located struct {
		class geo.Class
		scope netip.Prefix
	}
	want := map[netip.Prefix]located{}
	for range 200 {
		p := asked(r, true, rules)
		class, scope := alone.Locate(p)
		want[p] = located{class, scope}
	}
	var running sync.WaitGroup
	for range 8 {
		running.Go(func() {
			for p, w := range want {
				if class, scope := together.Locate(p); (located{class, scope}) != w {
					t.Errorf("%s: %d, %s, and alone %v", p, class, scope, w)
				}
			}
		})
	}
	running.Wait()
}

// measured is the database that GEO_MMDB names, or one of the size of a small country
// database: 100000 networks of 250 countries, from a fixed seed.
func measured(b *testing.B) *geo.Database {
	b.Helper()
	if file := os.Getenv("GEO_MMDB"); file != "" {
		d, err := geo.Open(file, nil)
		if err != nil {
			b.Fatal(err)
		}
		return d
	}
	r := rand.New(rand.NewPCG(3, 3))
	codes := countries()
	var records []record
	for range 100000 {
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(1 + r.IntN(223)), byte(r.IntN(256)), byte(r.IntN(256))}), 14+r.IntN(11)).Masked()
		// As in the real world, neighbours are mostly in the same country.
		records = append(records, record{p.String(), country(codes[(int(p.Addr().AsSlice()[0])+r.IntN(6))%len(codes)])})
	}
	return read(b, "country", records...)
}

// countries are the codes of ISO 3166-1 that ParseSelector takes.
func countries() (codes []string) {
	for a := 'A'; a <= 'Z'; a++ {
		for z := 'A'; z <= 'Z'; z++ {
			code := string(a) + string(z)
			if _, err := geo.ParseSelector("cc:" + code); err == nil {
				codes = append(codes, code)
			}
		}
	}
	return codes
}

func used(n int) (all []geo.Selector) {
	for _, code := range append([]string{"DE", "FR", "US", "CN", "JP", "BR", "GB", "IN", "AU", "ZA"}, countries()...) {
		if s := (geo.Selector{Kind: geo.Country, Value: code}); len(all) < n && !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}

func BenchmarkCompile(b *testing.B) {
	from := geo.Sources{Databases: []*geo.Database{measured(b)}}
	for _, n := range []int{1, 10, 200} {
		b.Run(fmt.Sprint(n, "_selectors"), func(b *testing.B) { benchmarkCompile(b, from, n) })
	}
}

func benchmarkCompile(b *testing.B, from geo.Sources, n int) {
	b.ReportAllocs()
	var m *geo.Map
	for b.Loop() {
		var err error
		if m, err = geo.Compile(used(n), from); err != nil {
			b.Fatal(err)
		}
	}
	size := m.Size()
	b.ReportMetric(float64(size.Branches+size.Chains), "nodes")
	b.ReportMetric(float64(size.Bytes), "trie-bytes")
	b.ReportMetric(float64(size.Sets), "sets")
}

func BenchmarkLocate(b *testing.B) {
	from := geo.Sources{Databases: []*geo.Database{measured(b)}}
	for _, n := range []int{1, 10, 200} {
		b.Run(fmt.Sprint(n, "_selectors"), func(b *testing.B) { benchmarkLocate(b, from, n) })
	}
}

func benchmarkLocate(b *testing.B, from geo.Sources, n int) {
	m, err := geo.Compile(used(n), from)
	if err != nil {
		b.Fatal(err)
	}
	r := rand.New(rand.NewPCG(5, 5))
	clients := make([]netip.Prefix, 4096)
	for i := range clients {
		clients[i] = netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(1 + r.IntN(223)), byte(r.IntN(256)), byte(r.IntN(256))}), 24)
	}
	two := m.Equivalence(func(c geo.Class) uint32 { return uint32(c) % 2 })
	b.Run("class", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			m.Locate(clients[i%len(clients)])
		}
	})
	b.Run("answer", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			two.Locate(clients[i%len(clients)])
		}
	})
}
