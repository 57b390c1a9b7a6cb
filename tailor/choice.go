package tailor

import (
	"net/netip"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/zones"
)

// overBase and overNothing are a memo as a lookup.Choice, where the base has the name and
// type, and where it does not: who hears of it gets an answer, or a denial, and denials are
// for everyone. They are the memo itself, so that it has the same ones each time.
type (
	overBase    memo
	overNothing memo
)

// choice is what is decided for all clients, as those see it who keep the answers; below
// is what the base has. It is nil when all clients are alike and will be.
func (m *memo) choice(below zones.Match) lookup.Choice {
	switch {
	case m.partition == nil && !m.routed:
		return nil
	case below.Kind == zones.Answer:
		return (*overBase)(m)
	}
	return (*overNothing)(m)
}

func (o *overBase) Of(client netip.Addr, subnet netip.Prefix) (int, netip.Prefix, uint8, bool) {
	return (*memo)(o).of(client, subnet, true)
}

func (o *overNothing) Of(client netip.Addr, subnet netip.Prefix) (int, netip.Prefix, uint8, bool) {
	return (*memo)(o).of(client, subnet, false)
}

func (o *overBase) Warm(networks []netip.Prefix)    { (*memo)(o).warm(networks) }
func (o *overNothing) Warm(networks []netip.Prefix) { (*memo)(o).warm(networks) }

// warm is Warm of a lookup.Choice.
func (m *memo) warm(networks []netip.Prefix) {
	if m.partition != nil && m.partition.equal != nil {
		m.partition.equal.Warm(networks)
	}
}

// of is the group of a client if that gets one RRset for sure, and for whom it is. Chance,
// the targets of aliases and denials are not for it to tell.
func (m *memo) of(client netip.Addr, subnet netip.Prefix, base bool) (group int, scope netip.Prefix, wanted uint8, ok bool) {
	if m.chart != m.zone.options.Atlas.now() || m.epoch != m.zone.epoch(m.routed) {
		return 0, scope, 0, false
	}
	who := ClientOf(client, subnet)
	around := netip.Prefix{}
	if m.partition != nil {
		if !who.At.IsValid() {
			return 0, scope, 0, false
		}
		group, around = m.partition.locate(who.At)
	}
	switch a := &m.answers[group]; {
	case a.kind == fromBase && base, a.kind == sets && a.set.Type != lookup.TypeCNAME:
	default:
		return 0, scope, 0, false
	}
	scope, wanted = who.hears(around)
	return group, scope, wanted, true
}
