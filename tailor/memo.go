package tailor

import (
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/sextant-dns/sextant/geo"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/overlay"
	"github.com/sextant-dns/sextant/zones"
)

// memo is what has been decided about a name and type, under one Map and one state of
// health. It does not change.
type memo struct {
	zone      *Zone
	routed    bool
	chart     *chart
	epoch     uint64
	partition *partition // nil: all clients are of the one group
	answers   []answer   // by group
	positive  bool       // a group is answered by the overlay
	base      bool       // a group gets what the base has
}

// kind is what an answer is made of.
type kind uint8

const (
	fromBase kind = iota // what the base has
	nothing              // NODATA
	sets                 // an RRset of the overlay
	alias                // the addresses of a target
	chance               // one of several sites, or some of them
)

// answer is what the clients of a group hear.
type answer struct {
	kind   kind
	set    lookup.RRset
	alias  *overlay.Alias
	shares []share
	pick   int       // how many of the shares
	v4, v6 int       // networks of so many bits get the same; 0: chance decides
	by     []witness // whose states all of this follows from
	sites  []string  // whose RRs set is of

	counter *atomic.Uint64 // nil: nobody counts
}

// share is a site among which chance picks, with what it has; no Data: what the base has.
type share struct {
	site   string
	weight uint32
	set    lookup.RRset

	counter *atomic.Uint64
}

// memo is what is decided about a type of a node at present.
func (z *Zone) memo(n *node, decided *tailored) *memo {
	epoch := z.epoch(n.routed)
	chart := z.options.Atlas.now()
	if m := decided.memo.Load(); m != nil && m.chart == chart && m.epoch == epoch {
		return m
	}
	m := newBuilder(z, n, chart).build(decided.t)
	m.zone, m.routed, m.epoch = z, n.routed, epoch
	decided.memo.Store(m)
	return m
}

// epoch is that of the sites' health, if what is decided depends on it.
func (z *Zone) epoch(routed bool) uint64 {
	if z.options.Health == nil || !routed {
		return 0
	}
	return z.options.Health.Epoch()
}

// varies tells whether others are answered where someone is denied; below is what the base
// has.
func (m *memo) varies(below zones.Match) bool {
	return m.positive || m.base && m.partition != nil && (below.Kind == zones.Answer || below.Kind == zones.CNAME)
}

// builder decides about one type of a node for each class.
type builder struct {
	zone   *Zone
	node   *node
	chart  *chart
	truths []truth // of the candidates
}

func newBuilder(z *Zone, n *node, c *chart) *builder {
	b := &builder{zone: z, node: n, chart: c}
	for _, candidate := range n.candidates {
		b.truths = append(b.truths, c.truth(*candidate.when))
	}
	return b
}

// outcome is what an answer follows from.
type outcome struct {
	winner int    // index of the candidate, or toBase or toNothing
	order  string // of the nearest sites
}

const (
	toBase    = -1
	toNothing = -2
)

// outcomes are those of a type and, if it has hints, of A and AAAA.
type outcomes [3]outcome

// build decides for all classes. TypeNone stands for all types that the overlay does not
// speak of.
func (b *builder) build(t lookup.Type) *memo {
	m := &memo{chart: b.chart}
	groups := make([]uint16, b.chart.classes)
	known, numbers := map[outcomes]uint16{}, map[string]uint16{}
	for class := range geo.Class(b.chart.classes) {
		of := b.outcomes(t, class)
		group, seen := known[of]
		if !seen {
			group = m.add(numbers, b, t, b.answer(t, of))
			known[of] = group
		}
		groups[class] = group
	}
	m.partition = b.chart.partition(groups)
	return m
}

// add is the group of those who hear a, numbers being those of the contents so far.
func (m *memo) add(numbers map[string]uint16, b *builder, t lookup.Type, a answer) uint16 {
	content := b.content(t, a)
	group, known := numbers[content]
	if !known {
		group = uint16(len(m.answers)) // a Map has not as many classes
		b.zone.count(&a)
		numbers[content] = group
		m.answers = append(m.answers, a)
		m.positive = m.positive || a.kind >= sets
		m.base = m.base || a.kind == fromBase
	}
	return group
}

func (b *builder) outcomes(t lookup.Type, class geo.Class) (of outcomes) {
	of[0] = b.outcome(t, class)
	if isService(t) {
		of[1], of[2] = b.outcome(lookup.TypeA, class), b.outcome(lookup.TypeAAAA, class)
	}
	return of
}

func (b *builder) outcome(t lookup.Type, class geo.Class) outcome {
	o := outcome{winner: b.winner(t, class)}
	if o.winner >= 0 {
		o.order = b.order(b.node.candidates[o.winner], class)
	}
	return o
}

// answer is what follows from the outcomes of a type.
func (b *builder) answer(t lookup.Type, of outcomes) answer {
	a := b.single(t, of[0])
	if !isService(t) {
		return a
	}
	return b.hinted(t, a, b.single(lookup.TypeA, of[1]), b.single(lookup.TypeAAAA, of[2]))
}

// single is an answer without a look at other types.
func (b *builder) single(t lookup.Type, o outcome) answer {
	switch o.winner {
	case toBase:
		return answer{kind: fromBase}
	case toNothing:
		return answer{kind: nothing}
	}
	switch c := b.node.candidates[o.winner]; {
	case c.rule != nil:
		return answer{kind: sets, set: c.rule.Set}
	case c.alias != nil:
		return answer{kind: alias, alias: c.alias}
	default:
		return b.zone.choose(b.node, c, t, o.order)
	}
}

// winner is the most specific candidate for type t that is true of a class. A view's rule
// takes the place of all that the name has, another's of what it has of that type.
func (b *builder) winner(t lookup.Type, class geo.Class) int {
	masked, kept := false, false
	for i, c := range b.node.candidates {
		if c.view && b.truths[i].of(class) {
			masked = true
			kept = kept || c.rule != nil && slices.Contains(c.rule.Keep, t)
		}
	}
	first, found := -1, -1
	for i, c := range b.node.candidates {
		if !b.truths[i].of(class) || masked && !kept && !c.view {
			continue
		}
		if first < 0 {
			first = i
			if c.isCNAME() && !besideCNAME(t) { // the name is an alias, whatever else it had
				return i
			}
		}
		if found < 0 && b.decides(c, t) && c.isCNAME() == b.node.candidates[first].isCNAME() {
			found = i
		}
	}
	switch {
	case found >= 0:
		return found
	case masked && !kept, first >= 0 && b.baseIsAlias() && !besideCNAME(t), first >= 0 && t == lookup.TypeCNAME:
		return toNothing
	}
	return toBase
}

// decides tells whether c speaks of type t.
func (b *builder) decides(c candidate, t lookup.Type) bool {
	switch {
	case c.rule != nil:
		return c.rule.Set.Type == t
	case c.alias != nil:
		return t == lookup.TypeA || t == lookup.TypeAAAA
	}
	return slices.Contains(c.types, t)
}

func (b *builder) baseIsAlias() bool {
	_, is := lookup.Find(b.zone.base.At(b.node.name), b.node.name, lookup.TypeCNAME)
	return is
}

func (c candidate) isCNAME() bool { return c.rule != nil && c.rule.Set.Type == lookup.TypeCNAME }

// isApex tells whether RRs of that type make a zone, and so are the base's at the apex
// whoever asks.
func isApex(t lookup.Type) bool {
	switch t {
	case lookup.TypeSOA, lookup.TypeNS, lookup.TypeDNSKEY, lookup.TypeRRSIG, lookup.TypeNSEC, lookup.TypeNSEC3PARAM,
		lookup.TypeCDS, typeCDNSKEY, lookup.TypeZONEMD:
		return true
	}
	return false
}

const typeCDNSKEY lookup.Type = 60

// besideCNAME tells whether a question for that type is about the name itself and not about
// what it is an alias of (RFC 2181 10.1, RFC 4034 2.5 and 3).
func besideCNAME(t lookup.Type) bool {
	return t == lookup.TypeCNAME || t == lookup.TypeRRSIG || t == lookup.TypeNSEC || t == lookup.TypeNSEC3
}

// content is the same for answers that nobody can tell apart.
func (b *builder) content(t lookup.Type, a answer) string {
	switch a.kind {
	case fromBase:
		if t == lookup.TypeNone {
			return "base"
		}
		if set, ok := b.inBase(t); ok {
			return setContent(set)
		}
		return "nothing"
	case nothing:
		return "nothing"
	case sets:
		return setContent(a.set)
	case alias:
		return "alias " + string(a.alias.Target) + " " + strconv.FormatUint(uint64(a.alias.TTL), 10)
	}
	var text strings.Builder
	text.WriteString("chance " + itoa(a.pick) + " " + itoa(a.v4) + " " + itoa(a.v6))
	for _, s := range a.shares {
		text.WriteString(" " + s.site + "=" + strconv.FormatUint(uint64(s.weight), 10) + " " + setContent(s.set))
	}
	return text.String()
}

// inBase is what the base answers with under the node's name.
func (b *builder) inBase(t lookup.Type) (lookup.RRset, bool) {
	at := b.zone.base.At(b.node.name)
	set, ok := lookup.Find(at, b.node.name, t)
	if !ok && !besideCNAME(t) {
		set, ok = lookup.Find(at, b.node.name, lookup.TypeCNAME)
	}
	return set, ok
}

// setContent is the RRs whatever their order.
func setContent(s lookup.RRset) string {
	rdata := slices.Sorted(s.Data.All())
	return s.Type.String() + " " + strconv.FormatUint(uint64(s.TTL), 10) + " " + string(lookup.PackRdata(rdata...))
}

func itoa(n int) string { return strconv.Itoa(n) }

func ftoa(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }
