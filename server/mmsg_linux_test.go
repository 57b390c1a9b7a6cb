package server

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"
)

// pair is a batch on a socket of the address and a client that is connected to
// the socket at to.
func pair(t *testing.T, addr, to string) (*batch, *net.UDPConn, netip.AddrPort) {
	t.Helper()
	s := New(Options{Readers: 1})
	sockets, err := s.listenUDP(netip.AddrPortFrom(netip.MustParseAddr(addr), 0))
	if err != nil {
		t.Fatal(err)
	}
	b, err := newBatch(sockets[0].conn, sockets[0].outlet, 512)
	if err != nil {
		t.Fatal(err)
	}
	port := sockets[0].conn.LocalAddr().(*net.UDPAddr).AddrPort().Port()
	client, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(to), port)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = client.Close(), sockets[0].close() })
	from := client.LocalAddr().(*net.UDPAddr).AddrPort()
	return b, client, netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
}

func TestABatchCarriesMessagesBothWays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ bound, to string }{
		{"127.0.0.1", "127.0.0.1"}, {"::1", "::1"}, {"0.0.0.0", "127.9.9.9"}, {"::", "::1"},
	} {
		b, client, from := pair(t, c.bound, c.to)
		for round := range 3 { // the memory is used again
			const messages = 100 // more than one batch
			for i := range messages {
				if _, err := fmt.Fprintf(client, "%s %d", bytes.Repeat([]byte("x"), (i*37+round)%200), i); err != nil {
					t.Fatal(err)
				}
			}
			for got := 0; got < messages; {
				n, err := b.receive()
				if err != nil {
					t.Fatal(err)
				}
				for i := range n {
					if b.from(i) != from {
						t.Errorf("from %v, want %v", b.from(i), from)
					}
					if (got+i)%3 > 0 { // not all get a reply
						b.reply(i, append(b.room(i), b.message(i)...))
					}
				}
				if refused := b.send(); refused != 0 {
					t.Errorf("%d refused", refused)
				}
				got += n
			}
			buf := make([]byte, 512)
			for i := range messages {
				if i%3 == 0 {
					continue
				}
				n, err := client.Read(buf)
				if err != nil {
					t.Fatal(err)
				}
				if want := fmt.Sprintf("%s %d", bytes.Repeat([]byte("x"), (i*37+round)%200), i); string(buf[:n]) != want {
					t.Errorf("%s: reply %q, want %q", c.to, buf[:n], want)
				}
			}
		}
	}
}

func TestALongMessageIsCut(t *testing.T) {
	t.Parallel()
	b, client, _ := pair(t, "127.0.0.1", "127.0.0.1")
	if _, err := client.Write(make([]byte, maxUDP+1)); err != nil {
		t.Fatal(err)
	}
	if n, err := b.receive(); err != nil || n != 1 || len(b.message(0)) != maxUDP {
		t.Errorf("%d messages of %d octets, %v", n, len(b.message(0)), err)
	}
}

// One reply that the system refuses does not keep back those behind it.
func TestARefusedReplyIsSkipped(t *testing.T) {
	t.Parallel()
	b, client, _ := pair(t, "127.0.0.1", "127.0.0.1")
	for range 3 {
		if _, err := client.Write([]byte("query")); err != nil {
			t.Fatal(err)
		}
	}
	for got := 0; got < 3; {
		n, err := b.receive()
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			if got+i == 1 {
				clear(b.names[i][2:4]) // port 0
			}
			b.reply(i, append(b.room(i), byte('0'+got+i)))
		}
		refused := b.send()
		if want := 0; got <= 1 && 1 < got+n {
			want = 1
			if refused != want {
				t.Errorf("%d refused, want %d", refused, want)
			}
		}
		got += n
	}
	buf := make([]byte, 16)
	for _, want := range []string{"0", "2"} {
		n, err := client.Read(buf)
		if err != nil || string(buf[:n]) != want {
			t.Errorf("got %q, %v, want %q", buf[:n], err, want)
		}
	}
}

func TestTheZoneOfALinkLocalSenderIsKept(t *testing.T) {
	t.Parallel()
	b := new(batch)
	copy(b.names[0][:], []byte{10, 0, 0x14, 0xe9, 0, 0, 0, 0, 0xfe, 0x80, 15: 0, 23: 1})
	b.names[0][24], b.names[0][27] = 7, 7 // in either byte order not 0
	if got := b.from(0); got.Addr().Zone() == "" || got.Addr().WithZone("") != netip.MustParseAddr("fe80::1") || got.Port() != 5353 {
		t.Errorf("got %v", got)
	}
}

func TestBatchesAllocateNothing(t *testing.T) {
	b, client, _ := pair(t, "0.0.0.0", "127.0.0.1")
	buf := make([]byte, 16)
	if n := testing.AllocsPerRun(100, func() {
		if _, err := client.Write(buf[:1]); err != nil {
			t.Error(err)
		}
		if _, err := b.receive(); err != nil {
			t.Error(err)
		}
		_ = b.from(0)
		b.reply(0, append(b.room(0), b.message(0)...))
		b.send()
		if _, err := client.Read(buf); err != nil {
			t.Error(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkUDPHit(b *testing.B) {
	s := New(Options{Readers: 1, Views: everyone(new(world))})
	if err := s.Listen(addrPort("127.0.0.1:0")); err != nil {
		b.Fatal(err)
	}
	go func() { _ = s.Run(b.Context()) }()
	client, err := net.Dial("udp", s.Addrs()[0].String())
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	msg, buf := packed(b, ask("www.example. A")), make([]byte, 512)
	const window = 32
	b.ReportAllocs()
	for range window {
		if _, err := client.Write(msg); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if _, err := client.Read(buf); err != nil {
			b.Fatal(err)
		}
		if _, err := client.Write(msg); err != nil {
			b.Fatal(err)
		}
	}
}

// A reader that has found batch after batch waits a moment before it goes to sleep, unless
// somebody else has work to do; one that has been idle before does not.
func TestABusyReaderWaitsForMore(t *testing.T) {
	t.Parallel()
	b, client, _ := pair(t, "127.0.0.1", "127.0.0.1")
	say := func(what string) {
		if _, err := client.Write([]byte(what)); err != nil {
			t.Error(err)
		}
	}
	hear := func(want string) {
		t.Helper()
		if n, err := b.receive(); err != nil || n != 1 || string(b.message(0)) != want {
			t.Fatalf("%d messages, the first %q, %v; want %q", n, b.message(0), err, want)
		}
	}
	rests := 0
	b.rest = func(d time.Duration) {
		if rests++; d != lull {
			t.Errorf("a rest of %v", d)
		}
		say("meanwhile")
	}
	busy := func(free bool) {
		b.may = func() bool { return free }
		for range inARow {
			say("waits")
			hear("waits")
		}
	}
	busy(true)
	hear("meanwhile")
	if rests != 1 {
		t.Errorf("%d rests of a busy reader", rests)
	}
	// One batch after a rest is not enough for the next.
	go say("later")
	hear("later")
	b.row = 0
	busy(false)
	go say("last")
	hear("last")
	if rests != 1 {
		t.Errorf("%d rests, where somebody else has work or there was one batch alone", rests)
	}
}
