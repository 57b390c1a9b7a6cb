package resolver

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/sextant-dns/sextant/cache"
	"github.com/sextant-dns/sextant/lookup"
)

// cut is where a zone begins and who serves it. It is immutable.
type cut struct {
	zone    lookup.Name
	servers []Server      // those without Addrs have to be looked up
	own     []lookup.Name // name servers that the zone itself names besides, a last resort
	ttl     uint32        // as it was learned, in seconds
	since   time.Time     // when it was learned
	expires time.Time

	// What came with the referral of the zone's DS records: the set, or the proof that
	// there is none. Nobody has validated it yet.
	ds   lookup.RRset
	noDS []lookup.RRset

	life   time.Duration // until then, from when it was learned
	origin *cut          // what it was when it was learned; nil: it has not changed since
	via    *Zone         // from which it was reached; nil from the root
	pinned bool          // it is that Zone itself, with its servers, and never expires

	above lookup.Name // the zone whose server has referred to it
	grace time.Time   // until when it may be used although it has expired, see lapsed; zero: it may not

	local lookup.Resolver // a copy of the zone, by which it is known and which alone is asked; nil as a rule
}

// old tells whether less than a tenth of the life of c is left.
func (c *cut) old(now time.Time) bool { return c.expires.Sub(now) <= c.life/10 }

// learned is c as it was when it was learned.
func (c *cut) learned() *cut {
	if c.origin != nil {
		return c.origin
	}
	return c
}

// forwards tells whether the servers of c are resolvers.
func (c *cut) forwards() bool { return c.pinned && c.via.Forward }

// cuts remembers the zone cuts below the root.
type cuts struct {
	mu     sync.Mutex // held over reading and replacing what is there
	cache  *cache.Cache[lookup.Name, *cut]
	maxTTL uint32
	grace  time.Duration
}

func newCuts(o Options) *cuts {
	return &cuts{
		cache: cache.New[lookup.Name, *cut](cache.Options[lookup.Name, *cut]{
			Entries: o.Cache,
			Bytes:   o.CacheBytes / 12 * cutShare,
			Size:    cutSize(),
			Hash:    nameHash(),
		}),
		maxTTL: o.MaxTTL,
		grace:  o.Grace,
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
	learned.since = now
	learned.expires = now.Add(time.Duration(min(c.ttl, cs.maxTTL)) * time.Second)
	learned.via, learned.above = parent.via, parent.zone
	if parent.zone != lookup.Root && !parent.pinned && parent.local == nil {
		learned.expires = earlier(learned.expires, parent.expires)
	}
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if old, ok := cs.get(c.zone, now); ok && old.via == learned.via {
		learned.expires = earlier(learned.expires, old.expires)
	}
	if cs.grace > 0 { // as it lives no longer than its parent, neither does this
		learned.grace = learned.expires.Add(cs.grace)
	}
	learned.life = learned.expires.Sub(now)
	if learned.expires.After(now) {
		cs.cache.Put(c.zone, netip.Prefix{}, &learned, learned.expires)
	}
	return &learned
}

// complete adds glue to c, which lives as long as before at most.
func (cs *cuts) complete(c *cut, glue []lookup.RRset, now time.Time) {
	cs.change(c, now, func(changed *cut) {
		changed.servers = slices.Clone(changed.servers)
		for i := range changed.servers {
			s := &changed.servers[i]
			for _, set := range glue {
				addrs := slices.DeleteFunc(addresses(nil, set), func(a netip.Addr) bool { return slices.Contains(s.Addrs, a) })
				if set.Name == s.Name && len(addrs) > 0 {
					s.Addrs = slices.Concat(s.Addrs, addrs)
					s.Addrs = s.Addrs[:min(len(s.Addrs), maxAddresses)]
					changed.expires = earlier(changed.expires, now.Add(time.Duration(set.TTL)*time.Second))
				}
			}
		}
	})
}

// own notes the name servers that the zone of c names for itself and its parent
// does not. They are asked when all others have failed, for as long as the parent
// stands by its delegation, and so make nothing live longer.
func (cs *cuts) own(c *cut, ns lookup.RRset, now time.Time) {
	var names []lookup.Name
	for name := range nameServers(ns) {
		known := slices.ContainsFunc(c.servers, func(t Server) bool { return t.Name == name })
		if !known && !name.IsSubdomainOf(c.zone) {
			names = append(names, owned(name))
		}
	}
	slices.Sort(names)
	if !slices.Equal(names, c.own) {
		cs.change(c, now, func(changed *cut) { changed.own = names })
	}
}

// change puts a changed copy of c, with what others have changed, into its place,
// if it is still there.
func (cs *cuts) change(c *cut, now time.Time, f func(*cut)) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if current, ok := cs.get(c.zone, now); ok && current.learned() == c.learned() {
		changed := *current
		changed.origin = c.learned()
		f(&changed)
		cs.cache.Put(c.zone, netip.Prefix{}, &changed, changed.expires)
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// closest is the deepest known cut above q. A zone that we have a copy of is known,
// too: nobody above it has to be asked.
func (r *Resolver) closest(ctx context.Context, t task, q lookup.Question) *cut {
	apex, z := r.pins.find(home(q))
	if apex == lookup.Root || z != nil { // consult knows of copies of the root, and of stub zones
		return r.nearest(ctx, t, q)
	}
	if c := r.known(t, q, r.options.Now()); c != nil && c.zone.IsSubdomainOf(apex) {
		return c
	}
	if held := r.locals.of(apex); held != nil {
		return &cut{zone: apex, local: held}
	}
	return r.nearest(ctx, t, q)
}

// nearest is closest among the cuts that have servers. A configured zone comes
// before all that servers of zones above it say, and so do the cuts below it.
func (r *Resolver) nearest(ctx context.Context, t task, q lookup.Question) *cut {
	if c := r.known(t, q, r.options.Now()); c != nil {
		return c
	}
	if z := r.zoneOf(t, q); z != nil {
		return r.configured(ctx, t, z)
	}
	return r.rootCut(ctx, t)
}

// known is the deepest cut above q of those that delegations have led to, or nil.
// What is to be refreshed is not left to servers that may have lost the zone by
// the time it would have expired.
func (r *Resolver) known(t task, q lookup.Question, now time.Time) *cut {
	z := r.zoneOf(t, q)
	if t.cold {
		return nil
	}
	for name := home(q); name != lookup.Root; name, _ = name.Parent() {
		if z != nil && name == z.Name && !z.primes() {
			break
		}
		if c, ok := r.cuts.get(name, now); ok && c.via == z && !(t.renew && c.old(now)) {
			return c
		}
		if c := t.held.cut(name); c != nil && c.via == z {
			return c
		}
		if z != nil && name == z.Name {
			break
		}
	}
	return nil
}

// referral is what there is to say to q when nobody is to be asked: who knows
// more (RFC 1034 4.3.2 step 4).
func (r *Resolver) referral(t task, q lookup.Question, now time.Time) *lookup.Response {
	c := r.known(t, q, now)
	if c == nil {
		return refusal(lookup.REFUSED, lookup.EDENotAuthoritative, "not in memory")
	}
	return &lookup.Response{Authority: []lookup.RRset{c.ns(now)}, Uncacheable: true}
}
