package lookup

import (
	"fmt"
	"iter"
	"strings"

	"github.com/miekg/dns"
)

// Rdata holds the rdata of an RRset's RRs: for each its length as two octets,
// big endian, then its octets, uncompressed, with the letter case of names kept
// as it came (RFC 1035 2.3.3, RFC 3597 4). It is a string and so immutable and
// comparable; the order of the RRs is the order in which they came. The zero
// value holds no RR.
type Rdata string

// PackRdata makes an Rdata of the RRs' rdata. Each must be at most 65535 octets.
func PackRdata(rrs ...string) Rdata {
	size := 0
	for _, rr := range rrs {
		size += 2 + len(rr)
	}
	b := make([]byte, 0, size)
	for _, rr := range rrs {
		b = append(b, byte(len(rr)>>8), byte(len(rr)))
		b = append(b, rr...)
	}
	return Rdata(b)
}

// All yields each RR's rdata in turn.
func (d Rdata) All() iter.Seq[string] {
	return func(yield func(string) bool) {
		for len(d) >= 2 {
			n := 2 + int(d[0])<<8 + int(d[1])
			if n > len(d) || !yield(string(d[2:n])) {
				return
			}
			d = d[n:]
		}
	}
}

// Len counts the RRs.
func (d Rdata) Len() int {
	n := 0
	for range d.All() {
		n++
	}
	return n
}

// First is the first RR's rdata, "" when there is none.
func (d Rdata) First() string {
	for rr := range d.All() {
		return rr
	}
	return ""
}

// RRset is the RRs of one owner and type (RFC 2181 5), with the RRSIGs that
// cover them. Its class is IN. It is a value and is never changed: whoever
// wants another TTL copies it. RRsets can be compared with ==.
type RRset struct {
	Name Name
	Type Type
	TTL  uint32 // seconds, at most 2^31-1 (RFC 2181 8)
	Data Rdata
	Sigs Rdata // rdata of the covering RRSIGs; their TTL is TTL (RFC 4034 3)
}

// Target is the name that the first RR's rdata starts with, lower-cased: where
// a CNAME, DNAME, NS or PTR points to. ok is false when it is not a name.
func (s RRset) Target() (target Name, ok bool) {
	target, _, err := NameFromWire(s.Data.First())
	return target, err == nil
}

// WithTTL is a copy with another TTL.
func (s RRset) WithTTL(ttl uint32) RRset {
	s.TTL = ttl
	return s
}

// String is the RRset in presentation form, an RR a line, without a final line
// break; for tests, logs and people.
func (s RRset) String() string {
	var lines []string
	add := func(t Type, data Rdata) {
		for rdata := range data.All() {
			rr, err := UnpackRR(s.Name, t, s.TTL, rdata)
			if err != nil {
				lines = append(lines, fmt.Sprintf("%s\t%d\tIN\t%s\t<%v: %x>", s.Name, s.TTL, t, err, rdata))
				continue
			}
			lines = append(lines, rr.String())
		}
	}
	add(s.Type, s.Data)
	add(TypeRRSIG, s.Sigs)
	return strings.Join(lines, "\n")
}

// Find is the RRset of that owner and type in a section.
func Find(section []RRset, name Name, t Type) (RRset, bool) {
	for _, s := range section {
		if s.Type == t && s.Name == name {
			return s, true
		}
	}
	return RRset{}, false
}

// SOAMinimum is the MINIMUM field of SOA rdata; ok is false when rdata is too
// short to be one.
func SOAMinimum(rdata string) (seconds uint32, ok bool) {
	if len(rdata) < 22 { // two root names and five numbers
		return 0, false
	}
	b := rdata[len(rdata)-4:]
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3]), true
}

// NegativeTTL is how long a negative answer with this SOA RRset holds:
// the lower of the SOA's own TTL and its MINIMUM field (RFC 2308 5).
func NegativeTTL(soa RRset) uint32 {
	minimum, ok := SOAMinimum(soa.Data.First())
	if !ok {
		return 0
	}
	return min(minimum, soa.TTL)
}

// FromRRs groups RRs of the miekg/dns kind into RRsets, in the order in which
// the sets first appear. RRSIGs join the set that they cover when it is among
// rrs and stand as sets of their own otherwise. OPT and TSIG are left out. The
// lowest TTL of a set's RRs counts (RFC 2181 5.2).
func FromRRs(rrs []dns.RR) ([]RRset, error) {
	type key struct {
		name Name
		t    Type
	}
	var order []key
	plain, sigs := map[key][]string{}, map[key][]string{}
	ttls := map[key]uint32{}
	note := func(into map[key][]string, k key, ttl uint32, rdata string) {
		if _, seen := ttls[k]; !seen {
			order = append(order, k)
			ttls[k] = ttl
		}
		ttls[k] = min(ttls[k], ttl)
		into[k] = append(into[k], rdata)
	}
	for _, rr := range rrs {
		h := rr.Header()
		if h.Rrtype == dns.TypeOPT || h.Rrtype == dns.TypeTSIG {
			continue
		}
		name, err := ParseName(h.Name)
		if err != nil {
			return nil, err
		}
		rdata, err := PackRR(rr)
		if err != nil {
			return nil, err
		}
		if sig, ok := rr.(*dns.RRSIG); ok {
			note(sigs, key{name, Type(sig.TypeCovered)}, h.Ttl, rdata)
			continue
		}
		note(plain, key{name, Type(h.Rrtype)}, h.Ttl, rdata)
	}
	sets := make([]RRset, 0, len(order))
	for _, k := range order {
		set := RRset{Name: k.name, Type: k.t, TTL: ttls[k], Data: PackRdata(plain[k]...), Sigs: PackRdata(sigs[k]...)}
		if set.Data == "" { // the signature came without what it signs
			set.Type, set.Data, set.Sigs = TypeRRSIG, set.Sigs, ""
		}
		sets = append(sets, set)
	}
	return sets, nil
}

// PackRR is the RR's rdata in wire form, uncompressed.
func PackRR(rr dns.RR) (string, error) {
	if rr.Header().Name == "" {
		return "", errLabelEmpty // the library would panic
	}
	buf := make([]byte, dns.Len(rr)+1)
	end, err := dns.PackRR(rr, buf, 0, nil, false)
	if err != nil {
		return "", fmt.Errorf("%s: %w", rr, err)
	}
	nameLen, err := WireLen(string(buf[:end]))
	if err != nil {
		return "", fmt.Errorf("%s: %w", rr, err)
	}
	return string(buf[nameLen+10 : end]), nil
}

// UnpackRR makes a miekg/dns RR of class IN from wire-form parts.
func UnpackRR(name Name, t Type, ttl uint32, rdata string) (dns.RR, error) {
	h := dns.RR_Header{Name: name.String(), Rrtype: uint16(t), Class: dns.ClassINET, Ttl: ttl, Rdlength: uint16(len(rdata))}
	rr, _, err := dns.UnpackRRWithHeader(h, []byte(rdata), 0)
	return rr, err
}

// ParseRRsets reads RRs in presentation form, one a line, into RRsets; for
// tests and built-in data.
func ParseRRsets(text string) ([]RRset, error) {
	var rrs []dns.RR
	p := dns.NewZoneParser(strings.NewReader(text), ".", "")
	p.SetDefaultTTL(3600)
	for rr, ok := p.Next(); ok; rr, ok = p.Next() {
		rrs = append(rrs, rr)
	}
	if err := p.Err(); err != nil {
		return nil, err
	}
	return FromRRs(rrs)
}

// MustRRsets is ParseRRsets for the program's own text; it panics on an error.
func MustRRsets(text string) []RRset {
	sets, err := ParseRRsets(text)
	if err != nil {
		panic(err)
	}
	return sets
}
