package dig

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/miekg/dns"
)

// rareLayouts are types that hardly anybody has.
var rareLayouts = map[uint16][]field{
	typeWKS:          {address4, services},
	dns.TypeNSAPPTR:  {name},
	typeNSAP:         {nsap},
	dns.TypeEID:      {opens, restHex, closes},
	dns.TypeNIMLOC:   {opens, restHex, closes},
	dns.TypeATMA:     {atm},
	dns.TypeNXT:      {name, oldBitmap},
	typeA6:           {chained},
	typeSINK:         {uint8s, uint8s, uint8s, opens, ownLine(restBase64), closes},
	dns.TypeAPL:      {networks},
	dns.TypeIPSECKEY: {opens, tunnel, ownLine(restBase64), closes},
	dns.TypeHIP:      {opens, hostIdentity, closes},
	dns.TypeAMTRELAY: {relay},
	typeHHIT:         {identity},
	typeBRID:         {identity},
	dns.TypeTKEY:     {name, uint32s, uint32s, uint16s, tkeyError, tkeyData, tkeyData},
	typeDOA:          {uint32s, uint32s, uint8s, text, object},
	dns.TypeRESINFO:  {texts},
	typeWALLET:       {texts},
}

// Types that the library has no names for.
const (
	typeWKS    = 11
	typeNSAP   = 22
	typeA6     = 38
	typeSINK   = 40
	typeDSYNC  = 66
	typeHHIT   = 67
	typeBRID   = 68
	typeDOA    = 259
	typeWALLET = 262
)

// services are those of WKS (RFC 1035 3.4.2): a protocol and its ports.
func services(r *rdata) string {
	words := []string{uint8s(r)}
	for i, octet := range r.rest() {
		for bit := range 8 {
			if octet>>(7-bit)&1 == 1 {
				words = append(words, strconv.Itoa(8*i+bit))
			}
		}
	}
	return strings.Join(words, " ")
}

func nsap(r *rdata) string { return "0x" + hex.EncodeToString(r.rest()) }

// atm is an address of ATM: octets, or a telephone number.
func atm(r *rdata) string {
	const aesa, e164 = 0, 1
	switch format := r.uint8(); format {
	case aesa:
		return hex.EncodeToString(r.rest())
	case e164:
		number := r.rest()
		for _, c := range number {
			r.bad = r.bad || c < '0' || c > '9'
		}
		return "+" + string(number)
	}
	r.bad = true
	return ""
}

// oldBitmap is the types of an NXT (RFC 2535 5.2).
func oldBitmap(r *rdata) string {
	var types []string
	for i, octet := range r.rest() {
		for bit := range 8 {
			if octet>>(7-bit)&1 == 1 {
				types = append(types, strings.TrimPrefix(typeName(uint16(8*i+bit)), "TYPE"))
			}
		}
	}
	return strings.Join(types, " ")
}

// chained is an A6 (RFC 2874 3.1): the end of an address, and who has the
// beginning.
func chained(r *rdata) string {
	bits := r.uint8()
	if bits > 128 {
		r.bad = true
		return ""
	}
	words := []string{strconv.Itoa(bits), ""}
	if bits < 128 {
		var octets [16]byte
		suffix := r.take((128 - bits + 7) / 8)
		copy(octets[16-len(suffix):], suffix)
		words[1] = addressText(netip.AddrFrom16(octets))
	}
	if bits > 0 {
		words = append(words, name(r))
	}
	return strings.Join(words, " ")
}

// networks are those of an APL (RFC 3123 4).
func networks(r *rdata) string {
	var all []string
	for r.at < r.end {
		family, bits, length := r.uint16(), r.uint8(), r.uint8()
		not := ""
		if length&0x80 != 0 {
			not, length = "!", length&0x7f
		}
		octets := make([]byte, map[int]int{1: 4, 2: 16}[family])
		if length > len(octets) || bits > 8*len(octets) {
			r.bad = true
			return ""
		}
		copy(octets, r.take(length))
		a, _ := netip.AddrFromSlice(octets)
		all = append(all, fmt.Sprintf("%s%d:%s/%d", not, family, addressText(a), bits))
	}
	return strings.Join(all, " ")
}

// gateway is where an IPSECKEY (RFC 4025 2.5) or AMTRELAY (RFC 8777 4.2.4) leads.
func gateway(r *rdata, kind int) string {
	switch kind {
	case 0:
		return "."
	case 1:
		return address4(r)
	case 2:
		return addressText(netip.AddrFrom16([16]byte(r.take(16))))
	case 3:
		return name(r)
	}
	r.bad = true
	return ""
}

func tunnel(r *rdata) string {
	precedence, kind, algorithm := r.uint8(), r.uint8(), r.uint8()
	return fmt.Sprintf("%d %d %d %s", precedence, kind, algorithm, gateway(r, kind))
}

func relay(r *rdata) string {
	precedence, kind := r.uint8(), r.uint8()
	return fmt.Sprintf("%d %d %d %s", precedence, kind>>7, kind&0x7f, gateway(r, kind&0x7f))
}

// hostIdentity is a HIP (RFC 8005 5): algorithm, tag, key, and servers.
func hostIdentity(r *rdata) string {
	tagLen, algorithm, keyLen := r.uint8(), r.uint8(), r.uint16()
	space := " "
	if r.style.multiline {
		space = lineBreak
	}
	text := fmt.Sprintf("%d %s", algorithm, hexUpper(r.take(tagLen)))
	text += space + base64.StdEncoding.EncodeToString(r.take(keyLen))
	for r.at < r.end {
		text += space + name(r)
	}
	return text
}

// identity is that of a drone (RFC 9886).
func identity(r *rdata) string {
	if text := restBase64(r); !r.style.multiline {
		return text
	} else {
		return " (" + text + " )"
	}
}

func tkeyError(r *rdata) string { return tsigError(r.uint16()) }

// tkeyData is a length and as many octets (RFC 2930 2).
func tkeyData(r *rdata) string {
	octets := r.take(r.uint16())
	if len(octets) == 0 {
		return "0"
	}
	text := r.style.chunks(base64.StdEncoding.EncodeToString(octets))
	if r.style.multiline {
		text = "(" + lineBreak + text + " )"
	}
	return strconv.Itoa(len(octets)) + " " + text
}

// object is the data of a DOA.
func object(r *rdata) string {
	if octets := r.rest(); len(octets) > 0 {
		return base64.StdEncoding.EncodeToString(octets)
	}
	return "-"
}

// sigType is the type that a SIG covers, which BIND writes as a number when it
// has no name.
func sigType(r *rdata) string {
	return strings.TrimPrefix(typeName(binary.BigEndian.Uint16(r.take(2))), "TYPE")
}
