package zones

import (
	"cmp"

	"github.com/sextant-dns/sextant/lookup"
)

// Diff is what has to be taken out of one version of a zone, and put in, to make the
// other: what RFC 1995 calls a difference sequence, without the SOA at the head of
// each half. An RR whose TTL differs is taken out and put in.
func Diff(from, to *Zone) (deleted, added []Record) {
	a, b := from.sets, to.sets
	for len(a) > 0 || len(b) > 0 {
		switch c := firstOf(a, b); {
		case c < 0:
			deleted, a = appendSet(deleted, from, a[0]), a[1:]
		case c > 0:
			added, b = appendSet(added, to, b[0]), b[1:]
		default:
			if a[0] != b[0] {
				had, has := appendSet(nil, from, a[0]), appendSet(nil, to, b[0])
				deleted, added = without(deleted, had, has), without(added, has, had)
			}
			a, b = a[1:], b[1:]
		}
	}
	return deleted, added
}

// firstOf tells which of two lists of RRsets, of which one may be empty, begins with
// the RRset that comes first; 0 when both do.
func firstOf(a, b []lookup.RRset) int {
	switch {
	case len(a) == 0:
		return 1
	case len(b) == 0:
		return -1
	case a[0].Name != b[0].Name:
		return a[0].Name.Compare(b[0].Name)
	}
	return cmp.Compare(a[0].Type, b[0].Type)
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
