package message

import (
	"net/netip"
	"strings"

	"github.com/sextant-dns/sextant/lookup"
)

// FAMILY values of EDNS Client Subnet (RFC 7871 6).
const (
	familyNone = 0 // with SOURCE 0 only; not in the RFC, but some clients send it
	family4    = 1
	family6    = 2
)

// SubnetOption is the EDNS Client Subnet option for a valid source; bits of its
// address beyond its length are not told. Queries have a scope of 0 (RFC 7871 6).
func SubnetOption(source netip.Prefix, scope uint8) Option {
	source = source.Masked()
	family := byte(family4)
	if source.Addr().Is6() {
		family = family6
	}
	address := source.Addr().AsSlice()[:octets(source.Bits())] // RFC 7871 7.1.1: no more than needed
	return Option{
		Code: OptionSubnet,
		Data: string([]byte{0, family, byte(source.Bits()), scope}) + string(address),
	}
}

// Subnet reads an EDNS Client Subnet option. ok is false when it is malformed: a
// FAMILY that is not known, a length beyond the family's, an ADDRESS that has
// not just the octets that SOURCE needs or has bits beyond it (RFC 7871 6 and
// 7.2.1). The lack of an address, FAMILY 0, is read as 0.0.0.0/0.
func (o Option) Subnet() (source netip.Prefix, scope uint8, ok bool) {
	if o.Code != OptionSubnet || len(o.Data) < 4 || o.Data[0] != 0 {
		return netip.Prefix{}, 0, false
	}
	bits, scope, address := int(o.Data[2]), o.Data[3], o.Data[4:]
	if len(address) != octets(bits) {
		return netip.Prefix{}, 0, false
	}
	var addr netip.Addr
	switch family := o.Data[1]; {
	case family == family4 && bits <= 32, family == familyNone && bits == 0:
		var a [4]byte
		copy(a[:], address)
		addr = netip.AddrFrom4(a)
	case family == family6 && bits <= 128:
		var a [16]byte
		copy(a[:], address)
		addr = netip.AddrFrom16(a)
	default:
		return netip.Prefix{}, 0, false
	}
	source = netip.PrefixFrom(addr, bits)
	if int(scope) > addr.BitLen() || source.Masked() != source {
		return netip.Prefix{}, 0, false
	}
	return source, scope, true
}

// octets is how many octets hold that many bits.
func octets(bits int) int { return (bits + 7) / 8 }

// EDEOption is the option of an Extended DNS Error (RFC 8914 2).
func EDEOption(e lookup.EDE) Option {
	return Option{Code: OptionEDE, Data: string([]byte{byte(e.Code >> 8), byte(e.Code)}) + e.Text}
}

// EDE reads an Extended DNS Error. Octets of the text that are not UTF-8, and
// the NUL that RFC 8914 2 tells to expect at its end, are left out.
func (o Option) EDE() (e lookup.EDE, ok bool) {
	if o.Code != OptionEDE || len(o.Data) < 2 {
		return lookup.EDE{}, false
	}
	return lookup.EDE{
		Code: uint16(o.Data[0])<<8 | uint16(o.Data[1]),
		Text: strings.ToValidUTF8(strings.TrimSuffix(o.Data[2:], "\x00"), ""),
	}, true
}
