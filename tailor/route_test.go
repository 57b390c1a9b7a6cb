package tailor_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sextant-dns/sextant/geo"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/overlay"
	"github.com/sextant-dns/sextant/tailor"
	"github.com/sextant-dns/sextant/zones"
)

// three sites, each with an address in 198.51.100.0/24: fra 1, iad 2, sin 3.
func three(t testing.TB, set func(*overlay.Route), choices ...string) *draft {
	d := lay(t)
	for i, s := range []string{"fra", "iad", "sin"} {
		d.site(s, "", fmt.Sprintf("dl 60 A 198.51.100.%d", i+1), fmt.Sprintf("dl 60 AAAA 2001:db8::%d", i+1))
	}
	return d.route("dl", set, choices...)
}

func tailored(t testing.TB, d *draft, h tailor.Health, lines ...string) *tailor.Zone {
	return tailor.New(base(t, lines...), &d.Overlay, tailor.Options{Atlas: atlas(compile(t, &d.Overlay)), Health: h, Chance: rand.New(rand.NewPCG(1, 2)).Float64})
}

func TestSitesStandInForEachOther(t *testing.T) {
	t.Parallel()
	const one, two, sin = "198.51.100.1", "198.51.100.2", "198.51.100.3"
	for _, c := range []struct {
		what        string
		set         func(*overlay.Route)
		down, drain []string
		want        string
	}{
		{"all up", nil, nil, nil, one},
		{"the first is down", nil, []string{"fra"}, nil, two},
		{"the first is drained", nil, nil, []string{"fra"}, two},
		{"the drained one is all there is", nil, []string{"iad", "sin"}, []string{"fra"}, one},
		{"one family of the first is down", nil, []string{"2001:db8::1"}, nil, two},
		{"all are down", nil, []string{"fra", "iad", "sin"}, nil, "192.0.2.80"},
		{"all are down, and open", func(r *overlay.Route) { r.Down = overlay.DownAll }, []string{"fra", "iad", "sin"}, nil, one},
		{"all are down, and closed", func(r *overlay.Route) { r.Down = overlay.DownNone }, []string{"fra", "iad", "sin"}, nil, "NODATA"},
		{"two at once", func(r *overlay.Route) { r.Pick = 2 }, nil, nil, one + " " + two},
		{"two at once, of which one is down", func(r *overlay.Route) { r.Pick = 2 }, []string{"iad"}, nil, one + " " + sin},
		{"five at once of three", func(r *overlay.Route) { r.Pick = 5 }, nil, nil, one + " " + two + " " + sin},
	} {
		d := three(t, c.set, "*=fra,iad,sin")
		z := tailored(t, d, &states{down: c.down, drain: c.drain}, "dl 300 A 192.0.2.80")
		if f := z.Find(name("dl"), lookup.TypeA, at("203.0.113.9")); said(f) != c.want || f.Scope.IsValid() || f.Draw {
			t.Errorf("%s: %s for %s, not %s for everyone", c.what, said(f), f.Scope, c.want)
		}
	}
	d := three(t, nil, "*=fra,iad,sin")
	d.Sites[0].State, d.Sites[1].State = "down", "drain"
	if f := tailored(t, d, nil).Find(name("dl"), lookup.TypeA, at("203.0.113.9")); said(f) != sin {
		t.Errorf("by state= alone: %s", said(f))
	}
	if f := tailored(t, d, nil).Find(name("dl"), lookup.TypeTXT, at("203.0.113.9")); said(f) != "NODATA" || f.Scope.IsValid() {
		t.Errorf("what no site serves: %s", said(f))
	}
}

// Of a site that is up only the addresses that are up answer, for as long as health says.
func TestAddressesThatAreDownAreLeftOut(t *testing.T) {
	t.Parallel()
	d := lay(t).site("fra", "", "dl 60 A 198.51.100.1", "dl 60 A 198.51.100.2", "dl 60 TXT x").route("dl", nil, "*=fra")
	h := &states{down: []string{"198.51.100.1"}, ttl: 7}
	f := tailored(t, d, h).Find(name("dl"), lookup.TypeA, at("203.0.113.9"))
	if said(f) != "198.51.100.2" || f.Set.TTL != 7 {
		t.Errorf("%s with TTL %d", said(f), f.Set.TTL)
	}
}

// An answer is kept for as long as all states last that it follows from: also those of the
// sites that would go before, and when the zone file stands in. Health may shorten it
// without another epoch.
func TestAnAnswerIsKeptNoLongerThanItsStatesLast(t *testing.T) {
	t.Parallel()
	d := three(t, nil, "192.0.2.0/24=iad", "*=fra,iad,sin").when("192.0.3.0/24", "dl A 198.51.100.9")
	h := &states{}
	z := tailored(t, d, h, "dl 300 A 192.0.2.80", "dl 300 HTTPS 1 . ipv4hint=192.0.2.80")
	for _, c := range []struct {
		client, down, soon string
		ttl                uint32
		t                  lookup.Type
	}{
		{"203.0.113.9", "", "fra", 7, lookup.TypeA},
		{"203.0.113.9", "", "iad", 60, lookup.TypeA}, // who stands in changes nothing
		{"203.0.113.9", "fra", "fra", 7, lookup.TypeA},
		{"203.0.113.9", "fra", "sin", 60, lookup.TypeA},
		{"203.0.113.9", "fra iad sin", "sin", 7, lookup.TypeA},
		{"203.0.113.9", "", "fra", 7, lookup.TypeHTTPS},
		{"203.0.113.9", "", "sin", 300, lookup.TypeHTTPS},
		{"192.0.2.1", "", "fra", 60, lookup.TypeA},
		{"192.0.2.1", "", "iad", 7, lookup.TypeA},
		{"192.0.3.1", "", "fra", 300, lookup.TypeA}, // a rule does not depend on sites
	} {
		h.set(strings.Fields(c.down)...)
		h.soon = ""
		z.Find(name("dl"), c.t, at(c.client))
		h.soon = c.soon
		if f := z.Find(name("dl"), c.t, at(c.client)); f.Set.TTL != c.ttl {
			t.Errorf("%s %s with %q down and %s soon: TTL %d, not %d", c.client, c.t, c.down, c.soon, f.Set.TTL, c.ttl)
		}
	}
}

func TestChanceFollowsTheWeights(t *testing.T) {
	t.Parallel()
	d := three(t, nil, "*=fra:6,iad:3,sin:1")
	z := tailored(t, d, nil)
	got := map[string]int{}
	const n = 20000
	for range n {
		f := z.Find(name("dl"), lookup.TypeA, at("203.0.113.9"))
		if !f.Draw || !f.Uncacheable || f.Scope.IsValid() {
			t.Fatalf("draw %v, uncacheable %v, scope %s", f.Draw, f.Uncacheable, f.Scope)
		}
		got[said(f)]++
	}
	fits(t, got, n)
}

// fits holds three counts against 6:3:1: chi-squared with two degrees of freedom is above
// 13.8 once in a thousand times.
func fits(t *testing.T, got map[string]int, n int) {
	t.Helper()
	chi := 0.0
	for i, weight := range []float64{6, 3, 1} {
		want := float64(n) * weight / 10
		diff := float64(got[fmt.Sprintf("198.51.100.%d", i+1)]) - want
		chi += diff * diff / want
	}
	if chi > 13.8 || len(got) != 3 {
		t.Errorf("chi-squared %.1f: %v", chi, got)
	}
}

// A network keeps its site, in both families of records and whoever asks, until that one
// goes; no other network moves then, and all are as before when it comes back.
func TestNetworksKeepTheirSite(t *testing.T) {
	t.Parallel()
	sticky := func(r *overlay.Route) { r.StickyV4, r.StickyV6 = 24, 48 }
	d := three(t, sticky, "*=fra:6,iad:3,sin:1")
	h := &states{}
	z := tailored(t, d, h)
	networks := make([]netip.Prefix, 20000)
	for i := range networks {
		networks[i] = netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(11 + i>>16), byte(i >> 8), byte(i), 0}), 24)
	}
	ask := func() (sites []string) {
		for _, p := range networks {
			f := z.Find(name("dl"), lookup.TypeA, tailor.Client{At: p})
			if f.Draw || f.Uncacheable || f.Scope != p || f.Wanted != 0 {
				t.Fatalf("%s: draw %v, uncacheable %v, scope %s", p, f.Draw, f.Uncacheable, f.Scope)
			}
			sites = append(sites, said(f))
		}
		return sites
	}
	before := ask()
	count := map[string]int{}
	for _, s := range before {
		count[s]++
	}
	fits(t, count, len(networks))
	h.set("iad")
	for i, s := range ask() {
		if s == "198.51.100.2" || before[i] != "198.51.100.2" && s != before[i] {
			t.Fatalf("%s moved from %s to %s when iad went", networks[i], before[i], s)
		}
	}
	h.set()
	if !slices.Equal(ask(), before) {
		t.Error("not as before after iad is back")
	}
	host := z.Find(name("dl"), lookup.TypeA, at("11.0.7.200"))
	if said(host) != before[7] || host.Scope != networks[7] {
		t.Errorf("an address in a network: %s for %s", said(host), host.Scope)
	}
	six := z.Find(name("dl"), lookup.TypeAAAA, at("11.0.7.200"))
	if said(six) != "2001:db8::"+before[7][len("198.51.100."):] {
		t.Errorf("the other type: %s beside %s", said(six), before[7])
	}
	if f := z.Find(name("dl"), lookup.TypeA, at("11.0.0.0/16")); f.Scope.String() != "11.0.0.0/16" || f.Wanted != 24 {
		t.Errorf("a coarse source: %s, wanted %d", f.Scope, f.Wanted)
	}
	if f := z.Find(name("dl"), lookup.TypeA, at("2001:db8:1:2::/64")); f.Scope.String() != "2001:db8:1::/48" {
		t.Errorf("IPv6: %s", f.Scope)
	}
	nat64 := z.Find(name("dl"), lookup.TypeA, at("64:ff9b::11.0.7.200"))
	if said(nat64) != before[7] || nat64.Scope.String() != "64:ff9b::b00:700/120" {
		t.Errorf("behind NAT64: %s for %s", said(nat64), nat64.Scope)
	}
	h.set("iad", "sin")
	if f := z.Find(name("dl"), lookup.TypeA, at("11.0.7.200")); f.Scope.IsValid() || f.Draw {
		t.Errorf("where one site is left there is no choice: %s", f.Scope)
	}
}

// Stickiness only ever makes a scope longer.
func TestStickyScopesAreTheLongerOfBoth(t *testing.T) {
	t.Parallel()
	sticky := func(r *overlay.Route) { r.StickyV4 = 20 }
	d := three(t, sticky, "192.0.2.0/24=sin", "*=fra:6,iad:3")
	z := tailored(t, d, nil)
	for client, want := range map[string]string{
		"192.0.2.9": "192.0.2.0/24", // fixed, and next to where there is a choice
		"192.0.3.9": "192.0.3.0/24", // within the /20, whose other part hears sin
		"192.1.2.9": "192.1.0.0/20",
	} {
		if f := z.Find(name("dl"), lookup.TypeA, at(client)); f.Scope.String() != want || f.Draw {
			t.Errorf("%s: %s, not %s", client, f.Scope, want)
		}
	}
	if f := z.Find(name("dl"), lookup.TypeA, at("2001:db8::1")); !f.Draw {
		t.Error("no length for IPv6, and yet sticky")
	}
}

func TestSeveralByChanceAreDistinct(t *testing.T) {
	t.Parallel()
	d := three(t, func(r *overlay.Route) { r.Pick = 2 }, "*=fra:6,iad:3,sin:1")
	z := tailored(t, d, nil)
	seen := map[string]bool{}
	for range 200 {
		f := z.Find(name("dl"), lookup.TypeA, at("203.0.113.9"))
		if f.Set.Data.Len() != 2 || f.Set.Data.First() == string([]byte(f.Set.Data)[len(f.Set.Data)-4:]) {
			t.Fatalf("%s", said(f))
		}
		seen[said(f)] = true
	}
	if len(seen) < 4 {
		t.Errorf("only %v", seen)
	}
}

// The nearest that are up, in the order that the Map knows.
func TestTheNearestAnswer(t *testing.T) {
	t.Parallel()
	d := three(t, nil, "*=nearest:2")
	for i, p := range []geo.Point{{Lat: 50.1, Long: 8.7}, {Lat: 38.9, Long: -77.4}, {Lat: 1.35, Long: 103.8}} {
		d.Sites[i].Place, d.Sites[i].Placed = p, true
	}
	m := compile(t, &d.Overlay, "203.0.112.0/22 DE", "203.0.116.0/22 US", "203.0.120.0/22 SG", "198.18.0.0/15 FR")
	h := &states{}
	z := tailor.New(base(t, "dl A 192.0.2.80"), &d.Overlay, tailor.Options{Atlas: atlas(m), Health: h})
	for _, c := range []struct{ client, up, down string }{
		{"203.0.113.9", "198.51.100.1", "198.51.100.2"},
		{"203.0.117.9", "198.51.100.2", "198.51.100.2"},
		{"203.0.121.9", "198.51.100.3", "198.51.100.3"},
		{"198.18.5.9", "198.51.100.1", "198.51.100.2"},
		{"9.9.9.9", "198.51.100.1", "198.51.100.2"}, // who knows: the order of the file
	} {
		h.set()
		if f := z.Find(name("dl"), lookup.TypeA, at(c.client)); said(f) != c.up {
			t.Errorf("%s: %s, not %s", c.client, said(f), c.up)
		}
		h.set("fra")
		if f := z.Find(name("dl"), lookup.TypeA, at(c.client)); said(f) != c.down {
			t.Errorf("%s without fra: %s, not %s", c.client, said(f), c.down)
		}
	}
}

// A failover keeps the Map and groups anew; a new Map is seen at once.
func TestANewMapIsSeenAtOnce(t *testing.T) {
	t.Parallel()
	d := lay(t).when("de", "www A 10.0.0.1")
	maps := []*geo.Map{compile(t, &d.Overlay, "203.0.113.0/24 DE"), compile(t, &d.Overlay, "203.0.113.0/24 AT")}
	now := 0
	z := tailor.New(base(t, "www A 192.0.2.80"), &d.Overlay, tailor.Options{Atlas: tailor.NewAtlas(func() *geo.Map { return maps[now] })})
	for i, want := range []string{"10.0.0.1", "192.0.2.80", "10.0.0.1"} {
		now = i % 2
		if f := z.Find(name("www"), lookup.TypeA, at("203.0.113.9")); said(f) != want {
			t.Errorf("map %d: %s", i, said(f))
		}
	}
}

func TestDenialsThatVaryAreNotKept(t *testing.T) {
	t.Parallel()
	d := three(t, func(r *overlay.Route) { r.Down = overlay.DownNone }, "192.0.2.0/24=fra")
	z := tailored(t, d, &states{down: []string{"fra"}}, "dl A 192.0.2.80")
	f := z.Find(name("dl"), lookup.TypeA, at("192.0.2.1"))
	if f.Kind != zones.NoData || f.Scope.IsValid() || !f.Uncacheable {
		t.Errorf("%s for %s, uncacheable %v", f.Kind, f.Scope, f.Uncacheable)
	}
	if f := z.Find(name("dl"), lookup.TypeA, at("192.0.3.1")); said(f) != "192.0.2.80" || f.Scope.String() != "192.0.3.0/24" {
		t.Errorf("%s for %s", said(f), f.Scope)
	}
}

// Whoever asks while sites and Maps change hears one of the right answers, with its scope.
func TestFindIsForManyAtOnce(t *testing.T) {
	t.Parallel()
	d := three(t, nil, "de=fra,iad", "*=sin")
	maps := []*geo.Map{compile(t, &d.Overlay, "192.0.2.0/24 DE"), compile(t, &d.Overlay, "192.0.2.0/25 DE")}
	var now, down atomic.Int64
	h := &flipping{epoch: &down}
	z := tailor.New(base(t), &d.Overlay, tailor.Options{Atlas: tailor.NewAtlas(func() *geo.Map { return maps[now.Load()%2] }), Health: h})
	right := []string{"198.51.100.1 192.0.2.0/24", "198.51.100.2 192.0.2.0/24", "198.51.100.1 192.0.2.0/25", "198.51.100.2 192.0.2.0/25"}
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for range 2000 {
				f := z.Find(name("dl"), lookup.TypeA, at("192.0.2.1"))
				if got := said(f) + " " + f.Scope.String(); !slices.Contains(right, got) {
					t.Errorf("heard %s", got)
				}
			}
		})
	}
	for range 200 {
		now.Add(1)
		down.Add(1)
	}
	readers.Wait()
}

// flipping has fra down in every other epoch.
type flipping struct{ epoch *atomic.Int64 }

func (f *flipping) Usable(site string, _ netip.Addr) (up, drain bool) {
	return site != "fra" || f.epoch.Load()%2 == 0, false
}

func (f *flipping) TTL(_ string, _ netip.Addr, most uint32) uint32 { return most }

func (f *flipping) Epoch() uint64 { return uint64(f.epoch.Load()) }
