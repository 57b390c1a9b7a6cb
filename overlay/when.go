package overlay

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/sextant-dns/sextant/geo"
	"github.com/sextant-dns/sextant/lookup"
)

// when reads $WHEN CONDITION[,CONDITION...] [keep=TYPE[,TYPE...]].
func (l *loader) when(s *scope, d token, words []token) {
	if s.site != "" {
		l.mistake(d.at, "write $AT * before it", "$WHEN within $AT %s (%s)", s.site, s.at)
		s.site = ""
	}
	s.when, s.keep, s.within = nil, nil, d.at // if the condition is wrong, what follows is for nobody
	if len(words) == 0 {
		l.mistake(d.at, "$WHEN * is for everyone", "$WHEN needs a condition")
		return
	}
	all, ok := l.conditions(words[0])
	if !ok {
		return
	}
	s.when = all
	if len(all) == 1 && all[0].Everyone() {
		s.within = Position{}
	}
	for _, w := range words[1:] {
		key, value, ok := w.cut("=")
		noView := slices.ContainsFunc(all, func(c Condition) bool { _, view := c.View(); return !view })
		switch {
		case !ok || key.text != "keep":
			hint := fmt.Sprintf("write %s,%s for either of them, or %s+%s for both at once", words[0].text, w.text, words[0].text, w.text)
			if near := nearest(key.text, []string{"keep"}); ok || near != "" {
				hint = "only keep=TYPE stands after the condition"
			}
			l.mistake(w.at, hint, "%q is more than $WHEN takes", w.text)
		case noView:
			l.mistake(w.at, "without a view, other types stay anyway", "keep= belongs to conditions that name a view")
		default:
			s.keep = append(s.keep, l.types(value)...)
		}
	}
}

func (l *loader) types(list token) (all []lookup.Type) {
	for _, part := range list.split(",") {
		if t, ok := l.recordType(part); ok {
			all = append(all, t)
		}
	}
	return all
}

// conditions reads alternatives, with commas between them.
func (l *loader) conditions(t token) (all []Condition, ok bool) {
	ok = true
	for _, part := range t.split(",") {
		c, good := l.condition(part)
		if i := slices.IndexFunc(all, func(d Condition) bool { return d.String() == c.String() }); good && i >= 0 {
			l.mistake(part.at, "", "%s stands here twice", c)
			good = false
		}
		all = append(all, c)
		ok = ok && good
	}
	return all, ok
}

// condition reads terms with + between them, or *.
func (l *loader) condition(t token) (c Condition, ok bool) {
	c.At = t.at
	if t.text == "*" {
		return c, true
	}
	for _, part := range t.split("+") {
		term, ok := l.term(part)
		if !ok {
			return c, false
		}
		for _, other := range c.Terms {
			if term == other {
				l.mistake(part.at, "", "%s stands here twice", term)
				return c, false
			}
			if contradict(term, other) {
				l.mistake(part.at, "a comma in place of the + is for clients of either", "no client is in %s and %s", other, term)
				return c, false
			}
		}
		c.Terms = append(c.Terms, term)
	}
	slices.SortStableFunc(c.Terms, inCanonicalOrder)
	return c, true
}

// inCanonicalOrder puts the most specific term first, and those that are alike in the order
// of their text: then equal conditions have equal terms.
func inCanonicalOrder(a, b Term) int {
	if order := b.rank() - a.rank(); order != 0 {
		return order
	}
	return strings.Compare(a.Selector.Value, b.Selector.Value)
}

func (l *loader) term(t token) (Term, bool) {
	var term Term
	if rest, not := strings.CutPrefix(t.text, "!"); not {
		term.Not = true
		t = t.from(len(t.text) - len(rest))
	}
	if t.text == "" {
		l.mistake(t.at, "", "a selector is missing")
		return term, false
	}
	if t.text == "*" {
		hint := "leave it out"
		if term.Not {
			hint = ""
		}
		l.mistake(t.at, hint, "* is everyone, and stands alone")
		return term, false
	}
	var ok bool
	term.Selector, ok = l.selector(t)
	return term, ok
}

func (l *loader) selector(t token) (geo.Selector, bool) {
	text := t.plain()
	s, err := geo.ParseSelector(text)
	if err != nil {
		why := strings.TrimPrefix(err.Error(), fmt.Sprintf("%s: %q: ", geo.ErrSelector, text))
		if meant := l.meant(text); meant != "" {
			why = meant
		}
		l.mistake(t.at, why, "%q is not a selector", text)
		return s, false
	}
	l.selectorMust(s, t.at)
	return s, true
}

// meant is a hint of what somebody may want to say with what is no selector.
func (l *loader) meant(text string) string {
	lower := strings.ToLower(text)
	try := map[string]string{"default": "*", "any": "*", "all": "*", "global": "*", "world": "*", "everyone": "*"}[lower]
	if try != "" {
		return "did you mean " + try + "?"
	}
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		return fmt.Sprintf("did you mean %s/%d?", a, a.BitLen())
	}
	for _, try := range []string{strings.ReplaceAll(lower, "_", "-"), "as" + lower} {
		if s, err := geo.ParseSelector(try); err == nil && try != lower {
			return "did you mean " + s.String() + "?"
		}
	}
	if l.isSite(text) {
		return "this is a site; sites stand after the ="
	}
	if len(lower) > 2 && strings.Trim(lower, "abcdefghijklmnopqrstuvwxyz") == "" {
		return "a country code is two letters (ISO 3166-1); cities are written city:NAME"
	}
	return ""
}

func (l *loader) isSite(name string) bool {
	_, known := l.sites[name]
	return known
}
