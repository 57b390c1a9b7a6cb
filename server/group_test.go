package server

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

// questions are messages of all kinds: hits and misses, what is refused or malformed, what
// depends on the client, what nobody replies to.
func questions(t testing.TB) (all [][]byte) {
	for _, m := range []*dns.Msg{
		ask("example. SOA"), ask("WWW.example. A"), ask("www.example. A", edns(1232, true)), ask("nx.example. A"),
		ask("many.example. A"), ask("zero.example. A"), ask("large.example. TXT"), ask("large.example. TXT", edns(4096, false)),
		ask("fails.example. A", edns(1232, false)), ask("client.example. TXT"), ask("panics.example. A"),
		ask("version.bind. TXT", func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS }),
		ask("example. SOA", func(m *dns.Msg) { m.Question = nil }),
		ask("example. SOA", func(m *dns.Msg) { m.Response = true }),
		ask("example. SOA", edns(1232, false), func(m *dns.Msg) { m.IsEdns0().SetVersion(1) }),
		ask("chequered.example. A"),
	} {
		all = append(all, packed(t, m))
	}
	for i := range 16 {
		all = append(all, forNetwork(t, "www.example. A", fmt.Sprintf("32.%d.0.0/16", i<<4)))
		all = append(all, forNetwork(t, "chequered.example. A", fmt.Sprintf("32.%d.0.0/16", i<<4)))
	}
	return append(all, []byte("short"), packed(t, ask("www.example. A"))[:20])
}

// Nobody can tell by the reply who else was answered with it.
func TestAQueryInAGroupGetsTheReplyThatItGetsAlone(t *testing.T) {
	t.Parallel()
	down, now := false, newClock()
	located := chequered(t, &down)
	resolver := lookup.Func(func(ctx context.Context, q lookup.Query) (*lookup.Response, error) {
		if q.Name.Label() == "chequered" { // by the wildcard
			return located.Resolve(ctx, q)
		}
		return new(world).Resolve(ctx, q)
	})
	views := []View{
		{Name: "inside", Clients: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, Recursive: resolver},
		{Name: "ours", Clients: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}, Authoritative: resolver},
	}
	for name, o := range map[string]Options{
		"with packets":    {},
		"without packets": {Packets: -1},
	} {
		o.Views, o.Now = views, now.now
		r := rand.New(rand.NewPCG(1, 2))
		alone, together := New(o), New(o)
		g, all := group{s: together}, questions(t)
		room := make([]byte, 0, 4096)
		for step := range 1000 {
			for range 1 + r.IntN(groupSize) {
				m := g.next()
				from := addrPort([]string{"192.0.2.7:5353", "198.51.100.7:5353", "203.0.113.7:5353", "192.0.2.7:19"}[r.IntN(4)])
				m.begin(all[r.IntN(len(all))], from, UDP, now.now(), together.tally)
				m.room = make([]byte, 0, 4096)
			}
			g.answer()
			var later []*query // as the crew answers them
			for i := range g.all() {
				m := &g.members[i]
				q := &query{state: state{msg: m.msg, from: m.from, proto: UDP, arrived: m.arrived, tally: alone.tally}}
				want, done := alone.quick(room, q)
				if done != m.done || string(want) != string(m.reply) || (want == nil) != (m.reply == nil) {
					t.Fatalf("%s, step %d, %x from %v:\n%x %v in a group, not\n%x %v", name, step, m.msg, m.from, m.reply, m.done, want, done)
				}
				if !done {
					later = append(later, q, &m.query)
				}
			}
			for ; len(later) > 0; later = later[2:] {
				want, got := alone.resolve(t.Context(), room, later[0]), together.resolve(t.Context(), nil, later[1])
				if string(want) != string(got) {
					t.Fatalf("%s, step %d, later: %x in a group, not %x", name, step, got, want)
				}
			}
			g.clear()
			if step%200 == 199 {
				alone.Replace(views)
				together.Replace(views)
			}
		}
		if a, b := alone.Stats(), together.Stats(); a.Packets.Hits+a.Packets.Misses != b.Packets.Hits+b.Packets.Misses || a.Drops[DropPort] != b.Drops[DropPort] || a.Panics != b.Panics || len(a.Queries) != len(b.Queries) {
			t.Errorf("%s: %+v alone, %+v in groups", name, a, b)
		}
		for i := range g.members {
			if m := &g.members[i]; m.generation != nil || m.kept.image != "" {
				t.Errorf("%s: member %d keeps what it needs no more", name, i)
			}
		}
	}
}

// A hit in a group costs no memory, nor does one of several answers.
func TestGroupsAllocateNothing(t *testing.T) {
	down := false
	for name, c := range map[string]struct {
		view View
		msg  []byte
	}{
		"one answer": {View{Recursive: new(world)}, packed(t, ask4())},
		"by place":   {View{Authoritative: chequered(t, &down)}, forNetwork(t, "www.example. A", "32.1.0.0/16")},
	} {
		s := New(Options{Views: []View{c.view}})
		for range 2 { // what is asked once is not kept
			s.Respond(nil, c.msg, addrPort(somebody), UDP)
		}
		g, room := group{s: s}, make([]byte, 0, 1232)
		if n := testing.AllocsPerRun(100, func() {
			for range groupSize {
				m := g.next()
				m.begin(c.msg, addrPort(somebody), UDP, s.options.Now(), s.tally)
				m.room = room
			}
			g.answer()
			if g.members[groupSize-1].reply == nil {
				t.Fatal("no reply")
			}
			g.clear()
		}); n != 0 || s.Stats().Packets.Hits < 100*groupSize {
			t.Errorf("%s: %v allocations for %d hits", name, n, s.Stats().Packets.Hits)
		}
	}
}

// Queries for answers of one Choice have it warmed for all of their networks at once.
func TestGroupsWarmChoices(t *testing.T) {
	t.Parallel()
	c := &noting{}
	s := New(Options{Views: []View{{Authoritative: lookup.Func(func(_ context.Context, q lookup.Query) (*lookup.Response, error) {
		return &lookup.Response{AA: true, Answer: lookup.MustRRsets("www.example. 60 IN A 192.0.2.1"), Choice: c}, nil
	})}}})
	g := group{s: s}
	for step, want := range []int{0, 3, 6} { // the first group are misses
		for i := range 3 {
			m := g.next()
			m.begin(forNetwork(t, "www.example. A", fmt.Sprintf("32.%d.0.0/16", i)), addrPort(somebody), UDP, s.options.Now(), s.tally)
		}
		if g.answer(); len(c.warmed) != want {
			t.Errorf("step %d: %v", step, c.warmed)
		}
		g.clear()
	}
	if c.warmed[2].String() != "32.2.0.0/16" {
		t.Errorf("%v", c.warmed)
	}
}

// noting is a Choice of one answer that notes what it is warmed for.
type noting struct{ warmed []netip.Prefix }

func (c *noting) Of(netip.Addr, netip.Prefix) (int, netip.Prefix, uint8, bool) {
	return 0, netip.Prefix{}, 0, true
}
func (c *noting) Warm(networks []netip.Prefix) { c.warmed = append(c.warmed, networks...) }

// BenchmarkGroup is a hit among packets that fit into no cache of a processor, for queries
// that come one at a time and for those of full groups.
func BenchmarkGroup(b *testing.B) {
	const names = 30_000
	s := New(Options{Views: everyone(new(world))})
	var queries [][]byte
	for i := range names {
		queries = append(queries, packed(b, ask(fmt.Sprintf("h%d.example. A", i*7919%names))))
		s.Respond(nil, queries[i], addrPort(somebody), UDP)
	}
	now, from := s.options.Now(), addrPort(somebody)
	room := make([]byte, 0, 1232)
	for _, size := range []int{1, groupSize} {
		b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
			g := group{s: s}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				m := g.next()
				m.begin(queries[i%names], from, UDP, now, s.tally)
				if m.room = room; g.n == size {
					g.answer()
					g.clear()
				}
			}
		})
	}
}
