package resolver

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestSpanEndsAtItsDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &span{deadline: time.Now().Add(time.Second)}
		defer s.cancel()
		below, cancel := context.WithTimeout(s, time.Minute)
		defer cancel()
		called := false
		s.AfterFunc(func() { called = true })
		time.Sleep(time.Second - 1)
		synctest.Wait()
		if s.Err() != nil || below.Err() != nil || called {
			t.Fatalf("ended too early: %v, %v, %t", s.Err(), below.Err(), called)
		}
		<-s.Done()
		synctest.Wait()
		if s.Err() != context.DeadlineExceeded || below.Err() != context.DeadlineExceeded || !called {
			t.Errorf("%v, %v, called %t", s.Err(), below.Err(), called)
		}
		s.cancel()
		if s.Err() != context.DeadlineExceeded {
			t.Errorf("the reason has changed to %v", s.Err())
		}
	})
}

func TestSpanIsCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &span{deadline: time.Now().Add(time.Second)}
		below, cancel := context.WithCancel(s)
		defer cancel()
		calls := 0
		s.AfterFunc(func() { calls++ })
		stop := s.AfterFunc(func() { t.Error("was stopped, and is called") })
		if !stop() || stop() {
			t.Error("it can be stopped not once")
		}
		s.cancel()
		synctest.Wait()
		if s.Err() != context.Canceled || below.Err() != context.Canceled || calls != 1 {
			t.Errorf("%v, %v, %d calls", s.Err(), below.Err(), calls)
		}
		<-s.Done()
		stop = s.AfterFunc(func() { calls++ })
		synctest.Wait()
		if stop() || calls != 2 {
			t.Errorf("what is to be called after the end was called %d times", calls-1)
		}
	})
}

// attendant counts how often it is told.
type attendant struct{ told int }

func (a *attendant) Ended() { a.told++ }

// Who attends is told of a cancellation, and costs no timer; the clock ends the span
// all the same.
func TestSpanTellsItsAttendants(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &span{deadline: time.Now().Add(time.Second)}
		var told [4]attendant
		for i := range told {
			s.Attend(&told[i])
		}
		if !s.Dismiss(&told[1]) || s.Dismiss(&told[1]) {
			t.Error("it can be dismissed not once")
		}
		if s.timer != nil {
			t.Error("a timer was started")
		}
		s.cancel()
		synctest.Wait()
		if s.Dismiss(&told[0]) {
			t.Error("dismissed after it was told")
		}
		s.Attend(&told[1])
		synctest.Wait()
		for i := range told {
			if told[i].told != 1 {
				t.Errorf("%d was told %d times", i, told[i].told)
			}
		}

		s = &span{deadline: time.Now().Add(time.Second)}
		s.Attend(&told[0])
		time.Sleep(time.Second)
		if s.Err() != context.DeadlineExceeded {
			t.Errorf("ended: %v", s.Err())
		}
	})
}

// The clock counts, even when nobody has asked to be told.
func TestSpanThatNobodyWatchesEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &span{deadline: time.Now().Add(time.Second)}
		time.Sleep(time.Second)
		select {
		case <-s.Done():
		default:
			t.Error("it has not ended")
		}
		if s.timer != nil {
			t.Error("a timer was started after the end")
		}
	})
}
