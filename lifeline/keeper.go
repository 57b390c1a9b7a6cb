package lifeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

// MaxZones is how many zones may be protected.
const MaxZones = 1000

// youth is how long an address has to be the parent's before its votes count.
const youth = 24 * time.Hour

// Protected is a zone that a Keeper keeps alive.
type Protected struct {
	Zone   lookup.Name
	Policy Policy
}

// Records keep what has to outlive a restart; a store.Vault does.
type Records interface {
	Save(name string, epoch uint64, content []byte) error
	Load(name string) (content []byte, epoch uint64, err error)
}

// Options are what a Keeper needs.
type Options struct {
	Zones  []Protected
	Caller *Caller
	// Parent finds who serves the zone above, from what the resolver knows.
	Parent func(ctx context.Context, zone lookup.Name) (Parent, error)
	// Path makes a Resolver that finds names at and below a zone by its snapshot's
	// delegation, and validates them by its DS and Keys.
	Path    func(Snapshot) lookup.Resolver
	Records Records                              // nil: nothing outlives a restart
	Observe func(zone lookup.Name, t Transition) // told of each; must not block or call the Keeper. nil: nobody
	Report  func(zone lookup.Name, err error)    // told what goes wrong beside the network; nil: nobody
	Now     func() time.Time                     // nil: time.Now
	Jitter  func() float64                       // from -1 to 1; nil: chance
}

// A Keeper keeps protected zones alive. It is safe for concurrent use.
type Keeper struct {
	o     Options
	zones map[lookup.Name]*keeping
}

// keeping is one protected zone.
type keeping struct {
	zone lookup.Name
	wake chan struct{} // a roll-call is wanted at once

	mu       sync.Mutex
	m        *Machine
	parent   Parent
	ages     map[netip.Addr]time.Time
	path     lookup.Resolver // by the snapshot with this epoch
	epoch    uint64
	activity [rungs]uint64
}

// New makes a Keeper with what the records say. It starts nothing. A record that cannot
// be used is reported, and its zone starts with nothing.
func New(o Options) (*Keeper, error) {
	if len(o.Zones) > MaxZones {
		return nil, fmt.Errorf("%d protected zones, and %d at most can be kept", len(o.Zones), MaxZones)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Jitter == nil {
		o.Jitter = func() float64 { return 2*rand.Float64() - 1 }
	}
	if o.Observe == nil {
		o.Observe = func(lookup.Name, Transition) {}
	}
	if o.Report == nil {
		o.Report = func(lookup.Name, error) {}
	}
	k := &Keeper{o: o, zones: map[lookup.Name]*keeping{}}
	for _, p := range o.Zones {
		z := &keeping{zone: p.Zone, wake: make(chan struct{}, 1), ages: map[netip.Addr]time.Time{}}
		k.restore(z, p.Policy)
		k.zones[p.Zone] = z
	}
	return k, nil
}

func (k *Keeper) restore(z *keeping, p Policy) {
	now := k.o.Now()
	z.m = NewMachine(p, Snapshot{Zone: z.zone}, nil, now)
	if k.o.Records == nil {
		return
	}
	content, _, err := k.o.Records.Load(z.zone.String())
	if err != nil {
		k.o.Report(z.zone, err)
	}
	if content == nil {
		return
	}
	r, err := parseRecord(content, z.zone, now)
	if err != nil {
		k.o.Report(z.zone, fmt.Errorf("what was kept is of no use: %w", err))
		return
	}
	z.m = NewMachine(p, r.Snapshot, r.Previous, now)
	z.m.Gone = r.Gone
	if r.State == Emergency || r.State == Suspect { // it began in the middle of it, and so it goes on
		z.m.State = r.State
	}
	z.parent, z.ages = Parent{Zone: r.Snapshot.Parent, Hosts: r.Parents}, r.Ages
	if z.ages == nil {
		z.ages = map[netip.Addr]time.Time{}
	}
}

// Run sends roll-calls until ctx ends, and then returns nil.
func (k *Keeper) Run(ctx context.Context) error {
	var all sync.WaitGroup
	for _, z := range k.zones {
		all.Go(func() { k.keep(ctx, z) })
	}
	all.Wait()
	return nil
}

// keep sends the roll-calls of one zone when they are due.
func (k *Keeper) keep(ctx context.Context, z *keeping) {
	for {
		z.mu.Lock()
		due := z.m.Next(k.o.Jitter())
		z.mu.Unlock()
		timer := time.NewTimer(max(0, due.Sub(k.o.Now())))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-z.wake:
			timer.Stop()
			z.mu.Lock()
			due = z.m.Next(0)
			z.mu.Unlock()
			if due.After(k.o.Now()) {
				continue
			}
		case <-timer.C:
		}
		k.RollCall(ctx, z.zone)
	}
}

// RollCall asks all servers of the parent of a protected zone now.
func (k *Keeper) RollCall(ctx context.Context, zone lookup.Name) (Ballot, error) {
	z := k.zones[zone]
	if z == nil {
		return Ballot{}, fmt.Errorf("%s is not protected", zone)
	}
	ctx, cancel := context.WithTimeout(ctx, 4*patience)
	defer cancel()
	parent, err := k.o.Parent(ctx, zone)
	z.mu.Lock()
	if err == nil && len(parent.Hosts) > 0 {
		z.meet(parent, k.o.Now())
	}
	parent, known := z.parent, z.m.Snapshot
	parent.Young = z.young(k.o.Now())
	z.mu.Unlock()
	b := k.o.Caller.Call(ctx, zone, parent, known)
	if errors.Is(ctx.Err(), context.Canceled) {
		return Ballot{}, ctx.Err() // the end of the program, not of the parent
	}
	z.mu.Lock()
	now := k.o.Now()
	b.At = now
	transitions := z.m.Count(b, now)
	z.m.Snapshot.Parent = parent.Zone
	learn := z.m.Snapshot.Standing == Secure && len(z.m.Snapshot.DS) > 0
	known = z.m.Snapshot
	z.mu.Unlock()
	if learn {
		k.learnKeys(ctx, z, known)
	}
	k.save(z)
	for _, t := range transitions {
		k.o.Observe(zone, t)
	}
	return b, nil
}

// meet notes who serves the parent, and since when.
func (z *keeping) meet(p Parent, now time.Time) {
	ages := map[netip.Addr]time.Time{}
	for _, h := range p.Hosts {
		for _, a := range h.Addrs {
			ages[a] = now
			if first, known := z.ages[a]; known {
				ages[a] = first
			} else if len(z.ages) == 0 {
				ages[a] = now.Add(-youth) // those of the beginning have to do
			}
		}
	}
	z.parent, z.ages = p, ages
}

func (z *keeping) young(now time.Time) (all []netip.Addr) {
	for a, first := range z.ages {
		if now.Sub(first) < youth {
			all = append(all, a)
		}
	}
	slices.SortFunc(all, netip.Addr.Compare)
	return all
}

// learnKeys remembers the keys that the DS name, so that whoever has them may move the
// zone.
func (k *Keeper) learnKeys(ctx context.Context, z *keeping, known Snapshot) {
	_, named, err := k.o.Caller.ChildKeys(ctx, z.zone, known.Delegation)
	if err != nil || len(named) == 0 {
		return
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.m.Snapshot.Epoch == known.Epoch {
		z.m.Snapshot.Keys = named
	}
}

func (k *Keeper) save(z *keeping) {
	if k.o.Records == nil {
		return
	}
	z.mu.Lock()
	r := record{
		Version: 1, Snapshot: z.m.Snapshot, Previous: z.m.Previous, State: z.m.State, Gone: z.m.Gone,
		Saved: k.o.Now(), Parents: z.parent.Hosts, Ages: z.ages,
	}
	content, err := json.Marshal(r)
	z.mu.Unlock()
	if err == nil && r.Snapshot.Known() {
		err = k.o.Records.Save(z.zone.String(), r.Snapshot.Epoch, content)
	}
	if err != nil {
		k.o.Report(z.zone, fmt.Errorf("what is known cannot be kept: %w", err))
	}
}

// closest is the protected zone that name is in.
func (k *Keeper) closest(name lookup.Name) *keeping {
	for {
		if z := k.zones[name]; z != nil {
			return z
		}
		parent, ok := name.Parent()
		if !ok {
			return nil
		}
		name = parent
	}
}

// suspect tells the zone's machine that a query went wrong.
func (k *Keeper) suspect(z *keeping, why Suspicion) {
	z.mu.Lock()
	now := k.o.Now()
	transitions := z.m.Suspect(why, now)
	due := !z.m.Next(0).After(now)
	z.mu.Unlock()
	if due {
		select {
		case z.wake <- struct{}{}:
		default:
		}
	}
	for _, t := range transitions {
		k.o.Observe(z.zone, t)
	}
}

// stand is how queries are answered now, and the path by the known delegation.
func (k *Keeper) stand(z *keeping) (Stand, lookup.Resolver) {
	z.mu.Lock()
	defer z.mu.Unlock()
	s := z.m.Snapshot
	if z.m.Gone || !s.Known() || z.m.expired() {
		return Plain, nil
	}
	if z.path == nil || z.epoch != s.Epoch {
		z.path, z.epoch = k.o.Path(s), s.Epoch
	}
	return z.m.Stand(), z.path
}
