//go:build !linux

package transport

import (
	"net"
	"net/netip"
)

// socket is a UDP socket that is connected to a server. What it sends may come
// in fragments: queries are far smaller than any path MTU, and replies are kept
// small by the size that the query offers.
type socket struct{ *net.UDPConn }

// open binds a socket to local and connects it to server, which are of one
// family. It does not wait for anything. A socket that is closed, or whose opening
// has failed, can be opened again.
func (s *socket) open(local, server netip.AddrPort) (err error) {
	network := "udp4"
	if server.Addr().Is6() {
		network = "udp6"
	}
	s.UDPConn, err = net.DialUDP(network, net.UDPAddrFromAddrPort(local), net.UDPAddrFromAddrPort(server))
	return err
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
