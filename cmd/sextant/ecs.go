package main

import (
	"github.com/sextant-dns/sextant/config"
	"github.com/sextant-dns/sextant/ecs"
)

// ecsOptions is what a view tells of its clients, in the words of package ecs.
func ecsOptions(c config.ECS) ecs.Options {
	o := ecs.Options{
		Send:    ecsSend(c.Send),
		Bits4:   c.IPv4Bits,
		Bits6:   c.IPv6Bits,
		NAT64:   c.NAT64,
		Servers: c.Servers,
		Blocks:  c.Blocks,
		Ignore:  c.Unwanted == config.UnwantedIgnore,
	}
	for _, n := range c.Networks {
		o.Networks = append(o.Networks, ecs.Network{Clients: n.Clients, As: n.As})
	}
	for _, z := range c.Zones {
		o.Zones = append(o.Zones, ecs.Zone{Name: z.Name, Send: ecsSend(z.Send)})
	}
	return o
}

func ecsSend(s config.Send) ecs.Send {
	return map[config.Send]ecs.Send{
		config.SendClient: ecs.SendAddress,
		config.SendOption: ecs.SendOption,
		config.SendBoth:   ecs.SendAnything,
	}[s]
}
