package ecs

import (
	"errors"
	"fmt"
	"net/netip"
)

// FAMILY values (RFC 7871 6).
const (
	familyNone = 0 // not in the RFC, but some clients send it with SOURCE 0
	family4    = 1
	family6    = 2
)

// fixed is how long the data is without ADDRESS: FAMILY, SOURCE and SCOPE.
const fixed = 4

// ErrMalformed is wrapped by every error of Parse.
var ErrMalformed = errors.New("malformed Client Subnet option")

// What can be wrong with an option. They are made once, so that a flood of bad
// options costs no allocation.
var (
	errShort  = fmt.Errorf("%w: ends before its ADDRESS", ErrMalformed)
	errFamily = fmt.Errorf("%w: unknown FAMILY", ErrMalformed)
	errSource = fmt.Errorf("%w: SOURCE longer than an address", ErrMalformed)
	errScope  = fmt.Errorf("%w: SCOPE longer than an address", ErrMalformed)
	errOctets = fmt.Errorf("%w: ADDRESS has not just the octets that SOURCE needs", ErrMalformed)
	errBits   = fmt.Errorf("%w: ADDRESS has bits beyond SOURCE", ErrMalformed)
)

// Option is what an EDNS Client Subnet option says (RFC 7871 6).
type Option struct {
	// Source is FAMILY, ADDRESS and SOURCE PREFIX-LENGTH. It is valid and masked;
	// a length of 0 is the wish that nothing be told (RFC 7871 7.1.2).
	Source netip.Prefix
	Scope  uint8 // SCOPE PREFIX-LENGTH; 0 in queries

	// NoFamily says that FAMILY was 0, which goes with SOURCE 0 only: Source is
	// then 0.0.0.0/0.
	NoFamily bool
}

// Parse reads the data of an option, without its code and length. What it takes
// is exactly what RFC 7871 6 and 7.2.1 allow: a known FAMILY, lengths that the
// family has, and an ADDRESS of just the octets that SOURCE needs, with no bit set
// beyond it. In a query, SCOPE must be 0 besides; that is for the caller to see.
// It does not allocate and keeps nothing of data. Every error is an ErrMalformed.
func Parse[T string | []byte](data T) (Option, error) {
	if len(data) < fixed {
		return Option{}, errShort
	}
	bits, o := int(data[2]), Option{Scope: data[3]}
	var addr netip.Addr
	switch family := int(data[0])<<8 | int(data[1]); family {
	case family4, familyNone:
		var a [4]byte
		copy(a[:], data[fixed:])
		addr, o.NoFamily = netip.AddrFrom4(a), family == familyNone
	case family6:
		var a [16]byte
		copy(a[:], data[fixed:])
		addr = netip.AddrFrom16(a)
	default:
		return Option{}, errFamily // RFC 7871 7.2.1
	}
	switch {
	case o.NoFamily && bits > 0:
		return Option{}, errFamily
	case bits > addr.BitLen():
		return Option{}, errSource
	case int(o.Scope) > addr.BitLen():
		return Option{}, errScope
	case len(data)-fixed != octets(bits): // RFC 7871 7.1.1: no more, and 6: no fewer
		return Option{}, errOctets
	}
	if bits%8 > 0 && data[len(data)-1]<<(bits%8) != 0 { // RFC 7871 6: padded with 0 bits
		return Option{}, errBits
	}
	o.Source = netip.PrefixFrom(addr, bits)
	return o, nil
}

// Data is the option as Parse reads it, without its code and length. Source must
// be valid; bits of its address beyond its length are not told.
func (o Option) Data() string {
	source := o.Source.Masked()
	data := make([]byte, fixed, fixed+16)
	switch {
	case o.NoFamily && source.Bits() == 0:
		data[1] = familyNone
	case source.Addr().Is4():
		data[1] = family4
	default:
		data[1] = family6
	}
	data[2], data[3] = byte(source.Bits()), o.Scope
	return string(append(data, source.Addr().AsSlice()[:octets(source.Bits())]...))
}

// For is Source in the eyes of a client at that address: who tells no FAMILY is
// taken to mean the one that it came with (RFC 7871 7.1.2).
func (o Option) For(client netip.Addr) netip.Prefix {
	if o.NoFamily {
		return Untold(client)
	}
	return o.Source
}

// String is the option as dig prints it: the address, then SOURCE and SCOPE.
func (o Option) String() string {
	return fmt.Sprintf("%s/%d/%d", o.Source.Addr(), o.Source.Bits(), o.Scope)
}

// octets is how many octets hold that many bits.
func octets(bits int) int { return (bits + 7) / 8 }
