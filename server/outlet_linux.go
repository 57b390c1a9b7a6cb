package server

import (
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/sextant-dns/sextant/datagram"
)

// none is the outlet of a socket that has none.
const none = -1

// openOutlet opens a second socket on the address and port of conn, which replies leave
// by; none if the system does not make one that hears nothing.
//
// The runtime's poller watches conn for queries, and for room to send as well, there being no
// way to ask it for one of them. So each packet that a socket of the poller's has sent is
// reported to it: in front of a client on the same host at once, behind a network card
// whenever the card is done. It is a thirtieth of what a cached answer takes, and nobody
// waits for it. The poller does not know the outlet.
//
// To keep queries from the outlet, it is connected, to itself: the kernel gives it what
// comes from that address and port, and they are ours.
func openOutlet(conn *net.UDPConn) (fd int) {
	if !skipsConnected() {
		return none
	}
	at := conn.LocalAddr().(*net.UDPAddr).AddrPort()
	at = netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
	var self datagram.Name
	if err := self.Set(at); err != nil {
		return none
	}
	fd, err := datagram.Socket(at.Addr())
	if err != nil {
		return none
	}
	if setOptions(fd, at.Addr()) != nil || datagram.Bind(fd, &self) != 0 || datagram.Connect(fd, &self) != 0 {
		_ = unix.Close(fd)
		return none
	}
	return fd
}

// skipsConnected tells whether the kernel leaves connected sockets out when it spreads
// clients over the sockets of a port. Those before Linux 5.4 need not do so.
func skipsConnected() bool {
	var name unix.Utsname
	if unix.Uname(&name) != nil {
		return false
	}
	var major, minor int
	_, err := fmt.Sscanf(unix.ByteSliceToString(name.Release[:]), "%d.%d", &major, &minor)
	return err == nil && (major > 5 || major == 5 && minor >= 4)
}

// closeOutlet closes it; nobody may be sending.
func closeOutlet(fd int) {
	if fd != none {
		_ = unix.Close(fd)
	}
}
