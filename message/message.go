package message

import (
	"errors"
	"fmt"

	"github.com/sextant-dns/sextant/lookup"
)

// ErrMalformed is wrapped by every error of Decode.
var ErrMalformed = errors.New("malformed message")

// What can be wrong with a message. They are made once, so that a flood of bad
// messages costs no allocation.
var (
	errShort   = fmt.Errorf("%w: ends too early", ErrMalformed)
	errCounts  = fmt.Errorf("%w: more entries announced than it has room for", ErrMalformed)
	errLabel   = fmt.Errorf("%w: label of an unknown kind", ErrMalformed)
	errName    = fmt.Errorf("%w: name longer than 255 octets", ErrMalformed)
	errPointer = fmt.Errorf("%w: compression pointer that does not point back, or too many", ErrMalformed)
	errWork    = fmt.Errorf("%w: names too costly to decompress", ErrMalformed)
	errOPT     = fmt.Errorf("%w: OPT that is not the only one, misplaced, or badly filled", ErrMalformed)
)

// Header is the fixed part of a message in decoded form (RFC 1035 4.1.1).
type Header struct {
	ID     uint16
	Opcode uint8
	Rcode  lookup.Rcode // with the OPT's upper bits, when there is an OPT
	QR     bool
	AA     bool
	TC     bool
	RD     bool
	RA     bool
	AD     bool
	CD     bool
}

// headerLen is the size of the header on the wire (RFC 1035 4.1.1).
const headerLen = 12

// Bits of the header's second field (RFC 1035 4.1.1, RFC 4035 3.1.6 and 3.2.2).
const (
	bitQR = 1 << 15
	bitAA = 1 << 10
	bitTC = 1 << 9
	bitRD = 1 << 8
	bitRA = 1 << 7
	bitAD = 1 << 5
	bitCD = 1 << 4
)

// flags is the header's second field. The upper bits of Rcode belong to the OPT.
func (h Header) flags() uint16 {
	f := uint16(h.Opcode&0xf)<<11 | uint16(h.Rcode&0xf)
	for _, b := range [...]struct {
		set bool
		bit uint16
	}{{h.QR, bitQR}, {h.AA, bitAA}, {h.TC, bitTC}, {h.RD, bitRD}, {h.RA, bitRA}, {h.AD, bitAD}, {h.CD, bitCD}} {
		if b.set {
			f |= b.bit
		}
	}
	return f
}

// newHeader reads the header's first two fields.
func newHeader(id, flags uint16) Header {
	return Header{
		ID:     id,
		Opcode: uint8(flags >> 11 & 0xf),
		Rcode:  lookup.Rcode(flags & 0xf),
		QR:     flags&bitQR != 0,
		AA:     flags&bitAA != 0,
		TC:     flags&bitTC != 0,
		RD:     flags&bitRD != 0,
		RA:     flags&bitRA != 0,
		AD:     flags&bitAD != 0,
		CD:     flags&bitCD != 0,
	}
}

// Question is an entry of the question section. Raw is the name with the letter
// case in which it came; Name is the same in lower case.
type Question struct {
	Raw   string
	Name  lookup.Name
	Type  lookup.Type
	Class lookup.Class
}

// Message is a whole message in terms of lookup values. RRs of a class other
// than IN are left out of the sections, and so are those whose rdata does not fit
// their type; Misfits counts the latter in the answer section.
type Message struct {
	Header
	Question   []Question
	Answer     []lookup.RRset
	Authority  []lookup.RRset
	Additional []lookup.RRset
	OPT        *OPT // nil without EDNS
	Misfits    int
}
