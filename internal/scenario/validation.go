package scenario

import (
	"strconv"
	"strings"
	"time"

	"github.com/sextant-dns/sextant/anchors"
	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
)

// validation is what a story's configuration says of DNSSEC.
type validation struct {
	modules  bool // validation is on, given an anchor
	positive []lookup.RRset
	negative []anchors.Negative
	state    string        // trust anchors with their history
	managed  []lookup.Name // those in state
	fakeSHA1 bool          // signatures with SHA-1 and DSA need no arithmetic
	fakeDSA  bool          // those with DSA
	modest   bool          // proofs are good for the names that they came for only
	policy   dnssec.Policy
	now      time.Time // by which signatures are valid; the zero Time: the story's
}

// anchor takes DS and DNSKEY RRs in presentation form.
func (v *validation) anchor(text string) error {
	sets, err := anchors.Read("trust anchor", text, time.Time{})
	v.positive = append(v.positive, sets...)
	return err
}

// insecure takes a name below which nothing is validated.
func (v *validation) insecure(text string) error {
	zone, err := lookup.ParseName(text)
	v.negative = append(v.negative, anchors.Negative{Zone: zone})
	return err
}

// history takes the text of a file of trust anchors that are kept up to date.
func (v *validation) history(file, text string) error {
	v.state = text
	m, err := anchors.ParseMemory(file, text)
	for _, p := range m.Points {
		v.managed = append(v.managed, p.Zone)
	}
	return err
}

// date takes the time by which signatures are valid: as a number, YYYYMMDDHHMMSS
// or -1 for any time.
func (v *validation) date(text string) (err error) {
	if text == "-1" {
		v.policy.AnyTime = true
		return nil
	}
	if len(text) == len("20060102150405") {
		v.now, err = time.Parse("20060102150405", text)
		return err
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	v.now = time.Unix(seconds, 0)
	return err
}

// unboundIterations is how many NSEC3 iterations stories put up with that do not say.
const unboundIterations = 150

// iterations takes pairs of key size and NSEC3 iterations; the most lenient counts.
func (v *validation) iterations(text string) error {
	v.policy.MaxIterations = 0
	for i, field := range strings.Fields(text) {
		n, err := strconv.Atoi(field)
		if err != nil {
			return err
		}
		if i%2 == 1 {
			v.policy.MaxIterations = max(v.policy.MaxIterations, n)
		}
	}
	return nil
}

// enabled tells whether anything is validated.
func (v *validation) enabled() bool {
	return v.modules && len(v.positive)+len(v.negative)+len(v.managed) > 0
}

// believes is the policy of the story. The keys of stories have 512 bits.
func (v *validation) believes() dnssec.Policy {
	p := v.policy
	p.MinRSA = 512
	p.Presume = func(a dnssec.Algorithm) bool {
		const dsa, dsaNSEC3 = 3, 6
		switch a {
		case dsa, dsaNSEC3:
			return v.fakeDSA || v.fakeSHA1
		case dnssec.RSASHA1, dnssec.RSASHA1NSEC3:
			return v.fakeSHA1
		}
		return false
	}
	return p
}

// options are the resolver's, with anchors that keeper keeps.
func (v *validation) options(keeper *anchors.Keeper, network *Network) resolver.Validation {
	if !v.enabled() {
		return resolver.Validation{}
	}
	return resolver.Validation{
		Anchor: func(name lookup.Name) (resolver.Anchor, bool) {
			a, ok := keeper.Closest(name)
			return resolver.Anchor(a), ok
		},
		Seen:   keeper.Observe,
		Policy: v.believes(), NoAggressive: v.modest,
		Now: v.validity(network),
	}
}

// validity is the time by which signatures are valid.
func (v *validation) validity(network *Network) func() time.Time {
	if v.now.IsZero() {
		return network.now
	}
	return func() time.Time { return v.now }
}
