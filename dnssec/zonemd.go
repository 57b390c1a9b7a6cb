package dnssec

import (
	"bytes"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"hash"
	"iter"
	"slices"

	"github.com/sextant-dns/sextant/lookup"
)

// What CheckZONEMD may find wrong.
var (
	ErrNoZONEMD          = errors.New("the zone has no ZONEMD")
	ErrZONEMDUnsupported = errors.New("no ZONEMD of a known scheme and hash algorithm")
	ErrZONEMDMismatch    = errors.New("ZONEMD does not match the zone")
)

// ZONEMDHash is a hash algorithm of ZONEMD (RFC 8976 5.3).
type ZONEMDHash uint8

// The hash algorithms that can be computed.
const (
	ZONEMDSHA384 ZONEMDHash = 1
	ZONEMDSHA512 ZONEMDHash = 2
)

const schemeSimple = 1 // RFC 8976 5.2, the only one

func (h ZONEMDHash) start() hash.Hash {
	switch h {
	case ZONEMDSHA384:
		return sha512.New384()
	case ZONEMDSHA512:
		return sha512.New()
	}
	return nil
}

// CheckZONEMD computes the digest of a zone, all of whose RRsets with their RRSIGs
// sets yields in any order, and compares it with the zone's ZONEMD RRset (RFC 8976
// 4). It returns nil, or an error that is one of the three above. That ZONEMD is
// authentic is for the caller to check, with DNSSEC (RFC 8976 4, steps 1 to 3).
// sets is gone through once.
func CheckZONEMD(apex lookup.Name, sets iter.Seq[lookup.RRset]) error {
	zone := slices.Collect(sets)
	zonemd, ok := lookup.Find(zone, apex, lookup.TypeZONEMD)
	if !ok {
		return ErrNoZONEMD
	}
	soa, ok := lookup.Find(zone, apex, lookup.TypeSOA)
	if !ok {
		return ErrZONEMDMismatch
	}
	err := ErrZONEMDUnsupported
	for _, h := range []ZONEMDHash{ZONEMDSHA384, ZONEMDSHA512} {
		digest, found := h.digestIn(zonemd)
		switch {
		case !found:
		case !sameSerial(zonemd, soa, h):
			err = ErrZONEMDMismatch
		case digest == string(digestZone(apex, zone, h)):
			return nil // RFC 8976 4: one that matches is enough
		default:
			err = ErrZONEMDMismatch
		}
	}
	return err
}

// ZONEMD is the ZONEMD RRset of a zone, whose RRsets sets yields; a ZONEMD at the
// apex among them is passed over. The RRset has one RR and the TTL of the SOA.
func ZONEMD(apex lookup.Name, sets iter.Seq[lookup.RRset], h ZONEMDHash) (lookup.RRset, error) {
	zone := slices.Collect(sets)
	soa, ok := lookup.Find(zone, apex, lookup.TypeSOA)
	serial, good := serialOf(soa)
	if !ok || !good || h.start() == nil {
		return lookup.RRset{}, ErrZONEMDUnsupported
	}
	rdata := binary.BigEndian.AppendUint32(nil, serial)
	rdata = append(rdata, schemeSimple, byte(h))
	rdata = append(rdata, digestZone(apex, zone, h)...)
	return lookup.RRset{Name: apex, Type: lookup.TypeZONEMD, TTL: soa.TTL, Data: lookup.PackRdata(string(rdata))}, nil
}

// digestIn is the digest of the one RR of zonemd with scheme SIMPLE and hash h.
func (h ZONEMDHash) digestIn(zonemd lookup.RRset) (digest string, ok bool) {
	seen := 0
	for rdata := range zonemd.Data.All() {
		if len(rdata) == 6+h.start().Size() && rdata[4] == schemeSimple && rdata[5] == byte(h) {
			digest = rdata[6:]
			seen++
		}
	}
	return digest, seen == 1 // RFC 8976 2.2.3: a pair that is not unique does not count
}

// sameSerial tells whether the RR of hash h is about this version of the zone.
func sameSerial(zonemd, soa lookup.RRset, h ZONEMDHash) bool {
	serial, ok := serialOf(soa)
	for rdata := range zonemd.Data.All() {
		if len(rdata) > 6 && rdata[4] == schemeSimple && rdata[5] == byte(h) && uint32At(rdata, 0) != serial {
			return false
		}
	}
	return ok
}

func serialOf(soa lookup.RRset) (uint32, bool) {
	rdata := soa.Data.First()
	if len(rdata) < 22 {
		return 0, false
	}
	return uint32At(rdata, len(rdata)-20), true
}

// digestZone is the digest of the SIMPLE scheme (RFC 8976 3.3).
func digestZone(apex lookup.Name, zone []lookup.RRset, h ZONEMDHash) []byte {
	byName := slices.Clone(zone)
	slices.SortStableFunc(byName, func(a, b lookup.RRset) int { return a.Name.Compare(b.Name) })
	into := h.start()
	var name ownerRRs
	for len(byName) > 0 {
		n := 1
		for n < len(byName) && byName[n].Name == byName[0].Name {
			n++
		}
		name.collect(apex, byName[:n])
		name.writeTo(into, byName[0].Name)
		byName = byName[n:]
	}
	return into.Sum(nil)
}

// ownerRRs are the RRs of one name; its memory serves for the next name.
type ownerRRs struct {
	octets []byte
	rrs    []zoneRR
	line   []byte
}

type zoneRR struct {
	t          lookup.Type
	ttl        uint32
	start, end int // in octets
}

// collect takes the RRs of sets that count, RRSIGs included (RFC 8976 3.3.1), into
// the order in which they count.
func (o *ownerRRs) collect(apex lookup.Name, sets []lookup.RRset) {
	o.octets, o.rrs = o.octets[:0], o.rrs[:0]
	add := func(t lookup.Type, ttl uint32, data lookup.Rdata) {
		for rdata := range data.All() {
			start := len(o.octets)
			o.octets = appendRdata(o.octets, t, rdata)
			o.rrs = append(o.rrs, zoneRR{t, ttl, start, len(o.octets)})
		}
	}
	for _, s := range sets {
		if !s.Name.IsSubdomainOf(apex) {
			continue // "out-of-zone data MUST be excluded"
		}
		if s.Name == apex && s.Type == lookup.TypeZONEMD {
			continue // and with it the RRSIGs that cover it
		}
		add(s.Type, s.TTL, s.Data)
		add(lookup.TypeRRSIG, s.TTL, s.Sigs) // RFC 4034 3: an RRSIG has the TTL of what it covers
	}
	if len(sets) > 0 && sets[0].Name == apex { // RRSIGs whose set is not here
		o.rrs = slices.DeleteFunc(o.rrs, func(r zoneRR) bool {
			rdata := o.octets[r.start:r.end]
			return r.t == lookup.TypeRRSIG && len(rdata) > 2 &&
				lookup.Type(binary.BigEndian.Uint16(rdata)) == lookup.TypeZONEMD
		})
	}
	rdata := func(r zoneRR) []byte { return o.octets[r.start:r.end] }
	slices.SortFunc(o.rrs, func(a, b zoneRR) int {
		if a.t != b.t {
			return int(a.t) - int(b.t)
		}
		return bytes.Compare(rdata(a), rdata(b))
	})
	o.rrs = slices.CompactFunc(o.rrs, func(a, b zoneRR) bool {
		return a.t == b.t && bytes.Equal(rdata(a), rdata(b)) // RFC 8976 3.3.1: duplicates count once
	})
}

func (o *ownerRRs) writeTo(h hash.Hash, owner lookup.Name) {
	for _, r := range o.rrs {
		o.line = append(o.line[:0], owner...)
		o.line = binary.BigEndian.AppendUint16(o.line, uint16(r.t))
		o.line = binary.BigEndian.AppendUint16(o.line, uint16(lookup.ClassIN))
		o.line = binary.BigEndian.AppendUint32(o.line, r.ttl)
		o.line = binary.BigEndian.AppendUint16(o.line, uint16(r.end-r.start))
		o.line = append(o.line, o.octets[r.start:r.end]...)
		_, _ = h.Write(o.line) // a hash.Hash never fails
	}
}
