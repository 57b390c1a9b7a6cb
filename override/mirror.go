package override

import (
	"context"
	"fmt"
	"slices"

	"github.com/sextant-dns/sextant/lookup"
)

// mirror asks for the same name of the other zone, and answers with what comes back under
// the names of this one.
func (b *bound) mirror(ctx context.Context, q lookup.Query, e *entry) (*lookup.Response, error) {
	here, there := e.o.Zone, e.o.Mirror
	asked, err := q.Name.Replace(here, there)
	if err != nil {
		return nil, lookup.Fail(lookup.EDEOther, "%s has no equal in %s: %v", q.Name, there, err)
	}
	other := q
	other.Name, other.DO = asked, false
	if ofDNSSEC(q.Type) { // a mirror is not signed
		other.Name, other.Type = there, lookup.TypeSOA
	}
	r, err := b.mirrored.Resolve(ctx, other)
	if err != nil {
		return nil, err
	}
	ours := mirrored(r, there, here)
	if ofDNSSEC(q.Type) && ours.Rcode == lookup.NOERROR {
		ours.Authority, ours.Answer = ours.Answer, nil
	}
	return ours, nil
}

// mirrored is r with the names at and below from put at and below to. It is unsigned.
func mirrored(r *lookup.Response, from, to lookup.Name) *lookup.Response {
	m := renaming{from, to}
	ours := *r
	ours.AA, ours.Security = false, min(r.Security, lookup.Insecure)
	ours.Answer, ours.Authority, ours.Additional = m.section(r.Answer), m.section(r.Authority), m.section(r.Additional)
	ours.Synthesized = m.name(r.Synthesized)
	ours.EDE = append(slices.Clone(r.EDE), lookup.EDE{Code: lookup.EDESynthesized, Text: fmt.Sprintf("%s is answered from its mirror %s", to, from)})
	return &ours
}

// renaming puts names from one zone into another.
type renaming struct{ from, to lookup.Name }

func (m renaming) name(n lookup.Name) lookup.Name {
	if n == "" || !n.IsSubdomainOf(m.from) {
		return n
	}
	if moved, err := n.Replace(m.from, m.to); err == nil {
		return moved
	}
	return n
}

func (m renaming) section(sets []lookup.RRset) (all []lookup.RRset) {
	for _, s := range sets {
		if ofDNSSEC(s.Type) {
			continue
		}
		s.Name, s.Sigs = m.name(s.Name), ""
		var rdatas []string
		for rdata := range s.Data.All() {
			rdatas = append(rdatas, m.rdata(s.Type, rdata))
		}
		s.Data = lookup.PackRdata(rdatas...)
		if target, ok := s.Target(); ok && s.Type == lookup.TypeCNAME && target == s.Name {
			continue // each of the zones has an alias to the other, and we have gone that way
		}
		if slices.ContainsFunc(all, func(t lookup.RRset) bool { return t.Name == s.Name && t.Type == s.Type }) {
			continue
		}
		all = append(all, s)
	}
	return all
}

// layout is where names stand in the rdata of a type: before the first there are so many
// octets and character strings.
type layout struct{ octets, texts, names int }

func layouts(t lookup.Type) (l layout, ok bool) {
	const ( // that package lookup has no use for
		mb, mg, mr, minfo, rp, afsdb, rt, px, kx, naptr = 7, 8, 9, 14, 17, 18, 21, 26, 36, 35
	)
	switch t {
	case lookup.TypeNS, lookup.TypeCNAME, lookup.TypeDNAME, lookup.TypePTR, mb, mg, mr:
		return layout{names: 1}, true
	case lookup.TypeSOA, minfo, rp:
		return layout{names: 2}, true
	case lookup.TypeMX, lookup.TypeSVCB, lookup.TypeHTTPS, afsdb, rt, kx:
		return layout{octets: 2, names: 1}, true
	case px:
		return layout{octets: 2, names: 2}, true
	case lookup.TypeSRV:
		return layout{octets: 6, names: 1}, true
	case naptr:
		return layout{octets: 4, texts: 3, names: 1}, true
	}
	return l, false
}

// rdata is rdata with the names in it put into the other zone. What cannot be read stays
// as it is.
func (m renaming) rdata(t lookup.Type, rdata string) string {
	l, ok := layouts(t)
	if !ok {
		return rdata
	}
	at := l.octets
	for range l.texts {
		if at >= len(rdata) {
			return rdata
		}
		at += 1 + int(rdata[at])
	}
	if at > len(rdata) {
		return rdata
	}
	moved, rest := rdata[:at], rdata[at:]
	for range l.names {
		name, n, err := lookup.NameFromWire(rest)
		if err != nil {
			return rdata
		}
		if to := m.name(name); to != name {
			// The labels in front keep their letter case (RFC 1035 2.3.3).
			moved += rest[:n-len(m.from)] + string(m.to)
		} else {
			moved += rest[:n]
		}
		rest = rest[n:]
	}
	return moved + rest
}

// ofDNSSEC tells whether RRsets of a type say nothing without signatures.
func ofDNSSEC(t lookup.Type) bool {
	const cdnskey, dlv = 60, 32769 // that package lookup has no use for
	switch t {
	case lookup.TypeDS, lookup.TypeDNSKEY, lookup.TypeRRSIG, lookup.TypeNSEC, lookup.TypeNSEC3, lookup.TypeNSEC3PARAM,
		lookup.TypeCDS, lookup.TypeZONEMD, cdnskey, dlv:
		return true
	}
	return false
}
