package resolver

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/sextant-dns/sextant/lookup"
)

const (
	maxTries   = 3 // of one server for one question (RFC 9520 3.1)
	maxEmpties = 3 // servers that must say nothing at all before it is believed

	maxComplaints = 3 // that are told
)

// ask puts q to the servers of the zone of c, one after the other, until one says
// something that can be used.
func (r *Resolver) ask(ctx context.Context, t task, c *cut, q lookup.Question) (verdict, error) {
	p := r.newPoll(t, c, q)
	for {
		s, err := p.next(ctx)
		if err != nil {
			return p.settle(ctx, err)
		}
		reply, err := r.converse(ctx, p, s)
		switch {
		case err == nil:
			if v := p.weigh(s, classify(c.zone, q, reply)); v.kind != useless {
				return v, nil
			}
		case errors.Is(err, errBudget):
			return p.settle(ctx, err)
		default:
			p.complain(s, err)
		}
	}
}

// poll is one question on its way through the servers of one zone.
type poll struct {
	r        *Resolver
	task     task
	cut      *cut
	question lookup.Question

	servers []*candidate
	leads   []lookup.Question // for the addresses of name servers without any
	chased  int               // leads that were followed
	barren  int               // name servers for which that was in vain

	resort  verdict // the best of what nobody would say at first hand
	empties int

	complaints []string // about servers
	network    bool     // all complaints are about the network
	cause      error    // what kept us from finding more servers
}

// candidate is one address of a server of the zone.
type candidate struct {
	addr  netip.Addr
	tries int
	done  bool // has said what it has to say
}

func (r *Resolver) newPoll(t task, c *cut, q lookup.Question) *poll {
	p := &poll{r: r, task: t, cut: c, question: q, network: true}
	p.gather()
	return p
}

// next is the server to ask now. Before any is asked for a second time, those
// that were not known yet are looked for.
func (p *poll) next(ctx context.Context) (*candidate, error) {
	for ctx.Err() == nil {
		if s := p.choose(0); s != nil {
			return s, nil
		}
		if !p.search(ctx) {
			break
		}
	}
	for tries := 1; tries < maxTries && ctx.Err() == nil; tries++ {
		if s := p.choose(tries); s != nil {
			return s, nil
		}
	}
	return nil, p.failure(ctx)
}

// choose is the best of the servers that were tried so often, or nil.
func (p *poll) choose(tries int) *candidate {
	var open []*candidate
	for _, s := range p.servers {
		if s.tries == tries && !s.done {
			open = append(open, s)
		}
	}
	return p.r.health.choose(open, p.cut.zone, p.r.options.Now())
}

// weigh is v when it can be used at once. Otherwise s is not asked again.
func (p *poll) weigh(s *candidate, v verdict) verdict {
	s.done = true
	switch {
	case v.kind == useless:
		p.complain(s, errors.New(v.why))
		if v.lame {
			p.r.health.lame(s.addr, p.cut.zone, p.r.options.Now())
		}
		return v
	case v.kind == empty:
		if p.empties++; p.empties == maxEmpties {
			return v
		}
		if p.resort.kind == useless {
			p.resort = v
		}
		return verdict{}
	case v.secondHand:
		p.resort = v
		return verdict{}
	}
	return v
}

// settle ends the poll with the last resort, or with err when there is none.
func (p *poll) settle(ctx context.Context, err error) (verdict, error) {
	if p.resort.kind != useless {
		return p.resort, nil
	}
	if len(p.servers) == 0 && p.chased > 0 && ctx.Err() == nil && p.task.proves(err) {
		p.r.failures.note(unfound(p.cut.zone), err, p.r.options.Now())
	}
	return verdict{}, err
}

// complain keeps what was wrong with s, for telling why there is no answer.
func (p *poll) complain(s *candidate, err error) {
	p.network = p.network && isNetworkError(err)
	if len(p.complaints) < maxComplaints {
		p.complaints = append(p.complaints, fmt.Sprintf("%s: %v", s.addr, err))
	}
}

// failure is the error when no server of the zone is left, or no time.
func (p *poll) failure(ctx context.Context) error {
	f := &lookup.Failure{EDE: lookup.EDE{Code: lookup.EDENoReachableAuth}, Cause: p.cause}
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
