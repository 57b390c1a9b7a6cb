package message

import (
	"encoding/binary"
	"fmt"

	"github.com/sextant-dns/sextant/lookup"
)

// errRdata says that an RR of a zone transfer cannot be read.
var errRdata = fmt.Errorf("%w: rdata that does not fit its type", ErrMalformed)

// Record is an RR as it stands in a message.
type Record struct {
	Name  lookup.Name
	Type  lookup.Type
	Class lookup.Class
	TTL   uint32 // seconds
	Data  string // rdata, uncompressed
}

// Records is a whole message whose RRs have not been made into RRsets: for zone
// transfers, in which the order of RRs has a meaning (RFC 5936 2.2, RFC 1995 4).
type Records struct {
	Header                        // Rcode without an OPT's upper bits
	Question                      []Question
	Answer, Authority, Additional []Record // OPT and TSIG included
}

// DecodeRecords reads a whole message, RR by RR and with nothing left out: where
// Decode drops an RR whose rdata does not fit its type, here the message is
// malformed. Octets after its end are malformed, too. The work is bounded, by
// more than that of Decode; nothing refers to b.
func DecodeRecords(b []byte) (*Records, error) { return decodeRecords(b, false) }

// DecodeUpdate is DecodeRecords for an UPDATE (RFC 2136 2): RRs of class ANY and NONE
// may have no rdata, whatever their type. Question is then the zone section, Answer the
// prerequisites and Authority the update section.
func DecodeUpdate(b []byte) (*Records, error) { return decodeRecords(b, true) }

func decodeRecords(b []byte, update bool) (*Records, error) {
	if len(b) < headerLen {
		return nil, errShort
	}
	var n counts
	for i := range n {
		n[i] = binary.BigEndian.Uint16(b[4+2*i:])
	}
	if headerLen+int(n[0])*minQuestion+(int(n[1])+int(n[2])+int(n[3]))*minRR > len(b) {
		return nil, errCounts
	}
	r := recorder{update: update, decoder: decoder{msg: b, most: maxTransfer, pointed: -1}}
	m := &Records{Header: newHeader(binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:]))}
	off, err := headerLen, error(nil)
	for range n[0] {
		if off, err = r.question(off); err != nil {
			return nil, err
		}
	}
	for _, q := range r.questions {
		m.Question = append(m.Question, Question{Raw: string(q.raw.of(r.buf)), Name: lookup.Name(q.name.of(r.buf)), Type: q.t, Class: q.class})
	}
	for i, section := range [...]*[]Record{&m.Answer, &m.Authority, &m.Additional} {
		if *section, off, err = r.section(off, n[1+i]); err != nil {
			return nil, err
		}
	}
	if off != len(b) {
		return nil, fmt.Errorf("%w: %d octets behind its end", ErrMalformed, len(b)-off)
	}
	return m, nil
}

// recorder reads RRs one by one.
type recorder struct {
	decoder
	span span        // where the latest name came from
	name lookup.Name // that name

	update bool // an RR may stand for all of its type or name (RFC 2136 2.4, 2.5)
}

// section reads that many RRs from off on and tells where they end.
func (r *recorder) section(off int, count uint16) (records []Record, end int, err error) {
	if count > 0 {
		records = make([]Record, count)
	}
	for i := range records {
		if off, err = r.record(off, &records[i]); err != nil {
			return nil, 0, err
		}
	}
	return records, off, nil
}

// record reads the RR at off and tells where it ends.
func (r *recorder) record(off int, to *Record) (end int, err error) {
	if off, err = r.ownerName(off); err != nil {
		return 0, err
	}
	if off+10 > len(r.msg) {
		return 0, errShort
	}
	fixed := r.msg[off : off+10]
	if off += 10; off+int(binary.BigEndian.Uint16(fixed[8:])) > len(r.msg) {
		return 0, errShort
	}
	end = off + int(binary.BigEndian.Uint16(fixed[8:]))
	if r.owner != r.span {
		r.span, r.name = r.owner, lookup.Name(r.owner.of(r.buf))
	}
	*to = Record{
		Name:  r.name,
		Type:  lookup.Type(binary.BigEndian.Uint16(fixed)),
		Class: lookup.Class(binary.BigEndian.Uint16(fixed[2:])),
		TTL:   binary.BigEndian.Uint32(fixed[4:]),
	}
	if to.TTL > 1<<31-1 && to.Type != lookup.TypeOPT {
		to.TTL = 0 // RFC 2181 8
	}
	if r.update && off == end && (to.Class == lookup.ClassANY || to.Class == lookup.ClassNONE) {
		return end, nil
	}
	start := len(r.buf)
	switch ok := r.rdata(to.Type, off, end); {
	case r.visited > r.most:
		return 0, errWork
	case !ok:
		return 0, errRdata
	}
	to.Data = string(r.buf[start:])
	r.buf = r.buf[:start]
	return end, nil
}
