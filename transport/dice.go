package transport

import "io"

// dice draws what an attacker has to guess. It reads randomness in pieces, since
// each read may be a system call. After an error it draws zeros; who uses what
// was drawn must look at err first.
type dice struct {
	source io.Reader
	err    error
	left   int // how many octets at the end of pool have not been used
	pool   [64]byte
}

func (d *dice) octet() byte {
	if d.left == 0 {
		if _, err := io.ReadFull(d.source, d.pool[:]); err != nil {
			d.err = err
			return 0
		}
		d.left = len(d.pool)
	}
	d.left--
	return d.pool[len(d.pool)-1-d.left]
}

func (d *dice) uint16() uint16 { return uint16(d.octet())<<8 | uint16(d.octet()) }

// port draws a source port, each with the same probability (RFC 5452 9.2): all
// from 1024 on but those that networks filter for the sake of other protocols,
// RoCE and memcached.
func (d *dice) port() uint16 {
	for {
		port := d.uint16()
		if port >= 1024 && port != 4791 && port != 11211 || d.err != nil {
			return port
		}
	}
}

// below draws a number from 0 to n-1; n is from 1 to 65536.
func (d *dice) below(n int) int {
	for even := 1 << 16 / n * n; ; { // numbers from here on would favour the low ones
		if v := int(d.uint16()); v < even || d.err != nil {
			return v % n
		}
	}
}

// spell gives each letter of a wire-form name a random case. Length octets are
// below 'A' and stay.
func (d *dice) spell(name []byte) {
	var bits, left byte
	for i, c := range name {
		if c |= 0x20; c < 'a' || c > 'z' {
			continue
		}
		if left == 0 {
			bits, left = d.octet(), 8
		}
		name[i] = c &^ (bits & 1 << 5)
		bits, left = bits>>1, left-1
	}
}
