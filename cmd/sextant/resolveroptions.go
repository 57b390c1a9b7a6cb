package main

import (
	"cmp"
	"fmt"
	"net/netip"
	"os"
	"slices"

	"github.com/sextant-dns/sextant/config"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
)

func (p *parts) resolverOptions(c *config.Config, w wiring) (resolver.Options, error) {
	r, hints := c.Resolver, w.hints
	if r.RootHints != "" {
		f, err := os.Open(r.RootHints)
		if err != nil {
			return resolver.Options{}, fmt.Errorf("root hints: %w", err)
		}
		defer f.Close()
		if hints, err = resolver.ParseHints(f); err != nil {
			return resolver.Options{}, fmt.Errorf("root hints: %s: %w", r.RootHints, err)
		}
	}
	if c.Cache.MinTTL > 0 || c.Cache.MinNegativeTTL > 0 {
		p.log.Warn("cache: answers are kept for longer than their zones say, and changes are seen late",
			"min-ttl", c.Cache.MinTTL, "min-negative-ttl", c.Cache.MinNegativeTTL)
	}
	exchanger := w.exchanger
	if exchanger == nil {
		p.client = newClient(r)
		exchanger = p.client
	}
	zones, err := p.resolverZones(c.Pinned)
	if err != nil {
		return resolver.Options{}, err
	}
	return resolver.Options{
		Exchanger:      exchanger,
		Hints:          hints,
		Port:           r.Port,
		NoIPv4:         !r.IPv4,
		NoIPv6:         !r.IPv6,
		NoPriming:      !r.Priming,
		NoMinimise:     !r.Minimise,
		Prefetch:       r.Prefetch,
		Complete:       !c.Responses.Minimal,
		Any:            anyAnswer(c.Responses.Any),
		DoNotQuery:     append([]netip.Prefix{}, r.DoNotQuery...), // not nil, which is the resolver's default
		Snoop:          r.Snoop,
		NXDomainCut:    r.NXDomainCut,
		Grace:          c.Lifeline.GraceDelegation,
		NoHardenGlue:   !r.HardenGlue,
		Stale:          staleOptions(c.Stale),
		Zones:          zones,
		Cache:          c.Cache.Responses,
		CacheBytes:     c.Cache.Memory - packetMemory(c.Cache),
		MaxTTL:         c.Cache.MaxTTL,
		MaxNegativeTTL: c.Cache.MaxNegativeTTL,
		MinTTL:         c.Cache.MinTTL,
		MinNegativeTTL: c.Cache.MinNegativeTTL,
		Timeout:        r.Timeout,
		Deadline:       r.Deadline,
		Limits:         limits(c),
		Waiting:        r.WaitingPerName,
		PerZone:        cmp.Or(r.FetchesPerZone, -1), // to the resolver, 0 is its default and less is any number
		Observe:        p.exchanges.observe,
		Referred:       p.referred,
		IntN:           w.intN,
		Now:            w.now,
		Validation:     validation(c.DNSSEC, p.anchors),
	}, nil
}

func staleOptions(c config.Stale) resolver.Stale {
	s := resolver.Stale{Enabled: c.Serve, ClientTimer: c.After, MaxAge: c.MaxAge, TTL: c.TTL}
	if c.After == 0 {
		s.ClientTimer = -1 // to the resolver, 0 is its default and less is not at all
	}
	return s
}

// limits are of one client query. DNS64 walks a chain of aliases twice, for AAAA
// and for A, and both walks are paid from one ledger.
func limits(c *config.Config) lookup.Limits {
	l := lookup.Limits{Upstream: c.Resolver.MaxUpstream, Aliases: c.Resolver.MaxAliases}
	if slices.ContainsFunc(c.Views, func(v config.View) bool { return synthesizes(v.DNS64) }) {
		l.Aliases *= 2
	}
	return l
}
