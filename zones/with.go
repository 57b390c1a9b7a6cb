package zones

import (
	"fmt"
	"sort"

	"github.com/sextant-dns/sextant/lookup"
)

// With is the zone with other RRsets at some names: those that changed has under a
// name take the place of all that stands there now; none at all remove the name. It
// takes as long as copying the zone does, which is much shorter than [New]. What New
// would call an error is one here, too; warnings are made for the changed names alone,
// and Lint has nothing else.
func (z *Zone) With(changed map[lookup.Name][]lookup.RRset) (*Zone, error) {
	r := &report{files: []string{"the change"}}
	g, names, err := gather(z.apex, changed, r)
	if err != nil {
		return nil, fmt.Errorf("zone %s: %w", z.apex, err)
	}
	b := &builder{report: r, gathered: g, zone: &Zone{apex: z.apex, depth: z.apex.Labels()}}
	b.zone.nodes = make([]node, 0, len(z.nodes)+2*len(names))
	b.zone.sets = make([]set, 0, len(z.sets)+len(g.records))
	b.where = make([]position, 0, cap(b.zone.sets))
	b.names.Grow(len(z.names) + g.octets.Len())
	b.rdata.Grow(len(z.rdata) + g.octets.Len() + 2*len(g.records))
	b.node(z.apex)
	at := uint32(0)
	last := uint32(max(0, len(z.nodes)-1))
	for _, change := range names {
		next := at + uint32(sort.Search(int(last-at), func(i int) bool { return z.name(at+uint32(i)).Compare(change.name) >= 0 }))
		b.keep(z, at, next)
		if at = next; at < last && z.name(at) == change.name {
			at++
		}
		if len(change.records) > 0 {
			arrange(change.records)
			b.addName(change.name, change.records)
		}
	}
	b.keep(z, at, last)
	if b.names.Len() > maxOctets || b.rdata.Len() > maxOctets {
		return nil, fmt.Errorf("zone %s: %w", z.apex, errZoneSize)
	}
	b.finish()
	b.checkApex()
	if err := r.err(); err != nil {
		return nil, fmt.Errorf("zone %s: %w", z.apex, err)
	}
	b.zone.lint = r.lint()
	return b.zone, nil
}

// change is the records that a name has from now on.
type change struct {
	name    lookup.Name
	records []record
}

// gather makes records of RRsets, name by name in canonical order.
func gather(apex lookup.Name, changed map[lookup.Name][]lookup.RRset, r *report) (*gathered, []change, error) {
	g, names := &gathered{}, make([]change, 0, len(changed))
	for name, sets := range changed {
		if !name.IsSubdomainOf(apex) {
			r.errorf(position{}, "%s: not in zone %s", name, apex)
			continue
		}
		first := len(g.records)
		for _, s := range sets {
			for i, list := range []lookup.Rdata{s.Data, s.Sigs} {
				for rdata := range list.All() {
					if err := add(g, record{t: s.Type, ttl: s.TTL, sig: i == 1}, string(name), rdata); err != nil {
						return nil, nil, err
					}
				}
			}
		}
		names = append(names, change{name: name, records: make([]record, len(g.records)-first)})
		copy(names[len(names)-1].records, g.records[first:])
	}
	sort.Slice(names, func(i, j int) bool { return names[i].name.Compare(names[j].name) < 0 })
	return g, names, nil
}

// keep takes over the nodes of z from one to another. They were judged before; what can
// have come into being above them is a cut or a DNAME.
func (b *builder) keep(z *Zone, from, to uint32) {
	if from == to {
		return
	}
	first, end := z.nodes[from].first, z.nodes[to].first
	moved := uint32(b.rdata.Len()) - z.sets[first].data
	b.rdata.WriteString(z.rdata[z.sets[first].data:z.sets[end].data])
	for ; from < to; from++ {
		first, end := z.of(from)
		if first == end {
			continue // an empty non-terminal: it is one if there is something below it still
		}
		name := z.name(from)
		i := b.node(name)
		start := len(b.zone.sets)
		for _, s := range z.sets[first:end] {
			s.data, s.sigs = s.data+moved, s.sigs+moved
			b.zone.sets = append(b.zone.sets, s)
			b.where = append(b.where, position{})
		}
		if above, exists := b.settle(i, name); exists && above != noStop {
			b.checkName(name, b.zone.nodes[i], b.where[start:], above)
		}
	}
}
