package scenario

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/sextant-dns/sextant/ecs"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/message"
	"github.com/sextant-dns/sextant/transport"
)

// ErrOver is the error of exchanges after the end of the story.
var ErrOver = errors.New("the story is over")

// Network is the Internet of a story. Its Exchange asks the story's servers; an
// exchange that no entry answers stays pending. It belongs to the bubble that it
// was made in and is safe for concurrent use there.
type Network struct {
	story   *Story
	journal *journal
	arrived chan struct{} // has an element when an exchange came since it was last looked at

	// patient exchanges wait for ever: the story says which of them time out.
	patient bool

	mu      sync.Mutex
	pending []*exchange // oldest first
	sent    int         // messages
	over    bool
}

// exchange is one message that somebody sent to a server.
type exchange struct {
	server netip.AddrPort
	tcp    bool
	query  *Packet
	fate   *string // what became of it, for the journal
	done   chan outcome
}

type outcome struct {
	packet *Packet // nil if there was no reply
	entry  *Entry  // which one packet is from
	err    error
}

func newNetwork(s *Story, j *journal) *Network {
	return &Network{story: s, journal: j, patient: s.Whitebox(), arrived: make(chan struct{}, 1)}
}

// Exchange sends a message to a server of the story and waits for its reply as
// transport.Client does: at most the request's timeout, or 1.5 s.
func (n *Network) Exchange(ctx context.Context, r transport.Request) (*transport.Reply, error) {
	start := time.Now()
	tcp := r.TCP
	for sent := 1; ; sent++ {
		failed := func(err error) (*transport.Reply, error) {
			return nil, &transport.Error{Server: r.Server, TCP: tcp, Sent: sent, Cause: err}
		}
		out := n.send(ctx, r, tcp)
		if out.err != nil {
			return failed(out.err)
		}
		// A story whose entry speaks of UDP has another one for TCP. In all other
		// stories a truncated reply is one that TCP could not help.
		if out.packet.Header.TC && !tcp && out.entry.Match&matchUDP != 0 {
			tcp = true
			continue
		}
		reply, err := replyOf(r, out.packet)
		if err != nil {
			return failed(err)
		}
		reply.TCP, reply.Sent = tcp || reply.TC, sent
		// Nobody is quicker than a millisecond; zero would look unmeasured.
		reply.RTT = max(time.Since(start), time.Millisecond)
		return reply, nil
	}
}

// send adds an exchange to those pending and waits until something becomes of it.
func (n *Network) send(ctx context.Context, r transport.Request, tcp bool) outcome {
	x := &exchange{server: r.Server, tcp: tcp, query: queryOf(r), done: make(chan outcome, 1)}
	n.mu.Lock()
	if n.over {
		n.mu.Unlock()
		return outcome{err: ErrOver}
	}
	x.fate = n.journal.addf("asked %s", x)
	*x.fate = " -> no entry answers"
	n.pending = append(n.pending, x)
	n.sent++
	n.mu.Unlock()
	select {
	case n.arrived <- struct{}{}:
	default:
	}

	var expired <-chan time.Time
	if !n.patient {
		timeout := r.Timeout
		if timeout == 0 {
			timeout = 1500 * time.Millisecond
		}
		timer := time.NewTimer(timeout)
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case out := <-x.done:
		return out
	case <-expired:
		return n.giveUp(x, transport.ErrTimeout, "timed out")
	case <-ctx.Done():
		return n.giveUp(x, ctx.Err(), "given up")
	}
}

// giveUp takes x out of those pending, unless its fate was decided meanwhile.
func (n *Network) giveUp(x *exchange, err error, how string) outcome {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.remove(x) {
		return <-x.done
	}
	*x.fate += ", " + how + " at " + n.journal.clock()
	return outcome{err: err}
}

// remove is called with mu held.
func (n *Network) remove(x *exchange) bool {
	i := slices.Index(n.pending, x)
	if i < 0 {
		return false
	}
	n.pending = slices.Delete(n.pending, i, i+1)
	return true
}

// String is the exchange's query in one line.
func (x *exchange) String() string {
	q, words := x.query.Asked(), "udp"
	if x.tcp {
		words = "tcp"
	}
	switch opt := x.query.OPT; {
	case opt == nil:
		words += ", no EDNS"
	case opt.DO:
		words += ", do"
	}
	if x.query.OPT != nil && x.query.OPT.Data != "" {
		words += fmt.Sprintf(", options %x", x.query.OPT.Data)
	}
	if flags := flagNames(x.query.Header); flags != "" {
		words += ", " + flags
	}
	return fmt.Sprintf("%s  %s %s (%s)", x.server.Addr(), lookup.Presentation(q.Name), q.Type, words)
}

// answerOne lets the newest pending exchange that an entry of an active range
// fits have its reply. It tells whether there was one.
func (n *Network) answerOne(step int) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, x := range slices.Backward(n.pending) {
		if e := n.story.entryFor(step, x); e != nil {
			n.deliver(x, e)
			return true
		}
	}
	return false
}

// entryFor is the first entry that fits, the ranges at the end of the file first.
func (s *Story) entryFor(step int, x *exchange) *Entry {
	for i := range s.Ranges {
		r := &s.Ranges[len(s.Ranges)-1-i]
		if !r.covers(step, x.server) {
			continue
		}
		for _, e := range r.Entries {
			if len(e.Differences(x.query, x.tcp, Comparison{})) == 0 {
				return e
			}
		}
	}
	return nil
}

// deliver is called with mu held.
func (n *Network) deliver(x *exchange, e *Entry) {
	n.remove(x)
	p := e.adjusted(x.query)
	*x.fate = fmt.Sprintf(" -> line %d: %s", e.Line, p.summary())
	x.done <- outcome{packet: p, entry: e}
}

// newestLike is the newest pending exchange that fits the entry and goes to
// server, if that is valid.
func (n *Network) newestLike(e *Entry, server netip.Addr) *exchange {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, x := range slices.Backward(n.pending) {
		if (!server.IsValid() || server == x.server.Addr()) && len(e.Differences(x.query, x.tcp, Comparison{})) == 0 {
			return x
		}
	}
	return nil
}

// reply answers a pending exchange with e.
func (n *Network) reply(x *exchange, e *Entry) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if slices.Contains(n.pending, x) {
		n.deliver(x, e)
	}
}

// replyNewest answers the newest pending exchange with e, or makes it fail with
// err; false when nothing is pending.
func (n *Network) replyNewest(e *Entry, err error) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.pending) == 0 {
		return false
	}
	x := n.pending[len(n.pending)-1]
	if e != nil {
		n.deliver(x, e)
		return true
	}
	n.remove(x)
	*x.fate = " -> " + err.Error()
	x.done <- outcome{err: err}
	return true
}

// count is how many messages have been sent to servers so far.
func (n *Network) count() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.sent
}

// close makes all exchanges, also those to come, fail.
func (n *Network) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.over = true
	for _, x := range n.pending {
		x.done <- outcome{err: ErrOver}
	}
	n.pending = nil
}

// queryOf is the message that the server sees, its ID left at 0.
func queryOf(r transport.Request) *Packet {
	p := &Packet{
		Header:   message.Header{RD: r.RD, CD: r.Question.CD},
		Question: []RR{{Name: string(r.Question.Name), Type: r.Question.Type, Class: r.Question.Class}},
	}
	if r.NoEDNS {
		return p
	}
	p.OPT = &OPT{Size: 1232, DO: r.Question.DO}
	if r.Subnet.IsValid() {
		data := ecs.Option{Source: r.Subnet}.Data()
		p.OPT.Data = string([]byte{0, byte(message.OptionSubnet), 0, byte(len(data))}) + data
	}
	return p
}

// replyOf is what transport makes of the packet. What transport would drop, so
// that it would wait in vain, is a timeout here at once.
func replyOf(r transport.Request, p *Packet) (*transport.Reply, error) {
	wire := p.Bytes()
	m, err := message.Decode(wire)
	if err != nil || !m.QR || !echoes(r.Question, m) {
		return nil, transport.ErrTimeout
	}
	reply := &transport.Reply{
		Rcode: m.Rcode, AA: m.AA, TC: m.TC, RA: m.RA, AD: m.AD, EDNS: m.OPT != nil, Size: len(wire),
		Answer: m.Answer, Authority: m.Authority, Additional: m.Additional, Misfits: m.Misfits,
	}
	if m.OPT == nil {
		return reply, nil
	}
	for _, o := range m.OPT.Options {
		if e, ok := o.EDE(); ok {
			reply.EDE = append(reply.EDE, e)
		}
		if o.Code != message.OptionSubnet || !r.Subnet.IsValid() {
			continue
		}
		said, err := ecs.Parse(o.Data)
		if err != nil || said.NoFamily || reply.Subnet || said.Source != r.Subnet.Masked() { // RFC 7871 11.2
			return nil, transport.ErrTimeout
		}
		reply.Subnet, reply.Scope = true, netip.PrefixFrom(said.Source.Addr(), int(said.Scope))
	}
	return reply, nil
}

// echoes tells whether the reply repeats the question, or is an error without one.
func echoes(q lookup.Question, m *message.Message) bool {
	if len(m.Question) == 0 {
		return m.TC || m.Rcode != lookup.NOERROR && m.Rcode != lookup.NXDOMAIN
	}
	got := m.Question[0]
	return len(m.Question) == 1 && got.Name == q.Name && got.Type == q.Type && got.Class == q.Class
}
