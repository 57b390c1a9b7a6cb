package resolver

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

// A delegation that has expired may still be used while its parent is dead: when all that
// has come from the zone above since then is silence, errors or what does not validate.
// Any other word of the zone above ends that, and in any case it ends at a time that was
// fixed when the parent gave the delegation. Nothing that the zone itself says moves it,
// and what is learned by it lives no longer (ghost and Phoenix domains).

// lapsedTTL bounds how long trust is taken from what has expired, before it is asked for
// anew.
const lapsedTTL = 30 * time.Second

// lapsed is the cut on the way from at to q that has expired and may be used as the
// servers of at have nothing to say; nil when there is none.
func (r *Resolver) lapsed(t task, at *cut, q lookup.Question, now time.Time) *cut {
	if r.options.Grace <= 0 || t.cold || at.forwards() {
		return nil
	}
	for name, ok := home(q), true; ok && isAbove(at.zone, name); name, ok = name.Parent() {
		c, _, expires, found := r.cuts.cache.GetStale(name, netip.Prefix{}, now)
		if found && !expires.After(now) && c.via == at.via && c.above == at.zone && now.Before(c.grace) {
			return c
		}
	}
	return nil
}

// graced is walk with some patience only, if there is a cut to use when it is over. A zone
// of which no server was of any use lately is not asked at all then.
func (r *Resolver) graced(ctx context.Context, t task, at *cut, q lookup.Question) (*hop, *cut, error) {
	now := r.options.Now()
	if r.lapsed(t, at, q, now) == nil {
		return r.walk(ctx, t, at, q)
	}
	if err := r.failures.recent(void(at.zone), now); err != nil {
		t.tellFailure(void(at.zone), err)
		return nil, at, err
	}
	ctx, cancel := context.WithTimeout(ctx, r.options.Deadline/3)
	defer cancel()
	return r.walk(ctx, t, at, q)
}

// isSilence tells whether err, of asking the servers of a zone, says that nothing was heard
// from them, and not that whoever asked has had enough.
func isSilence(ctx context.Context, err error) bool {
	return ctx.Err() == nil && (!isCircumstantial(err) || errors.Is(err, context.DeadlineExceeded))
}

// revoke forgets the cuts between the zone of at and name that have expired: the servers
// of at are there, and have something else to say.
func (r *Resolver) revoke(at *cut, name lookup.Name, now time.Time) {
	if r.options.Grace <= 0 {
		return
	}
	for ok := true; ok && isAbove(at.zone, name); name, ok = name.Parent() {
		if c, _, expires, found := r.cuts.cache.GetStale(name, netip.Prefix{}, now); found && !expires.After(now) && c.via == at.via {
			r.cuts.cache.Remove(name)
		}
	}
}

// expiring is v as it may be remembered when it was heard at a cut that has expired: for
// no longer than that may be used.
func (at *cut) expiring(v verdict, now time.Time) verdict {
	if at.grace.IsZero() || at.expires.After(now) {
		return v
	}
	left := uint32(max(0, at.grace.Sub(now)/time.Second))
	short := func(sets []lookup.RRset) []lookup.RRset {
		out := make([]lookup.RRset, len(sets))
		for i, s := range sets {
			out[i] = s.WithTTL(min(s.TTL, left))
		}
		return out
	}
	v.sets, v.proof, v.soa = short(v.sets), short(v.proof), v.soa.WithTTL(min(v.soa.TTL, left))
	return v
}

// lapsedTrust is what was known of a zone that is reached by a cut that has expired, when
// nothing about it could be heard; nil when that does not count.
func (r *Resolver) lapsedTrust(zone lookup.Name, err error) *trust {
	if r.options.Grace <= 0 || errors.Is(err, errBogus) {
		return nil
	}
	now := r.options.Now()
	c, _, expires, ok := r.cuts.cache.GetStale(zone, netip.Prefix{}, now)
	if !ok || expires.After(now) || !now.Before(c.grace) {
		return nil
	}
	tr, _, expired, ok := r.trusts.cache.GetStale(zone, netip.Prefix{}, now)
	if !ok || !now.Before(expired.Add(r.options.Grace)) {
		return nil
	}
	old := *tr
	old.expires = earlier(now.Add(lapsedTTL), c.grace)
	return &old
}
