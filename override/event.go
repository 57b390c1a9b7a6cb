package override

import (
	"iter"
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

// EventKind is what an Event is about.
type EventKind string

// The kinds of Event.
const (
	Added       EventKind = "added"        // by an operator
	Removed     EventKind = "removed"      // likewise
	Expired     EventKind = "expired"      // its time is over
	SwitchedOn  EventKind = "switched on"  // the manual ones of a zone
	SwitchedOff EventKind = "switched off" // likewise
	Began       EventKind = "answers"      // one for outages does, and has not done so for a while
	Rests       EventKind = "rests"        // it has not been needed for a while
	Trouble     EventKind = "trouble"      // with the state file, or with what it tells of
)

// Event is something that has happened to overrides.
type Event struct {
	Kind     EventKind
	Override Override // of switches, its Zone only
	By       string
	Until    time.Time // the zero Time: for good
	View     string    // of Began
	Why      string
	Err      error // of Trouble
}

// Changes tells whether answers are other ones after the event.
func (e Event) Changes() bool { return e.Kind != Began && e.Kind != Rests && e.Kind != Trouble }

// quiet is how long an override has not answered in an outage until that is told of, and
// until it is told of that it does again.
const quiet = 5 * time.Minute

// answered counts an answer, and tells of the first of those that come in need only. It
// tells whether this is one.
func (s *Set) answered(e *entry, view string, r *lookup.Response, why string) (needed bool) {
	now := s.o.Now().Unix()
	e.source.answers.Add(1)
	e.source.answered.Store(now)
	if e.o.When != Outage && !isStale(r) {
		return false
	}
	last := e.source.needed.Swap(now)
	if !e.source.active.Swap(true) || now-last >= int64(quiet/time.Second) {
		s.observe(Event{Kind: Began, Override: e.o, By: e.by, View: view, Why: why})
		s.wake()
	}
	return true
}

// Status is an override as it is now.
type Status struct {
	Override
	By      string // who has added it; "": it is configured
	Since   time.Time
	Until   time.Time // the zero Time: for good
	InForce bool
	Switch  *Switch // of Manual, while it is on
	Problem error   // why it cannot be in force
	Answers uint64  // with others that are the same but for their views

	Answered time.Time // when it last did; the zero Time: never
}

// List is all overrides: those that operators have added first.
func (s *Set) List() (all []Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.o.Now()
	for _, list := range [][]*entry{s.added, s.configured} {
		for _, e := range list {
			one := *e
			if e.o.When == Manual {
				one.on = s.switchOf(e.o.Zone)
			}
			st := Status{Override: e.o, By: e.by, Since: e.since, Until: e.until, InForce: one.inForce(now), Switch: one.on, Problem: e.source.problem, Answers: e.source.answers.Load()}
			if at := e.source.answered.Load(); at > 0 {
				st.Answered = time.Unix(at, 0)
			}
			all = append(all, st)
		}
	}
	return all
}

// Answers yields how much each override has answered. Those that are the same but for
// their views and their When are one.
func (s *Set) Answers() iter.Seq2[Override, uint64] {
	return func(yield func(Override, uint64) bool) {
		for one := range s.table.Load().sources() {
			if !yield(one.o, one.answers.Load()) {
				return
			}
		}
	}
}

// find is the place of the override that an operator has added for a zone and a time.
func (s *Set) find(zone lookup.Name, when When) int {
	for i, e := range s.added {
		if e.o.Zone == zone && e.o.When == when {
			return i
		}
	}
	return -1
}
