package override

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

// The figures of the ladder.
const (
	hedge        = 400 * time.Millisecond  // before the next rung is tried, too
	staleAfter   = 1800 * time.Millisecond // after which an old answer is given rather than none (RFC 8767 5)
	keepInOutage = 30                      // seconds that an answer for outages is kept by us
	denialKept   = 5                       // seconds that a denial is kept which may be part of an outage
	staleTTL     = 30                      // seconds, of what is in a copy that has expired (RFC 8767 4)
)

// outcome is what has come of a rung.
type outcome struct {
	rung
	height   int // of the rung: 0 is the first
	response *lookup.Response
	err      error
	panicked any
	passed   bool   // it has nothing to say of the name
	bad      string // what is wrong with it; "": nothing
}

// climb tries one rung after the other until one has an answer that nothing is wrong with.
// One that takes long gets company by the next. Where all fail, what is left is given: an
// old answer, and otherwise what the first has said.
func (b *bound) climb(ctx context.Context, q lookup.Query, f force) (*lookup.Response, error) {
	_, outage := b.set.o.Outage(f.zone)
	rungs := f.rungs(outage)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan outcome, len(rungs)) // all can leave what they have and go
	height := 0
	start := func() {
		g, at := rungs[0], height
		rungs, height = rungs[1:], height+1
		go func() {
			o := b.tried(ctx, q, f, g)
			o.height = at
			ended <- o
		}()
	}
	start()
	timer, patience := time.NewTimer(b.pause(f, rungs)), time.NewTimer(staleAfter)
	defer timer.Stop()
	defer patience.Stop()
	var failed []outcome
	late := false
	for running := 1; running > 0 && !(late && slices.ContainsFunc(failed, outcome.old)); {
		select {
		case <-timer.C:
		case <-patience.C:
			late = true
		case o := <-ended:
			running--
			switch {
			case o.panicked != nil:
				panic(o.panicked) // here it is noticed by whoever watches over the query
			case o.passed:
			case o.bad == "":
				return b.won(q, f, o, failed), o.err
			default:
				b.tell(q, o, o.bad)
				failed = append(failed, o)
			}
		}
		if len(rungs) > 0 && ctx.Err() == nil {
			running++
			start()
			timer.Reset(b.pause(f, rungs))
		}
	}
	return f.lost(q, failed)
}

// pause is how long there is nothing but what is under way until the next of the rungs is
// tried. A mirror is for those who have nothing else: where Next has two ways, both come
// before it.
func (b *bound) pause(f force, next []rung) time.Duration {
	if len(next) > 0 && next[0].entry != nil && next[0].entry.o.Kind == Mirror && b.set.o.Guarded(f.zone) {
		return 2 * hedge
	}
	return hedge
}

// old tells whether it is an answer that has expired.
func (o outcome) old() bool { return o.response != nil && isStale(o.response) }

func (b *bound) tried(ctx context.Context, q lookup.Query, f force, g rung) (o outcome) {
	o.rung = g
	defer func() { o.panicked = recover() }()
	r, v, err := b.ask(ctx, q, f, g)
	o.response, o.err, o.passed = r, err, v == passes
	if v == answers {
		o.bad = f.wrong(q, g, r, err)
	}
	return o
}

// wrong is what is wrong with what a rung has said, as far as another may do better.
func (f force) wrong(q lookup.Query, g rung, r *lookup.Response, err error) string {
	switch {
	case err != nil:
		return "EDE " + lookup.EDEOf(err).String()
	case r.Rcode == lookup.SERVFAIL:
		return r.Rcode.String()
	case isStale(r) && !g.late:
		return "it has expired"
	}
	_, end := r.Chase(q.Name)
	soa, denied := r.Denial()
	apex := f.zone
	if g.entry != nil && g.entry.o.Kind == Mirror { // which may be lost just as well
		apex = g.entry.o.Mirror
	}
	switch {
	case !end.IsSubdomainOf(f.zone): // another zone's business
	case denied && soa.Name != apex && apex.IsSubdomainOf(soa.Name):
		return "denied by " + soa.Name.String()
	case !denied && r.Rcode == lookup.NXDOMAIN && g.entry == nil:
		return "denied by nobody"
	}
	return ""
}

// isStale tells whether a response had expired (RFC 8767).
func isStale(r *lookup.Response) bool {
	return slices.ContainsFunc(r.EDE, func(e lookup.EDE) bool {
		return e.Code == lookup.EDEStaleAnswer || e.Code == lookup.EDEStaleNXDOMAIN
	})
}

// won notes that the outcome of a rung is what clients hear.
func (b *bound) won(q lookup.Query, f force, o outcome, failed []outcome) *lookup.Response {
	if o.entry == nil || o.err != nil {
		return o.response
	}
	b.tell(q, o, "answers")
	why := "what came before it took long"
	if text, outage := b.set.o.Outage(f.zone); outage {
		why = text
	} else if len(failed) > 0 {
		why = failed[0].bad
	}
	if !b.set.answered(o.entry, b.view.Name, o.response, why) || !b.set.o.Tell {
		return o.response
	}
	told := *o.response
	told.EDE = append(slices.Clone(told.EDE), lookup.EDE{Code: codeTold, Text: fmt.Sprintf("override of %s by %s: %s", o.entry.o.Zone, o.entry.o.Kind, why)})
	return &told
}

// codeTold is the private INFO-CODE (RFC 8914 5.2) under which clients are told that they
// hear an override in an outage. It is the one of package lifeline.
const codeTold = 49152

// lost is what there is to say when something is wrong with all that was heard.
func (f force) lost(q lookup.Query, failed []outcome) (*lookup.Response, error) {
	slices.SortFunc(failed, func(a, b outcome) int { return a.height - b.height })
	var best outcome
	for i, o := range failed {
		if o.old() {
			return o.response, nil
		}
		// What the first has said counts, but for the end of the query, which is no word of its own.
		if i == 0 || errors.Is(best.err, context.Canceled) {
			best = o
		}
	}
	switch {
	case best.err != nil:
		return nil, best.err
	case best.response == nil:
		return nil, lookup.Fail(lookup.EDENoReachableAuth, "the override of %s has nothing for %s", f.zone, q.Name)
	case best.response.Rcode == lookup.SERVFAIL:
		return best.response, nil
	}
	brief := *best.response // a denial, which may not be true for long
	brief.Keep = lookup.LeastKeep(brief.Keep, denialKept)
	return &brief, nil
}

// tell tells those who are curious.
func (b *bound) tell(q lookup.Query, o outcome, what string) {
	if q.Trace == nil {
		return
	}
	by := "without the override"
	if o.entry != nil {
		by = fmt.Sprintf("override %s (%s, %s)", o.entry.o.Zone, o.entry.o.Kind, o.entry.o.When)
	}
	q.Trace.Add(lookup.Event{Kind: lookup.EventFilter, Name: q.Name, Type: q.Type, Text: by + ": " + what})
}

// local answers from a zone that is held here. decided is false when that cannot be used,
// and when it leaves the name to others: below a cut, or, if so wanted, where it is absent.
func (e *entry) local(ctx context.Context, q lookup.Query, late bool) (r *lookup.Response, decided bool) {
	authority, expired, ok := e.source.Held()
	if !ok || expired && !late {
		return nil, false
	}
	r, err := authority.Resolve(ctx, q)
	if err != nil || r.Rcode != lookup.NOERROR && r.Rcode != lookup.NXDOMAIN {
		return nil, false
	}
	_, denied := r.Denial()
	_, open := unfinished(q, r)
	switch {
	case denied && e.o.Absent == Continue && r.Rcode == lookup.NXDOMAIN && len(r.Answer) == 0:
		return nil, false
	case !denied && len(r.Answer) == 0 && !open: // a referral
		return nil, false
	case !expired:
		return r, true
	}
	old := *r
	old.Answer, old.Authority, old.Additional = shortLived(r.Answer), shortLived(r.Authority), shortLived(r.Additional)
	code := lookup.EDEStaleAnswer
	if r.Rcode == lookup.NXDOMAIN {
		code = lookup.EDEStaleNXDOMAIN
	}
	old.EDE = append(slices.Clone(r.EDE), lookup.EDE{Code: code, Text: "the copy of " + e.o.Zone.String() + " has expired, and there is an outage"})
	return &old, true
}

func shortLived(sets []lookup.RRset) (all []lookup.RRset) {
	for _, s := range sets {
		all = append(all, s.WithTTL(min(s.TTL, staleTTL)))
	}
	return all
}
