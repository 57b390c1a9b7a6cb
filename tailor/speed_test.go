package tailor_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/overlay"
	"github.com/sextant-dns/sextant/tailor"
)

// What has been asked once costs no memory, whatever decides.
func TestFindAllocatesNothing(t *testing.T) {
	d := three(t, func(r *overlay.Route) { r.StickyV4 = 24 }, "192.0.2.0/24=sin", "*=fra:6,iad:3").
		when("10.0.0.0/8", "www A 10.0.0.1", "*.lab A 10.0.0.2").when("10.0.0.0/8", "dl A 10.0.0.3")
	z := tailored(t, d, &states{}, "www A 192.0.2.80", "*.lab A 192.0.2.99")
	for _, c := range []struct{ owner, client string }{
		{"dl", "192.0.2.1"}, {"dl", "203.0.113.9"}, {"dl", "10.0.0.1"}, {"www", "10.0.0.1"}, {"www", "203.0.113.9"},
		{"x.lab", "10.0.0.1"}, {"x.lab", "203.0.113.9"}, {"ns1", "203.0.113.9"}, {"nobody", "203.0.113.9"},
	} {
		owner, client := name(c.owner), at(c.client)
		z.Find(owner, lookup.TypeA, client)
		if n := testing.AllocsPerRun(100, func() { z.Find(owner, lookup.TypeA, client) }); n > 0 {
			t.Errorf("%s for %s: %v allocations", c.owner, c.client, n)
		}
	}
}

func BenchmarkFind(b *testing.B) {
	d := worked(b).when("10.0.0.0/8", "www TXT inside")
	m := compile(b, &d.Overlay, worldOfFour()...)
	z := tailor.New(base(b, "www A 192.0.2.80"), &d.Overlay, tailor.Options{Atlas: atlas(m)})
	for _, c := range []struct{ what, owner string }{{"tailored", "www"}, {"untailored", "ns1"}} {
		b.Run(c.what, func(b *testing.B) {
			owner, client := name(c.owner), at("203.0.113.0/24")
			b.ReportAllocs()
			for b.Loop() {
				z.Find(owner, lookup.TypeA, client)
			}
		})
	}
}

// BenchmarkMany is what 50 000 tailored names take, all of them asked for under a Map of
// some 300 classes: bytes for each name.
func BenchmarkMany(b *testing.B) {
	d := lay(b)
	var lines []string
	for i := range 8 { // 8 kinds of rules, made of 300 networks
		for j := range 37 {
			lines = append(lines, fmt.Sprintf("%d.%d.0.0/16", 11+i, j))
		}
	}
	names := make([]string, 50_000)
	for i := range names {
		names[i] = fmt.Sprintf("n%d", i)
	}
	for i, n := range names {
		d.Rules = append(d.Rules, overlay.Rule{When: condition(b, lines[i%len(lines)]), Set: lookup.RRset{Name: name(n), Type: lookup.TypeA, TTL: 60, Data: lookup.PackRdata("\x0a\x00\x00\x01")}})
	}
	for i := range 4 {
		d.when("*", fmt.Sprintf("all%d A 10.0.0.1", i))
	}
	m := compile(b, &d.Overlay)
	below := base(b)
	for b.Loop() {
		before := heap()
		z := tailor.New(below, &d.Overlay, tailor.Options{Atlas: atlas(m)})
		made := heap()
		for _, n := range names {
			z.Find(name(n), lookup.TypeA, at("11.0.0.1"))
		}
		b.ReportMetric(float64(made-before)/float64(len(names)), "B/name")
		b.ReportMetric(float64(heap()-made)/float64(len(names)), "B/asked")
		b.ReportMetric(float64(m.Classes()), "classes")
		runtime.KeepAlive(z)
	}
}

func heap() uint64 {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}
