package resolver

import (
	"context"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/sextant-dns/sextant/ecs"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/transport"
)

// subnets is what EDNS Client Subnet needs to be remembered (RFC 7871). As long as
// nobody has a policy that tells something, none of it is used, and all hops are
// for everyone.
type subnets struct {
	on     atomic.Bool
	memory *ecs.Memory
	quota  *ecs.Quota
}

// asker is for whom a hop is wanted. A nil *asker is everyone, when nothing is ever
// told of anybody; the zero asker is the resolver itself, when it could be.
type asker struct {
	policy *ecs.Policy
	query  lookup.Query
}

// With is r for clients of whom servers are told what policy says, which may be
// nil. Memory is shared with all others. When the first policy comes that tells
// something, all answers are forgotten: nobody has asked for whom they are.
func (r *Resolver) With(policy *ecs.Policy) lookup.Resolver {
	if policy.On() && !r.subnets.on.Swap(true) {
		r.Flush()
	}
	return lookup.Func(func(ctx context.Context, q lookup.Query) (*lookup.Response, error) {
		return r.resolve(ctx, q, policy, nil)
	})
}

// Until is With, but for aliases that lead to a name which is the caller's to find: the
// response ends with them. leave must be quick and safe for concurrent use.
func (r *Resolver) Until(leave func(target lookup.Name) bool, policy *ecs.Policy) lookup.Resolver {
	with := r.With(policy)
	if leave == nil {
		return with
	}
	return lookup.Func(func(ctx context.Context, q lookup.Query) (*lookup.Response, error) {
		return r.resolve(ctx, q, policy, leave)
	})
}

// asker is who asks q.
func (r *Resolver) asker(q lookup.Query, policy *ecs.Policy) *asker {
	if !r.subnets.on.Load() {
		return nil
	}
	q.Budget, q.Trace = nil, nil
	return &asker{policy: policy, query: q}
}

// audience is whom an answer to q is wanted for.
func (w *asker) audience(q lookup.Question) ecs.Audience {
	if w == nil || w.policy == nil {
		return ecs.Audience{}
	}
	asked := w.query
	asked.Name, asked.Type = q.Name, q.Type
	return w.policy.Audience(asked)
}

// asks is the network by which hops of q are looked up in memory.
func (t task) asks(q lookup.Question) netip.Prefix {
	if t.who == nil {
		return netip.Prefix{}
	}
	return t.who.audience(q).Asks()
}

// itself is what the resolver asks by for itself.
func (r *Resolver) itself() netip.Prefix {
	return task{who: r.asker(lookup.Query{}, nil)}.asks(lookup.Question{})
}

// alone is t for what the resolver wants to know itself, on the way: of the client
// nothing is told (RFC 7871 12.1).
func (t task) alone() task {
	if t.who != nil {
		t.who = &asker{}
	}
	return t
}

// refusesOption is the response to a query whose option may not be passed on, or nil.
func (w *asker) refusesOption(q lookup.Question) *lookup.Response {
	if a := w.audience(q); a.Refused {
		return refusal(lookup.REFUSED, lookup.EDEProhibited, "client subnet: "+string(a.Why)) // RFC 7871 7.5
	}
	return nil
}

// tellOf is whom h, the hop of q, is for in terms of the client.
func (w *asker) tellOf(q lookup.Question, h *hop) ecs.Scope {
	if w == nil {
		return ecs.Scope{}
	}
	return w.audience(q).Tell(h.scope())
}

func (h *hop) scope() ecs.Scope {
	return ecs.Scope{Network: h.response.Scope, Wanted: h.response.Wanted}
}

// scoped is r for those in s alone, and not to be kept by anybody if it is passing.
func scoped(r *lookup.Response, s ecs.Scope, passing bool) *lookup.Response {
	if r.Scope == s.Network && r.Wanted == s.Wanted && (r.Uncacheable || !passing) {
		return r
	}
	narrow := *r
	narrow.Scope, narrow.Wanted, narrow.Uncacheable = s.Network, s.Wanted, r.Uncacheable || passing
	return &narrow
}

// telling is what servers are told for the sake of one poll, and what their replies
// are worth.
type telling struct {
	audience ecs.Audience
	most     int       // bits that are kept apart
	scope    ecs.Scope // of the last reply
}

func (p *poll) telling() *telling {
	who := p.task.who
	if who == nil {
		return nil
	}
	t := &telling{audience: who.audience(p.question)}
	if t.audience.Subnet.IsValid() {
		t.most = who.policy.Most(t.audience.Subnet.Addr())
	}
	return t
}

// mayTell is what s may be told, and why not.
func (p *poll) mayTell(s netip.Addr, known ecs.Known) (netip.Prefix, ecs.Reason) {
	a := p.told.audience
	if !a.Subnet.IsValid() {
		return netip.Prefix{}, a.Why
	}
	zone := p.cut.zone
	if p.cut.forwards() {
		zone = "" // it is not the zone's server
	}
	if why, ok := p.task.who.policy.Trusts(zone, s); !ok {
		return netip.Prefix{}, why
	}
	if known.Server == ecs.No {
		return netip.Prefix{}, ecs.BecauseNoSupport
	}
	return a.Subnet, a.Why
}

// tell asks s and tells it of the client what may be told, or nothing when there is
// nothing to tell. What everyone is to hear is confirmed where it may be forged.
func (p *poll) tell(ctx context.Context, s netip.Addr, last bool, request transport.Request) (*transport.Reply, transport.Request, error) {
	memory, zone, now := p.r.subnets.memory, p.cut.zone, p.r.options.Now()
	known := memory.Recall(zone, s, now)
	var why ecs.Reason
	request.Subnet, why = p.mayTell(s, known)
	unheard := last && request.Subnet.IsValid() // they were all in vain
	if request.Subnet.IsValid() && (request.NoEDNS || last) {
		request.Subnet, why = netip.Prefix{}, ecs.BecauseRetry
	}
	p.tellSubnet(request, why)
	if request.Subnet.IsValid() {
		memory.Note(zone, s, ecs.Sent, now)
	} else {
		p.r.counters.subnets.withhold(why)
	}
	reply, err := p.r.exchange(ctx, p, request)
	if err != nil {
		return nil, request, err
	}
	if unheard {
		memory.Note(zone, s, ecs.Silent, p.r.options.Now())
	}
	if request.Subnet.IsValid() && mayRefuse(reply) {
		reply, request.Subnet = p.withoutSubnet(ctx, request, reply)
	}
	heard := heardIn(request, reply)
	verdict := ecs.Judge(known, heard)
	if verdict == ecs.Confirm {
		reply, heard, verdict = p.confirm(ctx, known, request, reply)
	}
	if request.Subnet.IsValid() && believed(reply) {
		memory.Note(zone, s, ecs.OutcomeOf(heard), p.r.options.Now())
	}
	plain := known.Server == ecs.No || request.NoEDNS || !p.cut.forwards() && ecs.IsDelegating(zone)
	p.told.scope = p.told.audience.Store(heard, verdict, plain, p.told.most)
	return reply, request, nil
}

func heardIn(request transport.Request, r *transport.Reply) ecs.Heard {
	return ecs.Heard{Sent: request.Subnet, Option: r.Subnet, Scope: r.Scope.Bits(), Certain: r.TCP || r.Cookie}
}

// believed tells whether a reply says what the server makes of an option: errors may
// come without one.
func believed(r *transport.Reply) bool {
	return r.Rcode == lookup.NOERROR || r.Rcode == lookup.NXDOMAIN
}

// mayRefuse tells whether an error may be due to the option in the query.
func mayRefuse(r *transport.Reply) bool {
	switch r.Rcode {
	case lookup.REFUSED, lookup.FORMERR, lookup.NOTIMP, lookup.SERVFAIL:
		return true
	}
	return false
}

// withoutSubnet asks once more without the option (RFC 7871 7.3), and is the reply
// that counts with what was told for it.
func (p *poll) withoutSubnet(ctx context.Context, request transport.Request, reply *transport.Reply) (*transport.Reply, netip.Prefix) {
	told := request.Subnet
	request.Subnet = netip.Prefix{}
	plain, err := p.r.exchange(ctx, p, request)
	if err != nil || mayRefuse(plain) {
		return reply, told // it was not the option
	}
	if reply.Rcode != lookup.SERVFAIL {
		p.r.subnets.memory.Note(p.cut.zone, request.Server.Addr(), ecs.Rejected, p.r.options.Now())
	}
	return plain, netip.Prefix{}
}

// confirm asks once more over TCP. When that fails, the reply that came first is
// good for the client and nobody else. The same message of several is sent once.
func (p *poll) confirm(ctx context.Context, known ecs.Known, request transport.Request, reply *transport.Reply) (*transport.Reply, ecs.Heard, ecs.Verdict) {
	p.r.counters.subnets.confirms.Add(1)
	request.TCP = true
	certain, err := p.r.exchange(ctx, p, request)
	if err != nil && ctx.Err() == nil {
		p.r.subnets.memory.Note(p.cut.zone, request.Server.Addr(), ecs.Unconfirmed, p.r.options.Now())
	}
	if err != nil || !believed(certain) {
		return reply, heardIn(request, reply), ecs.ForNetwork
	}
	heard := heardIn(request, certain)
	return certain, heard, ecs.Judge(known, heard)
}

// tellSubnet says what s is told of the client, and why.
func (p *poll) tellSubnet(request transport.Request, why ecs.Reason) {
	if p.task.trace == nil || p.task.who.policy == nil {
		return
	}
	e := lookup.Event{Kind: lookup.EventScope, Name: p.question.Name, Type: p.question.Type, Server: request.Server, Text: "no client subnet: " + string(why)}
	if request.Subnet.IsValid() {
		e.Text = "client subnet " + request.Subnet.String() + ": " + string(why)
	}
	p.task.trace.Add(e)
}

// scoped is v for those alone whom the reply is for that it was made of.
func (p *poll) scoped(v verdict) verdict {
	if p.told == nil {
		return v
	}
	v.scope = p.told.scope
	for i := range v.rest {
		v.rest[i].verdict.scope = v.scope
	}
	return v
}

// admitted is v, not to be kept if whoever it was fetched for has filled its share
// of what is kept for networks, or the zone has.
func (r *Resolver) admitted(t task, at *cut, v verdict, now time.Time) verdict {
	if !v.scope.Network.IsValid() || v.scope.Network.Bits() == 0 || t.who == nil {
		return v
	}
	expires := now.Add(time.Duration(min(v.response().TTL(), r.options.MaxTTL)) * time.Second)
	if v.passing = !r.subnets.quota.Admit(t.who.query.Client, at.zone, expires, now); v.passing {
		r.counters.subnets.unkept.Add(1)
	}
	return v
}
