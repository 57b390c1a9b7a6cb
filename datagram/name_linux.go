package datagram

import (
	"encoding/binary"
	"net"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"
)

// Name is a socket address as the kernel writes it: a sockaddr_in or a sockaddr_in6
// (ip(7), ipv6(7)). The zero Name is nobody's.
type Name [unix.SizeofSockaddrInet6]byte

// Set makes n the name of a. It fails if a is the zero AddrPort, or on a link that is not
// there.
func (n *Name) Set(a netip.AddrPort) error {
	*n = Name{}
	switch addr := a.Addr(); {
	case addr.Is4():
		ip := addr.As4()
		binary.NativeEndian.PutUint16(n[0:], unix.AF_INET)
		copy(n[4:], ip[:])
	case addr.Is6():
		zone, err := zoneID(addr.Zone())
		if err != nil {
			return err
		}
		ip := addr.As16()
		binary.NativeEndian.PutUint16(n[0:], unix.AF_INET6)
		copy(n[8:], ip[:])
		binary.NativeEndian.PutUint32(n[24:], zone)
	default:
		return unix.EDESTADDRREQ
	}
	binary.BigEndian.PutUint16(n[2:], a.Port())
	return nil
}

// AddrPort is the address and port of n; the zero AddrPort if it is nobody's.
func (n *Name) AddrPort() netip.AddrPort {
	port := binary.BigEndian.Uint16(n[2:])
	switch binary.NativeEndian.Uint16(n[0:]) {
	case unix.AF_INET:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(n[4:8])), port)
	case unix.AF_INET6:
		addr := netip.AddrFrom16([16]byte(n[8:24]))
		if link := binary.NativeEndian.Uint32(n[24:]); link != 0 {
			addr = addr.WithZone(strconv.Itoa(int(link)))
		}
		return netip.AddrPortFrom(addr, port)
	}
	return netip.AddrPort{}
}

// Is tells whether both are of one address and port, on whatever link.
func (n *Name) Is(other *Name) bool {
	if binary.NativeEndian.Uint16(n[0:]) == unix.AF_INET {
		return [8]byte(n[:8]) == [8]byte(other[:8])
	}
	return [4]byte(n[:4]) == [4]byte(other[:4]) && [16]byte(n[8:]) == [16]byte(other[8:])
}

// size is how many octets of n are in use.
func (n *Name) size() uintptr {
	if binary.NativeEndian.Uint16(n[0:]) == unix.AF_INET {
		return unix.SizeofSockaddrInet4
	}
	return unix.SizeofSockaddrInet6
}

// Socket opens a socket that does not block, for addresses of the family of addr and no
// others.
func Socket(addr netip.Addr) (fd int, err error) {
	family := unix.AF_INET
	if addr.Is6() {
		family = unix.AF_INET6
	}
	fd, err = unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err == nil && family == unix.AF_INET6 {
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1)
	}
	return fd, err
}

// zoneID is the number of the link that a link-local address is on (RFC 4007 11.2).
func zoneID(zone string) (uint32, error) {
	if zone == "" {
		return 0, nil
	}
	if id, err := strconv.ParseUint(zone, 10, 32); err == nil {
		return uint32(id), nil
	}
	link, err := net.InterfaceByName(zone)
	if err != nil {
		return 0, err
	}
	return uint32(link.Index), nil
}
