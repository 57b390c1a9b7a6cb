package geo

import (
	"encoding/binary"
	"net/netip"
	"slices"
)

// tags are sets of selectors, each with a number of its own. 0 is the empty one.
type tags struct {
	of     [][]uint32
	number map[string]uint32
	joined map[[2]uint32]uint32
}

func newTags() *tags {
	t := &tags{number: map[string]uint32{}, joined: map[[2]uint32]uint32{}}
	t.intern(nil)
	return t
}

// intern is the number of a set, given as ascending indices, which it keeps.
func (t *tags) intern(indices []uint32) uint32 {
	key := key(indices)
	n, known := t.number[key]
	if !known {
		n = uint32(len(t.of))
		t.number[key] = n
		t.of = append(t.of, indices)
	}
	return n
}

func key[T ~uint32](members []T) string {
	b := make([]byte, 0, 4*len(members))
	for _, n := range members {
		b = binary.BigEndian.AppendUint32(b, uint32(n))
	}
	return string(b)
}

// join is the union of two sets.
func (t *tags) join(a, b uint32) uint32 {
	if a == b || b == 0 {
		return a
	}
	if a == 0 {
		return b
	}
	n, known := t.joined[[2]uint32{a, b}]
	if !known {
		n = t.intern(union(t.of[a], t.of[b]))
		t.joined[[2]uint32{a, b}] = n
	}
	return n
}

func union[T ~uint32](a, b []T) []T {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// A tree holds the prefixes that sources speak of. What a node is tagged with is true
// of everything below it, too. Node 0 is none and node 1 the root.
type tree struct {
	nodes []treeNode
}

type treeNode struct {
	side [2]uint32
	tag  uint32
	form uint32 // 1 + the form that stands here
}

func newTree() *tree { return &tree{nodes: make([]treeNode, 2)} }

// reach is the node of a prefix, which is made where there is none.
func (t *tree) reach(p netip.Prefix) uint32 {
	a := bitsOf(p.Addr())
	at := uint32(1)
	for i := range p.Bits() {
		side := 0
		if a.at(i) {
			side = 1
		}
		next := t.nodes[at].side[side]
		if next == 0 {
			next = uint32(len(t.nodes))
			t.nodes = append(t.nodes, treeNode{})
			t.nodes[at].side[side] = next
		}
		at = next
	}
	return at
}

func (t *tree) tag(p netip.Prefix, tag uint32, all *tags) {
	n := t.reach(p)
	t.nodes[n].tag = all.join(t.nodes[n].tag, tag)
}

func (t *tree) alias(p netip.Prefix, form int) {
	t.nodes[t.reach(p)].form = uint32(form) + 1
}

func bitsOf(a netip.Addr) bits {
	if a.Is4() {
		four := a.As4()
		return bits{hi: uint64(binary.BigEndian.Uint32(four[:])) << 32}
	}
	b := a.As16()
	return bits{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

// prefix is the place as a prefix of its family.
func (p place) prefix(v4 bool) netip.Prefix { return p.addr.prefix(p.depth, v4) }

func (b bits) prefix(n int, v4 bool) netip.Prefix {
	if v4 {
		var four [4]byte
		binary.BigEndian.PutUint32(four[:], uint32(b.hi>>32))
		return netip.PrefixFrom(netip.AddrFrom4(four), n).Masked()
	}
	var a [16]byte
	binary.BigEndian.PutUint64(a[:8], b.hi)
	binary.BigEndian.PutUint64(a[8:], b.lo)
	return netip.PrefixFrom(netip.AddrFrom16(a), n).Masked()
}
