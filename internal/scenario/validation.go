package scenario

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
)

// validation is what a story's configuration says of DNSSEC.
type validation struct {
	modules  bool // validation is on, given an anchor
	anchors  map[lookup.Name]resolver.Anchor
	fakeSHA1 bool // signatures with SHA-1 and DSA need no arithmetic
	fakeDSA  bool // those with DSA
	modest   bool // proofs are good for the names that they came for only
	policy   dnssec.Policy
	now      time.Time // by which signatures are valid; the zero Time: the story's
}

// anchor takes a DS or DNSKEY in presentation form.
func (v *validation) anchor(text string) error {
	sets, err := lookup.ParseRRsets(text)
	if err != nil {
		return err
	}
	for _, s := range sets {
		a := v.anchors[s.Name]
		a.Zone = s.Name
		switch s.Type {
		case lookup.TypeDS:
			a.DS = append(a.DS, dnssec.ParseDS(s)...)
		case lookup.TypeDNSKEY:
			for _, key := range dnssec.ParseKeys(s) {
				ds, ok := dnssec.DSOf(key, dnssec.SHA256)
				if !ok {
					return fmt.Errorf("no DS of %s", s)
				}
				a.DS = append(a.DS, ds)
			}
		default:
			return fmt.Errorf("no trust anchor: %s", s)
		}
		v.anchors[s.Name] = a
	}
	return nil
}

// insecure takes a name below which nothing is validated.
func (v *validation) insecure(text string) error {
	zone, err := lookup.ParseName(text)
	v.anchors[zone] = resolver.Anchor{Zone: zone, Negative: true}
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

// iterations takes pairs of key size and NSEC3 iterations; the most lenient counts.
func (v *validation) iterations(text string) error {
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

// options are the resolver's. The keys of stories have 512 bits.
func (v *validation) options() resolver.Validation {
	if !v.modules || len(v.anchors) == 0 {
		return resolver.Validation{}
	}
	o := resolver.Validation{Anchor: v.closest, Policy: v.policy, NoAggressive: v.modest}
	o.Policy.MinRSA = 512
	o.Policy.Presume = func(a dnssec.Algorithm) bool {
		const dsa, dsaNSEC3 = 3, 6
		switch a {
		case dsa, dsaNSEC3:
			return v.fakeDSA || v.fakeSHA1
		case dnssec.RSASHA1, dnssec.RSASHA1NSEC3:
			return v.fakeSHA1
		}
		return false
	}
	if !v.now.IsZero() {
		o.Now = func() time.Time { return v.now }
	}
	return o
}

func (v *validation) closest(name lookup.Name) (resolver.Anchor, bool) {
	for {
		if a, ok := v.anchors[name]; ok {
			return a, true
		}
		above, ok := name.Parent()
		if !ok {
			return resolver.Anchor{}, false
		}
		name = above
	}
}
