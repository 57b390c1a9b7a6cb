package geo

import (
	"net/netip"
	"slices"
)

// A Class is what is true of an address: a set of selectors of one Map. Class 0 is
// the empty set. Classes of different Maps have nothing to do with each other.
type Class uint32

// A Map knows the class of every address. It is made by Compile, never changes, and
// is safe for concurrent use.
//
// It is a binary trie for each family, in which every node covers a prefix and no
// two siblings are leaves of one class. Where one side of several nodes in a row has
// the same class, they are one chain. Nodes stand in one array, without pointers:
// a branch takes one slot and a chain two.
type Map struct {
	selectors []Selector // the most specific first
	index     map[Selector]uint32
	ranked    []ranked   // orders of places; their indices come after those of selectors
	classes   [][]uint32 // ascending indices of selectors
	slots     []slot
	sets      sets
	forms     []form // what an alias' index means
	v4, v6    ref
	tables    *tables
}

// A slot is a branch {zero side, one side, set, majority} or the head of a chain
// {next, off, set, bits}, which has the bits in the slot after it, from the left.
type slot [4]uint32

// slotSize is what a slot takes, in octets.
const slotSize = 16

// A ref is a node: its kind in the upper two bits, and a class (leaf), a slot
// (branch, chain) or a form (alias: the IPv4 trie stands here).
type ref uint32

const (
	leaf   ref = iota << 30
	branch     // both sides have several classes, or are single nodes
	chain      // bits that lead to next; whoever leaves them is in class off
	alias      // IPv4 addresses that are embedded

	kindMask ref = 3 << 30
)

func (r ref) kind() ref     { return r & kindMask }
func (r ref) index() uint32 { return uint32(r &^ kindMask) }

// Classes is how many classes there are; they are the numbers below it.
func (m *Map) Classes() int { return len(m.classes) }

// Selectors are those that are true of a class, the most specific first: by Kind, and
// longer networks before shorter ones.
func (m *Map) Selectors(c Class) []Selector {
	if int(c) >= len(m.classes) {
		return nil
	}
	var all []Selector
	for _, i := range m.classes[c] {
		if int(i) < len(m.selectors) {
			all = append(all, m.selectors[i])
		}
	}
	return all
}

// Has says whether s is true of a class.
func (m *Map) Has(c Class, s Selector) bool {
	if int(c) >= len(m.classes) {
		return false
	}
	i, used := m.index[s]
	return used && slices.Contains(m.classes[c], i)
}

// A Size is what a Map takes.
type Size struct {
	Selectors, Classes int
	Branches, Chains   int // nodes; leaves are within them
	Sets               int // different sets of classes below nodes
	Bytes              int // of the trie and the sets
}

// Size counts a Map.
func (m *Map) Size() Size {
	s := Size{Selectors: len(m.selectors), Classes: len(m.classes), Sets: len(m.sets.starts) - 1}
	var count func(r ref)
	count = func(r ref) {
		switch r.kind() {
		case branch:
			s.Branches++
			count(ref(m.slots[r.index()][0]))
			count(ref(m.slots[r.index()][1]))
		case chain:
			s.Chains++
			count(ref(m.slots[r.index()][0]))
		}
	}
	count(m.v4)
	count(m.v6)
	s.Bytes = slotSize*len(m.slots) + 4*len(m.sets.starts) + 4*len(m.sets.members)
	for _, c := range m.classes {
		s.Bytes += 24 + 4*len(c)
	}
	return s
}

// Locate is the class of the addresses of p and the widest prefix around them in
// which every address has it: the Map's part of an answer and its scope. Prefixes
// that it returns are equal or disjoint, whatever is asked (RFC 7871 7.2.1).
//
// Where p is so wide that its addresses are of several classes, the class is that of
// most of them, and the prefix, longer than p, is a widest one within p in which it
// holds: its length says how much more of the address was needed (RFC 7871 7.2.1:
// a SCOPE longer than the SOURCE).
//
// An invalid p is in class 0, with an invalid prefix.
func (m *Map) Locate(p netip.Prefix) (Class, netip.Prefix) { return m.locate(p, nil) }
