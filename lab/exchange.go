package lab

import (
	"context"
	"net/netip"
	"syscall"
	"time"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/authoritative"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/transport"
)

// What fits into a reply over UDP, in octets.
const (
	plainUDP = 512  // RFC 1035 4.2.1
	ednsUDP  = 1232 // RFC 9715 3
)

// Exchange asks the server at an address, as transport.Client would: over UDP,
// and again over TCP when the reply does not fit. Nobody is at addresses that
// serve no zone, and nothing listens but on port 53. Every error is a
// *transport.Error.
func (n *Internet) Exchange(ctx context.Context, r transport.Request) (*transport.Reply, error) {
	r.Server = netip.AddrPortFrom(r.Server.Addr().Unmap(), r.Server.Port())
	if r.Timeout == 0 {
		r.Timeout = n.options.Timeout
	}
	e := exchange{internet: n, request: r, tcp: r.TCP}
	reply, err := e.run(ctx)
	if err != nil {
		return nil, &transport.Error{Server: r.Server, TCP: e.tcp, Sent: max(e.sent, 1), Cause: err}
	}
	return reply, nil
}

// exchange is one Request on its way.
type exchange struct {
	internet *Internet
	request  transport.Request
	tcp      bool
	sent     int
}

func (e *exchange) run(ctx context.Context) (*transport.Reply, error) {
	addr := e.request.Server.Addr()
	server, there := e.internet.servers[addr]
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case !there:
		return nil, syscall.EHOSTUNREACH
	case e.request.Server.Port() != 53:
		return nil, syscall.ECONNREFUSED
	}
	fault := e.internet.fault(addr)
	rtt, err := e.travel(ctx, fault)
	if err != nil {
		return nil, err
	}
	reply, err := ask(ctx, server, fault, e.request)
	if err != nil {
		return nil, err
	}
	room := ednsUDP
	if e.request.NoEDNS {
		room = plainUDP
	}
	if !e.tcp && reply.Size > room {
		e.tcp = true
		if rtt, err = e.travel(ctx, fault); err != nil {
			return nil, err
		}
	}
	reply.TCP, reply.Sent, reply.RTT = e.tcp, e.sent, rtt
	return reply, nil
}

// travel is a message's way to the server and back. It ends early with the
// attempt's timeout or ctx.
func (e *exchange) travel(ctx context.Context, fault Fault) (rtt time.Duration, err error) {
	e.sent++
	if latency := e.internet.options.Latency; latency != nil {
		rtt = latency(e.request.Server.Addr())
	}
	if e.tcp {
		rtt *= 2 // the handshake is a round trip, too
	}
	if fault == Slow {
		rtt += slowness
	}
	if fault == Silent || rtt >= e.request.Timeout {
		if err := e.wait(ctx, e.request.Timeout); err != nil {
			return 0, err
		}
		return 0, transport.ErrTimeout
	}
	return rtt, e.wait(ctx, rtt)
}

func (e *exchange) wait(ctx context.Context, d time.Duration) error {
	if e.internet.options.Instant {
		d = 0
	}
	return wait(ctx, d)
}

// wait waits for d, or until ctx ends.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// ask has the server answer, or fail, as far as its fault lets it.
func ask(ctx context.Context, server *authoritative.Authority, fault Fault, r transport.Request) (*transport.Reply, error) {
	response, ok := fault.response(server, r.Question)
	if !ok {
		var err error
		response, err = server.Resolve(ctx, lookup.Query{Question: r.Question, RD: r.RD})
		if err != nil {
			return nil, err
		}
	}
	reply := &transport.Reply{
		Rcode:      response.Rcode,
		AA:         response.AA,
		Answer:     response.Answer,
		Authority:  response.Authority,
		Additional: response.Additional,
		EDNS:       !r.NoEDNS,
	}
	if reply.EDNS {
		reply.EDE = response.EDE
	}
	var err error
	reply.Size, err = size(r, reply)
	return reply, err
}

// size is the octets that the reply would have as a message, EDE left out.
func size(r transport.Request, reply *transport.Reply) (int, error) {
	m := dns.Msg{Compress: true}
	m.SetQuestion(r.Question.Name.String(), uint16(r.Question.Type))
	for _, s := range []struct {
		sets []lookup.RRset
		into *[]dns.RR
	}{{reply.Answer, &m.Answer}, {reply.Authority, &m.Ns}, {reply.Additional, &m.Extra}} {
		for _, set := range s.sets {
			for rdata := range set.Data.All() {
				rr, err := lookup.UnpackRR(set.Name, set.Type, set.TTL, rdata)
				if err != nil {
					return 0, err
				}
				*s.into = append(*s.into, rr)
			}
		}
	}
	if reply.EDNS {
		m.SetEdns0(ednsUDP, r.Question.DO)
	}
	return m.Len(), nil
}
