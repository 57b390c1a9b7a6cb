package lifeline

import (
	"net/netip"
	"slices"

	"github.com/sextant-dns/sextant/lookup"
)

// Nothing is suspicious about the answers of servers that are not the zone's: only that
// the parent refers to them is. So the Guards' next is listened to, and what it hears from
// servers that no roll-call has confirmed is held back.

// Referred takes in where a server of the parent has referred the Guards' next to. If any
// of these servers is not known, a roll-call is sent at once, and until the zone is normal
// again its names are found by the known delegation. glue says that hosts are what the
// parent has said when it was asked for addresses that it had left out. It must be told
// before anybody is asked there. It does not block, and is safe for concurrent use.
func (k *Keeper) Referred(zone lookup.Name, hosts []Host, glue bool) {
	z := k.zones[zone]
	if z == nil {
		return
	}
	k.lead(z, hosts, func(d Delegation) bool { return d.knows(hosts, glue) })
}

// Answered takes in that a server of a zone has answered the Guards' next for name, and has
// referred to nobody. If that zone is above a protected one in which name is, and the
// server is none of the protected zone's, it is as with Referred: whoever has got hold of a
// server of the parent need not refer to anybody.
func (k *Keeper) Answered(name, above lookup.Name, server netip.Addr) {
	z := k.closest(name)
	if z == nil || z.zone == above || !z.zone.IsSubdomainOf(above) {
		return
	}
	k.lead(z, []Host{{Addrs: []netip.Addr{server}}}, func(d Delegation) bool {
		return slices.ContainsFunc(d.Hosts, func(h Host) bool { return slices.Contains(h.Addrs, server) })
	})
}

// lead notes who is asked in the place of servers of z, if that is not known to be right.
func (k *Keeper) lead(z *keeping, hosts []Host, right func(Delegation) bool) {
	z.mu.Lock()
	astray := z.m.Snapshot.Known() && !z.m.Gone && !z.m.expired() && !right(z.m.Snapshot.Delegation)
	if astray && len(z.astray) <= maxHosts { // more than that, no delegation has
		z.astray = append(z.astray, hosts...)
	}
	z.mu.Unlock()
	if astray {
		k.suspect(z, LedAstray)
	}
}

// knows tells whether hosts are servers of d with their addresses. What was asked for
// beside a referral may be addresses of a family that no referral has shown.
func (d Delegation) knows(hosts []Host, glue bool) bool {
	unknown := 0
	for _, h := range hosts {
		i := slices.IndexFunc(d.Hosts, func(known Host) bool { return known.Name == h.Name })
		if i < 0 {
			unknown++
			continue
		}
		for _, is4 := range [2]bool{true, false} {
			shown, known := ofFamily(h.Addrs, is4), ofFamily(d.Hosts[i].Addrs, is4)
			added := len(known) == 0 && (glue || len(d.Hosts[i].Addrs) == 0)
			if len(shown) > 0 && !added && !slices.ContainsFunc(shown, func(a netip.Addr) bool { return slices.Contains(known, a) }) {
				return false
			}
		}
	}
	// Of a delegation that is too long for us, everybody has others.
	return unknown == 0 || len(d.Hosts) == maxHosts && unknown < len(hosts)
}

// isAstray tells whether what comes by the parent's delegation may be somebody else's.
func (z *keeping) isAstray() bool {
	z.mu.Lock()
	defer z.mu.Unlock()
	return len(z.astray) > 0
}

// isSettled tells whether a majority of the parent shows the delegation that leads astray,
// and has shown it for as long as whoever follows a change waits.
func (z *keeping) isSettled() bool {
	z.mu.Lock()
	defer z.mu.Unlock()
	c := z.m.change
	return c != nil && c.Calls >= 2 && z.m.Last.At.Sub(c.Since) >= z.m.policy.ChangeDwell && c.Delegation.knows(z.astray, false)
}

// back ends that queries are led astray, when the parent's word counts again. What was
// heard from servers that were not known may live on for as long as they have said, and
// so it is forgotten.
func (k *Keeper) back(z *keeping) {
	z.mu.Lock()
	over := len(z.astray) > 0 && (z.m.State == Normal || z.m.Gone)
	if over {
		z.astray = nil
	}
	z.mu.Unlock()
	if over {
		k.o.Forget(z.zone)
	}
}
