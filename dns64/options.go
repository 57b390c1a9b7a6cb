package dns64

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/sextant-dns/sextant/lookup"
)

// Options are the policy of one DNS64. The zero value is DNS64 as RFC 6147 has
// it: standard mode for every name, under the well-known prefix.
type Options struct {
	// Prefixes are the Pref64s of every IPv4 address that no Range covers. With
	// several, each A gives as many AAAA. When neither Prefixes nor Ranges name
	// a Pref64 it is WellKnown alone (RFC 6147 5.2).
	Prefixes []netip.Prefix

	// Ranges give parts of the IPv4 space Pref64s of their own, or none
	// (RFC 6147 5.1.7). The longest Range that holds an address decides.
	Ranges []Range

	// Rules choose what happens to a name: of those whose Suffix it ends in, the
	// longest decides. Their order means nothing.
	Rules []Rule

	// Default is the rule for names that no other one covers; its Suffix stays
	// empty.
	Default Rule

	// Bar says which IPv4 addresses the well-known prefix may not carry.
	Bar Bar

	// Exclude are the IPv6 ranges whose AAAA count as absent (RFC 6147 5.1.4).
	// nil means ::ffff:0:0/96 alone; an empty list that is not nil means none.
	Exclude []netip.Prefix

	// MixedAsEmpty treats an AAAA RRset that is only partly excluded as if it
	// were wholly so; by default the rest of it is the answer (RFC 6147 5.1.4).
	MixedAsEmpty bool

	// SynthesizeCD also serves queries with CD=1 and DO=0, of which RFC 6147 5.5
	// does not speak; by default they are passed.
	SynthesizeCD bool

	// DiscoveryTTL is the TTL of what is answered locally for ipv4only.arpa, in
	// seconds: how often hosts look for their Pref64 anew (RFC 7050 5). 0 means
	// 3600; at most 2^31-1 (RFC 2181 8).
	DiscoveryTTL uint32

	// NAT64Name is what the PTR of the well-known addresses in a Pref64 names:
	// the FQDN of the NAT64 (RFC 7050 3.1.1). Empty means that they lead to
	// ipv4only.arpa by way of in-addr.arpa.
	NAT64Name lookup.Name
}

// Range maps IPv4 addresses to Pref64s.
type Range struct {
	IPv4     netip.Prefix   // which addresses; no bit set after its length
	Prefixes []netip.Prefix // empty: they are not synthesized from
}

// Rule says what happens to the names that end in Suffix.
type Rule struct {
	Suffix lookup.Name
	Mode   Mode

	// Prefixes take the place of all Prefixes and Ranges of the Options for
	// these names, when there are any.
	Prefixes []netip.Prefix

	// PassRcodes are the rcodes of an AAAA lookup that go to the client as they
	// are, beside NXDOMAIN that always does. Every other failure counts as an
	// empty answer (RFC 6147 5.1.2). A lookup that ended in an error, a timeout
	// for one, counts as SERVFAIL (RFC 6147 5.1.3). In standard mode only.
	PassRcodes []lookup.Rcode

	// HideA answers A questions NODATA, so that clients have no way around the
	// NAT64. In forced mode only.
	HideA bool

	// HideServices answers HTTPS and SVCB questions NODATA. By default they are
	// passed, ipv6hint and all: hints are never edited (RFC 9460 4.2.1), and
	// clients may follow them past the NAT64. In forced mode only.
	HideServices bool

	// HideNative answers NODATA where there is no A to synthesize from. By
	// default the real AAAA is the answer, and IPv6-only names work. In forced
	// mode only.
	HideNative bool
}

// Mode is how a rule makes AAAA answers.
type Mode uint8

// The modes.
const (
	Standard Mode = iota // synthesize where there is no real AAAA (RFC 6147)
	Forced               // synthesize wherever there is an A, ignoring real AAAA
	Off                  // pass everything
)

// String is the mode as configuration spells it.
func (m Mode) String() string { return enumName("Mode", uint8(m), "standard", "forced", "off") }

// Bar is which IPv4 addresses are kept out of the well-known prefix. The two of
// ipv4only.arpa are never barred there: discovery needs them.
type Bar uint8

// The bars, from the strict to the open.
const (
	BarRFC6052 Bar = iota // every address that is not global (RFC 6052 3.1)
	BarWKP1918            // as above, but RFC 1918 and RFC 6598 addresses pass (draft-ietf-v6ops-nat64-wkp-1918)
	BarOff                // none
)

// String is the bar as configuration spells it.
func (b Bar) String() string { return enumName("Bar", uint8(b), "rfc6052", "wkp1918", "off") }

func enumName(kind string, v uint8, names ...string) string {
	if int(v) < len(names) {
		return names[v]
	}
	return fmt.Sprintf("%s(%d)", kind, v)
}

// maxPrefixes bounds how many AAAA one A can become.
const maxPrefixes = 8

// check tells everything that is wrong, each error with the place where it is.
func (o Options) check() error {
	var errs []error
	errs = append(errs, checkPrefixes("Prefixes", o.Prefixes))
	errs = append(errs, o.checkRanges()...)
	errs = append(errs, o.checkRules()...)
	if o.Bar > BarOff {
		errs = append(errs, fmt.Errorf("no such bar: %s", o.Bar))
	}
	for i, p := range o.Exclude {
		if !p.IsValid() || !p.Addr().Is6() || p.Masked() != p {
			at := fmt.Sprintf("Exclude[%d]", i)
			errs = append(errs, fmt.Errorf("%s: %s is not an IPv6 range", at, p))
		}
	}
	if o.DiscoveryTTL > 1<<31-1 { // RFC 2181 8
		errs = append(errs, fmt.Errorf("DiscoveryTTL: %d is above 2147483647", o.DiscoveryTTL))
	}
	return errors.Join(errs...)
}

func (o Options) checkRanges() (errs []error) {
	seen := map[netip.Prefix]bool{}
	for i, r := range o.Ranges {
		at := fmt.Sprintf("Ranges[%d]", i)
		switch {
		case !r.IPv4.IsValid() || !r.IPv4.Addr().Is4() || r.IPv4.Masked() != r.IPv4:
			errs = append(errs, fmt.Errorf("%s: %s is not an IPv4 range", at, r.IPv4))
		case seen[r.IPv4]:
			errs = append(errs, fmt.Errorf("%s: %s stands here a second time", at, r.IPv4))
		}
		seen[r.IPv4] = true
		errs = append(errs, checkPrefixes(at+".Prefixes", r.Prefixes))
	}
	return errs
}

func (o Options) checkRules() (errs []error) {
	if o.Default.Suffix != "" {
		errs = append(errs, fmt.Errorf("the Default rule has Suffix %s, but it is for all names", o.Default.Suffix))
	}
	errs = append(errs, o.Default.check("Default"))
	seen := map[lookup.Name]bool{}
	for i, r := range o.Rules {
		at := fmt.Sprintf("Rules[%d]", i)
		switch {
		case r.Suffix == "":
			errs = append(errs, fmt.Errorf("%s: has no Suffix; the rule for all names is Default", at))
		case r.Suffix == lookup.Root:
			errs = append(errs, fmt.Errorf("%s: its Suffix is the root; the rule for all names is Default", at))
		case seen[r.Suffix]:
			errs = append(errs, fmt.Errorf("%s: a rule for %s stands here a second time", at, r.Suffix))
		default:
			at += " (" + r.Suffix.String() + ")"
		}
		seen[r.Suffix] = true
		errs = append(errs, r.check(at))
	}
	return errs
}

func (r Rule) check(at string) error {
	errs := []error{checkPrefixes(at+".Prefixes", r.Prefixes)}
	if r.Mode > Off {
		return errors.Join(append(errs, fmt.Errorf("%s: no such mode: %s", at, r.Mode))...)
	}
	needs := func(set bool, field string, mode Mode) {
		if set && r.Mode != mode {
			errs = append(errs, fmt.Errorf("%s: %s needs mode %s, but the mode is %s", at, field, mode, r.Mode))
		}
	}
	needs(r.HideA, "HideA", Forced)
	needs(r.HideServices, "HideServices", Forced)
	needs(r.HideNative, "HideNative", Forced)
	needs(len(r.PassRcodes) > 0, "PassRcodes", Standard)
	if slices.Contains(r.PassRcodes, lookup.NOERROR) {
		errs = append(errs, fmt.Errorf("%s: PassRcodes has NOERROR, which would end synthesis; that is mode off", at))
	}
	return errors.Join(errs...)
}

func checkPrefixes(at string, prefixes []netip.Prefix) error {
	var errs []error
	if len(prefixes) > maxPrefixes {
		errs = append(errs, fmt.Errorf("%s: %d of them; at most %d", at, len(prefixes), maxPrefixes))
	}
	for i, p := range prefixes {
		if err := CheckPrefix(p); err != nil {
			errs = append(errs, fmt.Errorf("%s[%d]: %w", at, i, err))
		} else if slices.Index(prefixes, p) < i {
			errs = append(errs, fmt.Errorf("%s[%d]: %s stands here a second time", at, i, p))
		}
	}
	return errors.Join(errs...)
}

// Warnings tells what New accepts although it will surprise somebody.
func (o Options) Warnings() []string {
	var warnings []string
	m := newMapping(o)
	discovered := m.discovery()
	for _, r := range m.ranges {
		if !slices.Equal(r.Prefixes, discovered) {
			// RFC 7050 5.1: what a host discovered it uses for all of IPv4.
			warnings = append(warnings, fmt.Sprintf("%s maps to %v, but hosts that ask for ipv4only.arpa will use %v for it", r.IPv4, r.Prefixes, discovered))
		}
	}
	return warnings
}
