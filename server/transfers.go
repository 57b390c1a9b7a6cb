package server

import (
	"container/list"
	"context"
	"maps"
	"net/netip"
	"sync"
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

// TransferOptions bound transfers of zones to others. Zero fields take their defaults.
type TransferOptions struct {
	Most      int           // at once; default 100
	PerClient int           // of them, those to one IPv4 address or IPv6 /64; default 20
	Wait      time.Duration // for one's turn, before it is refused; default 10 s

	// Patience is how long a client may take for a message of a transfer; default a
	// minute. On a slow line a socket takes nothing for a while, though the client does:
	// until much of what it holds, which may be megabytes, has gone.
	Patience time.Duration
}

// TransferCount counts transfers to others of one kind.
type TransferCount struct {
	Type   lookup.Type // AXFR or IXFR
	Result TransferResult
}

// TransferResult is what has come of a transfer.
type TransferResult uint8

// The results.
const (
	TransferSent    TransferResult = iota // whole, or what has changed, or that nothing has
	TransferRefused                       // whoever asked may not have it, or there is no such zone
	TransferBusy                          // there were too many others
	TransferBroken                        // the client has gone, or takes nothing
)

// String is the result in one lower-case word.
func (r TransferResult) String() string {
	return [...]string{"sent", "refused", "busy", "broken"}[r]
}

// turns keeps the number of transfers in bounds, and counts them. Who has to wait gets
// the next turn in the order of arrival, unless its client has its share already.
type turns struct {
	options TransferOptions

	mu      sync.Mutex
	all     int
	of      map[netip.Prefix]int // transfers to a household
	waiting list.List            // of *turn
	counts  map[TransferCount]uint64
}

// turn is somebody who waits.
type turn struct {
	who  netip.Prefix
	come chan struct{} // closed when it is its turn
}

func newTurns(o TransferOptions) *turns {
	if o.Most == 0 {
		o.Most = 100
	}
	if o.PerClient == 0 {
		o.PerClient = 20
	}
	if o.Wait == 0 {
		o.Wait = 10 * time.Second
	}
	if o.Patience == 0 {
		o.Patience = time.Minute
	}
	return &turns{options: o, of: map[netip.Prefix]int{}, counts: map[TransferCount]uint64{}}
}

// begin waits for the turn of who; without ok it has not come. Who has got it must end it.
func (t *turns) begin(ctx context.Context, who netip.Prefix) (ok bool) {
	t.mu.Lock()
	if t.free(who) {
		t.take(who)
		t.mu.Unlock()
		return true
	}
	mine := &turn{who: who, come: make(chan struct{})}
	place := t.waiting.PushBack(mine)
	t.mu.Unlock()

	enough := time.NewTimer(t.options.Wait)
	defer enough.Stop()
	select {
	case <-mine.come:
		return true
	case <-ctx.Done():
	case <-enough.C:
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case <-mine.come: // at the last moment
		return true
	default:
		t.waiting.Remove(place)
		return false
	}
}

// end ends a turn of who, and gives it to somebody else.
func (t *turns) end(who netip.Prefix) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all--
	if t.of[who]--; t.of[who] == 0 {
		delete(t.of, who)
	}
	for place := t.waiting.Front(); place != nil && t.all < t.options.Most; {
		next, w := place.Next(), place.Value.(*turn)
		if t.free(w.who) {
			t.waiting.Remove(place)
			t.take(w.who)
			close(w.come)
		}
		place = next
	}
}

// free tells whether who may begin; t.mu is held.
func (t *turns) free(who netip.Prefix) bool {
	return t.all < t.options.Most && t.of[who] < t.options.PerClient
}

func (t *turns) take(who netip.Prefix) {
	t.all++
	t.of[who]++
}

func (t *turns) count(q *query, r TransferResult) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts[TransferCount{q.Type, r}]++
}

func (t *turns) counted() map[TransferCount]uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.counts)
}
