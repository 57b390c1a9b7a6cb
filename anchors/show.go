package anchors

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
)

// What operators get to see.

// Standing is a name with trust anchors, and what they are worth there.
type Standing struct {
	Zone     lookup.Name
	DS       []dnssec.DS // must not be changed
	Usable   bool        // one of them can be checked
	Negative bool        // a negative anchor at the same name puts them out of force
}

// Counts tells whether the name is where validation begins for what is below it.
func (s Standing) Counts() bool { return s.Usable && !s.Negative }

// Standings are the names with trust anchors and how they stand now, in canonical
// order.
func (s *Set) Standings(now time.Time) []Standing {
	var all []Standing
	for _, zone := range slices.SortedFunc(maps.Keys(s.zones), lookup.Name.Compare) {
		if e := s.zones[zone]; e.ds != nil {
			all = append(all, Standing{Zone: zone, DS: e.ds, Usable: e.usable, Negative: e.negative != nil && !e.negative.over(now)})
		}
	}
	return all
}

// Tag is the key tag (RFC 4034 B), without the REVOKE bit: by that it is known.
func (k Key) Tag() uint16 { return k.ds(lookup.Root).Tag }

// Algorithm is that of the key.
func (k Key) Algorithm() dnssec.Algorithm { return k.ds(lookup.Root).Algorithm }

// TrustedFrom is when a key in AddPend becomes a trust anchor, if it is seen then; the
// zero Time in all other states.
func (k Key) TrustedFrom(t Timing) time.Time {
	if k.State != AddPend {
		return time.Time{}
	}
	return k.Changed.Add(t.holdDown(k))
}

// holdDown is the add hold-down time of k: also so long that a cached copy of the
// set in which it was first seen has expired (RFC 5011 2.4.1).
func (t Timing) holdDown(k Key) time.Duration {
	return max(cmp.Or(t.AddHoldDown, 30*day), time.Duration(k.TTL)*time.Second)
}
