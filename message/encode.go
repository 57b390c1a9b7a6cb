package message

import (
	"encoding/binary"

	"github.com/sextant-dns/sextant/lookup"
)

// maxMessage is the largest message that TCP can carry (RFC 1035 4.2.2).
const maxMessage = 65535

// Layout tells where the parts of an appended response stand, so that it can be
// patched and cut without being read again. All offsets count from the start of
// the message.
type Layout struct {
	Answer, Authority, Additional int      // where the sections start
	Optional                      int      // where, of the last one, begins what may be left out
	Glue                          uint16   // how many RRs of the last one stand before that
	End                           int      // the message's length
	TTLs                          []uint16 // where each RR's TTL stands, ascending
}

// AppendQuery appends a message with one question, and an OPT unless opt is nil.
// The name is written as q.Raw.
func AppendQuery(dst []byte, h Header, q Question, opt *OPT) []byte {
	arcount := uint16(0)
	if opt != nil {
		arcount = 1
	}
	dst = appendHeader(dst, h, counts{1, 0, 0, arcount})
	dst = appendQuestion(dst, q)
	if opt != nil {
		dst = AppendOPT(dst, *opt, h.Rcode)
	}
	return dst
}

// AppendResponse appends r as a message without an OPT. The header is h with QR
// set, and AA and Rcode as r has them. A question without Raw is left out. The
// DNSSEC records that nobody asked for go in only when dnssec is set (RFC 4035
// 3.2.1). r must keep to the rules of its type; rdata that does not fit its type
// is written as it is. A name that stands in the message already takes the letter
// case that it has there, owners thus that of the question (RFC 4343 4.1).
//
// RRsets that would take the message beyond 65535 octets are left out, with all
// that follow; TC is set unless only additional data was lost (RFC 2181 9).
func AppendResponse(dst []byte, h Header, q Question, r *lookup.Response, dnssec bool) ([]byte, Layout) {
	return new(Encoder).AppendResponse(dst, h, q, r, dnssec)
}

// An Encoder is the memory that a response is written with, to be used again and again:
// most of what it takes to write a small one is to have that clean. The zero value is
// ready. It is not safe for concurrent use.
type Encoder struct {
	e encoder
}

// AppendResponse is the function of that name; Layout.TTLs is good until the next call.
func (again *Encoder) AppendResponse(dst []byte, h Header, q Question, r *lookup.Response, dnssec bool) ([]byte, Layout) {
	e := &again.e
	e.dst, e.ttls, e.dnssec, e.asked, e.full = dst, e.ttls[:0], dnssec, q.Type, false
	e.names.reset(len(dst))
	h.QR, h.AA, h.Rcode = true, r.AA, r.Rcode

	var n counts
	e.dst = appendHeader(e.dst, h, n)
	if q.Raw != "" {
		n[0] = 1
		e.dst = e.names.appendName(e.dst, q.Raw)
		e.dst = binary.BigEndian.AppendUint16(e.dst, uint16(q.Type))
		e.dst = binary.BigEndian.AppendUint16(e.dst, uint16(q.Class))
	}
	if e.ttls == nil { // later there is room for the most that there were
		e.ttls = make([]uint16, 0, rrs(r.Answer)+rrs(r.Authority)+rrs(r.Additional))
	}
	var at Layout
	at.Answer, n[1] = e.section(r.Answer, false)
	at.Authority, n[2] = e.section(r.Authority, !dnssec)
	h.TC = h.TC || e.full
	at.Additional, at.Glue = e.section(r.Additional[:r.Glue], !dnssec)
	h.TC = h.TC || e.full // RFC 9471 3
	at.Optional, n[3] = e.section(r.Additional[r.Glue:], !dnssec)
	n[3] += at.Glue
	at.End, at.TTLs = e.offset(), e.ttls
	appendHeader(e.dst[:e.names.start], h, n)
	dst, e.dst = e.dst, nil // it is the caller's
	return dst, at
}

// counts are QDCOUNT, ANCOUNT, NSCOUNT and ARCOUNT.
type counts [4]uint16

func appendHeader(dst []byte, h Header, n counts) []byte {
	dst = binary.BigEndian.AppendUint16(dst, h.ID)
	dst = binary.BigEndian.AppendUint16(dst, h.flags())
	for _, count := range n {
		dst = binary.BigEndian.AppendUint16(dst, count)
	}
	return dst
}

func appendQuestion(dst []byte, q Question) []byte {
	dst = append(dst, q.Raw...)
	dst = binary.BigEndian.AppendUint16(dst, uint16(q.Type))
	return binary.BigEndian.AppendUint16(dst, uint16(q.Class))
}

// encoder writes the sections of one response.
type encoder struct {
	dst    []byte
	names  compressor
	ttls   []uint16
	dnssec bool
	asked  lookup.Type
	full   bool // an RRset did not fit; nothing more is written
}

// offset is how long the message is by now.
func (e *encoder) offset() int { return len(e.dst) - e.names.start }

// section appends RRsets and tells where it started and how many RRs it wrote.
// With plain set it leaves out the types that only prove something.
func (e *encoder) section(sets []lookup.RRset, plain bool) (start int, count uint16) {
	start = e.offset()
	first := len(e.ttls)
	for i := range sets {
		if e.full {
			break
		}
		if s := &sets[i]; !plain || s.Type == e.asked || !proves(s.Type) {
			e.rrset(s)
		}
	}
	return start, uint16(len(e.ttls) - first)
}

// proves tells whether RRs of the type stand outside the answer section only to
// authenticate what is there (RFC 4035 3.2.1).
func proves(t lookup.Type) bool {
	switch t {
	case lookup.TypeRRSIG, lookup.TypeNSEC, lookup.TypeNSEC3, lookup.TypeDS:
		return true
	}
	return false
}

// rrset appends a whole RRset with its signatures, or nothing and sets full.
func (e *encoder) rrset(s *lookup.RRset) {
	end, ttls := len(e.dst), len(e.ttls)
	e.rrs(s, s.Type, s.Data)
	if e.dnssec {
		e.rrs(s, lookup.TypeRRSIG, s.Sigs)
	}
	if e.offset() > maxMessage {
		e.dst, e.ttls, e.full = e.dst[:end], e.ttls[:ttls], true
	}
}

// rrs appends an RR for each element of data. It stops soon after the message
// has become too long.
func (e *encoder) rrs(s *lookup.RRset, t lookup.Type, data lookup.Rdata) {
	for rdata := range data.All() {
		if e.offset() > maxMessage {
			return
		}
		e.dst = e.names.appendName(e.dst, string(s.Name))
		e.dst = binary.BigEndian.AppendUint16(e.dst, uint16(t))
		e.dst = binary.BigEndian.AppendUint16(e.dst, uint16(lookup.ClassIN))
		e.ttls = append(e.ttls, uint16(e.offset()))
		e.dst = binary.BigEndian.AppendUint32(e.dst, s.TTL)
		e.dst = append(e.dst, 0, 0)
		start := len(e.dst)
		e.rdata(t, rdata)
		binary.BigEndian.PutUint16(e.dst[start-2:], uint16(len(e.dst)-start))
	}
}

// rdata appends one RR's rdata with its names compressed where that is allowed.
func (e *encoder) rdata(t lookup.Type, rdata string) {
	if !compresses(t) || !fits(t, rdata) {
		e.dst = append(e.dst, rdata...)
		return
	}
	for _, f := range layoutOf(t) {
		n := int(f)
		if f == name {
			n, _ = lookup.WireLen(rdata)
			e.dst = e.names.appendName(e.dst, rdata[:n])
		} else {
			e.dst = append(e.dst, rdata[:n]...)
		}
		rdata = rdata[n:]
	}
}

// fits tells whether rdata of a type that compresses is built as its layout says.
func fits(t lookup.Type, rdata string) bool {
	for _, f := range layoutOf(t) {
		n := int(f)
		if f == name {
			var err error
			if n, err = lookup.WireLen(rdata); err != nil {
				return false
			}
		}
		if n > len(rdata) {
			return false
		}
		rdata = rdata[n:]
	}
	return rdata == ""
}

// rrs counts the RRs of a section, signatures included.
func rrs(sets []lookup.RRset) int {
	n := 0
	for i := range sets {
		n += sets[i].Data.Len() + sets[i].Sigs.Len()
	}
	return n
}
