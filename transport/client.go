package transport

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

// ErrTimeout says that a server was silent for as long as the attempt lasted.
// It is an os.ErrDeadlineExceeded.
var ErrTimeout = fmt.Errorf("no reply in time: %w", os.ErrDeadlineExceeded)

// Error is an attempt that brought no reply. Its cause is ErrTimeout, the error
// of the context, or what the network said.
type Error struct {
	Server netip.AddrPort
	TCP    bool // which protocol was tried last
	TLS    bool // and whether over TLS
	Sent   int  // messages that may have been sent, at least 1
	Cause  error
}

// Error names server, protocol and cause.
func (e *Error) Error() string {
	protocol := "UDP"
	switch {
	case e.TLS:
		protocol = "TLS"
	case e.TCP:
		protocol = "TCP"
	}
	return fmt.Sprintf("%s over %s: %v", e.Server, protocol, e.Cause)
}

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Options are what can be chosen about a Client. The zero value is a good choice.
type Options struct {
	Timeout    time.Duration // of an attempt that does not bring its own; default 1.5 s
	UDPSize    uint16        // EDNS payload size to offer, in octets; default 1232, which fits every path (RFC 9715 3.2)
	NoCase0x20 bool          // ask in lower case
	NoCookies  bool          // send no DNS cookies (RFC 7873), and take none

	// Sources4 and Sources6 are the addresses to ask from, one of which is taken
	// at random; without any, the system chooses.
	Sources4, Sources6 []netip.Addr

	Idle time.Duration // for which a connection over TLS is kept without queries; default 30 s

	// Rand is where ports, IDs and letter case come from. It must be safe for
	// concurrent use and unpredictable; default crypto/rand.
	Rand io.Reader

	// Now tells the time for measuring round trips; default time.Now. Deadlines
	// are the network's and always take real time.
	Now func() time.Time
}

// Client exchanges messages with servers. It is safe for concurrent use.
type Client struct {
	options Options
	queries sync.Pool // of *query that are over, for their memory
	sockets *sockets
	jar     jar

	sessions sessions
}

// New makes a Client. It starts nothing.
func New(o Options) *Client {
	if o.Timeout == 0 {
		o.Timeout = 1500 * time.Millisecond
	}
	if o.Idle == 0 {
		o.Idle = 30 * time.Second
	}
	if o.UDPSize == 0 {
		o.UDPSize = 1232
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Client{options: o, jar: newJar(), sockets: newSockets()}
}

// Exchange asks the server and returns its reply, whatever its rcode. It asks
// over UDP and, when the server first has to tell its cookie, once more; when the
// reply is truncated or looks forged, it asks over TCP. So it sends at most three
// messages. Over TLS there is nothing but TLS. It returns as soon as ctx ends. Every
// error is an *Error.
func (c *Client) Exchange(ctx context.Context, r Request) (*Reply, error) {
	if r.Timeout == 0 {
		r.Timeout = c.options.Timeout
	}
	r.Server = netip.AddrPortFrom(r.Server.Addr().Unmap(), r.Server.Port())
	if r.TLS != nil {
		reply, sent, err := c.overTLS(ctx, r)
		if err != nil {
			return nil, &Error{Server: r.Server, TCP: true, TLS: true, Sent: sent, Cause: cause(ctx, err)}
		}
		reply.TCP, reply.TLS, reply.Sent = true, true, sent
		return reply, nil
	}
	sent, suspect := 0, false
	for v := unbaked; v == unbaked && sent < 2 && !r.TCP; suspect = v == suspicious {
		sent++
		var reply *Reply
		var err error
		if reply, v, err = c.overUDP(ctx, r); err != nil {
			return nil, &Error{Server: r.Server, Sent: sent, Cause: cause(ctx, err)}
		}
		if v == accepted {
			reply.Sent = sent
			return reply, nil
		}
	}
	sent++
	reply, err := c.overTCP(ctx, r)
	if err != nil {
		return nil, &Error{Server: r.Server, TCP: true, Sent: sent, Cause: cause(ctx, err)}
	}
	reply.TCP, reply.Sent, reply.Suspect = true, sent, suspect
	return reply, nil
}

// cause is what an error of the network comes down to. The end of ctx shows as
// a timeout of the connection, see watch.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		return ErrTimeout
	}
	return err
}

// A watcher makes waiting for a connection fail when a context ends. The zero watcher
// is ready for use, and again when end has returned.
type watcher struct {
	conn interface{ SetDeadline(time.Time) error }
	stop func() bool // nil: the context has the watcher itself
	own  attended
	over sync.WaitGroup
}

// attended is a context that tells by itself when it is cancelled, for which
// context.AfterFunc would need a context in between, two functions and a timer. Attend
// has Ended called in a goroutine of its own when the context is cancelled, and perhaps
// when its deadline has passed; the clock tells whether it has. Dismiss tells whether it
// will not be called.
type attended interface {
	context.Context
	Attend(interface{ Ended() })
	Dismiss(interface{ Ended() }) bool
}

// watch makes waiting for conn fail from the deadline on, and at once when ctx
// ends. The caller must call end before it closes conn; nothing of the watch is
// left when end returns.
func (w *watcher) watch(ctx context.Context, conn interface{ SetDeadline(time.Time) error }, deadline time.Time) {
	w.conn, w.stop, w.own = conn, nil, nil
	w.own, _ = ctx.(attended)
	if w.own != nil {
		if limit, ok := ctx.Deadline(); ok && limit.Before(deadline) {
			deadline = limit
		}
	}
	_ = conn.SetDeadline(deadline) // fails where reading will fail, too
	w.over.Add(1)
	if w.own != nil {
		w.own.Attend(w)
	} else {
		w.stop = context.AfterFunc(ctx, w.Ended)
	}
}

// Ended makes waiting fail.
func (w *watcher) Ended() {
	defer w.over.Done()
	_ = w.conn.SetDeadline(time.Unix(1, 0))
}

func (w *watcher) end() {
	if w.own != nil && w.own.Dismiss(w) || w.own == nil && w.stop() {
		w.over.Done()
	}
	w.over.Wait()
	w.conn, w.stop, w.own = nil, nil, nil
}
