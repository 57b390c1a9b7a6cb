package datagram_test

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sextant-dns/sextant/datagram"
)

func name(t *testing.T, at string) *datagram.Name {
	t.Helper()
	n := new(datagram.Name)
	if err := n.Set(netip.MustParseAddrPort(at)); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestANameIsAnAddressAndAPort(t *testing.T) {
	t.Parallel()
	names := []string{"192.0.2.1:53", "192.0.2.1:54", "192.0.2.2:53", "[2001:db8::1]:53", "[2001:db8::1]:54", "[2001:db8::2]:53", "[::ffff:192.0.2.1]:53"}
	for i, at := range names {
		if got := name(t, at).AddrPort(); got.String() != at {
			t.Errorf("%s becomes %v", at, got)
		}
		for j, other := range names {
			if name(t, at).Is(name(t, other)) != (i == j) {
				t.Errorf("%s and %s", at, other)
			}
		}
	}
	if got := new(datagram.Name).AddrPort(); got.IsValid() {
		t.Errorf("nobody's name is %v", got)
	}
	for _, wrong := range []netip.AddrPort{{}, netip.AddrPortFrom(netip.MustParseAddr("fe80::1%no-such-link"), 53)} {
		if err := new(datagram.Name).Set(wrong); err == nil {
			t.Errorf("%v has a name", wrong)
		}
	}
}

// A link has a name and a number (RFC 4007 11.2), and the kernel knows the number.
func TestANameHasALink(t *testing.T) {
	t.Parallel()
	links, err := net.Interfaces()
	if err != nil || len(links) == 0 {
		t.Skip("no links here")
	}
	number := strconv.Itoa(links[0].Index)
	for _, link := range []string{links[0].Name, number} {
		if got := name(t, "[fe80::1%"+link+"]:53").AddrPort(); got.Addr().Zone() != number {
			t.Errorf("%s: got %v", link, got)
		}
	}
}

// socket is one of loopback that does not block.
func socket(t *testing.T, at string) (fd int, bound *datagram.Name) {
	t.Helper()
	fd, err := datagram.Socket(netip.MustParseAddrPort(at).Addr())
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	if errno := datagram.Bind(fd, name(t, at)); errno != 0 {
		t.Skip("no such address here: ", errno)
	}
	return fd, end(t, fd)
}

// end is what the kernel says a socket is bound to.
func end(t *testing.T, fd int) *datagram.Name {
	t.Helper()
	switch at, err := unix.Getsockname(fd); at := at.(type) {
	case *unix.SockaddrInet4:
		return name(t, netip.AddrPortFrom(netip.AddrFrom4(at.Addr), uint16(at.Port)).String())
	case *unix.SockaddrInet6:
		return name(t, netip.AddrPortFrom(netip.AddrFrom16(at.Addr), uint16(at.Port)).String())
	default:
		t.Fatal(at, err)
	}
	return nil
}

func arrived(t *testing.T, fd int) {
	t.Helper()
	if n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 20_000); err != nil || n != 1 {
		t.Fatalf("nothing comes: %d, %v", n, err)
	}
}

func TestPacketsGoBothWays(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"127.0.0.1:0", "[::1]:0"} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			server, there := socket(t, at)
			client, here := socket(t, at)
			if errno := datagram.Connect(client, there); errno != 0 {
				t.Fatal(errno)
			}
			if errno := datagram.Send(client, []byte("a question")); errno != 0 {
				t.Fatal(errno)
			}
			arrived(t, server)
			var from datagram.Name
			b := make([]byte, 5) // too small
			if n, errno := datagram.Receive(server, b, &from); errno != 0 || string(b[:n]) != "a que" || !from.Is(here) {
				t.Errorf("%q from %v, %v", b[:n], from.AddrPort(), errno)
			}
			if _, errno := datagram.Receive(server, b, &from); errno != unix.EAGAIN {
				t.Errorf("a packet comes twice: %v", errno)
			}
		})
	}
}

func TestManyPacketsWithOneCall(t *testing.T) {
	t.Parallel()
	server, there := socket(t, "127.0.0.1:0")
	client, _ := socket(t, "127.0.0.1:0")
	const packets = 3
	var out, in [packets + 1]datagram.Message
	var vec [2 * len(in)]unix.Iovec
	room := make([]byte, 100*len(in))
	for i := range packets {
		text := fmt.Appendf(nil, "packet %d", i)
		vec[i].Base = &text[0]
		vec[i].SetLen(len(text))
		h := &out[i].Header
		h.Iov, h.Name, h.Namelen = &vec[i], &there[0], uint32(len(there))
		h.SetIovlen(1)
	}
	for i := range in {
		v := &vec[len(in)+i]
		v.Base = &room[100*i]
		v.SetLen(100)
		in[i].Header.Iov = v
		in[i].Header.SetIovlen(1)
	}
	if n, errno := datagram.ReceiveAll(server, in[:]); errno != unix.EAGAIN {
		t.Fatal(n, errno)
	}
	if n, errno := datagram.SendAll(client, out[:packets]); errno != 0 || n != packets {
		t.Fatal(n, errno)
	}
	arrived(t, server)
	n, errno := datagram.ReceiveAll(server, in[:])
	if errno != 0 || n != packets {
		t.Fatal(n, errno)
	}
	for i := range n {
		if got := string(room[100*i : 100*i+int(in[i].Length)]); got != fmt.Sprintf("packet %d", i) {
			t.Errorf("got %q", got)
		}
	}
}

// A port that the system has chosen is nobody's after Disconnect; one that was asked for
// stays.
func TestDisconnectLeavesServerAndPort(t *testing.T) {
	t.Parallel()
	_, server := socket(t, "127.0.0.1:0")
	chosen, err := datagram.Socket(netip.IPv4Unspecified())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(chosen) })
	ports := map[uint16]bool{}
	for range 5 {
		if errno := datagram.Connect(chosen, server); errno != 0 {
			t.Fatal(errno)
		}
		at := end(t, chosen).AddrPort()
		ports[at.Port()] = true
		if at.Addr() != netip.MustParseAddr("127.0.0.1") || at.Port() == 0 {
			t.Errorf("connected from %v", at)
		}
		if errno := datagram.Disconnect(chosen); errno != 0 {
			t.Fatal(errno)
		}
		if at := end(t, chosen).AddrPort(); at != netip.MustParseAddrPort("0.0.0.0:0") {
			t.Errorf("left, and still at %v", at)
		}
		if errno := datagram.Send(chosen, []byte("x")); errno != unix.EDESTADDRREQ {
			t.Errorf("it has a server: %v", errno)
		}
	}
	if len(ports) == 1 {
		t.Error("it gets the same port each time")
	}
}
