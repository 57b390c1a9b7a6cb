package server

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

func TestAPacketIsUsedUntilItsTTLHasRunOut(t *testing.T) {
	t.Parallel()
	clock, w := newClock(), new(world)
	s := New(Options{Views: everyone(w), Now: clock.now})
	for _, step := range []struct {
		wait  time.Duration
		ttls  string
		asked int64
	}{
		{0, "[300 60]", 1},
		{0, "[300 60]", 1},
		{1900 * time.Millisecond, "[299 59]", 1},
		{58 * time.Second, "[241 1]", 1},
		{100 * time.Millisecond, "[300 60]", 2}, // 60 s: the lowest TTL has run out
	} {
		clock.advance(step.wait)
		if got := fmt.Sprint(ttls(talk(t, s, ask("www.example. A")))); got != step.ttls {
			t.Errorf("after %v: TTLs %s, want %s", step.wait, got, step.ttls)
		}
		if got := w.asked.Load(); got != step.asked {
			t.Errorf("after %v: asked %d times, want %d", step.wait, got, step.asked)
		}
	}
}

// Whoever gave the answer wants to be asked again while it is still good.
func TestAPacketIsKeptNoLongerThanItsResponseSays(t *testing.T) {
	t.Parallel()
	clock, asked := newClock(), 0
	s := New(Options{Now: clock.now, Views: everyone(lookup.Func(func(context.Context, lookup.Query) (*lookup.Response, error) {
		asked++
		return &lookup.Response{Keep: 54, Answer: lookup.MustRRsets("a. 60 IN A 192.0.2.1")}, nil
	}))})
	for _, step := range []struct {
		wait  time.Duration
		ttl   string
		asked int
	}{{0, "[60]", 1}, {53 * time.Second, "[7]", 1}, {time.Second, "[60]", 2}} {
		clock.advance(step.wait)
		if got := fmt.Sprint(ttls(talk(t, s, ask("a. A")))); got != step.ttl || asked != step.asked {
			t.Errorf("after %v: TTL %s, asked %d times, want %s and %d", step.wait, got, asked, step.ttl, step.asked)
		}
	}
}

// A negative answer is kept as long as RFC 2308 5 says.
func TestNegativeAnswersAreKeptForTheSOAsMinimum(t *testing.T) {
	t.Parallel()
	clock, w := newClock(), new(world)
	s := New(Options{Views: everyone(w), Now: clock.now})
	for _, step := range []struct {
		wait  time.Duration
		asked int64
	}{{0, 1}, {299 * time.Second, 1}, {time.Second, 2}} {
		clock.advance(step.wait)
		if got := talk(t, s, ask("nx.example. A")); got.Rcode != dns.RcodeNameError {
			t.Errorf("rcode %d", got.Rcode)
		}
		if got := w.asked.Load(); got != step.asked {
			t.Errorf("after %v: asked %d times, want %d", step.wait, got, step.asked)
		}
	}
}

// The TTLs of our own data do not run: only the packet is renewed.
func TestAuthoritativeTTLsStandStill(t *testing.T) {
	t.Parallel()
	clock, w := newClock(), new(world)
	s := New(Options{Views: []View{{Authoritative: w}}, Now: clock.now})
	for range 4 {
		if got := fmt.Sprint(ttls(talk(t, s, ask("www.example. A")))); got != "[300 60]" {
			t.Errorf("TTLs %s", got)
		}
		clock.advance(25 * time.Second)
	}
	if w.asked.Load() != 2 { // what is asked once is not kept
		t.Errorf("the packet was not used: %d", w.asked.Load())
	}
}

func TestWhatMayNotBeKeptIsNot(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what string
		r    *lookup.Response
	}{
		{"TTL 0", &lookup.Response{Answer: lookup.MustRRsets("a. 0 IN A 192.0.2.1")}},
		{"uncacheable", &lookup.Response{Uncacheable: true, Answer: lookup.MustRRsets("a. 60 IN A 192.0.2.1")}},
		{"no RR, so no TTL", &lookup.Response{Rcode: lookup.REFUSED}},
		{"a failure", nil},
		{"much too large", &lookup.Response{Answer: lookup.MustRRsets(large("a.", 500))}},
	} {
		asked := 0
		s := New(Options{Views: everyone(lookup.Func(func(context.Context, lookup.Query) (*lookup.Response, error) {
			asked++
			if c.r == nil {
				return nil, fmt.Errorf("no")
			}
			return c.r, nil
		}))})
		for range 2 {
			talk(t, s, ask("a. A"))
		}
		if asked != 2 || s.Stats().Packets.Entries != 0 {
			t.Errorf("%s: asked %d times, %d packets kept", c.what, asked, s.Stats().Packets.Entries)
		}
	}
}

// What decides about an answer decides about the packet, and nothing else does.
func TestPacketsAreSharedByThoseWhoMayShare(t *testing.T) {
	t.Parallel()
	base := func(*dns.Msg) {}
	for _, c := range []struct {
		what     string
		question string
		change   func(*dns.Msg)
		from     string
		shared   bool
	}{
		{"the same", "www.example. A", base, somebody, true},
		{"another letter case", "WWW.example. A", base, somebody, true},
		{"another ID", "www.example. A", func(m *dns.Msg) { m.Id++ }, somebody, true},
		{"another client", "www.example. A", base, "192.0.2.77:5353", true},
		{"EDNS", "www.example. A", edns(4096, false), somebody, true},
		{"AD", "www.example. A", func(m *dns.Msg) { m.AuthenticatedData = true }, somebody, true},
		{"a subnet, for what is for everyone", "www.example. A", edns(4096, false, option(8, "\x00\x01\x08\x00\x0a")), somebody, true},
		{"another type", "www.example. AAAA", base, somebody, false},
		{"another name", "ww.example. A", base, somebody, false},
		{"DO", "www.example. A", edns(4096, true), somebody, false},
		{"CD", "www.example. A", func(m *dns.Msg) { m.CheckingDisabled = true }, somebody, false},
		{"RD", "www.example. A", func(m *dns.Msg) { m.RecursionDesired = false }, somebody, false},
		{"another view", "www.example. A", base, "198.51.100.1:5353", false},
	} {
		w := new(world)
		s := New(Options{Views: []View{{Clients: prefixes("192.0.2.0/24"), Recursive: w}, {Recursive: w}}})
		talk(t, s, ask("www.example. A"))
		tell(t, s, packed(t, ask(c.question, c.change)), UDP, c.from)
		if shared := w.asked.Load() == 1; shared != c.shared {
			t.Errorf("%s: shared %v, want %v", c.what, shared, c.shared)
		}
	}
}

// Answers that depend on the client serve those in their scope (RFC 7871 7.3.1),
// also clients that send no subnet: it is their address that was looked at.
func TestScopedPacketsServeTheirScope(t *testing.T) {
	t.Parallel()
	asked := 0
	s := New(Options{Views: everyone(lookup.Func(func(_ context.Context, q lookup.Query) (*lookup.Response, error) {
		asked++
		at := q.Client
		if q.Subnet.IsValid() {
			at = q.Subnet.Addr()
		}
		scope, _ := at.Prefix(24)
		if q.Subnet.IsValid() && q.Subnet.Bits() == 0 {
			scope = q.Subnet
		}
		return &lookup.Response{Scope: scope, Answer: lookup.MustRRsets(fmt.Sprintf("a. 60 TXT %v", scope))}, nil
	}))})
	for _, c := range []struct {
		from, subnet, want string
		asked              int
	}{
		{"192.0.2.1:1024", "", "192.0.2.0/24", 1},
		{"192.0.2.200:1024", "", "192.0.2.0/24", 1},
		{"198.51.100.1:1024", "", "198.51.100.0/24", 2},
		{"198.51.100.1:1024", "\x00\x01\x18\x00\xc0\x00\x02", "192.0.2.0/24", 2},
		{"198.51.100.1:1024", "\x00\x01\x20\x00\xc0\x00\x02\x07", "192.0.2.0/24", 2},
		{"198.51.100.1:1024", "\x00\x01\x10\x00\xc0\x00", "192.0.0.0/24", 3}, // too coarse for either
		{"198.51.100.1:1024", "\x00\x01\x00\x00", "0.0.0.0/0", 4},
		{"203.0.113.1:1024", "\x00\x01\x00\x00", "0.0.0.0/0", 4},
		{"203.0.113.1:1024", "", "203.0.113.0/24", 5}, // the answer for SOURCE 0 is not for everyone
	} {
		m := ask("a. TXT")
		if c.subnet != "" {
			edns(1232, false, option(8, c.subnet))(m)
		}
		reply := tell(t, s, packed(t, m), UDP, c.from)
		if got := reply.Answer[0].(*dns.TXT).Txt[0]; got != c.want || asked != c.asked {
			t.Errorf("%s %x: got %s after %d questions, want %s after %d", c.from, c.subnet, got, asked, c.want, c.asked)
		}
	}
}

// Two questions with one hash must not get each other's answers.
func TestAPacketIsAskedForItsQuestion(t *testing.T) {
	t.Parallel()
	clock := newClock()
	ps := newPackets(10, 0)
	var q, other query
	for _, x := range []struct {
		q    *query
		name string
	}{{&q, "a. A"}, {&other, "b. A"}} {
		x.q.msg = packed(t, ask(x.name))
		x.q.from, x.q.arrived = addrPort(somebody), clock.now()
		x.q.tally = new(tally)
		x.q.readFor(t)
	}
	p := New(Options{}).pack(&q, &lookup.Response{Answer: lookup.MustRRsets("a. 60 IN A 192.0.2.1")})
	p.born, p.variant = clock.now().UnixNano(), q.variant()
	ps.put(&q, p, netip.Prefix{}, 60)
	ps.cache.Put(ps.key(&other), netip.Prefix{}, p, clock.now().Add(time.Minute))
	if got, ok := ps.get(&q); !ok || got != p {
		t.Error("the packet is not found")
	}
	if _, ok := ps.get(&other); ok {
		t.Error("another question got the packet")
	}
}

func TestFlushForgets(t *testing.T) {
	t.Parallel()
	w := new(world)
	s := New(Options{Views: everyone(w)})
	talk(t, s, ask("www.example. A"))
	if got := s.Stats().Packets.Entries; got != 1 {
		t.Errorf("%d packets", got)
	}
	s.Flush()
	if got := s.Stats().Packets.Entries; got != 0 {
		t.Errorf("%d packets after Flush", got)
	}
	if got := brief(talk(t, s, ask("www.example. A"))); got != "NOERROR rd ra 1/2/0/0" {
		t.Errorf("the views were lost: %s", got)
	}
}

// They have one place in the table of what was asked lately.
func TestQuestionsThatAreAskedInTurnAreNoticed(t *testing.T) {
	t.Parallel()
	ps := newPackets(10, 0)
	one, other := &query{state: state{key: 1<<40 | 7}}, &query{state: state{key: 2<<40 | 7}}
	if ps.again(one) || ps.again(other) {
		t.Error("neither was asked before")
	}
	var noticed [2]bool
	for range 200 { // each is noticed with a quarter of the chances
		noticed[0] = ps.again(one) || noticed[0]
		noticed[1] = ps.again(other) || noticed[1]
	}
	if noticed != [2]bool{true, true} {
		t.Errorf("noticed: %v", noticed)
	}
}
