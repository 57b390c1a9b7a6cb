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
	underway map[messageKey]*message
}

// messageKey says which messages are the same. The reply to one that was sent before
// a flush is not for those who ask after it.
type messageKey struct {
	request transport.Request // without its Timeout
	epoch   uint64
}

// message is one of them.
type message struct {
	done   chan struct{} // closed when the rest is there to be read; nil while nobody else waits for it
	reply  *transport.Reply
	err    error
	hungUp bool // who sent it did not wait for the reply, so it tells others nothing
}

// exchange sends request through e, or shares the reply to the same message of
// somebody else. It waits for nothing but a reply, so nobody waits in a circle.
func (o *outstanding) exchange(ctx context.Context, e Exchanger, request transport.Request, epoch uint64) (reply *transport.Reply, shared bool, err error) {
	key := messageKey{request, epoch}
	key.request.Timeout = 0
	for {
		m, mine := o.enter(key)
		if mine {
			o.send(ctx, e, request, key, m)
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

// send sends request as m.
func (o *outstanding) send(ctx context.Context, e Exchanger, request transport.Request, key messageKey, m *message) {
	defer o.leave(ctx, key, m)
	m.reply, m.err = e.Exchange(ctx, request)
}

// enter is the message of that key, new and mine if there is none.
func (o *outstanding) enter(key messageKey) (m *message, mine bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if m, ok := o.underway[key]; ok {
		if m.done == nil {
			m.done = make(chan struct{})
		}
		return m, false
	}
	m = new(message)
	o.underway[key] = m
	return m, true
}

func (o *outstanding) leave(ctx context.Context, key messageKey, m *message) {
	m.hungUp = ctx.Err() != nil || m.reply == nil && m.err == nil // the latter: Exchange panicked
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.underway, key)
	if m.done != nil {
		close(m.done)
	}
}
