package lifeline

import (
	"time"
)

// Stance is what an operator wants done about a change that a majority reports.
type Stance uint8

// The stances.
const (
	Hold   Stance = iota // keep what is known until the operator says so, or MaxHold
	Follow               // do as the majority says, once it has stayed
)

// Policy is what an operator chooses for a zone. The zero value is a good choice.
type Policy struct {
	Change   Stance // about another delegation
	Withdraw Stance // about the end of the delegation

	ChangeDwell   time.Duration // how long a majority for a change must last; default 10 minutes
	WithdrawDwell time.Duration // how long a proof that the zone is gone must last; default 1 hour
	// MaxHold is how long a delegation is kept that no server of the parent confirms;
	// default 7 days, below 0 for ever.
	MaxHold time.Duration
}

func (p Policy) filled() Policy {
	for _, d := range []struct {
		of   *time.Duration
		unit time.Duration
	}{{&p.ChangeDwell, 10 * time.Minute}, {&p.WithdrawDwell, time.Hour}, {&p.MaxHold, 7 * 24 * time.Hour}} {
		if *d.of == 0 {
			*d.of = d.unit
		}
	}
	return p
}

// Outcome is what a ballot means for what is known.
type Outcome uint8

// The outcomes.
const (
	Kept     Outcome = iota // nobody confirms it, and nothing better is there
	Affirmed                // a witness confirms it
	Adopted                 // another delegation takes its place
	Released                // the zone is gone
)

// pending is a change that has a majority and has to last.
type pending struct {
	Delegation Delegation // of a change; empty: of the end
	Since      time.Time
	Calls      int // roll-calls in a row
}

// A verdict is a decision about a ballot.
type verdict struct {
	outcome Outcome
	vote    Vote     // the witness, or the one that is adopted
	pending *pending // what is waited for now
	tally   Tally
	reason  string
}

// decide is the asymmetric decision: one witness keeps, a majority that lasts or a key
// that was trusted changes, and twice a proven end releases. before is what was waited
// for already, and acknowledged says that the operator agrees to it.
func decide(known Snapshot, b Ballot, p Policy, before *pending, acknowledged bool) verdict {
	t := b.Count(known.Delegation)
	if v, ok := b.witness(known.Delegation); ok && known.Known() {
		return verdict{outcome: Affirmed, vote: v, tally: t, reason: v.Name.String() + " confirms it"}
	}
	if !known.Known() {
		return capture(t)
	}
	for _, c := range t.Other {
		if c.Vote.Secure && c.Vote.Continuous {
			return verdict{outcome: Adopted, vote: c.Vote, tally: t, reason: "its DS validate, and a key that was trusted before signs its keys"}
		}
	}
	if len(t.Other) > 0 {
		return decideChange(t, b.At, p, before, acknowledged)
	}
	if t.Proven >= 2*t.majority() {
		return decideEnd(t, b.At, p, before, acknowledged)
	}
	return verdict{tally: t, reason: "no server of the parent confirms it, and none shows better"}
}

// capture is the first delegation: what two operators say, or a validated one. An
// attacker who is there from the beginning has to be in two places.
func capture(t Tally) verdict {
	v := verdict{tally: t, reason: "nothing is known, and no two operators agree"}
	if len(t.Other) == 0 {
		return v
	}
	if c := t.Other[0]; c.Groups >= min(2, t.Groups) || c.Vote.Secure {
		return verdict{outcome: Adopted, vote: c.Vote, tally: t, reason: "the first that is known"}
	}
	return v
}

func decideChange(t Tally, now time.Time, p Policy, before *pending, acknowledged bool) verdict {
	c := t.Other[0]
	v := verdict{tally: t, reason: "another delegation has no majority"}
	if c.Groups < max(2, t.majority()) {
		return v
	}
	same := before != nil && len(before.Delegation.Hosts) > 0 && before.Delegation.Agrees(c.Vote.Delegation)
	v.pending = next(before, same, c.Vote.Delegation, now)
	v.vote = c.Vote
	v.reason = "another delegation has a majority, which has to last"
	switch {
	case acknowledged && same:
		v.outcome, v.reason = Adopted, "the operator agrees"
	case p.Change == Hold:
		v.reason = "another delegation has a majority, and the operator has to agree"
	case v.pending.Calls >= 2 && now.Sub(v.pending.Since) >= p.ChangeDwell:
		v.outcome, v.reason = Adopted, "a majority has said so for long enough"
	}
	if v.outcome == Adopted {
		v.pending = nil
	}
	return v
}

func decideEnd(t Tally, now time.Time, p Policy, before *pending, acknowledged bool) verdict {
	same := before != nil && len(before.Delegation.Hosts) == 0
	v := verdict{tally: t, pending: next(before, same, Delegation{}, now), reason: "a majority proves that it is gone, which has to last"}
	switch {
	case acknowledged && same:
		v.outcome, v.reason = Released, "the operator agrees that it is gone"
	case p.Withdraw == Hold:
		v.reason = "a majority proves that it is gone, and the operator has to agree"
	case v.pending.Calls >= 2 && now.Sub(v.pending.Since) >= p.WithdrawDwell:
		v.outcome, v.reason = Released, "a majority has proven for long enough that it is gone"
	}
	if v.outcome == Released {
		v.pending = nil
	}
	return v
}

func next(before *pending, same bool, d Delegation, now time.Time) *pending {
	if !same {
		return &pending{Delegation: d, Since: now, Calls: 1}
	}
	return &pending{Delegation: d, Since: before.Since, Calls: before.Calls + 1}
}
