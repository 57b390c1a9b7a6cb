package resolver

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/sextant-dns/sextant/cache"
	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
)

// grip is how far the hold of the trust anchor reaches.
type grip uint8

const (
	secure   grip = iota // the zone's keys are known
	insecure             // it is proven that nobody vouches for the zone
	noCut                // no zone begins at that name
)

// trust is what validation has found out about a name. It is immutable.
type trust struct {
	zone    lookup.Name
	grip    grip
	keys    []dnssec.Key // of a secure zone
	why     lookup.EDE   // of an insecure one; code 0: it just has no DS
	since   time.Time    // when the keys were heard; of a DS, when that was
	expires time.Time

	// For those who are curious: the zone whose word it is, "" for a trust anchor, and
	// the key that has signed the DNSKEY RRset of a secure zone.
	above     lookup.Name
	tag       uint16
	algorithm dnssec.Algorithm
}

// ripe tells whether tr was learned so long ago that it is worth while to ask anew when
// it does not fit what servers say: the zone may have changed its keys in a hurry.
func (tr *trust) ripe(now time.Time) bool { return now.Sub(tr.since) >= bogusLife }

// trusts remembers them by name.
type trusts struct {
	cache *cache.Cache[lookup.Name, *trust]
}

func newTrusts(o Options) *trusts {
	entries := 0 // any number, if there is a bound in octets
	if o.Cache > 0 {
		entries = max(1000, o.Cache/4)
	}
	return &trusts{cache.New[lookup.Name, *trust](cache.Options[lookup.Name, *trust]{
		Entries: entries,
		Bytes:   o.CacheBytes / 12 * trustShare,
		Size:    trustSize(),
		Hash:    nameHash(),
	})}
}

func (ts *trusts) get(zone lookup.Name, now time.Time) (*trust, bool) {
	tr, _, ok := ts.cache.Get(zone, netip.Prefix{}, now)
	return tr, ok
}

func (ts *trusts) put(tr *trust) { ts.cache.Put(tr.zone, netip.Prefix{}, tr, tr.expires) }

// untrusted is the question under which it is remembered that the keys of zone
// could not be had.
func untrusted(zone lookup.Name) lookup.Question {
	return lookup.Question{Name: zone, Type: lookup.TypeDNSKEY}
}

// trust finds out how zone stands to the trust anchor above it. Those who need the
// same wait for one flight, which itself waits for nothing but names above zone.
func (r *Resolver) trust(ctx context.Context, t task, zone lookup.Name) (*trust, error) {
	tr, err := r.trustNow(ctx, t, zone)
	if err != nil && ctx.Err() == nil {
		if old := r.lapsedTrust(zone, err); old != nil {
			return old, nil
		}
	}
	return tr, err
}

func (r *Resolver) trustNow(ctx context.Context, t task, zone lookup.Name) (*trust, error) {
	now := r.options.Now()
	if tr, ok := r.trusts.get(zone, now); ok {
		r.tellKnown(t, tr, now)
		return tr, nil
	}
	if err := r.failures.recent(untrusted(zone), now); err != nil {
		t.tellFailure(hopQuestion(zone, lookup.TypeDNSKEY), err)
		return nil, err
	}
	return r.inquire(ctx, t.forChain(zone), zone)
}

// rekeyed is what is known of the zone of old after it was asked for its keys anew, or
// old if that has been done lately, or in vain: what is known to be good is not lost to
// servers that are out of reach.
func (r *Resolver) rekeyed(ctx context.Context, t task, old *trust) *trust {
	now := r.options.Now()
	if !old.ripe(now) || r.failures.recent(untrusted(old.zone), now) != nil {
		return old
	}
	t = t.forChain(old.zone)
	t.renew = true
	if tr, err := r.inquire(ctx, t, old.zone); err == nil {
		return tr
	}
	return old
}

// inquire finds out about zone, or waits for others who do.
func (r *Resolver) inquire(ctx context.Context, t task, zone lookup.Name) (*trust, error) {
	work := func(ctx context.Context) (*hop, error) {
		tr, err := r.establish(ctx, t, zone)
		t.tellTrust(zone, tr, err)
		if err == nil {
			r.trusts.put(tr)
			if r.overtaken(t) {
				r.trusts.cache.Remove(zone)
			}
			r.failures.forget(untrusted(zone))
			return &hop{trust: tr}, nil
		}
		if !isCircumstantial(err) && !r.overtaken(t) {
			r.failures.note(untrusted(zone), err, lifeOf(err), r.options.Now())
		}
		return nil, err
	}
	key := flightKey{question: hopQuestion(zone, lookup.TypeDNSKEY), chain: true}
	h, led, err := r.flights.join(ctx, key, t.limit, work)
	t.tellFlight(hopQuestion(zone, lookup.TypeDNSKEY), led)
	if !led && isCircumstantial(err) && ctx.Err() == nil {
		h, _, err = r.flights.join(ctx, key, t.limit, work)
	}
	if err != nil {
		return nil, err
	}
	return h.trust, nil
}

// lifeOf is how long a failure is remembered at least.
func lifeOf(err error) time.Duration {
	if errors.Is(err, errBogus) {
		return bogusLife
	}
	return firstFailure
}

// governing is the deepest zone that holds name, as far as the hold of the anchor
// reaches: the first insecure one on the way down from apex, or else the last secure
// one. A cut may hide at every label; unless all of them are wanted, those are enough
// of which something is known.
func (r *Resolver) governing(ctx context.Context, t task, name, apex lookup.Name, all bool) (*trust, error) {
	zone, err := r.trust(ctx, t, apex)
	for labels := apex.Labels() + 1; err == nil && zone.grip == secure && labels <= name.Labels(); labels++ {
		below, now := name.Suffix(labels), r.options.Now()
		_, cut := r.cuts.get(below, now)
		if _, known := r.trusts.get(below, now); !known && !cut && !all {
			continue
		}
		var next *trust
		if next, err = r.trust(ctx, t, below); err == nil && next.grip != noCut {
			zone = next
		}
	}
	return zone, err
}

// establish finds out about zone from the DS RRset above it, or the anchor, and its
// own DNSKEY RRset.
func (r *Resolver) establish(ctx context.Context, t task, zone lookup.Name) (*trust, error) {
	now := r.options.Now()
	for range 2 {
		anchor, ok := r.options.Validation.Anchor(zone)
		if !ok || anchor.Negative {
			return &trust{zone: zone, grip: insecure, expires: now}, nil
		}
		if anchor.Zone != zone {
			break
		}
		tr, err := r.vouched(ctx, t, zone, anchor.DS, &trust{expires: now.Add(time.Duration(r.options.MaxTTL) * time.Second)})
		if !errors.Is(err, errUprooted) {
			return tr, err
		}
	}
	above, ds, err := r.delegation(ctx, t, zone, false)
	if err != nil || above.grip != secure {
		return above, err
	}
	tr, err := r.vouched(ctx, t, zone, ds, above)
	if !errors.Is(err, errForged) || !above.ripe(now) {
		return tr, err
	}
	// The zone above may say something else by now, which fits better.
	above, renewed, again := r.delegation(ctx, t, zone, true)
	switch {
	case again != nil || slices.Equal(ds, renewed):
		return nil, err
	case above.grip != secure:
		return above, nil
	}
	return r.vouched(ctx, t, zone, renewed, above)
}

// vouched finds out about zone given that the zone above, or the anchor, vouches for
// the keys that ds names, as long as by says.
func (r *Resolver) vouched(ctx context.Context, t task, zone lookup.Name, ds []dnssec.DS, by *trust) (*trust, error) {
	usable, why := r.options.Validation.Policy.Usable(ds)
	if len(usable) == 0 {
		return &trust{zone: zone, grip: insecure, why: why, since: by.since, expires: by.expires, above: by.above}, nil
	}
	tr, err := r.keys(ctx, t, zone, usable)
	if err != nil {
		return nil, err
	}
	tr.expires, tr.above = earlier(tr.expires, by.expires), by.above
	return tr, nil
}

// delegation finds out what the zone above says of a zone: its DS records if it is
// secure. It is asked anew if that is wanted.
func (r *Resolver) delegation(ctx context.Context, t task, zone lookup.Name, anew bool) (*trust, []dnssec.DS, error) {
	q, now := hopQuestion(zone, lookup.TypeDS), r.options.Now()
	t.proof, t.renew = r.vet, anew
	if v, since, ok := r.alongside(q, now); ok && !anew {
		v, err := t.proof(ctx, t, q, v)
		t.tellProof(q, v, err)
		switch {
		case err == nil:
			return r.read(t, q, v, since, now.Add(time.Duration(v.response().TTL())*time.Second))
		case !errors.Is(err, errForged):
			return nil, nil, err
		}
		// What came with the referral is no good: ask for it.
	}
	h, ok := r.answers.recall(q, t.asks(q), now)
	if !ok || !r.settled(h) || anew {
		var err error
		if h, err = r.fetch(ctx, t.begun(r.options.Deadline), q); err != nil {
			return nil, nil, unheard("DS", zone, lookup.EDEOf(err).Code, err)
		}
	}
	aged := h.aged(r.options.Now())
	said := verdictOf(q, aged, h.next)
	said.absence = h.absence
	return r.read(t, q, said, h.learned(), now.Add(time.Duration(aged.TTL())*time.Second))
}

// unheard is err, which is why the DS or DNSKEY of zone could not be had; if it does
// not say enough about that, in words that do, and with that code.
func unheard(what string, zone lookup.Name, code uint16, err error) error {
	if errors.Is(err, errBogus) || isCircumstantial(err) {
		return err
	}
	return &lookup.Failure{EDE: lookup.EDE{Code: code, Text: fmt.Sprintf("no %s of %s: %s", what, zone, lookup.EDEOf(err).Text)}, Cause: err}
}

// alongside is what a referral has said about the DS that q asks for, and when, as
// long as that lives: a DS may come or go while the delegation stays.
func (r *Resolver) alongside(q lookup.Question, now time.Time) (v verdict, since time.Time, ok bool) {
	c, ok := r.cuts.get(q.Name, now)
	if !ok || q.Type != lookup.TypeDS {
		return verdict{}, time.Time{}, false
	}
	age, left := uint32(now.Sub(c.since)/time.Second), uint32(c.expires.Sub(now)/time.Second)
	aged := func(s lookup.RRset) (lookup.RRset, bool) {
		return s.WithTTL(min(s.TTL-min(s.TTL, age), left)), s.TTL > age
	}
	if c.ds.Type == lookup.TypeDS {
		ds, ok := aged(c.ds)
		return verdict{kind: answer, sets: []lookup.RRset{ds}}, c.since, ok
	}
	for _, s := range c.noDS {
		s, ok := aged(s)
		if !ok {
			return verdict{}, c.since, false
		}
		v.kind, v.proof = noData, append(v.proof, s)
	}
	return v, c.since, len(c.noDS) > 0
}

// delegated is the DS RRset that q asks for and that came with a referral; nil when
// there is none, or none that holds.
func (r *Resolver) delegated(ctx context.Context, t task, q lookup.Question) (*hop, error) {
	now := r.options.Now()
	v, _, ok := r.alongside(q, now)
	if !ok || t.proof == nil || t.renew || v.kind != answer {
		return nil, nil
	}
	v, err := t.proof(ctx, t, q, v)
	t.tellProof(q, v, err)
	switch {
	case err == nil:
		return r.remember(t, q, v, now), nil
	case errors.Is(err, errForged):
		return nil, nil
	}
	return nil, err
}

// read takes a validated answer to the question for a DS RRset for what it means.
func (r *Resolver) read(t task, q lookup.Question, v verdict, since, expires time.Time) (*trust, []dnssec.DS, error) {
	above, _ := v.signer()
	tr := &trust{zone: q.Name, since: since, expires: expires, above: above}
	switch {
	case v.security != lookup.Secure:
		tr.grip = insecure
		if len(v.ede) > 0 {
			tr.why = v.ede[len(v.ede)-1]
		}
	case v.kind == answer:
		return tr, dnssec.ParseDS(v.sets[0]), nil
	case v.kind == noData:
		if v.absence == dnssec.CutUnproven { // it comes from memory, which has the proof only
			p := r.verifier(t).Denial(above, v.proof).NoDS(q.Name)
			if p.Spent {
				return nil, nil, spent(p.EDE)
			}
			v.absence = p.Cut
		}
		if tr.grip = insecure; v.absence == dnssec.CutNone {
			tr.grip = noCut
		}
	default: // no such name, or an alias: no zone begins there
		tr.grip = noCut
	}
	return tr, nil, nil
}
