package xdp

import "net/netip"

// address is one that the host has, and on which of its interfaces.
type address struct {
	addr  netip.Addr
	index int
}

// taken is an address and port on a VLAN, 0 being none, whose queries are taken.
type taken struct {
	at   netip.AddrPort
	vlan uint16
}

// wanted is what is to be taken from the interface with that index: what sockets listen
// on, as far as the host has it. vlans are the VLANs of the interface, by the index of
// the interface that the system has for each.
//
// An address of the interface itself is asked for without a tag, one of a VLAN with its
// tag. Other addresses of the host, those of anycast services on lo for one, are answered
// too, but not where there are VLANs: hardware may have taken a tag away before the
// program sees the frame, and the reply would leave without it.
func wanted(listens []netip.AddrPort, has []address, index int, vlans map[int]uint16) map[taken]struct{} {
	all := map[taken]struct{}{}
	for _, a := range has {
		addr := a.addr.Unmap().WithZone("")
		vlan, tagged := vlans[a.index]
		switch {
		case !ofHost(addr) || addr.IsLinkLocalUnicast(): // which may be another host's on another link
			continue
		case a.index != index && !tagged && len(vlans) > 0:
			continue
		}
		for _, l := range listens {
			if l.Addr() == addr || l.Addr().IsUnspecified() && l.Addr().Is4() == addr.Is4() {
				all[taken{netip.AddrPortFrom(addr, l.Port()), vlan}] = struct{}{}
			}
		}
	}
	return all
}
