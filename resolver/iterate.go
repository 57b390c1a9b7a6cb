package resolver

import (
	"context"
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

// maxReferrals is how many a single hop may take. Each leads at least one label
// down, and no honest name has so many cuts.
const maxReferrals = 30

// iterate fetches the hop of q: from the closest cut that is known, down from
// referral to referral, until a server says something else (RFC 1034 5.3.3).
func (r *Resolver) iterate(ctx context.Context, t task, q lookup.Question) (*hop, error) {
	at := r.closest(ctx, t, q)
	for range maxReferrals {
		v, err := r.ask(ctx, t, at, q)
		if err != nil {
			return nil, err
		}
		now := r.options.Now()
		if v.kind != referral {
			return r.learn(q, v, now), nil
		}
		at = r.cuts.learn(at, v.cut, now)
	}
	return nil, lookup.Fail(lookup.EDENoReachableAuth, "more than %d referrals for %s", maxReferrals, q)
}

// learn remembers what v says about q, and what it says about others on the way.
func (r *Resolver) learn(q lookup.Question, v verdict, now time.Time) *hop {
	for _, f := range v.rest {
		r.answers.keep(f.question, f.verdict, now)
	}
	return r.answers.keep(q, v, now)
}
