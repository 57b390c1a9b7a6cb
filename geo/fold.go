package geo

import (
	"cmp"
	"slices"
)

// A folder turns trees into the trie of a Map, from the leaves up: siblings of one
// class become one leaf, and nodes in a row with the same class beside them a chain.
type folder struct {
	m       *Map
	tags    *tags
	class   map[uint32]Class // of a tag
	single  map[Class]uint32 // the set of one class
	joined  map[[2]uint32]uint32
	numbers map[string]uint32 // of a set, by its members
	four    part              // the IPv4 trie, for the forms that embed it
}

// A part is a node with what is below it. A node with a leaf on one side at least is
// not written before it is known whether it goes on as a chain: bits lead to next.
type part struct {
	ref    ref
	set    uint32
	shares []share
	path   bits
	length int // of path; 0: ref is the node
	off    Class
}

// A share is how much of a node's addresses are in a class, from 0 to 1.
type share struct {
	class Class
	part  float64
}

func newFolder(m *Map, t *tags) *folder {
	f := &folder{m: m, tags: t, class: map[uint32]Class{}, single: map[Class]uint32{},
		joined: map[[2]uint32]uint32{}, numbers: map[string]uint32{}}
	f.m.sets.starts = []uint32{0}
	f.classOf(0) // whatever stands nowhere is in class 0
	return f
}

func (f *folder) fold(g *growth) {
	f.four = f.below(g.v4, 1, 0)
	f.m.v4 = f.write(f.four)
	f.four.ref, f.four.length = f.m.v4, 0
	f.m.v6 = f.write(f.below(g.v6, 1, 0))
}

func (f *folder) classOf(tag uint32) Class {
	c, known := f.class[tag]
	if !known {
		c = Class(len(f.m.classes))
		f.class[tag] = c
		f.m.classes = append(f.m.classes, f.tags.of[tag])
	}
	return c
}

func (f *folder) leaf(c Class) part {
	set, known := f.single[c]
	if !known {
		set = f.intern([]Class{c})
		f.single[c] = set
	}
	return part{ref: leaf | ref(c), set: set, shares: []share{{c, 1}}}
}

func (p part) isLeaf() bool { return p.length == 0 && p.ref.kind() == leaf }

// below folds what stands below a node, where tag is true already.
func (f *folder) below(t *tree, node, tag uint32) part {
	n := t.nodes[node]
	if n.form != 0 {
		if f.four.isLeaf() {
			return f.leaf(Class(f.four.ref.index()))
		}
		return part{ref: alias | ref(n.form-1), set: f.four.set, shares: slices.Clone(f.four.shares)}
	}
	tag = f.tags.join(tag, n.tag)
	if node == 0 || n.side == [2]uint32{} {
		return f.leaf(f.classOf(tag))
	}
	return f.join(f.below(t, n.side[0], tag), f.below(t, n.side[1], tag))
}

// join is the node above two siblings.
func (f *folder) join(zero, one part) part {
	if zero.isLeaf() && one.isLeaf() && zero.ref == one.ref {
		return zero
	}
	set, shares := f.union(zero.set, one.set), half(zero.shares, one.shares)
	node := part{set: set, shares: shares, length: 1}
	switch {
	case zero.isLeaf():
		node.off, node.path = Class(zero.ref.index()), bits{hi: 1 << 63}
		return f.extend(node, one)
	case one.isLeaf():
		node.off = Class(one.ref.index())
		return f.extend(node, zero)
	}
	node.length = 0
	node.ref = f.branch(f.write(zero), f.write(one), set, shares)
	return node
}

// extend puts one more bit, with a leaf beside it, before what comes after it.
func (f *folder) extend(node, after part) part {
	if after.length == 1 && after.off != node.off && after.ref == leaf|ref(node.off) {
		// Two leaves: either of them can be the one beside the chain.
		after.path, after.off, after.ref = after.path.with(0, !after.path.at(0)), node.off, leaf|ref(after.off)
	}
	if after.length == 0 || after.off != node.off {
		node.ref = f.write(after)
		return node
	}
	first := node.path.at(0)
	node.path = bits{hi: after.path.hi >> 1, lo: after.path.lo>>1 | after.path.hi<<63}.with(0, first)
	node.length, node.ref = after.length+1, after.ref
	return node
}

// write puts a part into the Map.
func (f *folder) write(p part) ref {
	switch p.length {
	case 0:
		return p.ref
	case 1: // a branch is smaller
		if p.path.at(0) {
			return f.branch(leaf|ref(p.off), p.ref, p.set, p.shares)
		}
		return f.branch(p.ref, leaf|ref(p.off), p.set, p.shares)
	}
	at := len(f.m.slots)
	f.m.slots = append(f.m.slots,
		slot{uint32(p.ref), uint32(p.off), p.set, uint32(p.length)},
		slot{uint32(p.path.hi >> 32), uint32(p.path.hi), uint32(p.path.lo >> 32), uint32(p.path.lo)})
	return chain | ref(at)
}

func (f *folder) branch(zero, one ref, set uint32, shares []share) ref {
	most := slices.MaxFunc(shares, func(a, b share) int { return cmp.Compare(a.part, b.part) })
	at := len(f.m.slots)
	f.m.slots = append(f.m.slots, slot{uint32(zero), uint32(one), set, uint32(most.class)})
	return branch | ref(at)
}

// half is the shares of a node whose halves have these.
func half(a, b []share) []share {
	all := make([]share, 0, len(a)+len(b))
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && a[0].class < b[0].class:
			all, a = append(all, share{a[0].class, a[0].part / 2}), a[1:]
		case len(a) == 0 || b[0].class < a[0].class:
			all, b = append(all, share{b[0].class, b[0].part / 2}), b[1:]
		default:
			all = append(all, share{a[0].class, (a[0].part + b[0].part) / 2})
			a, b = a[1:], b[1:]
		}
	}
	return all
}

// sets are sets of classes, ascending, one after the other.
type sets struct {
	starts  []uint32 // one more than there are sets
	members []Class
}

func (s *sets) of(set uint32) []Class { return s.members[s.starts[set]:s.starts[set+1]] }

func (f *folder) union(a, b uint32) uint32 {
	if a == b {
		return a
	}
	pair := [2]uint32{min(a, b), max(a, b)}
	n, known := f.joined[pair]
	if !known {
		n = f.intern(union(f.m.sets.of(a), f.m.sets.of(b)))
		f.joined[pair] = n
	}
	return n
}

func (f *folder) intern(members []Class) uint32 {
	k := key(members)
	n, known := f.numbers[k]
	if !known {
		s := &f.m.sets
		n = uint32(len(s.starts) - 1)
		f.numbers[k] = n
		s.members = append(s.members, members...)
		s.starts = append(s.starts, uint32(len(s.members)))
	}
	return n
}
