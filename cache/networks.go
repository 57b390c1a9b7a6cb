package cache

import (
	"iter"
	"net/netip"
	"slices"
)

// networks keeps a value for each of some networks, in the order of
// netip.Prefix.Compare, in which a network comes right before those inside it.
// A nil *networks is empty.
type networks[V any] struct {
	slots  []slot[V]
	around []int32 // for each slot, the index of the next larger network around it, or -1
}

func (n *networks[V]) len() int {
	if n == nil {
		return 0
	}
	return len(n.slots)
}

func (n *networks[V]) all() iter.Seq[slot[V]] {
	return func(yield func(slot[V]) bool) {
		for i := range n.len() {
			if !yield(n.slots[i]) {
				return
			}
		}
	}
}

// find is the slot of the longest network around client that is alive at the
// time now, or of the longest around it when none is alive.
//
// Whatever contains client stands before it in the order, and whatever stands
// between the two lies inside. So the last network before client is inside all
// that contain client, or is itself the longest of them.
func (n *networks[V]) find(client netip.Prefix, now int64) (found slot[V], ok bool) {
	if n == nil || !client.IsValid() {
		return slot[V]{}, false
	}
	i, exact := n.search(client.Masked())
	if !exact {
		i--
	}
	for ; i >= 0; i = int(n.around[i]) {
		s := n.slots[i]
		if !serves(s.scope, client) {
			continue
		}
		if s.expires > now {
			return s, true
		}
		if !ok {
			found, ok = s, true
		}
	}
	return found, ok
}

// serves tells whether an answer for scope may be given to client. A client that
// tells fewer bits than the scope has may be outside of it, and one that tells
// none has asked that nothing be made of its address (RFC 7871 7.1.2), for which
// only an answer that was got in the same way is good.
func serves(scope, client netip.Prefix) bool {
	if scope.Bits() == 0 && client.Bits() != 0 {
		return false
	}
	return scope.Bits() <= client.Bits() && scope.Contains(client.Addr())
}

func (n *networks[V]) search(scope netip.Prefix) (i int, exact bool) {
	return slices.BinarySearchFunc(n.slots, scope, func(s slot[V], p netip.Prefix) int { return s.scope.Compare(p) })
}

// put keeps new in place of what was there for the same network.
func (n *networks[V]) put(new slot[V]) {
	i, exact := n.search(new.scope)
	if exact {
		n.slots[i] = new
		return
	}
	n.slots = slices.Insert(n.slots, i, new)
	n.nest()
}

// shrink drops one slot other than that of keep: one that has expired at the
// time now if there is one, else the most specific, which serves the fewest
// clients; among equals the one that expires first.
func (n *networks[V]) shrink(keep netip.Prefix, now int64) {
	worst := -1
	for i, s := range n.slots {
		if s.scope != keep && (worst < 0 || worse(s, n.slots[worst], now)) {
			worst = i
		}
	}
	if worst >= 0 {
		n.slots = slices.Delete(n.slots, worst, worst+1)
		n.nest()
	}
}

func worse[V any](a, b slot[V], now int64) bool {
	aDead, bDead := a.expires <= now, b.expires <= now
	switch {
	case aDead != bDead:
		return aDead
	case !aDead && specific(a.scope) != specific(b.scope):
		return specific(a.scope) > specific(b.scope)
	}
	return a.expires < b.expires
}

// specific is how few clients a network has, in bits of IPv6; an IPv4 address is
// about as much as an IPv6 /64.
func specific(scope netip.Prefix) int {
	if scope.Addr().Is4() {
		return 2 * scope.Bits()
	}
	return scope.Bits()
}

// nest notes for each network which one is around it.
func (n *networks[V]) nest() {
	n.around = n.around[:0]
	for i, s := range n.slots {
		outer := int32(i - 1)
		for outer >= 0 && !n.slots[outer].scope.Overlaps(s.scope) {
			outer = n.around[outer]
		}
		n.around = append(n.around, outer)
	}
}
