package scenario

import (
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

// RR is one RR as it stands in a packet, uncompressed, with its letter case and
// whatever is wrong with it.
type RR struct {
	Name  string // wire form
	Type  lookup.Type
	Class lookup.Class
	TTL   uint32
	Rdata string // wire form; need not fit the type
}

// String is the RR in presentation form; rdata that does not fit its type is
// written as RFC 3597 5 has it.
func (r RR) String() string {
	h := dns.RR_Header{
		Name: lookup.Presentation(r.Name), Rrtype: uint16(r.Type), Class: uint16(r.Class), Ttl: r.TTL,
		Rdlength: uint16(len(r.Rdata)),
	}
	rr, end, err := dns.UnpackRRWithHeader(h, []byte(r.Rdata), 0)
	if err != nil || end != len(r.Rdata) || len(r.Rdata) == 0 {
		return fmt.Sprintf("%s\t%d\t%s\t%s\t\\# %d %x", h.Name, r.TTL, r.Class, r.Type, len(r.Rdata), r.Rdata)
	}
	return rr.String()
}

// fold is the RR in the form in which RRs are compared: names in lower case and,
// unless ttl is set, no TTL.
func (r RR) fold(ttl bool) RR {
	r.Name = lowerASCII(r.Name)
	if skip, names, ok := namesIn(r.Type); ok && len(r.Rdata) > skip {
		end := skip
		for range names {
			n, err := lookup.WireLen(r.Rdata[end:])
			if err != nil {
				break
			}
			end += n
		}
		r.Rdata = r.Rdata[:skip] + lowerASCII(r.Rdata[skip:end]) + r.Rdata[end:]
	}
	if !ttl {
		r.TTL = 0
	}
	return r
}

// folded is the text of an RR that fold was applied to: without the TTL if that
// is 0, as it is when it does not count, and without rdata if it is a question.
func (r RR) folded() string {
	if r.Rdata == "" {
		return fmt.Sprintf("%s %s %s", presentation(r.Name), r.Class, r.Type)
	}
	fields := strings.Split(r.String(), "\t")
	if r.TTL == 0 && len(fields) > 2 {
		fields = slices.Delete(fields, 1, 2)
	}
	return strings.Join(fields, " ")
}

// namesIn tells where the names in the rdata of a type stand: after how many
// octets, and how many of them.
func namesIn(t lookup.Type) (skip, names int, ok bool) {
	switch uint16(t) {
	case dns.TypeNS, dns.TypeCNAME, dns.TypePTR, dns.TypeDNAME, dns.TypeNSEC:
		return 0, 1, true
	case dns.TypeSOA, dns.TypeRP, dns.TypeMINFO:
		return 0, 2, true
	case dns.TypeMX, dns.TypeAFSDB, dns.TypeKX, dns.TypeSVCB, dns.TypeHTTPS:
		return 2, 1, true
	case dns.TypePX:
		return 2, 2, true
	case dns.TypeSRV:
		return 6, 1, true
	case dns.TypeRRSIG:
		return 18, 1, true
	}
	return 0, 0, false
}

// lowerASCII lower-cases the letters of wire-form names; length octets are at
// most 63 and so never taken for letters.
func lowerASCII(wire string) string {
	b := []byte(wire)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// presentation is the name as text; a packet without a question has none.
func presentation(wire string) string {
	if wire == "" {
		return "(no question)"
	}
	return lookup.Presentation(wire)
}
