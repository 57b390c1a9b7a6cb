package geo

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/oschwald/maxminddb-golang/v2"
)

// Compile reads the sources once and makes the Map for these selectors; what zones do
// not use costs nothing. It holds one processor for as long as it takes (a second or two
// for all countries of the Internet) and allocates some twenty times what the Map
// takes, most of which is soon garbage. An error names everything that is wrong.
func Compile(used []Selector, from Sources) (*Map, error) {
	embedded, err := forms(from.NAT64)
	if err != nil {
		return nil, err
	}
	m := &Map{selectors: specific(used), index: map[Selector]uint32{}, forms: embedded}
	for i, s := range m.selectors {
		m.index[s] = uint32(i)
	}
	g := &growth{tags: newTags(), v4: newTree(), v6: newTree()}
	if g.ranker, err = newRanker(m, from); err != nil {
		return nil, err
	}
	if err := errors.Join(g.addNetworks(m, from), g.addDatabases(m.selectors, from)); err != nil {
		return nil, err
	}
	for i, f := range m.forms {
		g.v6.alias(f.prefix, i)
	}
	newFolder(m, g.tags).fold(g)
	m.tables = newTables(len(m.slots), len(m.classes))
	return m, nil
}

// specific is each selector once, the most specific first.
func specific(used []Selector) []Selector {
	all := slices.Clone(used)
	length := func(s Selector) int {
		p, err := netip.ParsePrefix(s.Value)
		if s.Kind != Network || err != nil {
			return 0
		}
		return p.Bits()
	}
	slices.SortFunc(all, func(a, b Selector) int {
		return cmp.Or(cmp.Compare(b.Kind, a.Kind), cmp.Compare(length(b), length(a)), cmp.Compare(a.Value, b.Value))
	})
	return slices.Compact(all)
}

// A growth is a Map in the making: trees in which every prefix that a source speaks
// of has a tag, the selectors that it makes true.
type growth struct {
	tags   *tags
	ranker *ranker // nil: nothing is ranked
	v4, v6 *tree
}

func (g *growth) tag(p netip.Prefix, t uint32) {
	into := g.v6
	if p.Addr().Is4() {
		into = g.v4
	}
	into.tag(p, t, g.tags)
}

func (g *growth) addNetworks(m *Map, from Sources) error {
	var wrong []error
	for i, s := range m.selectors {
		if s.Kind < Set {
			continue
		}
		networks, err := from.named(s)
		if err != nil {
			wrong = append(wrong, err)
		}
		for _, p := range networks {
			p, err := m.plain(p)
			if err != nil {
				wrong = append(wrong, fmt.Errorf("%s: %w", s, err))
				continue
			}
			g.tag(p, g.tags.intern([]uint32{uint32(i)}))
		}
	}
	return errors.Join(wrong...)
}

// plain is a network as the trie has it: embedded IPv4 networks are IPv4 networks.
func (m *Map) plain(p netip.Prefix) (netip.Prefix, error) {
	if !p.IsValid() || p.Addr().Zone() != "" || p != p.Masked() {
		return p, fmt.Errorf("%w: %s", ErrNetwork, p)
	}
	for _, f := range m.forms {
		if !p.Addr().Is6() || !f.prefix.Contains(p.Addr()) || p.Bits() < f.prefix.Bits() {
			continue
		}
		if f.prefix.Addr().Is4In6() {
			return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96), nil
		}
		return p, fmt.Errorf("%w: %s: addresses in %s are where their IPv4 address is; name that", ErrNetwork, p, f.prefix)
	}
	return p, nil
}

// addDatabases reads each database that owns a kind that is used.
func (g *growth) addDatabases(selectors []Selector, from Sources) error {
	index := map[Selector]uint32{}
	var wrong []error
	kinds := map[*Database][]Kind{}
	for i, s := range selectors {
		if s.Kind >= Set {
			continue
		}
		index[s] = uint32(i)
		d, _ := from.owner(s.Kind)
		if d == nil {
			wrong = append(wrong, fmt.Errorf("%w: %s: no database has values of the kind %s", ErrUnknown, s, s.Kind))
		} else if !slices.Contains(kinds[d], s.Kind) {
			kinds[d] = append(kinds[d], s.Kind)
		}
	}
	if wrong != nil {
		return errors.Join(wrong...)
	}
	locates, _ := from.owner(Location)
	if locates != nil && g.ranker != nil && kinds[locates] == nil {
		kinds[locates] = []Kind{Location}
	}
	_, derived := from.owner(Continent)
	for _, d := range from.Databases {
		if kinds[d] != nil {
			r := reading{d: d, kinds: kinds[d], derived: derived, index: index, tags: g.tags}
			if d == locates {
				r.ranker = g.ranker
			}
			wrong = append(wrong, r.each(g.tag))
		}
	}
	return errors.Join(wrong...)
}

// A reading is one pass through a database.
type reading struct {
	d       *Database
	kinds   []Kind
	derived bool // continents follow from countries
	index   map[Selector]uint32
	tags    *tags
	ranker  *ranker // nil: this is not the database that says where clients are
}

// each gives the networks with a selector that is used. Records are decoded once,
// however many networks have them.
func (r reading) each(give func(netip.Prefix, uint32)) error {
	known := map[uintptr]uint32{}
	for result := range r.d.reader.Networks() {
		if err := result.Err(); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrDatabase, r.d.Name, err)
		}
		t, seen := known[result.Offset()]
		if !seen {
			said, err := r.d.said(result)
			if err != nil {
				return err
			}
			t = r.tags.intern(append(r.holding(said), r.ranks(result, said)...))
			known[result.Offset()] = t
		}
		if t != 0 {
			give(result.Prefix(), t)
		}
	}
	return nil
}

// holding is which selectors a record makes true, as ascending indices.
func (r reading) holding(said []Selector) (indices []uint32) {
	note := func(s Selector) {
		if i, used := r.index[s]; used && slices.Contains(r.kinds, s.Kind) {
			indices = append(indices, i)
		}
	}
	for _, s := range said {
		if s.Kind == Country && r.derived {
			note(Selector{Continent, continentOf(s.Value)})
		}
		note(s)
	}
	slices.Sort(indices)
	return slices.Compact(indices)
}

// ranks is the orders of places that a record makes true, as ascending indices, all of
// them after those of selectors.
func (r reading) ranks(result maxminddb.Result, said []Selector) []uint32 {
	if r.ranker == nil {
		return nil
	}
	at, located := r.d.location(result)
	if !located {
		i := slices.IndexFunc(said, func(s Selector) bool { return s.Kind == Country })
		if i < 0 {
			return nil
		}
		if at, located = r.ranker.centres[said[i].Value]; !located {
			return nil
		}
	}
	indices := r.ranker.at(at)
	slices.Sort(indices)
	return indices
}
