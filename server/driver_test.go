package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

// passage is a Driver that a test puts queries into.
type passage struct {
	work chan func(*Reader)
	stop chan struct{}
	fail error
}

func newPassage() *passage {
	return &passage{work: make(chan func(*Reader)), stop: make(chan struct{})}
}

func (p *passage) Serve(r *Reader) error {
	if p.fail != nil {
		return p.fail
	}
	for {
		select {
		case <-p.stop:
			return nil
		case f := <-p.work:
			f(r)
		}
	}
}

func (p *passage) Stop() { close(p.stop) }

// do has f called by whoever serves the driver.
func (p *passage) do(f func(*Reader)) {
	done := make(chan struct{})
	p.work <- func(r *Reader) { f(r); close(done) }
	<-done
}

// answer is what the reader replies to one message.
func answer(r *Reader, dst, msg []byte, from, to netip.AddrPort) (reply []byte) {
	r.Take(dst, msg, from, to)
	r.Answer(func(b []byte) { reply = b })
	return reply
}

// listening is a client's socket.
func listening(t *testing.T, addr string) (*net.UDPConn, netip.AddrPort) {
	t.Helper()
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(addr), 0)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c, c.LocalAddr().(*net.UDPAddr).AddrPort()
}

// A query that a driver brings is answered by the driver if that is possible at once,
// and otherwise from the socket for the address that was asked.
func TestDriversAnswerAtOnceAndSocketsLater(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ bound, asked, client string }{
		{"127.0.0.1", "127.0.0.1", "127.0.0.1"},
		{"0.0.0.0", "127.0.0.2", "127.0.0.1"},
		{"::1", "::1", "::1"},
		{"::", "::1", "::1"},
	} {
		p, s := newPassage(), New(Options{Views: everyone(new(world)), UDPSize: 4096})
		s.Attach(p)
		to := netip.AddrPortFrom(netip.MustParseAddr(c.asked), start(t, s, c.bound)[0].Port())
		client, from := listening(t, c.client)
		ask := func(m *dns.Msg, room int) (reply []byte) {
			msg := packed(t, m)
			p.do(func(r *Reader) {
				r.Begin()
				reply = answer(r, make([]byte, 0, room), msg, from, to)
			})
			return reply
		}
		heard := func() *dns.Msg {
			buffer := make([]byte, 4096)
			_ = client.SetReadDeadline(time.Now().Add(10 * time.Second))
			n, sender, err := client.ReadFromUDPAddrPort(buffer)
			if err != nil {
				t.Fatalf("%s: %v", c.asked, err)
			}
			if sender != to {
				t.Errorf("%s: a reply from %v", c.asked, sender)
			}
			return read(t, buffer[:n])
		}

		if reply := ask(ask4(), 1232); reply != nil {
			t.Errorf("%s: a miss was answered at once: %s", c.asked, brief(read(t, reply)))
		}
		if got := brief(heard()); got != "NOERROR rd ra 1/2/0/0" {
			t.Errorf("%s: a miss: %s", c.asked, got)
		}
		if reply := ask(ask4(), 1232); reply == nil || brief(read(t, reply)) != "NOERROR rd ra 1/2/0/0" {
			t.Errorf("%s: a hit was not answered at once", c.asked)
		}
		// A reply for which the driver has no room leaves by the socket, whole.
		big := askLarge()
		ask(big, 1232)
		heard() // the miss
		if reply := ask(big, 1232); reply != nil {
			t.Errorf("%s: %d octets where there is room for 1232", c.asked, len(reply))
		}
		if got := heard(); got.Truncated || len(got.Answer) != 60 {
			t.Errorf("%s: a long reply: %s", c.asked, brief(got))
		}
		if reply := ask(big, 4096); reply == nil {
			t.Errorf("%s: there was room", c.asked)
		}
		if st := s.Stats(); st.Packets.Hits != 3 || st.Packets.Misses != 2 || st.Drops[DropSend] != 0 {
			t.Errorf("%s: %+v, %v", c.asked, st.Packets, st.Drops)
		}
	}
}

func ask4() *dns.Msg     { return ask("www.example. A") }
func askLarge() *dns.Msg { return ask("large.example. TXT", edns(4096, false)) }

// What is for an address that no socket has cannot be replied to later.
func TestDriversNeedASocket(t *testing.T) {
	t.Parallel()
	p, s := newPassage(), New(Options{Views: everyone(new(world))})
	s.Attach(p)
	start(t, s, "127.0.0.1")
	msg := packed(t, ask4())
	p.do(func(r *Reader) {
		r.Begin()
		if answer(r, make([]byte, 0, 1232), msg, addrPort(somebody), addrPort("[2001:db8::53]:53")) != nil {
			t.Error("a miss was answered at once")
		}
	})
	if st := s.Stats(); st.Drops[DropSend] != 1 {
		t.Errorf("drops %v", st.Drops)
	}
}

// A driver that fails is the end of the driver alone.
func TestSocketsGoOnWithoutTheDriver(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	said := make(chan struct{})
	s := New(Options{Views: everyone(new(world)), Log: slog.New(slog.NewTextHandler(writer(func(b []byte) (int, error) {
		log.Write(b)
		close(said)
		return len(b), nil
	}), nil))})
	p := newPassage()
	p.fail = errors.New("the card was pulled out")
	s.Attach(p)
	at := start(t, s, "127.0.0.1")[0]
	<-said
	if !strings.Contains(log.String(), "the card was pulled out") {
		t.Errorf("log: %s", &log)
	}
	if got := exchange(t, "udp", at, ask4()); got == nil || len(got.Answer) == 0 {
		t.Errorf("got %s", brief(got))
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(b []byte) (int, error) { return w(b) }

// A hit costs no memory, whatever door it comes through.
func TestReaderTakesNoMemory(t *testing.T) {
	s := New(Options{Views: everyone(lookup.Func(new(world).Resolve))})
	r := newReader(s)
	r.work = context.Background()
	msg, room := packed(t, ask4()), make([]byte, 0, 1232)
	s.Respond(nil, msg, addrPort(somebody), UDP)
	from, to := addrPort(somebody), addrPort("192.0.2.53:53")
	if n := testing.AllocsPerRun(100, func() {
		r.Begin()
		for r.Take(room, msg, from, to) {
		}
		r.Answer(func(reply []byte) {
			if reply == nil {
				t.Fatal("no reply")
			}
		})
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
