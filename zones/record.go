package zones

import (
	"encoding/binary"
	"fmt"
	"iter"

	"github.com/sextant-dns/sextant/lookup"
)

// Record is one RR of a zone, of class IN.
type Record struct {
	Name lookup.Name
	Type lookup.Type
	TTL  uint32 // seconds, at most 2^31-1
	Data string // rdata in wire form, uncompressed
}

// New makes the zone apex of records that do not come of a master file, but for
// example of a transfer; their order does not matter. It judges them as Load
// judges those of a file. Rdata that does not fit its type must have been refused
// before. In problems the origin of the records is called from.
func New(apex lookup.Name, records []Record, from string) (*Zone, error) {
	report := report{files: []string{from}}
	all := make([]record, 0, len(records))
	for _, r := range records {
		c := record{name: r.Name, t: r.Type, ttl: r.TTL, rdata: r.Data}
		switch {
		case isMeta(r.Type):
			report.errorf(position{}, "%s: a type that no zone may hold", about(r.Name, r.Type))
			continue
		case r.TTL > maxTTL:
			report.errorf(position{}, "%s: TTL %d is above 2^31-1 (RFC 2181 8)", about(r.Name, r.Type), r.TTL)
			continue
		case r.Type != lookup.TypeRRSIG:
		case len(r.Data) < 2:
			report.errorf(position{}, "%s: too short", about(r.Name, r.Type))
			continue
		default: // RFC 4034 3.1.1: the type covered comes first
			c.t, c.sig = lookup.Type(binary.BigEndian.Uint16([]byte(r.Data[:2]))), true
		}
		all = append(all, c)
	}
	z := build(apex, all, &report)
	if err := report.err(); err != nil {
		return nil, fmt.Errorf("zone %s: %w", apex, err)
	}
	z.lint = report.lint()
	return z, nil
}

// Records yields every RR, those of an RRset followed by its RRSIGs, in the order
// of All.
func (z *Zone) Records() iter.Seq[Record] {
	return func(yield func(Record) bool) {
		for _, s := range z.sets {
			for rdata := range s.Data.All() {
				if !yield(Record{s.Name, s.Type, s.TTL, rdata}) {
					return
				}
			}
			for rdata := range s.Sigs.All() {
				if !yield(Record{s.Name, lookup.TypeRRSIG, s.TTL, rdata}) {
					return
				}
			}
		}
	}
}
