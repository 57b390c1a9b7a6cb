package catalog

import (
	"maps"
	"slices"

	"github.com/sextant-dns/sextant/lookup"
)

// Book keeps which zone comes of which catalog. It is not safe for concurrent use.
// Make one with NewBook.
type Book struct {
	taken   map[lookup.Name]bool     // names that catalogs cannot have
	lists   map[lookup.Name][]Member // the last good list of each catalog
	owned   map[lookup.Name]Owned
	refused map[lookup.Name]map[lookup.Name]lookup.Name // by catalog and zone: who has it; "": it is configured
}

// Owned is a member zone and the catalog that it comes of.
type Owned struct {
	Catalog lookup.Name
	Member
}

// Kind is what has become of a zone.
type Kind uint8

// The kinds of Change.
const (
	Added   Kind = iota // it is a member now
	Removed             // it is none any more, and all its state goes (RFC 9432 5.3)
	Reset               // it is one still, and all its state begins anew (RFC 9432 5.4)
	Moved               // it has another catalog, and its state goes along (RFC 9432 4.3.1)
	Dropped             // its catalog is configured no longer; its state may stay for when it is again
	Clash               // a catalog lists it, and somebody else has the name (RFC 9432 5.2)
)

// String is the kind in a word.
func (k Kind) String() string {
	return [...]string{"added", "removed", "reset", "moved", "dropped", "clash"}[k]
}

// Change is what has become of a zone.
type Change struct {
	Kind    Kind
	Zone    lookup.Name
	Catalog lookup.Name // whose member it is, or was, or of Clash: would be
	Label   string      // of the member node, of Removed and Dropped the last one

	// Other is of Moved and of a Reset with a new owner the catalog that it comes of,
	// and of Clash who has the name; "": no catalog.
	Other lookup.Name
}

// NewBook makes an empty Book.
func NewBook() *Book {
	return &Book{
		lists: map[lookup.Name][]Member{}, owned: map[lookup.Name]Owned{},
		refused: map[lookup.Name]map[lookup.Name]lookup.Name{},
	}
}

// Configure says which catalogs there are from now on, and which names they cannot
// have, as zones are configured so. It returns what follows from that.
func (b *Book) Configure(catalogs []lookup.Name, taken map[lookup.Name]bool) []Change {
	var changes []Change
	b.taken = taken
	for zone, o := range b.owned {
		switch {
		case !slices.Contains(catalogs, o.Catalog):
			changes = append(changes, Change{Kind: Dropped, Zone: zone, Catalog: o.Catalog, Label: o.Label})
			delete(b.owned, zone)
		case taken[zone]:
			changes = append(changes, Change{Kind: Removed, Zone: zone, Catalog: o.Catalog, Label: o.Label})
			delete(b.owned, zone)
		}
	}
	maps.DeleteFunc(b.lists, func(c lookup.Name, _ []Member) bool { return !slices.Contains(catalogs, c) })
	maps.DeleteFunc(b.refused, func(c lookup.Name, _ map[lookup.Name]lookup.Name) bool { return !slices.Contains(catalogs, c) })
	slices.SortFunc(changes, func(x, y Change) int { return x.Zone.Compare(y.Zone) })
	return append(changes, b.settle()...)
}

// Knows tells whether a list of the catalog has been seen.
func (b *Book) Knows(catalog lookup.Name) bool {
	_, known := b.lists[catalog]
	return known
}

// Restore tells what the last good list of a configured catalog was before a restart,
// and which of its members were the catalog's. Names that are others' by now it does
// not get back.
func (b *Book) Restore(catalog lookup.Name, members []Member, owned func(zone lookup.Name) bool) []Change {
	members = slices.SortedFunc(slices.Values(members), func(x, y Member) int { return x.Zone.Compare(y.Zone) })
	b.lists[catalog] = members
	var changes []Change
	for _, m := range members {
		if _, has := b.owned[m.Zone]; owned(m.Zone) && !b.taken[m.Zone] && !has {
			b.owned[m.Zone] = Owned{catalog, m}
			changes = append(changes, Change{Kind: Added, Zone: m.Zone, Catalog: catalog, Label: m.Label})
		}
	}
	return changes
}

// Update says what a configured catalog lists now, as Read has it, and returns what
// becomes of zones.
func (b *Book) Update(catalog lookup.Name, members []Member) []Change {
	var changes []Change
	listed := make(map[lookup.Name]bool, len(members))
	for _, m := range members {
		listed[m.Zone] = true
	}
	for _, m := range b.lists[catalog] {
		// RFC 9432 5.3: only what was configured from the same catalog.
		if o := b.owned[m.Zone]; o.Catalog == catalog && !listed[m.Zone] {
			changes = append(changes, Change{Kind: Removed, Zone: m.Zone, Catalog: catalog, Label: o.Label})
			delete(b.owned, m.Zone)
		}
	}
	for _, m := range members {
		o, has := b.owned[m.Zone]
		switch {
		case !has: // settle sees to it
			continue
		case o.Catalog == catalog:
			if o.Label != m.Label {
				changes = append(changes, Change{Kind: Reset, Zone: m.Zone, Catalog: catalog, Label: m.Label})
			}
		case b.released(o.Catalog, m.Zone, catalog):
			// RFC 9432 4.3.1: the state goes along when the label is the same.
			kind := Moved
			if o.Label != m.Label {
				kind = Reset
			}
			changes = append(changes, Change{Kind: kind, Zone: m.Zone, Catalog: catalog, Label: m.Label, Other: o.Catalog})
		default:
			continue
		}
		b.owned[m.Zone] = Owned{catalog, m}
	}
	b.lists[catalog] = members
	return append(changes, b.settle()...)
}

// released tells whether the zone's catalog lets another one have it. RFC 9432 4.3.1: the
// property has to be there when the new catalog is processed, not only before.
func (b *Book) released(owner, zone, to lookup.Name) bool {
	list := b.lists[owner]
	i, found := slices.BinarySearchFunc(list, zone, func(m Member, zone lookup.Name) int { return m.Zone.Compare(zone) })
	return found && list[i].Owner == to
}

// settle gives names that nobody has to the first catalog that lists them, and notes
// which catalogs do not get what they list.
func (b *Book) settle() (changes []Change) {
	for _, catalog := range b.Catalogs() {
		was, refused := b.refused[catalog], map[lookup.Name]lookup.Name{}
		for _, m := range b.lists[catalog] {
			o, has := b.owned[m.Zone]
			switch {
			case b.taken[m.Zone]: // RFC 9432 5.2
			case !has:
				b.owned[m.Zone] = Owned{catalog, m}
				changes = append(changes, Change{Kind: Added, Zone: m.Zone, Catalog: catalog, Label: m.Label})
				continue
			case o.Catalog == catalog, o.Catalog == m.Owner: // it is its own, or it has let it go
				continue
			}
			refused[m.Zone] = o.Catalog
			if by, told := was[m.Zone]; !told || by != o.Catalog {
				changes = append(changes, Change{Kind: Clash, Zone: m.Zone, Catalog: catalog, Label: m.Label, Other: o.Catalog})
			}
		}
		b.refused[catalog] = refused
	}
	return changes
}

// Catalogs are the catalogs of which a list is known, in canonical order.
func (b *Book) Catalogs() []lookup.Name {
	return slices.SortedFunc(maps.Keys(b.lists), lookup.Name.Compare)
}

// Owned are the zones of all catalogs, in canonical order of their names.
func (b *Book) Owned() []Owned {
	return slices.SortedFunc(maps.Values(b.owned), func(x, y Owned) int { return x.Zone.Compare(y.Zone) })
}

// List is the last good list of a catalog, in canonical order. The caller must not change it.
func (b *Book) List(catalog lookup.Name) []Member { return b.lists[catalog] }

// Owns tells whether the zone is one of the catalog's.
func (b *Book) Owns(catalog, zone lookup.Name) bool {
	o, has := b.owned[zone]
	return has && o.Catalog == catalog
}

// Refused counts the zones that a catalog lists and does not get.
func (b *Book) Refused(catalog lookup.Name) int { return len(b.refused[catalog]) }
