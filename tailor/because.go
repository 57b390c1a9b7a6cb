package tailor

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/sextant-dns/sextant/geo"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/overlay"
)

// Because is why a Finding is as it is. It costs nothing before somebody asks.
type Because struct {
	zone *Zone
	node *node
	memo *memo
	t    lookup.Type
	at   netip.Prefix
}

// hides tells whether a view's rule takes the place of all that the name has.
func (b Because) hides() bool {
	for _, c := range b.node.candidates {
		if c.view && b.memo.chart.truth(*c.when).of(b.class()) {
			return true
		}
	}
	return false
}

func (b Because) class() geo.Class {
	if b.memo.chart.m == nil || !b.at.IsValid() {
		return 0
	}
	c, _ := b.memo.chart.m.Locate(b.at)
	return c
}

// Explanation is a Because in full.
type Explanation struct {
	View   string
	What   string            // "rule", "route", "alias", "base", or "nothing"
	When   overlay.Condition // that won, as it is written; for base and nothing: everyone
	At     overlay.Position  // of what won; zero for base and nothing
	Place  []geo.Selector    // what is true of the client, of what zones use
	Sites  []SiteState       // of the route's choice, in its order
	Pick   int               // how many of them answer
	Down   overlay.Down      // what if all are down
	Around netip.Prefix      // the widest network that hears the same; zero: everyone
	Beside netip.Prefix      // the largest network next to Around that does not
	Spread
}

// SiteState is how a site is.
type SiteState struct {
	Name      string
	Weight    uint32
	Up, Drain bool
}

// Explain says all of it. It takes as long as counting all prefixes does: milliseconds.
func (b Because) Explain() Explanation {
	e := Explanation{What: "base"}
	if b.zone == nil {
		return e
	}
	e.View = b.zone.options.View
	class := b.class()
	if b.memo.chart.m != nil {
		e.Place = b.memo.chart.m.Selectors(class)
	}
	if p := b.memo.partition; p != nil && b.at.IsValid() {
		group, around := p.locate(b.at)
		e.Around, e.Beside = around, p.beside(group, around)
	}
	e.Spread = b.memo.spread()
	in := newBuilder(b.zone, b.node, b.memo.chart)
	switch i := in.winner(b.t, class); i {
	case toBase:
	case toNothing:
		e.What = "nothing"
	default:
		in.say(&e, b.node.candidates[i], class)
	}
	return e
}

// say fills in what a candidate is.
func (b *builder) say(e *Explanation, c candidate, class geo.Class) {
	e.When = *c.written()
	switch {
	case c.rule != nil:
		e.What, e.At = "rule", c.rule.At
	case c.alias != nil:
		e.What, e.At = "alias", c.alias.At
	default:
		e.What, e.At, e.Pick, e.Down = "route", c.choice.At, max(c.route.Pick, 1), c.route.Down
		for _, s := range b.zone.stops(c, b.order(c, class)) {
			up, drain := usable(b.zone.health(), s.site, b.node.name)
			e.Sites = append(e.Sites, SiteState{s.site.Name, s.weight, up, drain})
		}
	}
}

// beside is the largest part of around's sibling that is of another group.
func (p *partition) beside(group int, around netip.Prefix) (found netip.Prefix) {
	if p.equal == nil || around.Bits() <= 0 {
		return found
	}
	outer := netip.PrefixFrom(around.Addr(), around.Bits()-1).Masked()
	for q, class := range p.equal.Prefixes() {
		if outer.Overlaps(q) && q != around && p.group(class) != group && (!found.IsValid() || q.Bits() < found.Bits()) {
			found = q
		}
	}
	return found
}

// String is the explanation in one line, without the count of prefixes.
func (b Because) String() string {
	if b.zone == nil {
		return "as the zone file has it"
	}
	e := b.Explain()
	var text strings.Builder
	if e.View != "" {
		text.WriteString("view " + e.View + " > ")
	}
	switch e.What {
	case "base":
		text.WriteString("nothing in the overlay is for this client: as the zone file has it")
	case "nothing":
		text.WriteString("the overlay takes the place of all that the name has")
	default:
		fmt.Fprintf(&text, "%s (%s:%d) > %s", e.What, e.At.File, e.At.Line, e.When)
	}
	if len(e.Place) > 0 {
		text.WriteString("; the client is in")
		for _, s := range e.Place {
			text.WriteString(" " + s.String())
		}
	}
	for i, s := range e.Sites {
		text.WriteString([]string{"; sites ", " · "}[min(i, 1)] + s.String())
	}
	if e.Around.IsValid() {
		fmt.Fprintf(&text, "; all of %s hear the same", e.Around)
	}
	if e.Beside.IsValid() {
		fmt.Fprintf(&text, ", %s does not", e.Beside)
	}
	return text.String()
}

// String is the site with its state.
func (s SiteState) String() string {
	state := "DOWN"
	switch {
	case s.Up && s.Drain:
		state = "DRAIN"
	case s.Up:
		state = "UP"
	}
	if s.Weight > 0 {
		return fmt.Sprintf("%s:%d %s", s.Name, s.Weight, state)
	}
	return s.Name + " " + state
}
