package dns64

import (
	"context"
	"slices"

	"github.com/sextant-dns/sextant/lookup"
)

// resolveHidden answers NODATA where RRs of the asked type exist; other outcomes
// are passed, so that NXDOMAIN stays NXDOMAIN for every type of a name.
func (d *DNS64) resolveHidden(ctx context.Context, q lookup.Query, p *Policy) (*lookup.Response, error) {
	r, err := d.next.Resolve(ctx, q)
	if err != nil {
		d.count.passed.Add(1)
		return nil, err
	}
	n := nodata(r, q.Name, q.Type)
	if n == r {
		d.count.passed.Add(1)
		return r, nil
	}
	d.count.hid(q.Type)
	tell(q, "deny: the rule hides this type")
	return marked(n, p.Mode, "the rule hides "+q.Type.String()), nil
}

// resolveANY passes what exists, less what the same client would not hear if it
// asked for the type: excluded AAAA (RFC 6147 5.1.4), and what the rule hides.
func (d *DNS64) resolveANY(ctx context.Context, q lookup.Query, p *Policy) (*lookup.Response, error) {
	r, err := d.next.Resolve(ctx, q)
	if err != nil {
		d.count.passed.Add(1)
		return nil, err
	}
	answer := p.visible(r.Answer)
	if slices.Equal(answer, r.Answer) {
		d.count.passed.Add(1)
		return r, nil
	}
	d.count.filtered.Add(1)
	tell(q, "filter: some types are hidden or excluded")
	n := *r
	n.Answer = answer
	return marked(&n, p.Mode, "some types are hidden or excluded"), nil
}

// visible is the part of a section that the rule shows.
func (p *Policy) visible(section []lookup.RRset) []lookup.RRset {
	var shown []lookup.RRset
	for _, s := range section {
		switch {
		case s.Type == lookup.TypeA && p.HideA,
			s.Type == lookup.TypeAAAA && p.Mode == Forced,
			p.HideServices && isService(s.Type):
			continue
		case s.Type == lookup.TypeAAAA:
			kept := p.exclude.keep(s.Data)
			if kept == "" {
				continue
			}
			if kept != s.Data {
				s.Data, s.Sigs = kept, ""
			}
		}
		shown = append(shown, s)
	}
	return shown
}
