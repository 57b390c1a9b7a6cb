package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/sextant-dns/sextant/anchors"
	"github.com/sextant-dns/sextant/authoritative"
	"github.com/sextant-dns/sextant/config"
	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lifeline"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/metrics"
	"github.com/sextant-dns/sextant/override"
	"github.com/sextant-dns/sextant/resolver"
	"github.com/sextant-dns/sextant/secondary"
	"github.com/sextant-dns/sextant/tsig"
	"github.com/sextant-dns/sextant/zones"
)

// overrideMemory is what the resolver of one override may remember, in octets.
const overrideMemory = 16 << 20

// newOverrides makes the overrides that operators have added; the configured ones are
// the state's.
func (p *parts) newOverrides(c *config.Config, w wiring) *override.Set {
	o := override.Options{
		Source: func(o override.Override) (override.Source, error) { return p.overrideSource(c, o) },
		State:  c.Control.Overrides, Limits: limits(c), Tell: c.Lifeline.Tell, Now: w.now,
		Observe: func(e override.Event) {
			p.overrideMoved(e)
			if e.Changes() && p.server != nil { // it is made later
				p.server.Flush() // packets of how it was
			}
		},
	}
	if p.lifeline != nil {
		o.Outage, o.Guarded = p.lifeline.Outage, p.lifeline.Protects
	}
	for _, z := range c.Pinned {
		if z.Name != lookup.Root {
			o.Elsewhere = append(o.Elsewhere, z.Name)
		}
	}
	set := override.New(o)
	set.Load()
	return set
}

func configuredOverrides(c *config.Config) (all []override.Override) {
	for _, o := range c.Overrides {
		one := override.Override{
			Zone: o.Zone, When: override.When(o.When), Views: o.Views, Servers: o.Servers, DS: o.DS, Mirror: o.Mirror,
			File: o.File, Store: o.Store,
		}
		for _, s := range o.Primaries {
			one.Primaries, one.Keys = append(one.Primaries, s.Address), append(one.Keys, s.Key)
		}
		for _, h := range o.Pin {
			one.Pin = append(one.Pin, override.Host{Name: h.Name, Addrs: h.Addresses})
		}
		if one.Kind = kindOf(one); one.Kind == override.Local {
			one.MaxHold, one.Absent = o.MaxHold, override.Absent(o.Absent)
		}
		all = append(all, one)
	}
	return all
}

// kindOf is the kind of an override by what is said of it.
func kindOf(o override.Override) override.Kind {
	switch {
	case o.File != "" || len(o.Primaries) > 0:
		return override.Local
	case o.Mirror != "":
		return override.Mirror
	case len(o.Pin) > 0:
		return override.Pin
	}
	return override.Servers
}

// overrideSource makes what is behind an override.
func (p *parts) overrideSource(c *config.Config, o override.Override) (override.Source, error) {
	switch {
	case o.File != "":
		zone, err := zones.LoadFile(o.File, o.Zone)
		if err != nil {
			return override.Source{}, err
		}
		held, err := authorityOf(zone)
		return override.Source{Held: func() (lookup.Resolver, bool, bool) { return held, false, true }}, err
	case o.Kind == override.Local:
		return p.copied(c, o), nil
	}
	return p.pathOf(o)
}

func authorityOf(zone *zones.Zone) (*authoritative.Authority, error) {
	tree, err := zones.NewTree(zone)
	if err != nil {
		return nil, err
	}
	return authoritative.New(tree), nil
}

// copied is a zone that is copied from primaries for an override alone.
func (p *parts) copied(c *config.Config, o override.Override) override.Source {
	one := secondary.New(secondary.Options{
		Zone: o.Zone, Primaries: o.Primaries, Store: o.Store, Hold: o.MaxHold,
		Unvalidated: true, Verify: newZONEMD(c.DNSSEC, p.trusted).verify,
		Turn: p.turns.take, Dial: dialer("tcp", p.transfers.Source),
		Observe: func(e secondary.Event) { logCopy(p.log, e) },
		Key: func(primary netip.AddrPort) (tsig.Key, bool) {
			if i := slices.Index(o.Primaries, primary); i >= 0 && i < len(o.Keys) && o.Keys[i] != "" {
				return p.primary.Key(o.Keys[i])
			}
			return tsig.Key{}, false
		},
	})
	type made struct {
		zone *zones.Zone
		held *authoritative.Authority
	}
	var last atomic.Pointer[made]
	return override.Source{
		Held: func() (lookup.Resolver, bool, bool) {
			zone, expired, ok := one.Late()
			if !ok {
				return nil, false, false
			}
			m := last.Load()
			if m == nil || m.zone != zone {
				held, err := authorityOf(zone)
				if err != nil {
					return nil, false, false
				}
				m = &made{zone, held}
				last.Store(m)
			}
			return m.held, expired, true
		},
		Run: one.Run,
	}
}

// pathOf is a resolver of its own that asks the servers of an override: what it hears
// nobody else does.
func (p *parts) pathOf(o override.Override) (override.Source, error) {
	options := p.options
	options.Cache, options.CacheBytes, options.Referred = 0, overrideMemory, nil
	zone := resolver.Zone{Name: o.Zone, Servers: o.Servers, Insecure: true}
	for _, h := range o.Pin {
		for _, a := range h.Addrs {
			zone.Servers = append(zone.Servers, addrPort(a, options.Port))
		}
	}
	options.Zones = []resolver.Zone{zone}
	validation := options.Validation
	options.Validation = resolver.Validation{Policy: validation.Policy, Now: validation.Now, Turns: validation.Turns}
	if len(o.DS) > 0 {
		anchor, err := anchorOf(o, validation.Policy)
		if err != nil {
			return override.Source{}, err
		}
		options.Validation.Anchor = func(name lookup.Name) (resolver.Anchor, bool) {
			return anchor, name.IsSubdomainOf(o.Zone)
		}
	}
	return override.Source{Path: resolver.New(options)}, nil
}

// anchorOf is the DS of an override as a trust anchor.
func anchorOf(o override.Override, policy dnssec.Policy) (resolver.Anchor, error) {
	var text string
	for _, ds := range o.DS {
		text += fmt.Sprintf("%s IN DS %s\n", o.Zone, ds)
	}
	read, err := anchors.Read("ds", text, time.Now())
	if err != nil {
		return resolver.Anchor{}, err
	}
	set, err := anchors.NewSet(read, nil, policy)
	if err != nil {
		return resolver.Anchor{}, err
	}
	if warnings := set.Warnings(); len(warnings) > 0 {
		return resolver.Anchor{}, errors.New(warnings[0])
	}
	a, ok := set.Closest(o.Zone, time.Now())
	if !ok || a.Zone != o.Zone {
		return resolver.Anchor{}, errors.New("ds: there is no DS of the zone in it")
	}
	return resolver.Anchor(a), nil
}

// overriding yields the resolvers of overrides.
func (p *parts) overriding() iter.Seq[*resolver.Resolver] {
	return func(yield func(*resolver.Resolver) bool) {
		for path := range p.overrides.Paths() {
			if r, ok := path.(*resolver.Resolver); ok && !yield(r) {
				return
			}
		}
	}
}

// overrideMoved has operators read what has happened to overrides, and whoever wants to
// know be told when one begins and ceases to answer in an outage. Of a protected zone it is
// said what the servers of the zone above say.
func (p *parts) overrideMoved(e override.Event) {
	if e.Kind == override.Trouble {
		p.log.Error("override", "problem", e.Err)
		return
	}
	args := []any{"zone", e.Override.Zone}
	add := func(key, value string) {
		if value != "" {
			args = append(args, key, value)
		}
	}
	if e.Override.Kind != "" {
		args = append(args, "kind", e.Override.Kind, "target", e.Override.Target(), "when", e.Override.When)
	}
	add("by", e.By)
	if !e.Until.IsZero() {
		add("until", e.Until.UTC().Format(time.RFC3339))
	}
	add("view", e.View)
	add("reason", e.Why)
	var last lifeline.Ballot
	if p.lifeline != nil && (e.Kind == override.Began || e.Kind == override.Rests) {
		s, _ := p.lifeline.StatusOf(e.Override.Zone)
		last = s.Last
	}
	if len(last.Votes) > 0 {
		args = append(args, "ballot", last.String(), "votes", votesText(last))
	}
	p.log.Log(context.Background(), slog.LevelWarn, "override "+string(e.Kind), args...)
	told := notice{Zone: e.Override.Zone.String(), From: "rests", To: "answers", Kind: "override", Reason: e.Why, Ballot: last.String(), At: time.Now()}
	switch e.Kind {
	case override.Began:
		p.notifier.tell(told)
	case override.Rests:
		told.From, told.To = told.To, told.From
		p.notifier.tell(told)
	}
}

// overrideCounts are the overrides for the metrics. Those that are the same but for their
// views are one.
func (p *parts) overrideCounts() (told metrics.Overrides) {
	for _, s := range p.overrides.List() {
		one := metrics.Override{Zone: s.Zone.String(), Kind: string(s.Kind), When: string(s.When)}
		i := slices.IndexFunc(told.All, func(m metrics.Override) bool { m.InForce = false; return m == one })
		if i < 0 {
			i, told.All = len(told.All), append(told.All, one)
		}
		told.All[i].InForce = told.All[i].InForce || s.InForce
	}
	for o, n := range p.overrides.Answers() {
		told.Answers = append(told.Answers, metrics.OverrideAnswers{Zone: o.Zone.String(), Kind: string(o.Kind), Count: n})
	}
	return told
}
