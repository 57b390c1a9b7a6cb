package dig

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// rdata is a cursor in the rdata of one RR.
type rdata struct {
	m       *message
	at, end int
	start   int  // where the rdata begins
	bad     bool // what was read is not what the type needs
	style   style
	wire    []byte // what was read, without compression
}

// field reads one field of rdata and prints it; "" prints nothing.
type field func(r *rdata) string

// layouts are the types whose rdata is printed field by field.
var layouts = map[uint16][]field{
	dns.TypeA:          {address4},
	dns.TypeAAAA:       {address6},
	dns.TypeNS:         {name},
	dns.TypeCNAME:      {name},
	dns.TypeDNAME:      {name},
	dns.TypePTR:        {name},
	dns.TypeMB:         {name},
	dns.TypeMD:         {name},
	dns.TypeMF:         {name},
	dns.TypeMG:         {name},
	dns.TypeMR:         {name},
	dns.TypeSOA:        {name, name, opens, timer("serial"), timer("refresh"), timer("retry"), timer("expire"), timer("minimum")},
	dns.TypeMX:         {uint16s, name},
	dns.TypeAFSDB:      {uint16s, name},
	dns.TypeRT:         {uint16s, name},
	dns.TypeKX:         {uint16s, name},
	dns.TypeLP:         {uint16s, name},
	dns.TypePX:         {uint16s, name, name},
	dns.TypeRP:         {name, name},
	dns.TypeMINFO:      {name, name},
	dns.TypeTALINK:     {name, name},
	dns.TypeSRV:        {uint16s, uint16s, uint16s, name},
	dns.TypeNAPTR:      {uint16s, uint16s, text, text, text, name},
	dns.TypeTXT:        {texts},
	dns.TypeSPF:        {texts},
	dns.TypeAVC:        {texts},
	dns.TypeNINFO:      {texts},
	dns.TypeHINFO:      {text, text},
	dns.TypeISDN:       {texts},
	dns.TypeX25:        {text},
	dns.TypeGPOS:       {text, text, text},
	dns.TypeURI:        {uint16s, uint16s, restText},
	dns.TypeCAA:        {uint8s, tag, restText},
	dns.TypeDS:         {uint16s, uint8s, uint8s, opens, ownLine(crypto(restHex)), closes},
	dns.TypeCDS:        {uint16s, uint8s, uint8s, opens, ownLine(crypto(restHex)), closes},
	dns.TypeDLV:        {uint16s, uint8s, uint8s, opens, ownLine(crypto(restHex)), closes},
	dns.TypeTA:         {uint16s, uint8s, uint8s, opens, ownLine(crypto(restHex)), closes},
	dns.TypeDNSKEY:     {uint16s, uint8s, uint8s, opens, ownLine(publicKey), zoneKeyEnd},
	dns.TypeCDNSKEY:    {uint16s, uint8s, uint8s, opens, ownLine(publicKey), zoneKeyEnd},
	dns.TypeKEY:        {uint16s, uint8s, uint8s, opens, ownLine(publicKey), keyEnd},
	dns.TypeRKEY:       {uint16s, uint8s, uint8s, opens, ownLine(publicKey), keyEnd},
	dns.TypeRRSIG:      {rrType, uint8s, uint8s, uint32s, opens, ownLine(date), date, uint16s, name, ownLine(crypto(restBase64)), closes},
	dns.TypeSIG:        {sigType, uint8s, uint8s, uint32s, opens, ownLine(date), date, uint16s, name, ownLine(crypto(restBase64)), closes},
	dns.TypeNSEC:       {name, bitmap},
	dns.TypeNSEC3:      {uint8s, uint8s, uint16s, salt, opens, ownLine(hash), ownLine(bitmap), closes},
	dns.TypeNSEC3PARAM: {uint8s, uint8s, uint16s, salt},
	dns.TypeCSYNC:      {uint32s, uint16s, bitmap},
	dns.TypeTLSA:       {uint8s, uint8s, uint8s, opens, ownLine(restHex), closes},
	dns.TypeSMIMEA:     {uint8s, uint8s, uint8s, opens, ownLine(restHex), closes},
	dns.TypeSSHFP:      {uint8s, uint8s, opens, ownLine(restHex), closes},
	dns.TypeZONEMD:     {uint32s, uint8s, uint8s, opens, ownLine(restHex), closes},
	dns.TypeCERT:       {certType, uint16s, algorithm, opens, ownLine(restBase64), closes},
	dns.TypeOPENPGPKEY: {opens, crypto(restBase64), closes},
	dns.TypeDHCID:      {opens, restBase64, identifierEnd},
	dns.TypeEUI48:      {eui(6)},
	dns.TypeEUI64:      {eui(8)},
	dns.TypeNID:        {uint16s, locator},
	dns.TypeL32:        {uint16s, address4},
	dns.TypeL64:        {uint16s, locator},
	dns.TypeLOC:        {location},
	dns.TypeTSIG:       {signatureText},
	dns.TypeSVCB:       {uint16s, name, parameters},
	dns.TypeHTTPS:      {uint16s, name, parameters},
}

// rdataText is an RR's rdata in presentation form: field by field, or as octets
// when the type is unknown or the fields do not fit (RFC 3597 5).
func (m *message) rdataText(rr rr, style style) string {
	octets := m.octets[rr.at:rr.end]
	layout, ok := layouts[rr.rtype]
	if !ok {
		layout, ok = rareLayouts[rr.rtype]
	}
	if ok && rr.at < rr.end {
		r := &rdata{m: m, at: rr.at, end: rr.end, start: rr.at, style: style}
		var b strings.Builder
		for _, f := range layout {
			s := f(r)
			if s != "" && b.Len() > 0 && !strings.HasPrefix(s, "\n") {
				b.WriteByte(' ')
			}
			b.WriteString(s)
		}
		if !r.bad && r.at == r.end {
			if !style.unknown {
				return b.String()
			}
			octets = r.wire
		}
	}
	switch {
	case len(octets) == 0:
		return `\# 0`
	case style.multiline:
		return fmt.Sprintf(`\# %d ( %s )`, len(octets), style.chunks(hexUpper(octets)))
	}
	return fmt.Sprintf(`\# %d %s`, len(octets), style.chunks(hexUpper(octets)))
}

// take is the next n octets; zeros, and a bad mark, when there are fewer.
func (r *rdata) take(n int) []byte {
	if r.at+n > r.end {
		r.bad, r.at = true, r.end
		return make([]byte, n)
	}
	r.at += n
	r.wire = append(r.wire, r.m.octets[r.at-n:r.at]...)
	return r.m.octets[r.at-n : r.at]
}

func (r *rdata) rest() []byte { return r.take(r.end - r.at) }

func (r *rdata) uint8() int  { return int(r.take(1)[0]) }
func (r *rdata) uint16() int { return int(binary.BigEndian.Uint16(r.take(2))) }

func uint8s(r *rdata) string  { return strconv.Itoa(r.uint8()) }
func uint16s(r *rdata) string { return strconv.Itoa(r.uint16()) }
func uint32s(r *rdata) string { return fmt.Sprint(binary.BigEndian.Uint32(r.take(4))) }
func rrType(r *rdata) string  { return typeName(uint16(r.uint16())) }

func name(r *rdata) string {
	wire, next, err := r.m.name(r.at)
	if err != nil || next > r.end {
		r.bad, r.at = true, r.end
		return ""
	}
	r.at = next
	r.wire = append(r.wire, wire...)
	return r.style.name(wire)
}

func address4(r *rdata) string { return netip.AddrFrom4([4]byte(r.take(4))).String() }
func address6(r *rdata) string {
	a := netip.AddrFrom16([16]byte(r.take(16)))
	if r.style.expanded {
		return a.StringExpanded()
	}
	return addressText(a)
}

// addressText is an address as BIND prints it: IPv4-compatible addresses have a
// dotted quad at their end.
func addressText(a netip.Addr) string {
	if a.Is6() {
		b := a.As16()
		if [12]byte(b[:12]) == ([12]byte{}) && (b[12] != 0 || b[13] != 0) {
			return "::" + netip.AddrFrom4([4]byte(b[12:])).String()
		}
	}
	return a.String()
}

// text is a character string (RFC 1035 3.3).
func text(r *rdata) string { return quoted(r.take(r.uint8())) }

// texts is all the character strings that are left.
func texts(r *rdata) string {
	var all []string
	for r.at < r.end {
		all = append(all, text(r))
	}
	return strings.Join(all, " ")
}

func restText(r *rdata) string { return quoted(r.rest()) }

// quoted is text as master files have it (RFC 1035 5.1).
func quoted(text []byte) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, `\%03d`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// tag is the property of a CAA RR (RFC 8659 4.1).
func tag(r *rdata) string {
	octets := r.take(r.uint8())
	for _, c := range octets {
		if c < '0' || c > '9' && c < 'A' || c > 'Z' && c < 'a' || c > 'z' {
			r.bad = true
		}
	}
	return string(octets)
}

func hexUpper(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }

func restHex(r *rdata) string    { return r.style.chunks(hexUpper(r.rest())) }
func restBase64(r *rdata) string { return r.style.chunks(base64.StdEncoding.EncodeToString(r.rest())) }

// date is a time of an RRSIG (RFC 4034 3.2).
func date(r *rdata) string {
	return time.Unix(int64(binary.BigEndian.Uint32(r.take(4))), 0).UTC().Format("20060102150405")
}

// salt and hash are of NSEC3 (RFC 5155 3.3).
func salt(r *rdata) string {
	if octets := r.take(r.uint8()); len(octets) > 0 {
		return hexUpper(octets)
	}
	return "-"
}

func hash(r *rdata) string {
	return base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(r.take(r.uint8()))
}

// bitmap is a list of types (RFC 4034 4.1.2).
func bitmap(r *rdata) string {
	var types []string
	for last := -1; r.at < r.end; {
		window, octets := r.uint8(), r.take(r.uint8())
		if window <= last || len(octets) == 0 || len(octets) > 32 {
			r.bad = true
		}
		last = window
		for i := range 8 * len(octets) {
			if octets[i/8]>>(7-i%8)&1 == 1 {
				types = append(types, typeName(uint16(window<<8|i)))
			}
		}
	}
	return strings.Join(types, " ")
}

func certType(r *rdata) string {
	t := r.uint16()
	if s, ok := dns.CertTypeToString[uint16(t)]; ok {
		return s
	}
	return strconv.Itoa(t)
}

func algorithm(r *rdata) string {
	return algorithmName(uint8(r.uint8()))
}

// algorithmName is the name of a DNSSEC algorithm as BIND writes it, or its
// number.
func algorithmName(a uint8) string {
	switch a {
	case dns.DSANSEC3SHA1:
		return "NSEC3DSA"
	case dns.RSASHA1NSEC3SHA1:
		return "NSEC3RSASHA1"
	case dns.ECCGOST:
		return "ECCGOST"
	}
	if s, ok := dns.AlgorithmToString[a]; ok {
		return s
	}
	return strconv.Itoa(int(a))
}

func eui(n int) field {
	return func(r *rdata) string { return strings.ReplaceAll(fmt.Sprintf("% x", r.take(n)), " ", "-") }
}

// locator is a 64-bit value of ILNP (RFC 6742 2.1).
func locator(r *rdata) string {
	b := r.take(8)
	return fmt.Sprintf("%x:%x:%x:%x", binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:]),
		binary.BigEndian.Uint16(b[4:]), binary.BigEndian.Uint16(b[6:]))
}
