package tsig

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

const (
	headerLen = 12
	maxName   = 255 // RFC 1035 2.3.4
	classANY  = 255
	fudge     = 300 // seconds that clocks may disagree by (RFC 8945 10)
	timeMask  = 1<<48 - 1
)

// ErrMalformed is of a message that cannot be read, or whose TSIG is not where or
// what it should be. The RCODE for it is FORMERR (RFC 8945 5.2).
var ErrMalformed = errors.New("TSIG: malformed message")

// record is a TSIG RR (RFC 8945 4.2).
type record struct {
	start     int // where it begins in its message
	key       lookup.Name
	algorithm lookup.Name
	signed    uint64 // seconds since 1970
	fudge     uint16
	mac       []byte
	id        uint16 // of the message when it was signed
	code      Code
	other     []byte
}

// find looks for the TSIG of a message. It must be the last RR (RFC 8945 5.1).
func find(msg []byte) (r record, there bool, err error) {
	if len(msg) < headerLen {
		return r, false, ErrMalformed
	}
	at, ok := headerLen, true
	for range binary.BigEndian.Uint16(msg[4:]) {
		if at, ok = skipName(msg, at); !ok || at+4 > len(msg) {
			return r, false, ErrMalformed
		}
		at += 4
	}
	additional := binary.BigEndian.Uint16(msg[10:])
	before := uint32(binary.BigEndian.Uint16(msg[6:])) + uint32(binary.BigEndian.Uint16(msg[8:]))
	all := before + uint32(additional)
	for i := range all {
		start := at
		if at, ok = skipName(msg, at); !ok || at+10 > len(msg) {
			return r, false, ErrMalformed
		}
		fixed := msg[at : at+10]
		at += 10 + int(binary.BigEndian.Uint16(fixed[8:]))
		if at > len(msg) {
			return r, false, ErrMalformed
		}
		if lookup.Type(binary.BigEndian.Uint16(fixed)) != lookup.TypeTSIG {
			continue
		}
		// RFC 8945 5.1 and 4.2: the last of the additional section, of class ANY
		// and with a TTL of 0.
		if i != all-1 || additional == 0 || binary.BigEndian.Uint16(fixed[2:]) != classANY || binary.BigEndian.Uint32(fixed[4:]) != 0 {
			return r, false, ErrMalformed
		}
		if r, ok = parse(msg, start, at); !ok {
			return r, false, ErrMalformed
		}
		there = true
	}
	if at != len(msg) {
		return r, false, ErrMalformed
	}
	return r, there, nil
}

// parse reads the TSIG at msg[start:end], whose frame is good.
func parse(msg []byte, start, end int) (r record, ok bool) {
	r.start = start
	if r.key, ok = readName(msg, start); !ok {
		return r, false
	}
	at, _ := skipName(msg, start)
	rdata := msg[at+10 : end]
	name, n, err := lookup.NameFromWire(string(rdata[:min(len(rdata), maxName)])) // never compressed
	if err != nil || len(rdata) < n+10 {
		return r, false
	}
	r.algorithm, rdata = name, rdata[n:]
	r.signed = uint64(binary.BigEndian.Uint16(rdata))<<32 | uint64(binary.BigEndian.Uint32(rdata[2:]))
	r.fudge = binary.BigEndian.Uint16(rdata[6:])
	if r.mac, rdata, ok = counted(rdata[8:]); !ok || len(rdata) < 6 {
		return r, false
	}
	r.id, r.code = binary.BigEndian.Uint16(rdata), Code(binary.BigEndian.Uint16(rdata[2:]))
	r.other, rdata, ok = counted(rdata[4:])
	return r, ok && len(rdata) == 0
}

// counted takes octets with their length before them off b.
func counted(b []byte) (octets, rest []byte, ok bool) {
	if len(b) < 2 {
		return nil, nil, false
	}
	n := 2 + int(binary.BigEndian.Uint16(b))
	if n > len(b) {
		return nil, nil, false
	}
	return b[2:n], b[n:], true
}

// skipName tells where the name at msg[at:] ends.
func skipName(msg []byte, at int) (end int, ok bool) {
	for at < len(msg) {
		switch n := int(msg[at]); {
		case n == 0:
			return at + 1, true
		case n >= 0xc0:
			return at + 2, at+2 <= len(msg)
		case n >= 0x40:
			return 0, false
		default:
			at += 1 + n
		}
	}
	return 0, false
}

// readName reads the name at msg[at:]. Pointers may only lead backwards.
func readName(msg []byte, at int) (lookup.Name, bool) {
	var wire []byte
	limit := at
	for at < len(msg) && len(wire) < maxName {
		n := int(msg[at])
		switch {
		case n >= 0xc0:
			if at+2 > len(msg) {
				return "", false
			}
			if at = int(binary.BigEndian.Uint16(msg[at:]) & 0x3fff); at >= limit {
				return "", false
			}
			limit = at
			continue
		case n >= 0x40 || at+1+n > len(msg):
			return "", false
		}
		wire = append(wire, msg[at:at+1+n]...)
		if at += 1 + n; n == 0 {
			name, _, err := lookup.NameFromWire(string(wire))
			return name, err == nil
		}
	}
	return "", false
}

// append appends the TSIG to msg and counts it in the header.
func (r record) append(msg []byte) []byte {
	msg = append(msg, r.key...)
	msg = binary.BigEndian.AppendUint16(msg, uint16(lookup.TypeTSIG))
	msg = binary.BigEndian.AppendUint16(msg, classANY)
	msg = binary.BigEndian.AppendUint32(msg, 0)
	msg = append(msg, 0, 0)
	rdata := len(msg)
	msg = append(msg, r.algorithm...)
	msg = r.appendTimers(msg)
	msg = binary.BigEndian.AppendUint16(msg, uint16(len(r.mac)))
	msg = append(msg, r.mac...)
	msg = binary.BigEndian.AppendUint16(msg, r.id)
	msg = r.appendOther(msg)
	binary.BigEndian.PutUint16(msg[rdata-2:], uint16(len(msg)-rdata))
	binary.BigEndian.PutUint16(msg[10:], binary.BigEndian.Uint16(msg[10:])+1)
	return msg
}

// appendTimers appends Time Signed and Fudge.
func (r record) appendTimers(b []byte) []byte {
	b = appendTime(b, r.signed)
	return binary.BigEndian.AppendUint16(b, r.fudge)
}

// appendOther appends Error, Other Len and Other Data.
func (r record) appendOther(b []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(r.code))
	b = binary.BigEndian.AppendUint16(b, uint16(len(r.other)))
	return append(b, r.other...)
}

func appendTime(b []byte, seconds uint64) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(seconds>>32))
	return binary.BigEndian.AppendUint32(b, uint32(seconds))
}

func seconds(t time.Time) uint64 { return uint64(t.Unix()) & timeMask }
