package geo

import (
	"fmt"
	"net/netip"
	"slices"
)

// A form is a prefix whose IPv6 addresses embed IPv4 addresses.
type form struct {
	prefix   netip.Prefix
	start    int  // where the embedded address begins, in bits
	inverted bool // each of its bits is
}

// wellKnown are the forms that are in use everywhere.
func wellKnown() []form {
	return []form{
		{netip.MustParsePrefix("::ffff:0:0/96"), 96, false}, // RFC 4291 2.5.5.2
		{netip.MustParsePrefix("64:ff9b::/96"), 96, false},  // RFC 6052 2.1
		{netip.MustParsePrefix("2002::/16"), 16, false},     // RFC 3056 2: 6to4
		{netip.MustParsePrefix("2001::/32"), 96, true},      // RFC 4380 4: Teredo; its client, not its server
	}
}

// Embedded is the IPv4 address that an IPv6 address stands for, and the prefix that
// says so: a mapped, NAT64, 6to4 or Teredo address. nat64 is as in Sources; none of
// it counts when Compile would refuse it.
func Embedded(a netip.Addr, nat64 ...netip.Prefix) (v4 netip.Addr, by netip.Prefix, ok bool) {
	known, err := forms(nat64)
	if err != nil {
		known = wellKnown()
	}
	for _, f := range known {
		if f.prefix.Contains(a) {
			return f.extract(bitsOf(a)).prefix(32, true).Addr(), f.prefix, true
		}
	}
	return v4, by, false
}

// forms are the well-known ones and a network's own.
func forms(nat64 []netip.Prefix) ([]form, error) {
	all := wellKnown()
	for _, p := range nat64 {
		// RFC 6052 2.2: the lengths that are allowed.
		if !p.Addr().Is6() || p != p.Masked() || !slices.Contains([]int{32, 40, 48, 56, 64, 96}, p.Bits()) {
			return nil, fmt.Errorf("%w: %s (RFC 6052 2.2)", ErrEmbedded, p)
		}
		known := slices.IndexFunc(all, func(f form) bool { return f.prefix.Overlaps(p) })
		switch {
		case known < 0:
			all = append(all, form{prefix: p, start: p.Bits()})
		case all[known].prefix != p:
			return nil, fmt.Errorf("%w: %s overlaps %s", ErrEmbedded, p, all[known].prefix)
		}
	}
	return all, nil
}

// position is where bit i of the IPv4 address stands, from 0 to 127.
func (f form) position(i int) int {
	// RFC 6052 2.2: bits 64 to 71 are not part of the IPv4 address.
	if f.start <= 64 && f.start+i >= 64 {
		return f.start + i + 8
	}
	return f.start + i
}

// length is the IPv6 prefix length that goes with n bits of the IPv4 address.
func (f form) length(n int) int {
	if n == 0 {
		return f.prefix.Bits()
	}
	return f.position(n-1) + 1
}

// known is how many bits of the IPv4 address stand in the first n of a.
func (f form) known(n int) (k int) {
	for k < 32 && f.position(k) < n {
		k++
	}
	return k
}

// extract is the embedded address, from the left.
func (f form) extract(a bits) bits {
	var v4 uint64
	switch {
	case f.start > 64:
		v4 = a.lo
	case f.start < 32:
		v4 = a.hi >> (32 - f.start)
	default:
		head := 64 - f.start // bits before the gap of RFC 6052 2.2
		v4 = a.hi&(1<<head-1)<<(32-head) | a.lo<<8>>(32+head)
	}
	if f.inverted {
		v4 = ^v4
	}
	return bits{hi: v4 << 32}
}

// embed is a with the first n bits of v4 in place of its own.
func (f form) embed(a, v4 bits, n int) bits {
	for i := range n {
		a = a.with(f.position(i), v4.at(i) != f.inverted)
	}
	return a
}

// bits is an address from the left: IPv4 takes the first 32.
type bits struct{ hi, lo uint64 }

func (b bits) at(i int) bool {
	if i < 64 {
		return b.hi<<i>>63 != 0
	}
	return b.lo<<(i-64)>>63 != 0
}

// side is bit i as a number.
func (b bits) side(i int) uint64 {
	if i < 64 {
		return b.hi << i >> 63
	}
	return b.lo << (i - 64) >> 63
}

// first is the first n bits and zeros.
func (b bits) first(n int) bits {
	if n <= 64 {
		return bits{hi: b.hi &^ (1<<(64-n) - 1)}
	}
	return bits{b.hi, b.lo &^ (1<<(128-n) - 1)}
}

func (b bits) with(i int, one bool) bits {
	word, bit := &b.hi, uint64(1)<<63>>(i%64)
	if i >= 64 {
		word = &b.lo
	}
	*word &^= bit
	if one {
		*word |= bit
	}
	return b
}

// from is the bits after the first n, n at most 128, moved to the left.
func (b bits) from(n int) bits {
	if n >= 64 {
		return bits{hi: b.lo << (n - 64)}
	}
	return bits{hi: b.hi<<n | b.lo>>(64-n), lo: b.lo << n}
}
