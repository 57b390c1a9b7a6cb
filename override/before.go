package override

import (
	"context"
	"slices"
	"time"

	"github.com/sextant-dns/sextant/ecs"
	"github.com/sextant-dns/sextant/lookup"
)

// View is what overrides are for, and what is around them there.
type View struct {
	Name string
	Next lookup.Resolver // what there would be without overrides; it leaves aliases to names that Covers has

	// Ours puts what comes before overrides in front of them, such as our own zones, where
	// aliases and mirrors lead, too; nil: nothing does.
	Ours func(next lookup.Resolver) lookup.Resolver

	// Through makes of a Source's Path that of the clients of this view. It leaves aliases
	// to names for which leave says so to its caller. nil: it is for all, and follows none
	// out of the zone.
	Through func(path lookup.Resolver, leave func(lookup.Name) bool) lookup.Resolver

	// Inward is what answers have to pass to which an alias of Next has led; nil: nothing.
	Inward func(next lookup.Resolver) lookup.Resolver
}

// Before is a Resolver for the clients of a view, with the overrides of the set as they
// are when it is asked.
func (s *Set) Before(v View) lookup.Resolver {
	if v.Ours == nil {
		v.Ours = func(next lookup.Resolver) lookup.Resolver { return next }
	}
	if v.Through == nil {
		v.Through = func(path lookup.Resolver, _ func(lookup.Name) bool) lookup.Resolver { return path }
	}
	if v.Inward == nil {
		v.Inward = func(next lookup.Resolver) lookup.Resolver { return next }
	}
	behind := &bound{set: s, view: v, skip: string(Mirror)}
	behind.connect()
	b := &bound{set: s, view: v, mirrored: behind.whole}
	b.connect()
	return b.whole
}

// Covers tells whether a name is in a zone that has an override in force in a view.
// Whoever follows aliases for View.Next has to leave those to such names.
func (s *Set) Covers(view string) func(name lookup.Name) bool {
	return func(name lookup.Name) bool {
		_, ok := s.table.Load().closest(view, "", name, s.o.Now())
		return ok
	}
}

// bound is the overrides of a view.
type bound struct {
	set  *Set
	view View
	skip string // the kind of overrides that do not count: mirrors, behind a mirror

	whole    lookup.Resolver // everything: where aliases go on
	inward   lookup.Resolver // the same for those that come from Next
	mirrored lookup.Resolver // everything but mirrors: nobody gets from one to the next
}

func (b *bound) connect() {
	b.whole = b.view.Ours(b)
	b.inward = b.view.Inward(b.whole)
}

// Resolve answers q by the override that is closest to its name, and by Next where there
// is none.
func (b *bound) Resolve(ctx context.Context, q lookup.Query) (*lookup.Response, error) {
	t := b.set.table.Load()
	if len(t.zones) == 0 || q.Class != lookup.ClassIN {
		return b.view.Next.Resolve(ctx, q)
	}
	if q.Budget == nil { // one ledger for all rungs: a query in trouble costs no more than another
		q.Budget = lookup.NewBudget(b.set.o.Limits)
	}
	now := b.set.o.Now()
	if above, ok := q.Name.Parent(); ok && q.Type == lookup.TypeDS { // RFC 4035 3.1.4.1: it is the data of the zone above
		if f, ok := t.closest(b.view.Name, b.skip, q.Name, now); ok && f.zone == q.Name {
			if f, ok = t.closest(b.view.Name, b.skip, above, now); !ok {
				return b.delegation(ctx, q)
			}
			return b.climb(ctx, q, f)
		}
	}
	f, ok := t.closest(b.view.Name, b.skip, q.Name, now)
	if !ok {
		return b.forward(ctx, q)
	}
	return b.climb(ctx, q, f)
}

// forward asks Next, and goes on where it has left an alias.
func (b *bound) forward(ctx context.Context, q lookup.Query) (*lookup.Response, error) {
	r, err := b.view.Next.Resolve(ctx, q)
	if err != nil {
		return nil, err
	}
	end, open := unfinished(q, r)
	if _, ok := b.set.table.Load().closest(b.view.Name, "", end, b.set.o.Now()); !open || !ok {
		return r, nil
	}
	return b.goOn(ctx, q, r, end, b.inward)
}

// delegation is what Next says of the DS of a zone that has an override. That there is no
// such name, clients must not hear: nothing below it would exist (RFC 8020 2).
func (b *bound) delegation(ctx context.Context, q lookup.Query) (*lookup.Response, error) {
	r, err := b.view.Next.Resolve(ctx, q)
	if err != nil || r.Rcode != lookup.NXDOMAIN {
		return r, err
	}
	there := *r
	there.Rcode, there.Security = lookup.NOERROR, min(r.Security, lookup.Insecure)
	there.Authority = nil
	if soa, ok := r.Denial(); ok {
		soa.Sigs = ""
		there.Authority = []lookup.RRset{soa}
	}
	return &there, nil
}

// verdict is what a rung can say of a name.
type verdict uint8

const (
	passes  verdict = iota // nothing: another has to be asked
	answers                // something, or that it has failed
	decides                // something, and what is wrong is wrong elsewhere: no other need be asked
)

// ask goes one rung.
func (b *bound) ask(ctx context.Context, q lookup.Query, f force, g rung) (r *lookup.Response, v verdict, err error) {
	e := g.entry
	if e == nil {
		r, err = b.forward(ctx, q)
		return r, answers, err
	}
	switch e.o.Kind {
	case Local:
		var decided bool
		if r, decided = e.local(ctx, q, g.late); !decided {
			return nil, passes, nil
		}
	case Mirror:
		if r, err = b.mirror(ctx, q, e); err != nil {
			return nil, answers, err
		}
	default:
		path := b.view.Through(e.source.Path, func(name lookup.Name) bool {
			other, ok := b.set.table.Load().closest(b.view.Name, "", name, b.set.o.Now())
			return !name.IsSubdomainOf(f.zone) || !ok || other.zone != f.zone
		})
		if r, err = path.Resolve(ctx, q); err != nil {
			return nil, answers, err
		}
	}
	r = b.marked(r, e)
	if end, open := unfinished(q, r); open {
		r, err = b.goOn(ctx, q, r, end, b.whole)
		return r, decides, err
	}
	return r, answers, nil
}

// marked is r as an override gives it: we are nobody's authority here, and as long as the
// override is not for good, neither is what it says.
func (b *bound) marked(r *lookup.Response, e *entry) *lookup.Response {
	ours := *r
	ours.AA = false
	if e.o.When == Outage || isStale(r) {
		ours.Keep = lookup.LeastKeep(ours.Keep, keepInOutage)
	}
	if until := e.end(); !until.IsZero() {
		ours.Keep = lookup.LeastKeep(ours.Keep, uint32(max(1, until.Sub(b.set.o.Now())/time.Second)))
	}
	return &ours
}

// unfinished is the name at the end of the aliases of r, if nothing is said of it.
func unfinished(q lookup.Query, r *lookup.Response) (end lookup.Name, open bool) {
	if q.Type == lookup.TypeCNAME || q.Type == lookup.TypeANY || r.Rcode != lookup.NOERROR {
		return "", false
	}
	chain, end := r.Chase(q.Name)
	if _, denied := r.Denial(); denied || len(chain) == 0 {
		return "", false
	}
	return end, !slices.ContainsFunc(r.Answer, func(s lookup.RRset) bool { return s.Name == end })
}

// goOn finds what is at the end of the aliases of way, by who is asked for it.
func (b *bound) goOn(ctx context.Context, q lookup.Query, way *lookup.Response, end lookup.Name, by lookup.Resolver) (*lookup.Response, error) {
	if !q.Budget.Alias() {
		return nil, lookup.Fail(lookup.EDEOther, "too many aliases behind %s", q.Name)
	}
	q.Trace.Add(lookup.Event{Kind: lookup.EventAlias, Name: q.Name, Type: q.Type, Target: end})
	q.Name = end
	rest, err := by.Resolve(ctx, q)
	if err != nil {
		return nil, err
	}
	return join(way, rest), nil
}

// join is the way that aliases have led, and what is at their end.
func join(way, end *lookup.Response) *lookup.Response {
	whole := *end // RFC 6604 3: the rcode is the last one's
	whole.AA = false
	whole.Answer = slices.Concat(way.Answer, end.Answer)
	whole.Authority = slices.Concat(way.Authority, end.Authority) // what proves a wildcard on the way
	whole.EDE = slices.Concat(way.EDE, end.EDE)
	whole.Security = min(way.Security, end.Security) // RFC 4035 3.2.3: all of it, or it is not authentic
	whole.Uncacheable = way.Uncacheable || end.Uncacheable
	whole.Keep = lookup.LeastKeep(way.Keep, end.Keep)
	whole.Synthesized = ""
	scope := ecs.Narrowest(ecs.Scope{Network: way.Scope, Wanted: way.Wanted}, ecs.Scope{Network: end.Scope, Wanted: end.Wanted})
	whole.Scope, whole.Wanted = scope.Network, scope.Wanted // RFC 7871 7.2.1: the longest of those on the way
	return &whole
}
