package update

import (
	"fmt"
	"slices"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/message"
	"github.com/sextant-dns/sextant/zones"
)

// ZoneOf is the zone that an UPDATE is for, or the response to one whose zone section is
// not as RFC 2136 3.1.1 wants it.
func ZoneOf(m *message.Records) (lookup.Name, *lookup.Response) {
	switch {
	case len(m.Question) != 1 || m.Question[0].Type != lookup.TypeSOA:
		return "", &lookup.Response{Rcode: lookup.FORMERR}
	case m.Question[0].Class != lookup.ClassIN: // RFC 2136 3.1.2: we have no other
		return "", Elsewhere()
	}
	return m.Question[0].Name, nil
}

// Elsewhere is the response to an UPDATE for a zone that is not ours (RFC 2136 3.1.2).
func Elsewhere() *lookup.Response {
	return &lookup.Response{Rcode: lookup.NOTAUTH, EDE: []lookup.EDE{{Code: lookup.EDENotAuthoritative}}}
}

// Apply makes the changes of an UPDATE to a zone, whoever asks. A response that is not
// NOERROR means that nothing is changed. If nothing was to be changed, the zone is the
// one that it was and the difference is empty.
func Apply(z *zones.Zone, m *message.Records) (*zones.Zone, zones.Difference, *lookup.Response) {
	whole := newDraft(z)
	d, response := whole.try(m)
	if response.Rcode != lookup.NOERROR {
		return z, zones.Difference{}, response
	}
	diff, changed := d.difference()
	if !changed {
		return z, zones.Difference{}, response
	}
	is, err := z.With(d.sets)
	if err != nil {
		return z, zones.Difference{}, impossible(err)
	}
	return is, diff, response
}

// try makes the changes of one UPDATE in a draft over d. d itself stays as it is.
func (d *draft) try(m *message.Records) (*draft, *lookup.Response) {
	next := d.over()
	if rcode := next.require(m.Answer); rcode != lookup.NOERROR { // RFC 2136 3.2
		return next, &lookup.Response{Rcode: rcode}
	}
	if rcode := prescan(d.apex, m.Authority); rcode != lookup.NOERROR { // RFC 2136 3.4.1
		return next, &lookup.Response{Rcode: rcode}
	}
	if response := d.static(m.Authority); response != nil {
		return next, response
	}
	next.change(m.Authority) // RFC 2136 3.4.2
	return next, &lookup.Response{}
}

// static is the response to changes that would need somebody who signs the zone or
// computes its digest, and nobody does; nil when there are none.
func (d *draft) static(changes []message.Record) *lookup.Response {
	switch {
	case len(changes) == 0:
		return nil
	case d.zone.SOA().Sigs != "":
		return refuse(lookup.EDENotSupported, "the zone is signed elsewhere, and its signatures would not hold")
	case d.set(d.apex, lookup.TypeZONEMD).Data != "":
		return refuse(lookup.EDENotSupported, "the zone has a ZONEMD, which would not hold")
	}
	for _, r := range changes {
		if slices.Contains(signersTypes, r.Type) || r.Type == lookup.TypeZONEMD && r.Name == d.apex {
			return refuse(lookup.EDENotSupported, "%s is made by who signs a zone", r.Type)
		}
	}
	return nil
}

// impossible is the response to changes that would make a zone that cannot be.
func impossible(err error) *lookup.Response {
	text := err.Error()
	return refuse(lookup.EDEOther, "%s", text[:min(len(text), 200)])
}

func refuse(code uint16, format string, args ...any) *lookup.Response {
	return &lookup.Response{Rcode: lookup.REFUSED, EDE: []lookup.EDE{{Code: code, Text: fmt.Sprintf(format, args...)}}}
}
