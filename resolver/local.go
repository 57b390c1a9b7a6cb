package resolver

import (
	"context"
	"errors"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/transport"
)

// locals are the zones of which there may be a local copy, by name, each with what
// Zone.Local says.
type locals map[lookup.Name]func() (lookup.Resolver, bool)

func newLocals(zones []Zone) locals {
	ls := locals{}
	for _, z := range zones {
		if z.Local != nil {
			ls[z.Name] = z.Local
		}
	}
	return ls
}

// of is the copy of a zone that may be used now, nil if there is none.
func (ls locals) of(zone lookup.Name) lookup.Resolver {
	if local, ok := ls[zone]; ok {
		if held, ok := local(); ok {
			return held
		}
	}
	return nil
}

// consult puts q to the local copy of the zone of c, in the place of its servers:
// what the copy says is judged, and validated, as if one of them had said it
// (RFC 8806 2). Nobody hears of the question, so all of it is asked at once and
// nothing is paid for. ok is false when there is no copy, or when it does not help:
// then the servers have to be asked, and whatever is wrong with the copy does no
// harm (RFC 8806 3).
func (r *Resolver) consult(ctx context.Context, t task, c *cut, q lookup.Question, judge judgement) (v verdict, ok bool, err error) {
	held := c.local
	if held == nil && !c.forwards() {
		held = r.locals.of(c.zone)
	}
	if held == nil {
		return verdict{}, false, nil
	}
	response, err := held.Resolve(ctx, lookup.Query{Question: wireQuestion(q)})
	if err != nil {
		t.tellLocal(c.zone, q, err.Error())
		return verdict{}, false, nil
	}
	v = judge(c.zone, q, &transport.Reply{
		Rcode:      response.Rcode,
		AA:         response.AA,
		Answer:     response.Answer,
		Authority:  response.Authority,
		Additional: response.Additional,
		EDNS:       true,
	})
	if t.trace != nil {
		t.tellLocal(c.zone, q, v.inWords())
	}
	if v.kind == useless || v.kind == empty {
		return verdict{}, false, nil
	}
	if t.proof != nil && v.kind != referral && !v.childs(q) {
		v, err = t.proof(ctx, t, q, v)
		if errors.Is(err, errForged) && !errors.Is(err, errBudget) {
			t.tellLocal(c.zone, q, err.Error())
			return verdict{}, false, nil
		}
	}
	r.counters.local.Add(1)
	return v, true, err
}

// tellLocal says what there is in the local copy of zone.
func (t task) tellLocal(zone lookup.Name, q lookup.Question, what string) {
	if t.trace != nil {
		t.tell(lookup.Event{Kind: lookup.EventCopy, Name: q.Name, Type: q.Type, Target: zone, Text: what})
	}
}
