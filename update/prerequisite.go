package update

import (
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/message"
)

// require holds prerequisites against a draft, in the order of the pseudocode of RFC
// 2136 3.2.5. It is NOERROR when they are satisfied.
func (d *draft) require(prerequisites []message.Record) lookup.Rcode {
	type rrset struct {
		name lookup.Name
		t    lookup.Type
	}
	want := map[rrset][]string{}
	var order []rrset
	for _, r := range prerequisites {
		switch {
		case r.TTL != 0:
			return lookup.FORMERR
		case !r.Name.IsSubdomainOf(d.apex):
			return lookup.NOTZONE
		}
		switch r.Class {
		case lookup.ClassANY, lookup.ClassNONE:
			if rcode := d.exists(r); rcode != lookup.NOERROR {
				return rcode
			}
		case lookup.ClassIN: // RFC 2136 3.2.3: RRset exists (value dependent)
			if isMeta(r.Type) {
				return lookup.FORMERR
			}
			set := rrset{r.Name, r.Type}
			if want[set] == nil {
				order = append(order, set)
			}
			want[set] = append(want[set], r.Data)
		default:
			return lookup.FORMERR
		}
	}
	for _, set := range order {
		if !sameSet(set.t, want[set], d.data(set.name, set.t)) {
			return lookup.NXRRSET
		}
	}
	return lookup.NOERROR
}

// exists judges a prerequisite that speaks of no values: RFC 2136 3.2.1 and 3.2.2 (class
// ANY), 3.2.4 and 3.2.5 (class NONE). An empty non-terminal is not in use (2.4.4).
func (d *draft) exists(r message.Record) lookup.Rcode {
	there, missing, present := false, lookup.NXRRSET, lookup.YXRRSET
	switch {
	case r.Data != "" || r.Type != lookup.TypeANY && isMeta(r.Type):
		return lookup.FORMERR
	case r.Type == lookup.TypeANY:
		missing, present = lookup.NXDOMAIN, lookup.YXDOMAIN
		there = len(d.at(r.Name)) > 0
	default:
		there = len(d.data(r.Name, r.Type)) > 0
	}
	switch {
	case r.Class == lookup.ClassANY && !there:
		return missing
	case r.Class == lookup.ClassNONE && there:
		return present
	}
	return lookup.NOERROR
}

// sameSet tells whether two lists are of the same RRs, whatever their order; an RR that
// is there twice counts once.
func sameSet(t lookup.Type, a, b []string) bool {
	return within(t, a, b) && within(t, b, a)
}

func within(t lookup.Type, a, b []string) bool {
	for _, rdata := range a {
		if indexOf(t, b, rdata) < 0 {
			return false
		}
	}
	return true
}

// indexOf is where rdata stands in a list; -1 if it does not.
func indexOf(t lookup.Type, list []string, rdata string) int {
	for i, other := range list {
		if message.SameRdata(t, other, rdata) {
			return i
		}
	}
	return -1
}
