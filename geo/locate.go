package geo

import (
	"encoding/binary"
	mathbits "math/bits"
	"net/netip"
	"slices"
)

// locate is Locate for classes that e holds to be alike, or for single classes.
func (m *Map) locate(p netip.Prefix, e *Equivalence) (Class, netip.Prefix) {
	if !p.IsValid() {
		return 0, netip.Prefix{}
	}
	if p.Addr().Is4() {
		four := p.Addr().As4()
		addr := bits{hi: uint64(binary.BigEndian.Uint32(four[:])) << 32}
		at := m.descend4(addr.first(p.Bits()), p.Bits(), e)
		binary.BigEndian.PutUint32(four[:], uint32(at.addr.first(at.depth).hi>>32))
		return at.class, netip.PrefixFrom(netip.AddrFrom4(four), at.depth)
	}
	b := p.Addr().As16()
	addr := bits{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
	at := m.descend(place{ref: m.v6, addr: addr.first(p.Bits()), known: p.Bits()}, e)
	if at.ref.kind() == alias {
		at = m.descendEmbedded(at, e)
	}
	addr = at.addr.first(at.depth)
	binary.BigEndian.PutUint64(b[:8], addr.hi)
	binary.BigEndian.PutUint64(b[8:], addr.lo)
	return at.class, netip.PrefixFrom(netip.AddrFrom16(b), at.depth)
}

// A place is a point of a descent: depth bits of addr lead to ref. Of addr the first
// known bits were given; what comes after them is chosen by whom most addresses
// belong to, settled is set then, and class is where the descent goes.
type place struct {
	ref     ref
	addr    bits
	depth   int
	known   int
	settled bool
	class   Class
}

// descend4 goes down the IPv4 trie, or as much of it as there is no shortcut for.
func (m *Map) descend4(addr bits, known int, e *Equivalence) place {
	at := place{ref: m.v4, addr: addr, known: known}
	if e != nil && known >= shortcutBits {
		switch s := e.along(addr); s.kind() {
		case ended:
			at.depth, at.class = s.depth(), Class(s.index())
			return at
		case shortcut(branch), shortcut(chain):
			at.depth, at.ref = s.depth(), ref(s.kind())|ref(s.index())
		}
	}
	return m.descend(at, e)
}

// descend goes down to the first node whose classes are alike, or to an alias.
func (m *Map) descend(at place, e *Equivalence) place {
	for {
		at.ref, at.depth = m.descendBranches(at.ref, at.depth, at.known, at.addr, e)
		switch at.ref.kind() {
		case leaf:
			at.class = Class(at.ref.index())
			return at
		case alias:
			return at
		}
		node := &m.slots[at.ref.index()]
		switch {
		case e.uniform(node[2]):
			if !at.settled {
				at.class = node.most(at.ref)
			}
			return at
		case at.ref.kind() == branch:
			m.takeSide(&at, node, e)
		case m.followChain(&at, node):
			return at
		}
	}
}

// descendBranches is the part of descend that has the least to ask: it goes down along known
// bits, from branch to branch of which e remembers that their classes are not alike.
func (m *Map) descendBranches(at ref, depth, known int, addr bits, e *Equivalence) (ref, int) {
	for at.kind() == branch && depth < known {
		node := &m.slots[at.index()]
		if e != nil && e.remembered(node[2]) != mixed {
			break
		}
		at = ref(node[addr.side(depth)])
		depth++
	}
	return at, depth
}

// descendEmbedded goes on in the IPv4 trie from an alias.
func (m *Map) descendEmbedded(at place, e *Equivalence) place {
	f := m.forms[at.ref.index()]
	in := m.descend(place{ref: m.v4, addr: f.extract(at.addr), known: f.known(at.known), settled: at.settled, class: at.class}, e)
	at.addr, at.depth, at.class = f.embed(at.addr, in.addr, in.depth), f.length(in.depth), in.class
	return at
}

// most is the class of most addresses of a branch or chain. Beside a chain there are
// always as many as at its end, or more.
func (s *slot) most(r ref) Class {
	if r.kind() == chain {
		return Class(s[1])
	}
	return Class(s[3])
}

func (m *Map) takeSide(at *place, node *slot, e *Equivalence) {
	if at.depth >= at.known {
		if !at.settled {
			at.settled, at.class = true, m.majority(at.ref, e)
		}
		at.addr = at.addr.with(at.depth, !m.reaches(ref(node[0]), at.class))
	}
	at.ref = ref(node[at.addr.side(at.depth)])
	at.depth++
}

// followChain goes to the chain's end, or to the leaf beside it where the address
// leaves it; it says whether that is where the descent ends.
func (m *Map) followChain(at *place, node *slot) (ended bool) {
	off, length := Class(node[1]), int(node[3])
	path := m.chainBits(at.ref)
	given := max(0, min(length, at.known-at.depth))
	same := min(path.common(at.addr.from(at.depth)), given)
	if same == given && given < length {
		// The address is known so far, and no further.
		if !at.settled {
			at.settled, at.class = true, node.most(at.ref)
		}
		if at.class == off {
			at.addr = at.addr.with(at.depth+given, !path.at(given))
		} else {
			for i := given; i < length; i++ {
				at.addr = at.addr.with(at.depth+i, path.at(i))
			}
			same = length
		}
	}
	if same == length {
		at.ref = ref(node[0])
		at.depth += length
		return false
	}
	at.class, at.ref = off, leaf|ref(off)
	at.depth += same + 1
	return true
}

func (m *Map) chainBits(r ref) bits {
	s := &m.slots[r.index()+1]
	return bits{uint64(s[0])<<32 | uint64(s[1]), uint64(s[2])<<32 | uint64(s[3])}
}

// reaches says whether class c is below r.
func (m *Map) reaches(r ref, c Class) bool {
	switch r.kind() {
	case leaf:
		return Class(r.index()) == c
	case alias:
		return m.reaches(m.v4, c)
	}
	_, found := slices.BinarySearch(m.sets.of(m.slots[r.index()][2]), c)
	return found
}

// common is how many bits b and c have in common, from the left.
func (b bits) common(c bits) int {
	if b.hi != c.hi {
		return mathbits.LeadingZeros64(b.hi ^ c.hi)
	}
	return 64 + mathbits.LeadingZeros64(b.lo^c.lo)
}
