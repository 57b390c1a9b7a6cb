package override

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

// Source is what is behind an override.
type Source struct {
	// Path, of Servers and Pin, finds names at and below the zone. What it remembers is
	// not shared with anybody else.
	Path lookup.Resolver

	// Held, of Local, is an authority for the zone as it is held now. expired tells that it
	// may be used in an outage only, ok that there is one at all.
	Held func() (authority lookup.Resolver, expired, ok bool)

	// Run is what has to run as long as the override is there; nil: nothing.
	Run func(ctx context.Context) error
}

// Options are what a Set needs. Source is required.
type Options struct {
	Source  func(Override) (Source, error)               // makes what is behind an override; not asked for mirrors
	Outage  func(zone lookup.Name) (why string, is bool) // tells that there is an outage which a zone suffers from; nil: nobody knows
	Guarded func(zone lookup.Name) bool                  // tells that View.Next has a second way to a zone; nil: it has not
	Tell    bool                                         // clients hear by EDE (RFC 8914) of what answers them in an outage

	// Elsewhere are zones that somebody else finds, also below a zone that has an
	// override: only an override of their own, or below them, counts for their names.
	Elsewhere []lookup.Name

	State   string           // file of what operators have added; "": that ends with the program
	Limits  lookup.Limits    // of queries that bring no budget of their own
	Observe func(Event)      // told of all that happens; must not block or call the Set. nil: nobody
	Now     func() time.Time // nil: time.Now
}

// Set is all overrides. It is safe for concurrent use.
type Set struct {
	o       Options
	table   atomic.Pointer[table]
	changed chan struct{} // filled when Run has to look at the clock anew

	mu         sync.Mutex
	configured []*entry
	added      []*entry // by operators
	switches   []Switch
	spoilt     bool            // the state file is there and cannot be read
	running    context.Context // that sources run in; nil: they do not yet
	group      sync.WaitGroup
}

// entry is an override that is there. It is immutable.
type entry struct {
	o      Override
	source *source
	by     string    // who has added it; "": it is configured
	since  time.Time // when that was
	until  time.Time // the zero Time: for good
	on     *Switch   // of Manual; nil: it is off
}

// source is what is behind overrides that are the same but for when and for whom.
type source struct {
	Source
	o       Override
	problem error // why it cannot be used

	answers  atomic.Uint64
	answered atomic.Int64 // when it last did, in seconds of Unix
	needed   atomic.Int64 // when it last did in an outage
	active   atomic.Bool  // and that was not long ago

	stop context.CancelFunc // nil: it does not run
	done chan struct{}
}

// Switch says that the manual overrides of a zone are on.
type Switch struct {
	Zone  lookup.Name
	By    string
	Since time.Time
	Until time.Time // the zero Time: until they are switched off
}

// inForce tells whether the override counts now.
func (e *entry) inForce(now time.Time) bool {
	if e.source.problem != nil || over(e.until, now) {
		return false
	}
	return e.o.When != Manual || e.on != nil && !over(e.on.Until, now)
}

// end is when the override ceases to be in force, the zero Time if that is open.
func (e *entry) end() time.Time {
	if e.o.When == Manual && e.on != nil && (e.until.IsZero() || !e.on.Until.IsZero() && e.on.Until.Before(e.until)) {
		return e.on.Until
	}
	return e.until
}

func over(until, now time.Time) bool { return !until.IsZero() && !now.Before(until) }

// New makes a Set without overrides. It starts nothing and reads nothing.
func New(o Options) *Set {
	if o.Outage == nil {
		o.Outage = func(lookup.Name) (string, bool) { return "", false }
	}
	if o.Guarded == nil {
		o.Guarded = func(lookup.Name) bool { return false }
	}
	if o.Observe == nil {
		o.Observe = func(Event) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Set{o: o, changed: make(chan struct{}, 1)}
	s.table.Store(newTable(nil, o.Elsewhere))
	return s
}

// Prepared are configured overrides that are ready to be used.
type Prepared struct{ all []*entry }

// Prepare makes what is behind configured overrides, and changes nothing. What is behind
// those that are there already is kept, but for files, which are read again. The error
// tells all that could not be made.
func (s *Set) Prepare(configured []Override) (*Prepared, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := &Prepared{}
	var wrong []error
	for _, o := range configured {
		e := &entry{o: o}
		for _, old := range slices.Concat(s.configured, p.all) {
			if old.o.same(o) && (o.File == "" || slices.Contains(p.all, old)) {
				e.source = old.source
			}
		}
		if e.source == nil {
			var err error
			if e.source, err = s.make(o); err != nil {
				wrong = append(wrong, fmt.Errorf("override of %s: %w", o.Zone, err))
				continue
			}
		}
		p.all = append(p.all, e)
	}
	return p, errors.Join(wrong...)
}

func (s *Set) make(o Override) (*source, error) {
	made := &source{o: o}
	if o.Kind == Mirror {
		return made, nil
	}
	var err error
	made.Source, err = s.o.Source(o)
	return made, err
}

// Use puts prepared overrides into the place of those that were configured before.
func (s *Set) Use(p *Prepared) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.configured = p.all
	s.settle()
}

// settle makes what there is what is asked: the table is that of the lists, their sources
// run, and no others. s.mu is held.
func (s *Set) settle() {
	was, all := s.table.Load(), slices.Concat(s.added, s.configured)
	for i, e := range all {
		if e.o.When == Manual {
			switched := *e
			switched.on = s.switchOf(e.o.Zone)
			all[i] = &switched
		}
	}
	is := newTable(all, s.o.Elsewhere)
	s.table.Store(is)
	for old := range was.sources() {
		if !is.has(old) {
			old.end()
		}
	}
	if s.running != nil {
		for new := range is.sources() {
			s.start(new)
		}
	}
	s.wake()
}

// wake has Run look at the clock anew.
func (s *Set) wake() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

func (s *Set) switchOf(zone lookup.Name) *Switch {
	for i := range s.switches {
		if s.switches[i].Zone == zone {
			on := s.switches[i]
			return &on
		}
	}
	return nil
}

// start has a source run. s.mu is held.
func (s *Set) start(one *source) {
	if one.Run == nil || one.stop != nil {
		return
	}
	ctx, stop := context.WithCancel(s.running)
	one.stop, one.done = stop, make(chan struct{})
	s.group.Go(func() {
		defer close(one.done)
		_ = one.Run(ctx) // it ends with ctx
	})
}

// end stops a source and waits until it writes nothing any more.
func (one *source) end() {
	if one.stop != nil {
		one.stop()
		<-one.done
	}
}

// Run runs what is behind the overrides, and takes away those whose time is over, until
// ctx ends. Then it returns nil.
func (s *Set) Run(ctx context.Context) error {
	s.mu.Lock()
	s.running = ctx
	s.settle()
	s.mu.Unlock()
	for ctx.Err() == nil {
		timer := time.NewTimer(s.expire())
		select {
		case <-ctx.Done():
		case <-s.changed:
		case <-timer.C:
		}
		timer.Stop()
	}
	s.mu.Lock() // nobody starts another any more
	defer s.mu.Unlock()
	s.group.Wait()
	return nil
}

// expire takes away what is over, and tells how long it is until the next is.
func (s *Set) expire() (wait time.Duration) {
	now := s.o.Now()
	wait = time.Hour // clocks are set
	var events []Event
	s.mu.Lock()
	gone := func(until time.Time) bool {
		if !until.IsZero() && !over(until, now) {
			wait = min(wait, until.Sub(now))
		}
		return over(until, now)
	}
	s.added = slices.DeleteFunc(slices.Clone(s.added), func(e *entry) bool {
		if gone(e.until) {
			events = append(events, Event{Kind: Expired, Override: e.o, By: e.by})
			return true
		}
		return false
	})
	s.switches = slices.DeleteFunc(slices.Clone(s.switches), func(w Switch) bool {
		if gone(w.Until) {
			events = append(events, Event{Kind: SwitchedOff, Override: Override{Zone: w.Zone, When: Manual}, Why: "its time is over"})
			return true
		}
		return false
	})
	if len(events) > 0 {
		s.settle()
		s.save(&events)
	}
	for one := range s.table.Load().sources() {
		if left := time.Unix(one.needed.Load(), 0).Add(quiet).Sub(now); one.active.Load() && left > 0 {
			wait = min(wait, left)
		} else if one.active.Swap(false) {
			events = append(events, Event{Kind: Rests, Override: one.o})
		}
	}
	s.mu.Unlock()
	s.observe(events...)
	return wait
}

func (s *Set) observe(events ...Event) {
	for _, e := range events {
		s.o.Observe(e)
	}
}

// sources yields what is behind the overrides of t, each once.
func (t *table) sources() iter.Seq[*source] {
	return func(yield func(*source) bool) {
		seen := map[*source]bool{}
		for _, all := range t.zones {
			for _, e := range all {
				if !seen[e.source] && !yield(e.source) {
					return
				}
				seen[e.source] = true
			}
		}
	}
}

func (t *table) has(one *source) bool {
	for other := range t.sources() {
		if one == other {
			return true
		}
	}
	return false
}

// Paths yields what finds names for overrides, so that it can be made to forget.
func (s *Set) Paths() iter.Seq[lookup.Resolver] {
	return func(yield func(lookup.Resolver) bool) {
		for one := range s.table.Load().sources() {
			if one.Path != nil && !yield(one.Path) {
				return
			}
		}
	}
}
