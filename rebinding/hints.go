package rebinding

import "github.com/sextant-dns/sextant/lookup"

// SvcParamKeys that hold addresses (RFC 9460 7.3, 14.3.2).
const (
	keyIPv4Hint = 4
	keyIPv6Hint = 6
)

// hints tells whether rdata of an SVCB or HTTPS RR (RFC 9460 2.2) has a hint with a
// private address. The walk takes each octet once and does not ask for more than a
// lenient client would: keys in any order and more than once, and of a value that
// is cut short the addresses that are whole. It finds nothing in rdata whose
// TargetName cannot be read.
func (r *ranges) hints(rdata string) bool {
	if len(rdata) < 2 {
		return false
	}
	n, err := lookup.WireLen(rdata[2:])
	if err != nil {
		return false
	}
	for params := rdata[2+n:]; len(params) >= 4; {
		key := int(params[0])<<8 | int(params[1])
		size := int(params[2])<<8 | int(params[3])
		value := params[4:]
		value = value[:min(size, len(value))]
		params = params[4+len(value):]
		switch key {
		case keyIPv4Hint:
			for ; len(value) >= 4; value = value[4:] {
				if r.private4(value[:4]) {
					return true
				}
			}
		case keyIPv6Hint:
			for ; len(value) >= 16; value = value[16:] {
				if r.private6(value[:16]) {
					return true
				}
			}
		}
	}
	return false
}
