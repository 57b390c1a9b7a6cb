package zones

import (
	"encoding/binary"
	"iter"

	"github.com/sextant-dns/sextant/lookup"
)

// Zone is the data of one zone. It is immutable and safe for concurrent use.
//
// A zone may have millions of RRs, so it has no pointers but those to its few parts:
// all owner names stand in one string, all rdata in another, and what tells where is
// small and of fixed size. The garbage collector has nothing to follow.
type Zone struct {
	apex  lookup.Name
	soa   lookup.RRset
	depth int // labels of the name with the most

	// nodes are the owner names and the empty non-terminals, in canonical order
	// (RFC 4034 6.1), and sets their RRsets, those of a name together and ordered by
	// type. Each ends with one more, which tells where the last but one ends.
	nodes []node
	sets  []set
	names string // the names of nodes, one after the other
	rdata string // the Rdata of sets, one after the other: of each its data, then its RRSIGs

	index  index // of every name that exists
	denial denial

	lint []Problem

	awaited bool // of one that is absent
}

// node is an owner name, or an empty non-terminal.
type node struct {
	name  uint32 // where in Zone.names it starts; it ends where the next one starts
	first uint32 // where in Zone.sets its RRsets start; they end where those of the next one start
	stop  uint8  // labels of the topmost cut or DNAME owner at or above the name, or noStop
	marks marks
}

// set is an RRset.
type set struct {
	data uint32 // where in Zone.rdata its data starts
	sigs uint32 // where that ends, and its RRSIGs start; they end where the next one's data starts
	ttl  uint32
	t    lookup.Type
}

// noStop says that neither a cut nor a DNAME stands between apex and name.
const noStop = 0xff

// marks are what Find must know of a node before it looks at RRsets.
type marks uint8

const (
	isCut       marks = 1 << iota // it has NS and is not the apex
	isDNAME                       // it has a DNAME, which redirects what is below
	hasWildcard                   // * exists directly below it
	isOnlyHash                    // it is there for an NSEC3 alone, and so does not exist (RFC 5155 7.2.8)
)

// Absent stands for a zone of which there is nothing that may be used, such as a copy
// that has expired: nobody else is to be asked about its names. It has no SOA.
func Absent(apex lookup.Name) *Zone { return &Zone{apex: apex, depth: apex.Labels()} }

// Awaited is like Absent, for a zone that has not come yet.
func Awaited(apex lookup.Name) *Zone {
	z := Absent(apex)
	z.awaited = true
	return z
}

// IsAwaited tells that nothing of the zone may be used, since it has not come yet.
func (z *Zone) IsAwaited() bool { return z.awaited }

// Absent tells that nothing of the zone may be used.
func (z *Zone) Absent() bool { return len(z.nodes) == 0 }

// Apex is the name of the zone.
func (z *Zone) Apex() lookup.Name { return z.apex }

// SOA is the SOA RRset of the apex, with the TTL that it has in the zone.
func (z *Zone) SOA() lookup.RRset { return z.soa }

// Serial is the serial of the SOA (RFC 1035 3.3.13); 0 for what has none.
func (z *Zone) Serial() uint32 {
	rdata := z.soa.Data.First()
	if len(rdata) < 20 {
		return 0
	}
	return binary.BigEndian.Uint32([]byte(rdata[len(rdata)-20:]))
}

// Lint is what Load found unwise but not wrong, in the order of the file. The
// caller must not change it.
func (z *Zone) Lint() []Problem { return z.lint }

// Len counts the RRsets.
func (z *Zone) Len() int { return max(0, len(z.sets)-1) }

// Names counts the names that exist, empty non-terminals included.
func (z *Zone) Names() int { return z.index.count }

// All yields every RRset, NSEC3, glue and what is hidden below a zone cut
// included, in canonical order of names (RFC 4034 6.1).
func (z *Zone) All() iter.Seq[lookup.RRset] {
	return func(yield func(lookup.RRset) bool) {
		for i := range max(0, len(z.nodes)-1) {
			name := z.name(uint32(i))
			for s := z.nodes[i].first; s < z.nodes[i+1].first; s++ {
				if !yield(z.rrset(name, s)) {
					return
				}
			}
		}
	}
}

// At is the RRsets that are stored under exactly that name, if it exists, whether
// or not they are authoritative: where Find would give a referral, At gives the glue.
func (z *Zone) At(name lookup.Name) []lookup.RRset {
	i, ok := find(z, name)
	if !ok {
		return nil
	}
	first, end := z.of(i)
	if first == end {
		return nil
	}
	sets := make([]lookup.RRset, 0, end-first)
	for s := first; s < end; s++ {
		sets = append(sets, z.rrset(name, s))
	}
	return sets
}

// name is the name of node i.
func (z *Zone) name(i uint32) lookup.Name {
	return lookup.Name(z.names[z.nodes[i].name:z.nodes[i+1].name])
}

// of tells where in Zone.sets the RRsets of node i start and end.
func (z *Zone) of(i uint32) (first, end uint32) { return z.nodes[i].first, z.nodes[i+1].first }

// rrset is RRset s, whose owner is name.
func (z *Zone) rrset(name lookup.Name, s uint32) lookup.RRset {
	at := &z.sets[s]
	return lookup.RRset{
		Name: name,
		Type: at.t,
		TTL:  at.ttl,
		Data: lookup.Rdata(z.rdata[at.data:at.sigs]),
		Sigs: lookup.Rdata(z.rdata[at.sigs:z.sets[s+1].data]),
	}
}

// typed is where in Zone.sets the RRset of that type at node i is.
func (z *Zone) typed(i uint32, t lookup.Type) (s uint32, ok bool) {
	first, end := z.of(i)
	for s := first; s < end; s++ {
		if z.sets[s].t == t {
			return s, true
		}
	}
	return 0, false
}

// get is the RRset of that type at node i.
func (z *Zone) get(i uint32, t lookup.Type) (lookup.RRset, bool) {
	s, ok := z.typed(i, t)
	if !ok {
		return lookup.RRset{}, false
	}
	return z.rrset(z.name(i), s), true
}
