package authoritative

import (
	"context"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/tailor"
	"github.com/sextant-dns/sextant/zones"
)

// draft is a response in the making. It belongs to one query; what it hands out
// is not touched any more.
type draft struct {
	data   *Data
	query  lookup.Query
	client tailor.Client // once it is needed, see from
	*sheet
}

// sheet is what of a draft outlives it.
type sheet struct {
	response lookup.Response
	waits    bool // there is no response, for somebody else has to be asked first

	// Most responses have one RRset in one section. These two are the response's, in the
	// memory that it has anyway.
	answers   [1]lookup.RRset
	authority [1]lookup.RRset
}

// from is whose place decides.
func (d *draft) from() tailor.Client {
	if d.client == (tailor.Client{}) {
		d.client = tailor.ClientOf(d.query.Client, d.query.Subnet)
	}
	return d.client
}

// budget pays for aliases. Who asked may have left it to us.
func (d *draft) budget() *lookup.Budget {
	if d.query.Budget == nil {
		d.query.Budget = lookup.NewBudget(d.data.Limits)
	}
	return d.query.Budget
}

// answer finds the answer for name, which is in zone, and goes where aliases lead
// (RFC 1034 4.3.2, steps 2 to 4).
func (d *draft) answer(ctx context.Context, zone *zones.Zone, name lookup.Name) {
	// RFC 1035 4.1.1: AA speaks of the first owner name in the answer section, so
	// it stands whatever an alias leads to.
	d.response.AA = true
	for {
		target, alias := d.add(ctx, zone, name)
		if !alias || !d.mayFollow(target) {
			return
		}
		next, held := closest(d.data.Tree, target, d.query.Type)
		if !held {
			return // the chain leaves our zones; whoever asked goes on from here
		}
		if next.Absent() {
			d.response = *unavailable(next)
			return
		}
		zone, name = next, target
	}
}

// add takes in what zone has for name. Of an alias it tells where it leads.
func (d *draft) add(ctx context.Context, zone *zones.Zone, name lookup.Name) (target lookup.Name, alias bool) {
	tailored := d.data.Tailored[zone.Apex()]
	if tailored == nil {
		m := zone.Find(name, d.query.Type)
		d.note(m, name)
		target, alias = d.take(zone, m, name)
		if d.query.DO {
			d.prove(zone, m, name)
		}
		return target, alias
	}
	f := tailored.Find(name, d.query.Type, d.from())
	if !d.narrow(f, name) {
		return "", false
	}
	if f.Alias != nil {
		d.flatten(ctx, zone, name, f)
		return "", false
	}
	d.note(f.Match, name)
	target, alias = d.take(zone, f.Match, name)
	if f.Kind == zones.Answer && len(d.response.Answer) == 1 && (d.query.Type == lookup.TypeA || d.query.Type == lookup.TypeAAAA) {
		d.response.Choice = f.Choice // of all that there is: such answers have no other sections
	}
	if d.query.DO && !f.Layered {
		d.prove(zone, f.Match, name)
	}
	return target, alias
}

// synthesizedBy is what made the match, when that was not the name itself.
func synthesizedBy(m zones.Match) lookup.Name {
	switch {
	case m.Kind == zones.DNAME:
		return m.Set.Name
	case m.Wildcard:
		return m.Encloser
	}
	return ""
}

// note tells by what the name that was asked was made, if it does not exist itself.
func (d *draft) note(m zones.Match, name lookup.Name) {
	if name == d.query.Name {
		d.response.Synthesized = synthesizedBy(m)
	}
}

// take takes in a match.
func (d *draft) take(zone *zones.Zone, m zones.Match, name lookup.Name) (target lookup.Name, alias bool) {
	r := &d.response
	switch m.Kind {
	case zones.Answer:
		m.Set.Name = name // RFC 4592 3.3.1: a wildcard gives its RRs to the name asked
		r.Answer = append(r.Answer, m.Set)
		if d.query.Type != lookup.TypeANY { // RFC 8482 4.1: as little as will do
			d.addHosts(m.Set)
		}
	case zones.CNAME:
		m.Set.Name = name
		r.Answer = append(r.Answer, m.Set)
		return m.Set.Target()
	case zones.DNAME:
		return d.redirect(m.Set, name)
	case zones.Delegation:
		d.refer(zone, m.Set)
	case zones.NoData:
		d.deny(zone)
	default:
		r.Rcode = lookup.NXDOMAIN // RFC 6604 3: of the last name of the chain
		d.deny(zone)
	}
	return "", false
}

// prove adds what shows to those who validate that m is all that there is for name
// (RFC 4035 3.1.3, RFC 5155 7.2).
func (d *draft) prove(zone *zones.Zone, m zones.Match, name lookup.Name) {
	r := &d.response
	for _, s := range zone.Prove(m, name) {
		if _, been := lookup.Find(r.Authority, s.Name, s.Type); !been {
			r.Authority = append(r.Authority, s)
		}
	}
}

// mayFollow tells whether the chain may go on to target: not when it has been
// there, and not beyond the query's budget. The chain is then answered as far as
// it got, which is as much as any server could say.
func (d *draft) mayFollow(target lookup.Name) bool {
	_, been := lookup.Find(d.response.Answer, target, lookup.TypeCNAME)
	return !been && d.budget().Alias()
}

// redirect applies a DNAME to a name below it (RFC 6672 3.2, step 3C): the DNAME,
// and a CNAME made of it for those who do not know DNAMEs. The CNAME is never
// signed (RFC 6672 5.3.1).
func (d *draft) redirect(dname lookup.RRset, name lookup.Name) (target lookup.Name, alias bool) {
	r := &d.response
	if _, been := lookup.Find(r.Answer, dname.Name, lookup.TypeDNAME); !been {
		r.Answer = append(r.Answer, dname)
	}
	to, ok := dname.Target()
	if !ok {
		return "", false // no Zone holds such rdata
	}
	target, err := name.Replace(dname.Name, to)
	if err != nil {
		r.Rcode = lookup.YXDOMAIN // RFC 6672 2.2: the name became too long
		return "", false
	}
	r.Answer = append(r.Answer, lookup.RRset{
		Name: name,
		Type: lookup.TypeCNAME,
		TTL:  dname.TTL, // RFC 6672 3.1
		Data: lookup.PackRdata(string(target)),
	})
	// RFC 1034 4.3.2, step 3a: who asks for the CNAME has it now, and for ANY one
	// RRset will do (RFC 8482 4.1).
	follow := d.query.Type != lookup.TypeCNAME && d.query.Type != lookup.TypeANY
	return target, follow
}

// deny adds the SOA that makes a negative answer (RFC 2308 2), with the TTL for
// which it holds (RFC 2308 3).
func (d *draft) deny(zone *zones.Zone) {
	soa := zone.SOA()
	d.response.Authority = append(d.response.Authority, soa.WithTTL(lookup.NegativeTTL(soa)))
}
