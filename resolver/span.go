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
	then  []*ending     // to be called at the end
}

// ending is a function that is to be called when a span ends.
type ending struct {
	of   *span
	call func()
}

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
	s.mu.Lock()
	defer s.mu.Unlock()
	e := &ending{s, f}
	if s.ended() != nil {
		go f()
		return e.stop
	}
	s.then = append(s.then, e)
	s.tick()
	return e.stop
}

// stop sees to it that e is not called; false when it is, or was stopped before.
func (e *ending) stop() bool {
	e.of.mu.Lock()
	defer e.of.mu.Unlock()
	i := slices.Index(e.of.then, e)
	if i < 0 {
		return false
	}
	e.of.then = slices.Delete(e.of.then, i, i+1)
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
	if s.err == nil && !time.Now().Before(s.deadline) {
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
	for _, e := range s.then {
		go e.call()
	}
	s.then = nil
}

// afterEnd is context.AfterFunc, without the context that it makes where it can do
// without.
func afterEnd(ctx context.Context, f func()) (stop func() bool) {
	if s, ok := ctx.(*span); ok {
		return s.AfterFunc(f)
	}
	return context.AfterFunc(ctx, f)
}
