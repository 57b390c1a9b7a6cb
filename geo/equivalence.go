package geo

import (
	"iter"
	"net/netip"
	"sync/atomic"
)

// An Equivalence says which classes of a Map are answered alike at present: for one
// owner name and type, under one state of health. To make one costs four bytes a
// class; what it finds out of the Map's sets of classes it keeps in two bits each, and
// when it is asked often, where IPv4 addresses are found, in 256 KiB. It is safe for
// concurrent use. When answers change, make another one: the Map stays.
type Equivalence struct {
	m     *Map
	group []uint32
	memo  []atomic.Uint32 // 16 sets in each

	asked     atomic.Uint32 // descents from the root of the IPv4 trie
	shortcuts atomic.Pointer[shortcuts]
}

// Equivalence asks group once about each class; two classes with the same number are
// answered alike.
func (m *Map) Equivalence(group func(Class) uint32) *Equivalence {
	e := &Equivalence{m: m, group: make([]uint32, len(m.classes)), memo: make([]atomic.Uint32, len(m.sets.starts)/16+1)}
	for c := range e.group {
		e.group[c] = group(Class(c))
	}
	return e
}

// Locate is like Map.Locate for an answer in place of a class: the prefix is the
// widest one around p in which every address is answered alike, and the class is one
// of those that are found in it. Compared with other prefixes that the same
// Equivalence returned, it is equal or disjoint. It does not allocate, but for the 256 KiB
// once.
//
// Where p is wider than that, the answer is the one that most of p's addresses get;
// for prefixes with thousands of networks in them that is an estimate.
func (e *Equivalence) Locate(p netip.Prefix) (Class, netip.Prefix) { return e.m.locate(p, e) }

// What the memo knows of a set, in two bits.
const (
	unknown uint32 = iota
	mixed
	uniform
)

// uniform says whether all classes of a set are answered alike. Without an
// Equivalence they are not: there are two at least.
func (e *Equivalence) uniform(set uint32) bool {
	if e == nil {
		return false
	}
	if known := e.remembered(set); known != unknown {
		return known == uniform
	}
	return e.compare(set)
}

// remembered is what the memo knows of a set.
func (e *Equivalence) remembered(set uint32) uint32 {
	return e.memo[set/16].Load() >> (set % 16 * 2) & 3
}

// compare finds out whether they are, and remembers it.
func (e *Equivalence) compare(set uint32) bool {
	members := e.m.sets.of(set)
	verdict := uniform
	for _, c := range members[1:] {
		if e.group[c] != e.group[members[0]] {
			verdict = mixed
			break
		}
	}
	e.memo[set/16].Or(verdict << (set % 16 * 2)) // whoever comes at the same time finds the same
	return verdict == uniform
}

// Prefixes are all prefixes that Locate can return, with a class of each, IPv4 first,
// in the order of their addresses: what resolvers need to keep of this answer, one
// cache slot each. Of IPv6 forms that embed IPv4 addresses only those appear that are
// answered alike as a whole; the others are as many as those of IPv4.
func (e *Equivalence) Prefixes() iter.Seq2[netip.Prefix, Class] {
	return func(yield func(netip.Prefix, Class) bool) {
		_ = e.m.walk(place{ref: e.m.v4}, e, func(at place) bool { return yield(at.prefix(true), at.class) }) &&
			e.m.walk(place{ref: e.m.v6}, e, func(at place) bool { return yield(at.prefix(false), at.class) })
	}
}

// walk visits the uniform places below at, until visit says false.
func (m *Map) walk(at place, e *Equivalence, visit func(place) bool) bool {
	switch at.ref.kind() {
	case leaf:
		at.class = Class(at.ref.index())
		return visit(at)
	case alias:
		in := m.descend(place{ref: m.v4}, e)
		if in.depth > 0 {
			return true
		}
		at.class = in.class
		return visit(at)
	}
	node := m.slots[at.ref.index()]
	if e.uniform(node[2]) {
		at.class = node.most(at.ref)
		return visit(at)
	}
	if at.ref.kind() == branch {
		zero := place{ref: ref(node[0]), addr: at.addr, depth: at.depth + 1}
		one := place{ref: ref(node[1]), addr: at.addr.with(at.depth, true), depth: at.depth + 1}
		return m.walk(zero, e, visit) && m.walk(one, e, visit)
	}
	return m.walkChain(at, m.chainBits(at.ref), int(node[3]), func(p place, end bool) bool {
		if !end {
			p.ref, p.class = leaf|ref(node[1]), Class(node[1])
			return visit(p)
		}
		p.ref = ref(node[0])
		return m.walk(p, e, visit)
	})
}

// walkChain visits the leaves beside a chain and its end, in the order of addresses.
func (m *Map) walkChain(at place, path bits, length int, visit func(p place, end bool) bool) bool {
	if length == 0 {
		return visit(at, true)
	}
	one := path.at(0)
	beside := place{addr: at.addr.with(at.depth, !one), depth: at.depth + 1}
	along := place{addr: at.addr.with(at.depth, one), depth: at.depth + 1}
	if one {
		return visit(beside, false) && m.walkChain(along, path.from(1), length-1, visit)
	}
	return m.walkChain(along, path.from(1), length-1, visit) && visit(beside, false)
}
