package primary

import (
	"iter"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/message"
	"github.com/sextant-dns/sextant/zones"
)

const (
	maxSteps = 1000 // of a history: what a zone that changes all the time can come to between two NOTIFYs
	minKept  = 1000 // RRs of a history that even the smallest zone may keep
)

// extended is the history of a zone with one more step. The oldest go when there are
// many, or when they have come to more than the zone itself: RFC 1995 5.
func extended(history []zones.Difference, was, is *zones.Zone) []zones.Difference {
	next := zones.Difference{From: was.SOARecord(), To: is.SOARecord()}
	next.Deleted, next.Added = zones.Diff(was, is)
	return bounded(append(history[:len(history):len(history)], next), is)
}

// bounded is the latest part of a history, as much as is kept of it.
func bounded(history []zones.Difference, is *zones.Zone) []zones.Difference {
	size := 0
	for i := len(history) - 1; i >= 0; i-- {
		if size += history[i].Len(); size > max(minKept, is.Len()) || len(history)-i > maxSteps {
			return history[i+1:]
		}
	}
	return history
}

// leadsTo tells whether a history ends with that version of the zone.
func leadsTo(history []zones.Difference, is *zones.Zone) bool {
	return len(history) > 0 && history[len(history)-1].To == is.SOARecord()
}

// since is the part of a history that begins at the serial; ok is false when there is
// none.
func since(history []zones.Difference, serial uint32) (rest []zones.Difference, ok bool) {
	for i := range history {
		if history[i].From.Serial() == serial {
			return history[i:], true
		}
	}
	return nil, false
}

// whole yields a zone as AXFR has it: its SOA, all else, and its SOA (RFC 5936 2.2).
func whole(z *zones.Zone) iter.Seq[message.Record] {
	return func(yield func(message.Record) bool) {
		soa := z.SOARecord()
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
func changes(z *zones.Zone, steps []zones.Difference) iter.Seq[message.Record] {
	return func(yield func(message.Record) bool) {
		if !yield(record(z.SOARecord())) {
			return
		}
		for _, s := range steps {
			for _, half := range []struct {
				soa zones.Record
				rrs []zones.Record
			}{{s.From, s.Deleted}, {s.To, s.Added}} {
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
		yield(record(z.SOARecord()))
	}
}

// only yields the SOA: the answer to who has nothing to hear (RFC 1995 2).
func only(z *zones.Zone) iter.Seq[message.Record] {
	return func(yield func(message.Record) bool) { yield(record(z.SOARecord())) }
}

func record(r zones.Record) message.Record {
	return message.Record{Name: r.Name, Type: r.Type, Class: lookup.ClassIN, TTL: r.TTL, Data: r.Data}
}
