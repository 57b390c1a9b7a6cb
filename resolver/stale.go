package resolver

import (
	"context"
	"net/netip"
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

// Stale says when an answer that has expired is still given: rather than none
// (RFC 8767). The zero value of each field but Enabled is a good choice.
type Stale struct {
	Enabled     bool
	ClientTimer time.Duration // how long a client waits for a fresh answer first; default 1.8 s, below 0 not at all
	MaxAge      time.Duration // how long ago it may have expired; default 1 day
	TTL         uint32        // that clients see, in seconds; default 30
	RetryAfter  time.Duration // the servers of a name that failed are left alone for so long at least; default 30 s
}

func (s Stale) withDefaults() Stale {
	if s.ClientTimer == 0 {
		s.ClientTimer = 1800 * time.Millisecond
	}
	if s.MaxAge == 0 {
		s.MaxAge = 24 * time.Hour
	}
	if s.TTL == 0 {
		s.TTL = 30
	}
	if s.RetryAfter == 0 {
		s.RetryAfter = 30 * time.Second
	}
	return s
}

// obtain fetches the hop of q, or takes an expired one when that fails or takes
// too long. In the latter case the flight goes on, for the sake of those who come
// later.
func (r *Resolver) obtain(ctx context.Context, t task, q lookup.Question) (h *hop, stale bool, err error) {
	old := r.expired(t, q)
	if old == nil || t.depth > 0 || t.cold {
		h, err = r.fetch(ctx, t, q)
		return h, false, err
	}
	if err := r.failures.recent(q, r.options.Now()); err != nil {
		t.tellFailure(q, err)
		t.tellStale(q, old, "")
		return old, true, nil // RFC 8767 5: no more attempts for a while
	}
	if r.options.Stale.ClientTimer < 0 {
		r.refresh(t, q)
		t.tellStale(q, old, "it is fetched anew in the background")
		return old, true, nil
	}
	brief := t
	if timer := time.Now().Add(r.options.Stale.ClientTimer); timer.Before(t.wait) {
		brief.wait = timer
	}
	if h, err = r.fetch(ctx, brief, q); err == nil || ctx.Err() != nil {
		return h, false, err
	}
	if h, ok := r.answers.recall(q, t.asks(q), r.options.Now()); ok {
		return h, false, nil // it came in the very moment
	}
	if r.failures.recent(q, r.options.Now()) == nil && !isCrowded(err) {
		r.failed(t, q, err) // others need not wait for so long
	}
	t.tellStale(q, old, "there is no fresh one in time")
	return old, true, nil
}

// expired is the hop of q that may be used although it has expired, or nil. What t
// would have to prove first never was good for t.
func (r *Resolver) expired(t task, q lookup.Question) *hop {
	if !r.options.Stale.Enabled {
		return nil
	}
	h := r.answers.stale(q, t.asks(q), r.options.Now(), r.options.Stale.MaxAge)
	if h != nil && t.proof != nil && !r.settled(h) {
		return nil
	}
	return h
}

// failed remembers that q has failed for t; for how long is up to the operator when
// there is something else to give to those who ask for it.
func (r *Resolver) failed(t task, q lookup.Question, err error) {
	least := lifeOf(err)
	if r.expired(t, q) != nil {
		least = max(firstFailure, r.options.Stale.RetryAfter)
	}
	r.failures.note(q, err, least, r.options.Now())
}

// stale finds what answered q before it expired, at most age ago, for client.
func (a *answers) stale(q lookup.Question, client netip.Prefix, now time.Time, age time.Duration) (found *hop) {
	get := func(name lookup.Name, t lookup.Type) *hop {
		p, _, expires, ok := a.cache.GetStale(hopQuestion(name, t), client, now)
		if !ok || !expires.Add(age).After(now) {
			return nil
		}
		return p.unpack(expires, time.Time{})
	}
	types := []lookup.Type{q.Type, nonexistent}
	if followsAlias(q.Type) {
		types = append(types, lookup.TypeCNAME)
	}
	for i, t := range types {
		h := get(q.Name, t)
		if h != nil && (i < 2 || h.next != "") && (found == nil || h.learned().After(found.learned())) {
			found = h
		}
	}
	if found == nil && followsAlias(q.Type) {
		return a.redirected(q.Name, func(above lookup.Name) *hop { return get(above, lookup.TypeDNAME) })
	}
	return found
}

// staled is an expired hop as clients get it. That it was secure once does not mean
// that it is still: its signatures may have expired, and who wants an old answer to be
// believed only has to keep us from a new one.
func (r *Resolver) staled(h *hop) *lookup.Response {
	old := *h.response
	old.Answer, old.Authority = r.renewed(old.Answer), r.renewed(old.Authority)
	old.Security = lookup.Unchecked
	return &old
}

func (r *Resolver) renewed(section []lookup.RRset) []lookup.RRset {
	sets := make([]lookup.RRset, len(section))
	for i, s := range section {
		sets[i] = s.WithTTL(min(s.TTL, r.options.Stale.TTL)) // RFC 8767 4
	}
	return sets
}

// confessed is response with the word that it, or an alias before it, is stale.
// Caches in front of us must not hold it back when there is a fresh one again.
func confessed(response *lookup.Response) *lookup.Response {
	code := lookup.EDEStaleAnswer
	if response.Rcode == lookup.NXDOMAIN {
		code = lookup.EDEStaleNXDOMAIN
	}
	told := *response
	told.Uncacheable, told.EDE = true, append(told.EDE[:len(told.EDE):len(told.EDE)], lookup.EDE{Code: code})
	return &told
}
