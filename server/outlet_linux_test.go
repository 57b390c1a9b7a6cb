package server

import (
	"net"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

// An outlet shares address and port with the socket that hears: no query may end in it,
// from whatever port it comes.
func TestAnOutletHearsNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ bound, to string }{
		{"127.0.0.1", "127.0.0.1"}, {"::1", "::1"}, {"0.0.0.0", "127.0.0.1"}, {"0.0.0.0", "127.9.9.9"}, {"::", "::1"},
	} {
		t.Run(c.bound+" "+c.to, func(t *testing.T) {
			t.Parallel()
			s := New(Options{Readers: 3})
			conn, err := net.ListenUDP(network(UDP, netip.MustParseAddr(c.bound)), net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(c.bound), 0)))
			if err != nil {
				t.Skip(err) // a host may have one family only
			}
			port := conn.LocalAddr().(*net.UDPAddr).AddrPort().Port() // that all of them share
			_ = conn.Close()
			sockets, err := s.listenUDP(netip.AddrPortFrom(netip.MustParseAddr(c.bound), port))
			if err != nil {
				t.Fatal(err)
			}
			heard := 0
			const clients = 100
			for range clients {
				client, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(c.to), port)))
				if err != nil {
					t.Fatal(err)
				}
				if _, err := client.Write([]byte("a query")); err != nil {
					t.Fatal(err)
				}
				_ = client.Close()
			}
			for _, u := range sockets {
				if u.outlet == none {
					t.Error("a socket has no outlet")
					continue
				}
				if n, err := unix.Poll([]unix.PollFd{{Fd: int32(u.outlet), Events: unix.POLLIN}}, 0); err != nil || n != 0 {
					t.Errorf("an outlet hears: %d, %v", n, err)
				}
				b, err := newBatch(u.conn, u.outlet, 512)
				if err != nil {
					t.Fatal(err)
				}
				_ = u.conn.SetReadDeadline(longAgo)
				for b.recvmmsg(fd(t, u.conn)) && b.errno == 0 {
					heard += b.count
				}
				if err := u.close(); err != nil {
					t.Error(err)
				}
			}
			if heard != clients {
				t.Errorf("of %d queries %d came to those who hear", clients, heard)
			}
		})
	}
}

func fd(t *testing.T, conn *net.UDPConn) (fd uintptr) {
	t.Helper()
	raw, err := conn.SyscallConn()
	if err == nil {
		err = raw.Control(func(of uintptr) { fd = of })
	}
	if err != nil {
		t.Fatal(err)
	}
	return fd
}

// Replies leave by the outlet, from the same address and port, and by the socket itself
// where the outlet would have them leave from its own address.
func TestRepliesLeaveByTheOutlet(t *testing.T) {
	t.Parallel()
	for title, c := range map[string]struct {
		bound, to string
		told      bool // the kernel tells which address a query came to
		back      bool
	}{
		"one address":                    {"127.0.0.1", "127.0.0.1", false, false},
		"all addresses":                  {"0.0.0.0", "127.9.9.9", true, false},
		"all addresses, and none told":   {"0.0.0.0", "127.0.0.1", false, true},
		"all addresses of IPv6, no told": {"::", "::1", false, true},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			b, client, _ := pair(t, c.bound, c.to)
			if b.wildcard && !c.told {
				_ = b.raw.Control(func(fd uintptr) {
					_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_PKTINFO, 0)
					_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 0)
				})
			}
			if _, err := client.Write([]byte("a query")); err != nil {
				t.Fatal(err)
			}
			if n, err := b.receive(); err != nil || n != 1 {
				t.Fatal(n, err)
			}
			b.reply(0, append(b.room(0), "a reply"...))
			if b.back != c.back {
				t.Errorf("by the socket itself: %t", b.back)
			}
			if refused := b.send(); refused != 0 {
				t.Errorf("%d are refused", refused)
			}
			reply := make([]byte, 100)
			if n, err := client.Read(reply); err != nil || string(reply[:n]) != "a reply" { // the client is connected, so it came from where it asked
				t.Errorf("got %q, %v", reply[:n], err)
			}
		})
	}
}
