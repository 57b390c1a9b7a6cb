package tailor

import (
	"math/rand/v2"
	"slices"
	"sync/atomic"

	"github.com/sextant-dns/sextant/geo"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/overlay"
	"github.com/sextant-dns/sextant/zones"
)

// Options are what a Zone needs beside its data. The zero value knows nothing of
// places, takes every site to be up, and is for no view.
type Options struct {
	View   string // the one view whose answers these are; "": none
	Atlas  *Atlas // where clients are; nil: nowhere, so that only what is for everyone holds
	Health Health // nil: sites are as state= says, and up without it

	// Tally counts answers, by way of Finding.Counter; nil: nobody does.
	Tally *Tally

	// Chance is uniform in [0, 1). The default is math/rand/v2's.
	Chance func() float64
}

// Zone is a zone with an overlay upon it, as one view sees them. It does not change, and
// is safe for concurrent use.
type Zone struct {
	base    *zones.Zone
	overlay *overlay.Overlay
	options Options
	sites   map[string]*overlay.Site
	nodes   map[lookup.Name]*node
	depth   int // labels of the name with the most
}

// node is a name that the overlay has, empty non-terminals included.
type node struct {
	name       lookup.Name
	candidates []candidate // the most specific first; none at an empty non-terminal
	types      []tailored  // those that the overlay decides about, ascending
	other      tailored    // all other types
	plain      bool        // all other types are the base's
	wildcard   bool        // the overlay has * directly below it
	views      bool        // a rule takes the place of the whole name
	routed     bool        // what is heard depends on sites
}

// tailored is a type at a node with what has been decided about it.
type tailored struct {
	t    lookup.Type
	memo atomic.Pointer[memo]
}

// candidate is something that some clients are to hear at a node. One of rule, alias and
// choice is set.
type candidate struct {
	when *overlay.Condition // without what it says of views, which is true here
	view bool               // it names this view, and so takes the place of the whole name

	rule   *overlay.Rule
	alias  *overlay.Alias
	choice *overlay.Choice

	route   *overlay.Route // of choice
	types   []lookup.Type  // that sites of route serve, whichever choice has them
	near    []*overlay.Site
	ranking string // of near, as the geo.Map knows it
}

// written is the condition as it stands in the file.
func (c candidate) written() *overlay.Condition {
	switch {
	case c.rule != nil:
		return &c.rule.When
	case c.alias != nil:
		return &c.alias.When
	}
	return &c.choice.When
}

// New lays o over base. Both must be of the same apex and not nil; neither is copied,
// and what o has for other views costs nothing.
func New(base *zones.Zone, o *overlay.Overlay, options Options) *Zone {
	if options.Chance == nil {
		options.Chance = rand.Float64
	}
	if options.Atlas == nil {
		options.Atlas = NewAtlas(nil)
	}
	z := &Zone{base: base, overlay: o, options: options, sites: map[string]*overlay.Site{}, nodes: map[lookup.Name]*node{}, depth: base.Apex().Labels()}
	for i := range o.Sites {
		z.sites[o.Sites[i].Name] = &o.Sites[i]
	}
	for i := range o.Rules {
		z.add(o.Rules[i].Set.Name, candidate{rule: &o.Rules[i]})
	}
	for i := range o.Aliases {
		z.add(o.Aliases[i].Owner, candidate{alias: &o.Aliases[i]})
	}
	served := serving(o)
	for i := range o.Routes {
		for _, c := range lead(&o.Routes[i], served) {
			z.add(c.route.Owner, c)
		}
	}
	for _, n := range z.nodes {
		z.finish(n)
	}
	return z
}

// Base is the zone that lies below.
func (z *Zone) Base() *zones.Zone { return z.base }

// Apex is the name of the zone.
func (z *Zone) Apex() lookup.Name { return z.base.Apex() }

// View is the view whose answers these are; "" is none.
func (z *Zone) View() string { return z.options.View }

// add takes a candidate in, unless it is never for this view.
func (z *Zone) add(owner lookup.Name, c candidate) {
	if !owner.IsSubdomainOf(z.base.Apex()) {
		return
	}
	var possible bool
	if c.when, c.view, possible = within(c.written(), z.options.View); possible {
		n := z.node(owner)
		n.candidates = append(n.candidates, c)
	}
}

// within is a condition as it looks in a view: what it says of views is true and left
// out, or false and the condition impossible. named tells that it names the view.
func within(c *overlay.Condition, view string) (rest *overlay.Condition, named, possible bool) {
	var terms []overlay.Term
	for _, t := range c.Terms {
		if t.Selector.Kind != geo.View {
			terms = append(terms, t)
			continue
		}
		if (t.Selector.Value == view) == t.Not {
			return nil, false, false
		}
		named = named || !t.Not
	}
	if len(terms) == len(c.Terms) {
		return c, false, true
	}
	return &overlay.Condition{Terms: terms, At: c.At}, named, true
}

// node is the node of a name in the zone, made with the empty non-terminals above it.
func (z *Zone) node(name lookup.Name) *node {
	if n, made := z.nodes[name]; made {
		return n
	}
	n := &node{name: name}
	z.nodes[name] = n
	z.depth = max(z.depth, name.Labels())
	if name != z.base.Apex() {
		up, _ := name.Parent()
		above := z.node(up)
		above.wildcard = above.wildcard || name.IsWildcard()
	}
	return n
}

// finish notes what a node's candidates have to do with.
func (z *Zone) finish(n *node) {
	slices.SortStableFunc(n.candidates, func(a, b candidate) int { return overlay.Compare(*a.written(), *b.written()) })
	var types []lookup.Type
	n.plain = true
	for _, c := range n.candidates {
		types = append(types, c.speaks()...)
		n.views = n.views || c.view
		n.routed = n.routed || c.route != nil
		if c.view || c.isCNAME() {
			n.plain = false
		}
	}
	base := z.base.At(n.name)
	if _, alias := lookup.Find(base, n.name, lookup.TypeCNAME); alias {
		n.plain = false // what stands beside it is not an alias
	}
	if slices.Contains(types, lookup.TypeA) || slices.Contains(types, lookup.TypeAAAA) {
		for _, s := range base {
			if isService(s.Type) { // whose hints must not contradict
				types = append(types, s.Type)
			}
		}
	}
	slices.Sort(types)
	types = slices.Compact(types)
	n.types = make([]tailored, len(types))
	for i, t := range types {
		n.types[i].t = t
	}
}

// speaks are the types that a candidate may decide about.
func (c candidate) speaks() []lookup.Type {
	switch {
	case c.rule != nil:
		return append([]lookup.Type{c.rule.Set.Type}, c.rule.Keep...)
	case c.alias != nil:
		return []lookup.Type{lookup.TypeA, lookup.TypeAAAA}
	}
	return c.types
}

// of is the tailored type of a node, if the overlay decides about it.
func (n *node) of(t lookup.Type) (found *tailored, ok bool) {
	for i := range n.types {
		if n.types[i].t == t {
			return &n.types[i], true
		}
	}
	if n.plain {
		return nil, false
	}
	return &n.other, true
}

// decides tells whether the overlay speaks of a type at a node.
func (n *node) decides(t lookup.Type) bool {
	for i := range n.types {
		if n.types[i].t == t {
			return true
		}
	}
	return false
}
