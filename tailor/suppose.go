package tailor

import (
	"maps"
	"math"
	"net/netip"
	"slices"

	"github.com/sextant-dns/sextant/geo"
)

// Supposing is the zone as those hear it of whom nothing is known but that s is true of
// them, and what follows from that. What is nearest to them is what is nearest to most
// addresses that s is true of; where the Map does not tell, because no condition speaks of
// s, to the centre of its country, or to most centres of its continent. With a View or a
// Location there is nothing to suppose.
func (z *Zone) Supposing(s geo.Selector) *Zone {
	holds := append([]geo.Selector{s}, s.Implied()...)
	one, m := newChart(nil), z.options.Atlas.current()
	one.has = func(_ geo.Class, s geo.Selector) bool { return slices.Contains(holds, s) }
	one.nearest = func(c candidate) string { return usual(m, s, c) }
	there := *z
	there.options.Atlas = NewAtlas(nil)
	there.options.Atlas.chart.Store(one)
	return &there
}

// usual is the order of a candidate's sites that most of those hear of whom s is true; "" if
// nobody knows.
func usual(m *geo.Map, s geo.Selector, c candidate) string {
	heard := map[string]float64{} // by order, of how much of the address space
	if m != nil {
		classes := m.Equivalence(func(c geo.Class) uint32 { return uint32(c) })
		for p, class := range classes.Prefixes() {
			if m.Has(class, s) {
				heard[string(m.Ranking(class, c.ranking))] += part(p)
			}
		}
	}
	if len(heard) == 0 {
		for _, at := range s.Centres() {
			heard[string(c.places().Order(at))]++
		}
	}
	best := ""
	for _, order := range slices.Sorted(maps.Keys(heard)) {
		if heard[order] > heard[best] {
			best = order
		}
	}
	return best
}

// part is how much of its address space a prefix is. All of IPv6, which is mostly empty,
// counts for less than one address of IPv4.
func part(p netip.Prefix) float64 {
	if p.Addr().Is4() {
		return math.Ldexp(1, -p.Bits())
	}
	return math.Ldexp(1, -33-p.Bits())
}
