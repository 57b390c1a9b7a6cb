package attack

import (
	"context"
	"fmt"
	"net/netip"
	"sync"

	"github.com/sextant-dns/sextant/ecs"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
	"github.com/sextant-dns/sextant/transport"
)

// Rebirthday is clients of many networks that ask for one name at the same moment,
// through a resolver that tells servers their networks. One of them is the
// attacker, whose forged reply to its own query comes first and says that it is for
// everyone: so as if one of all the guesses that it could make in that moment had
// been right.
//
// Birthday attacks by way of EDNS Client Subnet: RFC 7871 11.2; CVE-2025-5994,
// CVE-2025-40776, CVE-2025-30192.
type Rebirthday struct {
	Networks int  // that ask at once
	Tailors  bool // the zone gives each network another answer, and is known for that
	Option   bool // the forged reply has an option with SCOPE 0, or else none
	NoTCP    bool // the zone's server does not do TCP
}

// Rebirth is what has come of it.
type Rebirth struct {
	Outstanding int // queries for the name on their way at once: the chances of a forged reply
	Repeats     int // of them, with one and the same network
	Messages    int // to the zone's server, both times that the clients asked
	Answered    int // clients, the first time
	Deceived    int // clients other than the attacker that heard what was forged
}

// attacker is the network of whom forges.
func attacker() netip.Prefix { return netip.MustParsePrefix("9.66.6.0/24") }

const forgedTTL = day

// Play plays it. It has to be called in a bubble of testing/synctest.
func (b Rebirthday) Play(o resolver.Options) (Rebirth, error) {
	var outcome Rebirth
	n := NewInternet()
	seen := &sightings{underway: map[netip.Prefix]int{}}
	n.Zone("cdn.com.", b.server(seen))
	o.Exchanger, o.Hints, o.NoPriming = &watched{n, seen}, n.Hints(), true
	o.NoIPv6 = true
	policy, err := ecs.NewPolicy(ecs.Options{Send: ecs.SendAddress})
	if err != nil {
		return outcome, err
	}
	r := resolver.New(o).With(policy)
	hear := func(name string, i int) (*lookup.Response, error) {
		client := netip.AddrFrom4([4]byte{9, byte(i >> 8), byte(i), 1})
		if i == 0 {
			client = attacker().Addr().Next()
		}
		return r.Resolve(context.Background(), lookup.Query{Question: asA("%s", name), RD: true, Client: client})
	}
	if _, err := hear("first.cdn.com.", 1); err != nil { // what there is to know of the zone is known now
		return outcome, err
	}
	n.Settle()
	seen.begin()

	var mu sync.Mutex
	var clients sync.WaitGroup
	for i := range b.Networks {
		clients.Go(func() {
			response, err := hear("www.cdn.com.", i)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				outcome.Answered++
			}
			if i > 0 && isForged(response) {
				outcome.Deceived++
			}
		})
	}
	clients.Wait()
	n.Settle()
	for i := 1; i < b.Networks; i++ { // and later on
		if response, _ := hear("www.cdn.com.", i); isForged(response) {
			outcome.Deceived++
		}
	}
	outcome.Outstanding, outcome.Repeats, outcome.Messages = seen.most, seen.repeats, seen.all
	return outcome, nil
}

func isForged(r *lookup.Response) bool {
	return r != nil && len(r.Answer) > 0 && r.Answer[0].Data == A("x.", 0, attacker().Addr()).Data
}

// server is that of the zone, in front of which the attacker sits.
func (b Rebirthday) server(seen *sightings) Server {
	return func(m Message) Act {
		owner := m.Question.Name.String()
		if m.Subnet == attacker() && !m.TCP && m.Question.Name.Label() == "www" {
			act := Say(A(owner, forgedTTL, attacker().Addr()))
			if b.Option {
				act.Reply.Subnet, act.Reply.Scope = true, netip.PrefixFrom(m.Subnet.Addr(), 0)
			}
			return act.In(RTT / 2)
		}
		if m.TCP && b.NoTCP {
			return Silence()
		}
		act := Say(A(owner, 60, addr4(1)))
		if b.Tailors && m.Subnet.IsValid() {
			act = Say(A(owner, 60, m.Subnet.Addr().Next()))
			act.Reply.Subnet, act.Reply.Scope = true, m.Subnet
		}
		return act
	}
}

// sightings counts what is on its way to the zone's server about the name.
type sightings struct {
	mu                 sync.Mutex
	on                 bool
	underway           map[netip.Prefix]int
	most, repeats, all int
}

func (s *sightings) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.on = true
}

func (s *sightings) pass(r transport.Request, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.on || r.TCP || r.Question.Name != lookup.MustName("www.cdn.com.") { // a forged reply over TCP does not come through
		return
	}
	s.underway[r.Subnet] += n
	total := 0
	for _, here := range s.underway {
		total += here
	}
	s.most, s.repeats = max(s.most, total), max(s.repeats, s.underway[r.Subnet])
	if n > 0 {
		s.all++
	}
}

// watched is an Internet that somebody looks at.
type watched struct {
	*Internet
	seen *sightings
}

// Exchange implements resolver.Exchanger.
func (w *watched) Exchange(ctx context.Context, r transport.Request) (*transport.Reply, error) {
	w.seen.pass(r, 1)
	defer w.seen.pass(r, -1)
	return w.Internet.Exchange(ctx, r)
}

// String is the attack as a table prints it.
func (b Rebirthday) String() string {
	return fmt.Sprintf("rebirthday(%d), tailors %v, option %v, no TCP %v", b.Networks, b.Tailors, b.Option, b.NoTCP)
}
