package zones

import (
	"bytes"
	"fmt"
	"runtime"
	"testing"

	"github.com/sextant-dns/sextant/lookup"
)

// wide is a zone of n names with an address each.
func wide(n int) []byte {
	var b bytes.Buffer
	b.WriteString(top)
	for i := range n {
		fmt.Fprintf(&b, "h%06x\tA\t10.%d.%d.%d\n", i*2654435761&0xffffff, i>>16&255, i>>8&255, i&255)
	}
	return b.Bytes()
}

func BenchmarkLoad(b *testing.B) {
	const names = 100_000
	text := wide(names)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	var before, after runtime.MemStats
	var z *Zone
	for b.Loop() {
		z = nil
		runtime.GC()
		runtime.ReadMemStats(&before)
		var err error
		if z, err = Load(bytes.NewReader(text), "wide", LoadOptions{}); err != nil {
			b.Fatal(err)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/names, "B/name")
	runtime.KeepAlive(z)
}

func BenchmarkFind(b *testing.B) {
	z := load(b, string(wide(100_000))+corners[len(top):])
	for what, q := range map[string]string{
		"hit":      fmt.Sprintf("h%06x.example.", 777*2654435761&0xffffff),
		"nxdomain": "a.b.nobody.example.",
		"wildcard": "x.w.example.",
		"referral": "x.sub.example.",
	} {
		q := name(q)
		b.Run(what, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				z.Find(q, lookup.TypeA)
			}
		})
	}
}
