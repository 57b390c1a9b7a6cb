package lifeline

import (
	"context"
	"encoding/json"
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
	// delegation, and validates them by its DS and Keys. It leaves aliases that lead out
	// of the zone to the Guard.
	Path    func(Snapshot) lookup.Resolver
	Forget  func(zone lookup.Name)               // has the Guards' next forget what it has of names in a zone; nil: it need not
	Tell    bool                                 // clients hear by EDE (RFC 8914) of answers by the known delegation
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

	saving sync.Mutex // two must not keep one record at the same time

	mu      sync.Mutex
	avoided time.Time     // until when queries spare the parent; zero: they do not
	times   int           // in a row that the parent was of no help
	tried   bool          // a query has tried it since the last time
	alarm   chan struct{} // closed when that begins, so that those who wait need not
	astray  []Host        // servers that are not known, to which the parent has referred queries, see Referred
	m       *Machine
	parent  Parent
	ages    map[netip.Addr]time.Time
	path    lookup.Resolver // by what pathOf was
	pathOf  string
	answers [rungs]uint64
	actives map[Kind]uint64
	unsaved uint64 // times that a record could not be kept
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
	if o.Forget == nil {
		o.Forget = func(lookup.Name) {}
	}
	if o.Report == nil {
		o.Report = func(lookup.Name, error) {}
	}
	k := &Keeper{o: o, zones: map[lookup.Name]*keeping{}}
	for _, p := range o.Zones {
		z := &keeping{zone: p.Zone, wake: make(chan struct{}, 1), alarm: make(chan struct{}), ages: map[netip.Addr]time.Time{}, actives: map[Kind]uint64{}}
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
	z.m.Gone, z.m.Pinned = r.Gone, r.Pinned
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

// RollCall asks all servers of the parent of a protected zone now, and takes in what they
// say.
func (k *Keeper) RollCall(ctx context.Context, zone lookup.Name) (Ballot, error) {
	z := k.zones[zone]
	if z == nil {
		return Ballot{}, fmt.Errorf("%s is not protected", zone)
	}
	k.meet(ctx, z)
	z.mu.Lock()
	parent, known := z.parent, z.m.Snapshot
	parent.Young = z.young(k.o.Now())
	z.mu.Unlock()
	b := k.o.Caller.Call(ctx, zone, parent, known)
	if ctx.Err() != nil {
		return Ballot{}, ctx.Err() // our end, and not the parent's
	}
	z.mu.Lock()
	b.At = k.o.Now()
	transitions := z.m.Count(b, b.At)
	if parent.Zone != "" {
		z.m.Snapshot.Parent = parent.Zone
	}
	known = z.m.Snapshot
	z.mu.Unlock()
	k.back(z)
	if known.Standing == Secure && len(known.DS) > 0 {
		k.learnKeys(ctx, z, known)
	}
	k.save(z)
	k.tell(z, transitions)
	return b, nil
}

// tell passes on what has happened to a zone.
func (k *Keeper) tell(z *keeping, transitions []Transition) {
	for _, t := range transitions {
		if t.To != t.From && (t.To == Suspect || t.To == Emergency) {
			z.mu.Lock()
			z.actives[t.Kind()]++
			z.mu.Unlock()
		}
		k.o.Observe(z.zone, t)
	}
}

// meet finds out who serves the parent now. While that cannot be had, those who served it
// last are asked.
func (k *Keeper) meet(ctx context.Context, z *keeping) {
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	p, err := k.o.Parent(ctx, z.zone)
	if err != nil || len(p.Hosts) == 0 {
		return
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	now, first := k.o.Now(), len(z.ages) == 0
	for _, h := range p.Hosts {
		for _, a := range h.Addrs {
			if _, known := z.ages[a]; known {
				continue
			}
			z.ages[a] = now
			if first { // those of the beginning have to do
				z.ages[a] = now.Add(-youth)
			}
		}
	}
	if p.Keys == nil && !p.Unsigned && p.Zone == z.parent.Zone {
		p.Keys, p.Unsigned = z.parent.Keys, z.parent.Unsigned
	}
	z.parent = p
	z.forget()
}

// maxAges is how many addresses are remembered that are or were the parent's.
const maxAges = 4 * maxServers

// forget makes room where a parent has had very many addresses: those that are not among
// the present ones go.
func (z *keeping) forget() {
	if len(z.ages) <= maxAges {
		return
	}
	present := Delegation{Hosts: z.parent.Hosts}.Addresses()
	for a := range z.ages {
		if !slices.Contains(present, a) {
			delete(z.ages, a)
		}
	}
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
	z.saving.Lock()
	defer z.saving.Unlock()
	z.mu.Lock()
	r := record{
		Version: 1, Snapshot: z.m.Snapshot, Previous: z.m.Previous, State: z.m.State, Gone: z.m.Gone, Pinned: z.m.Pinned,
		Saved: k.o.Now(), Parents: z.parent.Hosts, Ages: z.ages,
	}
	content, err := json.Marshal(r)
	z.mu.Unlock()
	if err == nil && r.Snapshot.Known() {
		err = k.o.Records.Save(z.zone.String(), r.Snapshot.Epoch, content)
	}
	if err != nil {
		z.mu.Lock()
		z.unsaved++
		z.mu.Unlock()
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
	k.tell(z, transitions)
}

// stand is how queries are answered now, and the path by the known delegation; nil when
// there is none that may be used.
func (k *Keeper) stand(z *keeping) (Stand, lookup.Resolver) {
	z.mu.Lock()
	defer z.mu.Unlock()
	s := z.m.Snapshot
	if !s.Known() || !z.m.Pinned && (z.m.Gone || z.m.expired()) {
		return Plain, nil
	}
	if of := s.path(); z.path == nil || z.pathOf != of {
		z.path, z.pathOf = k.o.Path(s), of
	}
	return z.m.Stand(), z.path
}
