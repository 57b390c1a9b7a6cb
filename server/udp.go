package server

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"syscall"
	"time"
)

const (
	minUDP = 512  // what every client takes (RFC 1035 4.2.1)
	maxUDP = 4096 // longer queries are cut, which makes them malformed

	// receiveBuffer is what the kernel is asked to hold for a socket while its
	// reader is busy, in octets.
	receiveBuffer = 4 << 20
)

// longAgo is a deadline that makes a read end at once.
var longAgo = time.Unix(1, 0)

// udpSocket is a UDP socket with its one reader.
type udpSocket struct {
	s     *Server
	conn  *net.UDPConn
	bound netip.AddrPort
	tally *tally

	outlet int // a socket for the replies of package datagram's, or none

	// wildcard tells that the socket is bound to all addresses. The kernel then
	// has to be asked which one a query was for, and told to reply from it.
	wildcard bool
}

// listenUDP opens the sockets for an address.
func (s *Server) listenUDP(addr netip.AddrPort) (sockets []*udpSocket, err error) {
	config := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		return prepare(raw, addr.Addr())
	}}
	for range readers(s.options.Readers) {
		pc, err := config.ListenPacket(context.Background(), network(UDP, addr.Addr()), addr.String())
		if err != nil {
			for _, u := range sockets {
				err = errors.Join(err, u.close())
			}
			return nil, err
		}
		conn := pc.(*net.UDPConn)
		_ = conn.SetReadBuffer(receiveBuffer) // the kernel gives what it has
		sockets = append(sockets, &udpSocket{s: s, conn: conn, bound: addr, tally: new(tally), outlet: none, wildcard: addr.Addr().IsUnspecified()})
	}
	for _, u := range sockets {
		u.outlet = openOutlet(u.conn)
	}
	return sockets, nil
}

// close closes what the socket has open. Nobody may be sending.
func (u *udpSocket) close() error {
	closeOutlet(u.outlet)
	return u.conn.Close()
}

// stop has the reader end.
func (u *udpSocket) stop() {
	_ = u.conn.SetReadDeadline(longAgo) // it fails on a closed socket, whose reader has ended
}

// ended tells whether err is what a reader gets that was told to end.
func ended(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, net.ErrClosed)
}

// later has q, of which it makes a copy, answered by the crew if there is room for
// it. control is sent with the reply.
func (u *udpSocket) later(work context.Context, q *query, control []byte) {
	who := household(clientOf(q.from))
	if why, ok := u.s.queue.enter(who); !ok {
		u.tally.drop(why)
		return
	}
	p, control := u.s.newPending(q), slices.Clone(control)
	u.s.answered.Add(1)
	u.s.crew.Go(func() {
		defer u.s.answered.Done()
		defer u.s.queue.leave(who)
		p.reply = u.s.survive(work, p.reply[:0], &p.query)
		if limit := u.s.options.MaxAge; limit > 0 && u.s.options.Now().Sub(p.arrived) > limit {
			u.tally.drop(DropLate)
		} else if len(p.reply) > 0 { // a rate limit may have left nothing
			runtime.Gosched() // all replies that are ready leave one after the other (see stage in package transport)
			u.send(p.reply, control, p.from)
		}
		u.s.recycle(p)
	})
}

// send sends one reply.
func (u *udpSocket) send(reply, control []byte, to netip.AddrPort) {
	if _, _, err := u.conn.WriteMsgUDPAddrPort(reply, control, to); err != nil {
		u.tally.drop(DropSend)
	}
}
