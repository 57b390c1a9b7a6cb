package main

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/ecs"
	"github.com/sextant-dns/sextant/lifeline"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
)

// What the path of a protected zone may take up.
const (
	pathMemory = 4 << 20 // octets
	pathAgain  = 10 * time.Minute
	pathSoon   = 30 * time.Second // when name servers were not found
)

// knownPath finds names in a zone by the delegation of a snapshot: a resolver with a
// memory of its own, for which it is a stub zone. Name servers that the parent gives no
// addresses for are looked up as any other name, now and then.
type knownPath struct {
	p        *parts
	snapshot lifeline.Snapshot

	turn    chan struct{} // held over what is below
	current *resolver.Resolver
	servers []netip.AddrPort
	until   time.Time // when name servers are looked up anew; zero: never
}

// knownPath is a Keeper's Path.
func (p *parts) knownPath(s lifeline.Snapshot) lookup.Resolver {
	if p.anchors != nil && s.Unproven() {
		// To take its answers as they come could be a way around validation.
		return lookup.Func(func(context.Context, lookup.Query) (*lookup.Response, error) {
			return nil, lookup.Fail(lookup.EDEIndeterminate, "whether %s is signed has not been seen often enough to answer without its parent", s.Zone)
		})
	}
	return &knownPath{p: p, snapshot: s, turn: make(chan struct{}, 1)}
}

// Resolve answers as for clients of whom nothing is told.
func (k *knownPath) Resolve(ctx context.Context, q lookup.Query) (*lookup.Response, error) {
	return k.resolve(ctx, q, nil, nil)
}

// with is k for clients of a view. Aliases to names for which leave says so are their
// Guard's business.
func (k *knownPath) with(leave func(target lookup.Name) bool, policy *ecs.Policy) lookup.Resolver {
	return lookup.Func(func(ctx context.Context, q lookup.Query) (*lookup.Response, error) {
		return k.resolve(ctx, q, leave, policy)
	})
}

func (k *knownPath) resolve(ctx context.Context, q lookup.Query, leave func(lookup.Name) bool, policy *ecs.Policy) (*lookup.Response, error) {
	r, err := k.ready(ctx)
	if err != nil {
		return nil, err
	}
	return r.Until(leave, policy).Resolve(ctx, q)
}

// ready is the resolver with the name servers' present addresses.
func (k *knownPath) ready(ctx context.Context) (*resolver.Resolver, error) {
	select {
	case k.turn <- struct{}{}:
		defer func() { <-k.turn }()
	case <-ctx.Done(): // two zones may need each other's servers
		return nil, ctx.Err()
	}
	now := k.now()
	if k.current != nil && (k.until.IsZero() || now.Before(k.until)) {
		return k.current, nil
	}
	servers, again := k.find(ctx)
	if len(servers) == 0 && k.current != nil {
		servers = k.servers
	}
	if len(servers) == 0 {
		return nil, lookup.Fail(lookup.EDENoReachableAuth, "no address of any server of %s is known", k.snapshot.Zone)
	}
	k.until = time.Time{}
	if again > 0 {
		k.until = now.Add(again)
	}
	if k.current == nil || !slices.Equal(servers, k.servers) {
		k.current, k.servers = resolver.New(k.options(servers)), servers
	}
	return k.current, nil
}

func (k *knownPath) now() time.Time {
	if k.p.options.Now != nil {
		return k.p.options.Now()
	}
	return time.Now()
}

// find is the addresses of the name servers, and after what time to look for those anew
// that the parent does not tell; 0: there are none.
func (k *knownPath) find(ctx context.Context) (servers []netip.AddrPort, again time.Duration) {
	port := k.p.options.Port
	if port == 0 {
		port = 53
	}
	for _, h := range k.snapshot.Hosts {
		addrs := h.Addrs
		if len(addrs) == 0 && !h.Name.IsSubdomainOf(k.snapshot.Zone) {
			again = max(again, pathAgain)
			if addrs = k.p.addresses(ctx, k.p.lifeline.Guard(k.p.recurse, nil), h.Name); len(addrs) == 0 {
				again = pathSoon
			}
		}
		for _, a := range addrs {
			if !k.p.unaskable(a) {
				servers = append(servers, netip.AddrPortFrom(a, port))
			}
		}
	}
	slices.SortFunc(servers, netip.AddrPort.Compare)
	return slices.Compact(servers), again
}

func (k *knownPath) options(servers []netip.AddrPort) resolver.Options {
	o, zone := k.p.options, k.snapshot.Zone
	o.Within = zone
	o.Zones = slices.DeleteFunc(slices.Clone(o.Zones), func(z resolver.Zone) bool { return z.Name == zone })
	o.Zones = append(o.Zones, resolver.Zone{Name: zone, Servers: servers})
	o.Cache, o.CacheBytes, o.Referred = 0, pathMemory, nil // it is by the parent's way that the Keeper wants to hear
	o.Prefetch, o.Stale.Enabled = false, false             // both are the other path's, which has the memory for it
	if k.p.anchors == nil {
		return o
	}
	o.Validation.Seen = nil
	public, ds := o.Validation.Anchor, k.anchor()
	o.Validation.Anchor = func(name lookup.Name) (resolver.Anchor, bool) {
		a, ok := public(name)
		switch {
		case !name.IsSubdomainOf(zone):
			return a, ok
		case ok && (a.Negative || a.Zone.IsSubdomainOf(zone)): // the operator's own
			return a, true
		}
		return resolver.Anchor{Zone: zone, DS: ds}, len(ds) > 0
	}
	return o
}

// anchor is what the zone is validated by without its parent: the DS and the keys that
// were validated while it could be had. None: it was proven to be unsigned.
func (k *knownPath) anchor() []dnssec.DS {
	if !k.snapshot.Secure() {
		return nil
	}
	set := lookup.RRset{Name: k.snapshot.Zone, Type: lookup.TypeDS, Data: lookup.PackRdata(k.snapshot.DS...)}
	ds := dnssec.ParseDS(set)
	set.Type, set.Data = lookup.TypeDNSKEY, lookup.PackRdata(k.snapshot.Keys...)
	for _, key := range dnssec.ParseKeys(set) {
		if of, ok := dnssec.DSOf(key, dnssec.SHA256); ok && !slices.Contains(ds, of) {
			ds = append(ds, of)
		}
	}
	return ds
}
