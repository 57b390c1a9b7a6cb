package server

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

// missed hands the socket a query as its reader does after a miss.
func (u *udpSocket) missed(t *testing.T, from net.Conn, m *dns.Msg) {
	t.Helper()
	var q query
	q.begin(packed(t, m), from.LocalAddr().(*net.UDPAddr).AddrPort(), UDP, u.s.options.Now(), u.tally)
	if _, done := u.s.quick(nil, &q); done {
		t.Fatal("not a miss")
	}
	u.later(t.Context(), &q, nil)
}

// deaf opens a socket of s that nobody reads, and a client that is connected to
// it.
func deaf(t *testing.T, s *Server) (*udpSocket, net.Conn) {
	t.Helper()
	s.options.Readers = 1
	sockets, err := s.listenUDP(addrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("udp", sockets[0].conn.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = conn.Close(), sockets[0].conn.Close() })
	return sockets[0], conn
}

func receive(t *testing.T, conn net.Conn) *dns.Msg {
	t.Helper()
	buf := make([]byte, 4096)
	n, err := conn.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	return read(t, buf[:n])
}

// Replies that nobody waits for any more are not sent: held back and released at
// once they would make a burst (DNSBomb, CVE-2024-33655).
func TestLateRepliesAreDropped(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what   string
		maxAge time.Duration
		takes  time.Duration
		sent   bool
	}{
		{"in time", 0, 1900 * time.Millisecond, true},
		{"late", 0, 1901 * time.Millisecond, false},
		{"late, but it does not matter", -1, time.Minute, true},
	} {
		clock := newClock()
		s := New(Options{Now: clock.now, MaxAge: c.maxAge, Views: everyone(lookup.Func(func(context.Context, lookup.Query) (*lookup.Response, error) {
			clock.advance(c.takes)
			return &lookup.Response{Answer: lookup.MustRRsets("a. 60 IN A 192.0.2.1")}, nil
		}))})
		u, conn := deaf(t, s)
		u.missed(t, conn, ask("a. A", withID(1)))
		s.answered.Wait()
		u.send(packed(t, ask("a. A", withID(2))), nil, conn.LocalAddr().(*net.UDPAddr).AddrPort())
		want := uint16(2)
		if c.sent {
			want = 1
		}
		if got := receive(t, conn).Id; got != want {
			t.Errorf("%s: the first message to come is %d, want %d", c.what, got, want)
		}
		if got := u.tally.dropped[DropLate].Load(); (got == 0) != c.sent {
			t.Errorf("%s: %d dropped", c.what, got)
		}
		if got := s.Stats().Packets.Entries; got != 1 {
			t.Errorf("%s: the answer was not remembered", c.what)
		}
	}
}

func TestTheNewestIsDroppedWhenTooManyWait(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	s := New(Options{Slow: 2, MaxAge: -1, Views: everyone(lookup.Func(func(context.Context, lookup.Query) (*lookup.Response, error) {
		<-release
		return &lookup.Response{}, nil
	}))})
	u, conn := deaf(t, s)
	for id, question := range []string{"a. A", "b. A", "c. A"} {
		u.missed(t, conn, ask(question, withID(uint16(id))))
	}
	if got := u.tally.dropped[DropOverload].Load(); got != 1 {
		t.Errorf("%d dropped", got)
	}
	if got := s.Stats().Waiting; got != 2 {
		t.Errorf("%d wait", got)
	}
	close(release)
	s.answered.Wait()
	if seen := map[uint16]bool{receive(t, conn).Id: true, receive(t, conn).Id: true}; !seen[0] || !seen[1] {
		t.Errorf("replies %v", seen)
	}
	if got := s.Stats().Waiting; got != 0 {
		t.Errorf("%d wait in the end", got)
	}
}

// DNSBomb, CVE-2024-33655: one client cannot have any number of answers held back.
func TestOneClientCannotFillTheQueue(t *testing.T) {
	t.Parallel()
	w := newQueue(4, 2)
	greedy, other := household(netip.MustParseAddr("192.0.2.1")), household(netip.MustParseAddr("2001:db8::1"))
	for _, step := range []struct {
		who  netip.Prefix
		why  Drop
		want bool
	}{
		{greedy, 0, true}, {greedy, 0, true}, {greedy, DropGreedy, false},
		{other, 0, true}, {household(netip.MustParseAddr("2001:db8::2")), 0, true}, // one /64
		{household(netip.MustParseAddr("192.0.2.2")), DropOverload, false},
	} {
		if why, ok := w.enter(step.who); ok != step.want || why != step.why {
			t.Errorf("%v: %v, %v; want %v, %v", step.who, ok, why, step.want, step.why)
		}
	}
	w.leave(greedy)
	if _, ok := w.enter(greedy); !ok || w.len() != 4 {
		t.Errorf("a query that left made no room; %d wait", w.len())
	}
	w.leave(greedy)
	w.leave(greedy)
	w.leave(other)
	w.leave(other)
	if w.len() != 0 || len(w.of) != 0 {
		t.Errorf("%d wait, of %d clients", w.len(), len(w.of))
	}
}

func TestRepliesThatCannotBeSentAreCounted(t *testing.T) {
	t.Parallel()
	u, _ := deaf(t, New(Options{}))
	u.send([]byte("reply"), nil, addrPort("127.0.0.1:0")) // no such port
	if got := u.tally.dropped[DropSend].Load(); got != 1 {
		t.Errorf("%d counted", got)
	}
}
