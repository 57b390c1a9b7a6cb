package main

import (
	"net/netip"
	"reflect"
	"testing"

	"github.com/sextant-dns/sextant/dns64"
	"github.com/sextant-dns/sextant/lookup"
)

// Each key of the configuration reaches the part of the policy that it speaks of.
func TestDNS64KeysBecomeAPolicy(t *testing.T) {
	t.Parallel()
	c := parsed(t, `
dns64:
  mode: standard
  prefixes:
    - "2001:db8:64::/96"
    - {prefix: "2001:db8:65::/96", ipv4: [10.0.0.0/8, 172.16.0.0/12]}
    - {prefix: "2001:db8:66::/96", ipv4: [10.0.0.0/8]}
    - {ipv4: [198.18.0.0/15], synthesize: false}
  exclude-aaaa: ["2001:db8:bad::/48"]
  partial-exclusion: synthesize
  well-known-prefix: wkp1918
  checking-disabled: synthesize
  pass-rcodes: [refused]
  discovery-ttl: 7200
  nat64-name: nat64.example
  hide-a: true
  https: withhold
  when-no-a: nodata
  names:
    - {suffix: lab.example, mode: forced}
    - {suffix: open.lab.example, mode: forced, hide-a: false}
    - {suffix: vpn.example, mode: off}
`)
	prefix := netip.MustParsePrefix
	want := dns64.Options{
		Prefixes: []netip.Prefix{prefix("2001:db8:64::/96")},
		Ranges: []dns64.Range{
			{IPv4: prefix("10.0.0.0/8"), Prefixes: []netip.Prefix{prefix("2001:db8:65::/96"), prefix("2001:db8:66::/96")}},
			{IPv4: prefix("172.16.0.0/12"), Prefixes: []netip.Prefix{prefix("2001:db8:65::/96")}},
			{IPv4: prefix("198.18.0.0/15")},
		},
		Default: dns64.Rule{Mode: dns64.Standard, PassRcodes: []lookup.Rcode{lookup.REFUSED}},
		Rules: []dns64.Rule{
			{Suffix: lookup.MustName("lab.example."), Mode: dns64.Forced, HideA: true, HideServices: true, HideNative: true},
			{Suffix: lookup.MustName("open.lab.example."), Mode: dns64.Forced, HideServices: true, HideNative: true},
			{Suffix: lookup.MustName("vpn.example."), Mode: dns64.Off},
		},
		Bar:          dns64.BarWKP1918,
		Exclude:      []netip.Prefix{prefix("2001:db8:bad::/48")},
		MixedAsEmpty: true,
		SynthesizeCD: true,
		DiscoveryTTL: 7200,
		NAT64Name:    lookup.MustName("nat64.example."),
	}
	if got := dns64Options(c.Views[0].DNS64); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if _, err := dns64.New(nil, want); err != nil {
		t.Errorf("the policy is refused: %v", err)
	}
}

func TestTheDefaultPolicyIsThatOfRFC6147(t *testing.T) {
	t.Parallel()
	got := dns64Options(parsed(t, "dns64: {}").Views[0].DNS64)
	if len(got.Prefixes) != 1 || got.Prefixes[0] != dns64.WellKnown || got.Default.Mode != dns64.Standard || got.Bar != dns64.BarRFC6052 {
		t.Errorf("got %+v", got)
	}
}
