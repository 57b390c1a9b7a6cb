package transport

import (
	"net/netip"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// socket is a UDP socket that is connected to a server, for one receive at a time.
// An exchange with it takes seven system calls when the reply is there as soon as it is
// looked for, as from a server nearby while there is other work, and twelve otherwise: only
// then is the runtime's poller told of it, which waits for it as for any other file, and
// before that has it read once more.
// Package net would make three more and twenty allocations besides: it asks for addresses
// that we know, allows broadcasts, and reads before there can be a reply.
type socket struct {
	fd       int
	from, to sockaddr // its ends, while it is being opened
	ends     ends

	mu       sync.Mutex // SetDeadline may be called at any time until Close
	deadline time.Time
	file     *os.File // nil until the poller has to know it

	// Of the receive that is under way: where the packet goes, and what became of it.
	buf  []byte
	n    int
	err  error
	turn func(fd uintptr) (done bool) // the method take, bound once
}

// open binds a socket to local and connects it to server, which are of one
// family. It does not wait for anything. A socket that is closed, or whose opening
// has failed, can be opened again.
func (s *socket) open(local, server netip.AddrPort) error {
	s.ends = ends{local, server}
	from, err := s.from.of(local)
	if err != nil {
		return s.ends.wrap("dial", err)
	}
	to, err := s.to.of(server)
	if err != nil {
		return s.ends.wrap("dial", err)
	}
	family := unix.AF_INET
	if server.Addr().Is6() {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return s.ends.wrap("dial", os.NewSyscallError("socket", err))
	}
	restrict(fd, family)
	if err = os.NewSyscallError("bind", unix.Bind(fd, from)); err == nil {
		err = os.NewSyscallError("connect", unix.Connect(fd, to))
	}
	if err != nil {
		_ = unix.Close(fd)
		return s.ends.wrap("dial", err)
	}

	s.fd, s.deadline = fd, time.Time{}
	return nil
}

// restrict sets DF on what the socket sends and keeps forged path-MTU messages
// from changing that (RFC 9715 3). Kernels that do not know the option are used
// without it. IPv4 packets are kept from a socket for IPv6.
func restrict(fd, family int) {
	if family == unix.AF_INET {
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_PROBE)
		return
	}
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER, unix.IPV6_PMTUDISC_PROBE)
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1)
}

// receive waits for one packet and copies it into buf, which cuts what does not
// fit. A query that is not empty is sent before.
func (s *socket) receive(query, buf []byte) (n int, err error) {
	if len(query) > 0 {
		if s.late() {
			return 0, os.ErrDeadlineExceeded
		}
		if _, err := retry(unix.Write, s.fd, query); err != nil {
			return 0, s.ends.wrap("write", os.NewSyscallError("write", err))
		}
		stage()
	}
	s.buf, s.n, s.err = buf, 0, nil
	if !s.take(uintptr(s.fd)) {
		err = s.wait()
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
	n, err := retry(unix.Read, int(fd), s.buf)
	if err == unix.EAGAIN {
		return false
	}
	s.n, s.err = max(n, 0), s.ends.wrap("read", os.NewSyscallError("read", err))
	return true
}

// retry makes a system call until no signal interrupts it.
func retry(call func(int, []byte) (int, error), fd int, b []byte) (n int, err error) {
	for {
		if n, err = call(fd, b); err != unix.EINTR {
			return n, err
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

// Close closes the socket. Its memory can be used for another one then.
func (s *socket) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return unix.Close(s.fd)
	}
	err := s.file.Close()
	s.file = nil
	return err
}
