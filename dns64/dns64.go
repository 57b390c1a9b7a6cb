package dns64

import (
	"context"
	"errors"
	"net/netip"

	"github.com/sextant-dns/sextant/lookup"
)

// DNS64 is a lookup.Resolver that adds synthetic AAAA to the answers of another
// one. It keeps no state but counters, and is safe for concurrent use.
type DNS64 struct {
	next         lookup.Resolver
	rules        rules
	reverse      []netip.Prefix // Pref64s that PTR names are decoded with, longest first
	special      special
	synthesizeCD bool
	count        counters
}

// New is a DNS64 in front of next, which must not be nil and must give real data
// only. The error tells everything that is wrong with the options.
func New(next lookup.Resolver, o Options) (*DNS64, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	rules := newRules(o)
	return &DNS64{
		next:         next,
		rules:        rules,
		reverse:      rules.prefixes(),
		special:      newSpecial(o, rules),
		synthesizeCD: o.SynthesizeCD,
	}, nil
}

// Policy is what applies to name.
func (d *DNS64) Policy(name lookup.Name) *Policy { return d.rules.policy(name) }

// Resolve answers q: by synthesis, from what it knows of ipv4only.arpa, or with
// what the next resolver says. All lookups that q causes share its Budget.
func (d *DNS64) Resolve(ctx context.Context, q lookup.Query) (*lookup.Response, error) {
	if q.Class != lookup.ClassIN || !d.rules.on { // RFC 6147 5.1
		return d.pass(ctx, q)
	}
	if q.Budget == nil {
		q.Budget = lookup.NewBudget(lookup.Limits{})
	}
	if r, ok := d.answerSpecial(q); ok {
		d.count.local.Add(1)
		tell(q, "answered here (RFC 8880)")
		return r, nil
	}
	if q.CD && (q.DO || !d.synthesizeCD) { // RFC 6147 5.5: the asker validates by itself
		tell(q, "pass: CD is set, the asker validates by itself (RFC 6147 5.5)")
		return d.pass(ctx, q)
	}
	p := d.Policy(q.Name)
	switch {
	case q.Type == lookup.TypePTR && d.rules.local(q.Name):
		return d.resolvePTR(ctx, q)
	case p.Mode == Off:
		return d.pass(ctx, q)
	case q.Type == lookup.TypeAAAA:
		return d.resolveAAAA(ctx, q, p)
	case q.Type == lookup.TypeANY:
		return d.resolveANY(ctx, q, p)
	case isService(q.Type):
		return d.resolveService(ctx, q, p)
	case q.Type == lookup.TypeA && p.HideA:
		return d.resolveHidden(ctx, q, p)
	}
	return d.pass(ctx, q) // RFC 6147 5.3.3
}

// pass lets the next resolver answer q.
func (d *DNS64) pass(ctx context.Context, q lookup.Query) (*lookup.Response, error) {
	d.count.passed.Add(1)
	return d.next.Resolve(ctx, q)
}

func (d *DNS64) resolveAAAA(ctx context.Context, q lookup.Query, p *Policy) (*lookup.Response, error) {
	decision, reply := d.settle(ctx, q, p, Outcome{}, Outcome{})
	d.count.decided(p.Mode, decision.Action)
	return reply.Response, reply.Err
}

// settle makes the lookups that the policy asks for, one at a time, until it
// has an end, and carries that out. aaaa and a are what is known beforehand.
func (d *DNS64) settle(ctx context.Context, q lookup.Query, p *Policy, aaaa, a Outcome) (Decision, Outcome) {
	for {
		decision := p.Decide(q.Name, aaaa, a)
		tellDecision(q, p, decision)
		switch decision.Action {
		case AskAAAA:
			aaaa = d.ask(ctx, q, lookup.TypeAAAA)
		case AskA:
			a = d.ask(ctx, q, lookup.TypeA)
		default:
			return decision, p.carryOut(decision, q, aaaa, a)
		}
	}
}

// ask looks up another type for the same asker. A lookup after the asker has
// gone away is not begun.
func (d *DNS64) ask(ctx context.Context, q lookup.Query, t lookup.Type) Outcome {
	if err := ctx.Err(); err != nil {
		return Outcome{Err: err}
	}
	// A is asked for to be embedded, so it is the NAT64 that will go there.
	q.Type, q.NAT64, q.Trace = t, t == lookup.TypeA, q.Trace.Deeper()
	r, err := d.next.Resolve(ctx, q)
	if r == nil && err == nil {
		err = errNothing // or Decide would ask for the same lookup for ever
	}
	return Outcome{Response: r, Err: err}
}

// tell tells those who are curious what was decided about q.
func tell(q lookup.Query, what string) {
	q.Trace.Add(lookup.Event{Kind: lookup.EventRule, Name: q.Name, Type: q.Type, Text: what})
}

func tellDecision(q lookup.Query, p *Policy, d Decision) {
	if q.Trace != nil {
		tell(q, p.Mode.String()+": "+d.String())
	}
}

var errNothing = errors.New("the next resolver gave neither a response nor an error")
