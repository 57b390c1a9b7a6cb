package geo

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
)

// An Atlas answers questions of people about single addresses and networks. It reads the
// databases at each question; a Map is what servers ask. It does not change, and is safe
// for concurrent use.
type Atlas struct {
	databases []*Database
	centres   map[string]Point
}

// NewAtlas makes an Atlas of databases; the first to know something counts.
func NewAtlas(databases ...*Database) *Atlas {
	return &Atlas{databases: slices.Clone(databases), centres: centres()}
}

// Said is all that the databases say of an address, and where it is: the coordinates of a
// record, else about where the people of its country are. Of an address that embeds an
// IPv4 address it says what is said of that one. located is false when nobody knows where
// it is.
func (a *Atlas) Said(addr netip.Addr) (said []Selector, at Point, located bool) {
	if v4, _, ok := Embedded(addr); ok {
		addr = v4
	}
	for _, d := range a.databases {
		all, _, err := d.Lookup(addr)
		if err != nil {
			continue // a damaged record says nothing
		}
		for _, s := range all {
			if !slices.Contains(said, s) {
				said = append(said, s)
			}
		}
		if !located {
			at, located = d.location(d.reader.Lookup(addr))
		}
	}
	for _, s := range said {
		if s.Kind == Country && !located {
			at, located = a.centres[s.Value]
		}
	}
	return said, at, located
}

// Networks are those of which a selector is true, the largest of each family first, IPv4
// before IPv6: at most so many of each, as the databases divide them.
func (a *Atlas) Networks(of Selector, most int) ([]netip.Prefix, error) {
	var four, six []netip.Prefix
	for _, d := range a.databases {
		if !d.Has(of.Kind) {
			continue
		}
		for result := range d.reader.Networks() {
			said, err := d.said(result)
			if err != nil {
				return nil, err
			}
			if !slices.Contains(said, of) {
				continue
			}
			switch p := result.Prefix(); {
			case p.Addr().Is4():
				four = append(four, p)
			case !p.Addr().Is4In6():
				six = append(six, p)
			}
		}
		if len(four)+len(six) > 0 {
			break
		}
	}
	if len(four)+len(six) == 0 {
		return nil, fmt.Errorf("%w: %s", ErrUnknown, of)
	}
	largest := func(all []netip.Prefix) []netip.Prefix {
		slices.SortFunc(all, func(p, q netip.Prefix) int {
			return cmp.Or(cmp.Compare(p.Bits(), q.Bits()), p.Addr().Compare(q.Addr()))
		})
		return all[:min(len(all), most)]
	}
	return append(largest(four), largest(six)...), nil
}
