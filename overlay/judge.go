package overlay

import (
	"fmt"
	"maps"
	"slices"

	"github.com/sextant-dns/sextant/geo"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/zones"
)

// claim is what wants to answer clients of a condition for a name.
type claim struct {
	when  Condition
	types []lookup.Type // sorted
	keep  []lookup.Type // of the zone, beside a view's
	route bool          // it is a choice of a route
	at    Position
}

// judge sees to what can be said only when everything was read.
func (l *loader) judge() {
	spelled := len(l.errors) == 0 // what is missing may be in a line that was not understood
	l.group()
	l.checkZone()
	l.checkNamed()
	l.checkOwners()
	if !spelled || len(l.errors) > 0 {
		return
	}
	l.checkRoutes()
	claims := l.claims()
	for _, owner := range slices.SortedFunc(maps.Keys(claims), lookup.Name.Compare) {
		l.checkClaims(owner, claims[owner])
		l.checkCNAME(owner, claims[owner])
		l.lintOwner(owner, claims[owner])
	}
	l.lintRules()
	l.lintSites()
}

func (l *loader) checkZone() {
	if l.Base != nil && !l.Base.Absent() && l.Base.SOA().Sigs != "" {
		l.mistake(Position{File: l.main}, "serve the zone unsigned, or without an overlay", "zone %s is signed, and variants would have no signatures", l.overlay.Apex)
	}
}

// checkNamed sees to it that the sites, views and sets that are named are there.
func (l *loader) checkNamed() {
	var sites []string
	for _, s := range l.overlay.Sites {
		sites = append(sites, s.Name)
	}
	sets := slices.Sorted(maps.Keys(l.Sets))
	for _, n := range l.named {
		known, good := sites, l.isSite(n.name)
		switch n.what {
		case "view":
			known, good = l.Views, l.Views == nil || slices.Contains(l.Views, n.name)
		case "set":
			known, good = sets, l.Sets == nil || slices.Contains(sets, n.name)
		}
		if good {
			continue
		}
		l.mistake(n.at, instead(n.name, n.what+"s", known), "there is no %s %s", n.what, n.name)
	}
}

// checkOwners sees to it that names are in the zone, and not in one below it.
func (l *loader) checkOwners() {
	seen := map[lookup.Name]bool{}
	check := func(owner lookup.Name, at Position) {
		if !seen[owner] {
			seen[owner] = true
			l.checkOwner(owner, at)
		}
	}
	for _, r := range l.records {
		check(r.owner, r.at)
	}
	for _, a := range l.overlay.Aliases {
		check(a.Owner, a.At)
	}
	for _, r := range l.overlay.Routes {
		check(r.Owner, r.At)
	}
	for _, e := range l.overlay.Expectations {
		if !e.Owner.IsSubdomainOf(l.overlay.Apex) {
			l.mistake(e.At, "is a final dot too many?", "%s is not in zone %s", e.Owner, l.overlay.Apex)
		}
	}
}

func (l *loader) checkOwner(owner lookup.Name, at Position) {
	apex := l.overlay.Apex
	if !owner.IsSubdomainOf(apex) {
		l.mistake(at, "", "%s is not in zone %s", owner, apex)
		return
	}
	if apex != lookup.Root && owner.IsSubdomainOf(apex[:len(apex)-1]+apex) {
		l.warn(at, "", "%s: is a final dot missing?", owner)
	}
	if l.Base == nil {
		return
	}
	switch m := l.Base.Find(owner, lookup.TypeA); m.Kind {
	case zones.Delegation:
		l.mistake(at, "it belongs into the zone "+m.Set.Name.String(), "%s: at or below the zone cut %s", owner, m.Set.Name)
	case zones.DNAME:
		l.mistake(at, "", "%s: below the DNAME of %s (RFC 6672 2.4)", owner, m.Set.Name)
	default:
		if slices.Contains(l.baseTypes(owner), lookup.TypeDNAME) {
			l.mistake(at, "", "%s: has a DNAME, which all clients must hear", owner)
		}
	}
}

// baseTypes are the types that the zone has under a name.
func (l *loader) baseTypes(owner lookup.Name) (types []lookup.Type) {
	if l.Base != nil {
		for _, set := range l.Base.At(owner) {
			types = append(types, set.Type)
		}
	}
	return types
}

// claims are all claims to names.
func (l *loader) claims() map[lookup.Name][]claim {
	all := map[lookup.Name][]claim{}
	for _, r := range l.overlay.Rules {
		all[r.Set.Name] = append(all[r.Set.Name], claim{when: r.When, types: []lookup.Type{r.Set.Type}, keep: r.Keep, at: r.At})
	}
	for _, a := range l.overlay.Aliases {
		all[a.Owner] = append(all[a.Owner], claim{when: a.When, types: []lookup.Type{lookup.TypeA, lookup.TypeAAAA}, at: a.At})
	}
	for _, r := range l.overlay.Routes {
		if len(r.Choices) == 0 {
			continue
		}
		claims := slices.Grow(all[r.Owner], len(r.Choices))
		var types []lookup.Type
		for i, c := range r.Choices {
			// Alternatives stand behind each other, with the same sites.
			if i == 0 || c.Nearest != r.Choices[i-1].Nearest || !slices.Equal(c.Sites, r.Choices[i-1].Sites) {
				types = l.choiceTypes(r.Owner, c)
			}
			claims = append(claims, claim{when: c.When, types: types, route: true, at: c.At})
		}
		all[r.Owner] = claims
	}
	return all
}

// choiceTypes are the types that any site of a choice has, sorted.
func (l *loader) choiceTypes(owner lookup.Name, c Choice) (types []lookup.Type) {
	for _, s := range l.choiceSites(owner, c) {
		types = append(types, l.served[s][owner]...)
	}
	slices.Sort(types)
	return slices.Compact(types)
}

// choiceSites are the sites that a choice may lead to.
func (l *loader) choiceSites(owner lookup.Name, c Choice) (sites []int) {
	if c.Nearest > 0 {
		return l.serving[owner]
	}
	for _, share := range c.Sites {
		sites = append(sites, l.sites[share.Site])
	}
	return sites
}

// checkClaims sees to it that of two claims that may both be a client's one is more
// specific.
func (l *loader) checkClaims(owner lookup.Name, claims []claim) {
	claims = slices.Clone(claims)
	slices.SortStableFunc(claims, func(a, b claim) int { return Compare(a.when, b.when) })
	for len(claims) > 0 {
		n := 1
		for n < len(claims) && Compare(claims[0].when, claims[n].when) == 0 {
			n++
		}
		l.checkRun(owner, claims[:n])
		claims = claims[n:]
	}
}

// checkRun looks at claims that are equally specific. Most of them differ in their
// first term, and cannot be a client's both.
func (l *loader) checkRun(owner lookup.Name, run []claim) {
	buckets := map[geo.Selector][]claim{}
	for _, c := range run {
		var first geo.Selector
		if !c.when.Everyone() && !c.when.Terms[0].Not && c.when.Terms[0].Selector.Kind != geo.City && c.when.Terms[0].Selector.Kind != geo.Set {
			first = c.when.Terms[0].Selector
		}
		for _, d := range buckets[first] {
			if c.meets(d) && !l.apart(c.when, d.when) {
				l.ambiguous(owner, d, c)
				break
			}
		}
		buckets[first] = append(buckets[first], c)
	}
}

// meets tells whether two claims are to the same answers.
func (c claim) meets(d claim) bool {
	_, view := c.when.View()
	if view || c.route && d.route {
		// Of a view's names all types are replaced. Rules of one condition are one.
		return c.route || d.route || c.when.String() != d.when.String() || intersect(c.types, d.types)
	}
	return intersect(c.types, d.types)
}

func intersect(a, b []lookup.Type) bool {
	return slices.ContainsFunc(a, func(t lookup.Type) bool { return slices.Contains(b, t) })
}

// apart tells whether no client is of both conditions, by the networks of sets, too.
func (l *loader) apart(c, d Condition) bool {
	if exclusive(c, d) {
		return true
	}
	for _, s := range c.Terms {
		for _, t := range d.Terms {
			if s.Selector.Kind == geo.Set && t.Selector.Kind == geo.Set && !s.Not && !t.Not && l.setsApart(s.Selector.Value, t.Selector.Value) {
				return true
			}
		}
	}
	return false
}

// setsApart tells whether no address is in both sets, as they are now.
func (l *loader) setsApart(a, b string) bool {
	if l.Sets == nil {
		return false
	}
	for _, p := range l.Sets[a] {
		for _, q := range l.Sets[b] {
			if p.Overlaps(q) {
				return false
			}
		}
	}
	return true
}

func (l *loader) ambiguous(owner lookup.Name, a, b claim) {
	if comesAfter(l.files, a.at, b.at) {
		a, b = b, a
	}
	if a.when.String() == b.when.String() {
		l.mistake(b.at, "one of them has to go", "%s: %s is answered twice, here and at %s", owner, b.when, a.at)
		return
	}
	hint := fmt.Sprintf("write %s+!%s, or one of both", b.when, a.when)
	if len(a.when.Terms) > 1 {
		hint = "make one of them more specific, or exclude the other with !"
	} else if a.when.Terms[0].Not {
		hint = fmt.Sprintf("write %s+%s for what is in neither, and single ones for the rest", b.when, a.when)
	}
	l.mistake(b.at, hint, "%s: a client may be of %s and of %s (%s), and neither is more specific", owner, b.when, a.when, a.at)
}

func comesAfter(files map[string]int, a, b Position) bool {
	if a.File != b.File {
		return files[a.File] > files[b.File]
	}
	return a.Line > b.Line || a.Line == b.Line && a.Column > b.Column
}

// checkRoutes sees to it that sites have what routes want of them.
func (l *loader) checkRoutes() {
	l.indexSites()
	for _, r := range l.overlay.Routes {
		if len(r.Choices) == 0 {
			l.mistake(r.At, "write CONDITION=SITES, such as *=fra,iad", "the route of %s has no choice", r.Owner)
		}
		for _, c := range r.Choices {
			l.checkChoice(r.Owner, c)
		}
	}
}

// indexSites finds out what each site has, by name.
func (l *loader) indexSites() {
	l.serving = map[lookup.Name][]int{}
	for i, s := range l.overlay.Sites {
		served := map[lookup.Name][]lookup.Type{}
		for o := range s.Sets {
			served[o.Name] = append(served[o.Name], o.Type)
		}
		for owner := range served {
			l.serving[owner] = append(l.serving[owner], i)
		}
		l.served = append(l.served, served)
	}
}

func (l *loader) checkChoice(owner lookup.Name, c Choice) {
	for _, share := range c.Sites {
		if len(l.served[l.sites[share.Site]][owner]) == 0 {
			l.mistake(c.At, "write its records under $AT "+share.Site, "site %s has no record for %s", share.Site, owner)
		}
	}
	if c.Nearest == 0 {
		return
	}
	if len(l.serving[owner]) == 0 {
		l.mistake(c.At, "write records under $AT", "no site has a record for %s", owner)
	}
	for _, i := range l.serving[owner] {
		if s := l.overlay.Sites[i]; !s.Placed {
			l.mistake(c.At, "write at=LATITUDE,LONGITUDE there", "nearest wants to know where site %s is (%s)", s.Name, s.At)
		}
	}
}
