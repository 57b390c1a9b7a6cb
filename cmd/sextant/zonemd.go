package main

import (
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/sextant-dns/sextant/anchors"
	"github.com/sextant-dns/sextant/config"
	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/zones"
)

// zonemd checks the digest of a whole zone, and who has signed it.
type zonemd struct {
	trusted func() *anchors.Set // the trust anchors that count now
	policy  dnssec.Policy
	now     func() time.Time
}

func newZONEMD(c config.DNSSEC, trusted func() *anchors.Set) zonemd {
	z := zonemd{trusted: trusted, policy: validationPolicy(c), now: validationClock(c)}
	if z.now == nil {
		z.now = time.Now
	}
	return z
}

// verify is a Copy's Verify. Of a zone that has a trust anchor of its own the digest
// counts only when it is signed: glue and delegations are not, and whoever can change
// them on the way can compute a digest, too (RFC 8976 4, steps 1 to 3).
func (z zonemd) verify(apex lookup.Name, sets iter.Seq[lookup.RRset]) error {
	err := dnssec.CheckZONEMD(apex, sets)
	if errors.Is(err, dnssec.ErrZONEMDUnsupported) {
		err = fmt.Errorf("%w: %w", err, errors.ErrUnsupported)
	}
	anchor, ok := z.trusted().Closest(apex, z.now())
	if err != nil || !ok || anchor.Negative || anchor.Zone != apex {
		return err
	}
	at := map[lookup.Type]lookup.RRset{}
	for s := range sets {
		if s.Name == apex {
			at[s.Type] = s
		}
	}
	v := dnssec.Verifier{Policy: z.policy, Now: z.now(), Budget: lookup.NewBudget(lookup.Limits{})}
	keys, found := v.Keys(at[lookup.TypeDNSKEY], anchor.DS)
	switch found.Status {
	case dnssec.Insecure:
		return nil // signed with nothing that is known here, so it is as good as unsigned
	case dnssec.Bogus:
		return forged(lookup.TypeDNSKEY, found)
	}
	for _, t := range []lookup.Type{lookup.TypeSOA, lookup.TypeZONEMD} {
		if found := v.Verify(at[t], apex, keys); found.Status != dnssec.Secure {
			return forged(t, found)
		}
	}
	return nil
}

// checkDigest holds a zone from a file against its ZONEMD. Whoever has the file need not
// prove who has signed it. A digest of a kind that is not known here is none (RFC 8976 4).
func checkDigest(zone *zones.Zone, z config.Zone) error {
	if z.ZONEMD == config.ZONEMDIgnore {
		return nil
	}
	err := dnssec.ErrNoZONEMD // as nearly all have none, and to check takes all of the zone
	if m := zone.Find(zone.Apex(), lookup.TypeZONEMD); m.Kind == zones.Answer {
		err = dnssec.CheckZONEMD(zone.Apex(), zone.All())
	}
	if z.ZONEMD == config.ZONEMDRequire && err != nil || errors.Is(err, dnssec.ErrZONEMDMismatch) {
		return fmt.Errorf("%s: %w (zonemd: ignore has it served all the same)", z.File, err)
	}
	return nil
}

func forged(t lookup.Type, found dnssec.Result) error {
	return fmt.Errorf("its %s is bogus: EDE %s", t, found.EDE)
}

// trusted is the trust anchors that count now; none when nothing is validated.
func (p *parts) trusted() *anchors.Set {
	if p.anchors == nil {
		return &anchors.Set{}
	}
	return p.anchors.Set()
}
