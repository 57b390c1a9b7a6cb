package server

import (
	"net/netip"

	"github.com/sextant-dns/sextant/lookup"
)

// groupSize is how many queries are answered together, at most.
const groupSize = 16

// group is queries that are answered together: each step is taken for all of them before
// the next one is. Half of what a hit takes is waiting for memory that is far from the
// processor, the packet above all, and a processor can wait for a dozen pieces of it at
// once (ADR 0020). A group is not safe for concurrent use.
type group struct {
	s       *Server
	members [groupSize]member
	n       int
	keys    [groupSize]uint64
	asking  [groupSize]netip.Prefix // whose place decides
	seen    byte                    // of packets; nobody wants it, but reads that nobody wants are not made
}

// member is a query of a group with what becomes of it.
type member struct {
	query
	room   []byte // that the reply is appended to
	kept   kept   // under the key of the query
	sought bool   // as read has it
	reply  []byte // as quick has it
	done   bool   // as quick has it
}

// next is room for one more query, of which there must be fewer than groupSize.
func (g *group) next() *member {
	g.n++
	return &g.members[g.n-1]
}

// all are the queries of the group.
func (g *group) all() []member { return g.members[:g.n] }

// clear makes the group empty, and lets go of what its queries held.
func (g *group) clear() {
	for i := range g.all() {
		m := &g.members[i]
		m.query.generation, m.query.canonical, m.kept = nil, "", kept{}
	}
	g.n = 0
}

// answer does for all queries what quick does for one.
func (g *group) answer() {
	for i := range g.all() {
		m := &g.members[i]
		m.reply, m.done, m.sought = g.s.read(m.room, &m.query)
	}
	g.find()
	for i := range g.all() {
		if m := &g.members[i]; m.sought {
			ok := m.generation.packets.fits(&m.kept, &m.query)
			m.reply, m.done = g.s.conclude(m.room, &m.query, &m.kept.packet, ok)
		}
	}
}

// find looks for the packets that are sought, and places them.
func (g *group) find() {
	keys, packets := g.keys[:0], (*packets)(nil)
	for i := range g.all() {
		// Views may have been replaced since the group's first query was read, and there are
		// other packets then. Nothing is lost if those are not warmed.
		if m := &g.members[i]; m.sought {
			packets = m.generation.packets
			m.key = packets.key(&m.query)
			keys = append(keys, m.key)
		}
	}
	packets.warm(keys)
	for i := range g.all() {
		if m := &g.members[i]; m.sought {
			m.generation.packets.find(&m.query, &m.kept)
		}
	}
	for i := range g.all() {
		if image := g.members[i].kept.image; image != "" {
			g.seen += image[0] + image[len(image)-1]
		}
	}
	g.warm()
	for i := range g.all() {
		if m := &g.members[i]; m.sought {
			m.kept.place(&m.query)
		}
	}
}

// warm has the memory fetched that tells where the clients are. Where the queries of a group
// are for several Choices, it is that of the first one of them.
func (g *group) warm() {
	asking, of := g.asking[:0], lookup.Choice(nil)
	for i := range g.all() {
		m := &g.members[i]
		if c := m.kept.choice(); c != nil && (of == nil || of == c.Choice) {
			of, asking = c.Choice, append(asking, m.audience())
		}
	}
	if len(asking) > 1 {
		of.Warm(asking)
	}
}
