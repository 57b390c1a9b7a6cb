package server

import (
	"bufio"
	"container/list"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

const (
	tcpBuffer = 4096     // octets read ahead; a query rarely has more than a hundred
	tcpSpare  = 64 << 10 // octets that a connection keeps for its next replies
	lengthLen = 2        // RFC 1035 4.2.2: each message has its length before it
)

func listenTCP(addr netip.AddrPort) (net.Listener, error) {
	return new(net.ListenConfig).Listen(context.Background(), network(TCP, addr.Addr()), addr.String())
}

// accept serves the listener's connections until it is closed, and returns when
// the last of them has ended.
func (s *Server) accept(work context.Context, l net.Listener) error {
	var connections sync.WaitGroup
	defer connections.Wait()
	for {
		nc, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			// Out of file descriptors, or the client has gone already: others wait.
			s.options.Log.Warn("accept", "listener", l.Addr(), "error", err)
			if !pause(work, 50*time.Millisecond) {
				return nil
			}
			continue
		}
		c := s.newConn(nc, nc.RemoteAddr().(*net.TCPAddr).AddrPort())
		if !s.crowd.enter(c) {
			c.hangUp()
			continue
		}
		connections.Go(func() { c.serve(work) })
	}
}

// pause waits; it is false when ctx was done first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// tcpConn is a client's connection (RFC 7766). One goroutine reads queries and
// replies to those that can be replied to at once; the others get a goroutine
// each and reply in whatever order they are done (RFC 7766 6.2.1.1). There is no
// goroutine that writes: whoever has a reply writes it, with all that have been
// queued meanwhile, unless somebody is writing already.
type tcpConn struct {
	s    *Server
	nc   net.Conn
	from netip.AddrPort

	slots   chan struct{}  // one for each query at work, until its reply was written
	working sync.WaitGroup // the goroutines of queries

	mu       sync.Mutex
	queue    []byte // replies with their lengths, not written yet
	queued   int    // how many
	spare    []byte // memory of a queue that was written
	writing  bool
	written  sync.Cond     // writing is over
	patience time.Duration // until the client has taken a batch
	broken   bool          // a batch could not be written
	stopping bool

	place  *list.Element // in crowd.idle; guarded by crowd.mu
	atWork int           // likewise
}

func (s *Server) newConn(nc net.Conn, from netip.AddrPort) *tcpConn {
	c := &tcpConn{s: s, nc: nc, from: from, slots: make(chan struct{}, s.options.TCP.InFlight), patience: s.options.TCP.Write}
	c.written.L = &c.mu
	return c
}

// serve reads queries until the client has no more, is too slow, or we stop; it
// returns when all that it read was replied to. A query that takes longer than
// the client may be idle is replied to before the connection is closed.
func (c *tcpConn) serve(work context.Context) {
	defer c.hangUp()
	defer c.s.crowd.leave(c)
	defer c.working.Wait()

	in := bufio.NewReaderSize(c.nc, tcpBuffer)
	var msg, reply []byte
	for c.expect(c.s.options.TCP.FirstByte); ; c.expect(c.s.options.TCP.Idle) {
		var err error
		if msg, err = readMessage(in, msg); err != nil {
			c.flush()
			return
		}
		c.take()
		var q query
		q.begin(msg, c.from, TCP, c.s.options.Now(), c.s.tally)
		var done bool
		if reply, done = c.s.quick(reply[:0], &q); !done {
			c.later(work, &q)
			continue
		}
		c.put(reply)
		if in.Buffered() == 0 { // otherwise the next reply may go with this one
			c.flush()
		}
	}
}

// later gives q, of which it makes a copy, a goroutine of its own.
func (c *tcpConn) later(work context.Context, q *query) {
	p := c.s.newPending(q)
	p.stream = func(message []byte) bool { return c.stream(work, message) }
	c.working.Go(func() {
		p.reply = c.s.survive(work, p.reply[:0], &p.query)
		c.put(p.reply)
		c.s.recycle(p)
		c.flush()
	})
}

var errEmpty = errors.New("message of no length")

// readMessage reads a message into the memory of buf, or of more if it has to
// (RFC 7766 8: length and message may come in any number of segments).
func readMessage(in *bufio.Reader, buf []byte) ([]byte, error) {
	length, err := in.Peek(lengthLen)
	if err != nil {
		return buf, err
	}
	n := int(binary.BigEndian.Uint16(length))
	if n == 0 {
		return buf, errEmpty
	}
	if _, err := in.Discard(lengthLen); err != nil {
		return buf, err
	}
	buf = slices.Grow(buf[:0], n)[:n]
	_, err = io.ReadFull(in, buf)
	return buf, err
}

// expect gives the client that long for its next query, all of it: who sends an
// octet now and then gains nothing.
func (c *tcpConn) expect(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.stopping {
		// When it fails the connection is closed, and reading will tell.
		_ = c.nc.SetReadDeadline(time.Now().Add(d))
	}
}

// take waits until one more query may be at work.
func (c *tcpConn) take() {
	select {
	case c.slots <- struct{}{}:
	default:
		c.flush() // what is queued holds slots, too
		c.slots <- struct{}{}
	}
	c.s.crowd.took(c, 1)
}

// put queues a reply, or nil for a query that gets none, until someone calls
// flush.
func (c *tcpConn) put(reply []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(reply) > 0 {
		c.queue = binary.BigEndian.AppendUint16(c.queue, uint16(len(reply)))
		c.queue = append(c.queue, reply...)
	}
	c.queued++
}

// stream writes a message that another of the same reply follows, and waits until the
// client has taken it. Without a message, or when it is false, there is nobody to
// stream to any more.
func (c *tcpConn) stream(work context.Context, message []byte) bool {
	if message == nil || work.Err() != nil {
		c.hangUp() // the client must not take half of it for all
		return false
	}
	defer context.AfterFunc(work, c.hangUp)() // the server does not wait for who takes nothing
	c.mu.Lock()
	c.patience = max(c.patience, c.s.transfers.options.Patience)
	c.queue = binary.BigEndian.AppendUint16(c.queue, uint16(len(message)))
	c.queue = append(c.queue, message...)
	for c.writing {
		c.written.Wait()
	}
	c.mu.Unlock()
	c.flush()
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.broken
}

// flush writes what is queued, in one piece, and what is queued meanwhile. When
// somebody else does that already, it leaves it to them.
func (c *tcpConn) flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.writing {
		return
	}
	c.writing = true
	for c.queued > 0 || len(c.queue) > 0 {
		batch, n, patience := c.queue, c.queued, c.patience
		c.queue, c.queued, c.spare = c.spare[:0], 0, nil
		c.mu.Unlock()
		c.write(batch, patience)
		c.release(n)
		c.mu.Lock()
		if cap(batch) <= tcpSpare {
			c.spare = batch
		}
	}
	c.writing = false
	c.written.Broadcast()
}

// write writes a batch; a client that does not take it in time is hung up on.
func (c *tcpConn) write(batch []byte, patience time.Duration) {
	if len(batch) == 0 {
		return
	}
	err := c.nc.SetWriteDeadline(time.Now().Add(patience))
	if err == nil {
		_, err = c.nc.Write(batch)
	}
	if err != nil {
		c.mu.Lock()
		c.broken = true
		c.mu.Unlock()
		c.hangUp()
	}
}

// release frees the slots of n queries that were replied to. The time that a
// client may be idle starts when its last reply was written (RFC 7766 6.2.3).
func (c *tcpConn) release(n int) {
	for range n {
		<-c.slots
	}
	if c.s.crowd.took(c, -n) {
		c.expect(c.s.options.TCP.Idle)
	}
}

// stop has serve end after it has replied to what it has read.
func (c *tcpConn) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopping = true
	_ = c.nc.SetReadDeadline(longAgo) // as in expect
}

// hangUp closes the connection; more than once does no harm.
func (c *tcpConn) hangUp() {
	_ = c.nc.Close() // nothing depends on it any more
}

// keepalive is the TIMEOUT of the edns-tcp-keepalive option, in units of 100 ms
// (RFC 7828 3.1).
func keepalive(idle time.Duration) uint16 {
	return uint16(min(idle/(100*time.Millisecond), 65535))
}
