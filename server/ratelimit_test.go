package server

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/tsig"
)

// estate is an authority with one zone, "example.", in which the first label says what
// becomes of a name.
func estate() lookup.Resolver {
	return lookup.Func(func(_ context.Context, q lookup.Query) (*lookup.Response, error) {
		r := &lookup.Response{AA: true}
		soa := lookup.MustRRsets(worldSOA)
		switch label := q.Name.Label(); {
		case strings.HasPrefix(label, "nx"):
			r.Rcode, r.Authority = lookup.NXDOMAIN, soa
		case strings.HasPrefix(label, "empty"):
			r.Authority = soa
		case strings.HasPrefix(label, "cut"), strings.HasSuffix(q.Name.String(), ".cut.example."):
			r.AA, r.Authority = false, lookup.MustRRsets("cut.example. 60 IN NS ns.cut.example.")
		case strings.HasPrefix(label, "refused"):
			r.AA, r.Rcode = false, lookup.REFUSED
		case strings.HasPrefix(label, "broken"):
			return nil, fmt.Errorf("broken")
		case strings.HasSuffix(q.Name.String(), ".wild.example."):
			r.Synthesized = lookup.MustName("wild.example.")
			fallthrough
		default:
			r.Answer = lookup.MustRRsets(q.Name.String() + " 60 IN A 192.0.2.80")
		}
		return r, nil
	})
}

// limited is a server with that limit on all that an authority says, and its clock.
func limited(r RateLimit, more ...func(*Options)) (*Server, *clock) {
	c := newClock()
	o := Options{Views: []View{{Authoritative: estate(), RateLimit: true}}, RateLimit: r, Now: c.now}
	for _, f := range more {
		f(&o)
	}
	return New(o), c
}

// flood asks n times and counts what comes: replies, replies with TC, BADCOOKIE, nothing.
type flooded struct{ replies, truncated, badcookie, nothing int }

func flood(t testing.TB, s *Server, n int, from string, proto Proto, query func(i int) *dns.Msg) (f flooded) {
	t.Helper()
	for i := range n {
		m := tell(t, s, packed(t, query(i)), proto, from)
		switch {
		case m == nil:
			f.nothing++
		case m.Truncated:
			f.truncated++
			if len(m.Answer)+len(m.Ns) > 0 || m.Rcode != 0 || len(m.Question) != 1 {
				t.Errorf("a truncated reply is %s", brief(m))
			}
		case strings.HasPrefix(brief(m), "BADCOOKIE"):
			f.badcookie++
		default:
			f.replies++
		}
	}
	return f
}

func always1(question string, change ...func(*dns.Msg)) func(int) *dns.Msg {
	return func(int) *dns.Msg { return ask(question, change...) }
}

func varied(format string) func(int) *dns.Msg {
	return func(i int) *dns.Msg { return ask(fmt.Sprintf(format, i)) }
}

// What is counted together. With 10 a second, of 30 replies 10 get through, and every
// second of the others slips.
func TestRepliesOfOneKindAreLimited(t *testing.T) {
	t.Parallel()
	all, some := flooded{replies: 30}, flooded{replies: 10, truncated: 10, nothing: 10}
	for _, c := range []struct {
		what  string
		query func(int) *dns.Msg
		want  flooded
	}{
		{"one name", always1("www.example. A"), some},
		{"one name of many types", func(i int) *dns.Msg {
			return ask("www.example. A", func(m *dns.Msg) { m.Question[0].Qtype = uint16(i%250 + 1000) })
		}, some},
		{"one name in many cases", func(i int) *dns.Msg {
			return ask(strings.Replace("wwwww.example. A", "w", "W", i%5))
		}, some},
		{"many names", varied("www%d.example. A"), all},
		{"many names of a wildcard", varied("x%d.wild.example. A"), some},
		{"names that do not exist", varied("nx%d.example. A"), some},
		{"names without data", varied("empty%d.example. A"), all},
		{"a name without data", always1("empty.example. A"), some},
		{"names below a cut", varied("x%d.cut.example. A"), some},
		{"errors, which do not slip", varied("refused%d.example. A"), flooded{replies: 10, nothing: 20}},
		{"SERVFAIL", varied("broken%d.example. A"), flooded{replies: 10, nothing: 20}},
	} {
		for _, packets := range []int{0, -1} { // hits count as misses do
			s, _ := limited(RateLimit{Responses: 10, Errors: 10}, func(o *Options) { o.Packets = packets })
			if got := flood(t, s, 30, somebody, UDP, c.query); got != c.want {
				t.Errorf("%s, Packets %d: got %+v, want %+v", c.what, packets, got, c.want)
			}
		}
	}
}

// The wildcard's own encloser, and other networks and names, have balances of their own.
func TestLimitsAreApart(t *testing.T) {
	t.Parallel()
	s, _ := limited(RateLimit{Responses: 10, Slip: -1})
	exhaust := func(query func(int) *dns.Msg, from string) { flood(t, s, 20, from, UDP, query) }
	exhaust(varied("x%d.wild.example. A"), somebody)
	exhaust(always1("www.example. A"), somebody)
	exhaust(always1("www.example. A"), "[2001:db8:0:100::1]:5000")
	for _, c := range []struct {
		question, from string
		want           bool
	}{
		{"www.example. A", somebody, false},
		{"www.example. A", "192.0.2.200:40000", false}, // the same /24
		{"www.example. A", "[::ffff:192.0.2.9]:5", false},
		{"www.example. A", "192.0.3.1:40000", true},
		{"www.example. A", "[2001:db8:0:1ff::9]:5000", false}, // the same /56
		{"www.example. A", "[2001:db8:0:200::1]:5000", true},
		{"wild.example. A", somebody, true},
		{"other.example. A", somebody, true},
		{"nx.example. A", somebody, true},
		{"empty.example. A", somebody, true},
	} {
		if got := tell(t, s, packed(t, ask(c.question)), UDP, c.from) != nil; got != c.want {
			t.Errorf("%s from %s: replied %v", c.question, c.from, got)
		}
	}
}

// Credit comes back second by second, and not before a flood has ended for as long as
// the window.
func TestLimitsEnd(t *testing.T) {
	t.Parallel()
	s, c := limited(RateLimit{Responses: 10, Slip: -1, Window: 5 * time.Second})
	www := always1("www.example. A")
	expect := func(what string, n int, want flooded) {
		t.Helper()
		if got := flood(t, s, n, somebody, UDP, www); got != want {
			t.Errorf("%s: got %+v, want %+v", what, got, want)
		}
	}
	expect("at first", 15, flooded{replies: 10, nothing: 5})
	c.advance(time.Second)
	expect("a second later", 6, flooded{replies: 5, nothing: 1})
	c.advance(time.Second)
	expect("what comes a second is bound, too", 5, flooded{replies: 5})
	c.advance(time.Hour)
	expect("nothing is saved up", 12, flooded{replies: 10, nothing: 2})
	expect("a flood", 1000, flooded{nothing: 1000})
	c.advance(4 * time.Second)
	expect("four seconds later", 1, flooded{nothing: 1})
	c.advance(2 * time.Second)
	expect("six seconds later", 1, flooded{replies: 1})
	c.advance(12*24*time.Hour + 3*time.Hour) // when the seconds of a bucket have wrapped around
	expect("twelve days later", 10, flooded{replies: 10})
}

// Who is who it says is not limited.
func TestWhomLimitsDoNotConcern(t *testing.T) {
	t.Parallel()
	s, c := limited(RateLimit{Responses: 10, Errors: 10, Exempt: prefixes("198.51.100.0/24", "::ffff:203.0.113.0/120")})
	www, refused := always1("www.example. A"), varied("refused%d.example. A")
	told := cookieIn(talk(t, s, ask("first.example. A", withCookie(t, "0102030405060708"))))
	for _, f := range []struct {
		what  string
		from  string
		proto Proto
		query func(int) *dns.Msg
	}{
		{"TCP", somebody, TCP, www},
		{"TLS", somebody, TLS, www},
		{"our cookie", somebody, UDP, always1("www.example. A", withCookie(t, told))},
		{"exempt", "198.51.100.9:5000", UDP, www},
		{"exempt, written as mapped", "203.0.113.9:5000", UDP, www},
		{"exempt, of errors, too", "198.51.100.9:5000", UDP, refused},
	} {
		if got := flood(t, s, 30, f.from, f.proto, f.query); got != (flooded{replies: 30}) {
			t.Errorf("%s: %+v", f.what, got)
		}
	}
	for _, cookie := range []string{"0102030405060708", forged(told)} { // which prove nothing
		c.advance(time.Hour)
		if got := flood(t, s, 30, somebody, UDP, always1("www.example. A", withCookie(t, cookie))); got != (flooded{replies: 10, truncated: 10, nothing: 10}) {
			t.Errorf("cookie %s: %+v", cookie, got)
		}
	}
}

// A view without limits has none but on errors, of which SERVFAIL is none there: those
// who are answered by recursion may meet many.
func TestLimitsOfViewsWithoutLimits(t *testing.T) {
	t.Parallel()
	open := func(o *Options) { o.Views = []View{{Recursive: estate()}} }
	closed := func(o *Options) { o.Views = []View{{Clients: prefixes("10.0.0.0/8"), Recursive: estate()}} }
	for _, c := range []struct {
		what  string
		views func(*Options)
		query func(int) *dns.Msg
		want  flooded
	}{
		{"answers", open, always1("www.example. A"), flooded{replies: 30}},
		{"NXDOMAIN", open, always1("nx.example. A"), flooded{replies: 30}},
		{"SERVFAIL", open, always1("broken.example. A"), flooded{replies: 30}},
		{"REFUSED", open, always1("refused.example. A"), flooded{replies: 10, nothing: 20}},
		{"FORMERR", open, always1("www.example. OPT"), flooded{replies: 10, nothing: 20}},
		{"NOTIMP", open, always1("www.example. A", func(m *dns.Msg) { m.Opcode = 6 }), flooded{replies: 10, nothing: 20}},
		{"BADVERS", open, always1("www.example. A", edns(1232, false), func(m *dns.Msg) { m.IsEdns0().SetVersion(1) }), flooded{replies: 10, nothing: 20}},
		{"strangers", closed, always1("www.example. A"), flooded{replies: 10, nothing: 20}},
	} {
		s, _ := limited(RateLimit{Responses: 10, Errors: 10}, c.views)
		if got := flood(t, s, 30, somebody, UDP, c.query); got != c.want {
			t.Errorf("%s: got %+v, want %+v", c.what, got, c.want)
		}
	}
	none, _ := limited(RateLimit{Responses: 10}, closed)
	if got := flood(t, none, 30, somebody, UDP, always1("www.example. A")); got != (flooded{replies: 30}) {
		t.Errorf("without a limit on errors: %+v", got)
	}
}

// Servers of zones of ours are not kept from saying that something has changed, and
// those who sign are known.
func TestLimitsSpareOtherServers(t *testing.T) {
	t.Parallel()
	s, _ := limited(RateLimit{Responses: 10, Errors: 10}, func(o *Options) { o.Zones = &registry{} })
	if got := flood(t, s, 30, somebody, UDP, func(int) *dns.Msg { return notify("example.") }); got != (flooded{replies: 30}) {
		t.Errorf("NOTIFY: %+v", got)
	}
	if got := flood(t, s, 30, somebody, UDP, func(int) *dns.Msg { return notify("stranger.") }); got != (flooded{replies: 10, nothing: 20}) {
		t.Errorf("NOTIFY of no zone of ours: %+v", got)
	}
	forged := testKey()
	forged.Secret = []byte("another")
	for _, c := range []struct {
		key  tsig.Key
		want int // replies of 30
	}{{testKey(), 30}, {forged, 10}} {
		s, clock := limited(RateLimit{Responses: 10, Errors: 10}, func(o *Options) { o.Zones = &registry{} })
		signed, _ := tsig.Ask(packed(t, ask("www.example. A")), c.key, clock.now())
		replies := 0
		for range 30 {
			if s.Respond(nil, signed, addrPort(somebody), UDP) != nil {
				replies++
			}
		}
		if replies != c.want {
			t.Errorf("signed with %q: %d replies", c.key.Secret, replies)
		}
	}
}

// What a limit withholds from one who has waited for a resolver is not sent either.
func TestNothingIsSentOfWhatIsWithheld(t *testing.T) {
	t.Parallel()
	s, _ := limited(RateLimit{Responses: 1, Slip: -1}, func(o *Options) {
		o.Packets, o.Views = -1, []View{{Recursive: estate(), RateLimit: true}}
	})
	u, conn := deaf(t, s)
	for range 3 {
		u.missed(t, conn, ask("www.example. A"))
		s.answered.Wait()
	}
	u.missed(t, conn, ask("other.example. A"))
	s.answered.Wait()
	for _, want := range []string{"www.example.", "other.example."} {
		if got := receive(t, conn).Question[0].Name; got != want {
			t.Errorf("got a reply about %s, want %s", got, want)
		}
	}
}

// Every how many slips, and as what.
func TestSlip(t *testing.T) {
	t.Parallel()
	for slip, want := range map[int]flooded{
		-1: {replies: 10, nothing: 20},
		1:  {replies: 10, truncated: 20},
		2:  {replies: 10, truncated: 10, nothing: 10},
		5:  {replies: 10, truncated: 4, nothing: 16},
	} {
		s, _ := limited(RateLimit{Responses: 10, Slip: slip})
		if got := flood(t, s, 30, somebody, UDP, always1("www.example. A")); got != want {
			t.Errorf("slip %d: got %+v, want %+v", slip, got, want)
		}
		stats := map[string]int{}
		for _, l := range s.Stats().Limited {
			stats[l.Kind.String()+" "+l.Sanction.String()] = int(l.Count)
		}
		if stats["answer truncated"] != want.truncated || stats["answer withheld"] != want.nothing || s.Stats().Drops[DropLimit] != uint64(want.nothing) {
			t.Errorf("slip %d: counted %v", slip, stats)
		}
	}
	s, _ := limited(RateLimit{Responses: 10}, func(o *Options) { o.Cookies.Require = RequireOverLimit })
	if got, want := flood(t, s, 30, somebody, UDP, always1("www.example. A", withCookie(t, "0102030405060708"))), (flooded{replies: 10, badcookie: 10, nothing: 10}); got != want {
		t.Errorf("with a cookie: got %+v, want %+v", got, want)
	}
	if got, want := flood(t, s, 30, somebody, UDP, always1("www.example. A")), (flooded{truncated: 15, nothing: 15}); got != want {
		t.Errorf("without: got %+v, want %+v", got, want)
	}
}

// The table against one that has a map entry for everybody: with room enough they agree.
func TestLimiterAgreesWithASlowOne(t *testing.T) {
	t.Parallel()
	const rate, floor = 5, -20
	l := newLimiter(RateLimit{Responses: rate, Table: 4096})
	type account struct{ balance, second int64 }
	slow := map[uint64]*account{}
	random := rand.New(rand.NewPCG(1, 2))
	keys := make([]uint64, 200)
	for i := range keys {
		keys[i] = random.Uint64()
	}
	second := int64(1_700_000_000)
	for range 100_000 {
		if random.IntN(50) == 0 {
			second += int64(random.IntN(4))
		}
		key := keys[random.IntN(random.IntN(len(keys))+1)]
		a := slow[key]
		if a == nil {
			a = &account{rate, second}
			slow[key] = a
		}
		a.balance = max(min(a.balance+(second-a.second)*rate, rate)-1, floor)
		a.second = second
		if got := l.debit(key, uint64(second), rate, floor); got != a.balance {
			t.Fatalf("key %x at %d: got %d, want %d", key, second, got, a.balance)
		}
	}
}

// Readers whose clocks are a second apart do not make credit out of that.
func TestLimiterOfTwoClocks(t *testing.T) {
	t.Parallel()
	l := newLimiter(RateLimit{Responses: 10})
	l.debit(7, 1000, 10, -150)
	for i := range int64(100) {
		if got, want := l.debit(7, uint64(1001-i%2), 10, -150), 9-i; got != want {
			t.Fatalf("debit %d: %d left, want %d", i, got, want)
		}
	}
}

// The bucket that was used last is not the one that is given to somebody else, whatever
// the clock of who looks for one.
func TestLimiterForgetsTheOldest(t *testing.T) {
	t.Parallel()
	l := newLimiter(RateLimit{Responses: 10, Table: 1})
	key := func(n uint64) uint64 { return n << (64 - tagBits) }
	for n, second := range []uint64{1001, 999, 1000, 1000} {
		l.debit(key(uint64(n+1)), second, 10, -150)
	}
	l.debit(key(5), 1000, 10, -150) // in place of 2
	for tag, want := range map[uint64]bool{1: true, 2: false, 3: true, 4: true, 5: true} {
		held := false
		for i := range l.buckets {
			held = held || l.buckets[i].Load()>>(64-tagBits) == tag
		}
		if held != want {
			t.Errorf("key %d is held: %v", tag, held)
		}
	}
}

// Many at once lose no debit.
func TestLimiterConcurrently(t *testing.T) {
	t.Parallel()
	l := newLimiter(RateLimit{Responses: 10})
	l.debit(7, 1000, 10, -100_000)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 1000 {
				l.debit(7, 1000, 10, -100_000)
			}
		})
	}
	all.Wait()
	if got := l.debit(7, 1000, 10, -100_000); got != 10-1-8000-1 {
		t.Errorf("%d left", got)
	}
}

// The table does not grow.
func TestLimiterIsBounded(t *testing.T) {
	t.Parallel()
	s, _ := limited(RateLimit{Responses: 10, Slip: -1, Table: 1})
	if n := len(s.limiter.buckets); n != bucketWays {
		t.Fatalf("%d buckets", n)
	}
	for i := range 1000 {
		from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 1}), 5000)
		s.Respond(nil, packed(t, ask("www.example. A")), from, UDP)
	}
	if n := len(s.limiter.buckets); n != bucketWays {
		t.Fatalf("%d buckets", n)
	}
	for table, want := range map[int]int{5: 8, 100_000: 131_072} {
		if got := len(newLimiter(RateLimit{Errors: 1, Table: table}).buckets); got != want {
			t.Errorf("a table for %d has %d", table, got)
		}
	}
}

func TestLimitsAreLoggedOnceASecond(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	s, c := limited(RateLimit{Responses: 10}, func(o *Options) { o.Log = slog.New(slog.NewTextHandler(&out, nil)) })
	for i := range 3 {
		flood(t, s, 30, fmt.Sprintf("10.0.%d.1:5000", i), UDP, always1("www.example. A"))
	}
	if n := strings.Count(out.String(), "rate limit"); n != 1 {
		t.Errorf("%d lines in one second\n%s", n, &out)
	}
	c.advance(time.Second)
	flood(t, s, 30, "10.0.0.1:5000", UDP, always1("www.example. A")) // of which is known already
	flood(t, s, 30, "10.0.3.1:5000", UDP, always1("www.example. A"))
	if n := strings.Count(out.String(), "rate limit"); n != 2 || !strings.Contains(out.String(), "client=10.0.3.1 kind=answer name=www.example. type=A") {
		t.Errorf("%d lines in two seconds\n%s", n, &out)
	}
}

// FuzzLimiter: whatever is counted, a balance stays within its bounds, and within one
// second only falls.
func FuzzLimiter(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x03\xe8"))
	f.Fuzz(func(t *testing.T, ops []byte) {
		l := newLimiter(RateLimit{Responses: 10, Table: 64})
		for ; len(ops) >= 12; ops = ops[12:] {
			key, second := binary.BigEndian.Uint64(ops), uint64(binary.BigEndian.Uint32(ops[8:]))
			first := l.debit(key, second, 10, -150)
			if next := l.debit(key, second, 10, -150); first < -150 || first > 9 || next > first {
				t.Fatalf("key %x, second %d: %d, then %d", key, second, first, next)
			}
		}
	})
}
