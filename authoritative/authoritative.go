package authoritative

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/tailor"
	"github.com/sextant-dns/sextant/zones"
)

// Data is what an Authority answers from. It must not be changed while it is in use.
type Data struct {
	Tree *zones.Tree // nil: no zone

	// Tailored are those of the zones, by apex, whose answers depend on who asks.
	// Their bases are the zones of Tree.
	Tailored map[lookup.Name]*tailor.Zone

	// Aliases is asked, with the client's subnet, for the addresses of ALIAS targets
	// that are in none of the zones; nil: nobody can be asked.
	Aliases lookup.Resolver

	Limits lookup.Limits // of the work for a query that came without a Budget

	prompt *Data // the same, for those who cannot wait for Aliases
}

// Authority answers from zones. It is a lookup.Resolver and safe for concurrent
// use, also while its zones are replaced.
type Authority struct {
	data atomic.Pointer[Data]
}

var _ lookup.Resolver = (*Authority)(nil)

// New makes an Authority for the zones of tree. The nil Tree has none.
func New(tree *zones.Tree) *Authority {
	a := &Authority{}
	a.Replace(tree)
	return a
}

// Replace makes tree what is answered from, to all clients alike.
func (a *Authority) Replace(tree *zones.Tree) { a.Serve(Data{Tree: tree}) }

// Serve makes d what is answered from. Queries that are being answered go on with the
// data that they began with.
func (a *Authority) Serve(d Data) {
	prompt := d
	if d.Aliases != nil {
		prompt.Aliases = lookup.Func(func(context.Context, lookup.Query) (*lookup.Response, error) { return nil, errWaits })
	}
	d.prompt = &prompt
	a.data.Store(&d)
}

// errWaits is what those hear who cannot wait.
var errWaits = errors.New("somebody else has to be asked")

// Zone is the zone that name is in, so that whoever composes Resolvers can ask
// whether a name is ours.
func (a *Authority) Zone(name lookup.Name) (*zones.Zone, bool) {
	return a.data.Load().Tree.Closest(name)
}

// Resolve answers q. Names that are in none of our zones, and classes other than
// IN, are REFUSED. The error is always nil. Only ALIAS records whose targets are
// elsewhere have it wait, for Data.Aliases.
func (a *Authority) Resolve(ctx context.Context, q lookup.Query) (*lookup.Response, error) {
	return a.data.Load().resolve(ctx, q)
}

// Prompt is Resolve for those who cannot wait: ok is false when somebody else would have
// to be asked, about the target of an ALIAS. Until it comes to that, it is what Resolve
// does, so that to ask for what is there at once costs no more.
func (a *Authority) Prompt(q lookup.Query) (r *lookup.Response, ok bool) {
	r, err := a.data.Load().prompt.resolve(context.Background(), q)
	return r, err == nil
}

// resolve is Resolve. The error is errWaits or nil.
func (data *Data) resolve(ctx context.Context, q lookup.Query) (*lookup.Response, error) {
	zone, ok := closest(data.Tree, q.Name, q.Type)
	if !ok || q.Class != lookup.ClassIN {
		q.Trace.Add(lookup.Event{Kind: lookup.EventZone, Name: q.Name, Type: q.Type, Rcode: lookup.REFUSED, Text: "in none of our zones"})
		// No upward referral: it would help only those who forge the source of
		// their queries, and RFC 8914 4.21 has a code for just this.
		return &lookup.Response{Rcode: lookup.REFUSED, EDE: []lookup.EDE{{Code: lookup.EDENotAuthoritative}}}, nil
	}
	if zone.Absent() {
		q.Trace.Add(lookup.Event{Kind: lookup.EventZone, Name: q.Name, Type: q.Type, Target: zone.Apex(), Rcode: lookup.SERVFAIL, Text: "the zone has expired, or has never come"})
		return unavailable(zone), nil
	}
	d := draft{data: data, query: q, sheet: new(sheet)}
	d.response.Answer, d.response.Authority = d.answers[:0], d.authority[:0]
	d.answer(ctx, zone, q.Name)
	if d.waits {
		return nil, errWaits
	}
	q.Trace.Add(lookup.Event{Kind: lookup.EventZone, Name: q.Name, Type: q.Type, Target: zone.Apex(), Rcode: d.response.Rcode, Text: "answered"})
	return &d.response, nil
}

// unavailable is the answer for a zone that is ours, and of which we have nothing
// that may be used (RFC 1034 4.3.5; RFC 8914 4.25), or nothing yet (RFC 8914 4.15).
func unavailable(zone *zones.Zone) *lookup.Response {
	ede := lookup.EDE{Code: lookup.EDEInvalidData}
	if zone.IsAwaited() {
		ede.Code = lookup.EDENotReady
	}
	return &lookup.Response{Rcode: lookup.SERVFAIL, EDE: []lookup.EDE{ede}}
}

// closest is the zone that answers for name and type: the one that name is in,
// and for the DS of its apex the zone above, if we hold it. When we do not, the
// zone itself says NODATA (RFC 4035 3.1.4.1).
func closest(tree *zones.Tree, name lookup.Name, t lookup.Type) (*zones.Zone, bool) {
	zone, ok := tree.Closest(name)
	if !ok || t != lookup.TypeDS || name != zone.Apex() {
		return zone, ok
	}
	if parent, below := name.Parent(); below {
		above, held := tree.Closest(parent)
		if held && above.Absent() {
			return above, true
		}
		if held {
			if m := above.Find(name, lookup.TypeNS); m.Kind == zones.Delegation && m.Set.Name == name {
				return above, true
			}
		}
	}
	return zone, true
}
