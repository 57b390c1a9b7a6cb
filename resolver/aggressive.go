package resolver

import (
	"slices"
	"time"

	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
)

// infer answers q from proofs that other questions have brought, or is nil
// (RFC 8198). What is denied in this way is not remembered once more: a flood of
// names that do not exist takes neither messages nor memory.
//
// About names in a configured zone only that zone has a say: what the public tree
// proves about them is not what the operator wants to hear. Names for which clients
// are told apart by their networks are exempt.
func (r *Resolver) infer(t task, q lookup.Question, now time.Time) *hop {
	if t.proof == nil || t.renew || t.cold || t.chain || r.options.Validation.NoAggressive || t.asks(q).IsValid() {
		return nil
	}
	denied, ok := r.ranges.Load().Deny(q.Name, q.Type, now, t.budget)
	if !ok || denied.SOA.Type != lookup.TypeSOA { // nearly always; all else is for the few
		return nil
	}
	anchor, anchored := r.options.Validation.Anchor(home(q))
	v := verdict{soa: denied.SOA, proof: denied.Sets, security: lookup.Secure}
	z := r.zoneOf(t, q)
	switch {
	case !anchored || anchor.Negative || r.refused(t, q) != nil:
		return nil
	case z != nil && (z.Insecure || !denied.Zone.IsSubdomainOf(z.Name)):
		return nil
	case denied.Kind == dnssec.DeniedName:
		v.kind, v.rcode = nameError, lookup.NXDOMAIN
	case denied.Kind == dnssec.DeniedType:
		v.kind = noData
	default: // a wildcard would answer
		return nil
	}
	r.counters.inferred.Add(1)
	v = r.answers.capped(v)
	// RFC 8198 5.4: for no longer than the proofs last, see Response.TTL.
	return &hop{response: v.response(), expires: now}
}

// gather remembers the proofs of v, which holds in zone, for infer.
func (r *Resolver) gather(v verdict, zone *trust) {
	if len(v.proof) == 0 || r.options.Validation.NoAggressive || v.scope.Network.IsValid() {
		return
	}
	sets, ttl := slices.Clone(v.proof), r.answers.maxTTL
	if v.soa.Type == lookup.TypeSOA {
		// RFC 9077 3: many zones still sign their proofs for longer.
		sets, ttl = append(sets, v.soa), min(ttl, lookup.NegativeTTL(v.soa))
	}
	for i, s := range sets {
		sets[i] = compact(s).WithTTL(min(s.TTL, ttl))
	}
	r.ranges.Load().Add(zone.zone, sets, r.options.Now())
}

// unprove forgets the proofs of all zones that name may be in.
func (r *Resolver) unprove(name lookup.Name) {
	for ranges := r.ranges.Load(); ; {
		ranges.Forget(name)
		above, ok := name.Parent()
		if !ok {
			return
		}
		name = above
	}
}
