package config

import (
	"slices"
	"strings"
	"testing"
)

func TestListenNamesInterfaces(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		listen string
		links  []string
	}{
		"listen: xdp:eth0":                                      {"0.0.0.0:53 [::]:53", []string{"eth0"}},
		"listen: [xdp:eth0, xdp:enp1s0f0.7]":                    {"0.0.0.0:53 [::]:53", []string{"eth0", "enp1s0f0.7"}},
		"listen: [192.0.2.53, xdp:eth0, \"[2001:db8::53]:54\"]": {"192.0.2.53:53 [2001:db8::53]:54", []string{"eth0"}},
		"listen: [192.0.2.53]":                                  {"192.0.2.53:53", nil},
		"listen:\n  - \"xdp:eth0\"\n  - 192.0.2.53:5353":        {"192.0.2.53:5353", []string{"eth0"}},
		"{}": {"127.0.0.1:5300 [::1]:5300", nil},
	} {
		c := mustParse(t, "x.yaml", text)
		var listen []string
		for _, a := range c.Listen {
			listen = append(listen, a.String())
		}
		if strings.Join(listen, " ") != want.listen || !slices.Equal(c.XDP.Interfaces, want.links) || c.XDP.Mode != XDPAuto || c.XDP.Queues != 0 {
			t.Errorf("%s: %v, %+v", text, listen, c.XDP)
		}
	}
	c := mustParse(t, "x.yaml", "listen: xdp:eth0\nxdp: { mode: generic, queues: 4 }")
	if c.XDP.Mode != XDPGeneric || c.XDP.Queues != 4 {
		t.Errorf("got %+v", c.XDP)
	}
}

func TestListenRefusesWhatIsNoInterface(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"listen: [\"xdp:\"]":                       `found "xdp:", expected the name of a network interface`,
		"listen: [xdp:a-name-too-long-by-one]":     "expected the name of a network interface",
		"listen: [xdp:../eth0]":                    "expected the name of a network interface",
		"listen: [xdp:eth0, 192.0.2.1, xdp:eth0]":  "listen[2]: xdp:eth0 was given before, on line 1",
		"listen: [xdp:eth0, 192.0.2.1, 192.0.2.1]": "listen[2]: 192.0.2.1:53 was given before, on line 1",
		"listen: []":                              "an empty list, expected at least one entry",
		"listen: 192.0.2.1":                       "expected a list",
		"listen: [eth0]":                          "expected an IP address and port",
		"xdp: { mode: native }":                   "xdp: says nothing without an interface, expected one in listen, such as xdp:eth0",
		"listen: xdp:eth0\nxdp: { mode: driver }": "xdp.mode: found \"driver\", expected auto, native or generic",
		"listen: xdp:eth0\nxdp: { queues: 1000 }": "xdp.queues: found 1000, expected a whole number from 0 to 256",
		"listen: xdp:eth0\nmetrics: 127.0.0.1:53": "is also where queries are listened for (0.0.0.0:53)",
		"listen: [xdp:eth0, 192.0.2.1:x]":         "listen[1]",
	} {
		if _, err := Parse("x.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}
