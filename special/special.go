package special

import (
	"context"

	"github.com/sextant-dns/sextant/lookup"
)

// Options say what is left to the next resolver. The zero value answers for all
// special-use names.
type Options struct {
	// Off are names that are asked of the next resolver as if they were not
	// special, each with all names below it. The root turns everything off. A
	// name that has nothing to do with special ones is ignored.
	Off []lookup.Name
}

// Special is a lookup.Resolver that answers for special-use names. It is
// immutable and safe for concurrent use.
type Special struct {
	next  lookup.Resolver
	tops  map[lookup.Name]bool // the top-level domains that any zone is in
	marks map[lookup.Name]mark
	depth int // labels of the longest name in marks
}

var _ lookup.Resolver = (*Special)(nil)

// mark is what is known of a name at or below an apex.
type mark struct {
	zone    *zone // whose apex it is
	off     bool  // it goes to next, with all below
	exists  bool  // something stands below it, so it must not be NXDOMAIN
	pointer bool  // it has a PTR to localhost.
}

// New is a Special in front of next, which must not be nil.
func New(next lookup.Resolver, o Options) *Special {
	s := &Special{next: next, tops: map[lookup.Name]bool{}, marks: map[lookup.Name]mark{}}
	for _, r := range registry() {
		s.add(r, o.Off)
	}
	for _, owner := range loopbacks() {
		s.raise(owner, mark{pointer: true})
	}
	for _, name := range o.Off {
		s.raise(name, mark{off: true})
	}
	return s
}

// add takes in a zone, unless it is off.
func (s *Special) add(r row, off []lookup.Name) {
	z := newZone(r)
	for _, name := range off {
		if z.apex.IsSubdomainOf(name) {
			return
		}
	}
	s.tops[z.apex.Suffix(1)] = true
	s.marks[z.apex] = mark{zone: z}
	s.depth = max(s.depth, z.apex.Labels())
}

// raise marks name, when one of the zones has it, and lets the names from there
// up to the apex exist.
func (s *Special) raise(name lookup.Name, as mark) {
	if z, _ := s.find(name); z == nil {
		return
	}
	as.zone = s.marks[name].zone
	s.marks[name] = as
	s.depth = max(s.depth, name.Labels())
	for s.marks[name].zone == nil {
		name, _ = name.Parent()
		m := s.marks[name]
		m.exists = true
		s.marks[name] = m
	}
}

// Resolve answers q when its name is special and asks next otherwise. RD makes no
// difference: what is answered here is local data.
func (s *Special) Resolve(ctx context.Context, q lookup.Query) (*lookup.Response, error) {
	if q.Class == lookup.ClassIN {
		if z, at := s.find(q.Name); z != nil {
			if r, ok := z.answer(q.Name, q.Type, at); ok {
				q.Trace.Add(lookup.Event{Kind: lookup.EventSpecial, Name: q.Name, Type: q.Type, Target: z.apex, Rcode: r.Rcode, Text: z.rfc})
				return r, nil
			}
		}
	}
	return s.next.Resolve(ctx, q)
}

// find is the zone that answers for name, nil when it is none of ours, and what is
// marked at the very name.
func (s *Special) find(name lookup.Name) (*zone, mark) {
	if !s.tops[name.Suffix(1)] {
		return nil, mark{}
	}
	above := name.Suffix(s.depth)
	for {
		m := s.marks[above]
		if m.off {
			return nil, mark{}
		}
		if m.zone != nil {
			return m.zone, s.marks[name]
		}
		parent, ok := above.Parent()
		if !ok {
			return nil, mark{}
		}
		above = parent
	}
}
