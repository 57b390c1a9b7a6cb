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
	hedge        = 400 * time.Millisecond // before the next rung is tried, too
	keepInOutage = 30                     // seconds that an answer for outages is kept by us
	denialKept   = 5                      // seconds that a denial is kept which may be part of an outage
	staleTTL     = 30                     // seconds, of what is in a copy that has expired (RFC 8767 4)
)

// outcome is what has come of a rung.
type outcome struct {
	rung
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
	rungs := f.rungs(b.set.o.Outage(f.zone))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan outcome, len(rungs)) // all can leave what they have and go
	start := func() {
		g := rungs[0]
		rungs = rungs[1:]
		go func() { ended <- b.tried(ctx, q, f, g) }()
	}
	start()
	timer := time.NewTimer(hedge)
	defer timer.Stop()
	var failed []outcome
	for running := 1; running > 0; {
		select {
		case <-timer.C:
		case o := <-ended:
			running--
			switch {
			case o.panicked != nil:
				panic(o.panicked) // here it is noticed by whoever watches over the query
			case o.passed:
			case o.bad == "":
				b.won(q, f, o, failed)
				return o.response, o.err
			default:
				b.tell(q, o, o.bad)
				failed = append(failed, o)
			}
		}
		if len(rungs) > 0 && ctx.Err() == nil {
			running++
			start()
			timer.Reset(hedge)
		}
	}
	return f.lost(q, failed)
}

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
	switch {
	case g.entry != nil || !end.IsSubdomainOf(f.zone): // its own word, or another zone's business
	case denied && soa.Name != f.zone && f.zone.IsSubdomainOf(soa.Name):
		return "denied by " + soa.Name.String()
	case !denied && r.Rcode == lookup.NXDOMAIN:
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
func (b *bound) won(q lookup.Query, f force, o outcome, failed []outcome) {
	if o.entry == nil || o.err != nil {
		return
	}
	b.tell(q, o, "answers")
	why := "what came before it took long"
	switch {
	case len(failed) > 0:
		why = failed[0].bad
	case b.set.o.Outage(f.zone):
		why = "there is an outage"
	}
	b.set.answered(o.entry, b.view.Name, o.response, why)
}

// lost is what there is to say when something is wrong with all that was heard.
func (f force) lost(q lookup.Query, failed []outcome) (*lookup.Response, error) {
	var best outcome
	for i, o := range failed {
		if o.response != nil && isStale(o.response) {
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
