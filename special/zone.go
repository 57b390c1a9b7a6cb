package special

import (
	"encoding/binary"

	"github.com/sextant-dns/sextant/lookup"
)

// kind is what a zone holds.
type kind uint8

const (
	empty    kind = iota // SOA and NS at the apex; nothing below exists (RFC 6303 3)
	absent               // nothing exists, the apex included
	barren               // every name exists and has no data
	loopback             // every name has the loopback addresses
)

// ttl is of the SOA, its MINIMUM field and all else: RFC 6303 3 wants the former
// two to match and gives this value, in seconds.
const ttl = 10800

var (
	arpa      = lookup.MustName("arpa.")
	localhost = lookup.MustName("localhost.")
	rname     = lookup.MustName("nobody.invalid.") // RFC 6303 3
)

// zone is one special zone with its answers, which are made once and shared.
type zone struct {
	apex    lookup.Name
	kind    kind
	rfc     string // that wants it answered here
	nodata  *lookup.Response
	denial  *lookup.Response // NXDOMAIN
	soa, ns *lookup.Response // at the apex of an empty zone
}

func newZone(r row) *zone {
	soa, ns := authority(r.apex)
	ede := []lookup.EDE{{Code: lookup.EDEOther, Text: "answered locally: " + r.apex.String() + " is special (" + r.rfc + ")"}}
	return &zone{
		apex:   r.apex,
		kind:   r.kind,
		rfc:    r.rfc,
		nodata: &lookup.Response{AA: true, Authority: []lookup.RRset{soa}, EDE: ede},
		denial: &lookup.Response{AA: true, Authority: []lookup.RRset{soa}, EDE: ede, Rcode: lookup.NXDOMAIN},
		soa:    positive(soa),
		ns:     positive(ns),
	}
}

// authority is the SOA and NS RRsets of an empty zone. RFC 6303 3: both name the
// apex, which has no address, so that clients give up their UPDATE.
func authority(apex lookup.Name) (soa, ns lookup.RRset) {
	rdata := []byte(string(apex) + string(rname))
	for _, field := range [...]uint32{1, 3600, 1200, 604800, ttl} { // serial, refresh, retry, expire, minimum
		rdata = binary.BigEndian.AppendUint32(rdata, field)
	}
	return set(apex, lookup.TypeSOA, string(rdata)), set(apex, lookup.TypeNS, string(apex))
}

func set(name lookup.Name, t lookup.Type, rdata string) lookup.RRset {
	return lookup.RRset{Name: name, Type: t, TTL: ttl, Data: lookup.PackRdata(rdata)}
}

// positive is an answer. RFC 6303 3: the zones are served, so AA is set.
func positive(answer ...lookup.RRset) *lookup.Response {
	return &lookup.Response{AA: true, Answer: answer}
}

// answer is what the zone has for name, which is at or below its apex. ok is false
// for the question that only the zone above can answer.
func (z *zone) answer(name lookup.Name, t lookup.Type, at mark) (r *lookup.Response, ok bool) {
	top := name == z.apex
	if top && t == lookup.TypeDS && z.apex.IsSubdomainOf(arpa) {
		return nil, false // RFC 8375 4, RFC 6303 7: the proof of the insecure delegation
	}
	switch {
	case z.kind == loopback:
		return z.address(name, t), true
	case z.kind == barren:
		return z.nodata, true
	case at.pointer && (t == lookup.TypePTR || t == lookup.TypeANY):
		return positive(set(name, lookup.TypePTR, string(localhost))), true
	case z.kind == empty && top:
		return z.atApex(t), true
	case at.exists || at.pointer:
		return z.nodata, true
	}
	return z.denial, true
}

// atApex is what stands at the apex of an empty zone.
func (z *zone) atApex(t lookup.Type) *lookup.Response {
	switch t {
	case lookup.TypeSOA, lookup.TypeANY: // RFC 8482 4.1: one RRset will do for ANY
		return z.soa
	case lookup.TypeNS:
		return z.ns
	}
	return z.nodata
}

// address is the answer for localhost. and the names below it (RFC 6761 6.3):
// loopback addresses, and a negative answer to every other type.
func (z *zone) address(name lookup.Name, t lookup.Type) *lookup.Response {
	a := set(name, lookup.TypeA, "\x7f\x00\x00\x01")
	aaaa := set(name, lookup.TypeAAAA, "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01")
	switch t {
	case lookup.TypeA:
		return positive(a)
	case lookup.TypeAAAA:
		return positive(aaaa)
	case lookup.TypeANY:
		return positive(a, aaaa)
	}
	return z.nodata
}
