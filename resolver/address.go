package resolver

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/sextant-dns/sextant/lookup"
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

// gather collects the addresses that are known: glue first, and for name servers
// without glue what was learned from their own zone. For the others there will be
// leads.
func (p *poll) gather() {
	for _, i := range p.order(len(p.cut.servers)) {
		s := p.cut.servers[i]
		if p.add(s.Addrs) == 0 {
			p.leads = append(p.leads, p.remembered(s.Name)...)
		}
	}
	if len(p.servers) == 0 {
		// The zone itself would have to be asked for these.
		p.leads = slices.DeleteFunc(p.leads, func(q lookup.Question) bool { return q.Name.IsSubdomainOf(p.cut.zone) })
	}
}

// remembered collects the addresses of a name server that were learned before.
// When there are none it returns the questions that may bring some.
func (p *poll) remembered(name lookup.Name) (leads []lookup.Question) {
	now, added := p.r.options.Now(), 0
	for _, t := range p.families() {
		q := hopQuestion(name, t)
		if h, ok := p.r.answers.recall(q, now); ok && h.next == "" {
			added += p.add(addressesIn(h.response))
			continue
		}
		leads = append(leads, q)
	}
	if added > 0 {
		return nil // the rest can wait
	}
	return leads
}

// order is the numbers below n in random order, so that the first name server in a
// delegation does not bear the load of all resolvers.
func (p *poll) order(n int) []int {
	order := make([]int, n)
	for i := range order {
		j := p.r.options.IntN(i + 1)
		order[i], order[j] = order[j], i
	}
	return order
}

// families are the types of the addresses that can be used.
func (p *poll) families() []lookup.Type {
	switch {
	case p.r.options.NoIPv4:
		return []lookup.Type{lookup.TypeAAAA}
	case p.r.options.NoIPv6:
		return []lookup.Type{lookup.TypeA}
	}
	return []lookup.Type{lookup.TypeA, lookup.TypeAAAA}
}

// add makes candidates of those addrs that are usable and new, and counts them.
func (p *poll) add(addrs []netip.Addr) (added int) {
	for _, a := range addrs[:min(len(addrs), maxAddresses)] {
		barred := a.Is4() && p.r.options.NoIPv4 || a.Is6() && p.r.options.NoIPv6
		known := slices.ContainsFunc(p.servers, func(s *candidate) bool { return s.addr == a })
		if !barred && !known && len(p.servers) < maxServers {
			p.servers = append(p.servers, &candidate{addr: a})
			added++
		}
	}
	return added
}

// unfound is the question under which it is remembered that no server of zone
// could be found: those who ask for other names in it need not look again.
func unfound(zone lookup.Name) lookup.Question { return hopQuestion(zone, nonexistent) }

// search follows leads until one brings a new server; false when none does.
func (p *poll) search(ctx context.Context) bool {
	if len(p.servers) == 0 {
		if p.cause = p.r.failures.recent(unfound(p.cut.zone), p.r.options.Now()); p.cause != nil {
			return false
		}
	}
	for len(p.leads) > 0 && p.mayChase() && ctx.Err() == nil {
		lead := p.leads[0]
		p.leads = p.leads[1:]
		p.chased++
		r, err := p.chase(ctx, lead)
		switch {
		case err != nil && isCircumstantial(err) && p.cause == nil:
			p.cause = err
			fallthrough
		case err != nil || r.Rcode != lookup.NOERROR:
			p.barren++
			p.leads = slices.DeleteFunc(p.leads, func(q lookup.Question) bool { return q.Name == lead.Name })
		case p.add(addressesIn(r)) > 0:
			p.r.failures.forget(unfound(p.cut.zone))
			return true
		}
	}
	return false
}

// mayChase tells whether one more lead may be followed for this zone.
func (p *poll) mayChase() bool {
	return p.chased < maxLeads && p.barren < maxBarren && len(p.servers) < maxServers
}

// chase looks an address of a name server up, at the cost of whoever needs it.
func (p *poll) chase(ctx context.Context, lead lookup.Question) (*lookup.Response, error) {
	t, err := p.task.deeper()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, leadPatience)
	defer cancel()
	r, err := p.r.follow(ctx, t, lead)
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return nil, ctx.Err()
	}
	return r, err
}

// addressesIn are the addresses in an answer.
func addressesIn(r *lookup.Response) (addrs []netip.Addr) {
	for _, s := range r.Answer {
		addrs = append(addrs, addresses(s)...)
	}
	return addrs
}
