package resolver

import (
	"context"
	"errors"
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

// maxReferrals is how many a single hop may take. Each leads at least one label
// down, and no honest name has so many cuts.
const maxReferrals = 30

// iterate fetches the hop of q from the closest cut that is known.
func (r *Resolver) iterate(ctx context.Context, t task, q lookup.Question) (*hop, error) {
	at := r.closest(ctx, t, q)
	t.tellCut(q, at, r.options.Now)
	h, last, err := r.graced(ctx, t, at, q)
	if err != nil && at.via != nil && at.via.First && t.around == nil && !isCircumstantial(err) {
		t.around = at.via
		at = r.closest(ctx, t, q)
		t.tellCut(q, at, r.options.Now)
		h, last, err = r.graced(ctx, t, at, q)
	}
	for range maxReferrals {
		if err == nil || !isSilence(ctx, err) {
			break
		}
		old := r.lapsed(t, last, q, r.options.Now())
		if old == nil {
			break
		}
		t.tellCut(q, old, r.options.Now)
		h, last, err = r.walk(ctx, t, old, q)
	}
	return h, err
}

// walk fetches the hop of q: down from at, from referral to referral, until a
// server says something else (RFC 1034 5.3.3). last is the cut at which it has ended.
func (r *Resolver) walk(ctx context.Context, t task, at *cut, q lookup.Question) (h *hop, last *cut, err error) {
	d := r.descend(q, at)
	for range maxReferrals + maxMinimised {
		v, answered, err := r.consult(ctx, t, at, q, classify)
		switch {
		case answered || err != nil:
		case at.local != nil: // and of no help
			at = r.nearest(ctx, t, q)
			d.enter(at)
			continue
		case d.part() != q:
			next, h, err := r.onward(ctx, t, d, at)
			if h != nil || err != nil {
				return h, at, err
			}
			at = next
			continue
		default:
			v, err = r.ask(ctx, t, at, q, false)
		}
		now := r.options.Now()
		switch {
		case err != nil:
			return nil, at, err
		case v.kind == referral:
			at = r.refer(t, at, v.cut)
			d.enter(at)
		case d.retreat(v, at): // another way is tried
		default:
			if d.denied != "" && v.kind != nameError {
				r.answers.exists(d.denied)
			}
			return r.learn(t, at, q, v, now), at, nil
		}
	}
	return nil, at, lookup.Fail(lookup.EDENoReachableAuth, "more than %d referrals for %s", maxReferrals, q)
}

// onward takes a step of the descent d, and tells to which cut it has led. There is a
// hop when it has shown the end of the way.
func (r *Resolver) onward(ctx context.Context, t task, d *descent, at *cut) (next *cut, end *hop, err error) {
	h, err := r.step(ctx, t, at, d.part())
	switch {
	case err != nil && errors.Is(err, errInVain):
		d.reveal() // it may be this very question over which they stumble
	case err != nil:
		return nil, nil, err
	case h.cut != nil:
		at = h.cut
		d.enter(at)
	case hasDNAME(h.response.Answer):
		if h, ok := r.answers.recall(d.question, t.asks(d.question), r.options.Now()); ok {
			return at, h, nil
		}
		d.reveal()
	default:
		if end, err := r.nothingBelow(ctx, t, d, h); end != nil || err != nil {
			return at, end, err
		}
		d.heard(h.response.Rcode)
	}
	return at, nil, nil
}

// step finds out what there is to know about part of a name, from memory or from
// the servers of the zone of at. Those who are on the way to different names below
// it share one flight.
func (r *Resolver) step(ctx context.Context, t task, at *cut, part lookup.Question) (*hop, error) {
	t = t.alone() // nobody has asked for it
	t.tell(lookup.Event{Kind: lookup.EventMinimise, Name: part.Name, Type: part.Type, Target: at.zone})
	now := r.options.Now()
	if h, ok := r.recall(t, part, now); ok && !t.cold {
		t.tellHit(part, h, now)
		return h, nil
	}
	if err := r.failures.recent(stumbled(part), now); err != nil && !t.cold {
		t.tellFailure(part, err)
		return nil, err
	}
	work := func(ctx context.Context) (*hop, error) {
		v, err := r.ask(ctx, t, at, part, true)
		now := r.options.Now()
		if errors.Is(err, errInVain) && !r.overtaken(t) {
			r.failures.note(stumbled(part), err, firstFailure, now)
		}
		if err != nil {
			return nil, err
		}
		if v.kind == referral {
			return &hop{cut: r.refer(t, at, v.cut)}, nil
		}
		return r.learn(t, at, part, v, now), nil
	}
	key := flightKey{question: part, depth: t.depth, at: at.zone, via: at.via}
	h, led, err := r.flights.join(ctx, key, t.limit, work)
	t.tellFlight(part, led)
	if !led && isCircumstantial(err) && ctx.Err() == nil {
		h, err = work(ctx) // it failed for reasons of whoever led it
	}
	if err == nil {
		t.held.keep(t, part, h)
	}
	return h, err
}

// nothingBelow is what answers the question of d if h, about a part of its name, proves
// that there is no such name and hence none below it (RFC 8020 2): nobody need be shown
// more. It is nil otherwise. Names that are needed for a chain of trust do exist.
func (r *Resolver) nothingBelow(ctx context.Context, t task, d *descent, h *hop) (*hop, error) {
	if t.proof == nil || t.chain || h.response.Rcode != lookup.NXDOMAIN {
		return nil, nil
	}
	if !r.settled(h) {
		t.soft = true // it is worth while only if there are signatures
		switch _, err := r.reconsider(ctx, t, d.part(), h); {
		case errors.Is(err, errBudget): // there will be no less to compute for the whole name
			return nil, err
		case err != nil:
			return nil, nil
		}
	}
	found, ok := r.recall(t, d.question, r.options.Now())
	if !ok || found.response.Security != lookup.Secure || found.response.Rcode != lookup.NXDOMAIN {
		return nil, nil
	}
	return found, nil
}

// stumbled is the question under which it is remembered that part has got no
// answer as a step. It may get one when it is asked for in earnest.
func stumbled(part lookup.Question) lookup.Question {
	return lookup.Question{Name: part.Name, Type: part.Type}
}

// proves tells whether there is a proven answer to q, which what nobody has proven
// must not push out.
func (r *Resolver) proves(t task, q lookup.Question, now time.Time) bool {
	h, ok := r.answers.recall(q, t.asks(q), now)
	return ok && h.response.Security == lookup.Secure
}

// learn remembers what v, which was heard at a server of the zone of at, says
// about q, and what it says about others on the way.
func (r *Resolver) learn(t task, at *cut, q lookup.Question, v verdict, now time.Time) *hop {
	r.revoke(at, q.Name, now)
	v = at.expiring(v, now)
	if v.own.Type == lookup.TypeNS && at.zone != lookup.Root {
		r.cuts.own(at, v.own, now)
	}
	for _, f := range v.rest {
		if r.zoneOf(t, f.question) == at.via && !r.proves(t, f.question, now) {
			r.answers.keep(f.question, r.admitted(t, at, f.verdict, now), now)
		}
	}
	h := r.answers.keep(q, r.admitted(t, at, v, now), now)
	if r.overtaken(t) {
		r.unlearn(q, v)
	}
	return h
}
