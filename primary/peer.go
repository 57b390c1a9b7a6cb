package primary

import (
	"net/netip"
	"slices"

	"github.com/sextant-dns/sextant/lookup"
)

// Peer is a server that may do something.
type Peer struct {
	Network netip.Prefix // where it is; the zero Prefix: anywhere
	Key     lookup.Name  // that it must have signed with; "": none, or any
}

// is tells whether who is at the address and has signed with the key is the peer.
func (p Peer) is(from netip.Addr, key lookup.Name) bool {
	return (!p.Network.IsValid() || p.Network.Contains(from)) && (p.Key == "" || p.Key == key)
}

// allowed tells whether one of the peers is the one.
func allowed(peers []Peer, from netip.Addr, key lookup.Name) bool {
	return slices.ContainsFunc(peers, func(p Peer) bool { return p.is(from, key) })
}
