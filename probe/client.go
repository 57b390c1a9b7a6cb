package probe

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// ErrEnough is the error of every query beyond Options.Most.
var ErrEnough = errors.New("enough has been asked")

// Options is how a server is asked.
type Options struct {
	Timeout time.Duration // for one try; default 2 s
	Tries   int           // over UDP; default 2
	Rate    int           // queries begun in a second at most; 0: as many as one likes
	Most    int           // queries in all, tries not counted; 0: as many as one likes
	Now     func() time.Time
}

// A Client asks one server. It is safe for concurrent use.
type Client struct {
	server  netip.AddrPort
	options Options

	mu    sync.Mutex
	next  time.Time // when the next query may begin
	asked int
}

// New makes a Client. It does nothing until it is used.
func New(server netip.AddrPort, o Options) *Client {
	if o.Timeout <= 0 {
		o.Timeout = 2 * time.Second
	}
	if o.Tries <= 0 {
		o.Tries = 2
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Client{server: server, options: o}
}

// Server is whom the Client asks.
func (c *Client) Server() netip.AddrPort { return c.server }

// Asked is how many queries have begun.
func (c *Client) Asked() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked
}

// Ask sends a message over UDP, and again over TCP when the reply is truncated.
func (c *Client) Ask(ctx context.Context, m *dns.Msg) (*Reply, error) {
	r, err := c.Exchange(ctx, m, false)
	if err == nil && r.Msg != nil && r.Msg.Truncated { // RFC 7766 6.2
		return c.Exchange(ctx, m, true)
	}
	return r, err
}

// Exchange sends a message and waits for its reply over one transport, truncated or not.
// The error says that nothing came, or that nothing could be sent.
func (c *Client) Exchange(ctx context.Context, m *dns.Msg, tcp bool) (*Reply, error) {
	query, err := m.Pack()
	if err != nil {
		return nil, fmt.Errorf("query: %w", err)
	}
	if err := c.wait(ctx); err != nil {
		return nil, err
	}
	tries, network, once := c.options.Tries, "udp", exchangeUDP
	if tcp {
		tries, network, once = 1, "tcp", exchangeTCP
	}
	for ; ; tries-- {
		begin := c.options.Now()
		octets, err := c.try(ctx, network, query, once)
		if err == nil {
			return read(octets, tcp, c.options.Now().Sub(begin)), nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if tries <= 1 || !errors.Is(err, os.ErrDeadlineExceeded) {
			return nil, fmt.Errorf("%s over %s: %w", c.server, network, plain(err))
		}
	}
}

// wait counts a query and lets it begin in its turn.
func (c *Client) wait(ctx context.Context) error {
	c.mu.Lock()
	if c.options.Most > 0 && c.asked >= c.options.Most {
		c.mu.Unlock()
		return fmt.Errorf("%w: %d queries", ErrEnough, c.asked)
	}
	c.asked++
	now := c.options.Now()
	begin := now
	if c.options.Rate > 0 {
		if c.next.After(now) {
			begin = c.next
		}
		c.next = begin.Add(time.Second / time.Duration(c.options.Rate))
	}
	c.mu.Unlock()
	if begin == now {
		return ctx.Err()
	}
	timer := time.NewTimer(begin.Sub(now))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// try sends a query once, from a port of its own.
func (c *Client) try(ctx context.Context, network string, query []byte, exchange func(net.Conn, []byte) ([]byte, error)) ([]byte, error) {
	limit, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	var dialer net.Dialer
	conn, err := dialer.DialContext(limit, network, c.server.String())
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	stop := context.AfterFunc(limit, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	return exchange(conn, query)
}

// exchangeUDP leaves out what does not answer the query.
func exchangeUDP(conn net.Conn, query []byte) ([]byte, error) {
	if _, err := conn.Write(query); err != nil {
		return nil, err
	}
	for octets := make([]byte, 65535); ; {
		n, err := conn.Read(octets)
		if err != nil {
			return nil, err
		}
		if answers(octets[:n], query) {
			return octets[:n], nil
		}
	}
}

func exchangeTCP(conn net.Conn, query []byte) ([]byte, error) {
	if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(query))), query...)); err != nil { // RFC 1035 4.2.2
		return nil, err
	}
	for {
		var length [2]byte
		if _, err := io.ReadFull(conn, length[:]); err != nil {
			return nil, err
		}
		octets := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(conn, octets); err != nil {
			return nil, err
		}
		if answers(octets, query) {
			return octets, nil
		}
	}
}

// answers says whether a message is a response with the query's ID.
func answers(octets, query []byte) bool {
	const header, qr = 12, 0x80
	return len(octets) >= header && octets[2]&qr != 0 && octets[0] == query[0] && octets[1] == query[1]
}

// plain is an error of the network in few words.
func plain(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
		return errors.New("no reply")
	}
	if errors.Is(err, io.EOF) {
		return errors.New("the connection was closed without a reply")
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Err
	}
	return err
}
