package resolver

import (
	"github.com/sextant-dns/sextant/ecs"
	"github.com/sextant-dns/sextant/lookup"
)

// aliases is the way that an answer has led so far.
type aliases struct {
	first lookup.Question
	whole bool // nothing had been paid for aliases when it began

	sets     []lookup.RRset
	proofs   []lookup.RRset // of wildcards on the way
	security lookup.Security
	ede      []lookup.EDE
	keep     uint32    // see lookup.Response.Keep
	scope    ecs.Scope // RFC 7871 7.2.1: the longest of those on the way
	passing  bool      // a step of it may not be kept
}

// advance takes a step of the way that leads to next, or tells why not. An alias
// loop is a failure to be remembered (RFC 9520 2.4), and so is a chain that is too
// long for a ledger from which nothing else was paid.
func (r *Resolver) advance(t task, a *aliases, step *lookup.Response, next lookup.Name) error {
	now := r.options.Now()
	if err := r.failures.recent(endless(a.first), now); err != nil && len(a.sets) == 0 && !t.cold {
		t.tellFailure(a.first, err)
		return err
	}
	a.add(step)
	var err error
	switch {
	case isOwner(a.sets, next):
		err = lookup.Fail(lookup.EDEOther, "alias loop at %s", next)
	case !t.budget.Alias():
		t.tellBudget("aliases")
		err = lookup.Fail(lookup.EDEOther, "too many aliases, the last to %s", next)
		if !a.whole {
			return err
		}
	default:
		return nil
	}
	if !r.overtaken(t) {
		r.failures.note(endless(a.first), err, firstFailure, now)
	}
	return err
}

// endless is the question under which it is remembered that the aliases of q lead
// nowhere: in a circle, or too far.
func endless(q lookup.Question) lookup.Question {
	q.CD = true
	return q
}

// add takes a step of the way.
func (a *aliases) add(step *lookup.Response) {
	if len(a.sets) == 0 || step.Security < a.security {
		a.security = step.Security
	}
	a.sets, a.ede = added(a.sets, step.Answer), append(a.ede, step.EDE...)
	a.proofs = added(a.proofs, step.Authority)
}

// added is to with those of sets that are not there yet: the way may lead through one
// DNAME twice (RFC 2181 5), and a proof may be good for several names.
func added(to, sets []lookup.RRset) []lookup.RRset {
	for _, s := range sets {
		if _, there := lookup.Find(to, s.Name, s.Type); !there {
			to = append(to, s)
		}
	}
	return to
}

// narrow takes note of whom a step is for, the last one included.
func (a *aliases) narrow(s ecs.Scope, passing bool) {
	a.scope, a.passing = ecs.Narrowest(a.scope, s), a.passing || passing
}

// before is the response at the end of the way with the way before it. The whole
// is as secure as its weakest part (RFC 4035 3.2.3).
func (a *aliases) before(end *lookup.Response) *lookup.Response {
	if len(a.sets) == 0 && a.keep == end.Keep {
		return scoped(end, a.scope, a.passing)
	}
	whole := *end
	whole.Keep = a.keep
	if len(a.sets) > 0 {
		whole.Answer = added(a.sets, end.Answer)
		whole.Security = min(a.security, end.Security)
	}
	if len(a.proofs) > 0 {
		whole.Authority = added(a.proofs, end.Authority)
	}
	if len(a.ede) > 0 {
		whole.EDE = append(a.ede, end.EDE...)
	}
	return scoped(&whole, a.scope, a.passing)
}
