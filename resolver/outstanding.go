package resolver

import (
	"context"
	"sync"

	"github.com/sextant-dns/sextant/transport"
)

// outstanding is the messages that are under way. One message to one server is
// there once: whoever wants to send the same waits for its reply, for each copy
// under way would be one more chance for a forged reply (RFC 5452 5). Flights alone
// do not see to that, since one question may be in the air at several depths.
type outstanding struct {
	mu       sync.Mutex
	underway map[transport.Request]*message
}

// message is one of them.
type message struct {
	done   chan struct{} // closed when the rest is there to be read
	reply  *transport.Reply
	err    error
	hungUp bool // who sent it did not wait for the reply, so it tells others nothing
}

// exchange sends request through e, or shares the reply to the same message of
// somebody else. It waits for nothing but a reply, so nobody waits in a circle.
func (o *outstanding) exchange(ctx context.Context, e Exchanger, request transport.Request) (reply *transport.Reply, shared bool, err error) {
	key := request
	key.Timeout = 0
	for {
		m, mine := o.enter(key)
		if mine {
			defer o.leave(ctx, key, m)
			m.reply, m.err = e.Exchange(ctx, request)
			return m.reply, false, m.err
		}
		select {
		case <-m.done:
			if !m.hungUp {
				return m.reply, true, m.err
			}
		case <-ctx.Done():
			return nil, true, ctx.Err()
		}
	}
}

// enter is the message of that key, new and mine if there is none.
func (o *outstanding) enter(key transport.Request) (m *message, mine bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if m, ok := o.underway[key]; ok {
		return m, false
	}
	m = &message{done: make(chan struct{})}
	o.underway[key] = m
	return m, true
}

func (o *outstanding) leave(ctx context.Context, key transport.Request, m *message) {
	m.hungUp = ctx.Err() != nil || m.reply == nil && m.err == nil // the latter: Exchange panicked
	o.mu.Lock()
	delete(o.underway, key)
	o.mu.Unlock()
	close(m.done)
}
