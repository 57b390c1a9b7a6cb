package resolver

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/transport"
)

const (
	maxTries    = 3 // of one server for one question (RFC 9520 3.1)
	maxOptional = 2 // servers that are asked what can be done without
	maxEmpties  = 3 // servers that must say nothing at all before it is believed

	// maxSent messages for one question, and no other server is asked. The last one
	// may take five: three with EDNS, to get its cookie and over TCP, and two without;
	// 32 in all.
	maxSent = 28

	maxForgeries = 4 // bogus answers of servers before it is the zone that is bogus
	maxInside    = 2 // addresses that are asked of servers whose answers were bogus

	maxComplaints = 3 // that are told
)

// errInVain is in the failure of a poll in which servers were asked.
var errInVain = errors.New("all servers were asked in vain")

// ask puts q to the servers of the zone of c, one after the other, until one says
// something that can be used. A question that can be done without is put to few
// servers, and once.
func (r *Resolver) ask(ctx context.Context, t task, c *cut, q lookup.Question, optional bool) (verdict, error) {
	p := r.newPoll(t, c, q)
	p.optional = optional
	if c.forwards() {
		p.judge = relayed
	}
	v, err := p.run(ctx)
	if err == nil {
		p.tellAnswered(v)
	}
	r.release(p)
	return v, err
}

// release gives p back for the next poll, unless somebody is still at work for it.
func (r *Resolver) release(p *poll) {
	if p.chases.begun == 0 {
		*p = poll{}
		r.polls.Put(p)
	}
}

// run asks until there is something that can be used, unless too many ask the same
// servers. When whoever wanted it has hung up, the looking for name servers ends, too.
func (p *poll) run(ctx context.Context) (verdict, error) {
	defer func() {
		if ctx.Err() == context.Canceled && p.chases.cancel != nil {
			p.chases.cancel()
		}
	}()
	for {
		p.hasty = !p.task.chain && p.r.traffic.dense(p.cut)
		s, err := p.next(ctx)
		if err != nil {
			return p.settle(ctx, err)
		}
		if !p.task.chain && !p.r.traffic.enter(p.cut) { // a chain is waited for by many, and asks for little
			return p.settle(ctx, busy(p.cut.zone))
		}
		p.tellServer(s)
		reply, err := p.r.converse(ctx, p, s)
		if !p.task.chain {
			p.r.traffic.leave(p.cut)
		}
		switch {
		case err == nil:
			if v := p.weigh(s, p.scoped(p.judge(p.cut.zone, p.question, reply))); v.kind != useless {
				v, err := p.proven(ctx, v)
				if !errors.Is(err, errForged) || errors.Is(err, errBudget) {
					p.thank(s)
					p.by = s
					return v, err
				}
				p.complain(s, err)
				if p.forged, p.forgeries = err, p.forgeries+1; p.forgeries == maxForgeries {
					return p.concede(ctx)
				}
			}
		case errors.Is(err, errBudget):
			return p.settle(ctx, err)
		default:
			if isLocal(err) && s.tries == 1 {
				p.asked-- // nothing was sent
			}
			p.complain(s, err)
		}
	}
}

// tellAnswered tells that a server has data of a name itself. What is said of a DS is the parent's
// to say (RFC 4035 3.1.4.1), and what a zone is configured to be is nobody's else.
func (p *poll) tellAnswered(v verdict) {
	denial := v.kind == noData && v.soa.Name != p.cut.zone
	if p.by == nil || v.kind != answer && v.kind != alias && v.kind != redirection && !denial || p.question.Type == lookup.TypeDS || p.cut.via != nil {
		return
	}
	p.r.options.Referred(Referral{Zone: p.cut.zone, Servers: []Server{{Addrs: []netip.Addr{p.by.server.Addr()}}}, Answered: p.question.Name})
}

// thank notes that s was of use, if that was not to be expected.
func (p *poll) thank(s *candidate) {
	if p.doubtful {
		p.r.failures.forget(void(p.cut.zone))
	}
	if p.doubtful || s.lame {
		p.r.health.notLame(s.server, p.cut.zone)
	}
}

// proven is v with its security, when the task wants to know. Of a DS the child says
// nothing that counts, see retreat.
func (p *poll) proven(ctx context.Context, v verdict) (verdict, error) {
	if p.task.proof == nil || p.optional || v.kind == referral || v.childs(p.question) {
		return v, nil
	}
	t := p.task
	t.soft = true
	vetted, err := t.proof(ctx, t, p.question, v)
	t.tellProof(p.question, vetted, err)
	tolerable := p.r.options.Validation.Permissive && !t.chain && errors.Is(err, errForged)
	if tolerable || errors.Is(err, errUnsigned) {
		p.bare = v.kept()
	}
	return vetted, err
}

// childs tells whether v is what the child says about its own DS.
func (v *verdict) childs(q lookup.Question) bool {
	return q.Type == lookup.TypeDS && v.soa.Name == q.Name
}

// concede ends a poll in which no answer has held: what came without signatures may
// be from an unsigned zone after all, and what is bogus may be tolerated.
func (p *poll) concede(ctx context.Context) (verdict, error) {
	if p.bare == nil {
		return verdict{}, p.forged
	}
	return p.task.proof(ctx, p.task, p.question, *p.bare)
}

// poll is one question on its way through the servers of one zone.
type poll struct {
	r        *Resolver
	task     task
	cut      *cut
	question lookup.Question
	optional bool // there are other ways to go on
	doubtful bool // no server of the zone was of any use lately
	hasty    bool // nobody is to be waited for who may not reply, see traffic
	judge    judgement

	servers []*candidate
	first   [4]*candidate // memory for the first of servers, and for what they point to
	room    [4]candidate
	leads   []lead // to the addresses of name servers without any
	spare   []lead // to more, for when all servers that are known have failed
	inside  []lead // to more, by way of servers that have answered, but not what can be believed
	chases  chases
	told    *telling // nil: nothing is told of anybody

	by      *candidate // whose reply was what the poll was for
	asked   int        // servers
	sent    int        // messages
	resort  *verdict   // the best of what nobody would say at first hand
	empties int

	forged    error    // what was wrong with an answer that nobody should believe
	forgeries int      // such answers
	bare      *verdict // one of them, which has no signatures or may be tolerated

	complaints []string // about servers
	network    bool     // all complaints are about the network
	cause      error    // what kept us from finding more servers
}

// judgement tells what a reply of a server of zone to q means.
type judgement func(zone lookup.Name, q lookup.Question, r *transport.Reply) verdict

// candidate is one server of the zone.
type candidate struct {
	server netip.AddrPort
	tries  int
	done   bool // has said what it has to say
	lame   bool // was said to be for the zone

	configured bool // is for a zone that is configured, or for one below it
}

func (r *Resolver) newPoll(t task, c *cut, q lookup.Question) *poll {
	p, _ := r.polls.Get().(*poll)
	if p == nil {
		p = new(poll)
	}
	p.r, p.task, p.cut, p.question, p.judge, p.network = r, t, c, q, classify, true
	if r.options.NoHardenGlue {
		p.judge = gullible
	}
	p.servers, p.told = p.first[:0], p.telling()
	p.gather()
	if len(p.servers) > maxOptional && !c.pinned && !t.cold {
		err := r.failures.recent(void(c.zone), r.options.Now())
		if p.doubtful = err != nil; p.doubtful {
			t.tellFailure(void(c.zone), err)
		}
	}
	return p
}

// void is the question under which it is remembered that no server of zone was of
// any use. That one was, for another question, is found out by asking: so those who
// ask for other names ask few servers, and once, until a useful reply shows that it
// was the question, and nobody can take a zone away by asking what its servers
// refuse.
func void(zone lookup.Name) lookup.Question { return lookup.Question{Name: zone, Type: nonexistent} }

// lastVoid is for how long at most a zone is given no more than a few messages for
// each name, before all its servers get a chance.
const lastVoid = 30 * time.Second

// few tells whether p is not to ask all servers of the zone.
func (p *poll) few() bool { return p.optional || p.doubtful || p.hasty }

// next is the server to ask now. Before any is asked for a second time, those
// that were not known yet are looked for, and before all are given up, those that
// the delegation does not tell of.
func (p *poll) next(ctx context.Context) (*candidate, error) {
	for ctx.Err() == nil && p.sent < maxSent {
		if p.few() && p.asked == maxOptional {
			break
		}
		if s := p.choose(0); s != nil {
			p.asked++
			return s, nil
		}
		if p.search(ctx, &p.leads) {
			continue
		}
		if p.few() && len(p.servers) > 0 {
			break // each once is enough
		}
		for tries := 1; tries < maxTries && ctx.Err() == nil; tries++ {
			if s := p.choose(tries); s != nil {
				return s, nil
			}
		}
		if !p.search(ctx, &p.spare) && (p.forged == nil || !p.search(ctx, &p.inside)) {
			break
		}
	}
	return nil, p.failure(ctx)
}

// choose is the best of the servers that were tried so often, or nil.
func (p *poll) choose(tries int) *candidate {
	open := make([]*candidate, 0, maxServers)
	for _, s := range p.servers {
		if s.tries == tries && !s.done && !(p.hasty && p.r.health.habit(s.server, p.r.options.Now()).silent > 0) {
			open = append(open, s)
		}
	}
	zone := p.cut.zone
	if p.doubtful {
		zone = "" // what they said of other names does not count
	}
	return p.r.health.choose(open, zone, p.r.options.Now())
}

// weigh is v when it can be used at once. Otherwise s is not asked again.
func (p *poll) weigh(s *candidate, v verdict) verdict {
	s.done = true
	p.tellVerdict(s, v)
	switch {
	case v.kind == useless:
		p.complain(s, errors.New(v.why))
		if v.lame && !p.optional {
			p.r.health.lame(s.server, p.cut.zone, p.r.options.Now())
		}
		return v
	case v.kind == empty:
		if p.empties++; p.empties == maxEmpties {
			return v
		}
		if p.resort == nil {
			p.resort = v.kept()
		}
		return verdict{}
	case v.secondHand:
		p.resort = v.kept()
		return verdict{}
	}
	return v
}

// settle ends the poll with the last resort, or with err when there is none.
func (p *poll) settle(ctx context.Context, err error) (verdict, error) {
	p.tellEnd(err)
	if p.forged != nil {
		return p.concede(ctx)
	}
	if p.resort != nil {
		return *p.resort, nil
	}
	if len(p.servers) == 0 && p.chases.begun > 0 && ctx.Err() == nil && p.task.proves(err) && !p.r.overtaken(p.task) {
		p.r.failures.note(unfound(p.cut.zone), err, firstFailure, p.r.options.Now())
	}
	if !p.few() && !isCrowded(err) && p.asked > maxOptional && p.cut.zone != lookup.Root && ctx.Err() != context.Canceled && !errors.Is(err, errBudget) {
		p.r.failures.noteUpTo(lastVoid, void(p.cut.zone), err, firstFailure, p.r.options.Now())
	}
	return verdict{}, err
}

// complain keeps what was wrong with s, for telling why there is no answer.
func (p *poll) complain(s *candidate, err error) {
	p.network = p.network && isNetworkError(err)
	if len(p.complaints) < maxComplaints {
		p.complaints = append(p.complaints, fmt.Sprintf("%s: %v", s.server.Addr(), err))
	}
}

// failure is the error when no server of the zone is left, or no time.
func (p *poll) failure(ctx context.Context) error {
	f := &lookup.Failure{EDE: lookup.EDE{Code: lookup.EDENoReachableAuth}, Cause: p.cause}
	if f.Cause == nil && len(p.complaints) > 0 {
		f.Cause = errInVain
	}
	if p.hasty && len(p.servers) > 0 {
		if len(p.complaints) == 0 {
			return busy(p.cut.zone)
		}
		f.Cause = errBusy // with more time it may have come out otherwise
	}
	if err := ctx.Err(); err != nil {
		f.Cause = err
	}
	switch {
	case len(p.servers) == 0:
		f.EDE.Text = fmt.Sprintf("no address of any server of %s", p.cut.zone)
	case len(p.complaints) == 0:
		f.EDE.Text = fmt.Sprintf("all servers of %s were silent or out of reach lately", p.cut.zone)
	default:
		f.EDE.Text = fmt.Sprintf("no answer from %s: %s", p.cut.zone, strings.Join(p.complaints, ", "))
		if p.network {
			f.EDE.Code = lookup.EDENetworkError
		}
	}
	return f
}
