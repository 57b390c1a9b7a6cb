package server

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/authoritative"
	"github.com/sextant-dns/sextant/geo"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/overlay"
	"github.com/sextant-dns/sextant/tailor"
	"github.com/sextant-dns/sextant/zones"
)

// chequered is an authority whose www.example. and *.example. have one of two addresses, by
// turns from one network of 12 bits to the next. down says that the second is not up.
func chequered(t testing.TB, down *bool) *authoritative.Authority {
	t.Helper()
	base, err := zones.Load(strings.NewReader("@ 300 SOA ns host 1 2 3 4 300\n@ 300 NS ns\nns 300 A 192.0.2.53\n"), "", zones.LoadOptions{Origin: lookup.MustName("example.")})
	if err != nil {
		t.Fatal(err)
	}
	o := &overlay.Overlay{Apex: base.Apex()}
	for i, site := range []string{"a", "b"} {
		s := overlay.Site{Name: site, Sets: map[overlay.Owner]lookup.RRset{}}
		for _, owner := range []string{"www.example.", "*.example."} {
			set := lookup.MustRRsets(fmt.Sprintf("%s 60 IN A 192.0.2.%d", owner, 1+i))[0]
			s.Sets[overlay.Owner{Name: set.Name, Type: set.Type}] = set
		}
		o.Sites = append(o.Sites, s)
	}
	for _, owner := range []string{"www.example.", "*.example."} {
		r := overlay.Route{Owner: lookup.MustName(owner), Pick: 1, Choices: []overlay.Choice{{Sites: []overlay.Share{{Site: "a"}}}}}
		for i := 16; i < 224*16; i += 2 {
			p := netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(i >> 4), byte(i << 4)}), 12)
			r.Choices = append(r.Choices, overlay.Choice{
				When:  overlay.Condition{Terms: []overlay.Term{{Selector: geo.Selector{Kind: geo.Network, Value: p.String()}}}},
				Sites: []overlay.Share{{Site: "b"}, {Site: "a"}}})
		}
		o.Routes = append(o.Routes, r)
	}
	return laidOver(t, base, o, tailor.Options{Health: fragile{down}, Tally: tailor.NewTally(0)})
}

// fragile is the health of sites of which b may be down.
type fragile struct{ down *bool }

func (f fragile) Usable(site string, _ netip.Addr) (up, drain bool) {
	return site != "b" || !*f.down, false
}
func (f fragile) TTL(_ string, _ netip.Addr, most uint32) uint32 { return most }
func (f fragile) Epoch() uint64 {
	if *f.down {
		return 1
	}
	return 0
}

// forNetwork is a question with an option.
func forNetwork(t testing.TB, question, network string) []byte {
	p := netip.MustParsePrefix(network)
	data := append([]byte{0, 1, byte(p.Bits()), 0}, p.Addr().AsSlice()[:(p.Bits()+7)/8]...)
	return packed(t, ask(question, edns(1232, false, option(8, string(data)))))
}

// hearsOf is the address and the SCOPE of a reply.
func hearsOf(t testing.TB, reply *dns.Msg) string {
	t.Helper()
	if len(reply.Answer) != 1 {
		t.Fatal(reply)
	}
	text := reply.Answer[0].(*dns.A).A.String()
	for _, o := range reply.IsEdns0().Option {
		if subnet, ok := o.(*dns.EDNS0_SUBNET); ok {
			text += fmt.Sprintf(" /%d", subnet.SourceScope)
		}
	}
	return text
}

// asking counts what an Authority is asked.
func asking(a *authoritative.Authority, n *int) lookup.Resolver {
	return lookup.Func(func(ctx context.Context, q lookup.Query) (*lookup.Response, error) {
		*n++
		return a.Resolve(ctx, q)
	})
}

// However many networks ask, each of the answers is made a few times and kept once; and
// none of them outlives the state of the sites that it follows from.
func TestAnswersByLocationAreKeptOnceEach(t *testing.T) {
	t.Parallel()
	asked, down := 0, false
	counters, replies := map[*atomic.Uint64]bool{}, uint64(0)
	inner := asking(chequered(t, &down), &asked)
	s := New(Options{Views: []View{{Authoritative: lookup.Func(func(ctx context.Context, q lookup.Query) (*lookup.Response, error) {
		r, err := inner.Resolve(ctx, q)
		counters[r.Counter] = true
		return r, err
	})}}})
	question := func(i int) string {
		t.Helper()
		replies++
		return hearsOf(t, tell(t, s, forNetwork(t, "www.example. A", fmt.Sprintf("%d.%d.3.0/24", i>>4, i&15<<4)), UDP, somebody))
	}
	for i := 16; i < 224*16; i++ {
		want := fmt.Sprintf("192.0.2.%d /12", 2-i%2)
		if i>>4 == 10 || i>>4 == 127 || i>>4 == 100 || i>>4 == 169 || i>>4 == 172 || i>>4 == 192 || i>>4 == 198 {
			continue // with private networks in them
		}
		if got := question(i); got != want {
			t.Fatalf("network %d: %s, not %s", i, got, want)
		}
	}
	if stats := s.Stats().Packets; asked > 4 || stats.Entries > 2 {
		t.Errorf("%d questions for two answers, %d of which are kept", asked, stats.Entries)
	}
	down = true
	if got := question(32); got != "192.0.2.1 -1" && got != "192.0.2.1" && got != "192.0.2.1 /0" {
		t.Errorf("the second site is down: %s", got)
	}
	down = false
	if got := question(32); got != "192.0.2.2 /12" {
		t.Errorf("the second site is up again: %s", got)
	}
	told := uint64(0)
	for c := range counters {
		told += c.Load()
	}
	if len(counters) != 2 || told != replies {
		t.Errorf("%d replies, of which %d counters have %d", replies, len(counters), told)
	}
}

// A flood of names that all exist by a wildcard fills no cache.
func TestNamesOfAFloodAreNotKeptForTheirPlace(t *testing.T) {
	t.Parallel()
	asked, down := 0, false
	s := New(Options{Views: []View{{Authoritative: asking(chequered(t, &down), &asked)}}})
	for i := range 100 {
		if got := hearsOf(t, tell(t, s, forNetwork(t, fmt.Sprintf("x%d.example. A", i), "32.0.1.0/24"), UDP, somebody)); got != "192.0.2.2 /12" {
			t.Fatal(got)
		}
	}
	if held := s.Stats().Packets.Entries; held > 0 || asked != 100 {
		t.Errorf("%d packets are kept after %d questions", held, asked)
	}
}

// An answer by location that has been made costs no allocation, whichever network asks.
func TestAnswersByLocationAllocateNothing(t *testing.T) {
	down := false
	s := New(Options{Views: []View{{Authoritative: chequered(t, &down)}}})
	dst, from := make([]byte, 0, 4096), addrPort(somebody)
	var all [][]byte
	for i := 32; i < 64; i++ {
		all = append(all, forNetwork(t, "www.example. A", fmt.Sprintf("%d.%d.3.0/24", i, i%16<<4)))
	}
	round := func() {
		for _, msg := range all {
			s.Respond(dst, msg, from, UDP)
		}
	}
	round()
	if n := testing.AllocsPerRun(20, round); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkRespondByLocation is a query with a subnet, another one each time, from bytes to
// bytes.
func BenchmarkRespondByLocation(b *testing.B) {
	down := false
	s := New(Options{Views: []View{{Authoritative: chequered(b, &down)}}})
	dst, from := make([]byte, 0, 4096), addrPort(somebody)
	var all [][]byte
	for i := range 2048 {
		all = append(all, forNetwork(b, "www.example. A", fmt.Sprintf("%d.%d.3.0/24", 11+i/16, i%16<<4)))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		s.Respond(dst, all[i%len(all)], from, UDP)
	}
}
