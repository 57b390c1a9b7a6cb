package health

import "time"

// State is whether answers may name a target.
type State uint8

// The states.
const (
	Unknown State = iota // nothing has been found out yet, or cannot be: it counts as up
	Up
	Down
	Drain // it works, and new answers name it only if there is nothing else
)

// String is the word for s.
func (s State) String() string { return [...]string{"unknown", "up", "down", "drain"}[s] }

// Preferred says whether answers may name a target in this state without further
// thought: it is up, or not known not to be.
func (s State) Preferred() bool { return s == Up || s == Unknown }

// Result is what came of a check.
type Result uint8

// The results.
const (
	Unchecked Result = iota // no check has ended yet
	Passed
	Failed
	Drained // it passed, and the target wants to be left alone
	Blind   // nothing was found out, for a reason that lies here and not with the target
)

// String is the word for r.
func (r Result) String() string {
	return [...]string{"unchecked", "passed", "failed", "drained", "blind"}[r]
}

// Outcome is the result of a check and what there is to say of it.
type Outcome struct {
	Result Result
	Reason string        // why it is neither Passed nor Drained
	RTT    time.Duration // how long the target took; 0: it cannot be said
}

// Flap damping: a target that goes down again within flapTime after it has come up needs
// twice the successes to come up the next time, each time that happens, until it is
// maxDamp doublings. One that has stayed up for longer is trusted as any other.
const (
	flapTime = 10 * time.Minute
	maxDamp  = 3
)

// verdict is what a row of results amounts to. It knows nothing of other targets.
type verdict struct {
	rise, fall int

	state State // by the checks alone

	fails, passes int       // in a row
	onset         time.Time // end of the first check in the row of failures
	last          Outcome

	recovered time.Time // when it came up last after it was down; zero: never
	damp      int       // doublings of rise
}

// note adds an outcome. Successes take effect here; for failures see ripe.
func (v *verdict) note(o Outcome, now time.Time) {
	v.last = o
	switch o.Result {
	case Passed, Drained:
		v.fails, v.onset = 0, time.Time{}
		v.passes++
		to := Up
		if o.Result == Drained {
			to = Drain
		}
		if v.state != Down || v.passes >= v.threshold() {
			if v.state == Down {
				v.recovered = now
			}
			v.state = to
		}
	case Failed:
		v.passes = 0
		if v.fails++; v.fails == 1 {
			v.onset = now
		}
	}
}

// ripe says that enough checks have failed for the target to go down.
func (v *verdict) ripe() bool { return v.state != Down && v.fails >= v.fall }

// fell takes the target down.
func (v *verdict) fell(now time.Time) {
	switch {
	case v.recovered.IsZero() || now.Sub(v.recovered) > flapTime:
		v.damp = 0
	case v.damp < maxDamp:
		v.damp++
	}
	v.state = Down
}

// pardon forgets the failures so far: they were not the target's.
func (v *verdict) pardon() { v.fails, v.onset = 0, time.Time{} }

// threshold is how many results in a row change the state.
func (v *verdict) threshold() int {
	if v.state == Down {
		return v.rise << v.damp
	}
	return v.fall
}

// remaining is how many more results in a row it takes; at least 1.
func (v *verdict) remaining() int {
	done := v.fails
	if v.state == Down {
		done = v.passes
	}
	return max(1, v.threshold()-done)
}

// wavers says that the last results contradict the state: the next ones may change it.
func (v *verdict) wavers() bool {
	if v.state == Down {
		return v.passes > 0
	}
	return v.fails > 0
}
