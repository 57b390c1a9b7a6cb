package overlay

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/zones"
)

// large is a zone with n routed names, and its overlay.
func large(t testing.TB, n int) (base *zones.Zone, overlay string) {
	t.Helper()
	var z, o strings.Builder
	z.WriteString("$ORIGIN example.org.\n$TTL 300\n@ SOA ns host 1 2 3 4 5\n@ NS ns\nns A 192.0.2.53\n")
	o.WriteString("$SITE fra at=50.1,8.7\n$SITE iad at=38.9,-77.4\n")
	for i := range n {
		fmt.Fprintf(&z, "h%d A 192.0.2.80\n", i)
	}
	for site, address := range map[string]string{"fra": "203.0.113.80", "iad": "198.51.100.80"} {
		fmt.Fprintf(&o, "$AT %s\n", site)
		for i := range n {
			fmt.Fprintf(&o, "h%d 60 A %s\n", i, address)
		}
	}
	o.WriteString("$AT *\n")
	for i := range n {
		fmt.Fprintf(&o, "$ROUTE h%d ( de,at,ch=fra,iad us-ny=iad,fra as64500=fra 192.0.2.0/24=fra *=nearest:2 pick=1 )\n", i)
	}
	base, err := zones.Load(strings.NewReader(z.String()), "z", zones.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return base, o.String()
}

func BenchmarkLoad(b *testing.B) {
	base, text := large(b, 50_000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		o, err := Load(strings.NewReader(text), "e", Options{Base: base})
		if err != nil || len(o.Routes) != 50_000 || len(o.Lint) > 0 {
			b.Fatal(err, o.Lint)
		}
	}
}

// A route may have as many networks as somebody's table, and sets of terms, and files
// may repeat themselves; what that costs must not grow with its square.
func BenchmarkLoadChoices(b *testing.B) {
	var text strings.Builder
	text.WriteString(sites + "$ROUTE www (\n")
	for i := range 20_000 {
		fmt.Fprintf(&text, " 10.%d.%d.0/24=fra de+as%d=iad\n", i/256, i%256, i+1)
	}
	text.WriteString(" *=iad )\n")
	base := base(b)
	for b.Loop() {
		o, err := Load(strings.NewReader(text.String()), "e", Options{Base: base, Origin: lookup.MustName("example.org.")})
		if err != nil || len(o.Routes[0].Choices) != 40_001 {
			b.Fatal(err)
		}
	}
}
