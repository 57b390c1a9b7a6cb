package message

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"

	"github.com/sextant-dns/sextant/lookup"
)

// grouping sorts the RRs of a message into RRsets, one section after another.
//
// Sets and RRs are found by hash, in chains whose heads are few: they are made
// for messages of a few dozen RRs, and the at most 5957 of a hostile one still
// leave chains of some 50. The seed keeps anyone from choosing the chain.
type grouping struct {
	seed     maphash.Seed
	sets     []set
	rrs      []rr
	opened   int // the first set of the current section
	setHeads [buckets]uint16
	rrHeads  [buckets]uint16
}

const buckets = 128

// set is an RRset before there are strings. Links are one more than the index of
// what they lead to; 0 is the end. The largest message has fewer than 6000 RRs,
// so 16 bits are enough.
type set struct {
	owner span
	t     lookup.Type
	ttl   uint32
	data  list
	sigs  list
	next  uint16 // in the chain of its hash: older
}

// list is RRs in the order in which they came.
type list struct{ first, last uint16 }

// rr is an RR, a link of one list and of one chain.
type rr struct {
	rdata span
	set   uint16 // index of its set
	sig   bool   // it is in the set's sigs
	after uint16 // the RR that follows in its list
	next  uint16 // in the chain of its hash: older
}

// reset empties it and sees to it that there is room for that many RRs.
func (g *grouping) reset(rrs int) {
	if cap(g.rrs) < rrs {
		g.sets, g.rrs = make([]set, 0, rrs), make([]rr, 0, rrs)
	}
	g.sets, g.rrs, g.opened = g.sets[:0], g.rrs[:0], 0
	clear(g.setHeads[:])
	clear(g.rrHeads[:])
	if g.seed == (maphash.Seed{}) {
		g.seed = maphash.MakeSeed()
	}
}

// add files an RR with the set that it belongs to.
func (g *grouping) add(buf []byte, owner span, t lookup.Type, ttl uint32, rdata span) {
	sig := t == lookup.TypeRRSIG
	if sig { // RFC 4034 3.1.1: the type covered comes first
		t = lookup.Type(binary.BigEndian.Uint16(rdata.of(buf)))
	}
	i := g.place(buf, owner, t)
	s := &g.sets[i]
	s.ttl = min(s.ttl, ttl)

	head := &g.rrHeads[(maphash.Bytes(g.seed, rdata.of(buf))+uint64(i))%buckets]
	for k := *head; k != 0; k = g.rrs[k-1].next {
		if r := &g.rrs[k-1]; int(r.set) == i && r.sig == sig && bytes.Equal(r.rdata.of(buf), rdata.of(buf)) {
			return
		}
	}
	g.rrs = append(g.rrs, rr{rdata: rdata, set: uint16(i), sig: sig, next: *head})
	*head = uint16(len(g.rrs))
	if sig {
		g.link(&s.sigs, *head)
	} else {
		g.link(&s.data, *head)
	}
}

// place is the index of the current section's set of that owner and type, which
// it makes when there is none.
func (g *grouping) place(buf []byte, owner span, t lookup.Type) int {
	if i := len(g.sets) - 1; i >= g.opened && g.sets[i].t == t && g.sets[i].owner == owner {
		return i // sets come in one piece as a rule
	}
	head := &g.setHeads[(maphash.Bytes(g.seed, owner.of(buf))+uint64(t))%buckets]
	for k := *head; int(k) > g.opened; k = g.sets[k-1].next {
		if s := &g.sets[k-1]; s.t == t && bytes.Equal(s.owner.of(buf), owner.of(buf)) {
			return int(k - 1)
		}
	}
	g.sets = append(g.sets, set{owner: owner, t: t, ttl: 1<<31 - 1, next: *head})
	*head = uint16(len(g.sets))
	return len(g.sets) - 1
}

// link puts the RR at the end of the list.
func (g *grouping) link(l *list, rr uint16) {
	if l.last == 0 {
		l.first = rr
	} else {
		g.rrs[l.last-1].after = rr
	}
	l.last = rr
}

// close ends a section and tells how many sets there are by now. Signatures
// without what they sign become RRsets of type RRSIG; the sets that waited for
// them stay behind empty.
func (g *grouping) close(buf []byte) int {
	for i := g.opened; i < len(g.sets); i++ {
		s := g.sets[i]
		if s.data.first != 0 || s.sigs.first == 0 {
			continue
		}
		g.sets[i].sigs = list{}
		home := &g.sets[g.place(buf, s.owner, lookup.TypeRRSIG)]
		home.ttl = min(home.ttl, s.ttl)
		for k := s.sigs.first; k != 0; {
			after := g.rrs[k-1].after
			g.rrs[k-1].after = 0
			g.link(&home.data, k)
			k = after
		}
	}
	g.opened = len(g.sets)
	return g.opened
}
