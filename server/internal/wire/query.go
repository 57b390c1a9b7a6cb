package wire

import (
	"encoding/binary"

	"github.com/sextant-dns/sextant/lookup"
)

// Verdict is what becomes of a message that came in.
type Verdict uint8

// The verdicts of Parse.
const (
	Drop    Verdict = iota // too short for a header, or a response: no reply
	FormErr                // not a well-formed query
	NotImp                 // an opcode other than QUERY, NOTIFY and UPDATE, or a NOTIFY that is malformed
	BadVers                // EDNS of a version other than 0 (RFC 6891 6.1.3)
	Notify                 // a well-formed NOTIFY (RFC 1996)
	Empty                  // no question, and nothing but an OPT (RFC 7873 5.4)
	Update                 // an UPDATE with a zone section of one zone, as far as that can be told (RFC 2136)
	Plain                  // one question of class IN and of a type that data can have
	Special                // well-formed, but of another class, a meta-type, or with more RRs than an OPT
)

const (
	// maxOptions is how many EDNS options a query may have (CVE-2026-41292).
	maxOptions = 32
	// maxNameWork is how many octets of names are looked at in one query, with
	// those that pointers lead to.
	maxNameWork = 16384
)

// Query is what stands in a query: numbers and offsets only. The zero value is
// what Parse starts with; it may be used again.
type Query struct {
	facts
	key [maxName + 4]byte // name in lower case, type, class; and what was there before
}

// facts are what Parse begins with none of.
type facts struct {
	ID    uint16
	Flags Flags

	// The question, when the message has exactly one that can be read. It stands
	// in msg[HeaderLen:QuestionEnd]; QuestionEnd is HeaderLen otherwise.
	QuestionEnd int
	Type        lookup.Type
	Class       lookup.Class

	// The OPT (RFC 6891 6.1), wherever in the additional section it stood.
	EDNS    bool
	Size    uint16 // the client's UDP payload size as it was sent
	Version uint8
	DO      bool
	Options Span // the OPT's rdata: options in their frames

	extra  bool // there are RRs beside the OPT
	signed bool // there was a TSIG
}

// Span is a part of a message.
type Span struct{ From, To int }

// Of is the part of msg that the span means.
func (s Span) Of(msg []byte) []byte { return msg[s.From:s.To] }

// Key is the question in canonical form: its name in lower case, uncompressed,
// then type and class; empty when there is none. It is valid as long as q is and
// must not be changed.
func (q *Query) Key() []byte { return q.key[:q.QuestionEnd-HeaderLen] }

// Signed tells whether there was a TSIG, which is then the last RR.
func (q *Query) Signed() bool { return q.signed }

// Special tells whether Parse has found the query to be Special.
func (q *Query) Special() bool { return q.extra || q.Class != lookup.ClassIN || !isData(q.Type) }

func (q *Query) nameLen() int { return max(q.QuestionEnd-HeaderLen-4, 0) }

// Parse reads the query msg into q, whatever q held before. After FormErr,
// NotImp and BadVers, q holds what was found until it went wrong. It allocates
// nothing and keeps nothing of msg.
func Parse(msg []byte, q *Query) Verdict {
	q.facts = facts{QuestionEnd: HeaderLen}
	if len(msg) < HeaderLen {
		return Drop
	}
	q.ID = binary.BigEndian.Uint16(msg)
	q.Flags = Flags(binary.BigEndian.Uint16(msg[2:]))
	if q.Flags&QR != 0 {
		return Drop
	}
	ok := q.body(msg)
	asks := q.QuestionEnd > HeaderLen
	switch {
	case q.Flags.Opcode() == OpcodeNotify && ok && asks && q.Version == 0:
		return Notify
	case q.Flags.Opcode() == OpcodeUpdate && ok && asks && q.Version == 0:
		return Update
	case q.Flags.Opcode() == OpcodeUpdate && !(ok && asks): // RFC 2136 3.1.1
		return FormErr
	case q.Version != 0 && ok && asks && (q.Flags.Opcode() == OpcodeNotify || q.Flags.Opcode() == OpcodeUpdate):
		return BadVers
	case q.Flags.Opcode() != 0: // whatever the body of such a message looks like
		return NotImp
	case !ok || !asks && (!q.EDNS || q.extra):
		return FormErr
	case q.EDNS && q.Version != 0:
		return BadVers
	case !asks:
		return Empty
	case q.Special():
		return Special
	}
	return Plain
}

// isData tells whether RRs can be of the type, or ANY stands for those that are.
// What is not are the meta-types (RFC 6895 3.1) that have a meaning of their own,
// and the type that cannot exist (RFC 9824 3.1: NXNAME).
func isData(t lookup.Type) bool {
	switch t {
	case lookup.TypeNone, lookup.TypeOPT, 128, 249, lookup.TypeTSIG,
		lookup.TypeIXFR, lookup.TypeAXFR, lookup.TypeMAILB, lookup.TypeMAILA:
		return false
	}
	return true
}

// body reads what follows the header. It is well-formed when the sections fill
// the message exactly, there is one question at most (RFC 9619), at most one OPT
// (RFC 6891 6.1.1), and a TSIG is the last RR (RFC 8945 5.1).
func (q *Query) body(msg []byte) bool {
	questions := binary.BigEndian.Uint16(msg[4:])
	at, budget := HeaderLen, maxNameWork
	for i := range questions {
		end, ok := plainName(msg, at)
		if !ok && i > 0 {
			end, ok = skipName(msg, at, &budget)
		}
		if !ok || end+4 > len(msg) {
			return false
		}
		if questions == 1 {
			q.question(msg, end)
		}
		at = end + 4
	}
	_, counts := ReadHead(msg)
	for section, count := range counts {
		for range count {
			var ok bool
			if at, ok = q.record(msg, at, section == 2, &budget); !ok {
				return false
			}
		}
	}
	return questions <= 1 && at == len(msg)
}

// question takes over the question whose name ends at end.
func (q *Query) question(msg []byte, end int) {
	q.QuestionEnd = end + 4
	q.Type = lookup.Type(binary.BigEndian.Uint16(msg[end:]))
	q.Class = lookup.Class(binary.BigEndian.Uint16(msg[end+2:]))
	lower(q.key[:copy(q.key[:], msg[HeaderLen:end+4])-4])
}

// record reads the RR at msg[at:] and tells where the next one starts.
func (q *Query) record(msg []byte, at int, additional bool, budget *int) (next int, ok bool) {
	fixed, ok := skipName(msg, at, budget)
	if !ok || fixed+10 > len(msg) || q.signed {
		return 0, false
	}
	rdata := fixed + 10
	next = rdata + int(binary.BigEndian.Uint16(msg[fixed+8:]))
	if next > len(msg) {
		return 0, false
	}
	switch lookup.Type(binary.BigEndian.Uint16(msg[fixed:])) {
	case lookup.TypeOPT:
		// RFC 6891 6.1.1 and 6.1.2: in the additional section, once, at the root.
		if !additional || q.EDNS || msg[at] != 0 {
			return 0, false
		}
		q.opt(msg[fixed:], Span{rdata, next})
		return next, q.Version != 0 || wellFramed(msg[rdata:next])
	case lookup.TypeTSIG:
		if !additional {
			return 0, false
		}
		q.signed = true
	}
	q.extra = true
	return next, true
}

// opt takes over the OPT whose type field starts fixed.
func (q *Query) opt(fixed []byte, options Span) {
	q.EDNS = true
	q.Size = binary.BigEndian.Uint16(fixed[2:])
	q.Version = fixed[5]
	q.DO = fixed[6]&0x80 != 0 // RFC 3225 3
	q.Options = options
}

// wellFramed tells whether the options fill the OPT's rdata exactly.
func wellFramed(options []byte) bool {
	for range maxOptions {
		if len(options) == 0 {
			return true
		}
		var ok bool
		if _, _, options, ok = NextOption(options); !ok {
			return false
		}
	}
	return len(options) == 0
}

// NextOption takes the first option off options (RFC 6891 6.1.2). ok is false
// when there is none or its frame is broken.
func NextOption(options []byte) (code uint16, data, rest []byte, ok bool) {
	if len(options) < 4 {
		return 0, nil, nil, false
	}
	end := 4 + int(binary.BigEndian.Uint16(options[2:]))
	if end > len(options) {
		return 0, nil, nil, false
	}
	return binary.BigEndian.Uint16(options), options[4:end], options[end:], true
}
