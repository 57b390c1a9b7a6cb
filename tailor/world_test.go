package tailor_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/sextant-dns/sextant/geo"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/overlay"
	"github.com/sextant-dns/sextant/tailor"
)

// loaded is an overlay of a text over a zone, with a Map that knows its networks.
func loaded(t *testing.T, text string, options tailor.Options) *tailor.Zone {
	t.Helper()
	below := base(t, "www A 192.0.2.80", "www AAAA 2001:db8::80", "plain A 192.0.2.1")
	o, err := overlay.Load(strings.NewReader(text), "test.geo", overlay.Options{Base: below})
	if err != nil {
		t.Fatal(err)
	}
	m, err := geo.Compile(o.Selectors(), geo.Sources{})
	if err != nil {
		t.Fatal(err)
	}
	options.Atlas = atlas(m)
	return tailor.New(below, o, options)
}

const halves = `$SITE a
$SITE b
$AT a
www A 203.0.113.1
$AT b
www A 203.0.113.2
$AT *
$ROUTE www 10.0.0.0/9=a 10.128.0.0/9=b,a 172.16.0.0/12=a:1,b:1 2001:db8::/32=a
`

// A world is whole: what it says of a network each of its clients hears, and nothing is
// left out but what embeds IPv4 addresses.
func TestAWorldIsWhatEveryClientHears(t *testing.T) {
	t.Parallel()
	z := loaded(t, halves, tailor.Options{})
	world := map[netip.Prefix]string{}
	var before netip.Prefix
	covered := 0
	for p, text := range z.World(name("www"), lookup.TypeA) {
		if before.IsValid() && (before.Overlaps(p) || p.Addr().Less(before.Addr())) {
			t.Errorf("%s after %s", p, before)
		}
		world[p], before = text, p
		if p.Addr().Is4() {
			covered += 1 << (32 - p.Bits())
		}
	}
	if covered != 1<<32 {
		t.Errorf("%d IPv4 addresses", covered)
	}
	texts := map[string]string{} // one kind of answer has one text
	random := rand.New(rand.NewPCG(1, 2))
	for p, text := range world {
		if p.Bits() > 24 && p.Addr().Is4() || p.Addr().Is6() && p.Bits() > 64 {
			continue
		}
		address := p.Addr().AsSlice()
		for bit := p.Bits(); bit < 8*len(address); bit++ {
			address[bit/8] |= byte(random.IntN(2)) << (7 - bit%8)
		}
		client, _ := netip.AddrFromSlice(address)
		heard := z.Hears(name("www"), lookup.TypeA, at(client.String()))
		if known, ok := texts[text]; ok && known != heard {
			t.Errorf("%s in %s hears %q, others with the same text %q", client, p, heard, known)
		}
		texts[text] = heard
	}
	if len(texts) != 4 {
		t.Errorf("%d kinds of answers", len(texts))
	}
	one := slices.Collect(func(yield func(netip.Prefix) bool) {
		for p := range z.World(name("plain"), lookup.TypeA) {
			yield(p)
		}
	})
	if len(one) != 2 {
		t.Errorf("an untailored name has %v", one)
	}
	var decided []string
	for n, kind := range z.Decided() {
		decided = append(decided, n.String()+kind.String())
	}
	if got := strings.Join(decided, " "); got != "www.example.com.A" {
		t.Errorf("decides about %s", got)
	}
}

// Answers count for the sites that they name, and no more kinds than there is room for.
func TestTallyCountsBySite(t *testing.T) {
	t.Parallel()
	for most, want := range map[int]string{0: "example.com. a 2, example.com. b 3, example.com. base 1, ", 2: ". other 3, example.com. a 2, example.com. base 1, "} {
		tally := tailor.NewTally(most)
		draws := []float64{0.1, 0.9, 0.1, 0.9} // the second of two sites, both times
		z := loaded(t, halves, tailor.Options{Tally: tally, Chance: func() float64 {
			drawn := draws[0]
			draws = draws[1:]
			return drawn
		}})
		for _, client := range []string{"10.0.0.1", "9.9.9.9", "2001:db8::1", "10.200.0.1", "172.16.0.1", "172.16.0.1"} {
			z.Find(name("www"), lookup.TypeA, at(client)).Counter.Add(1)
		}
		got := ""
		for v, n := range tally.All() {
			got += fmt.Sprintf("%s %s %d, ", v.Zone, v.What, n)
		}
		if got != want {
			t.Errorf("at most %d: %s, want %s", most, got, want)
		}
	}
	if f := loaded(t, halves, tailor.Options{}).Find(name("www"), lookup.TypeA, at("10.0.0.1")); f.Counter != nil {
		t.Error("there is a counter although nobody counts")
	}
}
