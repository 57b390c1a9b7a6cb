package authoritative

import (
	"context"
	"slices"

	"github.com/sextant-dns/sextant/lookup"
)

// Before is a Resolver for recursive service: it answers from our zones and asks
// next for all that they do not decide. Those are names in none of our zones,
// names below a zone cut of ours, and where an alias of ours leads out of them.
// A name that one of our zones denies does not exist, whatever next would say.
func (a *Authority) Before(next lookup.Resolver) lookup.Resolver { return before{a, next} }

type before struct {
	ours *Authority
	next lookup.Resolver
}

func (b before) Resolve(ctx context.Context, q lookup.Query) (*lookup.Response, error) {
	if _, held := b.ours.Zone(q.Name); !held || q.Class != lookup.ClassIN {
		return b.next.Resolve(ctx, q)
	}
	if q.Budget == nil {
		q.Budget = lookup.NewBudget(b.ours.data.Load().Limits)
	}
	if b.isAbove(q) {
		tell(q, "the DS of our zone is data of the zone above")
		// That there is no such name, clients must not hear: nothing below it would exist
		// (RFC 8020 2).
		if r, err := b.next.Resolve(ctx, q); err == nil && r.Rcode == lookup.NOERROR {
			return r, nil
		}
	}
	r, err := b.ours.Resolve(ctx, q)
	if err != nil || r.Rcode != lookup.NOERROR {
		return r, err
	}
	_, end := r.Chase(q.Name)
	if decided(r, q.Type, end) {
		return r, nil
	}
	if len(r.Answer) == 0 {
		tell(q, "delegated away: our zones do not decide")
		return b.next.Resolve(ctx, q) // a referral: we are not the ones to follow it
	}
	if _, loops := lookup.Find(r.Answer, end, lookup.TypeCNAME); loops {
		return nil, lookup.Fail(lookup.EDEOther, "the aliases behind %s loop", q.Name)
	}
	if !q.Budget.Alias() {
		return nil, lookup.Fail(lookup.EDEOther, "too many aliases behind %s", q.Name)
	}
	if _, held := b.ours.Zone(end); held {
		tell(q, "the alias is followed apart from its target")
	} else {
		tell(q, "an alias leads out of our zones")
	}
	q.Name = end
	rest, err := b.Resolve(ctx, q) // also where our answer ended since what follows has another scope
	if err != nil {
		return nil, err
	}
	return joined(r, rest), nil
}

// isAbove tells whether q is for the DS of one of our zones whose zone above is not ours.
// RFC 4035 3.1.4.1: that we have none is what a server says that cannot ask others, and no
// validator can make anything of it.
func (b before) isAbove(q lookup.Query) bool {
	if _, below := q.Name.Parent(); !below || q.Type != lookup.TypeDS {
		return false
	}
	zone, held := closest(b.ours.data.Load().Tree, q.Name, q.Type)
	return held && zone.Apex() == q.Name
}

// tell tells those who are curious why q goes on to next.
func tell(q lookup.Query, why string) {
	q.Trace.Add(lookup.Event{Kind: lookup.EventZone, Name: q.Name, Type: q.Type, Text: why})
}

// decided tells whether r, the end of whose aliases is given, leaves nothing to ask.
func decided(r *lookup.Response, t lookup.Type, end lookup.Name) bool {
	if _, denied := r.Denial(); denied {
		return true
	}
	return slices.ContainsFunc(r.Answer, func(s lookup.RRset) bool {
		return s.Name == end && s.Type != lookup.TypeCNAME || s.Type == t || t == lookup.TypeANY
	})
}

// joined is the aliases of head followed by all of tail. RFC 1035 4.1.1: AA is
// the first owner's; RFC 6604 3: the rcode is the last one's.
func joined(head, tail *lookup.Response) *lookup.Response {
	r := *tail
	r.AA = head.AA
	r.Answer = slices.Concat(head.Answer, tail.Answer)
	r.Choice = nil
	r.Security = lookup.Unchecked
	r.Scope, r.Wanted = narrowest(head.Scope, head.Wanted, tail.Scope, tail.Wanted)
	if head.Counter != nil {
		r.Counter = head.Counter
	}
	r.Uncacheable = head.Uncacheable || tail.Uncacheable
	r.Keep = lookup.LeastKeep(head.Keep, tail.Keep)
	return &r
}
