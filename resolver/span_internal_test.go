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
		afterEnd(s, func() { called = true })
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
		afterEnd(s, func() { calls++ })
		stop := afterEnd(s, func() { t.Error("was stopped, and is called") })
		if !stop() || stop() {
			t.Error("it can be stopped not once")
		}
		s.cancel()
		synctest.Wait()
		if s.Err() != context.Canceled || below.Err() != context.Canceled || calls != 1 {
			t.Errorf("%v, %v, %d calls", s.Err(), below.Err(), calls)
		}
		<-s.Done()
		stop = afterEnd(s, func() { calls++ })
		synctest.Wait()
		if stop() || calls != 2 {
			t.Errorf("what is to be called after the end was called %d times", calls-1)
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
