package zones

import (
	"fmt"
	"iter"
	"slices"

	"github.com/sextant-dns/sextant/lookup"
)

// Tree is a set of zones. It is immutable and safe for concurrent use; the zero
// value and the nil Tree hold no zone.
type Tree struct {
	zones map[lookup.Name]*Zone
	depth int // labels of the apex with the most
}

// NewTree makes a Tree of zones, none of which may be nil. Two zones of one name
// are an error.
func NewTree(zones ...*Zone) (*Tree, error) {
	t := &Tree{zones: make(map[lookup.Name]*Zone, len(zones))}
	for _, z := range zones {
		if _, twice := t.zones[z.apex]; twice {
			return nil, fmt.Errorf("zone %s is given twice", z.apex)
		}
		t.zones[z.apex] = z
		t.depth = max(t.depth, z.apex.Labels())
	}
	return t, nil
}

// Closest is the zone that name is in: the one with the longest apex at or above
// it (RFC 1034 4.3.2, step 2). It allocates nothing.
func (t *Tree) Closest(name lookup.Name) (*Zone, bool) {
	if t == nil || len(t.zones) == 0 {
		return nil, false
	}
	name = name.Suffix(t.depth)
	for {
		if z, ok := t.zones[name]; ok {
			return z, true
		}
		parent, ok := name.Parent()
		if !ok {
			return nil, false
		}
		name = parent
	}
}

// Zone is the zone with exactly that apex.
func (t *Tree) Zone(apex lookup.Name) (*Zone, bool) {
	if t == nil {
		return nil, false
	}
	z, ok := t.zones[apex]
	return z, ok
}

// All yields the zones in canonical order of their names, parents before
// children.
func (t *Tree) All() iter.Seq[*Zone] {
	var all []*Zone
	if t != nil {
		for _, z := range t.zones {
			all = append(all, z)
		}
	}
	slices.SortFunc(all, func(a, b *Zone) int { return a.apex.Compare(b.apex) })
	return slices.Values(all)
}
