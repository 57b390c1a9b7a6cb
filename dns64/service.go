package dns64

import (
	"context"
	"encoding/binary"
	"slices"

	"github.com/sextant-dns/sextant/lookup"
)

func isService(t lookup.Type) bool { return t == lookup.TypeHTTPS || t == lookup.TypeSVCB }

// resolveService answers HTTPS and SVCB questions. The RRs themselves are passed
// or withheld, never edited (RFC 9460 4.2.1).
func (d *DNS64) resolveService(ctx context.Context, q lookup.Query, p *Policy) (*lookup.Response, error) {
	if p.HideServices {
		return d.resolveHidden(ctx, q, p)
	}
	r, err := d.pass(ctx, q)
	if err != nil || r.Rcode != lookup.NOERROR {
		return r, err
	}
	return d.withAddresses(ctx, q, r), nil
}

// maxTargets bounds the lookups that one HTTPS or SVCB response can cause.
const maxTargets = 4

// withAddresses is r with the address RRsets of its TargetNames, where it has
// any in Additional, as the same client would hear them if it asked
// (RFC 9460 4.2.1). A response without such addresses stays as it is.
func (d *DNS64) withAddresses(ctx context.Context, q lookup.Query, r *lookup.Response) *lookup.Response {
	n := *r
	for _, target := range targets(r.Answer) {
		a, aaaa := known(r.Additional, target, lookup.TypeA), known(r.Additional, target, lookup.TypeAAAA)
		p := d.Policy(target)
		if p.Mode == Off || !a.Known() && !aaaa.Known() {
			continue
		}
		q.Name, q.Type = target, lookup.TypeAAAA
		_, reply := d.settle(ctx, q, p, aaaa, a)
		drop := func(s lookup.RRset) bool {
			return s.Name == target && (s.Type == lookup.TypeAAAA || s.Type == lookup.TypeA && p.HideA)
		}
		n.Additional = slices.DeleteFunc(slices.Clone(n.Additional), drop)
		if reply.Response != nil {
			if set, ok := lookup.Find(reply.Response.Answer, target, lookup.TypeAAAA); ok {
				n.Additional = append(n.Additional, set)
			}
			n = *narrowed(&n, reply)
		}
	}
	if slices.Equal(n.Additional, r.Additional) {
		return r
	}
	return &n
}

// known is the outcome of a lookup whose RRset came without being asked for.
func known(additional []lookup.RRset, name lookup.Name, t lookup.Type) Outcome {
	set, ok := lookup.Find(additional, name, t)
	if !ok {
		return Outcome{}
	}
	return Outcome{Response: &lookup.Response{Answer: []lookup.RRset{set}}}
}

// targets is the TargetNames of the HTTPS and SVCB RRs of a section, each once.
// A TargetName of "." means the owner in ServiceMode and nothing in AliasMode
// (RFC 9460 2.5).
func targets(section []lookup.RRset) []lookup.Name {
	var names []lookup.Name
	for _, s := range section {
		if !isService(s.Type) {
			continue
		}
		for rdata := range s.Data.All() {
			if len(rdata) < 3 {
				continue
			}
			priority := binary.BigEndian.Uint16([]byte(rdata[:2]))
			target, _, err := lookup.NameFromWire(rdata[2:])
			if err != nil || target == lookup.Root && priority == 0 {
				continue
			}
			if target == lookup.Root {
				target = s.Name
			}
			if len(names) < maxTargets && !slices.Contains(names, target) {
				names = append(names, target)
			}
		}
	}
	return names
}
