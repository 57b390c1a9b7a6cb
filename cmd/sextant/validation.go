package main

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/sextant-dns/sextant/anchors"
	"github.com/sextant-dns/sextant/config"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
)

// buildKeeper makes the keeper of the trust anchors; nil when nothing is validated.
func (p *parts) buildKeeper(c *config.Config, w wiring) (*anchors.Keeper, error) {
	if !c.DNSSEC.Validate || w.unsigned {
		return nil, nil
	}
	o, err := anchorOptions(c.DNSSEC)
	if err != nil {
		return nil, err
	}
	o.Fetch = anchors.FetchBy(lookup.Func(func(ctx context.Context, q lookup.Query) (*lookup.Response, error) {
		return p.recurse.Resolve(ctx, q) // it is made after the keeper
	}))
	o.Validates, o.Report, o.Now = p.validates, p.trustChanged, w.now
	k, err := anchors.NewKeeper(o)
	if err != nil {
		return nil, err
	}
	for _, problem := range k.Set().Warnings() {
		p.log.Warn("trust anchors", "problem", problem)
	}
	return k, nil
}

// validation is how the resolver validates by the anchors of k.
func validation(c config.DNSSEC, k *anchors.Keeper) resolver.Validation {
	if k == nil {
		return resolver.Validation{}
	}
	return resolver.Validation{
		Anchor: func(name lookup.Name) (resolver.Anchor, bool) {
			a, ok := k.Closest(name)
			return resolver.Anchor(a), ok
		},
		Seen:         k.Observe,
		NoAggressive: !c.Aggressive,
		Policy:       validationPolicy(c),
		Now:          validationClock(c),
		Permissive:   c.Permissive,
		Turns:        resolver.NewTurns(0),
	}
}

// validates tells whether a zone is mended by the anchors of a set. It looks with
// an empty memory: what the resolver remembers of the zone was found while nobody
// validated it.
func (p *parts) validates(ctx context.Context, zone lookup.Name, by *anchors.Set) bool {
	o := p.options
	o.CacheBytes, o.Cache = 1<<20, 0
	o.Referred, o.Validation.Seen = nil, nil // its anchors are those of the set
	o.Validation.Permissive = false          // what is bogus must not look insecure
	o.Validation.Anchor = func(name lookup.Name) (resolver.Anchor, bool) {
		a, ok := by.Closest(name, time.Now())
		return resolver.Anchor(a), ok
	}
	q := lookup.Question{Name: zone, Type: lookup.TypeSOA, Class: lookup.ClassIN, DO: true}
	r, err := resolver.New(o).Resolve(ctx, lookup.Query{Question: q, RD: true})
	return mended(r, err)
}

// mended tells whether r, the answer to the question for a zone's SOA, or err show that
// the zone needs no negative trust anchor (RFC 7646 4): it is not bogus any more. Secure
// is not asked for: many an owner mends a zone by taking its DS out. But what is insecure
// because of another negative anchor has not been validated.
func mended(r *lookup.Response, err error) bool {
	return err == nil && r.Security != lookup.Unchecked &&
		!slices.ContainsFunc(r.EDE, func(e lookup.EDE) bool { return e.Code == lookup.EDENegativeAnchor })
}

// trustChanged is told what happens to trust anchors. What was concluded from
// others than those that count now is forgotten.
func (p *parts) trustChanged(e anchors.Event) {
	level := slog.LevelInfo
	if e.Kind.IsTrouble() {
		level = slog.LevelWarn
		p.troubles.note(e.Kind)
	}
	p.log.Log(context.Background(), level, "trust anchors", "event", e.String())
	switch e.Kind {
	case anchors.KeyTrusted, anchors.KeyRevoked, anchors.PointDeleted,
		anchors.NegativeAdded, anchors.NegativeRemoved, anchors.NegativeOver, anchors.NegativeHealed:
		if p.recurse != nil { // it is made after the keeper
			p.recurse.Forget(resolver.Forget{Name: e.Zone, Below: true})
			p.server.Flush()
		}
	}
}
