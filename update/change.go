package update

import (
	"encoding/binary"
	"slices"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/message"
	"github.com/sextant-dns/sextant/zones"
)

// Types that are the business of who signs a zone.
var signersTypes = []lookup.Type{lookup.TypeRRSIG, lookup.TypeNSEC, lookup.TypeNSEC3, lookup.TypeNSEC3PARAM}

// isMeta tells whether a type exists in messages only (RFC 6895 3.1, RFC 9824 3).
func isMeta(t lookup.Type) bool {
	return t == lookup.TypeNone || t == lookup.TypeOPT || t >= 128 && t <= lookup.TypeANY
}

// prescan looks at an update section before anything is changed (RFC 2136 3.4.1).
func prescan(apex lookup.Name, changes []message.Record) lookup.Rcode {
	for _, r := range changes {
		if !r.Name.IsSubdomainOf(apex) {
			return lookup.NOTZONE
		}
		good := false
		switch meta := isMeta(r.Type); r.Class {
		case lookup.ClassIN:
			good = !meta
		case lookup.ClassANY:
			good = r.TTL == 0 && r.Data == "" && (!meta || r.Type == lookup.TypeANY)
		case lookup.ClassNONE:
			good = r.TTL == 0 && !meta
		}
		if !good {
			return lookup.FORMERR
		}
	}
	return lookup.NOERROR
}

// change makes the changes of an update section that was prescanned, and raises the
// serial if anything has changed and the section has not done that itself (RFC 2136 3.6).
func (d *draft) change(changes []message.Record) {
	for _, r := range changes {
		switch r.Class {
		case lookup.ClassIN:
			d.add(r)
		case lookup.ClassANY:
			d.removeSets(r)
		case lookup.ClassNONE:
			d.removeRR(r)
		}
	}
	if diff, changed := d.difference(); changed && diff.From.Serial() == diff.To.Serial() {
		d.bump()
	}
}

// add adds an RR (RFC 2136 3.4.2.2). The RRset takes its TTL (RFC 2181 5.2).
func (d *draft) add(r message.Record) {
	s := lookup.RRset{Name: r.Name, Type: r.Type, TTL: r.TTL, Data: lookup.PackRdata(r.Data)}
	switch {
	case r.Type == lookup.TypeSOA:
		if r.Name != d.apex || !zones.Newer(serialOf(r.Data), d.soaRecord().Serial()) {
			return
		}
	case slices.ContainsFunc(d.at(r.Name), func(o lookup.RRset) bool { return clash(o.Type, r.Type) }):
		return
	case r.Type == lookup.TypeCNAME, r.Type == lookup.TypeDNAME: // RFC 2136 1.1.5, RFC 6672 5.2: it is replaced
	default:
		all := d.data(r.Name, r.Type)
		at := slices.IndexFunc(all, func(o string) bool { return sameRR(r.Type, o, r.Data) })
		if at >= 0 {
			all[at] = r.Data
		} else {
			all = append(all, r.Data)
		}
		s.Data = lookup.PackRdata(all...)
	}
	d.put(s)
}

// clash tells whether an RR of the second type is not added where one of the first is:
// beside a CNAME there is nothing, nor does a CNAME come where anything is (RFC 2136
// 3.4.2.2), DNAMEs included (RFC 6672 5.2).
func clash(there, added lookup.Type) bool {
	return there != added && (there == lookup.TypeCNAME || added == lookup.TypeCNAME) && !besideCNAME(there) && !besideCNAME(added)
}

// besideCNAME tells of types that may stand beside a CNAME (RFC 2181 10.1).
func besideCNAME(t lookup.Type) bool {
	const sig, key, nxt = 24, 25, 30
	return t == sig || t == key || t == nxt
}

// removeSets deletes an RRset (RFC 2136 3.4.2.3), or all at a name (3.4.2.3), but neither
// SOA nor NS of the apex.
func (d *draft) removeSets(r message.Record) {
	for _, s := range d.at(r.Name) {
		if r.Type != lookup.TypeANY && r.Type != s.Type || r.Name == d.apex && (s.Type == lookup.TypeSOA || s.Type == lookup.TypeNS) {
			continue
		}
		d.put(lookup.RRset{Name: r.Name, Type: s.Type})
	}
}

// removeRR deletes an RR (RFC 2136 3.4.2.4), but neither the SOA nor the last NS of the
// apex.
func (d *draft) removeRR(r message.Record) {
	s := d.set(r.Name, r.Type)
	if r.Type == lookup.TypeSOA || s.Data == "" {
		return
	}
	all := slices.Collect(s.Data.All())
	rest := slices.DeleteFunc(slices.Clone(all), func(o string) bool { return sameRR(r.Type, o, r.Data) })
	if len(rest) == len(all) || len(rest) == 0 && r.Type == lookup.TypeNS && r.Name == d.apex {
		return
	}
	s.Data = lookup.PackRdata(rest...)
	d.put(s)
}

// bump raises the serial by one. RFC 2136 7.11 leaves out 0.
func (d *draft) bump() {
	soa := d.soa()
	b := []byte(soa.Data.First())
	serial := b[len(b)-20:]
	next := binary.BigEndian.Uint32(serial) + 1
	if next == 0 {
		next = 1
	}
	binary.BigEndian.PutUint32(serial, next)
	soa.Data = lookup.PackRdata(string(b))
	d.put(soa)
}

func serialOf(soa string) uint32 { return (zones.Record{Data: soa}).Serial() }
