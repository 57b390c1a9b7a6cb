package zones

import (
	"iter"

	"github.com/sextant-dns/sextant/lookup"
)

// Zone is the data of one zone. It is immutable and safe for concurrent use.
type Zone struct {
	apex  lookup.Name
	soa   lookup.RRset
	depth int // labels of the name with the most

	// nodes has every name that exists, empty non-terminals included; names that
	// are only the hashes of NSEC3 do not exist (RFC 5155 7.2.8). Their RRsets stand together in sets, which is in canonical order of names
	// (RFC 4034 6.1) and within a name ordered by type.
	nodes map[lookup.Name]node
	sets  []lookup.RRset

	denial denial

	lint []Problem

	awaited bool // of one that is absent
}

// node is a name that exists in the zone. A zone of a million names has as many
// nodes, so they are 8 octets.
type node struct {
	first uint32 // where in Zone.sets its RRsets start
	count uint16 // how many they are; none at an empty non-terminal
	stop  uint8  // labels of the topmost cut or DNAME owner at or above the name, or noStop
	marks marks
}

// noStop says that neither a cut nor a DNAME stands between apex and name.
const noStop = 0xff

// marks are what Find must know of a node before it looks at RRsets.
type marks uint8

const (
	isCut       marks = 1 << iota // it has NS and is not the apex
	isDNAME                       // it has a DNAME, which redirects what is below
	hasWildcard                   // * exists directly below it
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
func (z *Zone) Absent() bool { return z.nodes == nil }

// Apex is the name of the zone.
func (z *Zone) Apex() lookup.Name { return z.apex }

// SOA is the SOA RRset of the apex, with the TTL that it has in the zone.
func (z *Zone) SOA() lookup.RRset { return z.soa }

// Lint is what Load found unwise but not wrong, in the order of the file. The
// caller must not change it.
func (z *Zone) Lint() []Problem { return z.lint }

// Len counts the RRsets.
func (z *Zone) Len() int { return len(z.sets) }

// All yields every RRset, NSEC3, glue and what is hidden below a zone cut
// included, in canonical order of names (RFC 4034 6.1).
func (z *Zone) All() iter.Seq[lookup.RRset] {
	return func(yield func(lookup.RRset) bool) {
		for _, s := range z.sets {
			if !yield(s) {
				return
			}
		}
	}
}

// At is the RRsets that are stored under exactly that name, if it exists, whether
// or not they are authoritative: where Find would give a referral, At gives the glue. The
// caller must not change them.
func (z *Zone) At(name lookup.Name) []lookup.RRset { return z.of(z.nodes[name]) }

// of is the RRsets of a node; the zero node has none.
func (z *Zone) of(n node) []lookup.RRset {
	end := n.first + uint32(n.count)
	return z.sets[n.first:end:end]
}

// find is the RRset of that type among a name's few.
func find(sets []lookup.RRset, t lookup.Type) (lookup.RRset, bool) {
	for i := range sets {
		if sets[i].Type == t {
			return sets[i], true
		}
	}
	return lookup.RRset{}, false
}
