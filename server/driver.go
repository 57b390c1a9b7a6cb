package server

import (
	"context"
	"net/netip"
	"time"

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
	s       *Server
	work    context.Context
	tally   *tally
	arrived time.Time // what is taken in
	group   group
	to      [groupSize]netip.AddrPort // the addresses that were asked
}

func newReader(s *Server) *Reader { return &Reader{s: s, tally: new(tally), group: group{s: s}} }

// Attach has Run serve the driver, too. The addresses that its queries are for must have
// been opened by Listen: what the driver cannot send leaves from there. When the driver
// fails, Run goes on without it.
func (s *Server) Attach(d Driver) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drivers = append(s.drivers, attached{d, newReader(s)})
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

// Begin says that queries have come in. It has to be called before the first Take, and
// again whenever time has passed.
func (r *Reader) Begin() { r.arrived = r.s.options.Now() }

// Take takes in the message msg, which came from there to one of our addresses. The reply
// will be appended to dst. dst and msg must not overlap, and belong to r until Answer has
// returned. When more is false, Answer has to be called before Take is again.
func (r *Reader) Take(dst, msg []byte, from, to netip.AddrPort) (more bool) {
	r.to[r.group.n] = to
	m := r.group.next()
	m.begin(msg, from, UDP, r.arrived, r.tally)
	m.room = dst
	return r.group.n < groupSize
}

// Answer calls reply for each message taken in since it was called last, in their order.
// The reply is nil when there is none, or not yet, or when it does not fit into what dst has
// room for. What is not yet, or does not fit, the socket for the address sends that was asked.
func (r *Reader) Answer(reply func([]byte)) {
	r.group.answer()
	for i := range r.group.all() {
		m := &r.group.members[i]
		if m.done && len(m.reply) <= cap(m.room) {
			reply(m.reply)
			continue
		}
		r.leave(m, r.to[i])
		reply(nil)
	}
	r.group.clear()
}

// leave leaves a query, or the reply to it, to the socket for the address that was asked.
func (r *Reader) leave(m *member, to netip.AddrPort) {
	u := r.s.socket(to)
	switch {
	case u == nil:
		r.tally.drop(DropSend)
	case m.done:
		u.send(m.reply, leaving(u, to.Addr()), m.from)
	default:
		u.later(r.work, &m.query, leaving(u, to.Addr()))
	}
}

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
