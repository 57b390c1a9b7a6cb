package dns64

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/sextant-dns/sextant/lookup"
)

// rules finds the policy of a name. It is immutable.
type rules struct {
	bySuffix  map[lookup.Name]*Policy
	fallback  *Policy // of names that no rule covers
	maxLabels int     // of the longest suffix
	on        bool    // some mode is not Off
}

func newRules(o Options) rules {
	shared := newMapping(o)
	exclude := &exclusion{ranges: defaultExclude, mixedAsEmpty: o.MixedAsEmpty}
	if o.Exclude != nil {
		exclude.ranges = slices.Clone(o.Exclude)
	}
	policy := func(r Rule) *Policy {
		mapping := shared
		if len(r.Prefixes) > 0 {
			mapping = newMapping(Options{Prefixes: r.Prefixes, Bar: o.Bar})
		}
		return &Policy{Rule: r, mapping: mapping, exclude: exclude}
	}
	rs := rules{bySuffix: map[lookup.Name]*Policy{}, fallback: policy(o.Default), on: o.Default.Mode != Off}
	for _, r := range o.Rules {
		rs.bySuffix[r.Suffix] = policy(r)
		rs.maxLabels = max(rs.maxLabels, r.Suffix.Labels())
		rs.on = rs.on || r.Mode != Off
	}
	return rs
}

// policy is that of the longest suffix of name.
func (rs *rules) policy(name lookup.Name) *Policy {
	for n, ok := name.Suffix(rs.maxLabels), len(rs.bySuffix) > 0; ok; n, ok = n.Parent() {
		if p, found := rs.bySuffix[n]; found {
			return p
		}
	}
	return rs.fallback
}

// arpa is where the names are that a DNS64 answers by itself or rewrites.
var arpa = lookup.MustName("arpa.")

// local tells whether a name below arpa gets what a DNS64 has for it. That does
// not hang on whether the default is Off: the names serve clients of all names.
// A rule that means them switches it off.
func (rs *rules) local(name lookup.Name) bool {
	p := rs.policy(name)
	return rs.on && (p.Mode != Off || !p.Suffix.IsSubdomainOf(arpa))
}

// prefixes is every Pref64 in use and the well-known one, the longest first
// (RFC 6147 5.3.1).
func (rs *rules) prefixes() []netip.Prefix {
	all := append(rs.fallback.mapping.all(), WellKnown)
	for _, p := range rs.bySuffix {
		all = append(all, p.mapping.all()...)
	}
	slices.SortFunc(all, func(a, b netip.Prefix) int {
		return cmp.Or(cmp.Compare(b.Bits(), a.Bits()), a.Addr().Compare(b.Addr()))
	})
	return slices.Compact(all)
}
