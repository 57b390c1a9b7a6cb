package health

import (
	"fmt"
	"time"
)

// maxWitnesses is how many other checks are brought forward at once to find out
// whether it is the target that fails or the way to everybody.
const maxWitnesses = 8

// uplink is what is known of the way from here to the targets of an address family. A
// host may have lost IPv6 and not IPv4, or never have had it.
type uplink struct {
	six     bool
	passed  time.Time // begin of the last check of any target that has passed
	waiting bool      // targets wait for witnesses, or are held
	held    bool
	since   time.Time // when that began, or ended
	spent   bool      // it was held for as long as it may be, and nothing has passed since
}

// of says whether e is one of those that u leads to, and whose checks tell of it.
func (u *uplink) of(e *entry) bool {
	return e.remote() && u.six == e.six()
}

// note has the outcome of a check of e, which began at start, decide for all targets
// that it bears on.
func (m *Monitor) note(e *entry, o Outcome, start, now time.Time) {
	e.count(o, now.Sub(start))
	if o.Result == Blind && e.last.Result != Blind {
		m.say(Event{At: now, Kind: WentBlind, Target: e.target, Text: o.Reason})
	}
	e.verdict.note(o, now)
	e.began, e.ended = start, now
	m.again(e, start, now) // before any judgement: that may bring the next check forward
	if !e.remote() {
		if e.ripe() {
			e.fell(now)
		}
		m.publish(now, e)
		return
	}
	u := m.uplink(e.six())
	if o.Result == Passed && start.After(u.passed) {
		u.passed, u.spent = start, false
	}
	held, touched := u.held, []*entry{e}
	if u.held && o.Result == Passed {
		m.release(u, now, "a check has passed", true)
	}
	if u.waiting || e.ripe() {
		touched = append(touched, m.judge(u, now)...)
	}
	if u.held != held { // which the Status of each tells
		touched = m.order
	}
	m.publish(now, touched...)
}

func (m *Monitor) uplink(six bool) *uplink {
	if six {
		return &m.uplinks[1]
	}
	return &m.uplinks[0]
}

// judge decides for the targets of u that have failed often enough. They go down when
// another target has been reached since they began to fail; when not even one can be,
// and several sites began to fail within the window, it is the way from here that is
// lost. It returns those that went down.
func (m *Monitor) judge(u *uplink, now time.Time) (down []*entry) {
	if u.held && now.Sub(u.since) >= m.options.Hold {
		m.release(u, now, "it has lasted for as long as it may", false)
		u.spent = true
	}
	if u.held {
		return nil
	}
	u.waiting = false
	var ripe []*entry
	var latest time.Time
	for _, e := range m.order {
		switch {
		case !u.of(e) || !e.ripe():
		case m.options.Hold < 0 || u.spent || !u.passed.Before(e.onset):
			e.fell(now)
			down = append(down, e)
		default:
			ripe = append(ripe, e)
			if e.onset.After(latest) {
				latest = e.onset
			}
		}
	}
	if len(ripe) == 0 {
		return down
	}
	if m.summon(u, latest, now) {
		u.waiting = true
		return down
	}
	if sites := m.failing(u, latest.Add(-m.options.Window)); sites >= 2 {
		u.held, u.since, u.waiting = true, now, true
		m.say(Event{At: now, Kind: HoldBegan, Text: fmt.Sprintf("no %s target of any site answers, %d sites have failed at once: "+
			"the uplink here is taken to be lost, and states are held for %s at most", u, sites, m.options.Hold)})
		return down
	}
	for _, e := range ripe {
		e.fell(now)
	}
	return append(down, ripe...)
}

// summon brings forward checks of targets that have not been looked at since a time,
// and says whether there are any. Targets that wait themselves are known to fail.
func (m *Monitor) summon(u *uplink, since, now time.Time) bool {
	var good, others []*entry
	called := false
	for _, e := range m.order {
		switch {
		case !u.of(e) || e.ripe() || !e.began.Before(since):
		case e.place < 0 || !e.next.After(now): // under way, or about to be
			called = true
		case e.last.Result == Passed:
			good = append(good, e)
		default:
			others = append(others, e)
		}
	}
	if called { // what they say may be enough
		return true
	}
	all := append(good, others...) // who did well last is the best witness
	for _, e := range all[:min(len(all), maxWitnesses)] {
		m.due.plan(e, now)
	}
	return len(all) > 0
}

// failing counts the sites with a target that is not down and has begun to fail since a
// time.
func (m *Monitor) failing(u *uplink, since time.Time) int {
	sites := map[string]bool{}
	for _, e := range m.order {
		if u.of(e) && e.state != Down && e.fails > 0 && !e.onset.Before(since) {
			sites[e.target.Site] = true
		}
	}
	return len(sites)
}

// release ends a hold. When somebody has answered, what had failed meanwhile says
// nothing of the targets.
func (m *Monitor) release(u *uplink, now time.Time, why string, answered bool) {
	m.say(Event{At: now, Kind: HoldEnded, Text: fmt.Sprintf("states of %s targets are held no longer: %s", u, why)})
	u.held, u.since, u.waiting = false, now, false
	for _, e := range m.order {
		if answered && u.of(e) && e.state != Down {
			e.pardon()
		}
	}
}

// String is the address family.
func (u *uplink) String() string {
	if u.six {
		return "IPv6"
	}
	return "IPv4"
}
