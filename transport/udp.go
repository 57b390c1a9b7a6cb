package transport

import (
	"context"
	"errors"
	"net/netip"
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
	conn, err := c.dialUDP(r.Server, &q.dice)
	if err != nil {
		return nil, ignored, err
	}
	defer conn.Close() // at once: an open port can be found and flooded (SAD DNS)
	defer watch(ctx, conn, time.Now().Add(r.Timeout))()

	start, buf := c.options.Now(), q.room[:q.limit+1]
	for unsent := q.message(); ; unsent = nil {
		n, err := conn.receive(unsent, buf)
		if err != nil {
			return nil, ignored, err
		}
		switch v := q.judge(buf[:n]); v {
		case ignored:
		case accepted:
			// A reply that cannot be read is ignored, too: it need not be the
			// server's (TuDoor).
			if reply, err := q.read(buf[:n]); err == nil {
				reply.RTT = c.options.Now().Sub(start)
				return reply, accepted, nil
			}
		default:
			return nil, v, nil
		}
	}
}

// dialUDP opens a socket on a random port that hears the server only. The port
// is bound explicitly: the system's own choice is from a range of half the size,
// or less (RFC 5452 9.2).
func (c *Client) dialUDP(server netip.AddrPort, d *dice) (*socket, error) {
	source, sources := netip.IPv4Unspecified(), c.options.Sources4
	if server.Addr().Is6() {
		source, sources = netip.IPv6Unspecified(), c.options.Sources6
	}
	if len(sources) > 0 {
		source = sources[d.below(len(sources))].Unmap()
	}
	for tries := 1; ; tries++ {
		local := netip.AddrPortFrom(source, d.port())
		if d.err != nil {
			return nil, d.err
		}
		conn, err := openUDP(local, server)
		if errors.Is(err, syscall.EADDRINUSE) && tries < maxBinds {
			continue
		}
		return conn, err
	}
}
