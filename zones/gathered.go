package zones

import (
	"cmp"
	"errors"
	"math"
	"slices"
	"strings"

	"github.com/sextant-dns/sextant/lookup"
)

// maxOctets is how much names and rdata a zone may have: offsets are 32 bits.
const maxOctets = math.MaxUint32

var (
	errZoneSize  = errors.New("the zone is larger than 4 GiB")
	errRdataSize = errors.New("rdata of more than 65535 octets")
)

// gathered is RRs as they come, before they are a zone. There may be millions of
// them, so they hold no pointers.
type gathered struct {
	octets  strings.Builder // names and rdata
	records []record
}

// record is an RR and where it stands.
type record struct {
	name   uint32 // where in octets its owner starts
	rdata  uint32 // where in octets its rdata starts
	ttl    uint32
	at     position
	t      lookup.Type // for an RRSIG the type that it covers
	length uint16      // of the rdata
	owner  uint8       // length of the owner
	sig    bool        // an RRSIG
}

// reserve makes room for what a file of that size has, if it is large and without many
// comments. Room that is not used is nothing but addresses.
func (g *gathered) reserve(file int64) {
	const least, most, line = 1 << 16, 1 << 30, 24
	if file > least && file < most {
		g.octets.Grow(int(file))
		g.records = make([]record, 0, file/line)
	}
}

// add appends an RR, of which r has type, TTL and place. The owner is in wire form, in
// lower case.
func add[T string | []byte](g *gathered, r record, owner, rdata T) error {
	switch {
	case len(rdata) > math.MaxUint16:
		return errRdataSize
	case g.octets.Len()+len(owner)+len(rdata) > maxOctets:
		return errZoneSize
	}
	r.owner, r.length, r.name = uint8(len(owner)), uint16(len(rdata)), uint32(g.octets.Len())
	if last := len(g.records) - 1; last >= 0 && string(g.name(g.records[last])) == string(owner) {
		r.name = g.records[last].name // most owners have several RRs, and these come together
	} else {
		write(&g.octets, owner)
	}
	r.rdata = uint32(g.octets.Len())
	write(&g.octets, rdata)
	g.records = append(g.records, r)
	return nil
}

func write[T string | []byte](to *strings.Builder, octets T) {
	switch octets := any(octets).(type) {
	case string:
		to.WriteString(octets)
	case []byte:
		to.Write(octets)
	}
}

// name is the owner of a record.
func (g *gathered) name(r record) lookup.Name {
	return lookup.Name(g.octets.String()[r.name : r.name+uint32(r.owner)])
}

// data is the rdata of a record.
func (g *gathered) data(r record) string {
	return g.octets.String()[r.rdata : r.rdata+uint32(r.length)]
}

// batch is records of one owner that came together.
type batch struct {
	key          uint64 // the order of the owner
	first, count uint32 // of gathered.records
}

// batches are all records, which are at or below apex, in the canonical order of their
// owners and else as they came.
func (g *gathered) batches(apex lookup.Name) []batch {
	var all []batch
	for i, r := range g.records {
		if i > 0 && r.name == g.records[i-1].name {
			all[len(all)-1].count++
			continue
		}
		all = append(all, batch{key: order(g.name(r), len(apex)), first: uint32(i), count: 1})
	}
	if slices.IsSortedFunc(all, g.compare) {
		return all
	}
	all = sortKeys(all)
	for rest := all; len(rest) > 0; { // where keys are equal, names may not be
		n := 1
		for n < len(rest) && rest[n].key == rest[0].key {
			n++
		}
		if n > 1 {
			slices.SortFunc(rest[:n], g.compare)
		}
		rest = rest[n:]
	}
	return all
}

// compare orders two batches.
func (g *gathered) compare(a, b batch) int {
	if a.key != b.key {
		return cmp.Compare(a.key, b.key)
	}
	return cmp.Or(g.owner(a).Compare(g.owner(b)), cmp.Compare(a.first, b.first))
}

// owner is the owner of a batch.
func (g *gathered) owner(b batch) lookup.Name { return g.name(g.records[b.first]) }

// sortKeys orders batches by their keys, octet by octet, which for a million of them
// takes a tenth of the time of comparing. The slice may become the result or waste.
func sortKeys(all []batch) []batch {
	other := make([]batch, len(all))
	for shift := 0; shift < 64; shift += 8 {
		var at [256]int
		for _, b := range all {
			at[byte(b.key>>shift)]++
		}
		if at[byte(all[0].key>>shift)] == len(all) {
			continue
		}
		sum := 0
		for i, n := range at {
			at[i] = sum
			sum += n
		}
		for _, b := range all {
			i := byte(b.key >> shift)
			other[at[i]] = b
			at[i]++
		}
		all, other = other, all
	}
	return all
}

// arrange orders the records of one owner by type, RRSIGs after what they cover, and
// else as they came: what came first has its rdata first.
func arrange(records []record) {
	if len(records) == 1 {
		return
	}
	slices.SortFunc(records, func(a, b record) int {
		switch {
		case a.t != b.t:
			return cmp.Compare(a.t, b.t)
		case a.sig == b.sig:
			return cmp.Compare(a.rdata, b.rdata)
		case a.sig:
			return 1
		}
		return -1
	})
}

// order is a number for a name below an apex of that length, such that if it is less
// than the number of another name, the name comes before the other: the first octets
// of its labels from the right, with 0 after each. It ends where an octet could be
// taken for an end.
func order(name lookup.Name, apex int) uint64 {
	var starts [lookup.MaxLabels + 1]uint8
	labels := 0
	for i := 0; i < len(name)-apex; i += int(name[i]) + 1 {
		starts[labels] = uint8(i)
		labels++
	}
	key, shift := uint64(0), 56
	for labels--; labels >= 0; labels-- {
		start := int(starts[labels])
		for _, c := range []byte(name[start+1 : start+1+int(name[start])]) {
			key |= uint64(max(c, 1)) << shift
			if shift -= 8; shift < 0 || c <= 1 {
				return key
			}
		}
		if shift -= 8; shift < 0 {
			return key
		}
	}
	return key
}
