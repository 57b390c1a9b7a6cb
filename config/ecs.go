package config

import (
	"net/netip"

	"github.com/goccy/go-yaml/ast"

	"github.com/sextant-dns/sextant/lookup"
)

// Send is what servers are told of clients (RFC 7871).
type Send string

// The choices of what servers are told.
const (
	SendNothing Send = "nothing"
	SendClient  Send = "client" // the client's own network
	SendOption  Send = "option" // what the client's EDNS Client Subnet option says
	SendBoth    Send = "both"   // the option if there is one, or else the client's own network
)

// Unwanted is what becomes of a query whose option may not be passed on.
type Unwanted string

// The choices for such queries.
const (
	UnwantedRefuse Unwanted = "refuse" // RFC 7871 7.5
	UnwantedIgnore Unwanted = "ignore"
)

// ECS is what one view tells servers of its clients.
type ECS struct {
	Send     Send
	IPv4Bits int // most that are told
	IPv6Bits int
	NAT64    netip.Prefix // where the NAT64's traffic comes from; the zero Prefix: nothing is known of that
	Networks []ECSNetwork
	Zones    []ECSZone
	Servers  []netip.Prefix // whom alone it is told; empty: all
	Blocks   []netip.Prefix // networks that are in one place each
	Unwanted Unwanted
}

// ECSNetwork is what is told of some clients in place of their own network.
type ECSNetwork struct {
	Clients netip.Prefix
	As      netip.Prefix // the zero Prefix: nothing
}

// ECSZone is what is told for a name and all below it.
type ECSZone struct {
	Name lookup.Name
	Send Send
}

func newECS(s Send) ECS {
	return ECS{Send: s, IPv4Bits: 24, IPv6Bits: 56, Unwanted: UnwantedRefuse} // RFC 7871 11.1
}

// ecs reads a policy. Who writes one wants something told: the clients' own
// networks, unless it says otherwise.
func ecs(e *ECS) reader {
	return func(d *decoder, n ast.Node) {
		*e = newECS(SendClient)
		object(e, e.keys())(d, n)
	}
}

func (e *ECS) keys() keys {
	return keys{
		"send":      value(&e.Send, oneOf(SendNothing, SendClient, SendOption, SendBoth)),
		"ipv4-bits": value(&e.IPv4Bits, integer(1, 32)),
		"ipv6-bits": value(&e.IPv6Bits, integer(1, 128)),
		"nat64":     value(&e.NAT64, network4),
		"networks":  list(&e.Networks, func(n *ECSNetwork) reader { return object(n, n.keys(), "clients") }),
		"zones":     list(&e.Zones, func(z *ECSZone) reader { return object(z, z.keys(), "name", "send") }),
		"servers":   values(&e.Servers, network),
		"blocks":    values(&e.Blocks, network),
		"unwanted":  value(&e.Unwanted, oneOf(UnwantedRefuse, UnwantedIgnore)),
	}
}

func (n *ECSNetwork) keys() keys {
	return keys{
		"clients": value(&n.Clients, network),
		"as":      value(&n.As, network),
	}
}

func (z *ECSZone) keys() keys {
	return keys{
		"name": value(&z.Name, name),
		"send": value(&z.Send, oneOf(SendNothing, SendClient, SendOption, SendBoth)),
	}
}

func (e *ECS) check(d *decoder) {
	unique(d, e.Networks, func(n *ECSNetwork) *netip.Prefix { return &n.Clients })
	unique(d, e.Zones, func(z *ECSZone) *lookup.Name { return &z.Name })
	unique(d, e.Servers, func(p *netip.Prefix) *netip.Prefix { return p })
	unique(d, e.Blocks, func(p *netip.Prefix) *netip.Prefix { return p })
	notEmpty(d, &e.Servers)
	sends := e.Send != SendNothing
	for _, z := range e.Zones {
		sends = sends || z.Send != SendNothing
	}
	if !sends && e.NAT64.IsValid() {
		d.report(&e.NAT64, "says nothing where nothing is sent, expected another send, here or under zones")
	}
}
