package transport

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"time"
)

// errForeign says that a server sent over TCP what was not asked.
var errForeign = errors.New("reply does not belong to the query")

// overTCP sends one query over a connection of its own and reads one message.
func (c *Client) overTCP(ctx context.Context, r Request) (*Reply, error) {
	q, err := c.newQuery(r)
	if err != nil {
		return nil, err
	}
	defer c.release(q)
	q.demand = false // nobody can have forged what comes over TCP; it tells whether there still are cookies
	deadline, start := time.Now().Add(r.Timeout), c.options.Now()
	conn, err := c.dialTCP(ctx, r.Server, deadline, q)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	q.watcher.watch(ctx, conn, deadline)
	defer q.watcher.end()

	if _, err := conn.Write(q.packet); err != nil { // RFC 7766 8: length and message at once
		return nil, err
	}
	b, err := readMessage(conn)
	if err != nil {
		return nil, err
	}
	reply, err := c.accept(q, b, start)
	if err != nil {
		return nil, err
	}
	c.digest(q, r.Server, reply, func() netip.Addr { return conn.LocalAddr().(*net.TCPAddr).AddrPort().Addr() })
	return reply, nil
}

// dialTCP connects. The port is the system's choice: sequence numbers guard the
// connection.
func (c *Client) dialTCP(ctx context.Context, server netip.AddrPort, deadline time.Time, q *query) (*net.TCPConn, error) {
	network, sources := "tcp4", c.options.Sources4
	if server.Addr().Is6() {
		network, sources = "tcp6", c.options.Sources6
	}
	var local netip.AddrPort
	if source := q.from(sources); source.IsValid() {
		local = netip.AddrPortFrom(source, 0)
	}
	dialer := net.Dialer{Deadline: deadline, KeepAlive: -1}
	return dialer.DialTCP(ctx, network, local, server)
}

// readMessage reads one message with its length in front (RFC 1035 4.2.2).
func readMessage(r io.Reader) ([]byte, error) {
	var prefix [prefixLen]byte
	if _, err := io.ReadFull(r, prefix[:]); err != nil {
		return nil, unexpected(err)
	}
	b := make([]byte, binary.BigEndian.Uint16(prefix[:]))
	_, err := io.ReadFull(r, b)
	return b, unexpected(err)
}

// unexpected makes the end of a connection an error of its own: where a message
// has to come, no end is a good one.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// accept reads b, which came over a connection in reply to q, begun at start.
func (c *Client) accept(q *query, b []byte, start time.Time) (*Reply, error) {
	if !q.belongs(b) {
		return nil, errForeign
	}
	reply, err := q.read(b)
	if err != nil {
		return nil, err
	}
	reply.RTT = c.options.Now().Sub(start)
	return reply, nil
}
