package resolver_test

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
	"github.com/sextant-dns/sextant/server"
)

// edge is a server with its packets in front of r.
func edge(r *resolver.Resolver) *server.Server {
	return server.New(server.Options{Views: []server.View{{Recursive: r}}})
}

// hear asks s and tells what the client hears: rcode, TTL of the first answer, and
// how long it waited.
func hear(t *testing.T, s *server.Server, name string) (rcode int, ttl uint32, waited time.Duration) {
	t.Helper()
	q := new(dns.Msg)
	q.SetQuestion(name, dns.TypeA)
	msg, err := q.Pack()
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	reply := new(dns.Msg)
	if err := reply.Unpack(s.Respond(nil, msg, netip.MustParseAddrPort("192.0.2.99:4444"), server.UDP)); err != nil {
		t.Fatal(err)
	}
	if len(reply.Answer) > 0 {
		ttl = reply.Answer[0].Header().Ttl
	}
	return reply.Rcode, ttl, time.Since(start)
}

// The packets in front of the resolver must not hide from it who asks late.
func TestNamesInUseNeverExpireForAClient(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		prefetch bool
		waits    int
	}{{true, 1}, {false, 10}} {
		synctest.Test(t, func(t *testing.T) {
			n := shops(t)
			n.host("192.0.2.1").delay = 100 * time.Millisecond
			r := n.resolver(func(o *resolver.Options) { o.Prefetch = c.prefetch })
			s := edge(r)
			waits := 0
			for range 590 { // www.example.com has a TTL of 60 s
				rcode, ttl, waited := hear(t, s, "www.example.com.")
				if rcode != dns.RcodeSuccess || ttl > 60 {
					t.Fatalf("rcode %d, TTL %d", rcode, ttl)
				}
				if waited > 0 {
					waits++
				}
				time.Sleep(time.Second - waited)
			}
			if waits != c.waits {
				t.Errorf("prefetch %v: the client had to wait %d times, want %d", c.prefetch, waits, c.waits)
			}
			if hits := s.Stats().Packets.Hits; hits < 500 {
				t.Errorf("the packets answered %d times only", hits)
			}
			if got := r.Stats().Prefetches; c.prefetch && (got < 10 || got > 11) || !c.prefetch && got != 0 {
				t.Errorf("prefetch %v: %d of them in 590 s", c.prefetch, got)
			}
		})
	}
}

func TestAliasesAreKeptNoLongerThanTheirMostUrgentPart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := shops(t)
		r := n.resolver(prefetching)
		// abroad.example.com 300 CNAME www.example.org 120 A
		for _, c := range []struct {
			wait time.Duration
			keep uint32
		}{{0, 108}, {50 * time.Second, 58}, {57 * time.Second, 1}} {
			time.Sleep(c.wait)
			response, err := r.Resolve(t.Context(), question("abroad.example.com. A"))
			if err != nil {
				t.Fatal(err)
			}
			if response.Keep != c.keep || response.Uncacheable {
				t.Errorf("after %v more: keep %d, want %d", c.wait, response.Keep, c.keep)
			}
		}
		time.Sleep(500 * time.Millisecond)
		if response, _ := r.Resolve(t.Context(), question("abroad.example.com. A")); response.Keep == 0 {
			t.Error("a response that is about to expire may be kept as long as its TTL")
		}
		synctest.Wait()
	})
}

func TestPacketsAndPrefetchTogetherDoNotKeepAGhostAlive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newInternet(t)
		n.zone("ghost.com.", "www.ghost.com. 3000 A 192.0.2.66", "192.0.2.1")
		s := edge(n.resolver(prefetching))
		hear(t, s, "www.ghost.com.")
		com := n.zones[lookup.MustName("com.")]
		com.remove("ghost.com.")
		com.remove("ns1.ghost.com.")
		gone := 0
		for minute := 1; gone == 0; minute++ {
			time.Sleep(time.Minute)
			if rcode, _, _ := hear(t, s, "www.ghost.com."); rcode == dns.RcodeNameError {
				gone = minute
			}
			synctest.Wait()
			if minute > 24*60+50 { // the delegation's TTL and that of the last answer
				t.Fatal("the ghost walks")
			}
		}
		// A refresh in the last tenth of the delegation's life asks the parent.
		if gone < 24*60*9/10 {
			t.Errorf("gone after %d minutes, want about a day", gone)
		}
	})
}
