package lifeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sextant-dns/sextant/ecs"
	"github.com/sextant-dns/sextant/lookup"
)

// Rung is the path that an answer came by.
type Rung uint8

// The rungs of the ladder that a Guard climbs.
const (
	ByParent Rung = iota // as the parent delegates
	ByKnown              // by the delegation that was known
	rungs
)

// String is the rung in a word.
func (r Rung) String() string { return [...]string{"parent", "known"}[min(r, ByKnown)] }

// The times of the ladder.
const (
	hedge      = 400 * time.Millisecond  // before the other path is tried, too
	staleAfter = 1800 * time.Millisecond // after which an old answer is given rather than none (RFC 8767 5)
	avoidance  = 5 * time.Second         // for which all queries but one spare a parent that was of no help
	lateness   = 2                       // times in a row that the parent is late before that makes a suspect of the zone
	denialKept = 5                       // seconds that a parent's denial of a protected zone is kept
)

// errAstray is in the place of answers that may be somebody else's.
var errAstray = lookup.Fail(lookup.EDEOther, "%s", LedAstray)

// codeTold is the private INFO-CODE (RFC 8914 5.2) under which clients are told why an
// answer has not come by the parent's delegation.
const codeTold = 49152

// Guard is next for names in protected zones: what it says is taken as long as nothing
// is wrong with it. A denial by the parent, or no answer for too long, makes a suspect of
// the zone, and the same query is answered by the delegation that is known. Aliases that
// lead out of a zone go on by the Guard itself. view makes of a zone's path, which is
// what Options.Path has made, that of the clients in question; nil: it is for all.
func (k *Keeper) Guard(next lookup.Resolver, view func(path lookup.Resolver) lookup.Resolver) lookup.Resolver {
	return k.GuardUntil(next, view, nil)
}

// GuardUntil is Guard, but for aliases out of a zone that lead to a name which is the
// caller's to find: the response ends with them. next and view see to it for all others.
func (k *Keeper) GuardUntil(next lookup.Resolver, view func(path lookup.Resolver) lookup.Resolver, leave func(target lookup.Name) bool) lookup.Resolver {
	if view == nil {
		view = func(path lookup.Resolver) lookup.Resolver { return path }
	}
	if leave == nil {
		leave = func(lookup.Name) bool { return false }
	}
	return guard{k, next, view, leave}
}

type guard struct {
	keeper *Keeper
	next   lookup.Resolver
	view   func(lookup.Resolver) lookup.Resolver
	leave  func(lookup.Name) bool
}

// Resolve answers by the path that the zone's state wants, and by the other where that
// one fails.
func (g guard) Resolve(ctx context.Context, q lookup.Query) (*lookup.Response, error) {
	z := g.keeper.closest(q.Name)
	// The DS of a zone is its parent's (RFC 4035 3.1.4.1), and who does not want
	// recursion wants what is in memory.
	if z == nil || !q.RD || q.Class != lookup.ClassIN || q.Type == lookup.TypeDS && q.Name == z.zone {
		return g.next.Resolve(ctx, q)
	}
	stand, known := g.keeper.stand(z)
	if known == nil {
		return g.next.Resolve(ctx, q)
	}
	if q.Budget == nil { // one ledger for both paths: a query in trouble sends no more than another
		q.Budget = lookup.NewBudget(lookup.Limits{})
	}
	c := climb{guard: g, zone: z, query: q, first: path{g.next, ByParent}, second: path{g.escaping(z.zone, g.view(known)), ByKnown}}
	if stand == Held || z.isAstray() || g.keeper.avoids(z) {
		c.first, c.second = c.second, c.first
	}
	return c.run(ctx)
}

type path struct {
	lookup.Resolver
	rung Rung
}

// climb is one query on its way up the ladder.
type climb struct {
	guard
	zone          *keeping
	query         lookup.Query
	first, second path
}

type outcome struct {
	path
	response *lookup.Response
	err      error
	why      Suspicion
	bad      bool
}

// old tells whether it is an answer that has expired.
func (o outcome) old() bool { return o.response != nil && isStale(o.response) }

// run tries first, and second when first fails or takes long. An answer that nothing is
// wrong with wins; where there is none, what is left: an old answer, and otherwise what
// first said.
func (c climb) run(ctx context.Context) (*lookup.Response, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan outcome, 2) // both can leave what they have and go
	start := func(p path) {
		q := c.query
		if p.rung == ByKnown { // which a parent that is bogus must not leave without a check
			q.Budget = q.Budget.Aside()
		}
		go func() {
			r, err := p.Resolve(ctx, q)
			why, bad := suspicion(c.zone.zone, c.query, r, err)
			if p.rung == ByParent && err == nil && c.zone.isAstray() {
				why, bad = LedAstray, true
				if isStale(r) {
					r, err = nil, errAstray
				}
			}
			ended <- outcome{p, r, err, why, bad}
		}()
	}
	start(c.first)
	timer := time.NewTimer(hedge)
	defer timer.Stop()
	patience := time.NewTimer(staleAfter)
	defer patience.Stop()
	alarm := c.zone.alarmed()
	var failed []outcome
	late := false
	for running, both := 1, false; running > 0 && !(late && slices.ContainsFunc(failed, outcome.old)); {
		select {
		case <-patience.C:
			late = true
		case <-timer.C:
		case <-alarm: // another query has shown that the parent is of no help
			alarm = nil
		case o := <-ended:
			running--
			if !o.bad {
				return c.won(o, failed), nil
			}
			if o.why != "" {
				c.tell(o.rung, string(o.why))
			}
			failed = append(failed, o)
		}
		if !both && ctx.Err() == nil {
			both = true
			running++
			start(c.second)
		}
	}
	return c.lost(failed)
}

// won is the response of the path that nothing is wrong with. When it is the known one,
// and the other has failed or is late, the parent may be to blame.
func (c climb) won(o outcome, failed []outcome) *lookup.Response {
	c.zone.count(o.rung)
	if o.rung == ByParent {
		c.keeper.avoid(c.zone, 0)
		return o.response
	}
	switch {
	case len(failed) > 0 && failed[0].why == LedAstray: // which is known already
	case len(failed) > 0:
		c.keeper.suspect(c.zone, failed[0].why)
		c.keeper.avoid(c.zone, avoidance)
	case c.first.rung == ByParent && c.keeper.avoid(c.zone, avoidance) >= lateness:
		c.keeper.suspect(c.zone, Unanswered)
	}
	c.tell(ByKnown, "answers")
	if !c.keeper.o.Tell {
		return o.response
	}
	told := *o.response
	told.EDE = append(slices.Clone(told.EDE), lookup.EDE{Code: codeTold, Text: c.zone.text()})
	return &told
}

// lost is what there is to say when something is wrong with all that was heard. A denial
// by the parent alone is evidence then: whatever else failed may be the zone's own doing.
// Servers that are not known are heard when a majority of the parent has stood by them for
// as long as a change has to last, and no others answer.
func (c climb) lost(failed []outcome) (*lookup.Response, error) {
	var best outcome
	for _, o := range failed {
		if o.why == LedAstray {
			if o.err == nil && c.zone.isSettled() {
				c.zone.count(ByParent)
				return o.response, nil
			}
			o.response, o.err = nil, errAstray
		}
		if o.rung == ByParent && o.why == DeniedByParent {
			c.keeper.suspect(c.zone, o.why)
		}
		if best.Resolver == nil || o.old() && !best.old() {
			best = o
		}
	}
	if best.response == nil || isStale(best.response) {
		return best.response, best.err
	}
	brief := *best.response // a denial, which may not be true for long
	brief.Keep = lookup.LeastKeep(brief.Keep, denialKept)
	return &brief, nil
}

func (c climb) tell(r Rung, why string) {
	text := "lifeline: by the parent's delegation: " + why
	if r == ByKnown {
		text = "lifeline: by the delegation that was known: " + why
	}
	c.query.Trace.Add(lookup.Event{Kind: lookup.EventFilter, Name: c.query.Name, Type: c.query.Type, Text: text})
}

// suspicion is what is wrong with an outcome, as far as the parent may be to blame:
// there is none, it is an old one, it does not validate, or a zone above denies.
func suspicion(zone lookup.Name, q lookup.Query, r *lookup.Response, err error) (why Suspicion, bad bool) {
	if err != nil {
		if errors.Is(err, context.Canceled) {
			return "", true
		}
		if code := lookup.EDEOf(err).Code; code >= lookup.EDEBogus && code <= lookup.EDENSECMissing {
			return Unproven, true
		}
		return Unanswered, true
	}
	if r.Rcode == lookup.SERVFAIL || isStale(r) {
		return Unanswered, true
	}
	_, end := r.Chase(q.Name)
	soa, denied := r.Denial()
	switch {
	case !end.IsSubdomainOf(zone): // another zone's business
	case denied && soa.Name != zone && zone.IsSubdomainOf(soa.Name), !denied && r.Rcode == lookup.NXDOMAIN:
		return DeniedByParent, true
	}
	return "", false
}

// isStale tells whether a response had expired (RFC 8767).
func isStale(r *lookup.Response) bool {
	return slices.ContainsFunc(r.EDE, func(e lookup.EDE) bool {
		return e.Code == lookup.EDEStaleAnswer || e.Code == lookup.EDEStaleNXDOMAIN
	})
}

// avoid has queries take the known path first for so long; 0: not any more. It tells how
// often in a row that was so.
func (k *Keeper) avoid(z *keeping, lasts time.Duration) (times int) {
	z.mu.Lock()
	defer z.mu.Unlock()
	if lasts == 0 {
		z.avoided, z.times = time.Time{}, 0
		return 0
	}
	if z.times == 0 || z.tried { // those of one moment are one
		z.times, z.tried = z.times+1, false
	}
	z.avoided = k.o.Now().Add(lasts)
	close(z.alarm)
	z.alarm = make(chan struct{})
	return z.times
}

// alarmed is closed when queries begin to spare the parent.
func (z *keeping) alarmed() <-chan struct{} {
	z.mu.Lock()
	defer z.mu.Unlock()
	return z.alarm
}

// avoids tells whether a query is to spare the parent, which was of no help lately. Once
// that was some seconds ago a single one tries.
func (k *Keeper) avoids(z *keeping) bool {
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.avoided.IsZero() {
		return false
	}
	now := k.o.Now()
	if now.Before(z.avoided) {
		return true
	}
	z.avoided, z.tried = now.Add(avoidance), true
	return false
}

func (z *keeping) count(r Rung) {
	z.mu.Lock()
	z.answers[r]++
	z.mu.Unlock()
}

// text is why answers come by the known delegation, for clients.
func (z *keeping) text() string {
	z.mu.Lock()
	defer z.mu.Unlock()
	said := z.m.Last.String()
	if said == "" {
		said = "nobody asked yet"
	}
	return fmt.Sprintf("lifeline %s %s; delegation confirmed %s", z.zone, said, z.m.Snapshot.Confirmed.UTC().Format("2006-01-02T15:04Z"))
}

// escaping is a zone's path, which ends where an alias leads out of the zone: there the
// Guard goes on, and what both have found is joined.
func (g guard) escaping(zone lookup.Name, known lookup.Resolver) lookup.Resolver {
	return lookup.Func(func(ctx context.Context, q lookup.Query) (*lookup.Response, error) {
		r, err := known.Resolve(ctx, q)
		if err != nil || q.Type == lookup.TypeCNAME || q.Type == lookup.TypeANY {
			return r, err
		}
		chain, end := r.Chase(q.Name)
		if len(chain) == 0 || end.IsSubdomainOf(zone) || g.leave(end) {
			return r, nil
		}
		if !q.Budget.Alias() {
			return nil, lookup.Fail(lookup.EDEOther, "too many aliases, the last to %s", end)
		}
		on := q
		on.Name = end
		rest, err := g.Resolve(ctx, on)
		if err != nil {
			return nil, err
		}
		return join(r, rest), nil
	})
}

// join is the way that an alias has led, and what is at its end.
func join(way, end *lookup.Response) *lookup.Response {
	whole := *end
	whole.AA = false
	whole.Answer = slices.Concat(way.Answer, end.Answer)
	whole.Authority = slices.Concat(way.Authority, end.Authority)
	whole.EDE = slices.Concat(way.EDE, end.EDE)
	whole.Security = min(way.Security, end.Security) // RFC 4035 3.2.3: all of it, or it is not authentic
	whole.Uncacheable = way.Uncacheable || end.Uncacheable
	whole.Keep = lookup.LeastKeep(way.Keep, end.Keep)
	scope := ecs.Narrowest(ecs.Scope{Network: way.Scope, Wanted: way.Wanted}, ecs.Scope{Network: end.Scope, Wanted: end.Wanted})
	whole.Scope, whole.Wanted = scope.Network, scope.Wanted // RFC 7871 7.2.1: the longest of those on the way
	return &whole
}
