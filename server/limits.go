package server

import (
	"container/list"
	"net/netip"
	"sync"
)

// forbiddenPort tells whether no resolver or stub sends from the UDP port: what
// comes from there is either forged, to set two servers on each other, or cannot
// be replied to. Resolvers of old use 53.
func forbiddenPort(port uint16) bool { return port < 1024 && port != 53 }

// queue keeps the number of UDP queries that wait for resolvers in bounds: in
// all, and of one client, so that nobody can have many answers held back and then
// released in one burst (DNSBomb, CVE-2024-33655). When it is full the newest is
// turned away: those that have waited longer are nearer to their answer.
type queue struct {
	most, perClient int

	mu  sync.Mutex
	all int
	of  map[netip.Prefix]int // queries of a household
}

func newQueue(most, perClient int) *queue {
	return &queue{most: most, perClient: perClient, of: map[netip.Prefix]int{}}
}

// enter lets a query of who wait, or tells why it cannot.
func (w *queue) enter(who netip.Prefix) (why Drop, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.all >= w.most:
		return DropOverload, false
	case w.of[who] >= w.perClient:
		return DropGreedy, false
	}
	w.all++
	w.of[who]++
	return 0, true
}

// leave takes out one that entered.
func (w *queue) leave(who netip.Prefix) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all--
	if w.of[who]--; w.of[who] == 0 {
		delete(w.of, who)
	}
}

func (w *queue) len() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.all
}

// crowd keeps the number of TCP connections in bounds: of one client by turning
// away the newest, in all by closing the one that has been idle longest.
type crowd struct {
	perClient, most int

	mu     sync.Mutex
	open   map[*tcpConn]struct{}
	of     map[netip.Prefix]int // connections of a household
	idle   list.List            // of *tcpConn, idle longest first
	closed bool                 // the server is ending
	counts ConnectionStats
}

func newCrowd(o TCPOptions) *crowd {
	return &crowd{perClient: o.PerClient, most: o.Connections, open: map[*tcpConn]struct{}{}, of: map[netip.Prefix]int{}}
}

// household is what is taken for one client: an IPv4 address, or the /64 that an
// IPv6 host has at least (RFC 6177).
func household(addr netip.Addr) netip.Prefix {
	bits := 64
	if addr.Is4() {
		bits = 32
	}
	p, _ := addr.Prefix(bits) // addr is of a family that has so many bits
	return p
}

// enter lets the connection in, idle as it is, or tells that it cannot stay.
func (c *crowd) enter(conn *tcpConn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	who := household(clientOf(conn.from))
	if c.closed || c.of[who] >= c.perClient || !c.roomForOne() {
		c.counts.Refused++
		return false
	}
	c.counts.Accepted++
	c.open[conn] = struct{}{}
	c.of[who]++
	conn.place = c.idle.PushBack(conn)
	return true
}

// roomForOne makes room by closing the connection that has been idle longest;
// it is false when none is idle.
func (c *crowd) roomForOne() bool {
	if len(c.open) < c.most {
		return true
	}
	oldest := c.idle.Front()
	if oldest == nil {
		return false
	}
	conn := oldest.Value.(*tcpConn)
	c.counts.Evicted++
	c.remove(conn)
	conn.hangUp()
	return true
}

// leave takes the connection out; it may have gone before.
func (c *crowd) leave(conn *tcpConn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remove(conn)
}

func (c *crowd) remove(conn *tcpConn) {
	if _, in := c.open[conn]; !in {
		return
	}
	delete(c.open, conn)
	who := household(clientOf(conn.from))
	if c.of[who]--; c.of[who] == 0 {
		delete(c.of, who)
	}
	if conn.place != nil {
		c.idle.Remove(conn.place)
		conn.place = nil
	}
}

// took notes that the connection has n more queries at work, or fewer, and tells
// whether it is idle now.
func (c *crowd) took(conn *tcpConn, n int) (idle bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	conn.atWork += n
	_, in := c.open[conn]
	switch {
	case !in:
	case conn.atWork == 0 && conn.place == nil:
		conn.place = c.idle.PushBack(conn)
	case conn.atWork > 0 && conn.place != nil:
		c.idle.Remove(conn.place)
		conn.place = nil
	}
	return conn.atWork == 0
}

// stop lets nobody in any more and has all connections end when they have
// replied to what they have read.
func (c *crowd) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for conn := range c.open {
		conn.stop()
	}
}

func (c *crowd) stats() ConnectionStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	st := c.counts
	st.Open = len(c.open)
	return st
}
