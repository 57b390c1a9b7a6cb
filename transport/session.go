package transport

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Bounds of connections over TLS.
const (
	maxSessions    = 4               // to one server
	maxPipelined   = 32              // queries that wait on one before another one is opened
	maxTickets     = 4               // for resuming, of one server
	connectTimeout = 6 * time.Second // for connecting and proving
)

// errBroken is in the errors of queries that were under way when a connection broke.
var errBroken = errors.New("the connection broke")

// sessionKey says which connections are alike.
type sessionKey struct {
	server netip.AddrPort
	tls    *TLS
}

// sessions are the connections over TLS that are open. They are safe for concurrent
// use.
type sessions struct {
	mu     sync.Mutex
	of     map[sessionKey]*pool
	closed bool // no more are to be opened
	open   sync.WaitGroup
}

// pool is the connections to one server.
type pool struct {
	sessions []*session
	tickets  tls.ClientSessionCache
}

// session is one connection. Whoever has it from take may use it until leave.
type session struct {
	in    *sessions
	key   sessionKey
	idle  time.Duration
	ready chan struct{} // closed when it is connected, or will not be
	over  chan struct{} // closed when it has ended
	conn  *tls.Conn     // good once ready is closed, unless err is set

	ctx    context.Context // of connecting
	cancel context.CancelFunc

	writing sync.Mutex // held over writing a message

	users   int         // guarded by in.mu
	expires *time.Timer // when there are no users; guarded by in.mu

	mu      sync.Mutex
	waiting map[uint16]chan []byte // by message ID
	heard   int                    // messages that have come
	err     error                  // why it has ended
}

// take finds a connection for one more query, or opens one. used tells whether it
// was there before.
func (ss *sessions) take(c *Client, key sessionKey) (s *session, used bool) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	p := ss.of[key]
	if p == nil {
		p = &pool{tickets: tls.NewLRUClientSessionCache(maxTickets)}
		if ss.of == nil {
			ss.of = map[sessionKey]*pool{}
		}
		ss.of[key] = p
	}
	for _, other := range p.sessions {
		if s == nil || other.users < s.users {
			s = other
		}
	}
	if used = s != nil && (s.users < maxPipelined || len(p.sessions) == maxSessions); !used {
		s = &session{
			in: ss, key: key, idle: c.options.Idle,
			ready: make(chan struct{}), over: make(chan struct{}), waiting: map[uint16]chan []byte{},
		}
		s.ctx, s.cancel = context.WithCancel(context.Background())
		if ss.closed {
			s.cancel()
		}
		p.sessions = append(p.sessions, s)
		ss.open.Add(1)
		go s.run(c, p.tickets)
	}
	if s.users++; s.expires != nil {
		s.expires.Stop()
	}
	return s, used
}

// leave gives the connection back.
func (s *session) leave() {
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	s.users--
	switch {
	case s.users > 0:
	case !s.in.has(s):
		s.hangUp() // it was retired
	default:
		s.expires = time.AfterFunc(s.idle, func() {
			s.in.mu.Lock()
			defer s.in.mu.Unlock()
			if s.users == 0 {
				s.drop()
				s.hangUp()
			}
		})
	}
}

// has tells whether queries may still be sent over s; called with mu held.
func (ss *sessions) has(s *session) bool { return slices.Contains(ss.of[s.key].sessions, s) }

// retire keeps further queries from s.
func (s *session) retire() {
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	s.drop()
}

// drop is retire with in.mu held.
func (s *session) drop() {
	p := s.in.of[s.key]
	p.sessions = slices.DeleteFunc(p.sessions, func(other *session) bool { return other == s })
}

// hangUp ends s, as its reader or whoever connects will see.
func (s *session) hangUp() {
	s.cancel()
	select {
	case <-s.ready:
		if s.conn != nil {
			_ = s.conn.NetConn().Close()
		}
	default:
	}
}

// run connects and reads until the connection ends. Nobody gets it from take by
// the time when those who wait hear of the end.
func (s *session) run(c *Client, tickets tls.ClientSessionCache) {
	defer s.in.open.Done()
	defer s.cancel()
	conn, err := c.dialTLS(s.ctx, s.key, tickets)
	if err == nil && s.ctx.Err() != nil {
		_ = conn.NetConn().Close()
		err = net.ErrClosed
	}
	if err != nil {
		s.retire()
		s.err = err
		close(s.ready)
		return
	}
	s.conn = conn
	close(s.ready)
	defer conn.NetConn().Close()
	err = s.read()
	s.retire()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = fmt.Errorf("%w: %w", errBroken, err)
	close(s.over)
}

// read hands messages to those who wait for them, in whatever order they come
// (RFC 7766 6.2.1.1). What nobody waits for is late, as a rule.
func (s *session) read() error {
	for {
		b, err := readMessage(s.conn)
		if err != nil {
			return err
		}
		if len(b) < headerLen {
			return errForeign
		}
		s.mu.Lock()
		s.heard++
		if reply, ok := s.waiting[binary.BigEndian.Uint16(b)]; ok {
			select {
			case reply <- b:
			default: // it has one already
			}
		}
		s.mu.Unlock()
	}
}

// enter gives q an ID that nobody else on the connection has, and waits for it.
func (s *session) enter(q *query) (reply chan []byte, heard int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return nil, 0, s.err
	}
	for s.waiting[q.id] != nil {
		q.id++
	}
	binary.BigEndian.PutUint16(q.message(), q.id)
	reply = make(chan []byte, 1)
	s.waiting[q.id] = reply
	return reply, s.heard, nil
}

// exchange sends q and waits for the reply. A connection on which nothing has come
// while it waited is not used for further queries.
func (s *session) exchange(ctx context.Context, q *query, deadline time.Time) ([]byte, error) {
	reply, heard, err := s.enter(q)
	if err != nil {
		return nil, err
	}
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.waiting, q.id)
	}()
	if err := s.write(q, deadline); err != nil {
		s.retire()
		s.hangUp() // half a message may be there: nothing more can be
		return nil, fmt.Errorf("%w: %w", errBroken, err)
	}
	select {
	case b := <-reply:
		return b, nil
	case <-s.over:
		return nil, s.err
	case <-ctx.Done():
		s.mu.Lock()
		silent := s.heard == heard
		s.mu.Unlock()
		if err := context.Cause(ctx); err != ErrTimeout || !silent {
			return nil, err
		}
		s.retire()
		return nil, ErrTimeout
	}
}

func (s *session) write(q *query, deadline time.Time) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.conn.SetWriteDeadline(deadline); err != nil {
		return err
	}
	_, err := s.conn.Write(q.packet)
	return err
}

// Run keeps connections over TLS until ctx ends, closes them, and returns nil when
// nothing of them is left. Exchange works without it, too: then each connection ends
// when it has been idle for Options.Idle. After Run has ended no more are opened.
func (c *Client) Run(ctx context.Context) error {
	<-ctx.Done()
	ss := &c.sessions
	ss.mu.Lock()
	ss.closed = true
	for _, p := range ss.of {
		for _, s := range p.sessions {
			s.hangUp()
		}
	}
	ss.mu.Unlock()
	ss.open.Wait()
	return nil
}
