package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

// start runs s on the addresses, with port 0, until the test ends, and gives the
// addresses that it got.
func start(t *testing.T, s *Server, addrs ...string) []netip.AddrPort {
	t.Helper()
	for _, a := range addrs {
		if err := s.Listen(netip.AddrPortFrom(netip.MustParseAddr(a), 0)); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return s.Addrs()
}

func exchange(t *testing.T, network string, to netip.AddrPort, m *dns.Msg) *dns.Msg {
	t.Helper()
	client := &dns.Client{Net: network, Timeout: 10 * time.Second, UDPSize: 4096}
	reply, _, err := client.Exchange(m, to.String())
	if err != nil {
		t.Errorf("%s to %v: %v", network, to, err)
		return nil
	}
	return reply
}

func TestARealClientIsServed(t *testing.T) {
	t.Parallel()
	s := New(Options{Views: everyone(new(world))})
	for _, addr := range start(t, s, "127.0.0.1", "::1") {
		for _, network := range []string{"udp", "tcp"} {
			for _, c := range []struct{ question, want string }{
				{"www.example. A", "NOERROR rd ra 1/2/0/0 edns0:1232"}, // a miss at first
				{"WWW.example. A", "NOERROR rd ra 1/2/0/0 edns0:1232"},
				{"nx.example. A", "NXDOMAIN rd ra 1/0/1/0 edns0:1232"},
				{"fails.example. A", "SERVFAIL rd ra 1/0/0/0 edns0:1232 ede22:all servers silent"},
			} {
				if got := brief(exchange(t, network, addr, ask(c.question, edns(1232, false)))); got != c.want {
					t.Errorf("%s %v %s:\ngot  %s\nwant %s", network, addr, c.question, got, c.want)
				}
			}
		}
		large := ask("large.example. TXT", edns(1232, false))
		if got := exchange(t, "udp", addr, large); got == nil || !got.Truncated {
			t.Errorf("%v: the large answer was not truncated", addr)
		}
		if got := brief(exchange(t, "tcp", addr, large)); got != "NOERROR rd ra 1/60/0/0 edns0:1232" {
			t.Errorf("%v: the large answer over TCP: %s", addr, got)
		}
	}
}

// RFC 2181 4: a reply comes from the address that was asked. The client's socket
// is connected, so it hears nothing else.
func TestRepliesLeaveFromTheAddressThatWasAsked(t *testing.T) {
	t.Parallel()
	for _, how := range []struct {
		name  string
		start func(*testing.T, *Server, ...string) []netip.AddrPort
	}{{"as on this system", start}, {"as on other systems", startPlain}} {
		s := New(Options{Views: everyone(new(world))})
		addrs := how.start(t, s, "0.0.0.0", "::")
		for _, to := range []netip.AddrPort{
			netip.AddrPortFrom(netip.MustParseAddr("127.0.0.2"), addrs[0].Port()),
			netip.AddrPortFrom(netip.MustParseAddr("127.1.2.3"), addrs[0].Port()),
			netip.AddrPortFrom(netip.MustParseAddr("::1"), addrs[1].Port()),
		} {
			for _, network := range []string{"udp", "tcp"} {
				for _, question := range []string{"www.example. A", "www.example. A", "zero.example. A"} {
					if got := exchange(t, network, to, ask(question)); got == nil || len(got.Answer) == 0 {
						t.Errorf("%s: %s to %v: %s", how.name, network, to, brief(got))
					}
				}
			}
		}
	}
}

// startPlain is start with UDP read packet by packet.
func startPlain(t *testing.T, s *Server, addrs ...string) []netip.AddrPort {
	t.Helper()
	s.options.Readers = 1
	for _, a := range addrs {
		if err := s.Listen(netip.AddrPortFrom(netip.MustParseAddr(a), 0)); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var ended sync.WaitGroup
	for _, u := range s.udp {
		ended.Go(func() {
			if err := u.readPlain(ctx); err != nil {
				t.Errorf("readPlain: %v", err)
			}
		})
	}
	for _, l := range s.tcp {
		ended.Go(func() {
			if err := s.accept(ctx, l); err != nil {
				t.Errorf("accept: %v", err)
			}
		})
	}
	t.Cleanup(func() {
		for _, u := range s.udp {
			u.stop()
		}
		for _, l := range s.tcp {
			_ = l.Close()
		}
		s.crowd.stop()
		ended.Wait()
		s.answered.Wait()
		cancel()
		for _, u := range s.udp {
			_ = u.conn.Close()
		}
	})
	return s.Addrs()
}

// Many queries at once fill batches; each gets the reply to its own question.
func TestBatchesDoNotMixUpTheirMessages(t *testing.T) {
	t.Parallel()
	s := New(Options{Views: everyone(lookup.Func(func(_ context.Context, q lookup.Query) (*lookup.Response, error) {
		return &lookup.Response{Answer: []lookup.RRset{{Name: q.Name, Type: lookup.TypeTXT, TTL: 60, Data: lookup.PackRdata("\x01x")}}}, nil
	}))})
	to := start(t, s, "127.0.0.1")[0]
	var clients sync.WaitGroup
	for c := range 8 {
		clients.Go(func() {
			conn, err := net.Dial("udp", to.String())
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			for round := range 20 {
				sent := map[uint16]string{}
				for i := range 30 {
					id, name := uint16(round*30+i), fmt.Sprintf("n%d.c%d.example.", i, c)
					sent[id] = name
					b, err := ask(name+" TXT", withID(id)).Pack()
					if err == nil {
						_, err = conn.Write(b)
					}
					if err != nil {
						t.Error(err)
						return
					}
				}
				if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
					t.Error(err)
					return
				}
				buf := make([]byte, 1500)
				for len(sent) > 0 {
					n, err := conn.Read(buf)
					m := new(dns.Msg)
					if err == nil {
						err = m.Unpack(buf[:n])
					}
					if err != nil {
						t.Errorf("%d replies are missing: %v", len(sent), err)
						return
					}
					if name := sent[m.Id]; m.Question[0].Name != name || len(m.Answer) != 1 || m.Answer[0].Header().Name != name {
						t.Errorf("asked for %s, got\n%v", name, m)
					}
					delete(sent, m.Id)
				}
			}
		})
	}
	clients.Wait()
}

func TestListenTellsAtOnceWhatIsWrong(t *testing.T) {
	t.Parallel()
	one := New(Options{})
	if err := one.Listen(addrPort("127.0.0.1:0")); err != nil {
		t.Fatal(err)
	}
	taken := one.Addrs()[0]
	two := New(Options{})
	if err := two.Listen(taken); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a second server on %v: %v", taken, err)
	}
	if err := two.Listen(addrPort("192.0.2.1:0")); !errors.Is(err, syscall.EADDRNOTAVAIL) {
		t.Errorf("an address of others: %v", err)
	}
	if got := len(two.Addrs()); got != 0 {
		t.Errorf("%d addresses", got)
	}
	// UDP alone is taken.
	if err := one.tcp[0].Close(); err != nil {
		t.Fatal(err)
	}
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(taken.Addr(), 0)))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := two.Listen(conn.LocalAddr().(*net.UDPAddr).AddrPort()); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a UDP port of others: %v", err)
	}
	// A Run that is over before it began closes what Listen opened.
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := one.Run(ctx); err != nil && !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}

// After Run nothing of the server runs any more, whatever it was doing.
func TestRunEndsAllThatItStarted(t *testing.T) { // not parallel: it looks at all goroutines
	asked, release := make(chan struct{}, 8), make(chan struct{})
	s := New(Options{Views: everyone(lookup.Func(func(ctx context.Context, q lookup.Query) (*lookup.Response, error) {
		if q.Name == lookup.MustName("slow.") {
			asked <- struct{}{}
			select {
			case <-release:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		return &lookup.Response{}, nil
	}))})
	if err := s.Listen(addrPort("127.0.0.1:0")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	to := s.Addrs()[0]
	exchange(t, "udp", to, ask("a. A"))

	idle, err := net.Dial("tcp", to.String())
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	var clients sync.WaitGroup
	for _, network := range []string{"udp", "tcp"} {
		clients.Go(func() {
			if got := exchange(t, network, to, ask("slow. A")); got == nil || got.Rcode != 0 {
				t.Errorf("%s: under way when the server was told to end: %s", network, brief(got))
			}
		})
	}
	<-asked
	<-asked
	cancel()
	close(release) // within the time of grace
	if err := <-ended; err != nil {
		t.Errorf("Run: %v", err)
	}
	clients.Wait()
	if left := ourGoroutines(); left != "" {
		t.Errorf("still running:\n%s", left)
	}
	if conn, err := net.Dial("tcp", to.String()); err == nil {
		conn.Close()
		t.Error("somebody still listens")
	}
}

func TestRunDoesNotWaitForEver(t *testing.T) {
	asked := make(chan struct{}, 2)
	s := New(Options{Grace: time.Millisecond, Views: everyone(lookup.Func(func(ctx context.Context, q lookup.Query) (*lookup.Response, error) {
		asked <- struct{}{}
		<-ctx.Done() // it is the end of the time of grace that lets go
		return nil, ctx.Err()
	}))})
	if err := s.Listen(addrPort("127.0.0.1:0")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	conn, err := net.Dial("udp", s.Addrs()[0].String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write(packed(t, ask("slow. A"))); err != nil {
		t.Fatal(err)
	}
	<-asked
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Run: %v", err)
	}
	left := ourGoroutines()
	for tries := 0; left != "" && tries < 100; tries++ {
		runtime.Gosched() // one that has said that it is done still has to return
		left = ourGoroutines()
	}
	if left != "" {
		t.Errorf("still running:\n%s", left)
	}
}

// ourGoroutines are the stacks of goroutines that run methods of the server.
func ourGoroutines() string {
	buf := make([]byte, 1<<20)
	var ours []string
	for _, g := range bytes.Split(buf[:runtime.Stack(buf, true)], []byte("\n\n")) {
		if bytes.Contains(g, []byte("server.(*")) && !bytes.Contains(g, []byte("tRunner")) {
			ours = append(ours, string(g))
		}
	}
	return strings.Join(ours, "\n\n")
}
