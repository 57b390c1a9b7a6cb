package ecs

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/sextant-dns/sextant/lookup"
)

// Send is which networks servers are told.
type Send uint8

// What can be told. The zero value is nothing (RFC 7871 11.3).
const (
	SendNothing  Send = iota
	SendAddress       // the client's own; an option can make it shorter
	SendOption        // what a client puts into an option, be it its own or another's
	SendAnything      // the option if there is one, or else the client's own
)

// Options are what a Policy is made of. The zero value tells nobody anything.
type Options struct {
	Send  Send
	Zones []Zone // names for which something else holds than Send; the longest counts

	// Networks are clients of which something else is told than their own address;
	// the longest counts (RFC 7871 10).
	Networks []Network

	// NAT64 is where the traffic of clients behind the NAT64 comes from: it is told
	// when A records are looked up to synthesise AAAA from. The zero Prefix: the
	// client's own.
	NAT64 netip.Prefix

	Servers []netip.Prefix // whom alone it is told; empty: all
	Types   []lookup.Type  // for which alone it is told; empty: A, AAAA, SVCB and HTTPS

	Bits4, Bits6 int // most that are told, and kept apart in caches; default 24 and 56 (RFC 7871 11.1)

	// Blocks are networks all of whose addresses are in one place: no more of them is
	// told than their own length (RFC 7871 11.1).
	Blocks []netip.Prefix

	// Ignore overlooks an option that may not be passed on, in place of a refusal
	// (RFC 7871 7.5).
	Ignore bool

	// Withheld are the networks of which nothing is told unless Networks say what;
	// nil: SpecialPurpose().
	Withheld []netip.Prefix
}

// Zone says what is told for a name and all below it.
type Zone struct {
	Name lookup.Name
	Send Send
}

// Network says what is told of the clients in it.
type Network struct {
	Clients netip.Prefix
	As      netip.Prefix // in place of their own addresses; the zero Prefix: nothing is told of them
}

// Reason is why something is told or not, in a few words.
type Reason string

// The reasons.
const (
	BecauseOff         Reason = "not sent for this name"
	BecauseType        Reason = "not sent for this type"
	BecauseOptOut      Reason = "the client wants nothing told"
	BecauseNobody      Reason = "no client asks"
	BecauseNoOption    Reason = "the client sent no option"
	BecauseNetwork     Reason = "not sent for this client's network"
	BecausePrivate     Reason = "the client's address means nothing on the Internet"
	BecauseForeign     Reason = "the option is about others than who sent it"
	BecauseDelegating  Reason = "the zone only delegates"
	BecauseServer      Reason = "not sent to this server"
	BecauseNoSupport   Reason = "the server makes nothing of it"
	BecauseRetry       Reason = "the server has not replied to an option, or not to EDNS"
	BecauseOwn         Reason = "the client's own network"
	BecauseOption      Reason = "the network that the client's option tells"
	BecauseSubstituted Reason = "the network that this client's traffic leaves from"
	BecauseNAT64       Reason = "the network that the NAT64's traffic leaves from"
)

// Policy decides what servers are told of clients. It is immutable and safe for
// concurrent use. A nil *Policy tells nobody anything.
type Policy struct {
	options Options
	borders []netip.Prefix // inside each of these something else may be told than around it
}

// NewPolicy checks the options and makes a Policy of them. The options are not
// kept.
func NewPolicy(o Options) (*Policy, error) {
	if o.Bits4 == 0 {
		o.Bits4 = 24
	}
	if o.Bits6 == 0 {
		o.Bits6 = 56
	}
	if o.Withheld == nil {
		o.Withheld = SpecialPurpose()
	}
	if len(o.Types) == 0 {
		o.Types = []lookup.Type{lookup.TypeA, lookup.TypeAAAA, lookup.TypeSVCB, lookup.TypeHTTPS}
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	o.Zones, o.Networks, o.Types = slices.Clone(o.Zones), slices.Clone(o.Networks), slices.Clone(o.Types)
	o.Servers, o.Blocks, o.Withheld = masked(o.Servers), masked(o.Blocks), masked(o.Withheld)
	p := &Policy{options: o, borders: slices.Clone(o.Withheld)}
	for i := range o.Networks {
		n := &o.Networks[i]
		n.Clients = n.Clients.Masked()
		p.borders = append(p.borders, n.Clients)
	}
	return p, nil
}

func masked(networks []netip.Prefix) []netip.Prefix {
	all := make([]netip.Prefix, len(networks))
	for i, n := range networks {
		all[i] = n.Masked()
	}
	return all
}

func (o Options) check() error {
	switch {
	case o.Send > SendAnything:
		return fmt.Errorf("ecs: unknown choice %d of what to send", o.Send)
	case o.Bits4 < 1 || o.Bits4 > 32:
		return fmt.Errorf("ecs: %d bits of an IPv4 address, want 1 to 32", o.Bits4)
	case o.Bits6 < 1 || o.Bits6 > 128:
		return fmt.Errorf("ecs: %d bits of an IPv6 address, want 1 to 128", o.Bits6)
	case o.NAT64.IsValid() && (!o.NAT64.Addr().Is4() || covered(o.Withheld, o.NAT64.Masked())):
		return fmt.Errorf("ecs: %s is no public IPv4 network that a NAT64's traffic could leave from", o.NAT64)
	}
	for _, n := range o.Networks {
		switch {
		case !n.Clients.IsValid():
			return fmt.Errorf("ecs: a network without an address")
		case n.As.IsValid() && (n.As.Bits() == 0 || covered(o.Withheld, n.As.Masked())):
			return fmt.Errorf("ecs: %s is no public network that the traffic of %s could leave from", n.As, n.Clients)
		}
	}
	for _, list := range [...][]netip.Prefix{o.Servers, o.Blocks, o.Withheld} {
		if slices.ContainsFunc(list, func(n netip.Prefix) bool { return !n.IsValid() }) {
			return fmt.Errorf("ecs: a network without an address")
		}
	}
	for _, z := range o.Zones {
		if z.Name == "" || z.Send > SendAnything {
			return fmt.Errorf("ecs: zone %q with choice %d of what to send", z.Name, z.Send)
		}
	}
	return nil
}

// On tells whether anything is ever told.
func (p *Policy) On() bool {
	return p != nil && (p.options.Send != SendNothing ||
		slices.ContainsFunc(p.options.Zones, func(z Zone) bool { return z.Send != SendNothing }))
}

// Most is the longest length that is told of an address of that family, and so
// the longest that is kept apart in caches (RFC 7871 11.3).
func (p *Policy) Most(addr netip.Addr) int {
	if addr.Is4() {
		return p.options.Bits4
	}
	return p.options.Bits6
}

// Send is what is told to server, which is asked about q because it serves zone:
// the zero Prefix for nothing; and why.
func (p *Policy) Send(q lookup.Query, zone lookup.Name, server netip.Addr) (netip.Prefix, Reason) {
	a := p.Audience(q)
	if !a.Subnet.IsValid() {
		return netip.Prefix{}, a.Why
	}
	if why, ok := p.Trusts(zone, server); !ok {
		return netip.Prefix{}, why
	}
	return a.Subnet, a.Why
}

// Trusts tells whether server, which is asked because it serves zone, may be told
// anything of anybody. The zone is "" when server is a resolver that queries are
// forwarded to, whatever they are about.
func (p *Policy) Trusts(zone lookup.Name, server netip.Addr) (why Reason, ok bool) {
	switch {
	case !p.On():
		return BecauseOff, false
	case zone != "" && IsDelegating(zone):
		return BecauseDelegating, false
	case len(p.options.Servers) > 0 && !covered(p.options.Servers, host(server)):
		return BecauseServer, false
	}
	return "", true
}

// sends is what is told for name.
func (p *Policy) sends(name lookup.Name) Send {
	send, labels := p.options.Send, -1
	for _, z := range p.options.Zones {
		if n := z.Name.Labels(); n > labels && name.IsSubdomainOf(z.Name) {
			send, labels = z.Send, n
		}
	}
	return send
}

// host is the network of one address.
func host(addr netip.Addr) netip.Prefix {
	addr = addr.Unmap().WithZone("")
	return netip.PrefixFrom(addr, addr.BitLen())
}
