package dnssec

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/sextant-dns/sextant/lookup"
)

// nameAt marks a domain name in a layout; other values count octets to skip.
const nameAt = -1

// layoutOf tells, for a type whose names are lower-cased in canonical form
// (RFC 4034 6.2; RFC 6840 5.1 adds RRSIG and takes NSEC out), where these names
// stand: after so many octets, one after another. Every other type's rdata is
// canonical as it is.
func layoutOf(t lookup.Type) []int {
	switch t {
	case 2, 3, 4, 5, 7, 8, 9, 12, 39: // NS MD MF CNAME MB MG MR PTR DNAME
		return []int{nameAt}
	case 6, 14, 17: // SOA MINFO RP
		return []int{nameAt, nameAt}
	case 15, 18, 21, 36: // MX AFSDB RT KX
		return []int{2, nameAt}
	case 26: // PX
		return []int{2, nameAt, nameAt}
	case 24, 46: // SIG RRSIG
		return []int{18, nameAt}
	case 30: // NXT
		return []int{nameAt}
	case 33: // SRV
		return []int{6, nameAt}
	}
	return nil // NAPTR and A6 are not that simple
}

// appendRdata appends rdata in canonical form. Malformed rdata is appended as far
// as it was understood, and no signature will fit it.
func appendRdata(dst []byte, t lookup.Type, rdata string) []byte {
	start := len(dst)
	dst = append(dst, rdata...)
	b := dst[start:]
	switch t {
	case 35: // NAPTR: two numbers and three strings (RFC 3403 4.1)
		at := 4
		for range 3 {
			if at < len(b) {
				at += 1 + int(b[at])
			}
		}
		lowerName(b, at)
	case 38: // A6: prefix length, as much of an address as it leaves, name (RFC 2874 3.1)
		if len(b) > 0 && b[0] > 0 && b[0] <= 128 {
			lowerName(b, 1+(128-int(b[0])+7)/8)
		}
	default:
		at := 0
		for _, field := range layoutOf(t) {
			if field == nameAt {
				at = lowerName(b, at)
			} else {
				at += field
			}
		}
	}
	return dst
}

// lowerName lower-cases the name at b[at:] in place and tells where it ends.
func lowerName(b []byte, at int) int {
	for at < len(b) && b[at] != 0 {
		end := at + 1 + int(b[at])
		if b[at] > 63 || end > len(b) {
			return len(b)
		}
		for i := at + 1; i < end; i++ {
			if b[i] >= 'A' && b[i] <= 'Z' {
				b[i] += 'a' - 'A'
			}
		}
		at = end
	}
	return at + 1
}

// canon lays an RRset out in canonical form, in memory that it uses again for the
// next one.
type canon struct {
	octets []byte // canonical rdata, one after another
	rrs    [][2]int
	out    []byte
}

// load puts data's RRs in canonical order (RFC 4034 6.3), each once.
func (c *canon) load(t lookup.Type, data lookup.Rdata) {
	c.octets, c.rrs = c.octets[:0], c.rrs[:0]
	for rdata := range data.All() {
		start := len(c.octets)
		c.octets = appendRdata(c.octets, t, rdata)
		c.rrs = append(c.rrs, [2]int{start, len(c.octets)})
	}
	if len(c.rrs) < 2 {
		return
	}
	octets := c.octets
	slices.SortFunc(c.rrs, func(a, b [2]int) int {
		return bytes.Compare(octets[a[0]:a[1]], octets[b[0]:b[1]])
	})
	c.rrs = slices.CompactFunc(c.rrs, func(a, b [2]int) bool {
		return bytes.Equal(octets[a[0]:a[1]], octets[b[0]:b[1]])
	})
}

// signed is what s signs of the RRset that was loaded: RRSIG rdata without the
// signature, then the RRs (RFC 4034 3.1.8.1). It is valid until the next call.
func (c *canon) signed(s Signature, owner lookup.Name, t lookup.Type) []byte {
	out := s.appendFields(c.out[:0])
	wildcard := int(s.Labels) < labelsOf(owner) // RFC 4035 5.3.2
	for _, rr := range c.rrs {
		if wildcard {
			out = append(out, 1, '*')
			out = append(out, owner.Suffix(int(s.Labels))...)
		} else {
			out = append(out, owner...)
		}
		out = binary.BigEndian.AppendUint16(out, uint16(t))
		out = binary.BigEndian.AppendUint16(out, uint16(lookup.ClassIN))
		out = binary.BigEndian.AppendUint32(out, s.OriginalTTL)
		out = binary.BigEndian.AppendUint16(out, uint16(rr[1]-rr[0]))
		out = append(out, c.octets[rr[0]:rr[1]]...)
	}
	c.out = out
	return out
}

// labelsOf counts labels as the Labels field of an RRSIG does: neither the root
// nor a leftmost * counts (RFC 4034 3.1.3).
func labelsOf(n lookup.Name) int {
	if n.IsWildcard() {
		return n.Labels() - 1
	}
	return n.Labels()
}
