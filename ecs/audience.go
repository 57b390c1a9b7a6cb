package ecs

import (
	"math/bits"
	"net/netip"
	"slices"

	"github.com/sextant-dns/sextant/lookup"
)

// Audience is what may be told of whoever asks, and whom it stands for. It is
// comparable.
type Audience struct {
	Subnet netip.Prefix // what servers may be told; the zero Prefix: nothing
	Why    Reason

	// Refused says that the client's option may not be passed on and that the query
	// is to be refused for it (RFC 7871 7.5).
	Refused bool

	// group is whom an answer that was got so is good for, when that is not for the
	// authorities to say: Subnet is empty, or is not part of the client's address.
	// The zero Prefix: everyone who shares the policy.
	group netip.Prefix
	alien bool // Subnet is not part of the client's address
}

// Audience is what p makes of who asks q.
func (p *Policy) Audience(q lookup.Query) Audience {
	if !p.On() {
		return Audience{Why: BecauseOff}
	}
	send := p.sends(q.Name)
	switch {
	case q.Class != lookup.ClassIN || !slices.Contains(p.options.Types, q.Type):
		return Audience{Why: BecauseType}
	case send == SendNothing:
		return Audience{Why: BecauseOff}
	case q.Subnet.IsValid() && q.Subnet.Bits() == 0: // RFC 7871 7.1.2 and 7.5
		return Audience{Why: BecauseOptOut, group: q.Subnet}
	case q.NAT64 && p.options.NAT64.IsValid():
		return Audience{Why: BecauseNAT64, Subnet: p.shortened(p.options.NAT64, p.options.NAT64.Bits()), alien: true}
	}
	client := q.Client.Unmap().WithZone("")
	switch own := client.IsValid() && q.Subnet.IsValid() && q.Subnet.Contains(client); {
	case own || !q.Subnet.IsValid() && client.IsValid():
		a := Audience{Why: BecauseOwn}
		limit := client.BitLen()
		if own {
			limit = q.Subnet.Bits() // RFC 7871 7.1.1: the shorter of the two
		} else if send == SendOption {
			return Audience{Why: BecauseNoOption, group: host(client)}
		}
		return p.placed(a, host(client), limit)
	case !client.IsValid() && !q.Subnet.IsValid():
		return Audience{Why: BecauseNobody}
	case send == SendAddress:
		return p.unwanted(q, BecauseForeign)
	}
	a := p.placed(Audience{Why: BecauseOption}, q.Subnet, q.Subnet.Bits())
	if !a.Subnet.IsValid() {
		return p.unwanted(q, a.Why)
	}
	return a
}

// placed is a for clients of that network, of which no more than limit bits may be
// told.
func (p *Policy) placed(a Audience, clients netip.Prefix, limit int) Audience {
	rule, found := p.network(clients)
	switch {
	case found && rule.As.IsValid():
		a.Subnet, a.alien, a.Why = p.shortened(rule.As, limit), true, BecauseSubstituted
		a.group = p.around(clients)
		if limit < rule.As.Bits() && limit < p.Most(rule.As.Addr()) {
			a.group = Truncated(clients, limit) // for those who are as shy
		}
	case found:
		a.Why, a.group = BecauseNetwork, p.around(clients)
	case covered(p.options.Withheld, clients):
		a.Why, a.group = BecausePrivate, p.around(clients)
	default:
		if block := longest(p.options.Blocks, clients); block.IsValid() {
			limit = min(limit, block.Bits()) // RFC 7871 11.1
		}
		a.Subnet = p.shortened(clients, limit)
	}
	return a
}

// unwanted is what becomes of a query whose option may not be passed on.
func (p *Policy) unwanted(q lookup.Query, why Reason) Audience {
	return Audience{Why: why, Refused: !p.options.Ignore, group: q.Subnet}
}

// shortened is what of network may be told: RFC 7871 11.3, never more than is
// kept apart in caches.
func (p *Policy) shortened(network netip.Prefix, limit int) netip.Prefix {
	return Truncated(network, min(limit, p.Most(network.Addr())))
}

// network is the rule of the longest network that covers clients.
func (p *Policy) network(clients netip.Prefix) (found Network, ok bool) {
	for _, n := range p.options.Networks {
		if Covers(n.Clients, clients) && (!ok || n.Clients.Bits() > found.Clients.Bits()) {
			found, ok = n, true
		}
	}
	return found, ok
}

// around is the widest network around clients in which the policy makes no
// difference.
func (p *Policy) around(clients netip.Prefix) netip.Prefix {
	outer := longest(p.borders, clients)
	length := max(outer.Bits(), 0)
	for _, border := range p.borders {
		if border.Bits() > length && border.Addr().Is4() == clients.Addr().Is4() && !Covers(border, clients) {
			length = max(length, min(common(border.Addr(), clients.Addr())+1, clients.Bits()))
		}
	}
	return Truncated(clients, length)
}

// common counts the leading bits that two addresses of one family share.
func common(a, b netip.Addr) int {
	x, y := a.AsSlice(), b.AsSlice()
	for i := range x {
		if d := x[i] ^ y[i]; d != 0 {
			return 8*i + bits.LeadingZeros8(d)
		}
	}
	return 8 * len(x)
}
