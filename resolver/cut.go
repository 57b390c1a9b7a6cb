package resolver

import (
	"context"
	"net/netip"
	"time"

	"github.com/sextant-dns/sextant/cache"
	"github.com/sextant-dns/sextant/lookup"
)

// cut is where a zone begins and who serves it. It is immutable.
type cut struct {
	zone    lookup.Name
	servers []Server // those without Addrs have to be looked up
	ttl     uint32   // as it was learned, in seconds
	expires time.Time
}

// cuts remembers the zone cuts below the root.
type cuts struct {
	cache  *cache.Cache[lookup.Name, *cut]
	maxTTL uint32
}

func newCuts(o Options) *cuts {
	return &cuts{
		cache:  cache.New[lookup.Name, *cut](cache.Options[lookup.Name]{Entries: o.Cache}),
		maxTTL: o.MaxTTL,
	}
}

func (cs *cuts) get(zone lookup.Name, now time.Time) (*cut, bool) {
	c, _, ok := cs.cache.Get(zone, netip.Prefix{}, now)
	return c, ok
}

// learn remembers the cut to which a server of the zone of parent has referred,
// and returns it. It lives no longer than parent (Phoenix domains), and no longer
// than the living cut that it takes the place of, whoever says so (ghost domains,
// CVE-2026-40622): a delegation that its parent has withdrawn ends when it would
// have ended without anybody's doing.
func (cs *cuts) learn(parent, c *cut, now time.Time) *cut {
	learned := *c
	learned.expires = now.Add(time.Duration(min(c.ttl, cs.maxTTL)) * time.Second)
	if parent.zone != lookup.Root {
		learned.expires = earlier(learned.expires, parent.expires)
	}
	if old, ok := cs.get(c.zone, now); ok {
		learned.expires = earlier(learned.expires, old.expires)
	}
	if learned.expires.After(now) {
		cs.cache.Put(c.zone, netip.Prefix{}, &learned, learned.expires)
	}
	return &learned
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// closest is the deepest known cut above q. The DS of a zone is data of the zone
// above it (RFC 4035 3.1.4.1).
func (r *Resolver) closest(ctx context.Context, t task, q lookup.Question) *cut {
	name := q.Name
	if above, ok := name.Parent(); ok && q.Type == lookup.TypeDS {
		name = above
	}
	now := r.options.Now()
	for ; name != lookup.Root; name, _ = name.Parent() {
		if c, ok := r.cuts.get(name, now); ok {
			return c
		}
	}
	return r.rootCut(ctx, t)
}
