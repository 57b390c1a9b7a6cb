package geo

import (
	"net/netip"
	"sync"
	"sync/atomic"
)

const (
	// shortcutBits is how many bits of an IPv4 address are enough for most descents.
	shortcutBits = 16
	// often is after how many descents from the root an Equivalence gets shortcuts.
	often = 1 << 16
)

// shortcuts are what the first bits of IPv4 addresses lead to under one Equivalence, as far
// as somebody has gone there. They are safe for concurrent use.
type shortcuts [1 << shortcutBits]atomic.Uint32

// of is the shortcut for an IPv4 address.
func (s *shortcuts) of(addr bits) *atomic.Uint32 { return &s[addr.hi>>(64-shortcutBits)] }

// shortcutsSize is what they take, in octets.
const shortcutsSize = 4 << shortcutBits

// A shortcut is one of them: its kind in the upper two bits, a depth in the next five, and
// below them a slot or, where the descent has ended at that depth, the class. It is 0 while
// nobody has gone there. Branches and chains that it leads to have classes that are not alike.
type shortcut uint32

const (
	ended = shortcut(kindMask)

	depthAt = 25           // where the depth begins
	indices = 1 << depthAt // how many slots and classes there are numbers for
)

func makeShortcut(kind shortcut, depth int, index uint32) shortcut {
	return kind | shortcut(depth)<<depthAt | shortcut(index)
}

func (s shortcut) kind() shortcut { return s & shortcut(kindMask) }
func (s shortcut) depth() int     { return int(s >> depthAt & 31) }
func (s shortcut) index() uint32  { return uint32(s % indices) }

// along is the shortcut for an IPv4 address of which shortcutBits are known at least; 0 if the
// Equivalence has none.
func (e *Equivalence) along(addr bits) shortcut {
	table := e.shortcuts.Load()
	if table == nil {
		if e.asked.Add(1) == often {
			e.m.tables.give(e)
		}
		return 0
	}
	entry := table.of(addr)
	s := shortcut(entry.Load())
	if s == 0 {
		s = e.m.shortcut(addr, e)
		entry.Store(uint32(s)) // whoever comes at the same time finds the same
	}
	return s
}

// Warm has the processor fetch the memory that Locate of these prefixes will look at first, and
// for all of them at once: a Locate that waits for it alone keeps the next one waiting. It
// changes nothing and does not allocate.
func (e *Equivalence) Warm(ps []netip.Prefix) {
	table := e.shortcuts.Load()
	if table == nil {
		return
	}
	for _, p := range ps {
		if p.Addr().Is4() {
			table.of(bitsOf(p.Addr())).Load()
		}
	}
}

// shortcut goes down from the root along the first bits of addr and no others.
func (m *Map) shortcut(addr bits, e *Equivalence) shortcut {
	at, depth := m.v4, 0
	for at.kind() != leaf {
		node := &m.slots[at.index()]
		switch {
		case e.uniform(node[2]):
			return makeShortcut(ended, depth, uint32(node.most(at)))
		case at.kind() == branch && depth < shortcutBits:
			at = ref(node[addr.side(depth)])
			depth++
			continue
		case at.kind() == branch:
			return makeShortcut(shortcut(branch), depth, at.index())
		}
		length := int(node[3])
		same := m.chainBits(at).common(addr.from(depth))
		switch {
		case same < length && depth+same < shortcutBits: // one of the first bits leaves the chain
			return makeShortcut(ended, depth+same+1, node[1])
		case same >= length && depth+length <= shortcutBits:
			at = ref(node[0])
			depth += length
		default:
			return makeShortcut(shortcut(chain), depth, at.index())
		}
	}
	return makeShortcut(ended, depth, at.index())
}

// tables is which Equivalences of a Map have shortcuts: those that got them last.
type tables struct {
	most  int // how many may have some; 0: none
	mutex sync.Mutex
	have  []*Equivalence // in the order in which they got them
}

// newTables is for a Map of so many slots and classes. The shortcuts may take as much memory
// as the slots; one Equivalence may have some in any case.
func newTables(slots, classes int) *tables {
	if slots > indices || classes > indices {
		return &tables{}
	}
	return &tables{most: max(1, slots*slotSize/shortcutsSize)}
}

// give makes shortcuts for e, in place of those of another one if need be.
func (t *tables) give(e *Equivalence) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if t.most == 0 {
		return
	}
	if len(t.have) == t.most {
		first := t.have[0]
		t.have = append(t.have[:0], t.have[1:]...)
		first.asked.Store(0)
		first.shortcuts.Store(nil)
	}
	t.have = append(t.have, e)
	e.shortcuts.Store(new(shortcuts))
}
