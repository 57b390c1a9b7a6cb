package resolver

import (
	"context"
	"slices"
	"sync"
	"time"
)

// span is the context of a flight, which belongs to nobody who waits: it ends at a
// deadline or when it is cancelled. It does what context.WithDeadline does, of which a
// miss would need several; but it has a timer and a channel only when somebody wants to
// be told, and tells by the clock whether it has ended until then. It is safe for
// concurrent use.
type span struct {
	deadline time.Time

	mu    sync.Mutex
	err   error         // why it has ended
	done  chan struct{} // closed by then; nil until somebody asks for it
	timer *time.Timer   // nil until somebody has to be told
	then  []listener    // to be told of the end
	room  [2]listener   // for the first of them
}

// listener is told that a span has ended.
type listener = interface{ Ended() }

// ending is a function that is to be called when a span ends.
type ending struct {
	of   *span
	call func()
}

// Ended calls the function.
func (e *ending) Ended() { e.call() }

var _ context.Context = (*span)(nil)

// Value is nil: nothing is handed on in contexts here.
func (s *span) Value(any) any { return nil }

// Deadline is when it ends at the latest.
func (s *span) Deadline() (time.Time, bool) { return s.deadline, true }

// Err is why it has ended, or nil.
func (s *span) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended()
}

// ended is Err. The lock must be held.
func (s *span) ended() error {
	if s.timer == nil { // which ends it otherwise, and a look at the clock is not for nothing
		s.expire()
	}
	return s.err
}

// Done is closed when it has ended.
func (s *span) Done() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.done == nil {
		s.done = make(chan struct{})
		if s.err != nil {
			close(s.done)
		}
	}
	if s.ended() == nil {
		s.tick()
	}
	return s.done
}

// AfterFunc has f called in a goroutine of its own when s ends; stop is as that of
// context.AfterFunc, which calls this method, as do all contexts that are made under s.
func (s *span) AfterFunc(f func()) (stop func() bool) {
	e := &ending{s, f}
	s.attend(e, true)
	return e.stop
}

// Attend has l.Ended called in a goroutine of its own when s is cancelled. Who knows the
// deadline needs no timer for it: of that l is told only if somebody else has it watched.
func (s *span) Attend(l listener) { s.attend(l, false) }

func (s *span) attend(l listener, timed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended() != nil {
		go l.Ended()
		return
	}
	if s.then == nil {
		s.then = s.room[:0]
	}
	s.then = append(s.then, l)
	if timed {
		s.tick()
	}
}

// stop sees to it that e is not called; false when it is, or was stopped before.
func (e *ending) stop() bool { return e.of.Dismiss(e) }

// Dismiss sees to it that l is not told; false when it is, or was dismissed before.
func (s *span) Dismiss(l listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.then, l)
	if i < 0 {
		return false
	}
	s.then = slices.Delete(s.then, i, i+1)
	return true
}

// cancel ends it, if it has not ended, and must be called at last: it stops the timer.
func (s *span) cancel() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end(context.Canceled)
}

// tick starts the timer. The lock must be held.
func (s *span) tick() {
	if s.timer == nil {
		s.timer = time.AfterFunc(time.Until(s.deadline), func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.expire()
		})
	}
}

// expire ends it if it is time. The lock must be held.
func (s *span) expire() {
	if s.err == nil && time.Until(s.deadline) <= 0 { // which reads one clock, and time.Now two
		s.end(context.DeadlineExceeded)
	}
}

// end ends it for that reason, if it has not ended. The lock must be held.
func (s *span) end(err error) {
	if s.err != nil {
		return
	}
	s.err = err
	if s.timer != nil {
		s.timer.Stop()
	}
	if s.done != nil {
		close(s.done)
	}
	for _, l := range s.then {
		go l.Ended()
	}
	s.then = nil
}
