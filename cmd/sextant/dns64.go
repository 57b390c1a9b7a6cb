package main

import (
	"net/netip"
	"slices"

	"github.com/sextant-dns/sextant/config"
	"github.com/sextant-dns/sextant/dns64"
	"github.com/sextant-dns/sextant/lookup"
)

// dns64Options is a view's policy in the words of package dns64.
func dns64Options(c config.DNS64) dns64.Options {
	o := dns64.Options{
		Default:      dns64Rule(c, config.NameRule{Mode: c.Mode, HideA: c.HideA}),
		Exclude:      c.ExcludeAAAA,
		MixedAsEmpty: c.PartialExclusion == config.PartialSynthesize,
		SynthesizeCD: c.CheckingDisabled == config.CDSynthesize,
		DiscoveryTTL: c.DiscoveryTTL,
		NAT64Name:    c.NAT64Name,
	}
	for _, n := range c.Names {
		o.Rules = append(o.Rules, dns64Rule(c, n))
	}
	switch c.WellKnownPrefix {
	case config.WKP1918:
		o.Bar = dns64.BarWKP1918
	case config.WKPOff:
		o.Bar = dns64.BarOff
	}
	o.Prefixes, o.Ranges = dns64Prefixes(c.Prefixes)
	return o
}

// dns64Rule is the rule for a suffix. What forced mode may hide is the view's to
// say, and means nothing in the other modes.
func dns64Rule(c config.DNS64, n config.NameRule) dns64.Rule {
	r := dns64.Rule{Suffix: n.Suffix}
	switch n.Mode {
	case config.ModeOff:
		r.Mode = dns64.Off
	case config.ModeStandard:
		r.Mode = dns64.Standard
		r.PassRcodes = dns64Rcodes(c.PassRcodes)
	case config.ModeForced:
		r.Mode = dns64.Forced
		r.HideA = n.HideA
		r.HideServices = c.HTTPS == config.HTTPSWithhold
		r.HideNative = c.WhenNoA == config.WhenNoANoData
	}
	return r
}

func dns64Rcodes(names []config.Rcode) []lookup.Rcode {
	codes := map[config.Rcode]lookup.Rcode{
		config.RcodeFORMERR: lookup.FORMERR, config.RcodeSERVFAIL: lookup.SERVFAIL,
		config.RcodeNOTIMP: lookup.NOTIMP, config.RcodeREFUSED: lookup.REFUSED,
	}
	var all []lookup.Rcode
	for _, n := range names {
		all = append(all, codes[n])
	}
	return all
}

// dns64Prefixes parts the prefixes that are for every IPv4 address from those for
// ranges; a range may be named by several entries.
func dns64Prefixes(entries []config.Prefix64) (everywhere []netip.Prefix, ranges []dns64.Range) {
	at := map[netip.Prefix]int{}
	for _, e := range entries {
		if len(e.IPv4) == 0 {
			everywhere = append(everywhere, e.Prefix)
			continue
		}
		for _, v4 := range e.IPv4 {
			i, known := at[v4]
			if !known {
				i = len(ranges)
				at[v4] = i
				ranges = append(ranges, dns64.Range{IPv4: v4})
			}
			if e.Synthesize {
				ranges[i].Prefixes = append(ranges[i].Prefixes, e.Prefix)
			}
		}
	}
	return everywhere, ranges
}

// synthesizes tells whether the policy ever does anything.
func synthesizes(c config.DNS64) bool {
	return c.Mode != config.ModeOff || slices.ContainsFunc(c.Names, func(n config.NameRule) bool { return n.Mode != config.ModeOff })
}
