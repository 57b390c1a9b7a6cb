package transport

import (
	"context"
	"errors"
	"net/netip"
	"runtime"
	"syscall"
	"time"
)

// maxBinds is how many ports are tried that turn out to be in use.
const maxBinds = 16

// overUDP sends one query and waits for what it is good for. The reply is nil
// unless the verdict is accepted.
func (c *Client) overUDP(ctx context.Context, r Request) (*Reply, verdict, error) {
	if err := ctx.Err(); err != nil {
		return nil, ignored, err // for which no port needs to be opened
	}
	q, err := c.newQuery(r)
	if err != nil {
		return nil, ignored, err
	}
	defer c.release(q)
	stage()
	conn, err := c.dialUDP(r.Server, q)
	if err != nil {
		if q.source.IsValid() && errors.Is(err, syscall.EADDRNOTAVAIL) {
			c.starve(q, r.Server)
			return nil, unbaked, nil // this host has moved
		}
		return nil, ignored, err
	}
	defer c.sockets.close(conn)
	q.watcher.watch(ctx, conn, time.Now().Add(r.Timeout))
	defer q.watcher.end()

	stage()
	start, buf := c.options.Now(), q.room[:q.limit+1]
	for unsent := q.message(); ; unsent = nil {
		n, err := conn.receive(unsent, buf)
		if err != nil {
			if ctx.Err() == nil {
				c.starve(q, r.Server)
			}
			return nil, ignored, err
		}
		switch v := q.judge(buf[:n]); v {
		case ignored:
		case accepted:
			reply, err := q.read(buf[:n])
			switch {
			case err == nil:
				reply.RTT = c.options.Now().Sub(start)
				return reply, c.digest(q, r.Server, reply, conn.local), nil
			case err == errNoCookie:
				return nil, suspicious, nil
			}
			// A reply that cannot be read is ignored, too: it need not be the
			// server's (TuDoor).
		default:
			return nil, v, nil
		}
	}
}

// stage lets others go first, who then come to the same place: so all queries that
// are under way open their sockets one after the other, and then all of them send.
// A stage fits into the processor's caches, and all that is done for a query does
// not; and servers that have been woken by one query find the others there (Larus
// and Parkes, "Using Cohort Scheduling to Enhance Server Performance", USENIX 2002).
// It is nothing when there is nobody else.
func stage() { runtime.Gosched() }

// dialUDP opens a socket on a random port that hears the server only. The port is not of
// the system's choice, which is from a range of half the size, or less (RFC 5452 9.2).
func (c *Client) dialUDP(server netip.AddrPort, q *query) (*socket, error) {
	source, sources := netip.IPv4Unspecified(), c.options.Sources4
	if server.Addr().Is6() {
		source, sources = netip.IPv6Unspecified(), c.options.Sources6
	}
	if from := q.from(sources); from.IsValid() {
		source = from
	}
	for tries := 1; ; tries++ {
		local := netip.AddrPortFrom(source, q.dice.port())
		if q.dice.err != nil {
			return nil, q.dice.err
		}
		conn, err := c.sockets.open(local, server)
		if errors.Is(err, syscall.EADDRINUSE) && tries < maxBinds {
			continue
		}
		if err != nil {
			return nil, err
		}
		return conn, nil
	}
}
