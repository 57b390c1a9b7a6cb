package wire

import (
	"encoding/binary"

	"github.com/sextant-dns/sextant/lookup"
)

const (
	maxName  = 255 // RFC 1035 2.3.4
	maxLabel = 63  // RFC 1035 2.3.4
)

// plainName finds the end of the uncompressed name at msg[at:]. The name of the
// question has nothing before it that a pointer could point to.
func plainName(msg []byte, at int) (end int, ok bool) {
	for end = at; end < len(msg) && end-at < maxName; end += 1 + int(msg[end]) {
		switch n := msg[end]; {
		case n == 0:
			return end + 1, true
		case n > maxLabel:
			return 0, false
		}
	}
	return 0, false
}

// skipName finds the end of the name at msg[at:], which may be compressed, and
// follows it to its root to be sure that it is one. Pointers must point back,
// each farther than the one before (RFC 1035 4.1.4: "a prior occurrence"). Work
// is paid from the budget, an octet of the name each.
func skipName(msg []byte, at int, budget *int) (end int, ok bool) {
	length := 0   // of the name, in octets
	segment := at // where the labels since the last pointer start
	for at < len(msg) {
		n := int(msg[at])
		switch {
		case n == 0:
			if end == 0 {
				end = at + 1
			}
			return end, true
		case n <= maxLabel:
			length += 1 + n
			if *budget -= 1 + n; *budget < 0 || length >= maxName {
				return 0, false
			}
			at += 1 + n
		case n >= 0xc0 && at+1 < len(msg):
			target := n&0x3f<<8 | int(msg[at+1])
			if target < HeaderLen || target >= segment {
				return 0, false
			}
			if end == 0 {
				end = at + 2
			}
			at, segment = target, target
		default: // label types of RFC 6891 5 that nobody uses, or a cut pointer
			return 0, false
		}
	}
	return 0, false
}

// lower puts the ASCII letters of a wire-form name into lower case (RFC 4343 3), eight
// octets at a time. Length octets are below 'A' and stay as they are.
func lower(name []byte) {
	const each = 0x0101010101010101
	for ; len(name) >= 8; name = name[8:] {
		w := binary.NativeEndian.Uint64(name)
		low := w & (0x7f * each)                        // so that no sum is carried into the next octet
		fromA := low + (0x80-'A')*each                  // the upper bit tells
		aboveZ := low + (0x7f-'Z')*each                 // so does it here
		upper := (fromA &^ aboveZ) &^ w & (0x80 * each) // octets from 0x80 are no letters
		binary.NativeEndian.PutUint64(name, w|upper>>2)
	}
	for i, c := range name {
		if 'A' <= c && c <= 'Z' {
			name[i] = c + 'a' - 'A'
		}
	}
}

// Name is the name asked about, in lower case. It allocates.
func (q *Query) Name() lookup.Name { return lookup.Name(q.key[:q.nameLen()]) }
