package server

import (
	"context"
	"net/netip"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// Driver is where UDP queries come from before the sockets of the same addresses would
// hear of them: a queue of package xdp, for one.
type Driver interface {
	// Serve has queries answered by r until Stop is called, which makes the error nil.
	Serve(r *Reader) error
	// Stop has Serve return. It may be called before Serve and after it has returned.
	Stop()
}

// Reader answers the queries of one Driver, as the reader of a socket does: what can be
// answered at once it gives back, the rest is answered from the socket for the address
// that was asked. It is not safe for concurrent use.
type Reader struct {
	s     *Server
	work  context.Context
	tally *tally
	q     query
}

// Attach has Run serve the driver, too. The addresses that its queries are for must have
// been opened by Listen: what the driver cannot send leaves from there. When the driver
// fails, Run goes on without it.
func (s *Server) Attach(d Driver) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drivers = append(s.drivers, attached{d, &Reader{s: s, tally: new(tally)}})
}

// attached is a driver with its reader.
type attached struct {
	Driver
	reader *Reader
}

// serve serves the driver until it is told to stop.
func (a attached) serve(work context.Context) {
	a.reader.work = work
	if err := a.Serve(a.reader); err != nil {
		a.reader.s.options.Log.Error("queries come to the sockets alone from now on", "error", err)
	}
}

// Begin says that queries have come in. It has to be called before the first Answer, and
// again whenever time has passed.
func (r *Reader) Begin() { r.q.arrived = r.s.options.Now() }

// Answer appends the reply to the message msg, which came from there to one of our
// addresses, to dst and returns it. It returns nil when there is no reply, or not yet, or
// one that does not fit into what dst has room for. What is not yet, or does not fit, the
// socket for that address sends. dst and msg must not overlap; nothing of either is kept.
func (r *Reader) Answer(dst, msg []byte, from, to netip.AddrPort) []byte {
	q := &r.q
	*q = query{msg: msg, from: from, proto: UDP, arrived: q.arrived, tally: r.tally}
	reply, done := r.s.quick(dst, q)
	if done && len(reply) <= cap(dst) {
		return reply
	}
	u := r.s.socket(to)
	switch {
	case u == nil:
		r.tally.drop(DropSend)
	case done:
		u.send(reply, leaving(u, to.Addr()), from)
	default:
		u.later(r.work, q, leaving(u, to.Addr()))
	}
	return nil
}

// Unsent counts a reply that the driver could not send.
func (r *Reader) Unsent() { r.tally.drop(DropSend) }

// socket is one that replies can leave from that address by; nil if there is none.
func (s *Server) socket(at netip.AddrPort) *udpSocket {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all *udpSocket
	for _, u := range s.udp {
		switch bound := u.bound; {
		case bound == at:
			return u
		case u.wildcard && bound.Port() == at.Port() && bound.Addr().Is4() == at.Addr().Is4():
			all = u
		}
	}
	return all
}

// leaving is the control message that has a reply leave from that address; nil when the
// socket has no other.
func leaving(u *udpSocket, from netip.Addr) []byte {
	switch {
	case !u.wildcard:
		return nil
	case from.Is4():
		return (&ipv4.ControlMessage{Src: from.AsSlice()}).Marshal()
	}
	return (&ipv6.ControlMessage{Src: from.AsSlice()}).Marshal()
}
