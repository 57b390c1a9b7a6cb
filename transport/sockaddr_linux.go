package transport

import (
	"net"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"
)

// sockaddr is memory for an address and port in the kernel's terms.
type sockaddr struct {
	v4 unix.SockaddrInet4
	v6 unix.SockaddrInet6
}

// of is a in those terms, good until the memory is used again.
func (s *sockaddr) of(a netip.AddrPort) (unix.Sockaddr, error) {
	switch addr := a.Addr(); {
	case addr.Is4():
		s.v4 = unix.SockaddrInet4{Port: int(a.Port()), Addr: addr.As4()}
		return &s.v4, nil
	case addr.Is6():
		zone, err := zoneID(addr.Zone())
		s.v6 = unix.SockaddrInet6{Port: int(a.Port()), Addr: addr.As16(), ZoneId: zone}
		return &s.v6, err
	}
	return nil, unix.EDESTADDRREQ
}

// zoneID is the number of the link that a link-local address is on (RFC 4007 11.2).
func zoneID(zone string) (uint32, error) {
	if zone == "" {
		return 0, nil
	}
	if n, err := strconv.ParseUint(zone, 10, 32); err == nil {
		return uint32(n), nil
	}
	link, err := net.InterfaceByName(zone)
	if err != nil {
		return 0, err
	}
	return uint32(link.Index), nil
}

// ends are those of a socket.
type ends struct{ local, server netip.AddrPort }

// wrap makes an error as package net does, by whose operation callers tell
// whether anything was sent.
func (e ends) wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	network := "udp4"
	if e.server.Addr().Is6() {
		network = "udp6"
	}
	return &net.OpError{Op: op, Net: network, Source: net.UDPAddrFromAddrPort(e.local), Addr: net.UDPAddrFromAddrPort(e.server), Err: err}
}
