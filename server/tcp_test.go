package server

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

// line is the client's end of a connection whose other end a server serves. In a
// synctest bubble its deadlines pass without waiting.
type line struct {
	net.Conn
	t     *testing.T
	ended chan struct{} // closed when the server is through with it
}

// connect opens a connection as accept would. It is nil when the server does not
// let it in.
func connect(t *testing.T, ctx context.Context, s *Server, from string) *line {
	t.Helper()
	ours, theirs := net.Pipe()
	c := s.newConn(theirs, addrPort(from))
	if !s.crowd.enter(c) {
		c.hangUp()
		return nil
	}
	l := &line{ours, t, make(chan struct{})}
	go func() {
		defer close(l.ended)
		c.serve(ctx)
	}()
	return l
}

// framed is messages with their lengths before them.
func framed(t *testing.T, ms ...*dns.Msg) []byte {
	var b []byte
	for _, m := range ms {
		msg := packed(t, m)
		b = binary.BigEndian.AppendUint16(b, uint16(len(msg)))
		b = append(b, msg...)
	}
	return b
}

func (l *line) say(b []byte) {
	l.t.Helper()
	if _, err := l.Write(b); err != nil {
		l.t.Errorf("cannot send: %v", err)
	}
}

func (l *line) hear() *dns.Msg {
	l.t.Helper()
	var length [2]byte
	if _, err := io.ReadFull(l, length[:]); err != nil {
		l.t.Fatalf("no reply: %v", err)
	}
	b := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(l, b); err != nil {
		l.t.Fatalf("half a reply: %v", err)
	}
	return read(l.t, b)
}

// closedAfter waits for the other end to close and tells how long that took.
func (l *line) closedAfter() time.Duration {
	l.t.Helper()
	start := time.Now()
	if n, err := l.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		l.t.Errorf("read %d octets, %v; want the end", n, err)
	}
	<-l.ended
	return time.Since(start)
}

func withID(id uint16) func(*dns.Msg) { return func(m *dns.Msg) { m.Id = id } }

func TestTCPTakesALengthInPieces(t *testing.T) { // RFC 7766 8
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := connect(t, t.Context(), New(Options{Views: everyone(new(world))}), somebody)
		for _, octet := range framed(t, ask("www.example. A")) {
			l.say([]byte{octet})
		}
		if got := brief(l.hear()); got != "NOERROR rd ra 1/2/0/0" {
			t.Errorf("got %s", got)
		}
		l.Close()
		<-l.ended
	})
}

// RFC 7766 6.2.1.1: replies come when they are ready, not in the order of the
// queries.
func TestTCPRepliesInAnyOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := map[string]chan struct{}{"a.": make(chan struct{}), "b.": make(chan struct{}), "c.": make(chan struct{})}
		s := New(Options{Views: everyone(lookup.Func(func(_ context.Context, q lookup.Query) (*lookup.Response, error) {
			<-release[q.Name.String()]
			return &lookup.Response{}, nil
		}))})
		l := connect(t, t.Context(), s, somebody)
		go l.say(framed(t, ask("a. A", withID(1)), ask("b. A", withID(2)), ask("c. A", withID(3)), ask("d. A", withID(4), func(m *dns.Msg) { m.Opcode = 15 })))
		for _, step := range []struct {
			release string
			id      uint16
		}{{"", 4}, {"b.", 2}, {"c.", 3}, {"a.", 1}} {
			if step.release != "" {
				close(release[step.release])
			}
			if got := l.hear().Id; got != step.id {
				t.Errorf("reply %d, want %d", got, step.id)
			}
		}
		l.Close()
		<-l.ended
	})
}

func TestTCPWritesRepliesThatAreReadyInOnePiece(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{Views: everyone(new(world))})
		talk(t, s, ask("www.example. A")) // hits from now on
		l := connect(t, t.Context(), s, somebody)
		go l.say(framed(t, ask("www.example. A", withID(1)), ask("www.example. A", withID(2)), ask("www.example. A", withID(3))))
		buf := make([]byte, 4096)
		n, err := l.Read(buf) // net.Pipe gives what one Write wrote
		if err != nil {
			t.Fatal(err)
		}
		replies := 0
		for b := buf[:n]; len(b) > 2; replies++ {
			b = b[2+int(binary.BigEndian.Uint16(b)):]
		}
		if replies != 3 {
			t.Errorf("%d replies in the first piece", replies)
		}
		l.Close()
		<-l.ended
	})
}

func TestTCPHasPatienceWithinBounds(t *testing.T) {
	t.Parallel()
	query := framed(t, ask("www.example. A"))
	for _, c := range []struct {
		what   string
		client func(l *line)
		want   time.Duration // from then on until the server hangs up
	}{
		{"silence from the start", func(*line) {}, 2 * time.Second},
		{"half a length", func(l *line) { l.say(query[:1]) }, 2 * time.Second},
		{"an octet now and then (slowloris)", func(l *line) {
			for _, octet := range query[:3] {
				l.say([]byte{octet})
				time.Sleep(500 * time.Millisecond)
			}
		}, 500 * time.Millisecond},
		{"silence after a reply", func(l *line) { l.say(query); l.hear() }, 10 * time.Second},
		{"slowloris after a reply", func(l *line) {
			l.say(query)
			l.hear()
			for _, octet := range query[:3] {
				l.say([]byte{octet})
				time.Sleep(3 * time.Second)
			}
		}, time.Second},
		{"a message of no length", func(l *line) { l.say([]byte{0, 0}) }, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := connect(t, t.Context(), New(Options{Views: everyone(new(world))}), somebody)
			c.client(l)
			if got := l.closedAfter(); got != c.want {
				t.Errorf("%s: closed after %v, want %v", c.what, got, c.want)
			}
		})
	}
}

// The client may be idle for 10 s from its last reply, however long that took.
func TestTCPCountsIdleTimeFromTheLastReply(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{Views: everyone(lookup.Func(func(context.Context, lookup.Query) (*lookup.Response, error) {
			time.Sleep(9 * time.Second)
			return &lookup.Response{}, nil
		}))})
		l := connect(t, t.Context(), s, somebody)
		l.say(framed(t, ask("a. A")))
		l.hear()
		if got := l.closedAfter(); got != 10*time.Second {
			t.Errorf("closed after %v", got)
		}
	})
}

func TestTCPHangsUpOnAClientThatTakesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{Views: everyone(new(world))})
		l := connect(t, t.Context(), s, somebody)
		var queries []*dns.Msg
		for id := range uint16(100) { // more than may be at work at once
			queries = append(queries, ask("www.example. A", withID(id)))
		}
		start := time.Now()
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			_, _ = l.Write(framed(t, queries...)) // it is cut off
		}()
		<-l.ended
		if got := time.Since(start); got != 5*time.Second {
			t.Errorf("closed after %v", got)
		}
		<-sent
	})
}

func TestTCPBoundsWhatIsAtWork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var working, most atomic.Int64
		release := make(chan struct{})
		s := New(Options{Views: everyone(lookup.Func(func(context.Context, lookup.Query) (*lookup.Response, error) {
			most.Store(max(most.Load(), working.Add(1)))
			<-release
			working.Add(-1)
			return &lookup.Response{}, nil
		}))})
		l := connect(t, t.Context(), s, somebody)
		var queries []*dns.Msg
		for id := range uint16(40) {
			queries = append(queries, ask(fmt.Sprintf("n%d. A", id), withID(id)))
		}
		go l.say(framed(t, queries...))
		synctest.Wait()
		if working.Load() != 16 {
			t.Errorf("%d queries at work", working.Load())
		}
		close(release)
		seen := map[uint16]bool{}
		for range queries {
			seen[l.hear().Id] = true
		}
		if len(seen) != 40 || most.Load() != 16 {
			t.Errorf("%d replies, at most %d at work", len(seen), most.Load())
		}
		l.Close()
		<-l.ended
	})
}

// Who has nothing more to ask still gets the replies (RFC 7766 6.2.4: half-closed
// connections). A pipe has no half-close; a client that is silent for too long
// looks the same to the server.
func TestTCPRepliesToWhatItHasReadBeforeItCloses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{Deadline: time.Minute, Views: everyone(lookup.Func(func(context.Context, lookup.Query) (*lookup.Response, error) {
			time.Sleep(30 * time.Second)
			return &lookup.Response{}, nil
		}))})
		l := connect(t, t.Context(), s, somebody)
		l.say(framed(t, ask("a. A")))
		l.hear()
		if got := l.closedAfter(); got != 0 {
			t.Errorf("closed after %v", got)
		}
	})
}

func TestTCPMakesRoomByClosingTheLongestIdle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s := New(Options{
			TCP: TCPOptions{Connections: 3},
			Views: everyone(lookup.Func(func(_ context.Context, q lookup.Query) (*lookup.Response, error) {
				if q.Name == lookup.MustName("slow.") {
					<-release
				}
				return &lookup.Response{}, nil
			})),
		})
		open := func() *line { return connect(t, t.Context(), s, somebody) }
		busy, idle, active := open(), open(), open()
		busy.say(framed(t, ask("slow. A")))
		active.say(framed(t, ask("a. A")))
		active.hear()
		synctest.Wait()

		fourth := open() // the one that never asked has been idle longest
		if got := idle.closedAfter(); got != 0 {
			t.Errorf("closed after %v", got)
		}
		fifth := open() // then the one that has been replied to
		if got := active.closedAfter(); got != 0 {
			t.Errorf("closed after %v", got)
		}
		fourth.say(framed(t, ask("slow. A")))
		fifth.say(framed(t, ask("slow. A")))
		synctest.Wait()
		if open() != nil {
			t.Error("a busy connection was closed to make room")
		}
		if got, want := s.Stats().TCP, (ConnectionStats{Accepted: 5, Refused: 1, Evicted: 2, Open: 3}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		close(release)
		for _, l := range []*line{busy, fourth, fifth} {
			l.hear()
			l.Close()
			<-l.ended
		}
		if got := s.Stats().TCP.Open; got != 0 {
			t.Errorf("%d open in the end", got)
		}
	})
}

func TestTCPBoundsTheConnectionsOfAClient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{TCP: TCPOptions{PerClient: 2}, Views: everyone(new(world))})
		var lines []*line
		for _, c := range []struct {
			from string
			in   bool
		}{
			{"192.0.2.1:1000", true},
			{"192.0.2.1:1001", true},
			{"192.0.2.1:1002", false},
			{"[::ffff:192.0.2.1]:1003", false},
			{"192.0.2.2:1000", true},
			{"[2001:db8::1]:1000", true},
			{"[2001:db8::2]:1000", true},
			{"[2001:db8::3]:1000", false}, // the same /64
			{"[2001:db8:0:1::1]:1000", true},
			{"[fe80::1%eth0]:1000", true},
		} {
			l := connect(t, t.Context(), s, c.from)
			if (l != nil) != c.in {
				t.Errorf("%s: let in %v, want %v", c.from, l != nil, c.in)
			}
			if l != nil {
				lines = append(lines, l)
			}
		}
		for _, l := range lines {
			l.Close()
			<-l.ended
		}
		if len(s.crowd.of) != 0 || len(s.crowd.open) != 0 || s.crowd.idle.Len() != 0 {
			t.Errorf("left over: %v %v %d", s.crowd.of, s.crowd.open, s.crowd.idle.Len())
		}
	})
}

func TestTCPStopsWhenItHasReplied(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s := New(Options{Views: everyone(lookup.Func(func(context.Context, lookup.Query) (*lookup.Response, error) {
			<-release
			return &lookup.Response{}, nil
		}))})
		idle, busy := connect(t, t.Context(), s, somebody), connect(t, t.Context(), s, somebody)
		busy.say(framed(t, ask("a. A")))
		synctest.Wait()
		s.crowd.stop()
		if got := idle.closedAfter(); got != 0 {
			t.Errorf("the idle one was closed after %v", got)
		}
		if connect(t, t.Context(), s, somebody) != nil {
			t.Error("somebody was let in")
		}
		close(release)
		busy.hear()
		if got := busy.closedAfter(); got != 0 {
			t.Errorf("the busy one was closed after %v", got)
		}
	})
}

func TestTCPSurvivesAClientThatLeaves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s := New(Options{Views: everyone(lookup.Func(func(context.Context, lookup.Query) (*lookup.Response, error) {
			<-release
			return &lookup.Response{}, nil
		}))})
		l := connect(t, t.Context(), s, somebody)
		l.say(framed(t, ask("a. A"), ask("b. A")))
		l.Close()
		synctest.Wait()
		close(release)
		<-l.ended
	})
}

func TestKeepaliveCountsInTenthsOfASecond(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]uint16{10 * time.Second: 100, 50 * time.Millisecond: 0, 3 * time.Hour: 65535} {
		if got := keepalive(d); got != want {
			t.Errorf("%v: got %d, want %d", d, got, want)
		}
	}
}

// brokenListener fails before it is closed.
type brokenListener struct {
	net.Listener
	errs []error
}

func (l *brokenListener) Accept() (net.Conn, error) {
	if len(l.errs) == 0 {
		return nil, net.ErrClosed
	}
	err := l.errs[0]
	l.errs = l.errs[1:]
	return nil, err
}

func (l *brokenListener) Addr() net.Addr { return &net.TCPAddr{} }

func TestAcceptGoesOnWhenTheSystemIsShortOfDescriptors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		l := &brokenListener{errs: []error{os.ErrPermission, os.ErrPermission}}
		if err := New(Options{}).accept(t.Context(), l); err != nil {
			t.Error(err)
		}
		if got := time.Since(start); got != 100*time.Millisecond {
			t.Errorf("it waited %v", got)
		}
		l.errs = []error{os.ErrPermission}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := New(Options{}).accept(ctx, l); err != nil {
			t.Error(err)
		}
	})
}
