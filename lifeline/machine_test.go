package lifeline_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/sextant-dns/sextant/lifeline"
	"github.com/sextant-dns/sextant/lookup"
)

// A parent is the servers of a zone above, each with what it says now.
type parent struct {
	t   *testing.T
	m   *lifeline.Machine
	now time.Time
	say []lifeline.Vote
	log []string
}

func delegation(names string, ds ...string) lifeline.Delegation {
	var hosts []lifeline.Host
	for i, n := range strings.Fields(names) {
		hosts = append(hosts, lifeline.Host{Name: lookup.MustName(n), Addrs: []netip.Addr{netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)})}})
	}
	return lifeline.NewDelegation(hosts, ds)
}

// Seven servers of seven operators, as .io had them.
func newParent(t *testing.T, p lifeline.Policy) *parent {
	t.Helper()
	now := time.Date(2016, 10, 27, 5, 0, 0, 0, time.UTC)
	w := &parent{t: t, now: now, m: lifeline.NewMachine(p, lifeline.Snapshot{Zone: lookup.MustName("example.io."), Parent: lookup.MustName("io.")}, nil, now)}
	for i := range 7 {
		w.say = append(w.say, lifeline.Vote{
			Server: netip.AddrFrom4([4]byte{198, 51, byte(100 + i), 1}), Name: lookup.MustName(fmt.Sprintf("ns-%c1.io.", 'a'+i)),
			Finding: lifeline.Refers, Delegation: good(), TTL: 3600, Serial: 100, HasSOA: true,
		})
	}
	w.call()
	return w
}

func good() lifeline.Delegation { return delegation("ns1.example.io. ns2.example.io.") }

// call is a roll-call; the transitions go into the log.
func (w *parent) call() {
	w.t.Helper()
	votes := append([]lifeline.Vote(nil), w.say...)
	w.note(w.m.Count(lifeline.Ballot{At: w.now, Votes: votes}, w.now))
}

func (w *parent) note(all []lifeline.Transition) {
	for _, t := range all {
		if t.From != t.To || t.Outcome == lifeline.Adopted || t.Outcome == lifeline.Released {
			w.log = append(w.log, fmt.Sprintf("%s>%s", t.From, t.To))
		}
	}
}

// run lets time pass with the roll-calls that the machine wants.
func (w *parent) run(d time.Duration) {
	w.t.Helper()
	for end := w.now.Add(d); ; {
		due := w.m.Next(0)
		if due.Before(w.now) {
			due = w.now
		}
		if due.After(end) {
			w.now = end
			w.note(w.m.Tick(w.now))
			return
		}
		w.now = due
		w.call()
	}
}

// all sets what the servers from one to another find.
func (w *parent) all(from, to int, f lifeline.Finding, d ...lifeline.Delegation) {
	for i := from; i < to; i++ {
		w.say[i].Finding, w.say[i].Delegation = f, lifeline.Delegation{}
		if len(d) > 0 {
			w.say[i].Delegation = d[0]
		}
	}
}

func (w *parent) expect(state lifeline.State, stand lifeline.Stand, log ...string) {
	w.t.Helper()
	if w.m.State != state || w.m.Stand() != stand {
		w.t.Errorf("%s, stand %d (%s); want %s, stand %d", w.m.State, w.m.Stand(), w.m.Reason, state, stand)
	}
	if fmt.Sprint(w.log) != fmt.Sprint(log) {
		w.t.Errorf("transitions %v, want %v", w.log, log)
	}
	w.log = nil
}

func TestCaptureNeedsTwoOperators(t *testing.T) {
	t.Parallel()
	w := newParent(t, lifeline.Policy{})
	w.expect(lifeline.Normal, lifeline.Plain, "normal>normal")
	if w.m.Snapshot.Epoch != 1 || w.m.Snapshot.Fingerprint() != good().Fingerprint() {
		t.Errorf("%+v", w.m.Snapshot)
	}

	// One operator with many addresses is one.
	alone := newParent(t, lifeline.Policy{})
	alone.m = lifeline.NewMachine(lifeline.Policy{}, lifeline.Snapshot{}, nil, alone.now)
	for i := range alone.say {
		alone.say[i].Finding = lifeline.Silent
		if i < 3 {
			alone.say[i].Finding = lifeline.Refers
			alone.say[i].Server = netip.AddrFrom4([4]byte{203, 0, 113, byte(i)})
		}
	}
	alone.call()
	if alone.m.Snapshot.Known() {
		t.Error("one operator was believed")
	}
	alone.say[0].Secure = true // what validates needs no second
	alone.call()
	if !alone.m.Snapshot.Known() {
		t.Error("what validates was not believed")
	}
}

// T1, I3: three good, three silent, one that lies. The lie makes a suspect of it, and
// both paths serve for as long as the lie is told.
func TestIncidentOfIO(t *testing.T) {
	t.Parallel()
	w := newParent(t, lifeline.Policy{})
	w.log = nil
	w.all(3, 6, lifeline.Silent)
	w.all(6, 7, lifeline.Denies)
	w.note(w.m.Suspect(lifeline.DeniedByParent, w.now))
	w.expect(lifeline.Suspect, lifeline.Race, "normal>suspect")
	w.run(12 * time.Hour)
	w.expect(lifeline.Suspect, lifeline.Race)
	w.all(0, 7, lifeline.Refers, good())
	w.run(10 * time.Minute)
	w.expect(lifeline.Normal, lifeline.Plain, "suspect>normal")
}

// T2: all silent for 72 hours. It is an emergency at the first roll-call, over a quarter
// of an hour after the parent is back.
func TestAllSilent(t *testing.T) {
	t.Parallel()
	w := newParent(t, lifeline.Policy{})
	w.log = nil
	w.all(0, 7, lifeline.Silent)
	w.note(w.m.Suspect(lifeline.Unanswered, w.now))
	w.run(0)
	w.expect(lifeline.Emergency, lifeline.Held, "normal>suspect", "suspect>emergency")
	w.run(72 * time.Hour)
	w.expect(lifeline.Emergency, lifeline.Held)
	w.all(0, 7, lifeline.Refers, good())
	w.run(8 * time.Minute)
	w.expect(lifeline.Recovering, lifeline.Plain, "emergency>recovering")
	w.run(16 * time.Minute)
	w.expect(lifeline.Normal, lifeline.Plain, "recovering>normal")
}

// T3, I7: the registry says the truth, that the zone is on hold. The operator decides.
func TestTruthfulDenial(t *testing.T) {
	t.Parallel()
	w := newParent(t, lifeline.Policy{})
	w.log = nil
	w.all(0, 7, lifeline.Disproves)
	w.run(24 * time.Hour)
	w.expect(lifeline.Emergency, lifeline.Held, "normal>emergency")
	if !w.m.Pending || !w.m.Acknowledge() {
		t.Error("there is nothing that the operator could agree to")
	}
	w.run(10 * time.Minute)
	w.expect(lifeline.Normal, lifeline.Plain, "emergency>normal")
	w.all(0, 7, lifeline.Refers, good())
	w.run(time.Hour)
	if w.m.Gone {
		t.Error("it is back, and counts as gone")
	}

	follow := newParent(t, lifeline.Policy{Withdraw: lifeline.Follow})
	follow.log = nil
	follow.all(0, 7, lifeline.Disproves)
	follow.run(55 * time.Minute) // seen at once, as the zone is young, and not for an hour yet
	follow.expect(lifeline.Emergency, lifeline.Held, "normal>emergency")
	follow.run(20 * time.Minute)
	follow.expect(lifeline.Normal, lifeline.Plain, "emergency>normal")

	// Without a proof nobody follows, and an opt-out span proves half as much.
	for _, f := range []lifeline.Finding{lifeline.Denies, lifeline.OptsOut, lifeline.Empty} {
		unproven := newParent(t, lifeline.Policy{Withdraw: lifeline.Follow})
		unproven.log = nil
		unproven.all(0, 7, f)
		unproven.run(24 * time.Hour)
		unproven.expect(lifeline.Emergency, lifeline.Held, "normal>emergency")
	}
}

func TestNothingIsHeldForEver(t *testing.T) {
	t.Parallel()
	w := newParent(t, lifeline.Policy{})
	w.log = nil
	w.all(0, 7, lifeline.Silent)
	w.run(6 * 24 * time.Hour)
	w.expect(lifeline.Emergency, lifeline.Held, "normal>emergency")
	w.run(2 * 24 * time.Hour)
	w.expect(lifeline.Normal, lifeline.Plain, "emergency>normal")
	if w.note(w.m.Suspect(lifeline.Unanswered, w.now)); w.m.Stand() != lifeline.Plain {
		t.Error("what has ended serves again")
	}

	ever := newParent(t, lifeline.Policy{MaxHold: -1})
	ever.all(0, 7, lifeline.Silent)
	ever.run(60 * 24 * time.Hour)
	if ever.m.Stand() != lifeline.Held {
		t.Error("for ever has ended")
	}
}

// An emergency that lasts is told of after 1 h, 24 h and 72 h, and then each day; the next
// one is told of anew.
func TestAlarms(t *testing.T) {
	t.Parallel()
	w := newParent(t, lifeline.Policy{MaxHold: -1})
	for range 2 {
		w.all(0, 7, lifeline.Silent)
		begun, told := w.now, []int(nil)
		for w.now.Sub(begun) < 150*time.Hour {
			w.now = w.now.Add(5 * time.Minute)
			b := lifeline.Ballot{At: w.now, Votes: w.say}
			for _, tr := range w.m.Count(b, w.now) {
				if tr.From == lifeline.Emergency && tr.To == lifeline.Emergency {
					told = append(told, int(w.now.Sub(begun).Round(time.Hour)/time.Hour))
				}
			}
		}
		if fmt.Sprint(told) != "[1 24 72 96 120 144]" {
			t.Errorf("after hours: %v", told)
		}
		w.all(0, 7, lifeline.Refers, good())
		w.run(2 * time.Hour)
		if w.m.State != lifeline.Normal {
			t.Fatal(w.m.State)
		}
	}
}

// T4, I6: two of seven serve a stale copy in which the zone is missing.
func TestStaleCopies(t *testing.T) {
	t.Parallel()
	w := newParent(t, lifeline.Policy{Withdraw: lifeline.Follow, Change: lifeline.Follow})
	w.log = nil
	w.all(0, 2, lifeline.Lags)
	w.run(24 * time.Hour)
	w.expect(lifeline.Normal, lifeline.Plain)
	w.all(0, 2, lifeline.Disproves) // at the same serial as the others
	w.run(24 * time.Hour)
	w.expect(lifeline.Suspect, lifeline.Race, "normal>suspect")

	// The others go on to new serials: after two refreshes the two are not heard any more.
	for i := range w.say {
		w.say[i].Refresh = 15 * time.Minute
		if i >= 2 {
			w.say[i].Serial = 101
		}
	}
	w.run(20 * time.Minute)
	w.expect(lifeline.Suspect, lifeline.Race)
	w.run(20 * time.Minute)
	w.expect(lifeline.Normal, lifeline.Plain, "suspect>normal")
	w.say[2].Serial = 900 // one that lies about it does not make the others old
	w.run(24 * time.Hour)
	if n := strings.Count(w.m.Last.String(), "2 lags"); n != 1 || w.m.Snapshot.Serial != 101 {
		t.Errorf("%s, serial %d", w.m.Last, w.m.Snapshot.Serial)
	}
}

// T5: another delegation, of 1, 4 and 7 of the servers.
func TestChange(t *testing.T) {
	t.Parallel()
	other := delegation("ns1.other.example. ns2.other.example.")
	for _, c := range []struct {
		servers int
		policy  lifeline.Stance
		adopted bool
		state   lifeline.State
	}{
		{1, lifeline.Follow, false, lifeline.Suspect},
		{4, lifeline.Follow, false, lifeline.Suspect}, // three witnesses keep it
		{7, lifeline.Follow, true, lifeline.Normal},
		{7, lifeline.Hold, false, lifeline.Emergency},
	} {
		w := newParent(t, lifeline.Policy{Change: c.policy})
		w.all(0, c.servers, lifeline.Refers, other)
		w.call()
		w.run(9 * time.Minute)
		if c.servers == 7 && c.policy == lifeline.Follow && w.m.Snapshot.Fingerprint() == other.Fingerprint() {
			t.Error("a majority was believed at once")
		}
		w.run(2 * time.Hour)
		if adopted := w.m.Snapshot.Fingerprint() == other.Fingerprint(); adopted != c.adopted || w.m.State != c.state {
			t.Errorf("%d servers, stance %d: adopted %t, %s (%s)", c.servers, c.policy, adopted, w.m.State, w.m.Reason)
		}
	}

	// With the zone's own key there is nothing to wait for.
	w := newParent(t, lifeline.Policy{})
	w.all(0, 7, lifeline.Refers, other)
	for i := range w.say {
		w.say[i].Secure, w.say[i].Continuous = true, true
	}
	w.call()
	if w.m.Snapshot.Fingerprint() != other.Fingerprint() || w.m.State != lifeline.Normal {
		t.Errorf("%s: %s", w.m.State, w.m.Reason)
	}
	if len(w.m.Previous) != 1 || !w.m.Rollback(w.now) || w.m.Snapshot.Fingerprint() != good().Fingerprint() || w.m.Snapshot.Epoch != 3 {
		t.Errorf("%+v", w.m.Previous)
	}

	// The operator agrees.
	w = newParent(t, lifeline.Policy{})
	w.all(0, 7, lifeline.Refers, other)
	w.run(time.Hour)
	if w.m.Acknowledge(); w.m.Snapshot.Fingerprint() == other.Fingerprint() {
		t.Error("adopted without a roll-call")
	}
	w.run(time.Minute)
	if w.m.Snapshot.Fingerprint() != other.Fingerprint() {
		t.Error("the operator's word does not count")
	}
}

// T12, I5: four of seven names of the parent's servers were registered by somebody else.
// Their addresses are new and do not count, and one honest witness would be enough.
func TestHijackedParent(t *testing.T) {
	t.Parallel()
	w := newParent(t, lifeline.Policy{Change: lifeline.Follow})
	w.log = nil
	evil := delegation("ns1.evil.example.")
	w.all(0, 4, lifeline.Refers, evil)
	for i := range 4 {
		w.say[i].Server, w.say[i].Young = netip.AddrFrom4([4]byte{203, byte(i), 113, 1}), true
	}
	w.all(4, 7, lifeline.Silent)
	w.run(20 * time.Hour)
	if w.m.Snapshot.Fingerprint() != good().Fingerprint() || w.m.Stand() != lifeline.Held {
		t.Errorf("%s %s: %s", w.m.Snapshot.Fingerprint(), w.m.State, w.m.Reason)
	}
	// Other addresses for the same names are another delegation.
	w = newParent(t, lifeline.Policy{Change: lifeline.Follow})
	moved := good()
	moved.Hosts = []lifeline.Host{{moved.Hosts[0].Name, []netip.Addr{netip.MustParseAddr("203.0.113.66")}}, moved.Hosts[1]}
	w.all(0, 3, lifeline.Refers, moved)
	w.run(24 * time.Hour)
	if got := w.m.Snapshot.Addresses(); len(got) != 2 || got[0].String() != "192.0.2.1" || w.m.State != lifeline.Suspect {
		t.Errorf("%v %s", got, w.m.State)
	}
}

// T16: a clock that jumps by ten years, either way, makes nothing old.
func TestClockJumps(t *testing.T) {
	t.Parallel()
	for _, years := range []int{10, -10} {
		w := newParent(t, lifeline.Policy{})
		w.all(0, 7, lifeline.Silent)
		w.run(time.Hour)
		// A monotonic reading cannot be made here: wall time alone jumps, as after a restart of the machine.
		w.now = w.now.AddDate(years, 0, 0)
		if w.note(w.m.Tick(w.now)); years < 0 && w.m.Stand() != lifeline.Held {
			t.Errorf("%+d years: %s, %s", years, w.m.State, w.m.Reason)
		}
		if !w.m.Next(0).Before(w.now.Add(time.Second)) && years > 0 {
			t.Errorf("%+d years: no roll-call at once", years)
		}
	}
}

func TestSuspicionAsksSeldom(t *testing.T) {
	t.Parallel()
	w := newParent(t, lifeline.Policy{})
	w.all(6, 7, lifeline.Denies)
	calls := 0
	for range 1000 { // queries in 100 s
		w.now = w.now.Add(100 * time.Millisecond)
		w.note(w.m.Suspect(lifeline.DeniedByParent, w.now))
		if !w.m.Next(0).After(w.now) {
			w.call()
			calls++
		}
	}
	if calls > 5 {
		t.Errorf("%d roll-calls in 100 s", calls)
	}
}
