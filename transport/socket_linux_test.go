package transport

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
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
		err := conn.open(c.local, c.server)
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

func TestLinksHaveNamesAndNumbers(t *testing.T) {
	t.Parallel()
	links, err := net.Interfaces()
	if err != nil || len(links) == 0 {
		t.Skip("no links here")
	}
	for _, zone := range []string{links[0].Name, strconv.Itoa(links[0].Index)} {
		if id, err := zoneID(zone); err != nil || int(id) != links[0].Index {
			t.Errorf("%s: got %d, %v", zone, id, err)
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
