package resolver

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime/debug"
	"sync"
	"time"

	"github.com/sextant-dns/sextant/crew"
	"github.com/sextant-dns/sextant/lookup"
)

// flightKey says which flights are the same. Those of one depth wait only for
// deeper ones, so that two can never wait for each other, whatever name servers
// depend on.
type flightKey struct {
	question lookup.Question
	depth    int
	glue     bool         // the answer is wanted from the parent side
	chain    bool         // it is wanted for a chain of trust
	cd       bool         // it need not be proven
	client   netip.Prefix // for whom, see task.asks

	// Of a step on the way to other questions: the zone whose servers are asked, and
	// by which configured zone it was reached. Steps wait for nothing of their depth.
	at  lookup.Name
	via *Zone
}

// flights are the hops that are being fetched. Whoever wants the same hop at the
// same depth waits for the one flight, so that one question is outstanding once:
// this is also what makes birthday attacks useless (RFC 5452 5).
type flights struct {
	most  int        // clients that may wait for one
	crew  *crew.Crew // who flies them
	mu    sync.Mutex
	aloft map[flightKey]*flight
	lanes map[lookup.Question]*lane
	width func(lookup.Question) int // how many networks may be asked for at once
}

func newFlights(most int, c *crew.Crew) *flights {
	return &flights{most: most, crew: c, aloft: map[flightKey]*flight{}, lanes: map[lookup.Question]*lane{}}
}

type flight struct {
	done chan struct{} // closed when hop and err are there to be read; nil while nobody but the pilot waits
	hop  *hop
	err  error
	span span // of the work

	waiting int // how many do; guarded by flights.mu

	of    *flights
	key   flightKey
	pilot context.Context // who leaves when it ends; nil: none
}

// takesClients tells whether those who wait for a flight of that key are clients,
// each of them. What waits for other flights is bounded by how many of those there are.
func (k flightKey) takesClients() bool { return k.depth == 0 && k.at == "" && !k.glue && !k.chain }

// join waits for the flight of that key until ctx ends. When there is none, it
// starts one that does work, under a context that belongs to nobody who waits and
// ends at limit. When too many clients wait already it does not, and when too many
// networks are asked for under that name it waits for a place and then says errFull.
func (fs *flights) join(ctx context.Context, key flightKey, limit time.Time, work func(context.Context) (*hop, error)) (h *hop, led bool, err error) {
	alone := patient(ctx, limit)
	f, led, landed := fs.board(key, limit, alone)
	switch {
	case landed != nil:
		return nil, false, fs.await(ctx, key, landed)
	case f == nil:
		return nil, false, crowded()
	case led && alone:
		return fs.pilot(ctx, f, work)
	case led:
		fs.crew.Go(func() { fs.fly(f, work) })
	}
	select {
	case <-f.done:
		return f.hop, led, f.err
	case <-ctx.Done():
		fs.leave(ctx, f)
		return nil, led, ctx.Err()
	}
}

// patient tells whether who waits for work until ctx ends has as long as the work. It
// is work itself, as a rule, and needs no second goroutine to wait for.
func patient(ctx context.Context, limit time.Time) bool {
	deadline, ok := ctx.Deadline()
	return !ok || !deadline.Before(limit)
}

// pilot flies f, and leaves it when ctx ends. Whoever else has boarded by then is
// flown to the end.
func (fs *flights) pilot(ctx context.Context, f *flight, work func(context.Context) (*hop, error)) (h *hop, led bool, err error) {
	f.pilot = ctx
	var aboard func() bool
	if own, ok := ctx.(*span); ok { // which ends no earlier than f by itself
		own.Attend(f)
		aboard = func() bool { return own.Dismiss(f) }
	} else {
		aboard = context.AfterFunc(ctx, f.Ended)
	}
	fs.fly(f, work)
	if !aboard() {
		return nil, true, ctx.Err()
	}
	return f.hop, true, f.err
}

// Ended is called when the pilot has to leave.
func (f *flight) Ended() { f.of.leave(f.pilot, f) }

// board finds a flight in the air or gets one ready, which who leads has to fly; it
// is nil when it is full, or when another one of its lane has to land first, which
// landed tells of then. Who boards is waited for until having left: a flight that
// somebody never leaves flies to its end. alone tells that who leads does not wait for it.
func (fs *flights) board(key flightKey, limit time.Time, alone bool) (f *flight, led bool, landed <-chan struct{}) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f, found := fs.aloft[key]
	if found && f.waiting >= fs.most && key.takesClients() {
		return nil, false, nil
	}
	if !found {
		if landed := fs.enter(key); landed != nil {
			return nil, false, landed
		}
		f = &flight{span: span{deadline: limit}, of: fs, key: key}
		fs.aloft[key] = f
	}
	if f.done == nil && (found || !alone) {
		f.done = make(chan struct{})
	}
	f.waiting++
	return f, !found, nil
}

// fly does the work, and lands.
func (fs *flights) fly(f *flight, work func(context.Context) (*hop, error)) {
	defer f.span.cancel()
	defer fs.land(f)
	defer recovered(&f.err)
	f.hop, f.err = work(&f.span)
}

// recovered makes an error of a panic, when deferred: what a server sent must not
// be able to end the program.
func recovered(err *error) {
	if p := recover(); p != nil {
		*err = &lookup.Failure{EDE: lookup.EDE{Code: lookup.EDEOther, Text: "internal error"}, Cause: fmt.Errorf("panic: %v\n%s", p, debug.Stack())}
	}
}

// land takes f off the list, if it is still on it, and wakes all who wait.
func (fs *flights) land(f *flight) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.exit(f.key)
	if fs.aloft[f.key] == f {
		delete(fs.aloft, f.key)
	}
	if f.done != nil {
		close(f.done)
	}
}

// leave stops waiting for f because ctx has ended. Who ran out of time will ask
// again, so the flight goes on for it; when the last one hung up, it ends.
func (fs *flights) leave(ctx context.Context, f *flight) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f.waiting--
	if f.waiting == 0 && ctx.Err() == context.Canceled {
		f.span.cancel()
		if fs.aloft[f.key] == f {
			delete(fs.aloft, f.key) // nobody shall join what has been cancelled
		}
	}
}

// len is how many are in the air.
func (fs *flights) len() int {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return len(fs.aloft)
}

// fetch asks for a hop that is not remembered, or waits for another who does.
func (r *Resolver) fetch(ctx context.Context, t task, q lookup.Question) (*hop, error) {
	if t.trail.contains(q) {
		t.tellFailure(q, errCycle)
		return nil, errCycle
	}
	if err := r.refused(t, q); err != nil {
		t.tellFailure(q, err)
		return nil, err
	}
	if ends, ok := ctx.Deadline(); !ok || t.wait.Before(ends) {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, t.wait)
		defer cancel()
	}
	work := func(ctx context.Context) (*hop, error) { return r.work(ctx, t.within(q), q) }
	key := r.keyOf(t, q)
	h, led, err := r.flights.join(ctx, key, t.limit, work)
	for ; errors.Is(err, errFull); h, led, err = r.flights.join(ctx, key, t.limit, work) {
		if h, ok := r.answers.recall(q, key.client, r.options.Now()); ok && !t.renew && (t.proof == nil || r.settled(h)) {
			return h, nil
		}
	}
	if errors.Is(err, errCrowd) && key.told() {
		return r.fetch(ctx, t.alone(), q) // better what everybody hears than nothing
	}
	t.tellFlight(q, led)
	if !led && isCircumstantial(err) && ctx.Err() == nil && r.refused(t, q) == nil {
		// The flight failed because of whoever led it, and not in a way that would
		// have been noted. Once is enough to find out whether that matters.
		h, _, err = r.flights.join(ctx, key, t.limit, work)
	}
	if err != nil {
		return nil, explain(ctx, err)
	}
	t.held.keep(t, q, h)
	return h, nil
}

func (r *Resolver) keyOf(t task, q lookup.Question) flightKey {
	return flightKey{question: q, depth: t.depth, chain: t.chain, cd: t.proof == nil && r.validates(), client: t.asks(q)}
}

// refused is the error when q has failed lately and t would fail in the same way, or
// nil: who validates for themselves gets what others must not see.
func (r *Resolver) refused(t task, q lookup.Question) error {
	err := r.failures.recent(q, r.options.Now())
	if err == nil {
		err = r.failures.recent(endless(q), r.options.Now())
	}
	if t.cold || err != nil && t.proof == nil && errors.Is(err, errBogus) {
		return nil
	}
	return err
}

// work is what a flight does: iterate, and remember a failure that says something
// about q.
func (r *Resolver) work(ctx context.Context, t task, q lookup.Question) (*hop, error) {
	h, err := r.produce(ctx, t, q)
	if err == nil {
		if t.proof != nil || !r.validates() { // or else it may be what others found bogus
			r.failures.forget(q)
		}
		return h, nil
	}
	err = explain(ctx, err)
	if t.proves(err) && ctx.Err() != context.Canceled && !r.overtaken(t) {
		r.failed(t, q, err)
	}
	return nil, err
}

// produce gets the hop of q, proven if t wants proof: from memory when another flight
// has landed while this one was about to start, or left something unproven, or else
// from servers.
func (r *Resolver) produce(ctx context.Context, t task, q lookup.Question) (*hop, error) {
	if h, ok := r.answers.recall(q, t.asks(q), r.options.Now()); ok && !t.renew {
		if t.proof == nil || r.settled(h) {
			return h, nil
		}
		// If it is forged, servers may have something better.
		soft := t
		soft.soft = true
		if h, err := r.reconsider(ctx, soft, q, h); err == nil || !errors.Is(err, errForged) {
			return h, err
		}
	}
	if h, err := r.delegated(ctx, t, q); h != nil || err != nil {
		return h, err
	}
	h, err := r.iterate(ctx, t, q)
	if err != nil || t.proof == nil || r.settled(h) {
		return h, err
	}
	return r.reconsider(ctx, t, q, h)
}

// refresh fetches q for those who come later; nobody waits. It is paid for by a
// budget of its own, and not begun where there has been a failure lately. led
// tells whether it was begun and is not under way already.
func (r *Resolver) refresh(of task, q lookup.Question) (led bool) {
	if r.failures.recent(q, r.options.Now()) != nil {
		return false
	}
	t := task{budget: lookup.NewBudget(r.options.Limits), renew: true, proof: r.proof(false), epoch: r.epoch.Load(), who: of.who}.begun(r.options.Deadline)
	key := r.keyOf(t, q)
	f, led, _ := r.flights.board(key, t.limit, true)
	if led {
		r.flights.crew.Go(func() {
			r.flights.fly(f, func(ctx context.Context) (*hop, error) { return r.work(ctx, t.within(q), q) })
		})
	}
	return led
}
