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

// Work that comes in bursts finds those who did the last one, as long as they are kept.
func TestACrewThatIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c Crew
		release, also := c.Keep(), c.Keep()
		var first chan func()
		for i := range 20 {
			c.Go(func() {})
			synctest.Wait()
			if len(c.idle) != 1 || i > 0 && c.idle[0] != first {
				t.Fatalf("burst %d: %d wait, or another one", i, len(c.idle))
			}
			first = c.idle[0]
		}
		release()
		if len(c.idle) != 1 {
			t.Errorf("%d wait, and somebody keeps them", len(c.idle))
		}
		end := make(chan struct{})
		c.Go(func() { <-end })
		also()
		close(end)
		synctest.Wait()
		if c.busy != 0 || len(c.idle) != 0 {
			t.Errorf("%d are busy and %d wait", c.busy, len(c.idle))
		}
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
