package main

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/sextant-dns/sextant/config"
	"github.com/sextant-dns/sextant/ecs"
	"github.com/sextant-dns/sextant/lookup"
)

func TestECSOptionsAreThoseOfTheFile(t *testing.T) {
	t.Parallel()
	c := parsed(t, `
ecs:
  send: both
  ipv4-bits: 20
  ipv6-bits: 48
  nat64: 9.64.0.0/24
  networks:
    - { clients: 10.0.0.0/8, as: 9.1.0.0/16 }
    - { clients: 10.9.0.0/16 }
  zones: [{ name: example.com, send: nothing }, { name: example.org, send: option }]
  servers: [9.53.0.0/16]
  blocks: [9.8.0.0/20]
  unwanted: ignore
`)
	want := ecs.Options{
		Send: ecs.SendAnything, Bits4: 20, Bits6: 48, NAT64: netip.MustParsePrefix("9.64.0.0/24"), Ignore: true,
		Networks: []ecs.Network{{Clients: netip.MustParsePrefix("10.0.0.0/8"), As: netip.MustParsePrefix("9.1.0.0/16")}, {Clients: netip.MustParsePrefix("10.9.0.0/16")}},
		Zones:    []ecs.Zone{{Name: lookup.MustName("example.com."), Send: ecs.SendNothing}, {Name: lookup.MustName("example.org."), Send: ecs.SendOption}},
		Servers:  []netip.Prefix{netip.MustParsePrefix("9.53.0.0/16")}, Blocks: []netip.Prefix{netip.MustParsePrefix("9.8.0.0/20")},
	}
	if got := ecsOptions(c.Views[0].ECS); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	for text, on := range map[string]bool{"{}": false, "ecs: {}": true, "ecs: { send: nothing }": false, "ecs: { send: option }": true} {
		p, err := ecs.NewPolicy(ecsOptions(parsed(t, text).Views[0].ECS))
		if err != nil || p.On() != on {
			t.Errorf("%s: on %v, %v", text, p.On(), err)
		}
	}
}

func TestANetworkThatIsNotPublicIsAnErrorAtTheStart(t *testing.T) {
	t.Parallel()
	c := parsed(t, "ecs: { networks: [{ clients: 10.0.0.0/8, as: 192.168.0.0/16 }] }")
	if _, err := build(c, wiring{}); err == nil || !strings.Contains(err.Error(), "view default: ecs: 192.168.0.0/16 is no public network") {
		t.Errorf("got %v", err)
	}
	c = config.Default()
	if _, err := build(c, wiring{}); err != nil {
		t.Error(err)
	}
}
