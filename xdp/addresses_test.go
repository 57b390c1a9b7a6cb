package xdp

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func TestOnlyWhatTheHostHasIsTaken(t *testing.T) {
	t.Parallel()
	const lo, eth0, eth1, vlan100 = 1, 2, 3, 4
	has := []address{
		{netip.MustParseAddr("127.0.0.1"), lo}, {netip.MustParseAddr("::1"), lo},
		{netip.MustParseAddr("203.0.113.53"), lo}, // of anycast
		{netip.MustParseAddr("192.0.2.53"), eth0}, {netip.MustParseAddr("2001:db8::53"), eth0}, {netip.MustParseAddr("fe80::1"), eth0},
		{netip.MustParseAddr("192.0.2.129"), eth1},
		{netip.MustParseAddr("198.51.100.53"), vlan100},
	}
	plain, tagged := has[:len(has)-1], has
	for name, c := range map[string]struct {
		listens string
		has     []address
		vlans   map[int]uint16
		want    string
	}{
		"one address":                 {"192.0.2.53:53", plain, nil, "192.0.2.53:53/0"},
		"two ports":                   {"192.0.2.53:53 192.0.2.53:5353", plain, nil, "192.0.2.53:53/0 192.0.2.53:5353/0"},
		"an address that has gone":    {"192.0.2.54:53", plain, nil, ""},
		"all of IPv4":                 {"0.0.0.0:53", plain, nil, "192.0.2.129:53/0 192.0.2.53:53/0 203.0.113.53:53/0"},
		"all of IPv6, not link-local": {"[::]:53", plain, nil, "[2001:db8::53]:53/0"},
		"anycast":                     {"203.0.113.53:53", plain, nil, "203.0.113.53:53/0"},
		"loopback":                    {"127.0.0.1:53 [::1]:53", plain, nil, ""},
		"mapped":                      {"192.0.2.53:53", []address{{netip.MustParseAddr("::ffff:192.0.2.53"), eth0}}, nil, "192.0.2.53:53/0"},
		// A reply that leaves without its tag would go astray.
		"VLAN":                         {"0.0.0.0:53", tagged, map[int]uint16{vlan100: 100}, "192.0.2.53:53/0 198.51.100.53:53/100"},
		"anycast, where there are any": {"203.0.113.53:53", tagged, map[int]uint16{vlan100: 100}, ""},
	} {
		var listens []netip.AddrPort
		for _, l := range strings.Fields(c.listens) {
			listens = append(listens, netip.MustParseAddrPort(l))
		}
		var got []string
		for k := range maps.Keys(wanted(listens, c.has, eth0, c.vlans)) {
			got = append(got, fmt.Sprintf("%v/%d", k.at, k.vlan))
		}
		slices.Sort(got)
		want := strings.Fields(c.want)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}
