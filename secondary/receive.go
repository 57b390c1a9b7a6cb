package secondary

import (
	"errors"
	"fmt"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/message"
	"github.com/sextant-dns/sextant/zones"
)

// receiver makes a zone, or changes to one, of the RRs of a transfer in the order
// in which they come.
type receiver struct {
	zone  lookup.Name
	asked bool   // for changes only (IXFR), from
	have  uint32 // this serial on
	left  int    // octets that may still come

	stage   stage
	final   zones.Record // the SOA that it began with and must end with
	serial  uint32       // of final
	reached uint32       // the serial that the changes so far lead to

	records []zones.Record // of the whole zone
	changes []change
}

// stage is what a transfer has come to.
type stage uint8

const (
	begin    stage = iota // nothing has come
	begun                 // the SOA has, and what follows says what kind of transfer it is
	whole                 // the RRs of the zone (RFC 5936 2.2)
	deleting              // RRs that are to be taken out (RFC 1995 4)
	adding                // RRs that are to be put in
	complete
)

// change is one step from a serial to the next.
type change struct {
	deleted, added []zones.Record // the SOA is the first of each
}

var (
	errTooLarge  = errors.New("the transfer is too large")
	errNothing   = errors.New("the transfer begins with something else than the SOA")
	errUnchanged = errors.New("there are no changes to what we have")
	errEnding    = errors.New("the transfer ends with another SOA than it began with")
	errTrailing  = errors.New("something follows the SOA at the end of the transfer")
	errSequence  = errors.New("the serials of the changes do not follow each other")
)

// message takes in the answer section of a message.
func (r *receiver) message(m *message.Records, octets int) error {
	for _, rr := range m.Answer {
		// What names take up is not bounded by what came: they were compressed.
		cost := len(rr.Name) + 10 + len(rr.Data)
		octets -= cost
		if r.left -= cost; r.left < 0 {
			return errTooLarge
		}
		if err := r.record(rr); err != nil {
			return err
		}
	}
	if r.left -= max(0, octets); r.left < 0 {
		return errTooLarge
	}
	if r.asked && r.stage == begun && len(m.Answer) == 1 && !newer(r.serial, r.have) {
		return errUnchanged // RFC 1995 2: this SOA is all that there is to say
	}
	return nil
}

// record takes in an RR.
func (r *receiver) record(rr message.Record) error {
	switch {
	case rr.Class != lookup.ClassIN:
		return fmt.Errorf("%s %s: class %s", rr.Name, rr.Type, rr.Class)
	case !rr.Name.IsSubdomainOf(r.zone):
		return fmt.Errorf("%s %s: not in zone %s", rr.Name, rr.Type, r.zone)
	case r.stage == complete:
		return errTrailing
	}
	record := zones.Record{Name: rr.Name, Type: rr.Type, TTL: rr.TTL, Data: rr.Data}
	if rr.Type == lookup.TypeSOA && rr.Name == r.zone {
		return r.soa(record)
	}
	switch r.stage {
	case begin:
		return errNothing
	case begun:
		r.startWhole()
		fallthrough
	case whole:
		r.records = append(r.records, record)
	case deleting:
		last := &r.changes[len(r.changes)-1]
		last.deleted = append(last.deleted, record)
	case adding:
		last := &r.changes[len(r.changes)-1]
		last.added = append(last.added, record)
	}
	return nil
}

func (r *receiver) startWhole() { r.stage, r.records = whole, append(r.records, r.final) }

// soa takes in an SOA of the zone, which ends what was before.
func (r *receiver) soa(record zones.Record) error {
	serial := newSOA(record.Data).serial
	switch r.stage {
	case begin:
		r.stage, r.final, r.serial, r.reached = begun, record, serial, r.have
		return nil
	case begun:
		if r.asked { // a zone that has nothing but an SOA is none
			return r.startChange(record, serial)
		}
		r.startWhole()
		fallthrough
	case whole:
		return r.finish(record)
	case deleting:
		if !newer(serial, r.reached) {
			return errSequence
		}
		last := &r.changes[len(r.changes)-1]
		last.added = append(last.added, record)
		r.stage, r.reached = adding, serial
		return nil
	}
	if r.reached == r.serial {
		return r.finish(record)
	}
	return r.startChange(record, serial)
}

// startChange begins a change from the serial that has been reached.
func (r *receiver) startChange(record zones.Record, serial uint32) error {
	if serial != r.reached {
		return errSequence
	}
	r.stage, r.changes = deleting, append(r.changes, change{deleted: []zones.Record{record}})
	return nil
}

// finish ends the transfer (RFC 5936 2.2: with the SOA that it began with).
func (r *receiver) finish(record zones.Record) error {
	if !sameSOA(record.Data, r.final.Data) {
		return errEnding
	}
	r.stage = complete
	return nil
}
