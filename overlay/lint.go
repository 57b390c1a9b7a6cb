package overlay

import (
	"net/netip"
	"slices"

	"github.com/sextant-dns/sextant/geo"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/zones"
)

// checkCNAME sees to it that nobody hears a CNAME and other data (RFC 2181 10.1).
func (l *loader) checkCNAME(owner lookup.Name, claims []claim) {
	all := l.baseTypes(owner)
	const text = "%s: a CNAME beside other data, and it must be alone (RFC 2181 10.1)"
	alias := func(c claim) bool { return slices.Contains(c.types, lookup.TypeCNAME) }
	for i, c := range claims {
		_, view := c.when.View()
		base := all
		if view { // it takes the place of what the zone has, except that
			base = intersection(all, append(slices.Clone(c.keep), lookup.TypeSOA, lookup.TypeNS))
		}
		others := len(c.types) > 1 || len(c.types) == 1 && !alias(c)
		switch {
		case alias(c) && others:
			l.mistake(c.at, "all sites of a choice have it, or none", text, owner)
			return
		case alias(c) && slices.ContainsFunc(base, func(t lookup.Type) bool { return t != lookup.TypeCNAME }):
			l.mistake(c.at, "the zone has other data of that name; a CNAME there, or an ALIAS here, would do", text, owner)
			return
		case others && slices.Contains(base, lookup.TypeCNAME):
			l.mistake(c.at, "the zone has a CNAME of that name; only a CNAME takes its place", text, owner)
			return
		}
		if !alias(c) {
			continue
		}
		for j, d := range claims {
			_, dView := d.when.View()
			if i != j && !alias(d) && len(d.types) > 0 && view == dView && !l.apart(c.when, d.when) {
				l.mistake(c.at, "see "+d.at.String(), text, owner)
				return
			}
		}
	}
}

func intersection(a, b []lookup.Type) []lookup.Type {
	return slices.DeleteFunc(slices.Clone(a), func(t lookup.Type) bool { return !slices.Contains(b, t) })
}

// lintOwner looks at a name for what only some clients hear.
func (l *loader) lintOwner(owner lookup.Name, claims []claim) {
	l.lintNames(owner, claims)
	if i, ok := l.routes[owner]; ok {
		l.lintRoute(&l.overlay.Routes[i])
	}
}

// lintNames looks for names and types that some clients hear and others do not.
func (l *loader) lintNames(owner lookup.Name, claims []claim) {
	if l.Base == nil {
		return
	}
	everyone := func(t lookup.Type) bool {
		return slices.ContainsFunc(claims, func(c claim) bool {
			return c.when.Everyone() && (t == lookup.TypeNone || slices.Contains(c.types, t))
		})
	}
	i, routed := l.routes[owner]
	exists := l.Base.Find(owner, lookup.TypeA).Kind != zones.NXDomain
	switch first := claims[0]; {
	case !exists && !everyone(lookup.TypeNone):
		// RFC 7871 7.4: resolvers keep negative answers for all their clients.
		l.warn(first.at, "put a record of that name into the zone", "%s: exists for some clients only, and resolvers may tell them that it does not, because they keep that for everyone (RFC 7871 7.4)", owner)
		return
	case !exists && routed && l.overlay.Routes[i].Down == DownBase:
		l.warn(l.overlay.Routes[i].At, "put a last resort into the zone, or write down=all", "%s: is not in the zone, and does not exist when all sites are down", owner)
	}
	for _, c := range claims {
		if _, view := c.when.View(); view {
			continue
		}
		for _, t := range c.types {
			kind := l.Base.Find(owner, t).Kind
			if kind == zones.Answer || kind == zones.CNAME || kind == zones.NXDomain || everyone(t) {
				continue
			}
			l.warn(c.at, "put a default into the zone", "%s: %s has no default, so that other clients hear of none", owner, t)
			return
		}
	}
}

// lintRules looks for records that other servers could have, too.
func (l *loader) lintRules() {
	type place struct {
		owner lookup.Name
		t     lookup.Type
		in    netip.Prefix
	}
	networks := map[place]lookup.RRset{}
	for _, r := range l.overlay.Rules {
		if r.When.Everyone() {
			l.warn(r.At, "put it into the zone, which all servers can read", "%s: the same for everyone", about(r.Set.Name, r.Set.Type))
		}
		if p, ok := onlyNetwork(r.When); ok {
			networks[place{r.Set.Name, r.Set.Type, p}] = r.Set
		}
	}
	for _, r := range l.overlay.Rules {
		p, ok := onlyNetwork(r.When)
		for bits := p.Bits() - 1; ok && bits >= 0; bits-- {
			around, _ := p.Addr().Prefix(bits)
			if outer, there := networks[place{r.Set.Name, r.Set.Type, around}]; there {
				if outer.Data == r.Set.Data && outer.TTL == r.Set.TTL {
					l.warn(r.At, "", "%s: %s has no effect: it is in %s, which hears the same", about(r.Set.Name, r.Set.Type), p, around)
				}
				break
			}
		}
	}
}

func (l *loader) lintRoute(r *Route) {
	weights := false
	networks := map[netip.Prefix]Choice{}
	for _, c := range r.Choices {
		weights = weights || len(c.Sites) > 0 && c.Sites[0].Weight > 0
		if p, ok := onlyNetwork(c.When); ok {
			networks[p] = c
		}
		sites := len(c.Sites)
		if c.Nearest > 0 {
			sites = len(l.serving[r.Owner])
		}
		if most := max(r.Pick, c.Nearest); most > sites {
			l.warn(c.At, "", "%s: %d sites are wanted, and %d are there", r.Owner, most, sites)
		}
	}
	if r.StickyV4 > 0 && !weights {
		l.warn(r.At, "give weights, such as fra:9,iad:1", "%s: sticky says nothing without weights", r.Owner)
	}
	for _, c := range r.Choices {
		p, ok := onlyNetwork(c.When)
		if !ok {
			continue
		}
		for bits := p.Bits() - 1; bits >= 0; bits-- {
			around, _ := p.Addr().Prefix(bits)
			if d, ok := networks[around]; ok {
				if c.Nearest == d.Nearest && slices.Equal(c.Sites, d.Sites) {
					l.warn(c.At, "", "%s: %s has no effect: it is in %s, which has the same sites", r.Owner, p, around)
				}
				break
			}
		}
	}
}

// onlyNetwork is the network that a condition is about, if that is all.
func onlyNetwork(c Condition) (p netip.Prefix, ok bool) {
	if len(c.Terms) != 1 || c.Terms[0].Not || c.Terms[0].Selector.Kind != geo.Network {
		return p, false
	}
	return network(c.Terms[0].Selector), true
}

// lintSites looks for what nobody hears of. Sites that several zones share do not all
// have to be of use to each.
func (l *loader) lintSites() {
	used := map[int]bool{}
	for _, r := range l.overlay.Routes {
		for _, c := range r.Choices {
			for _, s := range l.choiceSites(r.Owner, c) {
				used[s] = true
			}
		}
	}
	unrouted := map[lookup.Name]bool{}
	for _, r := range l.records {
		if _, routed := l.routes[r.owner]; r.site != "" && !routed && !unrouted[r.owner] {
			unrouted[r.owner] = true
			l.warn(r.at, "it needs a $ROUTE", "%s: nobody hears what sites have for it", r.owner)
		}
	}
	for i, s := range l.overlay.Sites {
		if !used[i] && s.At.File == l.main {
			l.warn(s.At, "", "site %s is in no route", s.Name)
		}
	}
}
