package dnssec

import (
	"github.com/sextant-dns/sextant/lookup"
)

// Denial is what the NSEC or NSEC3 RRsets of one response prove about one zone.
// It is not safe for concurrent use, because it remembers the hashes it paid for.
type Denial struct {
	zone lookup.Name
}

// Proof is what a Denial says.
//
//   - Secure: it is so.
//   - Insecure: it may be so, and the zone lets it be unsigned: an opt-out span
//     (RFC 5155 6), or NSEC3 of a kind that the policy does not compute.
//   - Bogus: not proven.
type Proof struct {
	Status Status
	EDE    lookup.EDE // why Status is not Secure
	// Encloser is the closest encloser that was proven on the way, "" when none
	// had to be: the name itself is in the zone.
	Encloser lookup.Name
	// Cut is filled by NoDS.
	Cut   Cut
	Spent bool // the budget ended first
}

// Cut is what the absence of a DS says about a name.
type Cut uint8

// What NoDS finds.
const (
	CutUnproven Cut = iota // nothing
	CutInsecure            // an unsigned delegation is here, or may be: an opt-out span
	CutNone                // no zone begins here; the name may not even exist
)

// Denial makes a Denial of zone out of RRsets that Verify has found Secure with
// the zone's keys. Those that cannot prove anything are left out: other types,
// NSEC outside the zone or leading out of it, NSEC that a wildcard made, NSEC3
// not directly below the apex or of an unknown kind.
func (v *Verifier) Denial(zone lookup.Name, sets []lookup.RRset) *Denial { return &Denial{zone: zone} }

// NXDOMAIN asks for the proof that neither name nor a wildcard that would match it
// exists (RFC 4035 5.4, RFC 5155 8.4).
func (d *Denial) NXDOMAIN(name lookup.Name) Proof { return Proof{} }

// NODATA asks for the proof that name exists, itself, as an empty non-terminal or
// by a wildcard, and has no RRset of type t and no CNAME (RFC 4035 5.4, RFC 5155
// 8.5-8.7).
func (d *Denial) NODATA(name lookup.Name, t lookup.Type) Proof { return Proof{} }

// Expansion asks for the proof that nothing closer to name exists than encloser, so
// that the wildcard below encloser rightly answered (RFC 4035 5.3.4, RFC 5155 8.8).
// encloser is Result.Encloser.
func (d *Denial) Expansion(name, encloser lookup.Name) Proof { return Proof{} }

// NoDS asks for the proof that name, below the zone's apex, has no DS (RFC 4035
// 5.2, RFC 5155 8.6, 8.9), and in Proof.Cut what this says about the name.
func (d *Denial) NoDS(name lookup.Name) Proof { return Proof{} }
