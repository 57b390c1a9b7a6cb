package lifeline

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

// Kind is what a protected zone is protected from, in a word for logs and metrics.
type Kind string

// The kinds. When there are several, the first of this list counts.
const (
	KindBogus  Kind = "bogus"
	KindChange Kind = "change" // another delegation
	KindDenial Kind = "denial" // NXDOMAIN, or no delegation there
	KindErrors Kind = "errors"
	KindSilent Kind = "silent"
	KindQuery  Kind = "query" // a client's query has failed, and there was no roll-call yet
)

// Kind is what has led to a transition.
func (t Transition) Kind() Kind {
	var seen [len(findings)]int
	for _, v := range t.Ballot.Votes {
		seen[min(int(v.Finding), len(findings)-1)]++
	}
	switch {
	case len(t.Ballot.Votes) == 0:
		return KindQuery
	case seen[Bogus] > 0:
		return KindBogus
	case seen[Denies]+seen[OptsOut]+seen[Disproves]+seen[Empty] > 0:
		return KindDenial
	case seen[Silent] > 0 && seen[Refers] == 0:
		return KindSilent
	case seen[Errs]+seen[Lags] > 0:
		return KindErrors
	case seen[Silent] > 0:
		return KindSilent
	case t.To == Suspect && t.Reason == string(Unanswered):
		return KindQuery
	}
	return KindChange
}

// Status is how a protected zone is.
type Status struct {
	Zone     lookup.Name
	State    State
	Since    time.Time
	Reason   string // for the state; "": it was so from the beginning
	Stand    Stand
	Snapshot Snapshot
	Previous []Snapshot // the ones before, newest first
	Pending  *Pending   // nil: nothing waits
	Gone     bool       // released: the parent's word counts
	Pinned   bool       // by the operator
	Last     Ballot     // the latest; the zero Ballot: there was none yet
	Tally    Tally      // of it
	Next     time.Time  // when the next roll-call is due

	Answers     map[Rung]uint64 // of the Guards, that nothing was wrong with
	Activations map[Kind]uint64 // times that the zone became suspect, or worse
	Unsaved     uint64          // times that what is known could not be kept
}

// Pending is a change that a majority reports, and that waits for time or for the
// operator.
type Pending struct {
	Delegation Delegation // without Hosts: that the zone is gone
	Since      time.Time
	Calls      int // roll-calls in a row that have shown it
}

// Status is how the protected zones are, in the order of their names.
func (k *Keeper) Status() []Status {
	var all []Status
	for _, zone := range slices.SortedFunc(maps.Keys(k.zones), lookup.Name.Compare) {
		all = append(all, k.zones[zone].status())
	}
	return all
}

// StatusOf is how the protected zone is that name is in; false: it is in none.
func (k *Keeper) StatusOf(name lookup.Name) (Status, bool) {
	z := k.closest(name)
	if z == nil {
		return Status{}, false
	}
	return z.status(), true
}

func (z *keeping) status() Status {
	z.mu.Lock()
	defer z.mu.Unlock()
	m := z.m
	s := Status{
		Zone: z.zone, State: m.State, Since: m.Since, Reason: m.Reason, Stand: m.Stand(), Snapshot: m.Snapshot, Previous: slices.Clone(m.Previous),
		Gone: m.Gone, Pinned: m.Pinned, Last: m.Last, Tally: m.Last.Count(m.Snapshot.Delegation), Next: m.Next(0),
		Answers: map[Rung]uint64{ByParent: z.answers[ByParent], ByKnown: z.answers[ByKnown]}, Activations: maps.Clone(z.actives), Unsaved: z.unsaved,
	}
	if m.change != nil {
		s.Pending = &Pending{Delegation: m.change.Delegation, Since: m.change.Since, Calls: m.change.Calls}
	}
	return s
}

// Protects tells whether a Guard has a way of its own to a name.
func (k *Keeper) Protects(name lookup.Name) bool {
	z := k.closest(name)
	if z == nil {
		return false
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	return z.m.Snapshot.Known()
}

// Outage tells whether there is an emergency in the protected zone that a name is in, and
// what its parent's servers say.
func (k *Keeper) Outage(name lookup.Name) (why string, ok bool) {
	z := k.closest(name)
	if z == nil {
		return "", false
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	return "an outage of the zone above: " + z.m.Last.String(), z.m.State == Emergency
}

// Acknowledge is the operator's word that the change of a zone that is pending is right.
// It takes effect with the next roll-call that still shows it, which is sent at once.
func (k *Keeper) Acknowledge(zone lookup.Name) error {
	return k.operate(zone, func(m *Machine, _ time.Time) ([]Transition, error) {
		if !m.Acknowledge() {
			return nil, fmt.Errorf("no change of %s is pending", zone)
		}
		return nil, nil
	})
}

// Release has the parent's word about a zone count, whatever it is, until a server of
// the parent confirms what was known, or two operators agree on something else.
func (k *Keeper) Release(zone lookup.Name) error {
	return k.operate(zone, func(m *Machine, now time.Time) ([]Transition, error) {
		return []Transition{m.Release(now)}, nil
	})
}

// Pin has queries for names in a zone be answered by the delegation that is known,
// whatever the parent says and without end, until that is taken back with false.
func (k *Keeper) Pin(zone lookup.Name, on bool) error {
	return k.operate(zone, func(m *Machine, _ time.Time) ([]Transition, error) {
		if !m.Pin(on) {
			return nil, fmt.Errorf("nothing is known of %s that could be pinned", zone)
		}
		return nil, nil
	})
}

// operate does an operator's will.
func (k *Keeper) operate(zone lookup.Name, do func(*Machine, time.Time) ([]Transition, error)) error {
	z := k.zones[zone]
	if z == nil {
		return fmt.Errorf("%s is not protected", zone)
	}
	z.mu.Lock()
	transitions, err := do(z.m, k.o.Now())
	z.mu.Unlock()
	if err != nil {
		return err
	}
	k.back(z)
	k.save(z)
	k.tell(z, transitions)
	select {
	case z.wake <- struct{}{}:
	default:
	}
	return nil
}
