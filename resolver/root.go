package resolver

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

// Server is a name server and its addresses.
type Server struct {
	Name  lookup.Name
	Addrs []netip.Addr
}

// Times of priming.
const (
	primePatience = 2 * time.Second  // how long a client's query is held up for it
	primeAgain    = 30 * time.Second // after it has failed
)

// rootCut is who serves the root: what priming has found out or, when that fails,
// the hints (RFC 9609 3).
func (r *Resolver) rootCut(ctx context.Context, t task) *cut {
	now := r.options.Now()
	if c := r.root.Load(); c != nil && (r.options.NoPriming || c.expires.After(now)) {
		return c
	}
	hints := &cut{zone: lookup.Root, servers: r.options.Hints, expires: now.Add(primeAgain)}
	if r.options.NoPriming {
		r.root.CompareAndSwap(nil, hints)
		return hints
	}
	ctx, cancel := context.WithTimeout(ctx, primePatience)
	defer cancel()
	c, err := r.prime(ctx, t, hints)
	if err != nil {
		// Others shall not be held up, too; Run and those who come later try again.
		r.root.Store(hints)
		return hints
	}
	return c
}

// prime asks a server among the hints for the NS of the root (RFC 9609 3). Those
// who come while another one primes wait for it.
func (r *Resolver) prime(ctx context.Context, t task, hints *cut) (*cut, error) {
	q := hopQuestion(lookup.Root, lookup.TypeNS)
	key := flightKey{question: q, depth: primeDepth}
	t.trace = t.trace.Begin(lookup.Event{Kind: lookup.EventPrime, Name: q.Name, Type: q.Type})
	_, led, err := r.flights.join(ctx, key, t.limit, func(ctx context.Context) (*hop, error) {
		t := t.within(q)
		t.depth = maxDepth // no looking for addresses: that would need the root
		t.proof = nil      // nor for keys
		v, answered, err := r.consult(ctx, t, hints, q, classify)
		if !answered && err == nil {
			v, err = r.ask(ctx, t, hints, q, false)
		}
		if err != nil {
			return nil, err
		}
		if v.cut == nil {
			return nil, lookup.Fail(lookup.EDENoReachableAuth, "no NS of the root in the priming response")
		}
		now := r.options.Now()
		r.root.Store(r.primed(v.cut, now))
		return r.learn(t, hints, q, v, now), nil
	})
	t.tellFlight(q, led)
	if err != nil {
		return nil, err
	}
	return r.root.Load(), nil
}

// primeDepth makes the flights of priming their own: deeper than all that may
// wait for them.
const primeDepth = maxDepth + 1

// primed is c, for as long as it may live, with the addresses of the hints for
// names that came without (RFC 9609 4.2: the response may have lost some).
func (r *Resolver) primed(c *cut, now time.Time) *cut {
	for i, s := range c.servers {
		for _, hint := range r.options.Hints {
			if len(s.Addrs) == 0 && hint.Name == s.Name {
				c.servers[i].Addrs = hint.Addrs
			}
		}
	}
	c.expires = now.Add(time.Duration(max(1, min(c.ttl, r.options.MaxTTL))) * time.Second)
	return c
}

// Run keeps the root servers fresh until ctx ends, and then returns nil. The
// Resolver works without it, too: then some query has to wait for the priming.
func (r *Resolver) Run(ctx context.Context) error {
	if r.options.NoPriming {
		<-ctx.Done()
		return nil
	}
	for {
		wait := time.NewTimer(r.refreshRoot(ctx))
		select {
		case <-ctx.Done():
			wait.Stop()
			return nil
		case <-wait.C:
		}
	}
}

// refreshRoot primes and tells when to do so again: a little before what was
// learned expires.
func (r *Resolver) refreshRoot(ctx context.Context) time.Duration {
	hints := &cut{zone: lookup.Root, servers: r.options.Hints}
	c, err := r.prime(ctx, task{budget: lookup.NewBudget(r.options.Limits), epoch: r.epoch.Load()}.begun(r.options.Deadline), hints)
	if err != nil {
		return primeAgain
	}
	return max(primeAgain, c.expires.Sub(r.options.Now())*9/10)
}

// ParseHints reads root hints in the form of a master file: the NS of the root and
// the A and AAAA of its name servers. A name server without an address is an
// error, and so are hints without any name server.
func ParseHints(rd io.Reader) ([]Server, error) {
	text, err := io.ReadAll(rd)
	if err != nil {
		return nil, err
	}
	sets, err := lookup.ParseRRsets(string(text))
	if err != nil {
		return nil, err
	}
	ns, ok := lookup.Find(sets, lookup.Root, lookup.TypeNS)
	if !ok {
		return nil, fmt.Errorf("root hints: no NS of the root")
	}
	var servers []Server
	for rdata := range ns.Data.All() {
		name, _, err := lookup.NameFromWire(rdata)
		if err != nil {
			return nil, fmt.Errorf("root hints: %w", err)
		}
		s := Server{Name: name}
		for _, t := range [...]lookup.Type{lookup.TypeA, lookup.TypeAAAA} {
			set, _ := lookup.Find(sets, name, t)
			s.Addrs = addresses(s.Addrs, set)
		}
		if len(s.Addrs) == 0 {
			return nil, fmt.Errorf("root hints: no address of %s", name)
		}
		servers = append(servers, s)
	}
	return servers, nil
}

// BuiltinHints are the root servers as of 2024 (https://www.iana.org/domains/root/servers).
func BuiltinHints() []Server {
	list := [...][2]string{
		{"198.41.0.4", "2001:503:ba3e::2:30"},
		{"170.247.170.2", "2801:1b8:10::b"},
		{"192.33.4.12", "2001:500:2::c"},
		{"199.7.91.13", "2001:500:2d::d"},
		{"192.203.230.10", "2001:500:a8::e"},
		{"192.5.5.241", "2001:500:2f::f"},
		{"192.112.36.4", "2001:500:12::d0d"},
		{"198.97.190.53", "2001:500:1::53"},
		{"192.36.148.17", "2001:7fe::53"},
		{"192.58.128.30", "2001:503:c27::2:30"},
		{"193.0.14.129", "2001:7fd::1"},
		{"199.7.83.42", "2001:500:9f::42"},
		{"202.12.27.33", "2001:dc3::35"},
	}
	servers := make([]Server, len(list))
	for i, addrs := range list {
		servers[i] = Server{
			Name:  lookup.MustName(string(rune('a'+i)) + ".root-servers.net."),
			Addrs: []netip.Addr{netip.MustParseAddr(addrs[0]), netip.MustParseAddr(addrs[1])},
		}
	}
	return servers
}
