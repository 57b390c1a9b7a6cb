package crew

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

func TestEveryFunctionRunsOnceAndNobodyIsLeft(t *testing.T) {
	t.Parallel()
	// The bubble fails the test if a goroutine is left when it ends.
	synctest.Test(t, func(t *testing.T) {
		var c Crew
		var ran atomic.Int64
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for range 1000 {
					all.Add(1)
					c.Go(func() {
						defer all.Done()
						ran.Add(1)
					})
				}
			})
		}
		all.Wait()
		if n := ran.Load(); n != 8000 {
			t.Errorf("%d functions ran", n)
		}
		synctest.Wait()
		if c.busy != 0 || len(c.idle) != 0 {
			t.Errorf("%d are busy and %d wait", c.busy, len(c.idle))
		}
	})
}

func TestGoroutinesAreUsedAgainWhileThereIsWork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c Crew
		end := make(chan struct{})
		c.Go(func() { <-end })
		c.Go(func() {})
		synctest.Wait()
		if len(c.idle) != 1 {
			t.Fatalf("%d wait", len(c.idle))
		}
		waiting := c.idle[0]
		c.Go(func() {})
		synctest.Wait()
		if len(c.idle) != 1 || c.idle[0] != waiting {
			t.Error("a new goroutine was started beside one that waits")
		}
		close(end)
	})
}

func TestFewWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c Crew
		crowd, end := make(chan struct{}), make(chan struct{})
		c.Go(func() { <-end })
		for range most + 100 {
			c.Go(func() { <-crowd })
		}
		close(crowd)
		synctest.Wait()
		if len(c.idle) != most {
			t.Errorf("%d wait, not %d", len(c.idle), most)
		}
		close(end)
	})
}
