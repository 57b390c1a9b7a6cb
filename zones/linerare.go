package zones

import (
	"bytes"
	"encoding/binary"
	"math"
)

// appendLOC appends the rdata of a LOC. RFC 1876 3: minutes and seconds may be left out,
// one by one; the library reads both or none.
func (r *reader) appendLOC(to []byte) (_ []byte, ok bool) {
	latitude, ok := r.angle("Nn", "Ss", 90)
	if !ok {
		return to, false
	}
	longitude, ok := r.angle("Ee", "Ww", 180)
	if !ok {
		return to, false
	}
	altitude, ok := r.altitude()
	if !ok {
		return to, false
	}
	sizes := [3]byte{0x12, 0x16, 0x13} // RFC 1876 3: 1 m, 10 000 m, 10 m
	for i := range sizes {
		if r.ended() {
			break
		}
		if sizes[i], ok = precision(r.word()); !ok {
			return to, false
		}
	}
	to = append(to, 0, sizes[0], sizes[1], sizes[2])
	to = binary.BigEndian.AppendUint32(to, latitude)
	to = binary.BigEndian.AppendUint32(to, longitude)
	return binary.BigEndian.AppendUint32(to, altitude), true
}

// appendNSAP appends an address of RFC 1706 7: 0x and hexadecimal digits, with dots among
// them for the eye.
func appendNSAP(to, word []byte) ([]byte, bool) {
	if len(word) < 2 || word[0] != '0' || word[1]|0x20 != 'x' {
		return to, false
	}
	return appendHex(to, bytes.ReplaceAll(word[2:], []byte("."), nil))
}

// angle is degrees with or without minutes and seconds, and the half of the earth that
// they are on, in thousandths of a second from 2^31 (RFC 1876 2).
func (r *reader) angle(more, less string, most uint64) (uint32, bool) {
	const degree, minute = 3600_000, 60_000
	degrees, ok := number(r.word(), most)
	if !ok {
		return 0, false
	}
	v := uint64(degrees) * degree
	w := r.word()
	if minutes, ok := number(w, 59); ok {
		v += uint64(minutes) * minute
		w = r.word()
		if thousandths, ok := decimal(w, 3, minute-1); ok {
			v += thousandths
			w = r.word()
		}
	}
	switch {
	case len(w) != 1 || v > most*degree:
		return 0, false
	case w[0] == more[0] || w[0] == more[1]:
		return uint32(1<<31 + v), true
	}
	return uint32(1<<31 - v), w[0] == less[0] || w[0] == less[1]
}

// altitude is metres in centimetres from 100 km below sea level (RFC 1876 2).
func (r *reader) altitude() (uint32, bool) {
	const sea = 100_000_00
	w, below := bytes.CutPrefix(metres(r.word()), []byte("-"))
	if below {
		v, ok := decimal(w, 2, sea)
		return uint32(sea - v), ok
	}
	v, ok := decimal(w, 2, math.MaxUint32-sea)
	return uint32(sea + v), ok
}

// precision is metres as a digit and a power of ten, in centimetres (RFC 1876 2).
func precision(word []byte) (byte, bool) {
	v, ok := decimal(metres(word), 2, 90_000_000_00)
	power := byte(0)
	for ; v > 9; v /= 10 {
		power++
	}
	return byte(v)<<4 | power, ok
}

// metres is a word without the unit that it may have.
func metres(word []byte) []byte {
	if n := len(word); n > 0 && word[n-1]|0x20 == 'm' {
		return word[:n-1]
	}
	return word
}

// decimal is a number with at most so many digits behind the point, as a multiple of the
// last of them, at most so large.
func decimal(word []byte, digits int, most uint64) (uint64, bool) {
	whole, part, point := bytes.Cut(word, []byte("."))
	if len(whole) == 0 || len(part) > digits || point && len(part) == 0 {
		return 0, false
	}
	v := uint64(0)
	for i := range len(whole) + digits {
		c := byte('0')
		switch {
		case i < len(whole):
			c = whole[i]
		case i-len(whole) < len(part):
			c = part[i-len(whole)]
		}
		if c < '0' || c > '9' {
			return 0, false
		}
		if v = v*10 + uint64(c-'0'); v > most {
			return 0, false
		}
	}
	return v, true
}
