package message

import "github.com/sextant-dns/sextant/lookup"

// field is a part of rdata: a number of octets when positive, otherwise one of
// the kinds below.
type field int16

const (
	name  field = -1 - iota // a domain name; read compressed or not
	text                    // a <character-string> (RFC 1035 3.3)
	texts                   // one or more <character-string>s, to the end
	rest                    // whatever is left, also nothing
	some                    // whatever is left, at least one octet
)

// layouts tells how the rdata of each type is built, as far as that can be told
// in a line: where names stand that may be compressed, and how long it has to be.
// A type without an entry is opaque (RFC 3597 3).
var layouts = [...][]field{
	1:   {4},                         // A        RFC 1035 3.4.1
	2:   {name},                      // NS       RFC 1035 3.3.11
	3:   {name},                      // MD       RFC 1035 3.3.4
	4:   {name},                      // MF       RFC 1035 3.3.5
	5:   {name},                      // CNAME    RFC 1035 3.3.1
	6:   {name, name, 20},            // SOA      RFC 1035 3.3.13
	7:   {name},                      // MB       RFC 1035 3.3.3
	8:   {name},                      // MG       RFC 1035 3.3.6
	9:   {name},                      // MR       RFC 1035 3.3.8
	12:  {name},                      // PTR      RFC 1035 3.3.12
	13:  {text, text},                // HINFO    RFC 1035 3.3.2
	14:  {name, name},                // MINFO    RFC 1035 3.3.7
	15:  {2, name},                   // MX       RFC 1035 3.3.9
	16:  {texts},                     // TXT      RFC 1035 3.3.14
	17:  {name, name},                // RP       RFC 1183 2.2
	18:  {2, name},                   // AFSDB    RFC 1183 1
	21:  {2, name},                   // RT       RFC 1183 3.3
	24:  {18, name, some},            // SIG      RFC 2535 4.1
	26:  {2, name, name},             // PX       RFC 2163 4
	28:  {16},                        // AAAA     RFC 3596 2.2
	30:  {name, rest},                // NXT      RFC 2535 5.2
	33:  {6, name},                   // SRV      RFC 2782
	35:  {4, text, text, text, name}, // NAPTR    RFC 3403 4.1
	36:  {2, name},                   // KX       RFC 2230 3.1
	39:  {name},                      // DNAME    RFC 6672 2.1
	43:  {4, some},                   // DS       RFC 4034 5.1
	44:  {2, some},                   // SSHFP    RFC 4255 3.1
	46:  {18, name, some},            // RRSIG    RFC 4034 3.1
	47:  {name, rest},                // NSEC     RFC 4034 4.1
	48:  {4, some},                   // DNSKEY   RFC 4034 2.1
	50:  {4, text, text, rest},       // NSEC3    RFC 5155 3.2
	51:  {4, text},                   // NSEC3PARAM RFC 5155 4.2
	52:  {3, some},                   // TLSA     RFC 6698 2.1
	53:  {3, some},                   // SMIMEA   RFC 8162 2
	58:  {name, name},                // TALINK   in the IANA registry
	59:  {4, some},                   // CDS      RFC 7344 3.1
	60:  {4, some},                   // CDNSKEY  RFC 7344 3.2
	62:  {6, rest},                   // CSYNC    RFC 7477 2.1.1
	63:  {6, some},                   // ZONEMD   RFC 8976 2.2
	64:  {2, name, rest},             // SVCB     RFC 9460 2.2
	65:  {2, name, rest},             // HTTPS    RFC 9460 9
	99:  {texts},                     // SPF      RFC 7208 3.1
	104: {10},                        // NID      RFC 6742 2.1
	105: {6},                         // L32      RFC 6742 2.2
	106: {10},                        // L64      RFC 6742 2.3
	107: {2, name},                   // LP       RFC 6742 2.4
	108: {6},                         // EUI48    RFC 7043 3.1
	109: {8},                         // EUI64    RFC 7043 4.1
	256: {4, some},                   // URI      RFC 7553 4.5
	257: {1, text, rest},             // CAA      RFC 8659 4.1
	261: {texts},                     // RESINFO  RFC 9606 4
}

// opaque is the layout of a type that is not in the table.
var opaque = []field{rest}

func layoutOf(t lookup.Type) []field {
	if int(t) < len(layouts) && layouts[t] != nil {
		return layouts[t]
	}
	return opaque
}

// span is how many octets of rdata a field other than a name takes; ok is false
// when rdata is too short or has the wrong shape for it.
func (f field) span(rdata []byte) (n int, ok bool) {
	switch f {
	case text:
		if len(rdata) == 0 {
			return 0, false
		}
		n = 1 + int(rdata[0])
	case texts:
		for n < len(rdata) {
			n += 1 + int(rdata[n])
		}
		return n, n > 0 && n == len(rdata)
	case rest:
		return len(rdata), true
	case some:
		return len(rdata), len(rdata) > 0
	default:
		n = int(f)
	}
	return n, n <= len(rdata)
}

// compresses tells whether names inside the type's rdata may be written
// compressed: RFC 3597 4 allows it for the types of RFC 1035 alone.
func compresses(t lookup.Type) bool {
	switch t {
	case 2, 3, 4, 5, 6, 7, 8, 9, 12, 14, 15: // NS MD MF CNAME SOA MB MG MR PTR MINFO MX
		return true
	}
	return false
}

// SameRdata tells whether two pieces of uncompressed rdata are the same RR's: the names
// in them may differ in letter case (RFC 4343 3).
func SameRdata(t lookup.Type, a, b string) bool {
	if a == b {
		return true
	}
	if len(a) != len(b) {
		return false
	}
	for _, f := range layoutOf(t) {
		if f != name {
			n, ok := f.span([]byte(a))
			if !ok || a[:n] != b[:n] {
				return false
			}
			a, b = a[n:], b[n:]
			continue
		}
		one, n, err := lookup.NameFromWire(a)
		other, m, err2 := lookup.NameFromWire(b)
		if err != nil || err2 != nil || n != m || one != other {
			return false
		}
		a, b = a[n:], b[n:]
	}
	return a == b
}
