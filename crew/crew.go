package crew

import "sync"

// most is how many goroutines wait for work at once.
const most = 256

// Crew is the goroutines that functions run in. The zero value is ready for use and
// has none. It is safe for concurrent use.
type Crew struct {
	mu   sync.Mutex
	kept int           // calls to Keep that have not been taken back
	busy int           // functions that run
	idle []chan func() // of those who wait, the last one last
}

// Go runs f in a goroutine of the crew, or in a new one when all have work. It does
// not wait for f. A panic of f ends the program, as that of any goroutine.
func (c *Crew) Go(f func()) {
	c.mu.Lock()
	c.busy++
	n := len(c.idle)
	if n == 0 {
		c.mu.Unlock()
		go c.work(f)
		return
	}
	next := c.idle[n-1]
	c.idle = c.idle[:n-1]
	c.mu.Unlock()
	next <- f
}

// Keep has those who wait stay also when nothing runs, until it is taken back: who
// serves is idle again and again, for moments. release must be called once.
func (c *Crew) Keep() (release func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept++
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.kept--
		c.leave()
	}
}

// leave sends home all who wait, if there is no work and nobody keeps them. The lock
// must be held. It tells whether there is no reason to wait.
func (c *Crew) leave() bool {
	if c.busy > 0 || c.kept > 0 {
		return false
	}
	for i, other := range c.idle {
		close(other)
		c.idle[i] = nil
	}
	c.idle = c.idle[:0]
	return true
}

// work runs f, and what comes after it.
func (c *Crew) work(f func()) {
	var next chan func()
	for f != nil {
		f()
		if next == nil {
			next = make(chan func(), 1)
		}
		if !c.rest(next) {
			return
		}
		f = <-next
	}
}

// rest notes that a function has ended, and has who ran it wait for the next one;
// false when none is to be waited for.
func (c *Crew) rest(next chan func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy--
	if c.leave() || len(c.idle) == most {
		return false
	}
	c.idle = append(c.idle, next)
	return true
}
