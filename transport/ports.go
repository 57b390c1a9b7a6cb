package transport

import "sync/atomic"

// ports are the source ports that queries under way have. A port is for one query: what is
// forged for another must not find it. The zero ports are all free, and the system has none
// of its own.
type ports struct {
	taken [1 << 16 / 64]atomic.Uint64

	// The system chooses from low to high where nobody else does; none if high is 0. Such a
	// port can be left without closing its socket.
	low, high uint16
}

// take marks a port that is free.
func (p *ports) take(port uint16) (free bool) {
	bit := uint64(1) << (port % 64)
	return p.taken[port/64].Or(bit)&bit == 0
}

// leave frees a port.
func (p *ports) leave(port uint16) { p.taken[port/64].And(^(uint64(1) << (port % 64))) }

// leavable tells whether a port is one of those that the system chooses from.
func (p *ports) leavable(port uint16) bool { return p.low <= port && port <= p.high }
