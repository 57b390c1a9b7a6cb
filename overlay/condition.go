package overlay

import (
	"cmp"
	"iter"
	"net/netip"
	"slices"
	"strings"

	"github.com/sextant-dns/sextant/geo"
)

// Everyone tells whether the condition has no terms, and so holds for all clients.
func (c Condition) Everyone() bool { return len(c.Terms) == 0 }

// View is the view that clients must be in, if the condition names one. What a client
// must not be in does not count.
func (c Condition) View() (name string, ok bool) {
	for _, t := range c.Terms {
		if t.Selector.Kind == geo.View && !t.Not {
			return t.Selector.Value, true
		}
	}
	return "", false
}

// Holds tells whether the condition is true of a client of whom has says which
// selectors are.
func (c Condition) Holds(has func(geo.Selector) bool) bool {
	for _, t := range c.Terms {
		if has(t.Selector) == t.Not {
			return false
		}
	}
	return true
}

// String is the condition as $WHEN has it: terms joined by +, the most specific first,
// or * for everyone.
func (c Condition) String() string {
	if c.Everyone() {
		return "*"
	}
	var terms []string
	for _, t := range c.Terms {
		terms = append(terms, t.String())
	}
	return strings.Join(terms, "+")
}

// String is the term as $WHEN has it.
func (t Term) String() string {
	text := t.Selector.String()
	if label, name, ok := strings.Cut(text, ":"); ok && strings.ContainsAny(name, " \t+,=!;()\"\\") && t.Selector.Kind != geo.Network {
		text = label + `:"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
	}
	if t.Not {
		return "!" + text
	}
	return text
}

// Compare orders conditions by how specific they are, the more specific first: negative
// when c is more specific than d, and 0 when neither is. A view is more specific than a
// network, then come longer networks before shorter ones, sets, autonomous systems,
// cities, subdivisions, countries, continents; then, in the same order, what a client
// must not be; and last everyone. Of several terms the most specific are compared
// first, and where all of them are equal the condition with more terms wins.
func Compare(c, d Condition) int {
	for i := range min(len(c.Terms), len(d.Terms)) {
		if order := cmp.Compare(d.Terms[i].rank(), c.Terms[i].rank()); order != 0 {
			return order
		}
	}
	return cmp.Compare(len(d.Terms), len(c.Terms))
}

// rank is how specific a term is; more is more specific.
func (t Term) rank() int {
	rank := int(t.Selector.Kind) << 8
	if t.Selector.Kind == geo.Network {
		if p, err := netip.ParsePrefix(t.Selector.Value); err == nil {
			rank += p.Bits()
		}
	}
	if !t.Not { // most of the world is not in a network, and is in !network
		rank += 1 << 16
	}
	return rank
}

// exclusive tells whether no client can be of both conditions.
func exclusive(c, d Condition) bool {
	for _, s := range c.Terms {
		if slices.ContainsFunc(d.Terms, func(t Term) bool { return contradict(s, t) }) {
			return true
		}
	}
	return false
}

// contradict tells whether two terms cannot both be true of a client.
func contradict(s, t Term) bool {
	switch {
	case s.Not && t.Not:
		return false
	case s.Not:
		return within(t.Selector, s.Selector)
	case t.Not:
		return within(s.Selector, t.Selector)
	}
	return apart(s.Selector, t.Selector)
}

// within tells whether whoever is in small is in large, as far as their names tell.
func within(small, large geo.Selector) bool {
	switch {
	case small == large:
		return true
	case small.Kind == geo.Network && large.Kind == geo.Network:
		p, q := network(small), network(large)
		return q.Bits() <= p.Bits() && q.Contains(p.Addr())
	case small.Kind == geo.Subdivision && large.Kind == geo.Country:
		return country(small) == large.Value
	}
	return false
}

// apart tells whether nobody is in both a and b. A client is in one view, country and
// so on. Databases may have two levels of subdivisions; those of one country are taken
// to be of one level, which they are where somebody writes both.
func apart(a, b geo.Selector) bool {
	switch {
	case a == b:
		return false
	case a.Kind == geo.Subdivision && b.Kind == geo.Country:
		return country(a) != b.Value
	case a.Kind == geo.Country && b.Kind == geo.Subdivision:
		return country(b) != a.Value
	case a.Kind != b.Kind:
		return false
	}
	switch a.Kind {
	case geo.Network:
		return !network(a).Overlaps(network(b))
	case geo.Set:
		return false
	case geo.City: // a name and a number may mean the same city
		return isNumber(a.Value) == isNumber(b.Value)
	}
	return true
}

func country(subdivision geo.Selector) string {
	code, _, _ := strings.Cut(subdivision.Value, "-")
	return code
}

// network is the prefix of a selector of that kind, invalid if there is none in it.
func network(s geo.Selector) netip.Prefix {
	p, _ := netip.ParsePrefix(s.Value)
	return p
}

func isNumber(text string) bool { return strings.Trim(text, "0123456789") == "" }

// Conditions are those of rules, aliases and routes, in this order.
func (o *Overlay) Conditions() iter.Seq[Condition] {
	return func(yield func(Condition) bool) {
		for _, r := range o.Rules {
			if !yield(r.When) {
				return
			}
		}
		for _, a := range o.Aliases {
			if !yield(a.When) {
				return
			}
		}
		for _, r := range o.Routes {
			for _, c := range r.Choices {
				if !yield(c.When) {
					return
				}
			}
		}
	}
}

// Selectors are all that conditions use, each once, without views: what a geo.Map has
// to know.
func (o *Overlay) Selectors() []geo.Selector {
	var all []geo.Selector
	seen := map[geo.Selector]bool{}
	for c := range o.Conditions() {
		for _, t := range c.Terms {
			if t.Selector.Kind != geo.View && !seen[t.Selector] {
				seen[t.Selector] = true
				all = append(all, t.Selector)
			}
		}
	}
	return all
}
