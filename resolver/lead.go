package resolver

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/transport"
)

// Bounds of looking for the servers of one zone (NXNSAttack).
const (
	maxServers = 16 // addresses
	maxLeads   = 10 // lookups of addresses
	maxBarren  = 5  // name servers that have none

	// leadPatience is how long one name server is looked for before the next one
	// is. The lookup goes on and may have ended when somebody comes back to it.
	leadPatience = 2 * time.Second
)

// lead is a question whose answer may bring a server of the zone.
type lead struct {
	question lookup.Question
	glue     bool // to be put to the zone above, for the glue that it has not given
}

// unfound is the question under which it is remembered that no server of zone
// could be found: those who ask for other names in it need not look again.
func unfound(zone lookup.Name) lookup.Question { return hopQuestion(zone, nonexistent) }

// search follows leads until one brings a new server; false when none does.
func (p *poll) search(ctx context.Context, leads *[]lead) bool {
	if len(p.servers) == 0 {
		if p.cause = p.r.failures.recent(unfound(p.cut.zone), p.r.options.Now()); p.cause != nil {
			p.task.tellFailure(unfound(p.cut.zone), p.cause)
			return false
		}
	}
	for len(*leads) > 0 && p.mayChase() && ctx.Err() == nil {
		l := (*leads)[0]
		*leads = (*leads)[1:]
		p.chased++
		r, err := p.chase(ctx, l)
		switch {
		case err != nil && isCircumstantial(err) && p.cause == nil:
			p.cause = err
			fallthrough
		case err != nil || r.Rcode != lookup.NOERROR:
			p.barren++
			*leads = slices.DeleteFunc(*leads, func(other lead) bool { return other.question.Name == l.question.Name })
		case p.add(addressesIn(r)) > 0:
			p.r.failures.forget(unfound(p.cut.zone))
			if l.glue {
				p.r.cuts.complete(p.cut, r.Answer, p.r.options.Now())
			}
			return true
		case l.glue:
			p.barren++ // one server speaks for all of them
		}
	}
	return false
}

// mayChase tells whether one more lead may be followed for this zone.
func (p *poll) mayChase() bool {
	return p.chased < maxLeads && p.barren < maxBarren && len(p.servers) < maxServers
}

// chase looks an address of a name server up, at the cost of whoever needs it.
func (p *poll) chase(ctx context.Context, l lead) (r *lookup.Response, err error) {
	t, err := p.tellAddress(l).deeper()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, leadPatience)
	defer cancel()
	if l.glue {
		r, err = p.r.glue(ctx, t, p.cut.zone, l.question)
	} else {
		r, err = p.r.follow(ctx, t, l.question)
	}
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return nil, ctx.Err()
	}
	return r, err
}

// glue asks the servers of the zone above for glue that they have left out of the
// referral to zone. What they say goes into the cut and nowhere else: they are not
// the authority for it (RFC 2181 5.4.1).
func (r *Resolver) glue(ctx context.Context, t task, zone lookup.Name, q lookup.Question) (*lookup.Response, error) {
	h, led, err := r.flights.join(ctx, flightKey{question: q, depth: t.depth, glue: true}, t.limit, func(ctx context.Context) (*hop, error) {
		t := t.within(q)
		p := r.newPoll(t, r.closest(ctx, t, hopQuestion(zone, lookup.TypeDS)), q)
		p.judge = glued
		v, err := p.run(ctx)
		if err != nil {
			return nil, err
		}
		return &hop{response: &lookup.Response{Rcode: v.rcode, Answer: v.sets}}, nil
	})
	t.tellFlight(q, led)
	if err != nil {
		return nil, err
	}
	return h.response, nil
}

// glued finds the address that q asks for in what a server of zone says, wherever
// it stands.
func glued(zone lookup.Name, q lookup.Question, r *transport.Reply) verdict {
	if r.Rcode != lookup.NOERROR || !q.Name.IsSubdomainOf(zone) {
		return classify(zone, q, r)
	}
	for _, section := range [...][]lookup.RRset{r.Answer, r.Additional} {
		if s, ok := lookup.Find(section, q.Name, q.Type); ok {
			return verdict{kind: answer, sets: []lookup.RRset{s}}
		}
	}
	return verdict{kind: noData}
}
