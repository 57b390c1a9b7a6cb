package dnssec

import (
	"github.com/sextant-dns/sextant/lookup"
)

// Denial is what the NSEC or NSEC3 RRsets of one response prove about one zone.
// It is not safe for concurrent use, because it remembers the hashes it paid for.
type Denial struct {
	zone   lookup.Name
	nsec   []nsec
	nsec3  []nsec3
	params nsec3Params // of all nsec3
	fault  lookup.EDE  // why nsec3 proves nothing

	budget *lookup.Budget
	limit  int // of iterations, checked where hashes are computed
	hashes map[lookup.Name]nsec3Digest
	costly bool // a hash was refused for its iterations
	spent  bool // or because the budget is used up
}

// Proof is what a Denial says.
//
//   - Secure: it is so.
//   - Insecure: it may be so, and the zone lets it be unsigned: an opt-out span
//     (RFC 5155 6), or NSEC3 of a kind that the policy does not compute.
//   - Bogus: not proven.
type Proof struct {
	Status Status
	EDE    lookup.EDE // why Status is not Secure; the zero value for an opt-out span
	// Encloser is the closest encloser that was proven on the way, "" when none
	// had to be: the name itself is in the zone.
	Encloser lookup.Name
	// Cut is filled by NoDS.
	Cut   Cut
	Spent bool // the budget ended first: another query might get further
}

// Cut is what the absence of a DS says about a name.
type Cut uint8

// What NoDS finds.
const (
	CutUnproven Cut = iota // nothing
	CutInsecure            // an unsigned delegation is here, or may be: an opt-out span
	CutNone                // no zone begins here; the name may not even exist
)

// MaxDenials is how many NSEC and NSEC3 RRs of a response are looked at.
const MaxDenials = 32

// Denial makes a Denial of zone out of RRsets that Verify has found Secure with
// the zone's keys; they must come with the RRSIGs that they were verified with.
// Those that cannot prove anything are left out: other types, NSEC outside the
// zone or leading out of it, NSEC that a wildcard made, NSEC3 not directly below
// the apex or of an unknown kind.
func (v *Verifier) Denial(zone lookup.Name, sets []lookup.RRset) *Denial {
	d := &Denial{zone: zone, budget: v.Budget, limit: v.Policy.maxIterations()}
	for _, s := range sets {
		if len(d.nsec)+len(d.nsec3) == MaxDenials {
			break
		}
		switch s.Type {
		case lookup.TypeNSEC:
			if n, ok := parseNSEC(zone, s); ok {
				d.nsec = append(d.nsec, n)
			}
		case lookup.TypeNSEC3:
			if n, p, ok := parseNSEC3(zone, s); ok {
				d.takeNSEC3(n, p)
			}
		}
	}
	return d
}

// own tells whether a set stands at its own name and in one RR: RRSIGs with fewer
// labels mean that a wildcard made it, and then it speaks of other names
// (CVE-2017-15105). One such RRSIG among others spoils the set.
func own(set lookup.RRset) bool {
	sigs := 0
	for rdata := range set.Sigs.All() {
		s, ok := ParseSignature(rdata)
		if !ok || int(s.Labels) != labelsOf(set.Name) {
			return false
		}
		sigs++
	}
	return sigs > 0 && set.Data.Len() == 1
}

// NXDOMAIN asks for the proof that neither name nor a wildcard that would match it
// exists (RFC 4035 5.4, RFC 5155 8.4).
func (d *Denial) NXDOMAIN(name lookup.Name) Proof {
	return d.either(name, func() (Proof, bool) { return d.nsecNXDOMAIN(name) }, func() Proof { return d.nsec3NXDOMAIN(name) })
}

// NODATA asks for the proof that name exists, itself, as an empty non-terminal or
// by a wildcard, and has no RRset of type t and no CNAME (RFC 4035 5.4, RFC 5155
// 8.5-8.7).
func (d *Denial) NODATA(name lookup.Name, t lookup.Type) Proof {
	return d.either(name, func() (Proof, bool) { return d.nsecNODATA(name, t) }, func() Proof { return d.nsec3NODATA(name, t) })
}

// Expansion asks for the proof that nothing closer to name exists than encloser, so
// that the wildcard below encloser rightly answered (RFC 4035 5.3.4, RFC 5155 8.8).
// encloser is Result.Encloser.
func (d *Denial) Expansion(name, encloser lookup.Name) Proof {
	if !name.IsSubdomainOf(encloser) || name == encloser || !encloser.IsSubdomainOf(d.zone) {
		return d.unproven("no wildcard below " + encloser.String() + " can match " + name.String())
	}
	next := name.Suffix(encloser.Labels() + 1)
	return d.either(name, func() (Proof, bool) {
		_, absent := d.absent(next)
		return Proof{Status: Secure, Encloser: encloser}, absent
	}, func() Proof { return d.nsec3Expansion(next, encloser) })
}

// NoDS asks for the proof that name, below the zone's apex, has no DS (RFC 4035
// 5.2, RFC 5155 8.6, 8.9), and in Proof.Cut what this says about the name.
func (d *Denial) NoDS(name lookup.Name) Proof {
	if name == d.zone {
		return d.unproven("the DS of a zone is its parent's")
	}
	return d.either(name, func() (Proof, bool) { return d.nsecNoDS(name) }, func() Proof { return d.nsec3NoDS(name) })
}

// either asks the NSEC first: they cost nothing.
func (d *Denial) either(name lookup.Name, byNSEC func() (Proof, bool), byNSEC3 func() Proof) Proof {
	if !name.IsSubdomainOf(d.zone) {
		return d.unproven(name.String() + " is not in " + d.zone.String())
	}
	if p, ok := byNSEC(); ok {
		return p
	}
	switch {
	case d.fault.Code != 0:
		return Proof{EDE: d.fault}
	case len(d.nsec3) > 0:
		return byNSEC3()
	case len(d.nsec) > 0:
		return d.unproven("the NSEC RRs do not prove it")
	}
	return d.unproven("no NSEC or NSEC3 of " + d.zone.String())
}

func (d *Denial) unproven(text string) Proof {
	return Proof{EDE: lookup.EDE{Code: lookup.EDENSECMissing, Text: text}}
}

// wildcardOf is the name of the wildcard below encloser; ok is false when that name
// would be too long.
func wildcardOf(encloser lookup.Name) (wildcard lookup.Name, ok bool) {
	wildcard, err := encloser.Child("*")
	return wildcard, err == nil
}
