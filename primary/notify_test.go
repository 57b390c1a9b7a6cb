package primary

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/message"
	"github.com/sextant-dns/sextant/tsig"
)

// listener is a server that is told of changes. It answers all but the first few.
type listener struct {
	t      *testing.T
	silent int
	change func([]byte) []byte // of replies
	key    tsig.Key

	mu    sync.Mutex
	heard []time.Time
}

func (l *listener) dial(context.Context, netip.AddrPort) (net.Conn, error) {
	ours, theirs := net.Pipe()
	go func() {
		b := make([]byte, 1000)
		n, err := theirs.Read(b)
		if err != nil {
			return
		}
		l.mu.Lock()
		l.heard = append(l.heard, time.Now())
		quiet := len(l.heard) <= l.silent
		l.mu.Unlock()
		m, err := message.DecodeRecords(b[:n])
		if err != nil || m.Opcode != opcodeNotify || !m.AA || len(m.Question) != 1 || m.Question[0].Name != apex || m.Question[0].Type != lookup.TypeSOA {
			l.t.Errorf("not a NOTIFY: %+v %v", m, err)
		}
		if quiet {
			return
		}
		h := m.Header
		h.QR = true
		reply := message.AppendQuery(nil, h, m.Question[0], nil)
		if l.change != nil {
			reply = l.change(reply)
		}
		if l.key.Name != "" {
			s, err := tsig.Accept(b[:n], func(lookup.Name) (tsig.Key, bool) { return l.key, true }, time.Now())
			if err != nil {
				l.t.Error(err)
			}
			reply = s.Sign(reply, time.Now())
		}
		_, _ = theirs.Write(reply)
	}()
	return ours, nil
}

// Servers are told after a change, and again until they reply (RFC 1996 3.6).
func TestNotify(t *testing.T) {
	t.Parallel()
	key := tsig.Key{Name: lookup.MustName("key."), Algorithm: tsig.HMACSHA256, Secret: []byte("secret")}
	other := key
	other.Secret = []byte("another")
	for _, c := range []struct {
		what string
		l    *listener
		key  lookup.Name
		want Kind
		sent int
		took time.Duration
	}{
		{"at once", &listener{}, "", Notified, 1, 0},
		{"the third time", &listener{silent: 2}, "", Notified, 3, 15 * time.Second},
		{"never", &listener{silent: 100}, "", Unnotified, 5, 155 * time.Second},
		{"refused", &listener{change: func(b []byte) []byte { b[3] |= 5; return b }}, "", Unnotified, 1, 0},
		{"another message", &listener{change: func(b []byte) []byte { b[0] ^= 1; return b }}, "", Unnotified, 5, 155 * time.Second},
		{"not a reply", &listener{change: func(b []byte) []byte { b[2] &= 0x7f; return b }}, "", Unnotified, 5, 155 * time.Second},
		{"signed", &listener{key: key}, key.Name, Notified, 1, 0},
		{"not signed", &listener{}, key.Name, Unnotified, 1, 0},
		{"with no key", &listener{}, lookup.MustName("nosuch."), Unnotified, 0, 0},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c.l.t = t
				done := make(chan Event, 10)
				p := New(Options{Dial: c.l.dial, Observe: func(e Event) { done <- e }})
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan error)
				go func() { ended <- p.Run(ctx) }()
				start := time.Now()
				p.Replace([]tsig.Key{key}, []Zone{{Data: zone(t, 7), Targets: []Target{{netip.MustParseAddrPort("192.0.2.2:53"), c.key}}}})
				e := <-done
				if e.Kind != c.want || e.Serial != 7 || (e.Err != nil) != (c.want == Unnotified) {
					t.Errorf("got %+v", e)
				}
				c.l.mu.Lock()
				sent := len(c.l.heard)
				c.l.mu.Unlock()
				if took := time.Since(start); took != c.took || sent != c.sent {
					t.Errorf("sent %d times in %v, want %d in %v", sent, took, c.sent, c.took)
				}
				cancel()
				if err := <-ended; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// Only a newer serial is news, and what is news takes the place of what was.
func TestNotifyOfWhatIsNewOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &listener{t: t, silent: 1}
		events := make(chan Event, 10)
		p := New(Options{Dial: l.dial, Observe: func(e Event) { events <- e }})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- p.Run(ctx) }()
		with := func(serial uint32) []Zone {
			return []Zone{{Data: zone(t, serial), Targets: []Target{{Address: netip.MustParseAddrPort("192.0.2.2:53")}}}}
		}
		p.Replace(nil, with(1)) // to which there is no reply
		synctest.Wait()
		p.Replace(nil, with(2))
		if e := <-events; e.Kind != Notified || e.Serial != 2 {
			t.Errorf("got %+v", e)
		}
		p.Replace(nil, with(2))
		time.Sleep(time.Hour) // of the bubble's time
		select {
		case e := <-events:
			t.Errorf("more was told: %+v", e)
		default:
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// A zone that changes all the time is told of once a second, with its latest serial; the
// first and the last change are not lost.
func TestNotifyOfManyChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &listener{t: t}
		events := make(chan Event, 100)
		p := New(Options{Dial: l.dial, Observe: func(e Event) { events <- e }})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- p.Run(ctx) }()
		start := time.Now()
		for serial := uint32(1); serial <= 50; serial++ {
			p.Replace(nil, []Zone{{Data: zone(t, serial), Targets: []Target{{Address: netip.MustParseAddrPort("192.0.2.2:53")}}}})
			time.Sleep(70 * time.Millisecond) // of the bubble's time
		}
		time.Sleep(time.Minute)
		var serials []uint32
		for len(events) > 0 {
			e := <-events
			if e.Kind != Notified {
				t.Errorf("got %+v", e)
			}
			serials = append(serials, e.Serial)
		}
		if want := []uint32{1, 15, 29, 43, 50}; !slices.Equal(serials, want) {
			t.Errorf("told of %v, want %v", serials, want)
		}
		for i, at := range l.heard {
			if got := at.Sub(start); got != time.Duration(i)*time.Second {
				t.Errorf("told after %v", got)
			}
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// A network that is not there may come back.
func TestNotifyWithoutNetwork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, tries := &listener{t: t}, 0
		done := make(chan Event, 10)
		p := New(Options{Observe: func(e Event) { done <- e }, Dial: func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
			if tries++; tries < 3 {
				return nil, errors.New("no route")
			}
			return l.dial(ctx, to)
		}})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- p.Run(ctx) }()
		p.Replace(nil, []Zone{{Data: zone(t, 1), Targets: []Target{{Address: netip.MustParseAddrPort("192.0.2.2:53")}}}})
		if e := <-done; e.Kind != Notified {
			t.Errorf("got %+v", e)
		}
		cancel()
		<-ended
	})
}
