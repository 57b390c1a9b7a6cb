package resolver

import (
	"context"
	"errors"

	"github.com/sextant-dns/sextant/ecs"
	"github.com/sextant-dns/sextant/lookup"
)

// errFull says that a place in a lane was waited for, and may be there now.
var errFull = errors.New("another network is being asked for")

// lane is the flights to one question that tell servers a network, each another
// one. There are few at once, or whoever asks for many networks has as many queries
// in the air that a forged reply can match (RFC 7871 11.2; CVE-2025-5994).
type lane struct {
	aloft   int
	waiting int           // for a place
	landed  chan struct{} // closed when the next one has landed
}

// told tells whether servers are told a network.
func (k flightKey) told() bool { return k.client.IsValid() && k.client.Bits() > 0 }

// enter takes a place in the lane of key, or tells when to try again. The lock must
// be held.
func (fs *flights) enter(key flightKey) (landed <-chan struct{}) {
	if !key.told() {
		return nil
	}
	l := fs.lanes[key.question]
	switch {
	case l == nil:
		l = &lane{landed: make(chan struct{})}
		fs.lanes[key.question] = l
	case l.aloft >= fs.width(key.question):
		return l.landed
	}
	l.aloft++
	return nil
}

// exit gives the place back. The lock must be held.
func (fs *flights) exit(key flightKey) {
	l := fs.lanes[key.question]
	if !key.told() || l == nil {
		return
	}
	l.aloft--
	close(l.landed)
	l.landed = make(chan struct{})
	if l.aloft == 0 {
		delete(fs.lanes, key.question)
	}
}

// await waits until one of the lane of key has landed, unless too many do already.
func (fs *flights) await(ctx context.Context, key flightKey, landed <-chan struct{}) error {
	if !fs.wait(key, 1) {
		return crowded()
	}
	defer fs.wait(key, -1)
	select {
	case <-landed:
		return errFull
	case <-ctx.Done():
		return ctx.Err()
	}
}

// wait counts who waits for a place; false when there are too many.
func (fs *flights) wait(key flightKey, n int) bool {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	l := fs.lanes[key.question]
	if l == nil { // all have landed
		return true
	}
	if l.waiting >= fs.most && n > 0 {
		return false
	}
	l.waiting = max(0, l.waiting+n)
	return true
}

// width is how many networks may be asked for at once to answer q: one, until the
// zone is known to tailor.
func (r *Resolver) width(q lookup.Question) int {
	now := r.options.Now()
	tailors := false
	if c := r.known(task{}, q, now); c != nil {
		tailors = r.subnets.memory.Tailors(c.zone, now)
	} else if z := r.zoneOf(task{}, q); z != nil {
		tailors = r.subnets.memory.Tailors(z.Name, now)
	}
	return ecs.Flights(tailors)
}
