package update

import (
	"maps"
	"slices"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/message"
	"github.com/sextant-dns/sextant/zones"
)

// draft is a zone with changes that nobody sees yet. The RRsets of a name that has been
// changed take the place of those that it has in what is under the draft. The zone is
// not signed.
type draft struct {
	apex  lookup.Name
	zone  *zones.Zone
	under *draft // between zone and this one; may be nil
	sets  map[lookup.Name][]lookup.RRset
}

func newDraft(z *zones.Zone) *draft {
	return &draft{apex: z.Apex(), zone: z, sets: map[lookup.Name][]lookup.RRset{}}
}

// over is a draft of changes to what d is.
func (d *draft) over() *draft {
	return &draft{apex: d.apex, zone: d.zone, under: d, sets: map[lookup.Name][]lookup.RRset{}}
}

// at is the RRsets of a name. They must not be changed.
func (d *draft) at(name lookup.Name) []lookup.RRset {
	if sets, ok := d.sets[name]; ok {
		return sets
	}
	return d.before(name)
}

// before is the RRsets that a name has without this draft.
func (d *draft) before(name lookup.Name) []lookup.RRset {
	if d.under != nil {
		return d.under.at(name)
	}
	return d.zone.At(name)
}

func (d *draft) set(name lookup.Name, t lookup.Type) lookup.RRset {
	s, _ := lookup.Find(d.at(name), name, t)
	return s
}

// data is the rdata of an RRset, RR by RR.
func (d *draft) data(name lookup.Name, t lookup.Type) []string {
	return slices.Collect(d.set(name, t).Data.All())
}

// put makes an RRset what it is to be; without data it is removed.
func (d *draft) put(s lookup.RRset) {
	sets := slices.DeleteFunc(slices.Clone(d.at(s.Name)), func(o lookup.RRset) bool { return o.Type == s.Type })
	if s.Data != "" {
		sets = append(sets, s)
	}
	d.sets[s.Name] = sets
}

func (d *draft) soa() lookup.RRset { return d.set(d.apex, lookup.TypeSOA) }

func (d *draft) soaRecord() zones.Record {
	s := d.soa()
	return zones.Record{Name: d.apex, Type: lookup.TypeSOA, TTL: s.TTL, Data: s.Data.First()}
}

// difference is what the draft changes; ok is false when that is nothing.
func (d *draft) difference() (diff zones.Difference, ok bool) {
	was := zones.Record{Name: d.apex, Type: lookup.TypeSOA}
	s, _ := lookup.Find(d.before(d.apex), d.apex, lookup.TypeSOA)
	was.TTL, was.Data = s.TTL, s.Data.First()
	diff.From, diff.To = was, d.soaRecord()
	for _, name := range slices.SortedFunc(maps.Keys(d.sets), lookup.Name.Compare) {
		had, has := d.records(d.before(name)), d.records(d.sets[name])
		diff.Deleted = append(diff.Deleted, without(had, has)...)
		diff.Added = append(diff.Added, without(has, had)...)
	}
	return diff, len(diff.Deleted)+len(diff.Added) > 0 || diff.From != diff.To
}

// records is the RRs of RRsets, but not the SOA.
func (d *draft) records(sets []lookup.RRset) (all []zones.Record) {
	for _, s := range sets {
		if s.Type == lookup.TypeSOA {
			continue
		}
		for rdata := range s.Data.All() {
			all = append(all, zones.Record{Name: s.Name, Type: s.Type, TTL: s.TTL, Data: rdata})
		}
	}
	return all
}

func without(list, other []zones.Record) (rest []zones.Record) {
	there := make(map[zones.Record]bool, len(other))
	for _, r := range other {
		there[r] = true
	}
	for _, r := range list {
		if !there[r] {
			rest = append(rest, r)
		}
	}
	return rest
}

// keep has the draft under d take over what d has changed.
func (d *draft) keep() { maps.Copy(d.under.sets, d.sets) }

// sameRR tells whether rdata is that of one RR for RFC 2136 1.1.5: of a WKS only address
// and protocol count.
func sameRR(t lookup.Type, a, b string) bool {
	const wks, key = 11, 5
	if t == wks && len(a) >= key && len(b) >= key {
		return a[:key] == b[:key]
	}
	return message.SameRdata(t, a, b)
}
