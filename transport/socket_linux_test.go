package transport

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestSocketsDoNotFragment(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		server             string
		level, name, value int
	}{
		{"127.0.0.1:53", unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_PROBE},
		{"[::1]:53", unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER, unix.IPV6_PMTUDISC_PROBE},
	} {
		conn, err := New(Options{}).dialUDP(netip.MustParseAddrPort(c.server), &query{dice: dice{source: rand.Reader}})
		if err != nil {
			t.Logf("%s: %v", c.server, err) // a host may have one family only
			continue
		}
		defer conn.Close()
		if got, err := unix.GetsockoptInt(conn.fd, c.level, c.name); err != nil || got != c.value {
			t.Errorf("%s: %d, %v, want %d", c.server, got, err, c.value)
		}
	}
}

func TestAFailedDialTellsWhichCallFailed(t *testing.T) {
	t.Parallel()
	at := netip.MustParseAddrPort
	for title, c := range map[string]struct {
		local, server netip.AddrPort
		call          string
		err           error
	}{
		"an address that is not ours": {at("192.0.2.1:5300"), at("127.0.0.1:53"), "bind", syscall.EADDRNOTAVAIL},
		"addresses of two families":   {at("[::1]:5300"), at("127.0.0.1:53"), "bind", syscall.EAFNOSUPPORT},
		"no server":                   {at("127.0.0.1:5300"), netip.AddrPort{}, "", syscall.EDESTADDRREQ},
		"no source":                   {netip.AddrPort{}, at("127.0.0.1:53"), "", syscall.EDESTADDRREQ},
		"a link that is not there":    {at("[::]:5300"), at("[fe80::1%none]:53"), "", nil},
	} {
		conn := new(socket)
		err := conn.open(c.local, c.server, false)
		if err == nil {
			_ = conn.Close()
		}
		// Callers tell by these types that nothing was sent.
		e, ok := errors.AsType[*net.OpError](err)
		if !ok || e.Op != "dial" || c.err != nil && !errors.Is(err, c.err) {
			t.Errorf("%s: got %v", title, err)
			continue
		}
		if call, ok := errors.AsType[*os.SyscallError](err); ok != (c.call != "") || ok && call.Syscall != c.call {
			t.Errorf("%s: got %v", title, err)
		}
	}
}

// The poller hears of a socket only when a reply has to be waited for, and the deadline
// holds either way, whenever it is set.
func TestAReplyThatIsThereIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	server := neighbour(t)
	at := server.LocalAddr().(*net.UDPAddr).AddrPort()
	conn, err := New(Options{}).dialUDP(at, &query{dice: dice{source: rand.Reader}})
	if err != nil {
		t.Fatal(err)
	}
	self, err := unix.Getsockname(conn.fd)
	if err != nil {
		t.Fatal(err)
	}
	to := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: self.(*unix.SockaddrInet4).Port}
	if _, err := server.WriteToUDP([]byte("first"), to); err != nil {
		t.Fatal(err)
	}
	if n, err := unix.Poll([]unix.PollFd{{Fd: int32(conn.fd), Events: unix.POLLIN}}, 20_000); err != nil || n != 1 {
		t.Fatalf("it does not come: %d, %v", n, err) // the kernel may deliver it a moment later
	}
	b := make([]byte, 512)
	if n, err := conn.receive(nil, b); err != nil || string(b[:n]) != "first" || conn.file != nil {
		t.Errorf("got %q, %v; the poller knows: %t", b[:n], err, conn.file != nil)
	}
	ended := make(chan error)
	go func() {
		_, err := conn.receive(nil, b)
		ended <- err
	}()
	_ = conn.SetDeadline(time.Unix(1, 0)) // before it waits, or then
	if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if conn.file == nil {
		t.Error("nobody waits for it")
	}
	if err := conn.Close(); err != nil || conn.file != nil {
		t.Errorf("closing: %v", err)
	}
}

// Sending is a part of waiting for the reply, and ends when that does.
func TestALateSocketSendsNothing(t *testing.T) {
	t.Parallel()
	server := neighbour(t)
	conn, err := New(Options{}).dialUDP(server.LocalAddr().(*net.UDPAddr).AddrPort(), &query{dice: dice{source: rand.Reader}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()

	_ = conn.SetDeadline(time.Unix(1, 0))
	if _, err := conn.receive([]byte("late"), make([]byte, 512)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	_ = conn.SetDeadline(time.Time{})
	heard := make(chan string, 1)
	go func() {
		b := make([]byte, 512)
		n, from, err := server.ReadFromUDP(b)
		if err == nil {
			_, err = server.WriteToUDP([]byte("reply"), from)
		}
		heard <- fmt.Sprintf("%s, %v", b[:n], err)
	}()
	b := make([]byte, 512)
	if n, err := conn.receive([]byte("in time"), b); err != nil || string(b[:n]) != "reply" {
		t.Errorf("got %q, %v", b[:n], err)
	}
	if got := <-heard; got != "in time, <nil>" {
		t.Errorf("heard %s", got)
	}
}

// movable are sockets that can be moved from one port to another.
func movable(t *testing.T) *sockets {
	t.Helper()
	p := newSockets()
	if !canChoose() {
		t.Skip("this system cannot be told which port to choose")
	}
	return p
}

// leavablePort is a free port that the system would choose from.
func leavablePort(t *testing.T) uint16 {
	t.Helper()
	conn, err := net.ListenUDP("udp4", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.LocalAddr().(*net.UDPAddr).AddrPort().Port()
}

// portOf is the port that the kernel says a socket has.
func portOf(t *testing.T, s *socket) (port int) {
	t.Helper()
	switch at, err := unix.Getsockname(s.fd); at := at.(type) {
	case *unix.SockaddrInet4:
		return at.Port
	case *unix.SockaddrInet6:
		return at.Port
	default:
		t.Fatal(at, err)
	}
	return 0
}

// A socket serves one server after the other, each on the port that was drawn for it, and
// leaves the port at once.
func TestASocketMovesToThePortThatWasDrawn(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"127.0.0.1", "::1"} {
		p, first := movable(t), (*socket)(nil)
		for i, source := range []string{"", "127.0.0.9", "", "127.0.0.1", ""} {
			local, server := netip.IPv4Unspecified(), netip.MustParseAddrPort("127.0.0.1:9")
			if address == "::1" {
				local, server = netip.IPv6Unspecified(), netip.MustParseAddrPort("[::1]:9")
				source = map[bool]string{true: "::1"}[source != ""]
			}
			want := "127.0.0.1"
			if server.Addr().Is6() {
				want = "::1"
			}
			if source != "" {
				local, want = netip.MustParseAddr(source), source
			}
			port := leavablePort(t)
			s, err := p.open(netip.AddrPortFrom(local, port), server)
			if err != nil && i == 0 && address == "::1" {
				t.Log("no IPv6 here:", err)
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = s
			}
			if s != first || !s.leavable || portOf(t, s) != int(port) || s.local().String() != want {
				t.Errorf("%s, %d: port %d, want %d; from %v, want %s; the same: %t", address, i, portOf(t, s), port, s.local(), want, s == first)
			}
			if _, err := p.open(netip.AddrPortFrom(local, port), server); !errors.Is(err, syscall.EADDRINUSE) {
				t.Errorf("%s, %d: the port is given to two: %v", address, i, err)
			}
			p.close(s)
			if portOf(t, s) != 0 {
				t.Errorf("%s, %d: it still has port %d", address, i, portOf(t, s))
			}
		}
	}
}

// What a server sends after its reply must not become the reply of the next one, whether
// it comes before the socket has left or is on the way meanwhile.
func TestAMovedSocketHearsNothingOfItsLastServer(t *testing.T) {
	t.Parallel()
	p, last, next := movable(t), neighbour(t), neighbour(t)
	at := func(conn *net.UDPConn) netip.AddrPort { return conn.LocalAddr().(*net.UDPAddr).AddrPort() }
	s, err := p.open(netip.AddrPortFrom(netip.IPv4Unspecified(), leavablePort(t)), at(last))
	if err != nil {
		t.Fatal(err)
	}
	port := portOf(t, s)
	for range 3 {
		if _, err := last.WriteToUDP([]byte("a guess"), &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := unix.Poll([]unix.PollFd{{Fd: int32(s.fd), Events: unix.POLLIN}}, 20_000); err != nil || n != 1 {
		t.Fatalf("it does not come: %d, %v", n, err)
	}
	p.close(s)
	again, err := p.open(netip.AddrPortFrom(netip.IPv4Unspecified(), leavablePort(t)), at(next))
	if err != nil || again != s {
		t.Fatalf("another socket, or none: %v", err)
	}
	defer p.close(s)
	b := make([]byte, 512)
	if s.buf = b; s.take(uintptr(s.fd)) {
		t.Fatalf("it has heard %q, %v", b[:s.n], s.err)
	}

	// The kernel delivers to a socket that it has looked up, though that has left
	// meanwhile. It cannot be made to here, so the names are exchanged: what next sends
	// is then from somebody else.
	if err := s.to.Set(at(last)); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"late", "later"} {
		if _, err := next.WriteToUDP([]byte(text), &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: portOf(t, s)}); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := unix.Poll([]unix.PollFd{{Fd: int32(s.fd), Events: unix.POLLIN}}, 20_000); err != nil || n != 1 {
		t.Fatalf("it does not come: %d, %v", n, err)
	}
	if s.take(uintptr(s.fd)) {
		t.Errorf("it has heard %q, %v", b[:s.n], s.err)
	}
}

// A port that somebody else has is drawn again, whichever way the socket is opened.
func TestAPortOfSomebodyElseIsInUse(t *testing.T) {
	t.Parallel()
	p, other := movable(t), neighbour(t)
	taken := netip.AddrPortFrom(netip.IPv4Unspecified(), other.LocalAddr().(*net.UDPAddr).AddrPort().Port())
	server := netip.MustParseAddrPort("127.0.0.1:9")
	for range 2 { // with a new socket, and with one that has to be moved
		p.ports.busy.remove(taken.Port())
		if s, err := p.open(taken, server); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("got %v, %v", s, err)
		}
		if p.ports.leavable(taken.Port()) {
			t.Error("the system is asked for it again")
		}
		s, err := p.open(netip.AddrPortFrom(netip.IPv4Unspecified(), leavablePort(t)), server)
		if err != nil {
			t.Fatal(err)
		}
		p.close(s)
	}
	_ = other.Close()
	s, err := p.open(taken, server)
	if err != nil || s.leavable {
		t.Fatalf("the port has been left: %v", err)
	}
	p.close(s)
	if !p.ports.leavable(taken.Port()) {
		t.Error("the system is never asked for it again")
	}
}

// A poller that has waited for one reply waits for the next, with the next deadline.
func TestAMovedSocketIsWaitedFor(t *testing.T) {
	t.Parallel()
	p := movable(t)
	for i := range 3 {
		server := neighbour(t)
		s, err := p.open(netip.AddrPortFrom(netip.IPv4Unspecified(), leavablePort(t)), server.LocalAddr().(*net.UDPAddr).AddrPort())
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			b := make([]byte, 512)
			if n, from, err := server.ReadFromUDP(b); err == nil {
				_, _ = server.WriteToUDP(b[:n], from)
			}
		}()
		b, text := make([]byte, 512), fmt.Sprintf("query %d", i)
		_ = s.SetDeadline(time.Now().Add(time.Minute))
		if n, err := s.receive([]byte(text), b); err != nil || string(b[:n]) != text {
			t.Errorf("got %q, %v", b[:n], err)
		}
		_ = s.SetDeadline(time.Unix(1, 0))
		if _, err := s.receive(nil, b); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		p.close(s)
	}
}

// No more than maxLeft sockets stay open.
func TestFewSocketsStayOpen(t *testing.T) {
	t.Parallel()
	p, server := movable(t), netip.MustParseAddrPort("127.0.0.1:9")
	var open []*socket
	for len(open) < maxLeft+10 {
		s, err := p.open(netip.AddrPortFrom(netip.IPv4Unspecified(), leavablePort(t)), server)
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, s)
	}
	for _, s := range open {
		p.close(s)
	}
	if len(p.left[0]) != maxLeft {
		t.Errorf("%d are left", len(p.left[0]))
	}
	closed := 0
	for _, s := range open {
		if _, err := unix.FcntlInt(uintptr(s.fd), unix.F_GETFD, 0); err != nil {
			closed++
		}
	}
	if closed > 10 {
		t.Errorf("%d are closed", closed)
	}
}
