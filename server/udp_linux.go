package server

import (
	"context"
	"errors"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// readers is how many sockets are opened for an address. The kernel spreads
// clients over them by a hash of addresses and ports.
func readers(n int) int { return n }

// prepare sets the options of a UDP socket before it is bound.
func prepare(raw syscall.RawConn, addr netip.Addr) error {
	var err error
	set := func(fd uintptr) {
		if err = setOptions(int(fd), addr); err != nil || !addr.IsUnspecified() {
			return
		}
		if addr.Is4() {
			err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
		} else {
			err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
		}
	}
	return errors.Join(raw.Control(set), err)
}

// setOptions sets those that all sockets on addr have.
func setOptions(fd int, addr netip.Addr) error {
	// A forged ICMP message must not make our replies leave in fragments (RFC 9715
	// 3.1), nor must path MTU discovery drop them. Old kernels do not have this.
	if addr.Is4() {
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_OMIT)
	} else {
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER, unix.IPV6_PMTUDISC_OMIT)
	}
	return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
}

// read serves the socket batch by batch: what a batch holds that can be replied
// to at once is, with one system call for all of it.
func (u *udpSocket) read(work context.Context) error {
	b, err := newBatch(u.conn, u.outlet, u.s.options.UDPSize)
	if err != nil {
		return err
	}
	b.may = func() bool { return u.s.queue.len() == 0 }
	g := group{s: u.s}
	for {
		n, err := b.receive()
		switch {
		case ended(err):
			return nil
		case errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EPERM):
			return u.readPlain(work) // a sandbox forbids the call
		case errors.Is(err, unix.EBADF), errors.Is(err, unix.EINVAL):
			return err
		case err != nil:
			u.s.options.Log.Debug("receive", "socket", u.conn.LocalAddr(), "error", err)
			continue // the kernel is short of memory, or reports an ICMP message
		}
		now := u.s.options.Now()
		for first := 0; first < n; first += groupSize {
			u.answer(work, b, &g, first, min(n, first+groupSize), now)
		}
		for range b.send() {
			u.tally.drop(DropSend)
		}
	}
}

// answer answers the messages of the batch from the first one to before the end, which are
// not more than a group.
func (u *udpSocket) answer(work context.Context, b *batch, g *group, first, end int, now time.Time) {
	for i := first; i < end; i++ {
		m := g.next()
		m.begin(b.message(i), b.from(i), UDP, now, u.tally)
		m.room = b.room(i)
	}
	g.answer()
	for i := range g.all() {
		switch m := &g.members[i]; {
		case !m.done:
			u.later(work, &m.query, b.control(first+i))
		case m.reply != nil:
			b.reply(first+i, m.reply)
		}
	}
	g.clear()
}
