package attack_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sextant-dns/sextant/internal/attack"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/message"
	"github.com/sextant-dns/sextant/server"
)

// DNSBomb (Li et al., IEEE S&P 2024; CVE-2024-33655): an attacker asks 5000
// questions in the name of a victim, has its own servers hold all the answers back
// for 5 seconds, and then releases them at once. The victim must get none of them,
// and before that no client may make so many wait.
func TestHeldAnswersAreNotReleasedInABurst(t *testing.T) {
	const queries, waiting = 5000, 256 // spec/resilience.md §9: waiting replies of one client
	var clock atomic.Int64
	release := make(chan struct{})
	answer := &lookup.Response{Answer: []lookup.RRset{attack.A("x.evil.com.", 60, netip.MustParseAddr("192.0.2.1"))}}
	s := server.New(server.Options{
		Now: func() time.Time { return time.Unix(1_800_000_000, clock.Load()) },
		Views: []server.View{{Recursive: lookup.Func(func(_ context.Context, q lookup.Query) (*lookup.Response, error) {
			if q.Name != lookup.MustName(attack.Benign) {
				<-release
			}
			return answer, nil
		})}},
	})
	victim := listening(t, s)

	most := 0
	for sent := 0; sent < queries; {
		for range 100 { // as many as sockets hold for sure
			sent++
			victim.ask(sent, fmt.Sprintf("x%d.evil.com.", sent))
		}
		victim.until(func(st server.Stats) bool { return st.Waiting+int(dropped(st)) == sent })
		most = max(most, s.Stats().Waiting)
	}
	clock.Add(int64(5 * time.Second))
	close(release)
	victim.until(func(st server.Stats) bool { return st.Waiting == 0 })

	// What comes first is the answer to what is asked last, so the others did not.
	victim.ask(queries+1, attack.Benign)
	if first := victim.reply(); first.ID != queries+1 || first.Rcode != lookup.NOERROR {
		t.Errorf("the victim got %v", first)
	}
	t.Logf("%d queries of one client, at most %d waiting, %d dropped, late ones %d", queries, most, dropped(s.Stats()), s.Stats().Drops[server.DropLate])
	if got := dropped(s.Stats()); got != queries {
		t.Errorf("%d of %d were dropped", got, queries)
	}
	if most > waiting {
		t.Errorf("one client made %d queries wait, want at most %d", most, waiting)
	}
}

// client is a UDP socket that talks to a server.
type client struct {
	t      *testing.T
	server *server.Server
	conn   net.Conn
}

// listening runs s on loopback until the test ends.
func listening(t *testing.T, s *server.Server) client {
	t.Helper()
	if err := s.Listen(netip.MustParseAddrPort("127.0.0.1:0")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	conn, err := net.Dial("udp", s.Addrs()[0].String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		conn.Close()
	})
	return client{t, s, conn}
}

// ask asks for the A of a name.
func (c client) ask(id int, name string) {
	n := lookup.MustName(name)
	q := message.Question{Raw: string(n), Name: n, Type: lookup.TypeA, Class: lookup.ClassIN}
	if _, err := c.conn.Write(message.AppendQuery(nil, message.Header{ID: uint16(id), RD: true}, q, nil)); err != nil {
		c.t.Fatal(err)
	}
}

// reply is the next message that comes.
func (c client) reply() *message.Message {
	buf := make([]byte, 4096)
	if err := c.conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		c.t.Fatal(err)
	}
	n, err := c.conn.Read(buf)
	if err != nil {
		c.t.Fatal(err)
	}
	m, err := message.Decode(buf[:n])
	if err != nil {
		c.t.Fatal(err)
	}
	return m
}

// until waits until the server has come so far.
func (c client) until(done func(server.Stats) bool) {
	for begin := time.Now(); !done(c.server.Stats()); runtime.Gosched() {
		if time.Since(begin) > 10*time.Second {
			c.t.Fatalf("the server is stuck: %+v", c.server.Stats())
		}
	}
}

// dropped is how many messages got no reply.
func dropped(st server.Stats) (n uint64) {
	for _, drops := range st.Drops {
		n += drops
	}
	return n
}
