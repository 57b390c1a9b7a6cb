package secondary

import (
	"context"
	"iter"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/tsig"
	"github.com/sextant-dns/sextant/zones"
)

// Digest is what a zone's ZONEMD is worth (RFC 8976). The zero value is a good
// choice where zones may come without.
type Digest uint8

// The choices for ZONEMD.
const (
	CheckDigest   Digest = iota // a wrong one is refused, a zone may come without
	RequireDigest               // a zone without one that can be checked is refused, too
	IgnoreDigest                // nobody looks at it
)

// Options are what can be chosen about a Copy. Zone is required, and either
// Primaries or File; the zero value of all else is a good choice.
type Options struct {
	Zone lookup.Name

	// Primaries are asked over TCP, one after the other until one helps, beginning
	// with the one that helped last.
	Primaries []netip.AddrPort

	// File is a master file that something else keeps fresh. It is read again when
	// its size or time of modification changes; that time counts as the time when
	// the zone was last refreshed. Primaries are not asked.
	File string

	// Store is the file that the copy is kept in for the next start; "" keeps it
	// nowhere. Its time of modification is when a primary last confirmed it.
	Store string

	Digest Digest

	// Verify judges the zone's ZONEMD by all its RRsets. An error that is an
	// errors.ErrUnsupported says that it cannot, as when the digest is of an unknown
	// kind; so does a nil Verify.
	Verify func(apex lookup.Name, sets iter.Seq[lookup.RRset]) error

	// Unvalidated: the copy is good for as long as its SOA says, whatever becomes of
	// its signatures. That suits an authority, whose clients see for themselves.
	Unvalidated bool

	// Hold is for how long since a primary has confirmed the copy Late has it, although it
	// is not good to be used any more; 0: not at all.
	Hold time.Duration

	MaxOctets int           // of a transfer, with all names written out; default 256 MiB
	MaxTime   time.Duration // of a transfer; default 10 minutes
	Timeout   time.Duration // of connecting, and of waiting for each message; default 10 s

	// MinWait and MaxWait are the shortest and longest time between two refreshes,
	// whatever the SOA says; default 30 s and 24 h. A File is looked at every MinWait.
	MinWait, MaxWait time.Duration

	// Key is the key for a primary: what it is asked is signed, and so must be what it
	// says (RFC 8945). ok is false where there is none; the default has none.
	Key func(primary netip.AddrPort) (key tsig.Key, ok bool)

	// Turn waits until primaries may be asked, and returns what has to be called when
	// that is over; ok is false when ctx has ended before. It keeps the copies of
	// thousands of zones from moving all at once; the default never waits.
	Turn func(ctx context.Context) (over func(), ok bool)

	Dial    func(ctx context.Context, primary netip.AddrPort) (net.Conn, error) // default TCP
	Now     func() time.Time                                                    // default time.Now; timers always take real time
	IntN    func(n int) int                                                     // a random number from 0 to n-1; default rand.IntN
	Observe func(Event)                                                         // told of all that happens, one thing at a time; must not block
}

func (o Options) withDefaults() Options {
	if o.MaxOctets == 0 {
		o.MaxOctets = 256 << 20
	}
	if o.MaxTime == 0 {
		o.MaxTime = 10 * time.Minute
	}
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	if o.MinWait == 0 {
		o.MinWait = 30 * time.Second
	}
	if o.MaxWait == 0 {
		o.MaxWait = 24 * time.Hour
	}
	if o.Turn == nil {
		o.Turn = func(context.Context) (func(), bool) { return func() {}, true }
	}
	if o.Dial == nil {
		o.Dial = func(ctx context.Context, primary netip.AddrPort) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", primary.String())
		}
	}
	if o.Key == nil {
		o.Key = func(netip.AddrPort) (tsig.Key, bool) { return tsig.Key{}, false }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.IntN == nil {
		o.IntN = rand.IntN
	}
	if o.Observe == nil {
		o.Observe = func(Event) {}
	}
	return o
}

// Copy is a zone of somebody else. Load and Run belong to one goroutine; its other
// methods are safe for concurrent use.
type Copy struct {
	options Options
	held    atomic.Pointer[held]       // nil: there is none
	due     chan struct{}              // filled when somebody wants a refresh at once
	other   chan struct{}              // filled when held is another one
	notice  atomic.Pointer[netip.Addr] // who has said last that there is something new

	telling sync.Mutex // Observe is told

	mu     sync.Mutex
	status Status // without what is in held

	// Of the goroutine that runs it:
	loaded bool                    // it was tried
	helped int                     // the primary that helped last
	blind  time.Duration           // between attempts while there has never been a copy
	seen   glance                  // what File looked like
	plain  map[netip.AddrPort]bool // primaries that know no EDNS
}

// New makes a Copy that has nothing yet. It starts nothing and reads nothing.
func New(o Options) *Copy {
	return &Copy{options: o.withDefaults(), due: make(chan struct{}, 1), other: make(chan struct{}, 1), status: Status{Zone: o.Zone}, plain: map[netip.AddrPort]bool{}}
}

// held is a good copy. It is immutable.
type held struct {
	zone      *zones.Zone
	soa       soa
	source    string    // where it came from
	confirmed time.Time // when it was last known to be what the primary has, or the primary's own primary (RFC 7314)
	until     time.Time // it is not used from then on
	why       string    // because of this
}

// Zone is the zone, for as long as it is good to be used. When it is not, ok is
// false, and whoever asks has to find the zone's data by other means. It costs a
// look at the clock.
func (c *Copy) Zone() (zone *zones.Zone, ok bool) {
	h := c.held.Load()
	if h == nil || !c.options.Now().Before(h.until) {
		return nil, false
	}
	return h.zone, true
}

// Late is the zone for those who would otherwise have nothing: while Zone has it, and
// within Options.Hold. expired tells that Zone has it no more.
func (c *Copy) Late() (zone *zones.Zone, expired, ok bool) {
	h, now := c.held.Load(), c.options.Now()
	switch {
	case h == nil:
		return nil, false, false
	case now.Before(h.until):
		return h.zone, false, true
	}
	return h.zone, true, now.Before(h.confirmed.Add(c.options.Hold))
}

// Hear is Refresh for a NOTIFY: a primary at the address is asked first, since others
// may not have heard of the change yet.
func (c *Copy) Hear(from netip.Addr) {
	c.notice.Store(&from)
	c.Refresh()
}

// Refresh has Run ask for the zone's serial without waiting for its time, as a
// NOTIFY does (RFC 1996 3.11). It returns at once.
func (c *Copy) Refresh() {
	select {
	case c.due <- struct{}{}:
	default: // it has been said already
	}
}

// Load takes what is on this machine into use: the File, or what the Store has
// from before. That there is no Store yet is no error. Run does it when nobody has.
// What is wrong is told to Observe and to Status, too.
func (c *Copy) Load() error {
	c.loaded = true
	read := c.restore
	if c.options.File != "" {
		read = c.reread
	}
	err := read()
	if err != nil {
		c.failed(err)
	}
	return err
}

// Run keeps the copy fresh until ctx ends, and then returns nil. Failures are told
// to Observe and to Status.
func (c *Copy) Run(ctx context.Context) error {
	if !c.loaded {
		_ = c.Load() // the primaries may have better
	}
	watching, stop := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() { c.watch(watching) })
	defer watch.Wait()
	defer stop()
	for ctx.Err() == nil {
		c.await(ctx, c.refresh(ctx))
	}
	return nil
}

// await waits, but no longer than until somebody wants a refresh.
func (c *Copy) await(ctx context.Context, wait time.Duration) {
	c.planned(c.options.Now().Add(wait))
	enough := time.NewTimer(wait)
	defer enough.Stop()
	select {
	case <-ctx.Done():
	case <-c.due:
	case <-enough.C:
	}
}

// watch tells when the copy has expired, until ctx ends. Refreshes may take long just
// then.
func (c *Copy) watch(ctx context.Context) {
	var expired *held // of which this has been told
	for {
		var end <-chan time.Time
		h := c.held.Load()
		if h != nil && h != expired {
			expiry := time.NewTimer(max(0, h.until.Sub(c.options.Now())))
			end = expiry.C
		}
		select {
		case <-ctx.Done():
			return
		case <-c.other:
		case <-end:
			expired = h
			c.observe(Event{Zone: c.options.Zone, Kind: Ended, Source: h.source, Serial: h.soa.serial, Err: reason(h.why)})
		}
	}
}

// observe tells of an event, of one at a time.
func (c *Copy) observe(e Event) {
	c.telling.Lock()
	defer c.telling.Unlock()
	c.options.Observe(e)
}
