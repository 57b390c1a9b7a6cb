package overlay

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/sextant-dns/sextant/geo"
	"github.com/sextant-dns/sextant/lookup"
)

// expect reads $EXPECT OWNER TYPE [from WHO] [down=SITES] [view=NAME] [scope<=N]
// [prefixes<N] [= DATA...].
func (l *loader) expect(s *scope, d token, words []token) {
	if len(words) < 2 {
		l.mistake(d.at, "write $EXPECT OWNER TYPE from WHO = DATA", "$EXPECT is incomplete")
		return
	}
	owner, ok := l.name(s, words[0])
	if !ok {
		return
	}
	t, ok := l.recordType(words[1])
	if !ok {
		return
	}
	e := Expectation{Owner: owner, Type: t, Scope: -1, Text: textOf(d, words), At: d.at}
	if !l.expectation(s, &e, words[1], words[2:]) {
		return
	}
	if e.Data == nil && !e.Nothing && e.Scope < 0 && e.Prefixes == 0 {
		l.mistake(d.at, "end it with = DATA, = none, scope<=N or prefixes<N", "nothing is expected")
		return
	}
	l.overlay.Expectations = append(l.overlay.Expectations, e)
}

func textOf(d token, words []token) string {
	text := []string{d.text}
	for _, w := range words {
		text = append(text, w.text)
	}
	return strings.Join(text, " ")
}

// expectation reads what follows the type.
func (l *loader) expectation(s *scope, e *Expectation, kind token, words []token) bool {
	for i := 0; i < len(words); i++ {
		w := words[i]
		key, value, assigned := w.cut("=")
		switch {
		case strings.HasPrefix(w.text, "="):
			return l.expected(s, e, kind, words[i:])
		case w.text == "from" && i+1 < len(words):
			i++
			if !l.from(e, words[i]) {
				return false
			}
		case w.index("<") > 0:
			if !l.bound(e, w) {
				return false
			}
		case assigned && key.text == "down":
			for _, site := range value.split(",") {
				l.mustSite(site)
				e.Down = append(e.Down, site.text)
			}
		case assigned && key.text == "view":
			e.View = value.plain()
			l.named = append(l.named, named{"view", e.View, value.at})
		default:
			l.mistake(w.at, "what can stand here is from WHO, down=SITES, view=NAME, scope<=N, prefixes<N and, with blanks around the =, = DATA", "%q is not understood", w.text)
			return false
		}
	}
	return true
}

// from reads an address, a network, a selector, or *.
func (l *loader) from(e *Expectation, t token) bool {
	text := t.plain()
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		e.From = netip.PrefixFrom(a, a.BitLen())
		return true
	}
	if text == "*" {
		return true
	}
	selector, ok := l.selector(t)
	if !ok {
		return false
	}
	switch selector.Kind {
	case geo.View:
		l.mistake(t.at, "write view="+selector.Value, "a view is not where somebody asks from")
		return false
	case geo.Network:
		e.From = network(selector)
	default:
		e.Selector = selector
	}
	return true
}

// bound reads scope<=N or prefixes<N.
func (l *loader) bound(e *Expectation, t token) bool {
	i := t.index("<")
	key, number := t.text[:i], t.from(i+1)
	less := 1
	if rest, equal := strings.CutPrefix(number.text, "="); equal {
		number, less = number.from(1), 0
		number.text = rest
	}
	n, err := strconv.Atoi(number.text)
	switch {
	case err != nil || n < 0 || n > 1<<31-2:
		l.mistake(number.at, "write it without blanks: scope<=24", "%q is not a number", number.text)
	case key == "scope" && n-less >= 0 && n-less <= 128:
		e.Scope = n - less
		return true
	case key == "scope":
		l.mistake(number.at, "", "a scope has 0 to 128 bits")
	case key == "prefixes" && n+1-less > 0:
		e.Prefixes = n + 1 - less
		return true
	case key == "prefixes":
		l.mistake(number.at, "", "there is one prefix at least")
	default:
		l.mistake(t.at, instead(key, "bounds", []string{"scope", "prefixes"}), "nothing is known of %s", key)
	}
	return false
}

// expected reads = and the data of records: each = begins one, and where data is one
// word, so does each word.
func (l *loader) expected(s *scope, e *Expectation, kind token, words []token) bool {
	var records [][]token
	for _, w := range words {
		if rest, begins := strings.CutPrefix(w.text, "="); begins {
			records = append(records, nil)
			if w = w.from(len(w.text) - len(rest)); rest == "" {
				continue
			}
		}
		last := &records[len(records)-1]
		if len(*last) > 0 && isOneWord(e.Type) {
			records = append(records, nil)
			last = &records[len(records)-1]
		}
		*last = append(*last, w)
	}
	if len(records) == 1 && len(records[0]) == 1 && records[0][0].text == "none" {
		e.Nothing = true
		return true
	}
	for _, r := range records {
		if len(r) == 0 {
			l.mistake(words[0].at, "write = DATA, or = none", "nothing stands after =")
			return false
		}
		rdata, ok := l.rdata(s, e.Type, kind, r)
		if !ok {
			return false
		}
		e.Data = append(e.Data, rdata)
	}
	slices.Sort(e.Data)
	e.Data = slices.Compact(e.Data)
	return true
}

// isOneWord tells whether data of a type is one word, so that several stand in a row.
func isOneWord(t lookup.Type) bool {
	switch t {
	case lookup.TypeA, lookup.TypeAAAA, lookup.TypeCNAME, lookup.TypeNS, lookup.TypePTR:
		return true
	}
	return false
}

// String is the line.
func (e Expectation) String() string { return fmt.Sprintf("%s: %s", e.At, e.Text) }
