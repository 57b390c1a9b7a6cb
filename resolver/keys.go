package resolver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
)

// keys fetches the DNSKEY RRset of zone and checks it against ds.
func (r *Resolver) keys(ctx context.Context, t task, zone lookup.Name, ds []dnssec.DS) (*trust, error) {
	q, tr, fresh := hopQuestion(zone, lookup.TypeDNSKEY), (*trust)(nil), false
	t.proof = func(ctx context.Context, t task, _ lookup.Question, v verdict) (verdict, error) {
		if v.kind != answer {
			return v, bogus(lookup.EDE{Code: lookup.EDEDNSKEYMissing, Text: fmt.Sprintf("%s has no DNSKEY", zone)})
		}
		if fresh && r.uproots(zone, v.sets[0], ds) {
			return v, errUprooted
		}
		keys, found, err := r.checkKeys(ctx, t, v.sets[0], ds)
		if err != nil {
			return v, err
		}
		if v.words = ""; t.trace != nil {
			v.word(keysWords(v.sets[0]))
		}
		switch {
		case found.Spent:
			return v, spent(found.EDE)
		case found.Status == dnssec.Bogus:
			return v, bogus(found.EDE)
		case found.Status == dnssec.Insecure:
			v.security = lookup.Insecure
			tr = &trust{zone: zone, grip: insecure, why: found.EDE}
		default:
			v.security = lookup.Secure
			v.sets = []lookup.RRset{v.sets[0].WithTTL(found.TTL)}
			tr = &trust{zone: zone, keys: keys, tag: found.Tag, algorithm: found.Algorithm}
		}
		tr.since = r.options.Now()
		tr.expires = tr.since.Add(time.Duration(v.sets[0].TTL) * time.Second)
		return v, nil
	}
	if h, ok := r.answers.recall(q, t.asks(q), r.options.Now()); ok && h.next == "" && !t.renew {
		switch _, err := r.reconsider(ctx, t, q, h); {
		case errors.Is(err, errBudget):
			return nil, err
		case err == nil:
			tr.since = h.learned()
			return tr, nil
		}
	}
	fresh = true
	_, err := r.iterate(ctx, t.begun(r.options.Deadline), q)
	switch {
	case err != nil:
		return nil, unheard("DNSKEY", zone, lookup.EDEDNSKEYMissing, err)
	case tr == nil:
		return nil, bogus(lookup.EDE{Code: lookup.EDEDNSKEYMissing, Text: fmt.Sprintf("%s has no DNSKEY", zone)})
	}
	return tr, nil
}

// checkKeys finds the keys of a zone in its DNSKEY RRset.
func (r *Resolver) checkKeys(ctx context.Context, t task, set lookup.RRset, ds []dnssec.DS) ([]dnssec.Key, dnssec.Result, error) {
	if err := r.options.Validation.Turns.Take(ctx); err != nil {
		return nil, dnssec.Result{}, err
	}
	defer r.options.Validation.Turns.Give()
	c := r.verifier(t)
	keys, found := c.Keys(compact(set), ds)
	r.counters.signatures.Add(uint64(c.Checked))
	return keys, found, nil
}

// errUprooted is with keys that have changed the trust anchor by which they were to be
// checked.
var errUprooted = errors.New("the trust anchor has changed")

// uproots tells those who keep trust anchors of the keys of a zone, which have just come
// from its servers, and whether the zone's anchor is another now than the one of ds.
func (r *Resolver) uproots(zone lookup.Name, keys lookup.RRset, ds []dnssec.DS) bool {
	o := &r.options.Validation
	if o.Seen == nil {
		return false
	}
	if a, ok := o.Anchor(zone); !ok || a.Negative || a.Zone != zone {
		return false
	}
	o.Seen(compact(keys))
	a, ok := o.Anchor(zone)
	if !ok || a.Negative || a.Zone != zone {
		return true
	}
	usable, _ := o.Policy.Usable(a.DS)
	return !slices.Equal(usable, ds)
}
