package message

// Bounds of the work that names may cause (CVE-2024-8508 and its kin).
const (
	maxName     = 255     // octets of a name (RFC 1035 2.3.4)
	maxLabel    = 63      // octets of a label (RFC 1035 2.3.4)
	maxPointers = 126     // compression pointers in one name: more cannot all add a label
	maxVisited  = 1 << 16 // octets of labels and pointers read in the whole message
	maxTransfer = 1 << 21 // the same for a message of a zone transfer, which is full of names
)

// name appends the name at msg[off] to d.buf, uncompressed and with its letter
// case, and tells where it ends in the message. Up to its first pointer the name
// must lie below limit.
//
// Each pointer must lead to before the piece of name that it ends, so the walk
// is finite whatever the message says.
func (d *decoder) name(off, limit int) (end int, err error) {
	start, piece := len(d.buf), off
	for pointers := 0; ; {
		if off >= limit {
			return 0, errShort
		}
		length := int(d.msg[off])
		switch {
		case length == 0:
			d.buf = append(d.buf, 0)
			if pointers == 0 {
				end = off + 1
			}
			return end, nil
		case length <= maxLabel:
			next := off + 1 + length
			if next > limit {
				return 0, errShort
			}
			if len(d.buf)-start+1+length+1 > maxName {
				return 0, errName
			}
			d.buf = append(d.buf, d.msg[off:next]...)
			d.visited += 1 + length
			off = next
		case length >= 0xc0:
			if off+2 > limit {
				return 0, errShort
			}
			if pointers == 0 {
				end, limit = off+2, len(d.msg)
			}
			target := pointerAt(d.msg, off)
			if pointers++; target >= piece || target < headerLen || pointers > maxPointers {
				return 0, errPointer
			}
			d.visited += 2
			off, piece = target, target
		default: // 0x40 and 0x80 (RFC 6891 5)
			return 0, errLabel
		}
		if d.visited > d.most {
			return 0, errWork
		}
	}
}

// pointerAt is where the compression pointer at msg[off] leads to (RFC 1035 4.1.4).
func pointerAt(msg []byte, off int) int {
	return int(msg[off]&0x3f)<<8 | int(msg[off+1])
}

// lower puts the ASCII letters of a wire-form name into lower case, in place
// (RFC 4343 3). Length octets are at most 63 and so are never taken for letters.
func lower(wire []byte) {
	for i, c := range wire {
		wire[i] = lowerOctet(c)
	}
}

func lowerOctet(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + ('a' - 'A')
	}
	return c
}
