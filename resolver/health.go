package resolver

import (
	"math"
	"net/netip"
	"sync"
	"time"

	"github.com/sextant-dns/sextant/cache"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/transport"
)

const (
	maxKnown  = 50_000           // servers that are remembered
	knownLife = 15 * time.Minute // after the last exchange, or a server is new again

	guessedRTT  = 200 * time.Millisecond // of a server that was never asked
	minTimeout  = 300 * time.Millisecond
	sameRTT     = 30 * time.Millisecond // how much slower than the best is as good as the best
	lamePenalty = time.Minute           // of RTT: asked when all others have failed
	lameLife    = time.Minute           // after which a lame server is given a new chance
	plainLife   = 15 * time.Minute      // after which a server is asked with EDNS again
	explore     = 20                    // one choice in so many is made at random

	// A server that was silent so often in a row is left alone, for longer and
	// longer, and then probed by one query (RFC 4697 2.1).
	maxSilent    = 3
	firstBackoff = time.Second
	lastBackoff  = 30 * time.Second

	routeBackoff = 5 * time.Second // after the host had no route
	maxRoutes    = 1024            // blocks without one that are remembered
)

// health is what is remembered of servers. It is about addresses, not about
// zones, except for lameness.
type health struct {
	mu      sync.Mutex // held over each reading and changing of servers
	servers *cache.Cache[netip.AddrPort, server]
	lames   *cache.Cache[lameness, struct{}]
	noRoute *cache.Cache[netip.Prefix, struct{}] // blocks that are not to be tried, see region
	timeout time.Duration
	intN    func(int) int
}

type lameness struct {
	server netip.AddrPort
	zone   lookup.Name
}

// server is what is known of one address and port. The zero value knows nothing.
type server struct {
	rtt, deviation time.Duration // smoothed as in RFC 6298 2; 0 when there was no reply yet
	silent         int           // attempts without a reply since the last one
	counted        time.Time     // when silent was last raised
	retry          time.Time     // when silent has reached maxSilent: not to be asked before
	edns           bool          // has put an OPT into a reply
	plain          time.Time     // until then it is asked without one
}

// habit is what a server is expected to do.
type habit struct {
	timeout time.Duration // of a first attempt
	silent  int           // attempts in a row without a reply
	edns    bool          // it certainly speaks EDNS
	plain   bool          // it does not
}

func newHealth(o Options) *health {
	return &health{
		servers: cache.New[netip.AddrPort, server](cache.Options[netip.AddrPort, server]{Entries: maxKnown}),
		lames:   cache.New[lameness, struct{}](cache.Options[lameness, struct{}]{Entries: maxKnown}),
		noRoute: cache.New[netip.Prefix, struct{}](cache.Options[netip.Prefix, struct{}]{Entries: maxRoutes}),
		timeout: o.Timeout,
		intN:    o.IntN,
	}
}

func (h *health) get(a netip.AddrPort, now time.Time) server {
	s, _, _ := h.servers.Get(a, netip.Prefix{}, now)
	return s
}

// change replaces what is known of a.
func (h *health) change(a netip.AddrPort, now time.Time, f func(*server)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.get(a, now)
	f(&s)
	h.servers.Put(a, netip.Prefix{}, s, now.Add(knownLife))
}

// replied notes that a has replied after rtt.
func (h *health) replied(a netip.AddrPort, rtt time.Duration, now time.Time) {
	h.change(a, now, func(s *server) {
		rtt = max(rtt, 1)
		if s.rtt == 0 {
			s.rtt, s.deviation = rtt, rtt/2
		} else {
			s.deviation += ((s.rtt - rtt).Abs() - s.deviation) / 4
			s.rtt += (rtt - s.rtt) / 8
		}
		s.silent = 0
	})
}

// failed notes that a, which was asked then, did not reply. All the failures of one
// moment are one: those who asked before a failure was counted tell nothing new,
// and while a is left alone nothing is added.
func (h *health) failed(a netip.AddrPort, asked, now time.Time) {
	h.change(a, now, func(s *server) {
		if s.silent >= maxSilent || asked.Before(s.counted) {
			return
		}
		s.counted = now
		if s.silent++; s.silent == maxSilent {
			s.retry = now.Add(firstBackoff)
		}
	})
}

// unreachable notes that the host has no way to a, nor then, it may be thought, to
// those in the same region of which nothing is known.
func (h *health) unreachable(a netip.AddrPort, now time.Time) {
	if r, ok := region(a.Addr()); ok {
		h.noRoute.Put(r, netip.Prefix{}, struct{}{}, now.Add(routeBackoff))
	}
}

// unrouted tells whether to pass c over because the host had no way to another one
// in its region. Whoever has been heard lately, or belongs to a zone that is
// configured, has a route of its own: when the way to the Internet is gone, internal
// zones stay. To try costs nothing that is sent.
func (h *health) unrouted(c *candidate, s server, now time.Time) bool {
	r, ok := region(c.server.Addr())
	if !ok || c.configured || s.rtt > 0 {
		return false
	}
	_, _, found := h.noRoute.Get(r, netip.Prefix{}, now)
	return found
}

// region is the addresses around a that a host without a default route is likely to
// have no way to either, so coarse that a host without IPv6 finds them out at once;
// false when a is near: of this host, its links, or a private network.
func region(a netip.Addr) (netip.Prefix, bool) {
	if a = a.Unmap(); a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsPrivate() {
		return netip.Prefix{}, false
	}
	bits := 12 // what IANA hands out of IPv6
	if a.Is4() {
		bits = 8
	}
	p, err := a.WithZone("").Prefix(bits)
	return p, err == nil
}

// lame notes that a does not serve zone although it should.
func (h *health) lame(a netip.AddrPort, zone lookup.Name, now time.Time) {
	h.lames.Put(lameness{a, zone}, netip.Prefix{}, struct{}{}, now.Add(lameLife))
}

// notLame takes that back.
func (h *health) notLame(a netip.AddrPort, zone lookup.Name) { h.lames.Remove(lameness{a, zone}) }

// spoke notes what a reply says about a's EDNS. A server that has spoken it is
// never held not to, and others get a new chance from time to time: a forged
// FORMERR must not take DNSSEC away (CVE-2026-52690).
func (h *health) spoke(a netip.AddrPort, r *transport.Reply, plain bool, now time.Time) {
	if s := h.get(a, now); r.EDNS && s.edns && s.plain.IsZero() {
		return // nothing new, as a rule
	}
	h.change(a, now, func(s *server) {
		switch {
		case r.EDNS:
			s.edns, s.plain = true, time.Time{}
		case plain && !s.edns && !chokes(r) && !now.Before(s.plain):
			s.plain = now.Add(plainLife)
		}
	})
}

// habit is what to expect of a. Its timeout is that of RFC 6298 2.3; for a server
// that was never heard it is Options.Timeout.
func (h *health) habit(a netip.AddrPort, now time.Time) habit {
	s := h.get(a, now)
	expected := habit{timeout: h.timeout, silent: s.silent, edns: s.edns, plain: now.Before(s.plain)}
	if s.rtt > 0 {
		expected.timeout = max(minTimeout, s.rtt+4*s.deviation)
	}
	return expected
}

// choose is the server to ask, or nil when all are to be left alone. It takes one
// of the fastest as a rule, so that load and guessing spread, and any other now
// and then, so that those which have become faster are found out.
func (h *health) choose(from []*candidate, zone lookup.Name, now time.Time) *candidate {
	h.mu.Lock()
	defer h.mu.Unlock()
	usable, best := make([]*candidate, 0, maxServers), time.Duration(math.MaxInt64)
	scores := make([]time.Duration, 0, maxServers)
	for _, c := range from {
		s := h.get(c.server, now)
		if h.unrouted(c, s, now) || s.silent >= maxSilent && now.Before(s.retry) {
			continue
		}
		score := h.score(s, lameness{c.server, zone}, now)
		usable, scores, best = append(usable, c), append(scores, score), min(best, score)
	}
	limit := best + sameRTT
	if best < lamePenalty && h.intN(explore) == 0 {
		limit = lamePenalty - 1 // whom we know to be lame we do not explore
	}
	chosen, fitting := (*candidate)(nil), 0
	for i, c := range usable {
		if scores[i] <= limit {
			if fitting++; h.intN(fitting) == 0 {
				chosen = c
				c.lame = scores[i] >= lamePenalty
			}
		}
	}
	if chosen != nil {
		h.claim(chosen.server, now)
	}
	return chosen
}

// score is how long s may be expected to take.
func (h *health) score(s server, l lameness, now time.Time) time.Duration {
	score := s.rtt
	switch {
	case score > 0:
	case s.silent > 0:
		score = h.timeout / 2 // it has not been heard within that
	default:
		score = guessedRTT
	}
	score <<= min(s.silent, maxSilent)
	if _, _, lame := h.lames.Get(l, netip.Prefix{}, now); lame {
		score += lamePenalty
	}
	return score
}

// claim takes the right to probe a, if it has been left alone, and leaves it alone
// for twice as long, and for as long as a probe may take, unless the probe finds it
// well.
func (h *health) claim(a netip.AddrPort, now time.Time) {
	s := h.get(a, now)
	if s.silent < maxSilent {
		return
	}
	s.silent++
	s.retry = now.Add(max(slowest*h.timeout, min(firstBackoff<<min(s.silent-maxSilent, 10), lastBackoff)))
	h.servers.Put(a, netip.Prefix{}, s, now.Add(knownLife))
}
