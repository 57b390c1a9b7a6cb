package lifeline_test

import (
	"testing"
	"time"

	"github.com/sextant-dns/sextant/lifeline"
)

// §5.5: each relapse doubles the time that a recovery takes, to four hours at most.
func TestRelapsesDoubleTheRecovery(t *testing.T) {
	t.Parallel()
	w := newParent(t, lifeline.Policy{})
	for i, want := range []time.Duration{15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 4 * time.Hour} {
		w.all(0, 7, lifeline.Silent)
		w.note(w.m.Suspect(lifeline.Unanswered, w.now))
		w.run(time.Minute)
		w.all(0, 7, lifeline.Refers, good())
		for w.m.State != lifeline.Recovering {
			w.run(30 * time.Second)
		}
		w.run(want - 2*time.Minute)
		if w.m.State != lifeline.Recovering {
			t.Errorf("relapse %d: %s before %v are over", i, w.m.State, want)
		}
	}
	w.run(10 * time.Minute)
	if w.m.State != lifeline.Normal {
		t.Error(w.m.State)
	}
}

// §7: a zone that was signed does not become unsigned because whoever serves the parent
// now is not signed himself.
func TestSignedZonesStaySigned(t *testing.T) {
	t.Parallel()
	w := newParent(t, lifeline.Policy{})
	signed := delegation("ns1.example.io. ns2.example.io.", "ds")
	w.all(0, 7, lifeline.Refers, signed)
	for i := range w.say {
		w.say[i].Secure = true
	}
	w.m = lifeline.NewMachine(lifeline.Policy{}, lifeline.Snapshot{}, nil, w.now)
	w.call()
	if s := w.m.Snapshot; !s.Secure() {
		t.Fatalf("%+v", s)
	}
	for i := range w.say {
		w.say[i].Secure, w.say[i].Unsigned = false, true
	}
	w.run(2 * time.Hour)
	if s := w.m.Snapshot; !s.Secure() || s.Insecure > 0 {
		t.Errorf("%s, %d times insecure", s.Standing, s.Insecure)
	}
}

// §5.5: a clock that was set back is no reason to wait for the old time to come again.
func TestAClockThatIsSetBackIsAskedAfter(t *testing.T) {
	t.Parallel()
	w := newParent(t, lifeline.Policy{})
	if next := w.m.Next(0); !next.After(w.now) {
		t.Fatal("a roll-call is due already")
	}
	w.m.Tick(w.now.AddDate(-10, 0, 0))
	if next := w.m.Next(0); next.After(w.now) {
		t.Errorf("due at %v", next)
	}
}
