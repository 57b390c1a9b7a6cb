package main

import (
	"fmt"
	"slices"

	"github.com/sextant-dns/sextant/anchors"
	"github.com/sextant-dns/sextant/config"
	"github.com/sextant-dns/sextant/ecs"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/override"
	"github.com/sextant-dns/sextant/rebinding"
	"github.com/sextant-dns/sextant/resolver"
	"github.com/sextant-dns/sextant/special"
)

// buildRecursive is what a view hears with RD set, but for DNS64; ours puts our zones
// before the rest, nil: what ALIAS records hear of names that are in none of them.
func (p *parts) buildRecursive(c *config.Config, v config.View, ours func(next lookup.Resolver) lookup.Resolver) (lookup.Resolver, error) {
	policy, err := ecs.NewPolicy(ecsOptions(v.ECS))
	if err != nil {
		return nil, err
	}
	internet, err := p.buildInternet(c, v, policy)
	if err != nil {
		return nil, err
	}
	if _, err := sheltered(internet, c, v); err != nil {
		return nil, err
	}
	return p.overrides.Before(override.View{
		Name: v.Name,
		Next: internet,
		Ours: ours,
		Through: func(path lookup.Resolver, leave func(lookup.Name) bool) lookup.Resolver {
			return path.(*resolver.Resolver).Until(leave, policy) // overrideSource has made it
		},
		// Who has an alias to a name of ours on the Internet does not get at its private address.
		Inward: func(next lookup.Resolver) lookup.Resolver {
			filter, _ := sheltered(next, c, v) // it works as it did above
			return filter
		},
	}), nil
}

// buildInternet is what a view hears of names that are not ours and not overridden.
func (p *parts) buildInternet(c *config.Config, v config.View, policy *ecs.Policy) (lookup.Resolver, error) {
	overridden := p.overrides.Covers(v.Name)
	internet := p.recurse.Until(overridden, policy)
	if p.lifeline != nil {
		internet = p.lifeline.GuardUntil(internet, func(path lookup.Resolver) lookup.Resolver {
			if known, ok := path.(*knownPath); ok {
				return known.with(overridden, policy)
			}
			return path
		}, overridden)
	}
	if p.anchors != nil && c.DNSSEC.Sentinel {
		internet = anchors.Sentinels(internet, p.anchors.Set)
	}
	internet, err := sheltered(internet, c, v)
	if err != nil {
		return nil, err
	}
	if c.SpecialNames.Answer {
		off := slices.Clone(c.SpecialNames.Except)
		for _, z := range c.Pinned {
			if z.Name != lookup.Root { // who names servers for home.arpa wants them asked
				off = append(off, z.Name)
			}
		}
		internet = special.New(internet, special.Options{Off: off})
	}
	return internet, nil
}

// sheltered is r without private addresses where they must not be, if so configured.
func sheltered(r lookup.Resolver, c *config.Config, v config.View) (lookup.Resolver, error) {
	if !c.Rebinding.Filter {
		return r, nil
	}
	o := rebinding.Options{Private: c.Rebinding.Private, Domains: c.Rebinding.Domains}
	for _, prefix := range v.DNS64.Prefixes {
		if prefix.Synthesize {
			o.Prefixes = append(o.Prefixes, prefix.Prefix)
		}
	}
	filter, err := rebinding.New(r, o)
	if err != nil {
		return nil, fmt.Errorf("rebinding: %w", err)
	}
	return filter, nil
}
