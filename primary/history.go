package primary

import (
	"encoding/binary"
	"iter"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/message"
	"github.com/sextant-dns/sextant/zones"
)

const (
	maxSteps = 100  // of a history
	minKept  = 1000 // RRs of a history that even the smallest zone may keep
)

// step leads from one version of a zone to the next. It is immutable.
type step struct {
	from, to       zones.Record // the SOAs
	deleted, added []zones.Record
}

func (s step) size() int { return 2 + len(s.deleted) + len(s.added) }

// soaOf is the SOA of a zone as a record.
func soaOf(z *zones.Zone) zones.Record {
	s := z.SOA()
	return zones.Record{Name: z.Apex(), Type: lookup.TypeSOA, TTL: s.TTL, Data: s.Data.First()}
}

// serialOf is the serial of an SOA (RFC 1035 3.3.13): the first of five numbers at its
// end. A Zone holds no other SOA than a well-formed one.
func serialOf(soa zones.Record) uint32 {
	return binary.BigEndian.Uint32([]byte(soa.Data[len(soa.Data)-20:]))
}

// newer tells whether serial a comes after b (RFC 1982 3.2).
func newer(a, b uint32) bool { return int32(a-b) > 0 }

// extended is the history of a zone with one more step. The oldest go when there are
// many, or when they have come to more than the zone itself: RFC 1995 5.
func extended(history []step, was, is *zones.Zone) []step {
	next := step{from: soaOf(was), to: soaOf(is)}
	next.deleted, next.added = zones.Diff(was, is)
	history = append(history[:len(history):len(history)], next)
	size := 0
	for i := len(history) - 1; i >= 0; i-- {
		if size += history[i].size(); size > max(minKept, is.Len()) || len(history)-i > maxSteps {
			return history[i+1:]
		}
	}
	return history
}

// since is the part of a history that begins at the serial; ok is false when there is
// none.
func since(history []step, serial uint32) (rest []step, ok bool) {
	for i := range history {
		if serialOf(history[i].from) == serial {
			return history[i:], true
		}
	}
	return nil, false
}

// whole yields a zone as AXFR has it: its SOA, all else, and its SOA (RFC 5936 2.2).
func whole(z *zones.Zone) iter.Seq[message.Record] {
	return func(yield func(message.Record) bool) {
		soa := soaOf(z)
		if !yield(record(soa)) {
			return
		}
		for r := range z.Records() {
			if r != soa && !yield(record(r)) {
				return
			}
		}
		yield(record(soa))
	}
}

// changes yields steps as IXFR has them (RFC 1995 4).
func changes(z *zones.Zone, steps []step) iter.Seq[message.Record] {
	return func(yield func(message.Record) bool) {
		if !yield(record(soaOf(z))) {
			return
		}
		for _, s := range steps {
			for _, half := range []struct {
				soa zones.Record
				rrs []zones.Record
			}{{s.from, s.deleted}, {s.to, s.added}} {
				if !yield(record(half.soa)) {
					return
				}
				for _, r := range half.rrs {
					if !yield(record(r)) {
						return
					}
				}
			}
		}
		yield(record(soaOf(z)))
	}
}

// only yields the SOA: the answer to who has nothing to hear (RFC 1995 2).
func only(z *zones.Zone) iter.Seq[message.Record] {
	return func(yield func(message.Record) bool) { yield(record(soaOf(z))) }
}

func record(r zones.Record) message.Record {
	return message.Record{Name: r.Name, Type: r.Type, Class: lookup.ClassIN, TTL: r.TTL, Data: r.Data}
}
