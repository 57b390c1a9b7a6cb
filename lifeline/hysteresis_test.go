package lifeline_test

import (
	"math/rand/v2"
	"slices"
	"strings"
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

// T11: a parent that comes and goes every 30 seconds makes a transition in a quarter of
// an hour at most, after the first two.
func TestFlapping(t *testing.T) {
	t.Parallel()
	w := newParent(t, lifeline.Policy{})
	w.log = nil
	quarters := map[int]int{}
	for i := range 2 * 60 * 4 { // 4 hours
		if i%2 == 0 {
			w.all(0, 7, lifeline.Silent)
			w.note(w.m.Suspect(lifeline.Unanswered, w.now))
		} else {
			w.all(0, 7, lifeline.Refers, good())
		}
		before := len(w.log)
		w.run(30 * time.Second)
		if n := len(w.log) - before; i >= 2 {
			quarters[i/30] += n
		}
	}
	for q, n := range quarters {
		if n > 1 {
			t.Errorf("quarter %d: %d transitions: %v", q, n, w.log)
		}
	}
}

// Who looks while a parent that has relapsed has to prove itself is told so, and how far
// it is.
func TestAParentOnTrialIsToldOf(t *testing.T) {
	t.Parallel()
	w := newParent(t, lifeline.Policy{})
	for range 2 {
		w.all(0, 7, lifeline.Silent)
		w.note(w.m.Suspect(lifeline.Unanswered, w.now))
		w.run(time.Minute)
		w.all(0, 7, lifeline.Refers, good())
		w.run(5 * time.Minute)
	}
	if want := "has to last for 15m0s after a relapse, and has for "; w.m.State != lifeline.Emergency || !strings.Contains(w.m.Reason, want) {
		t.Errorf("%s: %s", w.m.State, w.m.Reason)
	}
	w.all(0, 7, lifeline.Silent)
	w.run(5 * time.Minute)
	if w.m.State != lifeline.Emergency || strings.Contains(w.m.Reason, "confirms it again") {
		t.Errorf("%s: %s", w.m.State, w.m.Reason)
	}
	w.all(0, 7, lifeline.Refers, good())
	w.run(20 * time.Minute)
	if w.m.State != lifeline.Recovering || w.m.Reason != "a majority of the parent confirms it again" {
		t.Errorf("%s: %s", w.m.State, w.m.Reason)
	}
}

// T11, for all ways in which roll-calls can fall between a parent's coming and going: it
// goes away for as long as it comes, from ten seconds to ten minutes, and roll-calls are
// up to a fifth off their time. After the first relapse, a quarter of an hour lies
// between the end of an emergency and the one before, at least.
func TestFlappingOutOfStep(t *testing.T) {
	t.Parallel()
	relapsed := 0
	for seed := range 300 {
		r := rand.New(rand.NewPCG(uint64(seed), 11))
		half := []time.Duration{30, 10, 45, 60, 90, 150, 300, 600}[seed%8] * time.Second
		w := newParent(t, lifeline.Policy{})
		w.log = nil
		var moves []lifeline.Transition
		jitter := 0.0
		for begin := w.now; w.now.Sub(begin) < 12*time.Hour; {
			if w.now.Sub(begin)/half%2 == 0 {
				w.all(0, 7, lifeline.Silent)
				if w.m.Stand() != lifeline.Held { // queries do not see the parent otherwise
					moves = append(moves, w.m.Suspect(lifeline.Unanswered, w.now)...)
				}
			} else {
				w.all(0, 7, lifeline.Refers, good())
			}
			w.now = w.now.Add(time.Duration(1+r.IntN(10)) * time.Second)
			moves = append(moves, w.m.Tick(w.now)...)
			if !w.m.Next(jitter).After(w.now) {
				moves = append(moves, w.m.Count(lifeline.Ballot{At: w.now, Votes: slices.Clone(w.say)}, w.now)...)
				jitter = 2*r.Float64() - 1
			}
		}
		moves = slices.DeleteFunc(moves, func(m lifeline.Transition) bool { return m.From == m.To })
		if n := len(moves); n < 2 || n > 1+12*4 {
			t.Errorf("seed %d, %v: %d transitions in 12 hours: %v", seed, half, n, moves)
		}
		emergency := time.Time{}
		for _, m := range moves {
			if m.From == lifeline.Recovering && m.To == lifeline.Emergency {
				emergency, relapsed = m.At, relapsed+1
			}
			if m.To == lifeline.Recovering && !emergency.IsZero() && m.At.Sub(emergency) < 15*time.Minute {
				t.Errorf("seed %d, %v: over %v after a relapse", seed, half, m.At.Sub(emergency))
			}
		}
	}
	if relapsed < 100 {
		t.Errorf("%d relapses in all: the parents do not flap", relapsed)
	}
}
