package transport

import (
	"bytes"
	"fmt"
	"strings"
	"sync/atomic"
)

// portSet is a set of ports. It is safe for concurrent use.
type portSet [1 << 16 / 64]atomic.Uint64

func (s *portSet) has(port uint16) bool { return s[port/64].Load()>>(port%64)&1 != 0 }

// add tells whether port was not in the set before.
func (s *portSet) add(port uint16) bool {
	bit := uint64(1) << (port % 64)
	return s[port/64].Or(bit)&bit == 0
}

func (s *portSet) remove(port uint16) { s[port/64].And(^(uint64(1) << (port % 64))) }

// ports are what is known of source ports. The zero ports are all free, and the system
// chooses none of them.
type ports struct {
	// taken are those of queries that are under way: what is forged for one must not find
	// another.
	taken portSet

	// offered are those that the system chooses from where nobody else does. One that is
	// chosen so can be left without closing its socket.
	offered portSet

	// busy are those of offered that were found in use by somebody else. The system looks
	// for a port for the better part of a millisecond before it says so.
	busy portSet
}

// leavable tells whether the system is to be asked for port.
func (p *ports) leavable(port uint16) bool { return p.offered.has(port) && !p.busy.has(port) }

// offer has the system's choice be from a range, as in ip_local_port_range, less those of a
// list, as in ip_local_reserved_ports (ip-sysctl.rst of the Linux kernel). It is none if
// one of them cannot be read.
func (p *ports) offer(choice, reserved []byte) {
	var low, high uint16
	if _, err := fmt.Fscan(bytes.NewReader(choice), &low, &high); err != nil || low == 0 || low > high {
		return
	}
	var not portSet
	for part := range strings.SplitSeq(strings.TrimSpace(string(reserved)), ",") {
		if part == "" {
			continue
		}
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		var from, to uint16
		if _, err := fmt.Sscan(first+" "+last, &from, &to); err != nil {
			return
		}
		for port := int(from); port <= int(to); port++ {
			not.add(uint16(port))
		}
	}
	for port := int(low); port <= int(high); port++ {
		if !not.has(uint16(port)) {
			p.offered.add(uint16(port))
		}
	}
}
