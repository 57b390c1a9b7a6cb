package rebinding

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/sextant-dns/sextant/lookup"
)

// Options say what is private and who may use it. The zero value removes the
// default ranges from all answers.
type Options struct {
	// Private are the ranges that no public name may have; nil is [DefaultPrivate].
	// IPv4 ranges apply to embedded IPv4 addresses, too.
	Private []netip.Prefix

	// Prefixes are the Pref64s to look through: an address in one is judged by the
	// IPv4 address that it embeds (RFC 6052 2.2), as well as by itself. Their
	// lengths are 32, 40, 48, 56, 64 or 96. The well-known prefix 64:ff9b::/96 is
	// always looked through.
	Prefixes []netip.Prefix

	// Domains are the names that may have private addresses, each with all names
	// below it.
	Domains []lookup.Name
}

// Filter is a lookup.Resolver that removes private addresses from the answers of
// another one. It is immutable and safe for concurrent use.
type Filter struct {
	next    lookup.Resolver
	ranges  ranges
	domains map[lookup.Name]bool
}

var _ lookup.Resolver = (*Filter)(nil)

// New is a Filter in front of next, which must not be nil. The error tells
// everything that is wrong with the options: a range that is no prefix, a Pref64
// that cannot be one. What cannot be applied is never ignored.
func New(next lookup.Resolver, o Options) (*Filter, error) {
	var problems []error
	for _, p := range o.Private {
		if !p.IsValid() {
			problems = append(problems, errors.New("private range is not a prefix"))
		}
	}
	for _, p := range o.Prefixes {
		if err := checkPref64(p); err != nil {
			problems = append(problems, err)
		}
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	f := &Filter{next: next, ranges: newRanges(o), domains: map[lookup.Name]bool{}}
	for _, name := range o.Domains {
		f.domains[name] = true
	}
	return f, nil
}

// Resolve is the next resolver's answer to q without private addresses.
func (f *Filter) Resolve(ctx context.Context, q lookup.Query) (*lookup.Response, error) {
	r, err := f.next.Resolve(ctx, q)
	if err != nil || f.allowed(q.Name) {
		return r, err
	}
	sifted := f.sift(r)
	if sifted != r {
		q.Trace.Add(lookup.Event{Kind: lookup.EventFilter, Name: q.Name, Type: q.Type, Text: sifted.EDE[len(sifted.EDE)-1].Text})
	}
	return sifted, nil
}

// allowed tells whether name is in one of the domains.
func (f *Filter) allowed(name lookup.Name) bool {
	if len(f.domains) == 0 {
		return false
	}
	for {
		if f.domains[name] {
			return true
		}
		parent, ok := name.Parent()
		if !ok {
			return false
		}
		name = parent
	}
}

// sift is r without private addresses: r itself when it has none.
func (f *Filter) sift(r *lookup.Response) *lookup.Response {
	answer, removed := f.section(r.Answer)
	authority, more := f.section(r.Authority)
	additional, still := f.section(r.Additional)
	removed += more + still
	if removed == 0 {
		return r
	}
	n := *r
	n.Answer, n.Authority, n.Additional = answer, authority, additional
	n.Security = lookup.Unchecked
	n.EDE = append(slices.Clip(slices.Clone(r.EDE)), lookup.EDE{ // RFC 8914 4.16
		Code: lookup.EDEBlocked,
		Text: fmt.Sprintf("rebinding filter: RRs with a private address removed: %d", removed),
	})
	return &n
}

// section is the section without private addresses, and how many RRs that took
// out. A section that has none is returned itself.
func (f *Filter) section(sets []lookup.RRset) (kept []lookup.RRset, removed int) {
	for i, s := range sets {
		data, gone := f.keep(s)
		if gone == 0 {
			if removed > 0 {
				kept = append(kept, s)
			}
			continue
		}
		if removed == 0 {
			kept = append(make([]lookup.RRset, 0, len(sets)), sets[:i]...)
		}
		removed += gone
		if data != "" {
			s.Data, s.Sigs = data, "" // the RRSIGs signed the whole RRset
			kept = append(kept, s)
		}
	}
	if removed == 0 {
		return sets, 0
	}
	return kept, removed
}

// keep is the rdata of s that may stay, and how many RRs may not.
func (f *Filter) keep(s lookup.RRset) (data lookup.Rdata, gone int) {
	switch s.Type {
	case lookup.TypeA, lookup.TypeAAAA, lookup.TypeSVCB, lookup.TypeHTTPS:
	default:
		return s.Data, 0
	}
	for rdata := range s.Data.All() {
		if f.ranges.offends(s.Type, rdata) {
			gone++
		}
	}
	if gone == 0 {
		return s.Data, 0
	}
	var rest []string
	for rdata := range s.Data.All() {
		if !f.ranges.offends(s.Type, rdata) {
			rest = append(rest, rdata)
		}
	}
	return lookup.PackRdata(rest...), gone
}
