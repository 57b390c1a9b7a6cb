package authoritative

import (
	"context"
	"errors"
	"net/netip"

	"github.com/sextant-dns/sextant/ecs"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/tailor"
	"github.com/sextant-dns/sextant/zones"
)

// narrow makes the response one for whom f is. It is false when f must not go into it,
// because what is there already is for others.
func (d *draft) narrow(f tailor.Finding, name lookup.Name) bool {
	r := &d.response
	if r.Counter == nil {
		r.Counter = f.Counter
	}
	if d.query.Trace != nil && f.Layered {
		d.query.Trace.Add(lookup.Event{Kind: lookup.EventScope, Name: name, Type: d.query.Type, Text: f.Because.String()})
	}
	if len(r.Answer) > 0 {
		// RFC 7871 7.2.1: of a chain, only what has the scope of its beginning. Whoever
		// wants the rest asks for it.
		same := f.Scope == r.Scope && f.Wanted == r.Wanted
		varies := f.Uncacheable && !f.Scope.IsValid() && !f.Draw // a denial that others do not get
		if f.Scope.IsValid() && !same || varies {
			d.tell(name, "the chain ends here: what follows is for others than what is before it")
			return false
		}
	}
	r.Scope, r.Wanted = narrowest(r.Scope, r.Wanted, f.Scope, f.Wanted)
	r.Uncacheable = r.Uncacheable || f.Uncacheable
	return true
}

func (d *draft) tell(name lookup.Name, what string) {
	d.query.Trace.Add(lookup.Event{Kind: lookup.EventScope, Name: name, Type: d.query.Type, Text: what})
}

// narrowest is whom two answers to one client are both good for.
func narrowest(a netip.Prefix, wantedA uint8, b netip.Prefix, wantedB uint8) (scope netip.Prefix, wanted uint8) {
	s := ecs.Narrowest(ecs.Scope{Network: a, Wanted: wantedA}, ecs.Scope{Network: b, Wanted: wantedB})
	return s.Network, s.Wanted
}

// host is what a zone has for the name of a host, for the additional section. What is not
// for everyone is left out (RFC 7871 7.4: addresses there are taken to be for all).
func (d *draft) host(zone *zones.Zone, host lookup.Name, t lookup.Type) zones.Match {
	tailored := d.data.Tailored[zone.Apex()]
	if tailored == nil {
		return zone.Find(host, t)
	}
	f := tailored.Find(host, t, d.from())
	if f.Scope.IsValid() || f.Uncacheable || f.Alias != nil {
		return zones.Match{}
	}
	return f.Match
}

// flatten answers with the addresses of an alias' target as those of name.
func (d *draft) flatten(ctx context.Context, zone *zones.Zone, name lookup.Name, f tailor.Finding) {
	found, err := d.target(ctx, f.Alias.Target)
	if err != nil {
		d.waits = errors.Is(err, errWaits)
		d.response = lookup.Response{Rcode: lookup.SERVFAIL, EDE: []lookup.EDE{lookup.EDEOf(err)}}
		return
	}
	r := &d.response
	r.EDE = append(r.EDE, found.EDE...)
	r.Keep = lookup.LeastKeep(r.Keep, found.Keep)
	r.Uncacheable = r.Uncacheable || found.Uncacheable
	chain, end := found.Chase(f.Alias.Target)
	set, ok := lookup.Find(found.Answer, end, d.query.Type)
	if !ok {
		if len(r.Answer) == 0 {
			r.Scope, r.Wanted = netip.Prefix{}, 0 // RFC 7871 7.4
		}
		// What is denied to some is not denied to all.
		r.Uncacheable = r.Uncacheable || f.Scope.IsValid() || found.Scope.IsValid()
		d.deny(zone)
		if soa, negative := found.Denial(); negative {
			last := &r.Authority[len(r.Authority)-1]
			last.TTL = min(last.TTL, lookup.NegativeTTL(soa))
		}
		return
	}
	ttl := min(f.Alias.TTL, set.TTL)
	for _, s := range chain {
		ttl = min(ttl, s.TTL)
	}
	r.Scope, r.Wanted = narrowest(r.Scope, r.Wanted, found.Scope, found.Wanted)
	r.Answer = append(r.Answer, lookup.RRset{Name: name, Type: set.Type, TTL: ttl, Data: set.Data})
}

// target is the addresses of an alias' target, wherever that is, for the same client.
func (d *draft) target(ctx context.Context, target lookup.Name) (*lookup.Response, error) {
	if !d.budget().Alias() {
		return nil, lookup.Fail(lookup.EDEOther, "too many aliases behind %s", target)
	}
	next := d.data.Aliases
	if next == nil {
		next = lookup.Func(func(_ context.Context, q lookup.Query) (*lookup.Response, error) {
			return nil, lookup.Fail(lookup.EDENoReachableAuth, "%s is in none of our zones, and nobody is asked", q.Name)
		})
	}
	ours := &Authority{}
	ours.data.Store(d.data)
	q := d.query
	q.Name, q.DO, q.RD, q.Trace = target, false, true, d.query.Trace.Deeper()
	r, err := ours.Before(next).Resolve(ctx, q)
	if err != nil {
		return nil, err
	}
	if r.Rcode == lookup.NOERROR || r.Rcode == lookup.NXDOMAIN {
		return r, nil
	}
	if len(r.EDE) > 0 {
		return nil, &lookup.Failure{EDE: r.EDE[0]}
	}
	return nil, lookup.Fail(lookup.EDENoReachableAuth, "%s: %s", target, r.Rcode)
}
