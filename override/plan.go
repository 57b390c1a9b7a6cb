package override

import (
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

// table is the overrides by zone. It is immutable.
type table struct {
	zones     map[lookup.Name][]*entry // those that operators have added first
	elsewhere map[lookup.Name]bool     // zones that an override above them is not for
	depth     int                      // labels of the longest of all
}

func newTable(all []*entry, elsewhere []lookup.Name) *table {
	t := &table{zones: map[lookup.Name][]*entry{}, elsewhere: map[lookup.Name]bool{}}
	for _, e := range all {
		t.zones[e.o.Zone] = append(t.zones[e.o.Zone], e)
		t.depth = max(t.depth, e.o.Zone.Labels())
	}
	for _, zone := range elsewhere {
		t.elsewhere[zone] = true
		t.depth = max(t.depth, zone.Labels())
	}
	return t
}

// closest is the overrides in force, in a view and for the zone that is closest to name.
func (t *table) closest(view, skip string, name lookup.Name, now time.Time) (f force, ok bool) {
	if len(t.zones) == 0 {
		return f, false
	}
	for name = name.Suffix(t.depth); ; {
		if f, ok := inForce(t.zones[name], view, skip, now); ok {
			f.zone = name
			return f, true
		}
		if t.elsewhere[name] {
			return f, false
		}
		if name, ok = name.Parent(); !ok {
			return f, false
		}
	}
}

// force is what is in force for a zone: one that is asked first, one for outages, or both.
type force struct {
	zone          lookup.Name
	first, outage *entry
}

// inForce picks from the overrides of a zone. One that is switched on counts more than
// one that counts always. Those of the kind skip are left out.
func inForce(all []*entry, view, skip string, now time.Time) (f force, ok bool) {
	for _, e := range all {
		if !e.o.isFor(view) || string(e.o.Kind) == skip || !e.inForce(now) {
			continue
		}
		switch {
		case e.o.When == Outage:
			if f.outage == nil {
				f.outage = e
			}
		case f.first == nil || e.o.When == Manual && f.first.o.When != Manual:
			f.first = e
		}
	}
	return f, f.first != nil || f.outage != nil
}

// rung is one way to an answer.
type rung struct {
	entry *entry // nil: as if there were no override
	late  bool   // a copy may be used that has expired
}

// rungs are the ways to an answer in the order in which they are tried. now tells that
// there is an outage.
func (f force) rungs(now bool) []rung {
	var first []rung
	switch {
	case f.first == nil:
		first = []rung{{}}
	case f.first.o.Kind == Local: // which may have expired, or not decide
		first = []rung{{entry: f.first, late: now}, {}, {entry: f.first, late: true}}
	default:
		first = []rung{{entry: f.first}}
	}
	if f.outage == nil {
		return first
	}
	last := rung{entry: f.outage, late: true}
	if now && f.first == nil && f.outage.o.Kind != Mirror { // which comes after all that has the zone's own data
		return append([]rung{last}, first...)
	}
	return append(first, last)
}
