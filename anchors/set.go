package anchors

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
)

// Anchor is where validation begins, or where it ends.
type Anchor struct {
	Zone     lookup.Name
	DS       []dnssec.DS // one of them names a key that has signed the DNSKEY RRset; must not be changed
	Negative bool        // nothing at or below Zone is validated (RFC 7646)
}

// Negative is a name below which nothing is validated (RFC 7646 1.1).
type Negative struct {
	Zone  lookup.Name
	Until time.Time // when it ends; the zero Time: never
}

// over tells whether n has ended.
func (n Negative) over(now time.Time) bool { return !n.Until.IsZero() && !now.Before(n.Until) }

// Set is a set of trust anchors. It is immutable and safe for concurrent use; the
// zero value is empty.
type Set struct {
	zones    map[lookup.Name]entry
	deepest  int // labels of the longest name
	warnings []string
}

// entry is what there is at one name.
type entry struct {
	ds       []dnssec.DS
	usable   bool // one of ds can be checked
	negative *Negative
}

// NewSet makes a Set of DS and DNSKEY RRsets, several for one name if need be, and
// of negative anchors. What is malformed is an error. What the policy does not
// support is in Warnings.
func NewSet(positive []lookup.RRset, negative []Negative, policy dnssec.Policy) (*Set, error) {
	s := &Set{zones: map[lookup.Name]entry{}}
	for _, set := range positive {
		for rdata := range set.Data.All() {
			ds, err := asDS(set.Name, set.Type, rdata)
			if err != nil {
				return nil, fmt.Errorf("trust anchor %s %s: %w", set.Name, set.Type, err)
			}
			if e := s.zones[set.Name]; !slices.Contains(e.ds, ds) {
				e.ds = append(e.ds, ds)
				s.zones[set.Name] = e
			}
		}
	}
	for zone, e := range s.zones {
		usable, why := policy.Usable(e.ds)
		e.usable = len(usable) > 0
		s.zones[zone] = e
		s.judge(zone, e, policy, why)
	}
	for _, n := range negative {
		e := s.zones[n.Zone]
		if e.ds != nil {
			// RFC 7646 3: operators shall not be surprised.
			s.warnf("%s: the negative anchor there puts the trust anchor out of force", n.Zone)
		}
		if e.negative == nil || !e.negative.Until.IsZero() && (n.Until.IsZero() || n.Until.After(e.negative.Until)) {
			e.negative = &n
		}
		s.zones[n.Zone] = e
	}
	for zone := range s.zones {
		s.deepest = max(s.deepest, zone.Labels())
	}
	slices.Sort(s.warnings)
	return s, nil
}

// judge warns of anchors that cannot be checked, so that nothing becomes insecure
// in silence.
func (s *Set) judge(zone lookup.Name, e entry, policy dnssec.Policy, why lookup.EDE) {
	if !e.usable {
		s.warnf("%s: no trust anchor there can be checked (%s); without one above it the zone is insecure", zone, why.Text)
		return
	}
	for _, ds := range e.ds {
		if one, why := policy.Usable([]dnssec.DS{ds}); len(one) == 0 {
			s.warnf("%s: the trust anchor with tag %d cannot be checked (%s)", zone, ds.Tag, why.Text)
		}
	}
}

func (s *Set) warnf(format string, args ...any) {
	s.warnings = append(s.warnings, fmt.Sprintf(format, args...))
}

// Warnings are what an operator should know of anchors that are legal and have no
// effect, in a fixed order.
func (s *Set) Warnings() []string { return slices.Clone(s.warnings) }

// Closest finds the anchor that counts for name: the deepest one at or above it
// (RFC 6840 C.1), of whichever kind; at one name a negative anchor wins over a
// positive one as long as it lasts (RFC 7646 3). ok is false when there is none, and
// nothing speaks for name. It does not allocate.
//
// An anchor none of whose DS can be checked steps back behind one above it. Where
// there is none above it, it is returned, and the zone is insecure, like one with
// such DS records (RFC 4035 5.2, RFC 6840 5.2).
func (s *Set) Closest(name lookup.Name, now time.Time) (a Anchor, ok bool) {
	for name = name.Suffix(s.deepest); ; {
		if e, here := s.zones[name]; here {
			switch {
			case e.negative != nil && !e.negative.over(now):
				return Anchor{Zone: name, Negative: true}, true
			case e.usable:
				return Anchor{Zone: name, DS: e.ds}, true
			case e.ds != nil && !ok:
				a, ok = Anchor{Zone: name, DS: e.ds}, true
			}
		}
		above, more := name.Parent()
		if !more {
			return a, ok
		}
		name = above
	}
}

// Trusts tells whether the key of zone that has this tag is trusted there.
func (s *Set) Trusts(zone lookup.Name, tag uint16) bool {
	return slices.ContainsFunc(s.zones[zone].ds, func(ds dnssec.DS) bool { return ds.Tag == tag })
}

// Without is the set without the negative anchor at zone: it tells whether the
// anchor is still needed.
func (s *Set) Without(zone lookup.Name) *Set {
	e, ok := s.zones[zone]
	if !ok || e.negative == nil {
		return s
	}
	other := &Set{zones: make(map[lookup.Name]entry, len(s.zones)), deepest: s.deepest, warnings: s.warnings}
	for name, e := range s.zones {
		other.zones[name] = e
	}
	e.negative = nil
	other.zones[zone] = e
	return other
}

// String is the set for people, a line for each anchor, in canonical order.
func (s *Set) String() string {
	var lines []string
	for _, zone := range slices.SortedFunc(maps.Keys(s.zones), lookup.Name.Compare) {
		e := s.zones[zone]
		for _, ds := range e.ds {
			lines = append(lines, fmt.Sprintf("%s DS %d %d %d %x", zone, ds.Tag, ds.Algorithm, ds.Type, ds.Digest))
		}
		if n := e.negative; n != nil && n.Until.IsZero() {
			lines = append(lines, fmt.Sprintf("%s negative", zone))
		} else if n != nil {
			lines = append(lines, fmt.Sprintf("%s negative until %s", zone, n.Until.UTC().Format(time.RFC3339)))
		}
	}
	return strings.Join(lines, "\n")
}
