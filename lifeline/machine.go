package lifeline

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// State is how a protected zone is doing.
type State uint8

// The states.
const (
	Normal     State = iota // the parent confirms what is known
	Suspect                 // something contradicts: both paths are used
	Emergency               // no server of the parent confirms it: the known delegation is used
	Recovering              // the parent confirms it again; not for long enough to forget
)

// String is the state in a word.
func (s State) String() string {
	return [...]string{"normal", "suspect", "emergency", "recovering"}[min(s, Recovering)]
}

// The times of the states.
const (
	suspectCalls  = 30 * time.Second // between roll-calls while suspect
	suspectClear  = 5 * time.Minute  // without contradiction until a zone is normal again
	recoverCalls  = time.Minute      // between roll-calls while recovering
	recoverNeeded = 3                // good roll-calls in a row before recovering
	recoverClear  = 15 * time.Minute // clean until a zone is normal again
	recoverMost   = 4 * time.Hour    // the same, after relapses that double it
	backoffMost   = 5 * time.Minute  // between roll-calls in an emergency
	normalLeast   = 15 * time.Minute // between roll-calls of a zone that is well
	demandLeast   = 30 * time.Second // between roll-calls that clients' queries ask for
	beginCalls    = 10               // roll-calls at most that are sent soon, so that a zone is known to be unsigned
	jump          = time.Hour        // of the clock that is not believed
)

// A Transition is a change of state, or of what is known.
type Transition struct {
	From, To State
	Outcome  Outcome
	Reason   string
	Ballot   Ballot // zero: none caused it
	At       time.Time
}

// A Machine is the state of one protected zone. Its methods take the time; it does
// nothing by itself. It is not safe for concurrent use.
type Machine struct {
	policy Policy

	Snapshot Snapshot
	Previous []Snapshot // the ones before, newest first, two at most
	State    State
	Since    time.Time // of the state
	Reason   string    // for the state
	Pending  bool      // a change has a majority and waits for time or for the operator
	Pinned   bool      // by the operator: the known delegation is used, whatever the parent says
	Gone     bool      // released: the parent's word counts again
	Last     Ballot    // the latest

	change  *pending
	agreed  bool          // the operator agrees to the change
	held    time.Duration // since a server of the parent confirmed it last
	seen    time.Time     // when the machine was asked last
	good    int           // roll-calls in a row that a majority confirms
	steady  time.Time     // of the first of them
	clean   time.Time     // since when there was no contradiction
	clear   time.Duration // how long recovering lasts
	backoff time.Duration
	alarms  int                      // that there have been in this emergency
	calls   time.Time                // of the latest roll-call
	demand  time.Time                // of the latest that a query asked for
	wanted  bool                     // a roll-call is wanted at once
	counted int                      // roll-calls
	behind  map[netip.Addr]time.Time // servers of the parent with an older zone, and since when
}

// NewMachine makes a Machine that begins with what was known at the end of the last run;
// the zero Snapshot is nothing. held is how long ago that was confirmed.
func NewMachine(p Policy, known Snapshot, previous []Snapshot, now time.Time) *Machine {
	m := &Machine{policy: p.filled(), Snapshot: known, Previous: previous, Since: now, seen: now, clear: recoverClear, wanted: true}
	if known.Known() {
		m.held = max(0, now.Round(0).Sub(known.Confirmed.Round(0)))
	}
	return m
}

// Next is when the next roll-call is due. jitter is from -1 to 1.
func (m *Machine) Next(jitter float64) time.Time {
	every := max(normalLeast, time.Duration(m.Snapshot.TTL)*time.Second/2)
	switch {
	case m.wanted:
		return m.calls
	case m.State == Normal && (!m.Snapshot.Known() || m.Snapshot.Unproven() && m.counted < beginCalls):
		every = recoverCalls // there is nothing yet that could help
	case m.State == Suspect:
		every = suspectCalls
	case m.State == Emergency:
		every = max(recoverCalls, m.backoff)
	case m.State == Recovering:
		every = recoverCalls
	}
	due := m.calls.Add(every + time.Duration(jitter*0.2*float64(every)))
	if over := m.changes(); over.After(m.calls) && over.Before(due) {
		return over
	}
	return due
}

// changes is when what is pending has lasted for long enough; zero: nothing is.
func (m *Machine) changes() time.Time {
	switch {
	case m.change == nil:
		return time.Time{}
	case len(m.change.Delegation.Hosts) == 0:
		return m.change.Since.Add(m.policy.WithdrawDwell)
	}
	return m.change.Since.Add(m.policy.ChangeDwell)
}

// Stand is how queries for a zone are to be answered.
type Stand uint8

// The stands.
const (
	Plain Stand = iota // as if there was no Lifeline
	Race               // by both paths; data of either is better than a denial of the parent's
	Held               // by the known delegation
)

// Stand says by what path queries are answered now.
func (m *Machine) Stand() Stand {
	switch {
	case m.Pinned && m.Snapshot.Known():
		return Held
	case m.Gone || !m.Snapshot.Known() || m.expired():
		return Plain
	case m.State == Suspect:
		return Race
	case m.State == Emergency:
		return Held
	}
	return Plain
}

// expired says that nobody has confirmed the delegation for too long.
func (m *Machine) expired() bool { return m.policy.MaxHold > 0 && m.held > m.policy.MaxHold }

// tick lets time pass. A clock that jumps makes nothing old, because the monotonic one counts;
// the servers of the parent are asked anew.
func (m *Machine) tick(now time.Time) {
	passed := now.Sub(m.seen)
	if wall := now.Round(0).Sub(m.seen.Round(0)); wall-passed > jump || passed-wall > jump || passed < 0 {
		m.wanted = true
	}
	m.held += max(0, passed)
	m.seen = now
}

// Tick lets time pass without evidence: what nobody has confirmed for too long ends.
func (m *Machine) Tick(now time.Time) []Transition {
	m.tick(now)
	if m.expired() {
		return m.end(now)
	}
	return m.settle(now)
}

// end gives up a delegation that nobody has confirmed for too long.
func (m *Machine) end(now time.Time) []Transition {
	if m.State == Normal {
		return nil
	}
	return []Transition{m.move(Normal, Kept, fmt.Sprintf("no server of the parent has confirmed the delegation for %v", m.policy.MaxHold), now)}
}

// Suspicion is what made somebody doubt.
type Suspicion string

// The suspicions.
const (
	DeniedByParent Suspicion = "the parent denies the zone"
	Unanswered     Suspicion = "queries are not answered"
	Unproven       Suspicion = "what the parent says does not validate"
	SignaturesAge  Suspicion = "signatures of the parent are about to expire"
	LedAstray      Suspicion = "the parent refers to servers that are not known"
)

// Suspect says that a query under the zone went wrong in the way that the parent would
// be to blame for. It asks for a roll-call, once in 30 seconds at most.
func (m *Machine) Suspect(why Suspicion, now time.Time) []Transition {
	m.tick(now)
	if m.Gone || !m.Snapshot.Known() || m.expired() {
		return nil
	}
	m.clean = now
	if m.demand.IsZero() || now.Sub(m.demand) >= demandLeast {
		m.demand, m.wanted = now, true
	}
	if m.State != Normal {
		return nil
	}
	return []Transition{m.move(Suspect, Kept, string(why), now)}
}

// Count takes in a roll-call.
func (m *Machine) Count(b Ballot, now time.Time) []Transition {
	m.tick(now)
	b = m.markLaggards(b, now)
	m.Last, m.calls, m.wanted, m.counted = b, now, false, m.counted+1
	v := decide(m.Snapshot, b, m.policy, m.change, m.agreed)
	if m.Gone && v.outcome == Kept { // whoever has the zone now is to be known as at the beginning
		v = capture(b.Count(Delegation{}))
	}
	m.change, m.Pending = v.pending, v.pending != nil
	switch v.outcome {
	case Adopted:
		return m.adopt(v, now)
	case Released:
		m.Gone, m.agreed = true, false
		return []Transition{m.move(Normal, Released, v.reason, now)}
	case Affirmed:
		m.affirm(v.vote, b, now)
	}
	return m.judge(v, now)
}

// adopt takes another delegation in the place of the known one.
func (m *Machine) adopt(v verdict, now time.Time) []Transition {
	old := m.Snapshot
	if old.Known() {
		m.Previous = append([]Snapshot{old}, m.Previous...)
		m.Previous = m.Previous[:min(len(m.Previous), 2)]
	}
	m.Snapshot = Snapshot{
		Zone: old.Zone, Parent: old.Parent, Delegation: v.vote.Delegation, Keys: old.Keys, Serial: max(old.Serial, v.vote.Serial), TTL: v.vote.TTL,
		First: now, Confirmed: now, Epoch: old.Epoch + 1,
	}
	m.Snapshot.stand(v.vote, old)
	m.held, m.agreed, m.Gone = 0, false, false
	to := m.State
	if !old.Known() {
		to = Normal
	}
	after := verdict{outcome: Affirmed, tally: m.Last.Count(m.Snapshot.Delegation), reason: v.reason}
	return append([]Transition{m.move(to, Adopted, v.reason, now)}, m.judge(after, now)...)
}

// affirm notes that a server of the parent has confirmed the delegation.
func (m *Machine) affirm(v Vote, b Ballot, now time.Time) {
	s := &m.Snapshot
	old := *s
	s.Confirmed, s.TTL, s.Delegation = now, v.TTL, s.Delegation.with(b.shown(s.Delegation))
	if serial, ok := b.newest(); ok && (s.Serial == 0 || newer(serial, s.Serial)) {
		s.Serial = serial
	}
	s.stand(v, old)
	m.held, m.Gone, m.agreed = 0, false, false
}

// stand notes whether the zone is signed, by a vote. A zone that was signed is never
// unsigned again by anything but a proof (resilience: no downgrade by an outage).
func (s *Snapshot) stand(v Vote, old Snapshot) {
	switch {
	case v.Unsigned && old.Standing != Secure:
		s.Standing, s.Insecure = Insecure, old.Insecure+1
	case !v.Secure:
		s.Standing, s.Insecure = old.Standing, old.Insecure
	case len(v.Delegation.DS) > 0:
		s.Standing, s.Insecure = Secure, 0
	default:
		s.Standing, s.Insecure = Insecure, old.Insecure+1
	}
}

// newer compares serials (RFC 1982 3.2).
func newer(a, b uint32) bool { return int32(a-b) > 0 }

// judge moves between states by a ballot.
func (m *Machine) judge(v verdict, now time.Time) []Transition {
	t := v.tally
	majority := v.outcome == Affirmed && t.Keeping >= t.majority()
	contradiction := t.Denied > 0 || len(t.Other) > 0 || v.outcome == Kept
	if !majority {
		m.good = 0
	} else if m.good++; m.good == 1 {
		m.steady = now
	}
	if contradiction {
		m.clean = now
	}
	if m.clean.IsZero() {
		m.clean = now
	}
	switch {
	case !m.Snapshot.Known() || m.Gone:
		return nil
	case m.expired() && v.outcome == Kept:
		return m.end(now)
	case v.outcome == Kept && m.State != Emergency:
		if m.State == Recovering { // a relapse makes the next recovery longer
			m.clear = min(2*m.clear, recoverMost)
		}
		m.backoff = recoverCalls
		return []Transition{m.move(Emergency, v.outcome, fmt.Sprintf("%s (%s)", v.reason, m.Last), now)}
	case v.outcome == Kept:
		m.backoff = min(2*max(m.backoff, recoverCalls), backoffMost)
		m.Reason = fmt.Sprintf("%s (%s)", v.reason, m.Last)
		return m.alarm(now)
	case m.State == Normal && contradiction:
		return []Transition{m.move(Suspect, v.outcome, "servers of the parent contradict each other ("+m.Last.String()+")", now)}
	case m.State == Emergency && m.good > 0:
		m.backoff = recoverCalls
		if m.good >= recoverNeeded && now.Sub(m.steady) >= m.trial() {
			return []Transition{m.move(Recovering, v.outcome, "a majority of the parent confirms it again", now)}
		}
		m.Reason = "a majority of the parent confirms it again, which has to last"
		if m.trial() > 0 {
			m.Reason = fmt.Sprintf("a majority of the parent confirms it again, which has to last for %v after a relapse, and has for %v", m.trial(), now.Sub(m.steady).Round(time.Second))
		}
	}
	return m.settle(now)
}

// trial is for how long a majority has to confirm the delegation without a break until
// an emergency ends. Three roll-calls are enough for a parent that has not relapsed; one
// that has, and comes and goes between roll-calls, would pass them again and again
// (resilience: at most one transition in a quarter of an hour). Nothing is lost by
// waiting, since what the parent confirms is what is held.
func (m *Machine) trial() time.Duration {
	if m.clear == recoverClear {
		return 0
	}
	return m.clear / 2
}

// alarm reminds of an emergency that lasts: after 1 h, 24 h and 72 h, and then every day.
func (m *Machine) alarm(now time.Time) []Transition {
	due := func() time.Duration {
		if first := [...]time.Duration{time.Hour, 24 * time.Hour, 72 * time.Hour}; m.alarms < len(first) {
			return first[m.alarms]
		}
		return time.Duration(m.alarms+1) * 24 * time.Hour // the fourth, of index 3, after 96 h
	}
	before := m.alarms
	for m.held >= due() {
		m.alarms++
	}
	if m.alarms == before {
		return nil
	}
	reason := fmt.Sprintf("no server of the parent has confirmed the delegation for %v", m.held.Round(time.Minute))
	return []Transition{{From: m.State, To: m.State, Outcome: Kept, Reason: reason, Ballot: m.Last, At: now}}
}

// settle ends suspicion and recovery when they have been clean for long enough.
func (m *Machine) settle(now time.Time) []Transition {
	switch {
	case m.State == Suspect && m.Last.At.After(m.Since) && m.enough() && now.Sub(m.clean) >= suspectClear:
		return []Transition{m.move(Normal, Affirmed, "nothing contradicts any more", now)}
	case m.State == Recovering && now.Sub(m.Since) >= m.clear && now.Sub(m.clean) >= min(m.clear, recoverClear):
		m.clear = recoverClear
		return []Transition{m.move(Normal, Affirmed, "clean for long enough", now)}
	}
	return nil
}

// enough says that two groups confirm the delegation, or all there are.
func (m *Machine) enough() bool {
	t := m.Last.Count(m.Snapshot.Delegation)
	return t.Keeping >= min(2, t.Groups) && t.Keeping > 0
}

func (m *Machine) move(to State, o Outcome, reason string, now time.Time) Transition {
	t := Transition{From: m.State, To: to, Outcome: o, Reason: reason, Ballot: m.Last, At: now}
	if to != m.State {
		m.State, m.Since, m.good, m.alarms = to, now, 0, 0
		if to == Suspect || to == Emergency {
			m.clean = now
		}
	}
	m.Reason = reason
	return t
}

// Acknowledge is the operator's word for the change that is pending: it is taken with
// the next roll-call that still shows it. false: nothing is pending.
func (m *Machine) Acknowledge() bool {
	if m.change == nil {
		return false
	}
	m.agreed, m.wanted = true, true
	return true
}

// Release makes the parent's word count again, whatever it is, until a server of it
// confirms the delegation that was known.
func (m *Machine) Release(now time.Time) Transition {
	m.tick(now)
	m.Gone, m.Pinned, m.change, m.Pending = true, false, nil, false
	return m.move(Normal, Released, "the operator has released it", now)
}

// Pin has queries be answered by the known delegation, whatever the parent says and for
// as long as the operator wants; false takes that back. It tells whether there is
// anything to pin.
func (m *Machine) Pin(on bool) bool {
	if on && !m.Snapshot.Known() {
		return false
	}
	m.Pinned, m.wanted = on, true
	return true
}

// Rollback puts the snapshot before the present one back into its place.
func (m *Machine) Rollback(now time.Time) bool {
	if len(m.Previous) == 0 {
		return false
	}
	old := m.Snapshot
	m.Snapshot = m.Previous[0]
	m.Snapshot.Epoch = old.Epoch + 1
	m.Previous = append([]Snapshot{old}, slices.Clone(m.Previous[1:])...)
	return true
}
