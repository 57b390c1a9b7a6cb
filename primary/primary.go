package primary

import (
	"context"
	"iter"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/message"
	"github.com/sextant-dns/sextant/tsig"
	"github.com/sextant-dns/sextant/zones"
)

// Options are what can be chosen about a Primary. The zero value is a good choice.
type Options struct {
	// Refresh is called when the peer at an address says that a zone that we copy has
	// changed. It must not block; nil: nobody wants to know.
	Refresh func(zone lookup.Name, from netip.Addr)

	Attempts int           // NOTIFYs to a server until it replies; default 5 (RFC 1996 3.6)
	Wait     time.Duration // for the first reply, twice as long for each that follows; default 5 s

	// Spacing is the least time between two changes of a zone that a server is told of.
	// What changes meanwhile it hears of at the end of that, all at once; default 1 s.
	Spacing time.Duration

	Dial    func(ctx context.Context, to netip.AddrPort) (net.Conn, error) // for NOTIFY; default UDP
	Now     func() time.Time                                               // default time.Now
	IntN    func(n int) int                                                // a random number from 0 to n-1; default rand.IntN
	Observe func(Event)                                                    // told of all that happens; safe for concurrent use, must not block
}

func (o Options) withDefaults() Options {
	if o.Refresh == nil {
		o.Refresh = func(lookup.Name, netip.Addr) {}
	}
	if o.Attempts == 0 {
		o.Attempts = 5
	}
	if o.Wait == 0 {
		o.Wait = 5 * time.Second
	}
	if o.Spacing == 0 {
		o.Spacing = time.Second
	}
	if o.Dial == nil {
		o.Dial = func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "udp", to.String())
		}
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

// Zone is a zone and who has to do with it.
type Zone struct {
	Data     *zones.Zone // never nil; it may be absent
	Transfer []Peer      // who may have all of it
	Targets  []Target    // who is told when it has changed
	Notify   []Peer      // who may say that it has changed: it is a copy

	// History is the differences that lead to Data, the latest last, when somebody
	// else keeps them; empty: they are found by comparing Data with what was there
	// before. It must not be changed.
	History []zones.Difference
}

// Target is a server that is told of changes.
type Target struct {
	Address netip.AddrPort
	Key     lookup.Name // that it is signed with; "": it is not
}

// Kind is what an Event is about.
type Kind uint8

// The kinds of Event.
const (
	Backward   Kind = iota // a zone has changed, and its serial has not gone up: secondaries do not see it
	Notified               // a server has replied to NOTIFY
	Unnotified             // it has not, or it refuses
	Notice                 // a peer says that a zone has changed
	Ignored                // somebody says so who may not, or of a zone that is not ours
)

// Event is something that happened to a zone.
type Event struct {
	Kind   Kind
	Zone   lookup.Name
	Peer   netip.AddrPort // whom it is about; the port may be 0
	Serial uint32
	Err    error // of Unnotified
}

// Primary gives zones away. It is safe for concurrent use.
type Primary struct {
	options Options
	due     chan struct{} // filled when somebody is to be told something

	replacing sync.Mutex // one Replace at a time

	mu      sync.Mutex
	keys    map[lookup.Name]tsig.Key
	zones   map[lookup.Name]held
	pending map[task]uint32 // whom to tell of which serial
}

// held is a zone with its history. It is immutable.
type held struct {
	Zone
	history []zones.Difference
}

// New makes a Primary without zones. It starts nothing.
func New(o Options) *Primary {
	return &Primary{options: o.withDefaults(), due: make(chan struct{}, 1), pending: map[task]uint32{}}
}

// Replace says which keys and zones there are from now on. Of zones that are there
// already it finds out what has changed, which takes a moment; meanwhile they are given
// away as they were.
func (p *Primary) Replace(keys []tsig.Key, all []Zone) {
	p.Rekey(keys)
	p.replacing.Lock()
	defer p.replacing.Unlock()
	p.mu.Lock()
	was := p.zones // which nobody changes: a Replace makes another
	p.mu.Unlock()
	is, told := make(map[lookup.Name]held, len(all)), []held(nil)
	for _, z := range all {
		name := z.Data.Apex()
		h, tell := p.follow(was[name], z)
		if is[name] = h; tell {
			told = append(told, h)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.zones = is
	for _, h := range told {
		p.tell(h)
	}
}

// Rekey puts other keys into force, and leaves the zones.
func (p *Primary) Rekey(keys []tsig.Key) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys = map[lookup.Name]tsig.Key{}
	for _, k := range keys {
		p.keys[k.Name] = k
	}
}

// follow is a zone with the history that leads to it, and whether it is news.
func (p *Primary) follow(was held, z Zone) (h held, news bool) {
	h = held{Zone: z, history: was.history}
	switch {
	case was.Zone.Data == z.Data:
		return h, false
	case z.Data.Absent():
		h.history = nil
		return h, false
	case was.Zone.Data == nil || was.Zone.Data.Absent():
		h.history = nil // RFC 1996 3.6: after a start, too
		if leadsTo(z.History, z.Data) {
			h.history = bounded(z.History, z.Data)
		}
		return h, true
	}
	before, now := was.Zone.Data.SOARecord().Serial(), z.Data.SOARecord().Serial()
	switch {
	case zones.Newer(now, before):
		h.history = nil
		switch {
		case leadsTo(z.History, z.Data):
			h.history = bounded(z.History, z.Data)
		case len(z.Transfer) > 0:
			h.history = extended(was.history, was.Zone.Data, z.Data)
		}
		return h, true
	case before != now || differs(was.Zone.Data, z.Data):
		h.history = nil // what it says of these serials is not so any more
		p.options.Observe(Event{Kind: Backward, Zone: z.Data.Apex(), Serial: now})
	}
	return h, false
}

func differs(a, b *zones.Zone) bool {
	deleted, added := zones.Diff(a, b)
	return len(deleted)+len(added) > 0 || a.SOARecord() != b.SOARecord()
}

// Key is the key of that name.
func (p *Primary) Key(name lookup.Name) (tsig.Key, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	k, ok := p.keys[name]
	return k, ok
}

// Transfer yields the RRs that answer a server at that address, which has signed with
// the key or not at all (""), and wants the zone: all of it, or, when have is not nil,
// what has changed since that serial. Otherwise it tells what to answer in place of it.
// The RRs are of one version of the zone, whatever happens meanwhile.
func (p *Primary) Transfer(from netip.Addr, key, zone lookup.Name, have *uint32) (iter.Seq[message.Record], *lookup.Response) {
	p.mu.Lock()
	z, ok := p.zones[zone]
	p.mu.Unlock()
	switch {
	case !ok: // RFC 5936 2.2.1
		return nil, refusal(lookup.NOTAUTH, lookup.EDENotAuthoritative)
	case !allowed(z.Transfer, from, key):
		return nil, refusal(lookup.REFUSED, lookup.EDEProhibited)
	case z.Data.Absent():
		return nil, refusal(lookup.SERVFAIL, lookup.EDEInvalidData)
	case have == nil:
		return whole(z.Data), nil
	case !zones.Newer(z.Data.SOARecord().Serial(), *have):
		return only(z.Data), nil
	}
	if steps, ok := since(z.history, *have); ok {
		return changes(z.Data, steps), nil
	}
	return whole(z.Data), nil // RFC 1995 4
}

// May tells whether a server at that address, which has signed with the key or not at
// all (""), may have all of the zone.
func (p *Primary) May(from netip.Addr, key, zone lookup.Name) bool {
	p.mu.Lock()
	z, ok := p.zones[zone]
	p.mu.Unlock()
	return ok && allowed(z.Transfer, from, key)
}

// Notify hears a NOTIFY of a peer and tells the RCODE for it.
func (p *Primary) Notify(from netip.Addr, key, zone lookup.Name) lookup.Rcode {
	p.mu.Lock()
	z, ok := p.zones[zone]
	p.mu.Unlock()
	rcode := lookup.NOERROR
	switch {
	case !ok:
		rcode = lookup.NOTAUTH
	case !allowed(z.Notify, from, key): // RFC 1996 3.10
		rcode = lookup.REFUSED
	}
	if rcode != lookup.NOERROR {
		p.options.Observe(Event{Kind: Ignored, Zone: zone, Peer: netip.AddrPortFrom(from, 0)})
		return rcode
	}
	p.options.Observe(Event{Kind: Notice, Zone: zone, Peer: netip.AddrPortFrom(from, 0)})
	p.options.Refresh(zone, from)
	return lookup.NOERROR
}

func refusal(rcode lookup.Rcode, ede uint16) *lookup.Response {
	return &lookup.Response{Rcode: rcode, EDE: []lookup.EDE{{Code: ede}}}
}
