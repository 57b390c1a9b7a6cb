//go:build !linux

package transport

import (
	"net"
	"net/netip"
	"syscall"
)

// sockets opens and closes those of a Client. It is safe for concurrent use.
type sockets struct{ ports ports }

func newSockets() *sockets { return new(sockets) }

// open is a socket from local to server.
func (p *sockets) open(local, server netip.AddrPort) (*socket, error) {
	if !p.ports.taken.add(local.Port()) {
		return nil, syscall.EADDRINUSE
	}
	network := "udp4"
	if server.Addr().Is6() {
		network = "udp6"
	}
	conn, err := net.DialUDP(network, net.UDPAddrFromAddrPort(local), net.UDPAddrFromAddrPort(server))
	if err != nil {
		p.ports.taken.remove(local.Port())
		return nil, err
	}
	return &socket{conn, local.Port()}, nil
}

// close closes s, at once when it has been of use: an open port can be found and flooded
// (SAD DNS).
func (p *sockets) close(s *socket) {
	_ = s.Close()
	p.ports.taken.remove(s.port)
}

// socket is a UDP socket that is connected to a server. What it sends may come
// in fragments: queries are far smaller than any path MTU, and replies are kept
// small by the size that the query offers.
type socket struct {
	*net.UDPConn
	port uint16
}

// local is the address that the system has chosen to send from.
func (s *socket) local() netip.Addr { return s.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap() }

// receive waits for one packet and copies it into buf, which cuts what does not
// fit. A query that is not empty is sent before.
func (s *socket) receive(query, buf []byte) (n int, err error) {
	if len(query) > 0 {
		if _, err := s.Write(query); err != nil {
			return 0, err
		}
	}
	return s.Read(buf)
}
