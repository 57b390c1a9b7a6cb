package transport

import (
	"net"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sextant-dns/sextant/datagram"
)

// socket is a UDP socket that is connected to a server, for one receive at a time.
// An exchange with a new one takes seven system calls when the reply is there as soon as it
// is looked for, as from a server nearby while there is other work, and twelve otherwise:
// only then is the runtime's poller told of it, which waits for it as for any other file,
// and before that has it read once more. With one that had another server before it takes
// six, or seven.
// Package net would make three more and twenty allocations besides: it asks for addresses
// that we know, allows broadcasts, and reads before there can be a reply.
type socket struct {
	fd       int
	ends     ends
	from, to datagram.Name
	leavable bool // it can leave server and port for others
	bound    bool // it has been bound to an address
	closing  runtime.Cleanup

	mu       sync.Mutex // SetDeadline may be called at any time until it is closed
	deadline time.Time
	file     *os.File // nil until the poller has to know it

	// Of the receive that is under way: where the packet goes, who has sent it, and what
	// became of it.
	buf    []byte
	sender datagram.Name
	n      int
	err    error
	turn   func(fd uintptr) (done bool) // the method take, bound once
}

// open binds a socket to local and connects it to server, which are of one
// family. It does not wait for anything. A socket that is leavable can be moved later; its
// port must be one that the system would choose from. A socket that is closed, or whose
// opening has failed, can be opened again.
func (s *socket) open(local, server netip.AddrPort, leavable bool) error {
	if err := s.head(local, server); err != nil {
		return err
	}
	fd, err := datagram.Socket(server.Addr())
	if err != nil {
		return s.ends.wrap("dial", os.NewSyscallError("socket", err))
	}
	restrict(fd, server.Addr())
	s.fd, s.leavable, s.bound, s.deadline = fd, leavable, false, time.Time{}
	if leavable {
		err = s.connect()
	} else if err = s.failed("bind", datagram.Bind(fd, &s.from)); err == nil {
		err = s.failed("connect", datagram.Connect(fd, &s.to))
	}
	if err != nil {
		_ = unix.Close(fd)
		return err
	}
	if leavable { // it may stay open for as long as the Client is there
		s.closing = runtime.AddCleanup(s, func(fd int) { _ = unix.Close(fd) }, fd)
	}
	return nil
}

// head notes the ends.
func (s *socket) head(local, server netip.AddrPort) error {
	s.ends = ends{local, server}
	if err := s.from.Set(local); err != nil {
		return s.ends.wrap("dial", err)
	}
	if err := s.to.Set(server); err != nil {
		return s.ends.wrap("dial", err)
	}
	return nil
}

// failed is what an error of a system call is to those who dial.
func (s *socket) failed(call string, errno syscall.Errno) error {
	if errno == 0 {
		return nil
	}
	return s.ends.wrap("dial", os.NewSyscallError(call, errno))
}

// restrict sets DF on what the socket sends and keeps forged path-MTU messages
// from changing that (RFC 9715 3). Kernels that do not know the option are used
// without it.
func restrict(fd int, server netip.Addr) {
	if server.Is6() {
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER, unix.IPV6_PMTUDISC_PROBE)
		return
	}
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_PROBE)
}

// connect connects a leavable socket that has no port. It is the system that chooses the
// port, though out of one: what it has chosen it also takes back.
func (s *socket) connect() error {
	if err := only(s.fd, s.ends.local.Port()); err != nil {
		return s.ends.wrap("dial", os.NewSyscallError("setsockopt", err))
	}
	if s.bound || !s.ends.local.Addr().IsUnspecified() {
		if err := s.from.Set(netip.AddrPortFrom(s.ends.local.Addr(), 0)); err != nil {
			return s.ends.wrap("dial", err)
		}
		if err := s.failed("bind", datagram.Bind(s.fd, &s.from)); err != nil {
			return err
		}
		s.bound = true
	}
	return s.failed("connect", datagram.Connect(s.fd, &s.to))
}

// only has the system choose that port for the socket, if it is one of those that it
// chooses from (ip(7), since Linux 6.3).
func only(fd int, port uint16) error {
	return unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_LOCAL_PORT_RANGE, int(port)|int(port)<<16)
}

// leave has the socket leave server and port, which are nobody's then.
func (s *socket) leave() error {
	if s.file != nil {
		if err := s.file.SetDeadline(time.Time{}); err != nil {
			return err
		}
	}
	s.deadline = time.Time{}
	return s.failed("connect", datagram.Disconnect(s.fd))
}

// maxStale is how many packets a socket may have that came too late for its last server.
// It has room for some hundreds.
const maxStale = 1000

// move connects a socket that has left another server. What came from that one, or in its
// name, is thrown away first: it must not be a guess at the next reply.
func (s *socket) move(local, server netip.AddrPort) error {
	if err := s.head(local, server); err != nil {
		return err
	}
	var b [1]byte
	for range maxStale {
		if _, errno := datagram.Receive(s.fd, b[:], &s.sender); errno == unix.EAGAIN {
			return s.connect()
		}
	}
	return s.failed("recvfrom", unix.ENOBUFS)
}

// receive waits for one packet and copies it into buf, which cuts what does not
// fit. A query that is not empty is sent before.
func (s *socket) receive(query, buf []byte) (n int, err error) {
	if len(query) > 0 {
		if s.late() {
			return 0, os.ErrDeadlineExceeded
		}
		if errno := datagram.Send(s.fd, query); errno != 0 {
			return 0, s.ends.wrap("write", os.NewSyscallError("sendto", errno))
		}
		stage()
	}
	s.buf, s.n, s.err = buf, 0, nil
	if s.file != nil || !s.take(uintptr(s.fd)) {
		err = s.wait() // which looks before it waits
	}
	s.buf = nil // it is the caller's
	if err != nil {
		return 0, err // the deadline, as a rule
	}
	return s.n, s.err
}

// wait has the poller call take until there is a packet.
func (s *socket) wait() error {
	s.mu.Lock()
	if s.file == nil {
		s.keepOpen()                              // the file is closed with its last reference, too
		s.file = os.NewFile(uintptr(s.fd), "udp") // O_NONBLOCK tells it to use the poller
		_ = s.file.SetDeadline(s.deadline)        // fails where reading will fail, too
	}
	raw, err := s.file.SyscallConn()
	s.mu.Unlock()
	if err != nil {
		return err
	}
	if s.turn == nil {
		s.turn = s.take
	}
	return raw.Read(s.turn)
}

// take reads a packet; false means that there is none.
func (s *socket) take(fd uintptr) (done bool) {
	for {
		n, errno := datagram.Receive(int(fd), s.buf, &s.sender)
		switch {
		case errno == unix.EAGAIN:
			return false
		case errno != 0:
			s.n, s.err = 0, s.ends.wrap("read", os.NewSyscallError("recvfrom", errno))
			return true
		case !s.leavable || s.sender.Is(&s.to): // RFC 5452 9.1: one from its last server may have been on the way to it
			s.n = n
			return true
		}
	}
}

// local is the address that the system has chosen to send from; the zero Addr if
// it does not tell.
func (s *socket) local() (addr netip.Addr) {
	at, _ := unix.Getsockname(s.fd)
	switch at := at.(type) {
	case *unix.SockaddrInet4:
		addr = netip.AddrFrom4(at.Addr)
	case *unix.SockaddrInet6:
		if addr = netip.AddrFrom16(at.Addr); at.ZoneId != 0 {
			addr = addr.WithZone(strconv.Itoa(int(at.ZoneId)))
		}
	}
	return addr
}

// SetDeadline makes receive fail from t on.
func (s *socket) SetDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deadline = t; s.file == nil {
		return nil
	}
	return s.file.SetDeadline(t)
}

// late tells whether the deadline has passed.
func (s *socket) late() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.deadline.IsZero() && time.Until(s.deadline) <= 0
}

// keepOpen sees to it that the socket is not closed by itself when nobody refers to it.
func (s *socket) keepOpen() {
	s.closing.Stop()
	s.closing = runtime.Cleanup{}
}

// Close closes the socket. Its memory can be used for another one then.
func (s *socket) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keepOpen()
	if s.file == nil {
		return unix.Close(s.fd)
	}
	err := s.file.Close()
	s.file = nil
	return err
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
