package zones

import (
	"cmp"
	"encoding/binary"

	"github.com/sextant-dns/sextant/lookup"
)

// Difference leads from one version of a zone to the next: what RFC 1995 4 calls a
// difference sequence. It is immutable.
type Difference struct {
	From, To       Record // the SOAs
	Deleted, Added []Record
}

// Len counts the RRs of a Difference, SOAs included.
func (d Difference) Len() int { return 2 + len(d.Deleted) + len(d.Added) }

// Serial is the serial of an SOA (RFC 1035 3.3.13), the first of five numbers at the
// end of its rdata; 0 for what is none. A Zone holds no SOA that is malformed.
func (r Record) Serial() uint32 {
	if len(r.Data) < 20 {
		return 0
	}
	return binary.BigEndian.Uint32([]byte(r.Data[len(r.Data)-20:]))
}

// SOARecord is the SOA of the zone as a Record. The zone must not be absent.
func (z *Zone) SOARecord() Record {
	return Record{Name: z.apex, Type: lookup.TypeSOA, TTL: z.soa.TTL, Data: z.soa.Data.First()}
}

// Newer tells whether serial a comes after b (RFC 1982 3.2).
func Newer(a, b uint32) bool { return int32(a-b) > 0 }

// Diff is what has to be taken out of one version of a zone, and put in, to make the
// other: what RFC 1995 calls a difference sequence, without the SOA at the head of
// each half. An RR whose TTL differs is taken out and put in.
func Diff(from, to *Zone) (deleted, added []Record) {
	a, b := cursor{zone: from}, cursor{zone: to}
	a.settle()
	b.settle()
	for a.left() || b.left() {
		switch c := firstOf(a, b); {
		case c < 0:
			deleted = appendSet(deleted, from, a.set())
			a.next()
		case c > 0:
			added = appendSet(added, to, b.set())
			b.next()
		default:
			if a.set() != b.set() {
				had, has := appendSet(nil, from, a.set()), appendSet(nil, to, b.set())
				deleted, added = without(deleted, had, has), without(added, has, had)
			}
			a.next()
			b.next()
		}
	}
	return deleted, added
}

// cursor is at an RRset of a zone, or behind the last one.
type cursor struct {
	zone *Zone
	node uint32 // that has the RRset
	at   uint32 // where in Zone.sets it is
}

func (c *cursor) left() bool { return int(c.at) < c.zone.Len() }

func (c *cursor) next() {
	c.at++
	c.settle()
}

// settle finds the node, when there is an RRset.
func (c *cursor) settle() {
	for c.left() && c.zone.nodes[c.node+1].first <= c.at {
		c.node++
	}
}

func (c *cursor) name() lookup.Name { return c.zone.name(c.node) }

func (c *cursor) set() lookup.RRset { return c.zone.rrset(c.name(), c.at) }

// firstOf tells which of two cursors, of which one may be behind the last, is at the
// RRset that comes first; 0 when both are.
func firstOf(a, b cursor) int {
	switch {
	case !a.left():
		return 1
	case !b.left():
		return -1
	case a.name() != b.name():
		return a.name().Compare(b.name())
	}
	return cmp.Compare(a.zone.sets[a.at].t, b.zone.sets[b.at].t)
}

// appendSet appends the RRs of a zone's RRset and its signatures, but not the SOA of
// the zone itself.
func appendSet(to []Record, z *Zone, s lookup.RRset) []Record {
	if s.Type != lookup.TypeSOA || s.Name != z.apex {
		for rdata := range s.Data.All() {
			to = append(to, Record{s.Name, s.Type, s.TTL, rdata})
		}
	}
	for rdata := range s.Sigs.All() {
		to = append(to, Record{s.Name, lookup.TypeRRSIG, s.TTL, rdata})
	}
	return to
}

// without appends the records of one list that the other does not have.
func without(to, list, other []Record) []Record {
	have := make(map[Record]bool, len(other))
	for _, r := range other {
		have[r] = true
	}
	for _, r := range list {
		if !have[r] {
			to = append(to, r)
		}
	}
	return to
}
