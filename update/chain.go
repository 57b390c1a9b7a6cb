package update

import (
	"errors"
	"fmt"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/zones"
)

// version is one version of a zone.
type version struct {
	serial uint32
	digest digest
}

func versionOf(z *zones.Zone) version { return version{z.SOARecord().Serial(), digestOf(z)} }

// chain is versions of a zone, each with what leads to it from the one before: what a
// journal holds. It is a value; what it refers to is never changed, only appended to.
type chain struct {
	first version
	steps []step
	file  int // which version the master file had when it was read or written last; 0: first
}

// step leads to a version.
type step struct {
	zones.Difference
	to version
}

// at is the i-th version.
func (c chain) at(i int) version {
	if i == 0 {
		return c.first
	}
	return c.steps[i-1].to
}

// last is the latest version.
func (c chain) last() version { return c.at(len(c.steps)) }

// pending is the steps that lead from the file to the latest version.
func (c chain) pending() []step { return c.steps[c.file:] }

// find is the latest place at which a version stands.
func (c chain) find(v version) (at int, ok bool) {
	for i := len(c.steps); i >= 0; i-- {
		if c.at(i) == v {
			return i, true
		}
	}
	return 0, false
}

// extended is the chain with one more step.
func (c chain) extended(d zones.Difference) chain {
	c.steps = append(c.steps, step{d, version{d.To.Serial(), c.last().digest.after(d)}})
	return c
}

// history is the differences, for transfers.
func (c chain) history() (all []zones.Difference) {
	for _, s := range c.steps[max(0, len(c.steps)-maxHistory):] {
		all = append(all, s.Difference)
	}
	return all
}

// maxHistory is how many differences are given to who transfers the zone.
const maxHistory = 1000

// cut is the chain with as much of it as has not more than that many RRs: of old steps
// those that the file has already go first, and of those that it has not one is made.
func (c chain) cut(most int) (chain, error) {
	size, keep := 0, len(c.steps)
	for keep > 0 && size+c.steps[keep-1].Len() <= most {
		keep--
		size += c.steps[keep].Len()
	}
	if keep <= c.file {
		return chain{c.at(keep), append([]step(nil), c.steps[keep:]...), c.file - keep}, nil
	}
	together, err := sum(c.steps[c.file:keep])
	if err != nil {
		return c, err
	}
	return chain{c.at(c.file), append([]step{{together, c.at(keep)}}, c.steps[keep:]...), 0}, nil
}

var errStep = errors.New("a difference that does not fit the one before it")

// sum is one difference in the place of many, at least one.
func sum(steps []step) (zones.Difference, error) {
	deleted, added := newBag(), newBag()
	for _, s := range steps {
		for _, r := range s.Deleted {
			if !added.remove(r) && !deleted.add(r) {
				return zones.Difference{}, errStep
			}
		}
		for _, r := range s.Added {
			if !deleted.remove(r) && !added.add(r) {
				return zones.Difference{}, errStep
			}
		}
	}
	return zones.Difference{From: steps[0].From, To: steps[len(steps)-1].To, Deleted: deleted.list(), Added: added.list()}, nil
}

// bag is RRs in the order in which they came.
type bag struct {
	at    map[zones.Record]int
	order []zones.Record
}

func newBag() *bag { return &bag{at: map[zones.Record]int{}} }

// add is false when r is there already.
func (b *bag) add(r zones.Record) bool {
	if _, there := b.at[r]; there {
		return false
	}
	b.at[r] = len(b.order)
	b.order = append(b.order, r)
	return true
}

// remove is false when r is not there.
func (b *bag) remove(r zones.Record) bool {
	_, there := b.at[r]
	delete(b.at, r)
	return there
}

func (b *bag) list() (all []zones.Record) {
	for i, r := range b.order {
		if at, there := b.at[r]; there && at == i {
			all = append(all, r)
		}
	}
	return all
}

// replay is the zone that steps lead to.
func replay(z *zones.Zone, steps []step) (*zones.Zone, error) {
	if len(steps) == 0 {
		return z, nil
	}
	d, err := sum(steps)
	if err != nil {
		return nil, err
	}
	gone := map[zones.Record]bool{d.From: true}
	for _, r := range d.Deleted {
		gone[r] = true
	}
	records := []zones.Record{d.To}
	for r := range z.Records() {
		if gone[r] {
			delete(gone, r)
			continue
		}
		records = append(records, r)
	}
	if len(gone) > 0 {
		return nil, errStep
	}
	is, err := zones.New(z.Apex(), append(records, d.Added...), "journal")
	if err != nil {
		return nil, err
	}
	if versionOf(is) != steps[len(steps)-1].to {
		return nil, errStep
	}
	return is, nil
}

// EditedError says that a master file was edited while there are changes that it lacks.
type EditedError struct {
	Zone         lookup.Name
	File         string
	Serial       uint32 // of the file
	From, To     uint32 // of the changes: the file's when it was read or written last, and the zone's now
	Changes      int    // how many differences the file lacks
	JournalsFile string
}

// Error names both serials, and what can be done.
func (e *EditedError) Error() string {
	return fmt.Sprintf("%s, serial %d, was edited, and it lacks what updates have changed: serials %d to %d in %s. "+
		"`sextant zone sync --overwrite %s` writes the zone with the updates over the file; "+
		"`sextant zone sync --discard %[6]s`, or removing the journal while the server is down, drops the updates",
		e.File, e.Serial, e.From, e.To, e.JournalsFile, e.Zone)
}
