package health

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Options are what a Monitor may be told. The zero Options are useful.
type Options struct {
	// Now is the time; nil: time.Now. It must advance as the time of timers does.
	Now func() time.Time
	// Rand is a number from 0 to below 1, for jitter; nil: math/rand.
	Rand func() float64

	// Dial connects, for TCP and HTTP checks; nil: a net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Echo sends an ICMP echo request and waits for the reply; nil: it is really done.
	// The error is ErrNotPermitted where that cannot be done.
	Echo func(ctx context.Context, addr netip.Addr) error
	// Probe takes the place of all checks; nil: what Target.Check says is done.
	Probe func(ctx context.Context, t Target) Outcome

	// OnChange is told when the epoch of the Snapshot is a new one, Report of each
	// Event. Both may be called by several goroutines at once, and may call the
	// Monitor. nil: nobody is told.
	OnChange func()
	Report   func(Event)

	Concurrency int // checks at work at once; 0: 64
	MaxTargets  int // more are not checked and count as up; 0: 4096

	// Hold is for how long states are held when every check fails at once, since it is
	// rather this machine that is cut off; 0: 10 minutes, less than 0: not at all.
	Hold time.Duration
	// Window is what at once means; 0: 1 minute.
	Window time.Duration
}

func (o *Options) fill() {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Float64
	}
	if o.Dial == nil {
		o.Dial = (&net.Dialer{}).DialContext
	}
	if o.OnChange == nil {
		o.OnChange = func() {}
	}
	if o.Report == nil {
		o.Report = func(Event) {}
	}
	o.Concurrency = cmp.Or(max(o.Concurrency, 0), 64)
	o.MaxTargets = cmp.Or(max(o.MaxTargets, 0), 4096)
	o.Hold = cmp.Or(o.Hold, 10*time.Minute)
	o.Window = cmp.Or(max(o.Window, 0), time.Minute)
}

// Monitor checks targets. It is safe for concurrent use.
type Monitor struct {
	options Options
	wake    chan struct{} // the schedule has changed

	snapshot atomic.Pointer[Snapshot]

	mu      sync.Mutex
	entries map[Target]*entry // by key
	order   []*entry          // all of them, by site, address and check
	orders  map[place]order   // of operators
	uplinks [2]uplink         // IPv4, IPv6
	due     schedule
	running int
	unkept  int // targets that were one too many
	took    Durations

	events  []Event // to be told when mu is free
	changed bool    // the epoch is a new one
}

// entry is a target and all that is known of it.
type entry struct {
	target  Target // as it is known by
	pace    Target // the same with its defaults
	check   Check
	invalid error // why check is none
	written Admin // Target.State

	slot int // in order
	verdict
	began, ended time.Time // of the last check; zero: there was none
	counts       Counts

	next   time.Time          // when it is checked next
	place  int                // in the schedule; -1: not there
	cancel context.CancelFunc // of the check that is under way; nil: none is
	gone   bool               // it is watched no more
}

// remote says whether the checks of e tell of the uplink, too.
func (e *entry) remote() bool { return e.check.kind.remote() }

func (e *entry) six() bool { return !e.target.Addr.Unmap().Is4() }

// count notes an outcome for the metrics.
func (e *entry) count(o Outcome, took time.Duration) {
	switch o.Result {
	case Passed, Drained:
		e.counts.Passed++
	case Failed:
		e.counts.Failed++
	case Blind:
		e.counts.Blind++
	}
	e.counts.Took += took
}

// New makes a Monitor that watches nothing. It starts nothing.
func New(o Options) *Monitor {
	o.fill()
	m := &Monitor{options: o, wake: make(chan struct{}, 1), entries: map[Target]*entry{}, orders: map[place]order{}}
	m.uplinks[1].six = true
	m.took.Counts = make([]uint64, len(durationBounds())+1)
	m.snapshot.Store(&Snapshot{})
	return m
}

// Snapshot is how all targets are. It is never nil and never changes; getting it takes
// no lock and no memory.
func (m *Monitor) Snapshot() *Snapshot { return m.snapshot.Load() }

// Watch replaces the set of targets. Those that were watched already keep their state,
// new ones are checked at once if the Monitor runs, and those that are not in the set
// any more are left alone: a check of theirs that is under way is broken off. A target
// whose Check is wrong is not checked; its Status says why.
func (m *Monitor) Watch(targets []Target) {
	m.update(func(now time.Time) {
		kept := make(map[Target]*entry, len(targets))
		unkept := 0
		for _, t := range targets {
			key := t.key()
			if kept[key] != nil {
				continue
			}
			if len(kept) >= m.options.MaxTargets {
				unkept++
				continue
			}
			e := m.entries[key]
			if e == nil {
				e = m.admit(key, now)
			}
			e.written = t.State
			kept[key] = e
		}
		for key, e := range m.entries {
			if kept[key] == nil {
				m.dismiss(e)
			}
		}
		if m.unkept = unkept; unkept > 0 {
			m.say(Event{At: now, Kind: Refused, Text: fmt.Sprintf("%d targets are not checked and count as up: there are more than %d", unkept, m.options.MaxTargets)})
		}
		m.entries = kept
		m.arrange(now)
	})
	m.nudge()
}

// admit makes an entry, due at once.
func (m *Monitor) admit(key Target, now time.Time) *entry {
	e := &entry{target: key, pace: key, place: -1}
	if key.Check != "" {
		e.check, e.invalid = ParseCheck(key.Check)
	}
	e.pace.fill(e.check.kind)
	e.rise, e.fall = e.pace.Rise, e.pace.Fall
	switch {
	case e.invalid != nil:
		e.last = Outcome{Result: Blind, Reason: e.invalid.Error()}
		m.say(Event{At: now, Kind: WentBlind, Target: key, Text: e.last.Reason})
	case e.check.kind != None:
		// Jittered, so that a thousand of them do not begin in one moment.
		m.due.plan(e, now.Add(time.Duration(m.options.Rand()*float64(min(e.pace.Interval/10, time.Second)))))
	}
	return e
}

// dismiss ends what is done for an entry.
func (m *Monitor) dismiss(e *entry) {
	e.gone = true
	m.due.drop(e)
	if e.cancel != nil {
		e.cancel()
	}
}

// arrange puts the entries in order and publishes all of them.
func (m *Monitor) arrange(now time.Time) {
	m.order = m.order[:0:0]
	for _, e := range m.entries {
		m.order = append(m.order, e)
	}
	slices.SortFunc(m.order, func(a, b *entry) int {
		return cmp.Or(cmp.Compare(a.target.Site, b.target.Site), a.target.Addr.Compare(b.target.Addr), cmp.Compare(a.target.Check, b.target.Check),
			cmp.Compare(a.target.Interval, b.target.Interval), cmp.Compare(a.target.Fall, b.target.Fall), cmp.Compare(a.target.Rise, b.target.Rise),
			cmp.Compare(a.target.Timeout, b.target.Timeout))
	})
	for i, e := range m.order {
		e.slot = i
	}
	m.abandon()
	m.publishAll(now)
}

// update does f under the lock, and then tells what has come of it.
func (m *Monitor) update(f func(now time.Time)) {
	m.mu.Lock()
	f(m.options.Now())
	events, changed := m.events, m.changed
	m.events, m.changed = nil, false
	m.mu.Unlock()
	if changed {
		m.options.OnChange()
	}
	for _, e := range events {
		m.options.Report(e)
	}
}

// say has an event told when the lock is free.
func (m *Monitor) say(e Event) { m.events = append(m.events, e) }
