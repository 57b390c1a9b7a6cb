package health

import (
	"fmt"
	"iter"
	"math"
	"time"
)

// MinTTL is the least to which Status.TTL shortens a TTL, in seconds.
const MinTTL = 5

// Status is how a target is. The zero Status is that of a target that nobody checks.
type Status struct {
	State   State     // what answers go by
	Since   time.Time // when it came to State
	Checked State     // what the checks alone say

	Admin Admin     // what people say; unless it is Auto, it is State
	Until time.Time // when that ends; zero: it has no end

	Failures, Successes int // in a row; one of them is 0
	Threshold           int // results in a row that change Checked
	Remaining           int // how many more of them that takes

	Last  Outcome       // of the last check
	At    time.Time     // when that ended; zero: there was none
	Next  time.Time     // when the next one begins; zero: there is none
	Every time.Duration // from the begin of one to that of the next, while nothing is about to change

	// Held says that the target has failed often enough, or does fail, and keeps its
	// state because everything fails at once.
	Held bool

	Counts Counts
	fast   time.Duration // spacing of checks when the state may change
}

// Counts are what has come of the checks of a target since it is watched.
type Counts struct {
	Passed, Failed, Blind uint64
	Changes               uint64        // of State
	Took                  time.Duration // all checks together
}

// TTL is for how many seconds an answer that relies on s should be kept: highest, or
// less while the state may change soon. A target that has been up, and whose last check
// has passed, takes nothing away. For others it is the time until enough checks could
// have ended the other way, and at least MinTTL.
func (s Status) TTL(highest uint32, now time.Time) uint32 {
	least := time.Duration(math.MaxInt64)
	if s.Admin == Auto {
		settled := s.Checked.settled() && s.Failures == 0 || s.Last.Result == Blind && s.Checked == Unknown
		if !s.Next.IsZero() && (!settled || s.Held) {
			least = max(s.Next.Sub(now), 0) + time.Duration(max(s.Remaining-1, 0))*s.fast
		}
	} else if !s.Until.IsZero() {
		least = s.Until.Sub(now)
	}
	if least >= time.Duration(highest)*time.Second {
		return highest
	}
	return min(highest, max(uint32(max(least, 0)/time.Second), MinTTL))
}

// settled says that a target in this state stays as it is as far as anybody knows. One
// that is down is expected back.
func (s State) settled() bool { return s == Up || s == Drain }

// pageSize is how many Statuses are copied together when one of them changes.
const pageSize = 64

type page [pageSize]*Status

// Snapshot is how all targets were at one moment. It never changes. A nil Snapshot has
// no targets.
type Snapshot struct {
	epoch uint64
	index map[Target]int
	order []Target // as Watch was given them, less State; by site, address and check
	pages []*page
}

// Epoch is another number whenever a State, or the set of targets, is another one. It
// grows. What else a Status says changes without it, and with that what TTL says.
func (s *Snapshot) Epoch() uint64 {
	if s == nil {
		return 0
	}
	return s.epoch
}

// Len is the number of targets.
func (s *Snapshot) Len() int {
	if s == nil {
		return 0
	}
	return len(s.order)
}

// Status is how a target is; Target.State is not looked at. One that is not watched is
// Unknown, which counts as up. It allocates nothing.
func (s *Snapshot) Status(t Target) Status {
	if s != nil {
		if i, ok := s.index[t.key()]; ok {
			return *s.at(i)
		}
	}
	return Status{State: t.State.state(Unknown), Admin: t.State}
}

// All are the targets with their Status, by site, address and check.
func (s *Snapshot) All() iter.Seq2[Target, Status] {
	return func(yield func(Target, Status) bool) {
		for i := range s.Len() {
			if !yield(s.order[i], *s.at(i)) {
				return
			}
		}
	}
}

func (s *Snapshot) at(i int) *Status { return s.pages[i/pageSize][i%pageSize] }

// publishAll makes a Snapshot of a new set.
func (m *Monitor) publishAll(now time.Time) {
	old := m.snapshot.Load()
	fresh := &Snapshot{epoch: old.epoch + 1, index: make(map[Target]int, len(m.order)), pages: make([]*page, (len(m.order)+pageSize-1)/pageSize)}
	for i := range fresh.pages {
		fresh.pages[i] = &page{}
	}
	for i, e := range m.order {
		fresh.index[e.target] = i
		fresh.order = append(fresh.order, e.target)
		var before *Status
		if j, ok := old.index[e.target]; ok {
			before = old.at(j)
		}
		fresh.pages[i/pageSize][i%pageSize] = m.status(e, before, now)
	}
	m.snapshot.Store(fresh)
	m.changed = true
}

// publish makes a Snapshot in which those entries are as they are now. One may be named
// twice.
func (m *Monitor) publish(now time.Time, entries ...*entry) {
	old := m.snapshot.Load()
	fresh := &Snapshot{epoch: old.epoch, index: old.index, order: old.order, pages: append([]*page(nil), old.pages...)}
	copied := make(map[int]bool, 1)
	for _, e := range entries {
		p := e.slot / pageSize
		if !copied[p] {
			again := *fresh.pages[p]
			fresh.pages[p], copied[p] = &again, true
		}
		before := fresh.at(e.slot)
		after := m.status(e, before, now)
		fresh.pages[p][e.slot%pageSize] = after
		if after.State != before.State {
			fresh.epoch = old.epoch + 1
		}
	}
	m.snapshot.Store(fresh)
	m.changed = m.changed || fresh.epoch != old.epoch
}

// status is how e is now, and before was. A change of its state is told.
func (m *Monitor) status(e *entry, before *Status, now time.Time) *Status {
	o := m.forced(e)
	s := &Status{
		State: o.admin.state(e.state), Since: now, Checked: e.state, Admin: o.admin, Until: o.until,
		Failures: e.fails, Successes: e.passes, Threshold: e.threshold(), Remaining: e.remaining(),
		Last: e.last, At: e.ended, Next: e.next, Every: e.pace.Interval, fast: e.fast(),
		Held: e.remote() && m.uplink(e.six()).held && e.state != Down && e.fails > 0,
	}
	if e.check.kind == None {
		s.Threshold, s.Remaining = 0, 0
	}
	switch {
	case before == nil:
	case before.State == s.State:
		s.Since = before.Since
	default:
		e.counts.Changes++
		m.say(Event{At: now, Kind: Changed, Target: e.target, From: before.State, To: s.State, Text: s.why()})
	}
	s.Counts = e.counts
	return s
}

// why is the reason for the state.
func (s *Status) why() string {
	switch {
	case s.Admin != Auto:
		return "an operator says so"
	case s.Last.Reason != "":
		return s.Last.Reason
	}
	return fmt.Sprintf("check %s", s.Last.Result)
}

// EventKind is what an Event is about.
type EventKind uint8

// The kinds of events.
const (
	Changed   EventKind = iota // the state of Target has become To
	WentBlind                  // it cannot be found out how Target is
	HoldBegan                  // states are held, since everything fails at once
	HoldEnded
	Refused // there are too many targets
)

// Event is what an operator may want to hear of.
type Event struct {
	At       time.Time
	Kind     EventKind
	Target   Target // of Changed and WentBlind
	From, To State  // of Changed
	Text     string // the reason, for people
}

// String is a sentence.
func (e Event) String() string {
	switch e.Kind {
	case Changed:
		return fmt.Sprintf("site %s, %s: %s is now %s, was %s: %s", e.Target.Site, e.Target.Addr, e.Target.Check, e.To, e.From, e.Text)
	case WentBlind:
		return fmt.Sprintf("site %s, %s: %s finds nothing out: %s", e.Target.Site, e.Target.Addr, e.Target.Check, e.Text)
	}
	return e.Text
}

// Durations counts how long checks took.
type Durations struct {
	Bounds []time.Duration // upper bounds, inclusive, ascending
	Counts []uint64        // one for each bound, not summed up, and one for all above
	Sum    time.Duration
}

func durationBounds() []time.Duration {
	const ms = time.Millisecond
	return []time.Duration{ms, 5 * ms, 10 * ms, 25 * ms, 50 * ms, 100 * ms, 250 * ms, 500 * ms, time.Second, 2500 * ms, 5 * time.Second, 10 * time.Second}
}

func (d *Durations) add(took time.Duration) {
	i := 0
	for _, bound := range durationBounds() {
		if took <= bound {
			break
		}
		i++
	}
	d.Counts[i]++
	d.Sum += took
}

// Stats are counts of a Monitor.
type Stats struct {
	Took      Durations // all checks
	Running   int       // checks under way
	Unwatched int       // targets that were one too many
	Held      [2]bool   // states of IPv4 targets, and of IPv6 ones
}

// Stats counts.
func (m *Monitor) Stats() Stats {
	m.mu.Lock()
	defer m.mu.Unlock()
	return Stats{
		Took:    Durations{Bounds: durationBounds(), Counts: append([]uint64(nil), m.took.Counts...), Sum: m.took.Sum},
		Running: m.running, Unwatched: m.unkept, Held: [2]bool{m.uplinks[0].held, m.uplinks[1].held},
	}
}
