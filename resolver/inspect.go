package resolver

import (
	"iter"
	"net/netip"
	"slices"
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

// What a Resolver shows of its memory to those who operate it. All of it is a copy
// or immutable, and no lock is held while somebody looks.

// Answer is an answer, an alias or a denial in memory.
type Answer struct {
	Name     lookup.Name
	Type     lookup.Type      // lookup.TypeNone: the name does not exist, whatever the type
	Scope    netip.Prefix     // whom it is for; the zero Prefix: everyone
	Response *lookup.Response // with the TTLs that were learned
	Learned  time.Time
	Expires  time.Time // may have passed
}

// Delegation is what a Resolver knows of who serves a zone.
type Delegation struct {
	Zone    lookup.Name
	Servers []Server      // those without Addrs have to be looked up
	Own     []lookup.Name // name servers that only the zone itself names: a last resort
	Expires time.Time     // zero: never

	// Configured: Zone is configured, with its servers at Endpoints, which are
	// resolvers if Forward is set.
	Configured, Forward bool
	Endpoints           []netip.AddrPort
	Local               bool // there is a copy of the zone, which is asked first
}

// FailedQuestion is a question that has failed lately and is left alone.
type FailedQuestion struct {
	Question lookup.Question // of lookup.TypeNone: no server of that zone could be found
	Step     bool            // it counts as a step on the way to longer names only
	Err      error
	Expires  time.Time
}

// Endpoint is what is known of one address of a name server.
type Endpoint struct {
	Name   lookup.Name // of the name server; "" when the address is configured
	Addr   netip.AddrPort
	Known  bool          // it was asked before; false: the rest says nothing
	RTT    time.Duration // smoothed; 0: it has never replied
	Silent int           // attempts without a reply since the last one
	Retry  time.Time     // it is left alone until then; zero: it is not
	EDNS   bool          // it has spoken EDNS
	Plain  bool          // it is asked without EDNS
	Lame   bool          // it was lame for the zone lately
	Barred bool          // it may not be asked, see Options.DoNotQuery
}

// Known is all that is known at one name and decides what happens when somebody
// asks for it.
type Known struct {
	Answers    []Answer // at the very name
	Above      []Answer // at names above, what decides for names below: a DNAME, or that there is nothing
	Delegation Delegation
	Endpoints  []Endpoint
	Failures   []FailedQuestion
}

// Answers yields all answers in memory, expired ones, too, in no useful order.
func (r *Resolver) Answers() iter.Seq[Answer] {
	return func(yield func(Answer) bool) {
		for e := range r.answers.cache.All() {
			if !yield(shown(e.Key, e.Scope, e.Value.unpack(e.Expires, time.Time{}), e.Expires)) {
				return
			}
		}
	}
}

func shown(q lookup.Question, scope netip.Prefix, h *hop, expires time.Time) Answer {
	return Answer{Name: q.Name, Type: q.Type, Scope: scope, Response: h.response, Learned: h.learned(), Expires: expires}
}

// Delegations yields all that are in memory, expired ones, too, the root's first.
func (r *Resolver) Delegations() iter.Seq[Delegation] {
	return func(yield func(Delegation) bool) {
		if c := r.root.Load(); c != nil && !yield(c.shown()) {
			return
		}
		for e := range r.cuts.cache.All() {
			if !yield(e.Value.shown()) {
				return
			}
		}
	}
}

func (c *cut) shown() Delegation {
	d := Delegation{Zone: c.zone, Servers: c.servers, Own: c.own, Expires: c.expires}
	if c.pinned {
		d.Configured, d.Forward, d.Endpoints, d.Expires = true, c.via.Forward, c.via.Servers, time.Time{}
	}
	return d
}

// FailedQuestions yields what is left alone now because it has failed.
func (r *Resolver) FailedQuestions() iter.Seq[FailedQuestion] {
	return func(yield func(FailedQuestion) bool) {
		now := r.options.Now()
		for e := range r.failures.cache.All() {
			f := FailedQuestion{Question: e.Key, Step: e.Key.Class == 0, Err: e.Value.cause, Expires: e.Expires}
			f.Question.CD = false // see endless
			if e.Expires.After(now) && !yield(f) {
				return
			}
		}
	}
}

// Known tells what is known at name. Nothing is asked for.
func (r *Resolver) Known(name lookup.Name) Known {
	now := r.options.Now()
	q := hopQuestion(name, lookup.TypeA)
	k := Known{Above: r.above(name, now)}
	for a := range r.Answers() {
		if a.Name == name {
			k.Answers = append(k.Answers, a)
		}
	}
	slices.SortFunc(k.Answers, func(a, b Answer) int { return int(a.Type) - int(b.Type) })

	c := r.known(task{}, q, now)
	if z := r.zoneOf(task{}, q); c == nil && z != nil {
		c = pinned(z)
	}
	if c == nil {
		c = r.root.Load()
	}
	if c == nil {
		c = &cut{zone: lookup.Root, servers: r.options.Hints}
	}
	k.Delegation, k.Endpoints = c.shown(), r.endpoints(c, now)
	if apex, _ := r.pins.find(name); r.locals.of(apex) != nil && apex.IsSubdomainOf(c.zone) && !c.forwards() {
		if apex != c.zone {
			k.Delegation, k.Endpoints = Delegation{Zone: apex}, nil
		}
		k.Delegation.Local = true
	}
	for f := range r.FailedQuestions() {
		if f.Question.Name == name || f.Question.Type == nonexistent && f.Question.Name == c.zone {
			k.Failures = append(k.Failures, f)
		}
	}
	return k
}

// above is what names above decide for name.
func (r *Resolver) above(name lookup.Name, now time.Time) (found []Answer) {
	apex, _ := r.pins.find(name)
	for above, ok := name.Parent(); ok && above.IsSubdomainOf(apex); above, ok = above.Parent() {
		for _, t := range [...]lookup.Type{lookup.TypeDNAME, nonexistent} {
			p, scope, expires, ok := r.answers.cache.GetStale(hopQuestion(above, t), r.itself(), now)
			if !ok || !expires.After(now) {
				continue
			}
			h := p.unpack(expires, time.Time{})
			decides := (t == lookup.TypeDNAME && len(h.response.Answer) > 0 || t == nonexistent && r.answers.nxdomainCut)
			if decides {
				found = append(found, shown(hopQuestion(above, t), scope, h, expires))
			}
		}
	}
	return found
}

// endpoints are the known addresses of the servers of c.
func (r *Resolver) endpoints(c *cut, now time.Time) (all []Endpoint) {
	p := &poll{r: r, cut: c}
	add := func(name lookup.Name, a netip.AddrPort) {
		e := r.health.endpoint(a, c.zone, now)
		e.Name, e.Barred = name, p.forbids(a.Addr())
		all = append(all, e)
	}
	if c.pinned {
		for _, a := range c.via.Servers {
			add("", a)
		}
	}
	for _, s := range c.servers {
		addrs := s.Addrs
		for _, t := range [...]lookup.Type{lookup.TypeA, lookup.TypeAAAA} {
			if h, ok := r.answers.get(s.Name, t, r.itself(), now); ok && len(s.Addrs) == 0 && h.next == "" {
				addrs = append(addrs, addressesIn(h.response)...)
			}
		}
		for _, a := range addrs {
			add(s.Name, netip.AddrPortFrom(a, r.options.Port))
		}
	}
	return all
}

// endpoint is what is known of a, as a server of zone.
func (h *health) endpoint(a netip.AddrPort, zone lookup.Name, now time.Time) Endpoint {
	h.mu.Lock()
	defer h.mu.Unlock()
	s, _, known := h.servers.Get(a, netip.Prefix{}, now)
	_, _, lame := h.lames.Get(lameness{a, zone}, netip.Prefix{}, now)
	e := Endpoint{Addr: a, Known: known, RTT: s.rtt, Silent: s.silent, EDNS: s.edns, Plain: now.Before(s.plain), Lame: lame}
	if s.silent >= maxSilent && now.Before(s.retry) {
		e.Retry = s.retry
	}
	return e
}
