package primary

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/message"
	"github.com/sextant-dns/sextant/tsig"
)

const (
	opcodeNotify = 4    // RFC 1996 3.2
	maxReply     = 4096 // octets
	maxTelling   = 50   // servers that are told something at once
)

var errSilent = errors.New("no reply")

// task is to tell a server of a zone.
type task struct {
	zone   lookup.Name
	target Target
}

// tell has Run tell those who want to know of the zone. p.mu is held.
func (p *Primary) tell(z held) {
	for _, t := range z.Targets {
		p.pending[task{z.Data.Apex(), t}] = z.Data.SOARecord().Serial()
	}
	if len(z.Targets) > 0 {
		select {
		case p.due <- struct{}{}:
		default:
		}
	}
}

// Run tells servers of changes until ctx ends, and then returns nil.
func (p *Primary) Run(ctx context.Context) error {
	a := teller{primary: p, slots: make(chan struct{}, maxTelling), all: map[task]*telling{}}
	defer a.working.Wait()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-p.due:
		}
		p.mu.Lock()
		pending := p.pending
		p.pending = map[task]uint32{}
		p.mu.Unlock()
		for t, serial := range pending {
			a.tell(ctx, t, serial)
		}
	}
}

// teller is who Run has tell servers of changes.
type teller struct {
	primary *Primary
	working sync.WaitGroup
	slots   chan struct{}

	mu  sync.Mutex
	all map[task]*telling // the last of each
}

// telling is one time that a server is told.
type telling struct {
	serial uint32
	begun  time.Time // zero: it waits
	stop   context.CancelFunc
}

// tell has a server be told of a serial: at once, or when it has heard nothing for long
// enough. What it has not heard yet, or not answered, this takes the place of.
func (a *teller) tell(ctx context.Context, t task, serial uint32) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var wait time.Duration
	if last := a.all[t]; last != nil {
		if last.begun.IsZero() {
			last.serial = serial
			return
		}
		last.stop()
		wait = last.begun.Add(a.primary.options.Spacing).Sub(a.primary.options.Now())
	}
	ctx, stop := context.WithCancel(ctx)
	one := &telling{serial: serial, stop: stop}
	a.all[t] = one
	a.working.Go(func() {
		defer stop()
		if !pause(ctx, wait) {
			return
		}
		select {
		case a.slots <- struct{}{}:
			a.primary.notify(ctx, t, a.begin(one))
			<-a.slots
		case <-ctx.Done():
		}
	})
}

// begin begins a telling, and is the serial that it is about.
func (a *teller) begin(one *telling) uint32 {
	a.mu.Lock()
	defer a.mu.Unlock()
	one.begun = a.primary.options.Now()
	return one.serial
}

// pause waits, and is false when ctx ends before that is over.
func pause(ctx context.Context, wait time.Duration) bool {
	if wait <= 0 {
		return ctx.Err() == nil
	}
	over := time.NewTimer(wait)
	defer over.Stop()
	select {
	case <-over.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// notify tells one server, until it replies or there is no more hope (RFC 1996 3.6).
func (p *Primary) notify(ctx context.Context, t task, serial uint32) {
	wait, err := p.options.Wait, error(nil)
	for range p.options.Attempts {
		if err = p.attempt(ctx, t, wait); ctx.Err() != nil {
			return
		}
		if err == nil {
			p.options.Observe(Event{Kind: Notified, Zone: t.zone, Peer: t.target.Address, Serial: serial})
			return
		}
		if !errors.Is(err, errSilent) {
			break
		}
		wait *= 2
	}
	p.options.Observe(Event{Kind: Unnotified, Zone: t.zone, Peer: t.target.Address, Serial: serial, Err: err})
}

// attempt sends one NOTIFY and waits for the reply.
func (p *Primary) attempt(ctx context.Context, t task, wait time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	msg, signed, err := p.request(t)
	if err != nil {
		return err
	}
	conn, err := p.options.Dial(ctx, t.target.Address)
	if err != nil {
		<-ctx.Done() // a network that is not there may come back
		return fmt.Errorf("%w: %w", errSilent, err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if _, err := conn.Write(msg); err != nil {
		<-ctx.Done()
		return fmt.Errorf("%w: %w", errSilent, err)
	}
	reply := make([]byte, maxReply)
	for {
		n, err := conn.Read(reply)
		if err != nil {
			<-ctx.Done() // nobody listens there now
			return fmt.Errorf("%w: %w", errSilent, err)
		}
		if err, ours := p.judge(reply[:n], msg, signed); ours {
			return err
		}
	}
}

// request is the NOTIFY for a task.
func (p *Primary) request(t task) ([]byte, *tsig.Session, error) {
	q := message.Question{Raw: string(t.zone), Name: t.zone, Type: lookup.TypeSOA, Class: lookup.ClassIN}
	h := message.Header{ID: uint16(p.options.IntN(1 << 16)), Opcode: opcodeNotify, AA: true} // RFC 1996 3.7, 4.5
	msg := message.AppendQuery(nil, h, q, nil)
	if t.target.Key == "" {
		return msg, nil, nil
	}
	key, ok := p.Key(t.target.Key)
	if !ok {
		return nil, nil, fmt.Errorf("there is no key %s", t.target.Key)
	}
	msg, signed := tsig.Ask(msg, key, p.options.Now())
	return msg, signed, nil
}

// judge tells what a reply says, and whether it is one to msg. RFC 1996 4.7: any reply
// is the end of it.
func (p *Primary) judge(reply, msg []byte, signed *tsig.Session) (err error, ours bool) {
	const qr = 1 << 15
	if len(reply) < 12 || reply[0] != msg[0] || reply[1] != msg[1] {
		return nil, false
	}
	flags := binary.BigEndian.Uint16(reply[2:])
	if flags&qr == 0 || flags>>11&0xf != opcodeNotify {
		return nil, false
	}
	if signed != nil {
		if err := signed.Check(reply, p.options.Now()); err != nil {
			return err, true
		}
	}
	if rcode := lookup.Rcode(flags & 0xf); rcode != lookup.NOERROR {
		return fmt.Errorf("answered %s", rcode), true
	}
	return nil, true
}

// PeerOf is the Peer that the server at that address is, whatever port it speaks from.
func PeerOf(address netip.AddrPort, key lookup.Name) Peer {
	return Peer{Network: netip.PrefixFrom(address.Addr(), address.Addr().BitLen()), Key: key}
}
