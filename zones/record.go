package zones

import (
	"fmt"
	"iter"

	"github.com/sextant-dns/sextant/lookup"
)

// Record is one RR of a zone, of class IN.
type Record struct {
	Name lookup.Name
	Type lookup.Type
	TTL  uint32 // seconds; one above 2^31-1 is taken for 0 (RFC 2181 8)
	Data string // rdata in wire form, uncompressed
}

// New makes the zone apex of records that do not come of a master file, but for
// example of a transfer; their order does not matter. It judges them as Load
// judges those of a file. Rdata that does not fit its type must have been refused
// before. In problems the origin of the records is called from.
func New(apex lookup.Name, records []Record, from string) (*Zone, error) {
	report := report{files: []string{from}}
	g := &gathered{records: make([]record, 0, len(records))}
	for _, r := range records {
		c := record{t: r.Type, ttl: r.TTL}
		switch {
		case isMeta(r.Type):
			report.errorf(position{}, "%s: a type that no zone may hold", about(r.Name, r.Type))
			continue
		case r.TTL > maxTTL:
			c.ttl = 0 // RFC 2181 8: with the top bit set it is taken for 0
		}
		if r.Type == lookup.TypeRRSIG {
			if len(r.Data) < 2 {
				report.errorf(position{}, "%s: too short", about(r.Name, r.Type))
				continue
			}
			c.t, c.sig = coveredBy(r.Data), true
		}
		if err := add(g, c, string(r.Name), r.Data); err != nil {
			return nil, fmt.Errorf("zone %s: %w", apex, err)
		}
	}
	z := build(apex, g, &report)
	if err := report.err(); err != nil {
		return nil, fmt.Errorf("zone %s: %w", apex, err)
	}
	z.lint = report.lint()
	return z, nil
}

// coveredBy is the type that the rdata of an RRSIG begins with (RFC 4034 3.1.1).
func coveredBy(rdata string) lookup.Type { return lookup.Type(rdata[0])<<8 | lookup.Type(rdata[1]) }

// Records yields every RR, those of an RRset followed by its RRSIGs, in the order
// of All.
func (z *Zone) Records() iter.Seq[Record] {
	return func(yield func(Record) bool) {
		for s := range z.All() {
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
