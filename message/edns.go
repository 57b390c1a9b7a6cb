package message

import (
	"encoding/binary"

	"github.com/sextant-dns/sextant/lookup"
)

// Codes of EDNS options.
const (
	OptionNSID      uint16 = 3  // RFC 5001
	OptionSubnet    uint16 = 8  // RFC 7871
	OptionExpire    uint16 = 9  // RFC 7314
	OptionCookie    uint16 = 10 // RFC 7873
	OptionKeepalive uint16 = 11 // RFC 7828
	OptionPadding   uint16 = 12 // RFC 7830
	OptionEDE       uint16 = 15 // RFC 8914
)

// maxOptions is how many EDNS options a message may have.
const maxOptions = 32

// Option is an EDNS option (RFC 6891 6.1.2).
type Option struct {
	Code uint16
	Data string // at most 65535 octets
}

// OPT is the pseudo-RR of EDNS in decoded form (RFC 6891 6.1).
type OPT struct {
	Size    uint16 // the sender's UDP payload size, in octets
	Version uint8
	DO      bool
	Options []Option
}

// bitDO is the DO bit within the OPT's TTL field (RFC 3225 3).
const bitDO = 1 << 15

// AppendOPT appends the OPT RR of a message whose response code is rcode, of
// which it carries the upper bits. To count it in the header's ARCOUNT is the
// caller's duty. The options may be 65535 octets together.
func AppendOPT(dst []byte, opt OPT, rcode lookup.Rcode) []byte {
	ttl := uint32(rcode>>4)<<24 | uint32(opt.Version)<<16
	if opt.DO {
		ttl |= bitDO
	}
	length := 0
	for _, o := range opt.Options {
		length += 4 + len(o.Data)
	}
	dst = append(dst, 0) // RFC 6891 6.1.2: the owner is the root
	dst = binary.BigEndian.AppendUint16(dst, uint16(lookup.TypeOPT))
	dst = binary.BigEndian.AppendUint16(dst, opt.Size)
	dst = binary.BigEndian.AppendUint32(dst, ttl)
	dst = binary.BigEndian.AppendUint16(dst, uint16(length))
	for _, o := range opt.Options {
		dst = binary.BigEndian.AppendUint16(dst, o.Code)
		dst = binary.BigEndian.AppendUint16(dst, uint16(len(o.Data)))
		dst = append(dst, o.Data...)
	}
	return dst
}

// countOptions counts the options in the rdata of an OPT; ok is false when they
// do not fill it exactly or are too many.
func countOptions(rdata []byte) (n int, ok bool) {
	for ; len(rdata) > 0; n++ {
		if len(rdata) < 4 || n == maxOptions {
			return 0, false
		}
		size := 4 + int(binary.BigEndian.Uint16(rdata[2:]))
		if size > len(rdata) {
			return 0, false
		}
		rdata = rdata[size:]
	}
	return n, true
}
