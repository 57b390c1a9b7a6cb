package cache

import (
	"cmp"
	"encoding/binary"
	"iter"
	"net/netip"
	"slices"
)

// networks keeps a value for each of some networks, in an order in which a network
// comes right before those inside it. A nil *networks is empty.
//
// docs/adr/0008: a sorted slice takes a third of the memory of a multibit trie, and
// nearly all keys have few networks.
type networks[V any] struct {
	slots  []network[V]
	refers int64 // octets: what the values refer to, see shape
}

// network is a slot in little space: what is in it 100 or 10000 times counts.
type network[V any] struct {
	block
	value   V
	expires int64 // nanoseconds of Unix time
}

// block is a network as numbers.
type block struct {
	high, low uint64 // the address, an IPv4 one at the upper end of high
	around    int32  // among networks: the index of the next larger one around it, or -1
	bits      uint8
	v6        bool
	exact     bool // it is for clients of just that length
}

func blockOf(p netip.Prefix) block {
	if p.Addr().Is4() {
		a := p.Addr().As4()
		return block{high: uint64(binary.BigEndian.Uint32(a[:])) << 32, bits: uint8(p.Bits())}
	}
	a := p.Addr().As16()
	return block{high: binary.BigEndian.Uint64(a[:]), low: binary.BigEndian.Uint64(a[8:]), bits: uint8(p.Bits()), v6: true}
}

func (p block) prefix() netip.Prefix {
	if !p.v6 {
		var a [4]byte
		binary.BigEndian.PutUint32(a[:], uint32(p.high>>32))
		return netip.PrefixFrom(netip.AddrFrom4(a), int(p.bits))
	}
	var a [16]byte
	binary.BigEndian.PutUint64(a[:], p.high)
	binary.BigEndian.PutUint64(a[8:], p.low)
	return netip.PrefixFrom(netip.AddrFrom16(a), int(p.bits))
}

// compare orders blocks: IPv4 first, then by address, the larger network before
// those that begin where it begins.
func (p block) compare(q block) int {
	switch {
	case p.v6 != q.v6:
		if q.v6 {
			return -1
		}
		return 1
	case p.high != q.high:
		return cmp.Compare(p.high, q.high)
	case p.low != q.low:
		return cmp.Compare(p.low, q.low)
	}
	return cmp.Compare(p.bits, q.bits)
}

// covers tells whether all of q lies in p.
func (p block) covers(q block) bool {
	if p.v6 != q.v6 || p.bits > q.bits {
		return false
	}
	if p.bits <= 64 {
		return (p.high^q.high)>>(64-p.bits) == 0
	}
	return p.high == q.high && (p.low^q.low)>>(128-p.bits) == 0
}

// serves tells whether an answer for p may be given to client. A client that tells
// fewer bits than p has may be outside of it, and one that tells none has asked that
// nothing be made of its address (RFC 7871 7.1.2), for which only an answer that was
// got in the same way is good.
func (p block) serves(client block) bool {
	if p.exact || p.bits == 0 {
		return p.bits == client.bits && p.covers(client)
	}
	return p.covers(client)
}

// specific is how few clients a network has, in bits of IPv6; an IPv4 address is
// about as much as an IPv6 /64.
func (p block) specific() int {
	if p.v6 {
		return int(p.bits)
	}
	return 2 * int(p.bits)
}

func (n *network[V]) slot() slot[V] {
	return slot[V]{value: n.value, scope: n.prefix(), exact: n.exact, expires: n.expires}
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
			if !yield(n.slots[i].slot()) {
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
// that contain client, or is itself the longest of them. There are no more steps
// outwards than an address has bits, nor than networks nest.
func (n *networks[V]) find(client netip.Prefix, now int64) (found slot[V], ok bool) {
	if n == nil || !client.IsValid() {
		return slot[V]{}, false
	}
	asks, dead := blockOf(client.Masked()), -1
	i, exact := n.search(asks)
	if !exact {
		i--
	}
	for ; i >= 0; i = int(n.slots[i].around) {
		s := &n.slots[i]
		if !s.serves(asks) {
			continue
		}
		if s.expires > now {
			return s.slot(), true
		}
		if dead < 0 {
			dead = i
		}
	}
	if dead < 0 {
		return slot[V]{}, false
	}
	return n.slots[dead].slot(), true
}

// search is where p stands, or would stand.
func (n *networks[V]) search(p block) (i int, exact bool) {
	low, high := 0, len(n.slots)
	for low < high {
		middle := int(uint(low+high) >> 1)
		if n.slots[middle].compare(p) < 0 {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, low < len(n.slots) && n.slots[low].compare(p) == 0
}

// put keeps new in place of what was there for the same network, which it returns. There
// are never more networks than most.
func (n *networks[V]) put(new slot[V], most int) (old V, replaced bool) {
	p := blockOf(new.scope)
	p.exact = new.exact
	i, there := n.search(p)
	if there {
		s := &n.slots[i]
		old = s.value
		s.exact, s.value, s.expires = p.exact, new.value, new.expires
		return old, true
	}
	outer := int32(i - 1)
	for outer >= 0 && !n.slots[outer].covers(p) {
		outer = n.slots[outer].around
	}
	p.around = outer
	n.grow(most)
	n.slots = slices.Insert(n.slots, i, network[V]{block: p, value: new.value, expires: new.expires})
	inside := true // right behind it stands what is inside it
	for j := i + 1; j < len(n.slots); j++ {
		s := &n.slots[j]
		inside = inside && p.covers(s.block)
		switch {
		case s.around >= int32(i):
			s.around++ // it has moved
		case inside && s.around == outer:
			s.around = int32(i)
		}
	}
	return old, false
}

// grow makes room for one more, and for few beside it: most names stay at one, and none has
// more than most.
func (n *networks[V]) grow(most int) {
	if held := len(n.slots); held == cap(n.slots) {
		larger := make([]network[V], held, max(held+1, min(held+held/4+1, most)))
		copy(larger, n.slots)
		n.slots = larger
	}
}

// remove forgets the i-th network and returns what was kept for it.
func (n *networks[V]) remove(i int) (v V) {
	v = n.slots[i].value
	outer := n.slots[i].around
	n.slots = slices.Delete(n.slots, i, i+1)
	for j := i; j < len(n.slots); j++ {
		switch s := &n.slots[j]; {
		case s.around == int32(i):
			s.around = outer
		case s.around > int32(i):
			s.around--
		}
	}
	return v
}

// shrink drops one slot other than that of keep: one that has expired at the
// time now if there is one, else the most specific, which serves the fewest
// clients (RFC 7871 11.3); among equals the one that expires first. There must be
// another one.
func (n *networks[V]) shrink(keep netip.Prefix, now int64) (dropped V) {
	worst, kept := -1, blockOf(keep)
	for i := range n.slots {
		if s := &n.slots[i]; s.compare(kept) != 0 && (worst < 0 || s.worse(&n.slots[worst], now)) {
			worst = i
		}
	}
	return n.remove(worst)
}

func (n *network[V]) worse(m *network[V], now int64) bool {
	nDead, mDead := n.expires <= now, m.expires <= now
	switch {
	case nDead != mDead:
		return nDead
	case !nDead && n.specific() != m.specific():
		return n.specific() > m.specific()
	}
	return n.expires < m.expires
}
