package server

import (
	"context"
	"net/netip"
	"runtime/debug"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/server/internal/wire"
	"github.com/sextant-dns/sextant/tsig"
)

// Proto is the transport that a query came over.
type Proto uint8

// The transports.
const (
	UDP Proto = iota
	TCP
	TLS // RFC 7858: TCP that nobody can look into
	protos
)

// String is the transport's name in lower case.
func (p Proto) String() string { return [...]string{"udp", "tcp", "tls"}[p] }

// encrypted tells whether padding makes sense (RFC 7830 6).
func (p Proto) encrypted() bool { return p == TLS }

// query is a message that came in, and what is known about it so far. It lives
// on the stack of the one who answers it, or moves into a pending when the
// answer takes time; nothing else may keep a pointer to it.
type query struct {
	wire.Query
	state
}

// state is all of a query that begin makes anew; the rest Parse does.
type state struct {
	msg     []byte
	from    netip.AddrPort
	proto   Proto
	arrived time.Time
	tally   *tally // where it is counted

	generation *generation
	view       int          // index in generation.views; -1: none has been chosen
	subnet     netip.Prefix // of the Client Subnet option; the zero Prefix: none
	within     uint8        // how many bits of subnet decided about the view
	reach      reach        // whom the answer is for; set with the packet that is one
	options    options
	rcode      lookup.Rcode // of the reply, once there is one
	canonical  lookup.Name  // see Name
	key        uint64       // among the packets, once it was looked for there

	signed *tsig.Session     // signs the reply; nil: the query was not signed
	stream func([]byte) bool // takes a message that is not the last of the reply; nil: it cannot be had
}

// begin makes q the message that came then from there, whatever it was before.
func (q *query) begin(msg []byte, from netip.AddrPort, proto Proto, arrived time.Time, tally *tally) {
	// One after the other: put together elsewhere and copied it would take twice as long.
	q.state = state{}
	q.msg, q.from, q.proto, q.arrived, q.tally = msg, from, proto, arrived, tally
}

// Name is the name asked about, in lower case. It is made once, for all who want it.
func (q *query) Name() lookup.Name {
	if q.canonical == "" {
		q.canonical = q.Query.Name()
	}
	return q.canonical
}

// Respond appends the reply to the message msg, which came from there, to dst
// and returns it; nil when there is to be no reply. dst and msg must not
// overlap; nothing of either is kept. It is safe for concurrent use and waits
// for the view's resolver when the packet cache has no answer.
//
// The reply is never longer than the client takes, and a message that is itself
// a reply is never replied to.
func (s *Server) Respond(dst, msg []byte, from netip.AddrPort, proto Proto) []byte {
	var q query
	q.begin(msg, from, proto, s.options.Now(), s.tally)
	reply, done := s.quick(dst, &q)
	if !done {
		reply = s.resolve(context.Background(), dst, &q)
	}
	return reply
}

// quick replies to q if that can be done without waiting. When done is false,
// nothing was appended and resolve has to be called; when reply is nil then,
// there is to be none.
func (s *Server) quick(dst []byte, q *query) (reply []byte, done bool) {
	reply, done, sought := s.read(dst, q)
	if !sought {
		return reply, done
	}
	p, ok := q.generation.packets.get(q)
	return s.conclude(dst, q, &p, ok)
}

// read is the first half of quick: it reads q. When sought is true, nothing was appended,
// and what is among the packets for q has to be brought to conclude.
func (s *Server) read(dst []byte, q *query) (reply []byte, done, sought bool) {
	q.view = -1
	if q.proto == UDP && forbiddenPort(q.from.Port()) {
		q.tally.drop(DropPort)
		return nil, true, false
	}
	verdict := wire.Parse(q.msg, &q.Query)
	switch verdict {
	case wire.Drop:
		if len(q.msg) < wire.HeaderLen {
			q.tally.drop(DropShort)
		} else {
			q.tally.drop(DropResponse)
		}
		return nil, true, false
	case wire.FormErr:
		return s.fail(dst, q, lookup.FORMERR), true, false
	case wire.NotImp:
		s.readCookieAlone(q)
		return s.fail(dst, q, lookup.NOTIMP), true, false
	case wire.BadVers: // whose options may not be what they are in version 0
		return s.fail(dst, q, lookup.BADVERS), true, false
	case wire.Notify, wire.Update:
		if s.options.Zones == nil {
			return s.fail(dst, q, lookup.NOTIMP), true, false
		}
	}
	if q.EDNS && !q.readOptions() {
		q.options = options{} // what it asked for before the mistake
		return s.fail(dst, q, lookup.FORMERR), true, false
	}
	s.checkCookie(q)
	if verdict == wire.Empty {
		return s.cookieOnly(dst, q), true, false
	}
	q.generation = s.generation.Load()
	q.view, q.within = q.generation.view(clientOf(q.from), "", q.subnet)
	if s.among(q, verdict) || s.isSecluded(q) {
		return nil, false, false
	}
	if s.cookies.wants(q) {
		return s.fail(dst, q, lookup.BADCOOKIE), true, false
	}
	if q.view < 0 {
		return s.fail(dst, q, lookup.REFUSED, lookup.EDE{Code: lookup.EDEProhibited}), true, false
	}
	if verdict == wire.Special {
		if p, ok := s.special(q); ok {
			return s.render(dst, q, &p), true, false
		}
	}
	return nil, false, true
}

// conclude is the second half of quick: it replies with p, if there is one.
func (s *Server) conclude(dst []byte, q *query, p *packet, ok bool) (reply []byte, done bool) {
	if ok {
		q.tally.hits.Add(1)
		return s.render(dst, q, p), true
	}
	q.tally.misses.Add(1)
	if _, ours := q.generation.views[q.view].resolver(q.Flags&wire.RD != 0); ours {
		return s.lookNow(dst, q)
	}
	return nil, false
}

// checkCookie finds out what the cookie of q is worth, if there is one, and counts it.
func (s *Server) checkCookie(q *query) {
	if q.options.cookie.To > 0 {
		q.options.trust = s.cookies.check(q)
		q.tally.cookies[q.options.trust].Add(1)
	}
}

// readCookieAlone reads the options of a message that is not understood otherwise. RFC
// 7873 5.2.3 and 5.2.5: a client that sends a cookie has one in every response, and 5.3
// has it discard responses without.
func (s *Server) readCookieAlone(q *query) {
	if q.EDNS && q.Version == 0 && q.readOptions() {
		s.checkCookie(q)
	}
	q.subnet, q.options = netip.Prefix{}, options{cookie: q.options.cookie, trust: q.options.trust}
}

// fail replies with an error of the edge's own.
func (s *Server) fail(dst []byte, q *query, rcode lookup.Rcode, ede ...lookup.EDE) []byte {
	return s.render(dst, q, &packet{rcode: rcode, rare: &rare{ede: ede}})
}

// resolve replies to a q that quick could not reply to.
func (s *Server) resolve(ctx context.Context, dst []byte, q *query) []byte {
	if s.among(q, wire.Plain) || q.Flags.Opcode() != 0 || s.isSecluded(q) {
		return s.serve(ctx, dst, q)
	}
	return s.look(ctx, dst, q)
}

// survive is resolve for those who serve others besides: a panic of ours leaves q without
// a reply, and nobody else.
func (s *Server) survive(ctx context.Context, dst []byte, q *query) (reply []byte) {
	defer func() {
		if cause := recover(); cause != nil {
			s.panicked(q, cause)
			reply = nil // whatever there is of it
		}
	}()
	return s.resolve(ctx, dst, q)
}

// panicked counts and tells a panic on the way to the reply to q. To be called by who has
// recovered from it, for the stack's sake.
func (s *Server) panicked(q *query, cause any) {
	q.tally.panics.Add(1)
	s.options.Log.Error("panic", "name", q.Name(), "type", q.Type, "client", q.from, "cause", cause, "stack", string(debug.Stack()))
}

// lookNow answers from our own zones, unless these would have to wait: then done is false.
func (s *Server) lookNow(dst []byte, q *query) (reply []byte, done bool) {
	resolver, ours := q.generation.views[q.view].resolver(q.Flags&wire.RD != 0)
	response, done := s.ask(context.Background(), resolver, q, true)
	if !done {
		return nil, false
	}
	return s.remember(dst, q, response, ours, q.arrived), true // for which nobody has waited
}

// look asks the view's resolver and remembers the answer.
func (s *Server) look(ctx context.Context, dst []byte, q *query) []byte {
	resolver, ours := q.generation.views[q.view].resolver(q.Flags&wire.RD != 0)
	ctx, cancel := context.WithTimeout(ctx, s.options.Deadline)
	defer cancel()
	response, _ := s.ask(ctx, resolver, q, false)
	return s.remember(dst, q, response, ours, s.options.Now())
}

// remember replies with a response that there was then, and keeps it for others if it may be.
func (s *Server) remember(dst []byte, q *query, response *lookup.Response, ours bool, now time.Time) []byte {
	q.tally.slow.observe(now.Sub(q.arrived))
	q.reach = reach{response.Scope, response.Wanted}
	if ours && (response.Choice != nil || !response.Scope.IsValid()) && !q.generation.packets.again(q) {
		return s.renderOnce(dst, q, response)
	}

	p := s.pack(q, response)
	p.born = now.UnixNano()
	if ours {
		p.traits |= ageless
	}
	if ours && response.Choice != nil {
		q.generation.packets.putChosen(q, p, response)
	} else {
		q.generation.packets.put(q, p, response.Scope, response.TTL())
	}
	return s.render(dst, q, &p)
}

// ask gets a response from the resolver, whatever happens: this is the one place
// that makes SERVFAIL. If it must be prompt, a Prompter may say that it has none yet: then
// done is false.
func (s *Server) ask(ctx context.Context, resolver lookup.Resolver, q *query, prompt bool) (response *lookup.Response, done bool) {
	if resolver == nil {
		return &lookup.Response{Rcode: lookup.REFUSED, EDE: []lookup.EDE{{Code: lookup.EDEProhibited}}}, true
	}
	asked := lookup.Query{
		Question: lookup.Question{Name: q.Name(), Type: q.Type, Class: q.Class, DO: q.DO, CD: q.Flags&wire.CD != 0},
		RD:       q.Flags&wire.RD != 0,
		Client:   clientOf(q.from),
		Subnet:   q.subnet,
	}
	defer func() {
		// A resolver that panics on what some server sent must not take down
		// everybody's service. It is counted, so that somebody looks.
		if cause := recover(); cause != nil {
			s.panicked(q, cause)
			response, done = servfail(lookup.EDE{Code: lookup.EDEOther}), true
		}
	}()
	if p, is := resolver.(Prompter); is && prompt {
		return p.Prompt(asked)
	}
	asked.Budget = lookup.NewBudget(s.options.Limits)
	response, err := resolver.Resolve(ctx, asked)
	if err != nil || response == nil {
		s.options.Log.Debug("no answer", "question", asked.Question.String(), "client", asked.Client, "error", err)
		return servfail(lookup.EDEOf(err)), true
	}
	return response, true
}

func servfail(ede lookup.EDE) *lookup.Response {
	return &lookup.Response{Rcode: lookup.SERVFAIL, EDE: []lookup.EDE{ede}}
}
