package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sextant-dns/sextant/lifeline"
	"github.com/sextant-dns/sextant/lookup"
)

// clock is one that somebody turns.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now
}

// rehearsal is a protected zone in trouble, in a time of its own: clients ask for its
// names, with a lifeline and without. It is not safe for concurrent use.
type rehearsal struct {
	clock      *clock
	zone       lookup.Name
	plain      lookup.Resolver
	protected  lookup.Resolver
	keeper     *lifeline.Keeper
	transition chan lifeline.Transition // has room for those of a roll-call and a query
}

// newTransitions is a channel for a Keeper's Observe, and that.
func newTransitions() (chan lifeline.Transition, func(lookup.Name, lifeline.Transition)) {
	c := make(chan lifeline.Transition, 100)
	return c, func(_ lookup.Name, t lifeline.Transition) {
		select {
		case c <- t:
		default: // nobody has looked for long
		}
	}
}

// call sends the roll-call that is due, if one is.
func (r *rehearsal) call(ctx context.Context) error {
	s, _ := r.keeper.StatusOf(r.zone)
	if s.Next.After(r.clock.Now()) {
		return nil
	}
	_, err := r.keeper.RollCall(ctx, r.zone)
	return err
}

// moved is what has happened to the zone since it was asked for last.
func (r *rehearsal) moved() (all []lifeline.Transition) {
	for {
		select {
		case t := <-r.transition:
			all = append(all, t)
		default:
			return all
		}
	}
}

// verdict is what a client thinks of an answer.
type verdict byte

// The verdicts, as they are printed.
const (
	right    verdict = '.'
	denied   verdict = 'N'
	unserved verdict = 'S' // SERVFAIL, or none
	wrong    verdict = 'W'
)

// tally counts verdicts.
type tally map[verdict]int

func (t tally) queries() int { return t[right] + t[denied] + t[unserved] + t[wrong] }

func (t tally) failed() int { return t.queries() - t[right] }

// judged asks and judges: correct tells whether an answer with data is what it should be.
func judged(ctx context.Context, by lookup.Resolver, q lookup.Question, correct func(lookup.RRset) bool) verdict {
	ctx, cancel := context.WithTimeout(ctx, 6*time.Second)
	defer cancel()
	response, err := by.Resolve(ctx, lookup.Query{RD: true, Question: q})
	switch {
	case err != nil || response.Rcode == lookup.SERVFAIL:
		return unserved
	case response.Rcode == lookup.NXDOMAIN:
		return denied
	}
	_, end := response.Chase(q.Name)
	set, found := lookup.Find(response.Answer, end, q.Type)
	switch {
	case !found:
		return denied
	case !correct(set):
		return wrong
	}
	return right
}

// pace has time pass for those who watch: so much of ours for so much of the story's.
type pace struct {
	speed float64 // 0: nobody watches
}

func (p pace) pass(ctx context.Context, d time.Duration) error {
	if p.speed <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(time.Duration(float64(d) / p.speed))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// interrupted tells whether somebody has had enough.
func interrupted(err error) bool { return errors.Is(err, context.Canceled) }

func percent(part, whole int) string {
	if whole == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f %%", 100*float64(part)/float64(whole))
}
