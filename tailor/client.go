package tailor

import (
	"net/netip"

	"github.com/sextant-dns/sextant/ecs"
	"github.com/sextant-dns/sextant/geo"
)

// Client is whose place decides.
type Client struct {
	// At is the network by which it is decided; the zero Prefix: nobody knows one.
	At netip.Prefix
	// Told is whom the answer is said to be for in place of a network around At, when
	// the client said a subnet that is not it: /0, or a block that is nobody's. The
	// zero Prefix: a network around At.
	Told netip.Prefix
}

// ClientOf is whose place decides what a query is answered with: subnet, which was sent with
// it, else the address that it came from.
func ClientOf(from netip.Addr, subnet netip.Prefix) Client {
	if !subnet.IsValid() {
		return Client{At: source(from)}
	}
	if subnet.Bits() == 0 { // RFC 7871 7.1.2: nothing shall be known of the client
		return Client{At: source(from), Told: subnet}
	}
	// RFC 7871 10 and 11.3: who says an address that is nobody's is answered as who asks.
	if block, ok := ecs.Nobodys(subnet); ok {
		return Client{At: source(from), Told: block}
	}
	return Client{At: subnet.Masked()}
}

// source is the network that has one address only.
func source(client netip.Addr) netip.Prefix {
	client = client.Unmap().WithZone("")
	if !client.IsValid() {
		return netip.Prefix{}
	}
	return netip.PrefixFrom(client, client.BitLen())
}

// hears is what the client is told of an answer that all of around get: Scope and Wanted.
func (c Client) hears(around netip.Prefix) (scope netip.Prefix, wanted uint8) {
	switch {
	case !around.IsValid() || !c.At.IsValid():
		return netip.Prefix{}, 0
	case c.Told.IsValid():
		return c.Told, 0
	case around.Bits() > c.At.Bits(): // RFC 7871 7.2.1: there should have been more
		return c.At, uint8(around.Bits())
	}
	return around, 0
}

// network is the part of at that clients are kept together by, bits long, and how long
// the scope of an answer by it has to be. IPv6 addresses that stand for IPv4 addresses
// are where those are; v4 and v6 are the lengths for each family, 0 for none.
func network(at netip.Prefix, v4, v6 int) (key netip.Prefix, length int) {
	if at.Addr().Is4() {
		return netip.PrefixFrom(at.Addr(), min(v4, at.Bits())).Masked(), v4
	}
	if inner, by, ok := geo.Embedded(at.Addr()); ok && at.Bits() >= by.Bits() {
		start := by.Bits()
		if start == 32 { // RFC 4380 4: the client comes last
			start = 96
		}
		return netip.PrefixFrom(inner, max(0, min(v4, at.Bits()-start))).Masked(), start + v4
	}
	return netip.PrefixFrom(at.Addr(), min(v6, at.Bits())).Masked(), v6
}
