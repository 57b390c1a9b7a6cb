package lifeline

import (
	"context"
	"errors"
	"time"

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

// The times of the ladder.
const (
	hedge        = 400 * time.Millisecond // before the other path is tried, too
	denialKept   = 5                      // seconds that a parent's denial of a protected zone is kept
	stillPatient = 1800 * time.Millisecond
)

// Guard is next for names in protected zones: what it says is taken as long as nothing
// is wrong with it. A denial by the parent, or no answer at all, makes a suspect of the
// zone, and the same query is answered by the delegation that is known.
func (k *Keeper) Guard(next lookup.Resolver) lookup.Resolver { return guard{k, next} }

type guard struct {
	keeper *Keeper
	next   lookup.Resolver
}

// Resolve answers by the path that the zone's state wants, and by the other where that
// one fails.
func (g guard) Resolve(ctx context.Context, q lookup.Query) (*lookup.Response, error) {
	z := g.keeper.closest(q.Name)
	if z == nil {
		return g.next.Resolve(ctx, q)
	}
	stand, known := g.keeper.stand(z)
	if known == nil {
		return g.next.Resolve(ctx, q)
	}
	byParent, byKnown := path{g.next, ByParent}, path{known, ByKnown}
	switch stand {
	case Held:
		return g.climb(ctx, z, q, byKnown, byParent)
	case Race:
		return g.climb(ctx, z, q, byParent, byKnown)
	}
	r, err := g.next.Resolve(ctx, q)
	why, bad := suspicion(z.zone, r, err)
	if !bad || ctx.Err() != nil {
		z.count(ByParent, err)
		return r, err
	}
	g.keeper.suspect(z, why)
	tell(q, ByParent, string(why))
	saved, savedErr := known.Resolve(ctx, q)
	if _, worse := suspicion(z.zone, saved, savedErr); worse {
		return brief(r), err
	}
	z.count(ByKnown, nil)
	return saved, nil
}

type path struct {
	lookup.Resolver
	rung Rung
}

type outcome struct {
	path
	response *lookup.Response
	err      error
	why      Suspicion
	bad      bool
}

// climb tries first, and second when first fails or takes long. An answer that nothing
// is wrong with wins; where there is none, first's.
func (g guard) climb(ctx context.Context, z *keeping, q lookup.Query, first, second path) (*lookup.Response, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan outcome, 2)
	start := func(p path) {
		own := q
		if q.Budget != nil {
			own.Budget = q.Budget // one ledger for both: a query in trouble costs no more than another
		}
		go func() {
			r, err := p.Resolve(ctx, own)
			why, bad := suspicion(z.zone, r, err)
			ended <- outcome{p, r, err, why, bad}
		}()
	}
	start(first)
	timer := time.NewTimer(hedge)
	defer timer.Stop()
	var failed []outcome
	for running, both := 1, false; running > 0; {
		select {
		case <-timer.C:
		case o := <-ended:
			running--
			if !o.bad {
				z.count(o.rung, nil)
				return o.response, nil
			}
			if o.rung == ByParent {
				g.keeper.suspect(z, o.why)
			}
			tell(q, o.rung, string(o.why))
			failed = append(failed, o)
		}
		if !both {
			both = true
			running++
			start(second)
		}
	}
	for _, o := range failed {
		if o.rung == first.rung {
			return brief(o.response), o.err
		}
	}
	return nil, ctx.Err()
}

// suspicion is what is wrong with an outcome, as far as the parent may be to blame:
// there is none, it does not validate, or a zone above denies.
func suspicion(zone lookup.Name, r *lookup.Response, err error) (why Suspicion, bad bool) {
	if err != nil {
		if errors.Is(err, context.Canceled) {
			return "", false
		}
		if code := lookup.EDEOf(err).Code; code >= lookup.EDEBogus && code <= lookup.EDENSECMissing {
			return Unproven, true
		}
		return Unanswered, true
	}
	if r.Rcode == lookup.SERVFAIL {
		return Unanswered, true
	}
	if soa, denied := r.Denial(); denied && len(r.Answer) == 0 && soa.Name != zone && zone.IsSubdomainOf(soa.Name) {
		return DeniedByParent, true
	}
	return "", false
}

// brief is a denial of a protected zone, kept for seconds only.
func brief(r *lookup.Response) *lookup.Response {
	if r == nil {
		return nil
	}
	c := *r
	c.Keep = lookup.LeastKeep(c.Keep, denialKept)
	return &c
}

func (z *keeping) count(r Rung, err error) {
	if err != nil {
		return
	}
	z.mu.Lock()
	z.activity[r]++
	z.mu.Unlock()
}

func tell(q lookup.Query, r Rung, why string) {
	text := "lifeline: by the parent: " + why
	if r == ByKnown {
		text = "lifeline: by the known delegation: " + why
	}
	q.Trace.Add(lookup.Event{Kind: lookup.EventZone, Name: q.Name, Type: q.Type, Text: text})
}
