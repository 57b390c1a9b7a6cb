package zones

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

// readRdata reads the rest of the line as rdata of the type of the RR. It is false
// when the library must read it.
func (r *reader) readRdata() bool {
	to, ok := r.appendRdata(r.buffer[:0])
	r.buffer = to
	r.rr.rdata = to
	return ok
}

func (r *reader) appendRdata(to []byte) ([]byte, bool) {
	ok := false
	switch r.rr.t {
	case lookup.TypeA:
		to, ok = appendIPv4(to, r.word())
	case lookup.TypeAAAA:
		to, ok = appendIPv6(to, r.word())
	case lookup.TypeNS, lookup.TypeCNAME, lookup.TypePTR, lookup.TypeDNAME:
		to, ok = r.appendName(to, r.word())
	case lookup.TypeMX:
		if to, ok = r.appendNumbers(to, 2); ok {
			to, ok = r.appendName(to, r.word())
		}
	case lookup.TypeSRV:
		if to, ok = r.appendNumbers(to, 2, 2, 2); ok {
			to, ok = r.appendName(to, r.word())
		}
	case lookup.TypeTXT:
		to, ok = r.appendStrings(to)
	case lookup.TypeDS:
		if to, ok = r.appendNumbers(to, 2, 1, 1); ok {
			to, ok = appendHex(to, r.word())
		}
	case lookup.TypeDNSKEY, lookup.Type(dns.TypeCDNSKEY):
		to, ok = r.appendDNSKEY(to)
	case typeDSYNC:
		to, ok = r.appendDSYNC(to)
	case typeNSAP:
		to, ok = appendNSAP(to, r.word())
	case lookup.Type(dns.TypeLOC):
		to, ok = r.appendLOC(to)
	case lookup.Type(dns.TypeAPL):
		ok = true // RFC 3123 4: there may be no items. Those that are there the library reads.
	case lookup.TypeRRSIG:
		to, ok = r.appendRRSIG(to)
	case lookup.TypeNSEC:
		if to, ok = r.appendName(to, r.word()); ok {
			to, ok = r.appendTypes(to)
		}
	case lookup.TypeNSEC3:
		to, ok = r.appendNSEC3(to)
	}
	return to, ok && r.ended()
}

// appendNumbers appends numbers of so many octets.
func (r *reader) appendNumbers(to []byte, octets ...int) ([]byte, bool) {
	for _, n := range octets {
		v, ok := number(r.word(), 1<<(8*n)-1)
		if !ok {
			return to, false
		}
		for n--; n >= 0; n-- {
			to = append(to, byte(v>>(8*n)))
		}
	}
	return to, true
}

// appendIPv4 appends an address of four numbers without leading zeros.
func appendIPv4(to, word []byte) ([]byte, bool) {
	v, digits, dots := 0, 0, 0
	for _, c := range word {
		switch {
		case c == '.' && digits > 0 && dots < 3:
			to = append(to, byte(v))
			v, digits, dots = 0, 0, dots+1
		case c >= '0' && c <= '9' && digits < 3 && (digits == 0 || v > 0):
			v, digits = v*10+int(c-'0'), digits+1
			if v > 255 {
				return to, false
			}
		default:
			return to, false
		}
	}
	return append(to, byte(v)), dots == 3 && digits > 0
}

// appendIPv6 appends an address of hexadecimal groups; one that ends as an IPv4
// address is not read here.
func appendIPv6(to, word []byte) ([]byte, bool) {
	var a [16]byte
	n, gap := 0, -1 // octets so far; where :: stands
	if len(word) >= 2 && word[0] == ':' && word[1] == ':' {
		gap, word = 0, word[2:]
	}
	for len(word) > 0 {
		v, digits := 0, 0
		for digits < len(word) && hexDigit(word[digits]) >= 0 {
			v = v<<4 | hexDigit(word[digits])
			if digits++; digits > 4 {
				return to, false
			}
		}
		if digits == 0 || n == len(a) {
			return to, false
		}
		a[n], a[n+1] = byte(v>>8), byte(v)
		n += 2
		word = word[digits:]
		switch {
		case len(word) == 0:
		case word[0] != ':' || len(word) == 1:
			return to, false
		case word[1] == ':':
			if gap >= 0 {
				return to, false
			}
			gap, word = n, word[2:]
		default:
			word = word[1:]
		}
	}
	switch {
	case gap < 0:
		return append(to, a[:]...), n == len(a)
	case n == len(a):
		return to, false
	}
	to = append(to, a[:gap]...)
	to = append(to, make([]byte, len(a)-n)...)
	return append(to, a[gap:n]...), true
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// appendStrings appends strings in quotes, with a blank between them.
func (r *reader) appendStrings(to []byte) ([]byte, bool) {
	for n := 0; ; n++ {
		before := len(r.rest)
		if r.ended() {
			return to, n > 0
		}
		if r.rest[0] != '"' || len(r.rest) == before {
			return to, false
		}
		end := 1
		for ; ; end++ {
			if end == len(r.rest) || end > 256 {
				return to, false
			}
			c := r.rest[end]
			if c == '"' {
				break
			}
			if c == '\\' || c == '\r' {
				return to, false
			}
		}
		to = append(to, byte(end-1))
		to = append(to, r.rest[1:end]...)
		r.rest = r.rest[end+1:]
	}
}

// appendHex appends octets in hexadecimal digits.
func appendHex(to, word []byte) ([]byte, bool) {
	to, err := hex.AppendDecode(to, word)
	return to, err == nil && len(word) > 0
}

// appendBase64 appends octets in base 64, which may be in several words.
func (r *reader) appendBase64(to []byte) ([]byte, bool) {
	r.joined = r.joined[:0]
	for !r.ended() {
		r.joined = append(r.joined, r.word()...)
	}
	if bytes.IndexByte(r.joined, '\r') >= 0 { // which decoders skip
		return to, false
	}
	to, err := base64.StdEncoding.AppendDecode(to, r.joined)
	return to, err == nil && len(r.joined) > 0
}

// appendDNSKEY appends the rdata of a DNSKEY. RFC 4034 2.2: the algorithm is a number or
// a mnemonic, of which the library reads the number alone.
func (r *reader) appendDNSKEY(to []byte) (_ []byte, ok bool) {
	if to, ok = r.appendNumbers(to, 2, 1); !ok {
		return to, false
	}
	w := r.word()
	v, ok := number(w, 255)
	if !ok && !r.narrow {
		var a uint8
		a, ok = dns.StringToAlgorithm[strings.ToUpper(string(w))]
		v = uint32(a)
	}
	if !ok {
		return to, false
	}
	return r.appendBase64(append(to, byte(v)))
}

// appendDSYNC appends the rdata of a DSYNC (RFC 9859 2.2): a type, the scheme, of which
// NOTIFY has a mnemonic, the port and the name of a server.
func (r *reader) appendDSYNC(to []byte) (_ []byte, ok bool) {
	w := r.word()
	t := uint32(dns.StringToType[strings.ToUpper(string(w))])
	if digits, ok := bytes.CutPrefix(w, []byte("TYPE")); ok { // RFC 3597 5
		t, _ = number(digits, 0xffff)
	}
	if t == 0 {
		return to, false
	}
	to = binary.BigEndian.AppendUint16(to, uint16(t))
	w = r.word()
	scheme, ok := number(w, 255)
	if bytes.EqualFold(w, []byte("NOTIFY")) {
		scheme, ok = 1, true
	}
	if !ok {
		return to, false
	}
	if to, ok = r.appendNumbers(append(to, byte(scheme)), 2); !ok {
		return to, false
	}
	return r.appendName(to, r.word())
}

// appendRRSIG appends the rdata of an RRSIG whose times are written as dates.
func (r *reader) appendRRSIG(to []byte) (_ []byte, ok bool) {
	covered, ok := dns.StringToType[string(r.word())]
	if !ok {
		return to, false
	}
	to = binary.BigEndian.AppendUint16(to, covered)
	if to, ok = r.appendNumbers(to, 1, 1, 4); !ok {
		return to, false
	}
	for range 2 {
		seconds, ok := date(r.word())
		if !ok {
			return to, false
		}
		to = binary.BigEndian.AppendUint32(to, seconds)
	}
	if to, ok = r.appendNumbers(to, 2); !ok {
		return to, false
	}
	if to, ok = r.appendName(to, r.word()); !ok {
		return to, false
	}
	return r.appendBase64(to)
}

// date is the seconds of a time written YYYYMMDDHHmmSS (RFC 4034 3.2), of this century
// up to 2105, where no sign of the numbers matters.
func date(word []byte) (seconds uint32, ok bool) {
	if len(word) != 14 || word[0] != '2' || word[1] != '0' {
		return 0, false
	}
	var f [6]int // year of the century, month, day, hour, minute, second
	for i := range f {
		v, ok := number(word[2+2*i:4+2*i], 99)
		if !ok {
			return 0, false
		}
		f[i] = int(v)
	}
	t := time.Date(2000+f[0], time.Month(f[1]), f[2], f[3], f[4], f[5], 0, time.UTC)
	if t.Month() != time.Month(f[1]) || t.Day() != f[2] || f[3] > 23 || f[4] > 59 || f[5] > 59 {
		return 0, false
	}
	return uint32(t.Unix()), true
}

// appendTypes appends a bitmap of the types that the rest of the line names
// (RFC 4034 4.1.2). Those above 255 are not read here.
func (r *reader) appendTypes(to []byte) ([]byte, bool) {
	var window [32]byte
	n := 0
	for !r.ended() {
		t, ok := dns.StringToType[string(r.word())]
		if !ok || t > 255 || t == 0 {
			return to, false
		}
		window[t/8] |= 0x80 >> (t % 8)
		n = max(n, int(t/8)+1)
	}
	if n == 0 {
		return to, true
	}
	to = append(to, 0, byte(n))
	return append(to, window[:n]...), true
}

// appendNSEC3 appends the rdata of an NSEC3 whose hash is of SHA-1.
func (r *reader) appendNSEC3(to []byte) (_ []byte, ok bool) {
	if to, ok = r.appendNumbers(to, 1, 1, 2); !ok {
		return to, false
	}
	salt := r.word()
	if len(salt) == 1 && salt[0] == '-' {
		to = append(to, 0)
	} else {
		to = append(to, byte(len(salt)/2))
		if to, ok = appendHex(to, salt); !ok || len(salt) > 510 {
			return to, false
		}
	}
	next := r.word()
	if len(next) != hashLabel {
		return to, false
	}
	to = append(to, hashLabel*5/8)
	bits, have := uint(0), 0
	for _, c := range next {
		v := hexDigit(c)
		switch {
		case c >= 'g' && c <= 'v':
			v = int(c-'g') + 16
		case c >= 'G' && c <= 'V':
			v = int(c-'G') + 16
		}
		if v < 0 {
			return to, false
		}
		if bits, have = bits<<5|uint(v), have+5; have >= 8 {
			have -= 8
			to = append(to, byte(bits>>have))
		}
	}
	return r.appendTypes(to)
}
