package anchors

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
)

// Options are what a Keeper is made of. The zero value trusts nobody.
type Options struct {
	Positive []lookup.RRset // configured trust anchors: DS and DNSKEY RRsets
	Negative []Negative     // configured negative anchors
	Policy   dnssec.Policy  // what can be checked

	// Managed are the zones whose anchors are kept up to date (RFC 5011). Each needs
	// an anchor to begin with: configured, or in the Store.
	Managed []lookup.Name
	Timing  Timing
	Store   Store // where the memory is; nil: it ends with the Keeper

	// Fetch gets the DNSKEY RRset of a managed zone with its RRSIGs from the zone's
	// servers: no cached copy, and not validated. nil: nothing is managed.
	Fetch func(ctx context.Context, zone lookup.Name) (lookup.RRset, error)

	// Validates tells whether the SOA of a zone validates by the anchors in the set,
	// which lacks the negative anchor at the zone. nil: negative anchors stay until
	// they end.
	Validates func(ctx context.Context, zone lookup.Name, by *Set) bool

	// Report is told what happens, also from within NewKeeper. It must be safe for
	// concurrent use and must not call the Keeper. nil: nobody is told.
	Report func(Event)

	Now      func() time.Time // default time.Now
	Validity func() time.Time // by which signatures are valid; default Now
	Float64  func() float64   // random, from 0 to 1; default that of math/rand/v2
}

// A Keeper holds the trust anchors that count now, and keeps them up to date. It is
// safe for concurrent use.
type Keeper struct {
	options Options
	current atomic.Pointer[Set]
	wake    chan struct{} // something is due earlier than was known

	saving sync.Mutex // held while the store is written; before mu
	loaded string     // what the store had, until something is written

	mu       sync.Mutex
	points   []Point
	others   []Point    // of zones that are not managed now, but may be again
	negative []negative // those that came at run time
	bad      bool       // what is in the store could not be read
}

// NewKeeper makes a Keeper out of what is configured and what the store has. It
// writes nothing. An error means that something in Options is wrong; a store that is of no use is
// reported, and the configured anchors count.
func NewKeeper(o Options) (*Keeper, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Validity == nil {
		o.Validity = o.Now
	}
	if o.Float64 == nil {
		o.Float64 = rand.Float64
	}
	if o.Report == nil {
		o.Report = func(Event) {}
	}
	if o.Fetch == nil {
		o.Managed = nil
	}
	k := &Keeper{options: o, wake: make(chan struct{}, 1)}
	m := k.load()
	for _, zone := range o.Managed {
		i := slices.IndexFunc(m.Points, func(p Point) bool { return p.Zone == zone })
		p := Point{Zone: zone}
		if i >= 0 {
			p = m.Points[i]
		}
		if p = p.Configured(o.Positive); len(p.Keys) == 0 {
			return nil, fmt.Errorf("trust anchors: %s is managed, but there is no anchor to begin with", zone)
		}
		k.points = append(k.points, p)
	}
	for _, p := range m.Points {
		if !slices.Contains(o.Managed, p.Zone) {
			k.others = append(k.others, p)
			o.Report(Event{Kind: StateIgnored, Zone: p.Zone})
		}
	}
	for _, n := range m.Negative {
		if !n.over(o.Now()) {
			k.negative = append(k.negative, negative{Negative: n})
		}
	}
	return k, k.publish()
}

// load reads the store.
func (k *Keeper) load() Memory {
	store := k.options.Store
	if store == nil {
		return Memory{}
	}
	text, ok, err := store.Load()
	if err == nil && !ok {
		return Memory{}
	}
	var m Memory
	if err == nil {
		m, err = ParseMemory(fmt.Sprint(store), text)
	}
	if err != nil {
		k.bad = true
		k.options.Report(Event{Kind: StateUnusable, Err: err})
		return Memory{}
	}
	k.loaded = text
	return m
}

// tryStore writes once more what was read, so that a store that cannot be written is
// known at the start and not when it matters.
func (k *Keeper) tryStore() {
	k.saving.Lock()
	defer k.saving.Unlock()
	if k.loaded == "" {
		return
	}
	if err := k.options.Store.Save(k.loaded); err != nil {
		k.options.Report(Event{Kind: StateUnsaved, Err: err})
	}
	k.loaded = ""
}

// Set is the set of anchors that counts now.
func (k *Keeper) Set() *Set { return k.current.Load() }

// Closest finds the anchor that counts for name now: see Set.Closest. It does not
// allocate.
func (k *Keeper) Closest(name lookup.Name) (a Anchor, ok bool) {
	return k.current.Load().Closest(name, k.options.Now())
}

// Points are the managed trust points as they are now.
func (k *Keeper) Points() []Point {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.points)
}

// publish makes a new Set of what there is. It is called with mu held, or before
// anybody else knows k.
func (k *Keeper) publish() error {
	var positive []lookup.RRset
	for _, set := range k.options.Positive {
		if !slices.ContainsFunc(k.points, func(p Point) bool { return p.Zone == set.Name }) {
			positive = append(positive, set)
		}
	}
	for _, p := range k.points {
		positive = append(positive, p.trusted()...)
	}
	negative := slices.Clone(k.options.Negative)
	for _, n := range k.negative {
		negative = append(negative, n.Negative)
	}
	s, err := NewSet(positive, negative, k.options.Policy)
	if err != nil {
		return err
	}
	k.current.Store(s)
	return nil
}

// Run does what is due when it is due, until ctx ends.
func (k *Keeper) Run(ctx context.Context) error {
	k.tryStore()
	for {
		k.Poll(ctx)
		// Not longer than an hour at once: the clock on the wall, which decides what
		// is due, may be set.
		wait := time.Hour
		if next, ok := k.Due(); ok {
			wait = min(wait, next.Sub(k.options.Now()))
		}
		timer := time.NewTimer(max(wait, time.Second))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-k.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// Due is when Poll has something to do next; ok is false when it never has.
func (k *Keeper) Due() (next time.Time, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.options.Now()
	earlier := func(t time.Time) {
		if !ok || t.Before(next) {
			next, ok = t, true
		}
	}
	for _, p := range k.points {
		if !p.Deleted() {
			earlier(p.due(now))
		}
	}
	for _, n := range k.negative {
		earlier(n.due(k.options.Validates != nil))
	}
	for _, n := range k.options.Negative {
		if !n.Until.IsZero() && now.Before(n.Until) {
			earlier(n.Until)
		}
	}
	return next, ok
}

// due is when p is to be looked at. A time that is further away than RFC 5011 2.3
// allows was written by a clock that has been set back since.
func (p Point) due(now time.Time) time.Time {
	if p.Next.IsZero() || p.Next.Sub(now) > 15*day {
		return now
	}
	return p.Next
}

// Poll does what is due now: it looks at managed zones, and at those below negative
// anchors, one after the other. Run calls it; it is exported for those who have a
// clock of their own.
func (k *Keeper) Poll(ctx context.Context) {
	for _, p := range k.Points() {
		if now := k.options.Now(); !p.Deleted() && !p.due(now).After(now) {
			k.probe(ctx, p.Zone)
		}
		if ctx.Err() != nil {
			return
		}
	}
	k.recheck(ctx)
}

// probe looks at one managed zone (RFC 5011 2.3).
func (k *Keeper) probe(ctx context.Context, zone lookup.Name) {
	set, err := k.options.Fetch(ctx, zone)
	switch {
	case ctx.Err() != nil:
		return // it is over, and says nothing about the zone
	case err == nil && (set.Type != lookup.TypeDNSKEY || set.Data == ""):
		err = errNoKeys
	}
	k.change(zone, func(p Point, now time.Time) (Point, []Event) {
		if err == nil {
			return k.see(p, set, now)
		}
		// Nothing was learned, and so there is nothing to save.
		missed, e := p.Miss(now)
		e.Err = err
		k.options.Report(e)
		return missed, nil
	})
}

var errNoKeys = errors.New("the answer has no DNSKEY RRset")

// Observe tells the keeper of a DNSKEY RRset with its RRSIGs that has come from the
// servers of a zone. Whoever fetches one for other purposes than Options.Fetch may
// call it, so that a revocation is heard of before the next look is due (RFC 5011
// 2.1). It costs at most one check for each trust anchor, and nothing when the zone
// is not managed. A set that does not validate does not count as a look.
func (k *Keeper) Observe(set lookup.RRset) {
	k.change(set.Name, func(p Point, now time.Time) (Point, []Event) {
		seen, events := k.see(p, set, now)
		if n := len(events); n > 0 && events[n-1].Kind == ProbeFailed {
			seen.Queried, seen.Failed, seen.Next, events = p.Queried, p.Failed, p.Next, events[:n-1]
		}
		return seen, events
	})
}

func (k *Keeper) see(p Point, set lookup.RRset, now time.Time) (Point, []Event) {
	if p.Deleted() {
		return p, nil
	}
	v := &dnssec.Verifier{Policy: k.options.Policy, Now: k.options.Validity(), Budget: lookup.NewBudget(lookup.Limits{Signatures: 64, Forgeries: 16})}
	return p.See(p.Look(set, v), now, k.options.Timing, k.options.Policy)
}

// change replaces a trust point by what becomes of it. What was learned is saved.
func (k *Keeper) change(zone lookup.Name, by func(Point, time.Time) (Point, []Event)) {
	now := k.options.Now()
	k.mu.Lock()
	i := slices.IndexFunc(k.points, func(p Point) bool { return p.Zone == zone })
	if i < 0 {
		k.mu.Unlock()
		return
	}
	was := k.points[i]
	p, events := by(was, now)
	if !p.Next.Equal(was.Next) {
		p.Next = k.jitter(now, p.Next)
	}
	k.points[i] = p.Tidied(k.options.Positive)
	err := k.publish()
	k.mu.Unlock()
	if err != nil { // every key was checked when it was first seen
		k.options.Report(Event{Kind: StateUnusable, Zone: zone, Err: err})
	}
	for _, e := range events {
		k.options.Report(e)
	}
	// A zone that was never seen as it should be has no history yet.
	learned := slices.ContainsFunc(events, func(e Event) bool { return e.Kind != ProbeFailed })
	if learned || !p.Succeeded.IsZero() && !p.Queried.Equal(was.Queried) {
		k.save()
	}
}

// jitter lets a look take place up to a tenth earlier, but not within an hour, so
// that not everybody asks at once (RFC 5011 2.3).
func (k *Keeper) jitter(now, next time.Time) time.Time {
	wait := next.Sub(now)
	if wait <= 0 {
		return next
	}
	early := time.Duration(k.options.Float64() * float64(wait) / 10)
	return now.Add(max(min(wait, time.Hour), wait-early)).Truncate(time.Second)
}

// save writes the memory to the store.
func (k *Keeper) save() {
	if k.options.Store == nil {
		return
	}
	k.saving.Lock()
	defer k.saving.Unlock()
	k.mu.Lock()
	m := Memory{Points: slices.Clone(k.others)}
	for _, p := range k.points {
		if !p.Queried.IsZero() {
			m.Points = append(m.Points, p)
		}
	}
	for _, n := range k.negative {
		m.Negative = append(m.Negative, n.Negative)
	}
	bad := k.bad
	k.mu.Unlock()
	k.loaded = ""

	if bad {
		if err := k.options.Store.SetAside(); err != nil {
			k.options.Report(Event{Kind: StateUnsaved, Err: err})
			return
		}
	}
	if err := k.options.Store.Save(m.String()); err != nil {
		k.options.Report(Event{Kind: StateUnsaved, Err: err})
		return
	}
	k.mu.Lock()
	k.bad = false
	k.mu.Unlock()
}
