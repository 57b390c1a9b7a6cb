package attack

import (
	"cmp"
	"context"
	"net/netip"
	"sync"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/message"
	"github.com/sextant-dns/sextant/resolver"
	"github.com/sextant-dns/sextant/transport"
)

// RTT is how long every message takes there and back unless its server says
// otherwise.
const RTT = 10 * time.Millisecond

// day is the TTL, in seconds, of all that shall not expire during an attack.
const day = 86400

// Internet is a programmable authority for everything: servers by address, the
// delegations that lead to them, and a ledger of all messages. It belongs to the
// bubble of testing/synctest that it was made in and is safe for concurrent use
// there.
type Internet struct {
	mu          sync.Mutex
	servers     map[netip.Addr]*host
	delegations map[lookup.Name][]lookup.RRset // NS first, then glue
	next        netip.Addr                     // the next address that nobody has
	ledger      Ledger
	pending     map[lookup.Question]int // messages on their way
}

// host is a Server with what it has seen.
type host struct {
	server Server
	nth    int
}

// NewInternet makes an Internet of a root and the TLDs com, net and org, which
// know of no zone yet.
func NewInternet() *Internet {
	n := &Internet{
		servers:     map[netip.Addr]*host{},
		delegations: map[lookup.Name][]lookup.RRset{},
		next:        netip.MustParseAddr("198.18.0.1"), // RFC 2544: for tests of this kind
		pending:     map[lookup.Question]int{},
	}
	n.Turn()
	n.Serve(n.parent(lookup.Root))
	for _, tld := range []string{"com.", "net.", "org."} {
		n.Zone(tld, n.parent(lookup.MustName(tld)))
	}
	return n
}

// Hints is where the root is.
func (n *Internet) Hints() []resolver.Server {
	return []resolver.Server{{Name: lookup.MustName("a.root."), Addrs: []netip.Addr{netip.MustParseAddr("198.18.0.1")}}}
}

// Serve puts a server on an address of its own.
func (n *Internet) Serve(s Server) netip.Addr {
	n.mu.Lock()
	defer n.mu.Unlock()
	addr := n.next
	n.next = addr.Next()
	n.servers[addr] = &host{server: s}
	return addr
}

// Zone puts a server on an address of its own and has the parent of the zone
// delegate it there, with glue.
func (n *Internet) Zone(apex string, s Server) netip.Addr {
	addr := n.Serve(s)
	n.Delegate(NS(apex, day, "ns."+apex), A("ns."+apex, day, addr))
	return addr
}

// Address is the address that the glue of some delegation gives a name server.
func (n *Internet) Address(host string) netip.Addr {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, d := range n.delegations {
		if glue, ok := lookup.Find(d[1:], lookup.MustName(host), lookup.TypeA); ok {
			addr, _ := netip.AddrFromSlice([]byte(glue.Data.First()))
			return addr
		}
	}
	return netip.Addr{}
}

// Delegate has the parent of the zone that owns ns refer to it like that, in
// place of what it said before.
func (n *Internet) Delegate(ns lookup.RRset, glue ...lookup.RRset) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.delegations[ns.Name] = append([]lookup.RRset{ns}, glue...)
}

// Revoke has the parent of a zone forget it: its name does not exist any more.
func (n *Internet) Revoke(apex string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.delegations, lookup.MustName(apex))
}

// parent is an honest server of a zone that consists of delegations.
func (n *Internet) parent(apex lookup.Name) Server {
	return func(m Message) Act {
		n.mu.Lock()
		defer n.mu.Unlock()
		name := m.Question.Name
		for labels := apex.Labels() + 1; labels <= name.Labels(); labels++ {
			if d, ok := n.delegations[name.Suffix(labels)]; ok {
				return Refer(d[0], d[1:]...)
			}
		}
		return Deny(apex.String())
	}
}

// Exchange carries a message to a server and brings back what it says, as
// transport.Client does: what is too large for UDP is asked for again over TCP.
// Nobody replies at an address without a server.
func (n *Internet) Exchange(ctx context.Context, r transport.Request) (*transport.Reply, error) {
	start := time.Now()
	for sent := 1; ; sent++ {
		reply, err := n.carry(ctx, r)
		switch {
		case err != nil:
			return nil, &transport.Error{Server: r.Server, TCP: r.TCP, Sent: sent, Cause: err}
		case !r.TCP && (reply.TC || reply.Size > room(r)):
			r.TCP = true
			continue
		}
		reply.TCP, reply.Sent, reply.RTT = r.TCP, sent, time.Since(start)
		return reply, nil
	}
}

// carry carries one message there and its reply back.
func (n *Internet) carry(ctx context.Context, r transport.Request) (*transport.Reply, error) {
	timeout := cmp.Or(r.Timeout, 1500*time.Millisecond)
	act := n.arrive(r)
	defer n.leave(r)
	switch err := pause(ctx, min(act.after(), timeout)); {
	case err != nil:
		return nil, err
	case act.Err != nil:
		return nil, act.Err
	case act.Reply == nil || act.after() > timeout:
		return nil, transport.ErrTimeout
	}
	reply := *act.Reply
	reply.EDNS = !r.NoEDNS && !act.Plain
	reply.Size = size(r, act.Reply)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ledger.Octets += reply.Size
	return &reply, nil
}

// arrive enters a message into the ledger and asks its server.
func (n *Internet) arrive(r transport.Request) Act {
	n.mu.Lock()
	h, there := n.servers[r.Server.Addr()]
	n.pending[r.Question]++
	n.ledger.enter(r, there, n.pending[r.Question])
	m := Message{Request: r}
	if there {
		h.nth++
		m.Nth = h.nth
	}
	n.mu.Unlock()
	if !there {
		return Silence()
	}
	return h.server(m)
}

// leave notes that a message is not on its way any more.
func (n *Internet) leave(r transport.Request) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.pending[r.Question]--; n.pending[r.Question] == 0 {
		delete(n.pending, r.Question)
	}
}

// Turn closes the page of the ledger that was being written and begins a new one.
func (n *Internet) Turn() Ledger {
	n.mu.Lock()
	defer n.mu.Unlock()
	page := n.ledger
	n.ledger = newLedger()
	return page
}

// Settle waits until nothing is on its way any more and nobody sends anything
// further. It has to be called in the bubble that n belongs to.
func (n *Internet) Settle() {
	for quiet := 0; quiet < 2; {
		time.Sleep(RTT)
		synctest.Wait()
		n.mu.Lock()
		quiet++
		if len(n.pending) > 0 {
			quiet = 0
		}
		n.mu.Unlock()
	}
}

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// room is how large a reply over UDP may be, in octets.
func room(r transport.Request) int {
	if r.NoEDNS {
		return 512 // RFC 1035 4.2.1
	}
	return 1232 // RFC 9715 3
}

// size is the octets that reply has as a message.
func size(r transport.Request, reply *transport.Reply) int {
	q := message.Question{Raw: string(r.Question.Name), Name: r.Question.Name, Type: r.Question.Type, Class: r.Question.Class}
	response := &lookup.Response{Answer: reply.Answer, Authority: reply.Authority, Additional: reply.Additional}
	b, _ := message.AppendResponse(nil, message.Header{}, q, response, true)
	return len(b)
}
