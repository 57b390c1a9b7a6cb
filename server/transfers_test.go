package server

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/tsig"
)

// Turns come in the order of arrival, but not for who has its share; and who waits too
// long gets none.
func TestTurnsOfTransfers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		turns := newTurns(TransferOptions{Most: 3, PerClient: 2, Wait: time.Minute})
		client := func(n int) netip.Prefix { return netip.MustParsePrefix(fmt.Sprintf("192.0.2.%d/32", n)) }
		var got []string
		begin := func(ctx context.Context, n int) {
			if turns.begin(ctx, client(n)) {
				got = append(got, fmt.Sprint(n))
			} else {
				got = append(got, fmt.Sprintf("-%d", n))
			}
		}
		step := func(what, want string, do func()) {
			t.Helper()
			do()
			synctest.Wait()
			if now := strings.Join(got, " "); now != want {
				t.Errorf("%s: got %q, want %q", what, now, want)
			}
			got = nil
		}
		ctx, cancel := context.WithCancel(t.Context())
		step("two of one", "1 1", func() { begin(ctx, 1); begin(ctx, 1) })
		step("a third of it waits", "", func() { go begin(ctx, 1) })
		step("and another client does not", "2", func() { go begin(ctx, 2) })
		step("now there are too many", "", func() { go begin(ctx, 3) })
		step("an end of another does not help who has its share", "3", func() { turns.end(client(2)) })
		step("an end of its own does", "1", func() { turns.end(client(1)) })
		step("time is up", "-4", func() { go begin(ctx, 4); time.Sleep(time.Minute) })
		step("nobody waits for who does not", "-5", func() { go begin(ctx, 5); synctest.Wait(); cancel() })
		for _, n := range []int{1, 1, 3} {
			turns.end(client(n))
		}
		if turns.all != 0 || len(turns.of) != 0 || turns.waiting.Len() != 0 {
			t.Errorf("left over: %d, %v, %d", turns.all, turns.of, turns.waiting.Len())
		}
	})
}

// A transfer that cannot begin is refused with a reason, after some time; all are counted.
func TestTooManyTransfers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{Views: everyone(new(world)), Zones: &registry{addresses: 3}, Transfers: TransferOptions{Most: 1}, TCP: TCPOptions{Idle: time.Minute}})
		if !s.transfers.begin(t.Context(), netip.MustParsePrefix("198.51.100.9/32")) {
			t.Fatal("there was no turn")
		}
		l := connect(t, t.Context(), s, somebody)
		ask := func() *dns.Msg {
			l.say(framed(t, ask("example. AXFR", edns(1232, false))))
			b, err := l.hearRaw()
			if err != nil {
				t.Fatal(err)
			}
			return read(t, b)
		}
		start := time.Now()
		m := ask()
		if m.Rcode != dns.RcodeRefused || !strings.Contains(m.String(), "EDE: 14 (Not Ready): (too many transfers at once)") || time.Since(start) != 10*time.Second {
			t.Errorf("after %v: %s", time.Since(start), m)
		}
		s.transfers.end(netip.MustParsePrefix("198.51.100.9/32"))
		if m := ask(); m.Rcode != dns.RcodeSuccess || len(m.Answer) != 5 {
			t.Errorf("got %s", m)
		}
		synctest.Wait()
		tell(t, s, packed(t, ixfr(3)), UDP, elsewhere)
		got := s.Stats().Transfers
		for kind, want := range map[TransferCount]uint64{{lookup.TypeAXFR, TransferBusy}: 1, {lookup.TypeAXFR, TransferSent}: 1, {lookup.TypeIXFR, TransferRefused}: 1} {
			if got[kind] != want {
				t.Errorf("%s %s: %d, want %d", kind.Type, kind.Result, got[kind], want)
			}
		}
		if s.transfers.all != 0 {
			t.Errorf("%d have not ended", s.transfers.all)
		}
		l.Close()
		<-l.ended
	})
}

// A secondary on a slow line takes its time for each message, and gets all of them; one
// that takes nothing does not hold its place for ever.
func TestTransferOverASlowLine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pause time.Duration
		want  TransferResult
	}{{55 * time.Second, TransferSent}, {65 * time.Second, TransferBroken}} {
		synctest.Test(t, func(t *testing.T) {
			s := New(Options{Views: everyone(new(world)), Zones: &registry{addresses: 10_000}})
			l := connect(t, t.Context(), s, somebody)
			l.say(framed(t, ask("example. AXFR", edns(1232, false))))
			records, err := 0, error(nil)
			for records < 10_002 && err == nil {
				time.Sleep(c.pause)
				var b []byte
				if b, err = l.hearRaw(); err == nil {
					records += len(read(t, b).Answer)
				}
			}
			synctest.Wait()
			got := s.Stats().Transfers[TransferCount{lookup.TypeAXFR, c.want}]
			if (records == 10_002) != (c.want == TransferSent) || got != 1 {
				t.Errorf("with pauses of %v: %d RRs, %v, %d %s", c.pause, records, err, got, c.want)
			}
			l.Close()
			<-l.ended
		})
	}
}

// What is asked about a secluded zone, or a name in it, its own resolver answers, by who
// asks; and nothing of it stays in the packet cache.
func TestSecludedZones(t *testing.T) {
	t.Parallel()
	s := New(Options{
		Views: []View{{Clients: prefixes("192.0.2.0/24"), Recursive: new(world)}}, Zones: &registry{},
		Secluded: func(_ context.Context, from netip.Addr, key lookup.Name, q lookup.Question) *lookup.Response {
			if key == "" && from != netip.MustParseAddr("192.0.2.1") {
				return &lookup.Response{Rcode: lookup.REFUSED, EDE: []lookup.EDE{{Code: lookup.EDEProhibited}}}
			}
			return &lookup.Response{Rcode: lookup.NXDOMAIN, AA: true}
		},
	})
	s.Seclude(lookup.MustName("cat.example."), lookup.MustName("other."))
	for _, c := range []struct{ question, from, want string }{
		{"cat.example. SOA", "192.0.2.1:4711", "NXDOMAIN aa"},
		{"cat.example. SOA", "192.0.2.2:4711", "REFUSED"},
		{"cat.example. SOA", elsewhere, "REFUSED"},
		{"A.zones.CAT.example. PTR", "192.0.2.1:4711", "NXDOMAIN aa"},
		{"a.zones.cat.example. PTR", "192.0.2.2:4711", "REFUSED"},
		{"a.zones.cat.example. ANY", "192.0.2.1:4711", "NXDOMAIN aa"},
		{"x.other. A", "192.0.2.2:4711", "REFUSED"},
		{"xcat.example. A", "192.0.2.2:4711", "NOERROR"},
		{"zero.example. A", "192.0.2.2:4711", "NOERROR"},
		{"cat.example. SOA", "192.0.2.1:4711", "NXDOMAIN aa"},
	} {
		for _, proto := range []Proto{UDP, TCP} {
			if got := brief(tell(t, s, packed(t, ask(c.question)), proto, c.from)); !strings.HasPrefix(got, c.want) {
				t.Errorf("%s of %s: got %s, want %s", c.question, c.from, got, c.want)
			}
		}
	}
	signed, session := tsig.Ask(packed(t, ask("cat.example. SOA")), testKey(), time.Now())
	reply := s.Respond(nil, signed, addrPort(elsewhere), UDP)
	if err := session.Check(reply, time.Now()); err != nil || read(t, reply).Rcode != dns.RcodeNameError {
		t.Errorf("signed: %v, %x", err, reply)
	}
	s.Seclude()
	if got := brief(tell(t, s, packed(t, ask("cat.example. A")), UDP, "192.0.2.2:4711")); !strings.HasPrefix(got, "NOERROR") {
		t.Errorf("given free: %s", got)
	}
}
