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

	// leadHedge is how long it takes until another lead is followed beside those that
	// are under way. Most are followed to their end before, and cost nothing more.
	leadHedge = 50 * time.Millisecond

	// maxAloft is how many leads are followed at once as long as no address is known
	// and no name server was looked for in vain: both families of one and another one
	// as a rule. It is one less for each level that lies between them and a client.
	maxAloft = 3
)

// lead is a question whose answer may bring a server of the zone.
type lead struct {
	question lookup.Question
	glue     bool // to be put to the zone above, for the glue that it has not given
}

// chase is a lead that is being followed, or what has come of it.
type chase struct {
	lead
	response *lookup.Response
	err      error
}

// chases are those of one poll. They belong to its goroutine; only done is shared
// with those who do the looking up.
type chases struct {
	begun  int           // leads that were followed
	aloft  int           // of them, those that have not come back
	barren []lookup.Name // name servers for which that was in vain
	done   chan chase    // with room for all, so that nobody who comes late has to wait
	ctx    context.Context
	cancel context.CancelFunc // of ctx
}

// unfound is the question under which it is remembered that no server of zone
// could be found: those who ask for other names in it need not look again.
func unfound(zone lookup.Name) lookup.Question { return hopQuestion(zone, nonexistent) }

// search follows leads until one brings a new server; false when none does. What
// is under way by then goes on, for the memory and for the next search.
func (p *poll) search(ctx context.Context, leads *[]lead) bool {
	if len(p.servers) == 0 {
		if p.cause = p.r.failures.recent(unfound(p.cut.zone), p.r.options.Now()); p.cause != nil {
			p.task.tellFailure(unfound(p.cut.zone), p.cause)
			return false
		}
	}
	next := func() {
		if len(*leads) > 0 && p.mayChase() {
			p.start(ctx, (*leads)[0])
			*leads = (*leads)[1:]
		}
	}
	impatience := time.NewTicker(leadHedge)
	defer impatience.Stop()
	for next(); p.chases.aloft > 0 && len(p.servers) < maxServers; {
		select {
		case c := <-p.chases.done:
			if p.caught(c, leads) {
				return true
			}
			next()
		case <-impatience.C:
			next()
		case <-ctx.Done():
			return false
		}
	}
	return false
}

// caught takes what has come of a lead and tells whether it is a new server.
func (p *poll) caught(c chase, leads *[]lead) bool {
	cs, name := &p.chases, c.question.Name
	cs.aloft--
	switch {
	case c.err != nil && isCircumstantial(c.err) && p.cause == nil:
		p.cause = c.err
		fallthrough
	case c.err != nil || c.response.Rcode != lookup.NOERROR:
		if !slices.Contains(cs.barren, name) {
			cs.barren = append(cs.barren, name)
		}
		*leads = slices.DeleteFunc(*leads, func(other lead) bool { return other.question.Name == name })
	case p.add(addressesIn(c.response)) > 0:
		p.r.failures.forget(unfound(p.cut.zone))
		return true
	case c.glue:
		cs.barren = append(cs.barren, name) // one server speaks for all of them
	}
	return false
}

// mayChase tells whether one more lead may be followed now. There is one at a time, but for
// the beginning of a search from nothing: then a name server that is slow to be
// found holds nobody up. As soon as one turns out not to exist, that is over.
func (p *poll) mayChase() bool {
	cs := &p.chases
	if cs.begun == maxLeads || len(cs.barren) >= maxBarren || len(p.servers) == maxServers {
		return false
	}
	atOnce := max(1, maxAloft-p.task.depth)
	if len(p.servers) > 0 || len(cs.barren) > 0 {
		atOnce = 1
	}
	return cs.aloft < atOnce
}

// start follows a lead in the background.
func (p *poll) start(ctx context.Context, l lead) {
	cs := &p.chases
	if cs.done == nil {
		cs.done = make(chan chase, maxLeads)
		// The end of the poll is not that of the chases, see run.
		cs.ctx, cs.cancel = context.WithCancel(context.WithoutCancel(ctx))
	}
	cs.begun++
	cs.aloft++
	t := p.tellAddress(l)
	go func() {
		c := chase{lead: l}
		defer func() { cs.done <- c }()
		defer recovered(&c.err)
		c.response, c.err = p.follow(cs.ctx, t, l)
	}()
}

// follow looks an address of a name server up, at the cost of t, which needs it.
func (p *poll) follow(ctx context.Context, t task, l lead) (r *lookup.Response, err error) {
	t, err = t.deeper()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, leadPatience)
	defer cancel()
	if l.glue {
		if r, err = p.r.aliasedGlue(ctx, t, p.cut.zone, l.question); err == nil {
			p.r.cuts.complete(p.cut, r.Answer, p.r.options.Now())
			p.r.options.Referred(Referral{Zone: p.cut.zone, Servers: []Server{{Name: l.question.Name, Addrs: addressesIn(r)}}, Glue: true})
		}
	} else {
		r, err = p.r.follow(ctx, t, l.question)
	}
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return nil, ctx.Err()
	}
	return r, err
}

// aliasedGlue is glue for those, too, who have put an alias in the place of a name
// server, which they must not (RFC 2181 10.3): the addresses are those of its target.
func (r *Resolver) aliasedGlue(ctx context.Context, t task, zone lookup.Name, q lookup.Question) (*lookup.Response, error) {
	response, err := r.glue(ctx, t, zone, q)
	if err != nil {
		return nil, err
	}
	cname, _ := lookup.Find(response.Answer, q.Name, lookup.TypeCNAME)
	target, ok := cname.Target()
	switch real := hopQuestion(target, q.Type); {
	case !ok:
		return response, nil
	case target.IsSubdomainOf(zone):
		response, err = r.glue(ctx, t, zone, real)
	default:
		response, err = r.follow(ctx, t, real)
	}
	if err != nil {
		return nil, err
	}
	renamed := &lookup.Response{Rcode: response.Rcode}
	for _, s := range response.Answer {
		if s.Type == q.Type {
			s.Name = q.Name
			renamed.Answer = append(renamed.Answer, s)
		}
	}
	return renamed, nil
}

// glue asks the servers of the zone above for glue that they have left out of the
// referral to zone. What they say goes into the cut and nowhere else: they are not
// the authority for it (RFC 2181 5.4.1).
func (r *Resolver) glue(ctx context.Context, t task, zone lookup.Name, q lookup.Question) (*lookup.Response, error) {
	h, led, err := r.flights.join(ctx, flightKey{question: q, depth: t.depth, glue: true}, t.limit, func(ctx context.Context) (*hop, error) {
		t := t.within(q)
		above := r.closest(ctx, t, hopQuestion(zone, lookup.TypeDS))
		v, answered, err := r.consult(ctx, t, above, q, glued)
		if !answered && err == nil {
			if above.local != nil {
				above = r.nearest(ctx, t, hopQuestion(zone, lookup.TypeDS))
			}
			p := r.newPoll(t, above, q)
			p.judge = glued
			v, err = p.run(ctx)
		}
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
	if s, ok := lookup.Find(r.Answer, q.Name, lookup.TypeCNAME); ok {
		return verdict{kind: alias, sets: []lookup.RRset{s}}
	}
	return verdict{kind: noData}
}
