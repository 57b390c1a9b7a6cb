package resolver

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/transport"
)

// Exchange is what became of one message to a server.
type Exchange struct {
	Server   netip.AddrPort
	Zone     lookup.Name // for which it was asked
	Question lookup.Question
	RTT      time.Duration // until the reply, or until the attempt ended
	Rcode    lookup.Rcode  // meaningful when Err is nil
	TCP      bool
	Err      error
}

// wireQuestion is q as servers are asked. DO is always set, so that what is
// remembered serves those who want DNSSEC, too; CD never is: servers of zones do
// not validate.
func wireQuestion(q lookup.Question) lookup.Question {
	q.DO, q.CD = true, false
	return q
}

// converse asks s, without EDNS when it is known or seems to choke on it
// (RFC 6891 6.2.2).
func (r *Resolver) converse(ctx context.Context, p *poll, s *candidate) (*transport.Reply, error) {
	habit := r.health.habit(s.server, r.options.Now())
	request := transport.Request{
		Server:   s.server,
		Question: wireQuestion(p.question),
		RD:       p.cut.forwards(),
		NoEDNS:   habit.plain || !habit.edns && s.tries == maxTries-1,
		Timeout:  p.patience(s, habit),
	}
	if p.cut.pinned {
		request.TCP, request.TLS = p.cut.via.TCP, p.cut.via.TLS
	}
	s.tries++
	reply, request, err := p.converse(ctx, s, request)
	if err == nil && !request.NoEDNS && chokes(reply) {
		request.NoEDNS, request.Subnet = true, netip.Prefix{}
		reply, err = r.exchange(ctx, p, request)
	}
	if err == nil {
		r.health.spoke(s.server, reply, request.NoEDNS, r.options.Now())
	}
	return reply, err
}

// Bounds of the patience with a server that takes longer than others.
const (
	slowest   = 3                      // times Options.Timeout
	inAdvance = 100 * time.Millisecond // of the deadline, for telling a client why there is no answer
)

// patience is how long to wait for s now: longer after each silence, of its own
// or towards others (RFC 6298 5.5), and no longer than Options.Timeout as a rule. But
// a server that is slow, or silent for the last time, is given more when there is
// nobody else to ask, as long as a client waits: or it would never be heard at all.
func (p *poll) patience(s *candidate, h habit) time.Duration {
	longest := p.r.options.Timeout
	doubled := max(s.tries, h.silent)
	last := doubled >= maxTries-1 && !p.optional || p.doubtful && p.asked == maxOptional
	if (last || h.timeout > longest) && !p.hasFresh(s) {
		longest *= slowest
		if left := time.Until(p.task.client) - inAdvance; left > p.r.options.Timeout/2 {
			longest = min(longest, left)
		}
	}
	return min(h.timeout<<min(doubled, maxTries), longest)
}

// hasFresh tells whether there are servers beside s that have not been asked and
// were not silent lately, or that may yet be found.
func (p *poll) hasFresh(s *candidate) bool {
	if p.doubtful && p.asked == maxOptional {
		return false
	}
	now := p.r.options.Now()
	return len(p.leads) > 0 || slices.ContainsFunc(p.servers, func(c *candidate) bool {
		return c != s && c.tries == 0 && !c.done && p.r.health.habit(c.server, now).silent == 0
	})
}

// converse asks s what it is asked for, and tells it of the client what it may know.
// The last of the attempts tells nothing: there are those who drop what they do not
// know (RFC 7871 12.1).
func (p *poll) converse(ctx context.Context, s *candidate, request transport.Request) (*transport.Reply, transport.Request, error) {
	if p.told == nil {
		reply, err := p.r.exchange(ctx, p, request)
		return reply, request, err
	}
	return p.tell(ctx, s.server.Addr(), s.tries == maxTries, request)
}

// chokes tells whether a reply may be due to the OPT in the query. A server that
// knows EDNS would have put an OPT into it, except for BADVERS.
func chokes(r *transport.Reply) bool {
	switch r.Rcode {
	case lookup.FORMERR, lookup.NOTIMP:
		return !r.EDNS
	}
	return r.Rcode == lookup.BADVERS
}

// exchange sends one message, pays for it, and remembers how the server did.
func (r *Resolver) exchange(ctx context.Context, p *poll, request transport.Request) (*transport.Reply, error) {
	if !p.task.budget.Upstream() {
		p.task.tellBudget("messages")
		return nil, errBudget
	}
	start := r.options.Now()
	reply, shared, err := r.outstanding.exchange(ctx, r.options.Exchanger, request, p.task.epoch)
	if shared {
		p.sent++
		p.tellExchange(request, reply, shared, r.options.Now().Sub(start), err)
		return reply, err // whoever sent it has remembered how the server did
	}
	now := r.options.Now()
	event := Exchange{Server: request.Server, Zone: p.cut.zone, Question: request.Question, RTT: now.Sub(start), Err: err}
	sent := 1
	if err == nil {
		event.Rcode, event.TCP, sent = reply.Rcode, reply.TCP, reply.Sent
		if reply.RTT > 0 {
			event.RTT = reply.RTT
		}
	} else if e, ok := errors.AsType[*transport.Error](err); ok {
		event.TCP, sent = e.TCP, e.Sent
	}
	p.tellExchange(request, reply, shared, event.RTT, err)
	p.sent += sent
	for ; sent > 1; sent-- {
		p.task.budget.Upstream() // what the transport has sent already counts, even if too much
	}
	r.counters.exchanged(event)
	if request.Subnet.IsValid() {
		r.counters.subnets.sent.Add(1)
	}
	r.options.Observe(event)
	switch {
	case err == nil:
		r.health.replied(request.Server, event.RTT, now)
	case ctx.Err() != nil: // we hung up, which is no fault of the server
	case isLocal(err):
		r.health.unreachable(request.Server, now)
	default:
		r.health.failed(request.Server, start, now)
	}
	return reply, err
}

// isTimeout tells whether err is nothing but silence.
func isTimeout(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded)
}

// isNetworkError tells whether err came from the network: neither from a server's
// reply nor from its silence.
func isNetworkError(err error) bool {
	_, ok := errors.AsType[net.Error](err)
	return ok && !isTimeout(err)
}

// isLocal tells whether err means that this host has no way to any address of
// that family, in which case nothing was sent.
func isLocal(err error) bool {
	e, ok := errors.AsType[*net.OpError](err)
	return ok && e.Op == "dial" &&
		(errors.Is(err, syscall.ENETUNREACH) || errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT))
}
