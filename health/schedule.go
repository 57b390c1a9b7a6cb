package health

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// schedule is a heap of entries by when they are checked next.
type schedule []*entry

func (s schedule) Len() int           { return len(s) }
func (s schedule) Less(i, j int) bool { return s[i].next.Before(s[j].next) }
func (s schedule) Swap(i, j int) {
	s[i], s[j] = s[j], s[i]
	s[i].place, s[j].place = i, j
}

// Push is for package heap.
func (s *schedule) Push(x any) {
	e := x.(*entry)
	e.place = len(*s)
	*s = append(*s, e)
}

// Pop is for package heap.
func (s *schedule) Pop() any {
	last := len(*s) - 1
	e := (*s)[last]
	(*s)[last] = nil
	*s = (*s)[:last]
	e.place = -1
	return e
}

// plan has e checked at a time.
func (s *schedule) plan(e *entry, at time.Time) {
	e.next = at
	if e.place < 0 {
		heap.Push(s, e)
	} else {
		heap.Fix(s, e.place)
	}
}

// drop takes e out.
func (s *schedule) drop(e *entry) {
	if e.place >= 0 {
		heap.Remove(s, e.place)
	}
}

// Spacings: a target whose state may change soon is checked more often.
const (
	hurry      = 4 // times as often
	minSpacing = time.Second
	jitter     = 0.1 // of the spacing, to either side
)

// spacing is from the begin of a check to that of the next.
func (e *entry) spacing() time.Duration {
	if e.wavers() {
		return e.fast()
	}
	return e.pace.Interval
}

// fast is the spacing of checks while the state may change.
func (e *entry) fast() time.Duration {
	return min(e.pace.Interval, max(e.pace.Interval/hurry, minSpacing))
}

// nudge has Run look at the schedule again.
func (m *Monitor) nudge() {
	select {
	case m.wake <- struct{}{}:
	default: // it has been told, and has not looked yet
	}
}

// idle is how long Run sleeps when there is nothing to do.
const idle = time.Hour

// Run checks the targets until ctx is done, and returns after everything that it
// started has ended, with nil. It may be called once.
func (m *Monitor) Run(ctx context.Context) error {
	var group sync.WaitGroup
	defer group.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		var begin []func()
		wait := idle
		m.update(func(now time.Time) {
			end := m.expire(now)
			begin, wait = m.begin(ctx, now)
			if !end.IsZero() {
				wait = min(wait, end.Sub(now))
			}
		})
		for _, f := range begin {
			group.Go(f)
		}
		timer.Reset(max(wait, 0))
		select {
		case <-ctx.Done():
			return nil
		case <-m.wake:
		case <-timer.C:
		}
	}
}

// begin takes from the schedule what is due, as far as there are places, and says
// how long to wait for the next.
func (m *Monitor) begin(ctx context.Context, now time.Time) (begin []func(), wait time.Duration) {
	for len(m.due) > 0 && m.running < m.options.Concurrency {
		e := m.due[0]
		if e.next.After(now) {
			return begin, e.next.Sub(now)
		}
		heap.Pop(&m.due)
		m.running++
		limited, cancel := context.WithTimeout(ctx, e.pace.Timeout)
		e.cancel = cancel
		begin = append(begin, func() { m.perform(limited, e, cancel) })
	}
	return begin, idle // whoever ends a check, or changes the set, nudges
}

// perform makes one check of e, and notes what came of it.
func (m *Monitor) perform(ctx context.Context, e *entry, cancel context.CancelFunc) {
	start := m.options.Now()
	o := m.probe(ctx, e)
	broken := ctx.Err() == context.Canceled // the target is gone, or the Monitor ends
	cancel()
	m.update(func(now time.Time) {
		m.running--
		e.cancel = nil
		if e.gone || broken {
			return
		}
		m.took.add(now.Sub(start))
		m.note(e, o, start, now)
	})
	m.nudge()
}

// again plans the next check of e, whose last has just ended.
func (m *Monitor) again(e *entry, start, now time.Time) {
	spacing := float64(e.spacing()) * (1 - jitter + 2*jitter*m.options.Rand())
	next := start.Add(time.Duration(spacing))
	if rest := now.Add(time.Duration(spacing / hurry)); next.Before(rest) { // it took long
		next = rest
	}
	m.due.plan(e, next)
}
