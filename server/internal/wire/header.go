package wire

import (
	"encoding/binary"

	"github.com/sextant-dns/sextant/lookup"
)

const (
	// HeaderLen is the size of a message's header (RFC 1035 4.1.1).
	HeaderLen = 12
	// MaxMessage is the largest message (RFC 1035 4.2.2).
	MaxMessage = 65535
)

// Flags are the second field of the header (RFC 1035 4.1.1, RFC 6895 2).
type Flags uint16

// The bits of Flags. The one that is missing, Z, must be zero.
const (
	QR Flags = 1 << 15
	AA Flags = 1 << 10
	TC Flags = 1 << 9
	RD Flags = 1 << 8
	RA Flags = 1 << 7
	AD Flags = 1 << 5 // RFC 4035 3.2.3
	CD Flags = 1 << 4 // RFC 4035 3.2.2

	opcodeMask Flags = 0xf << 11
	// echoed is what a reply takes over from its query: the opcode and RD
	// (RFC 1035 4.1.1), and CD (RFC 4035 3.1.6 and 3.2.2).
	echoed = opcodeMask | RD | CD
)

// OpcodeNotify is the opcode of NOTIFY (RFC 1996 3.2).
const OpcodeNotify = 4

// OpcodeUpdate is the opcode of UPDATE (RFC 2136 2.2).
const OpcodeUpdate = 5

// Opcode is the kind of query; 0 is QUERY.
func (f Flags) Opcode() int { return int(f & opcodeMask >> 11) }

// Rcode is the low four bits of the response code.
func (f Flags) Rcode() lookup.Rcode { return lookup.Rcode(f & 0xf) }

// Counts are ANCOUNT, NSCOUNT and ARCOUNT.
type Counts [3]uint16

// ReadHead reads the flags and the counts of the message's header. The message
// must be at least HeaderLen octets long.
func ReadHead(msg []byte) (Flags, Counts) {
	return Flags(binary.BigEndian.Uint16(msg[2:])), Counts{
		binary.BigEndian.Uint16(msg[6:]),
		binary.BigEndian.Uint16(msg[8:]),
		binary.BigEndian.Uint16(msg[10:]),
	}
}

// AppendHead appends the header and the question section of a reply to q, which
// was parsed from msg: ID, opcode, RD and CD are the query's, the question is
// copied octet by octet, so that its letter case comes back as it was sent. Of
// flags, QR is always set, and the bits that are copied may be left out. A
// question that could not be read is left out.
func (q *Query) AppendHead(dst, msg []byte, flags Flags, counts Counts) []byte {
	qdcount := uint16(0)
	if q.QuestionEnd > HeaderLen {
		qdcount = 1
	}
	dst = binary.BigEndian.AppendUint16(dst, q.ID)
	dst = binary.BigEndian.AppendUint16(dst, uint16(flags&^echoed|q.Flags&echoed|QR))
	dst = binary.BigEndian.AppendUint16(dst, qdcount)
	for _, n := range counts {
		dst = binary.BigEndian.AppendUint16(dst, n)
	}
	return append(dst, msg[HeaderLen:q.QuestionEnd]...)
}

// OffsetLen is how many octets an offset takes in a list of them.
const OffsetLen = 2

// Offset is the i-th of a list of offsets.
func Offset(offsets string, i int) int {
	return int(offsets[OffsetLen*i])<<8 | int(offsets[OffsetLen*i+1])
}

// Age lowers the TTLs that stand at the offsets of msg by that many seconds, but
// not below zero. The offsets are ascending, two octets each, big endian; those that
// are not within msg are left out.
func Age(msg []byte, offsets string, seconds uint32) {
	if seconds == 0 {
		return
	}
	for ; len(offsets) >= OffsetLen; offsets = offsets[OffsetLen:] {
		at := Offset(offsets, 0)
		if at+4 > len(msg) {
			return
		}
		ttl := binary.BigEndian.Uint32(msg[at:])
		binary.BigEndian.PutUint32(msg[at:], ttl-min(ttl, seconds))
	}
}
