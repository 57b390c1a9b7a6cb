package tailor

import (
	"net/netip"
	"sync/atomic"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/overlay"
	"github.com/sextant-dns/sextant/zones"
)

// Finding is what a Zone has for a name, type and client.
type Finding struct {
	// Match is as zones.Zone.Find has it. It is of the kind Outside when Alias is set.
	zones.Match

	// Scope and Wanted are those of lookup.Response. The zero Prefix is everyone;
	// negative answers and referrals have no other (RFC 7871 7.4).
	Scope  netip.Prefix
	Wanted uint8

	// Draw tells that chance took part: another query may get another answer.
	Draw bool
	// Uncacheable tells that our own caches must not keep the answer, for Scope does not
	// tell all of it: chance took part, or the client's own address did beside the
	// subnet that it said, or others are answered although this one is denied.
	Uncacheable bool

	// Layered tells that the overlay took part, so that proofs of the base are none.
	Layered bool

	// Counter counts answers like this one in Options.Tally, and is for whoever gives it
	// to a client; nil: nobody counts.
	Counter *atomic.Uint64

	// Alias is set when the answer is the addresses of its target.
	Alias *overlay.Alias

	// Choice tells which groups of clients there are whose answers are the same but for
	// Scope and Wanted; nil: there is one, or there is no telling.
	Choice lookup.Choice

	// Because is why; it is of use only when Layered is set.
	Because Because
}

// Find tells what the zone has for name and type as client hears it. It is
// zones.Zone.Find over the names of both layers, and follows nothing. It allocates
// nothing once it has been asked for the name and type under the present state of
// health, apart from several sites that chance picks.
func (z *Zone) Find(name lookup.Name, t lookup.Type, client Client) Finding {
	below := z.base.Find(name, t)
	if below.Kind == zones.Outside {
		return Finding{Match: below}
	}
	n, exact := z.nodes[name]
	stopped := below.Kind == zones.Delegation || below.Kind == zones.DNAME
	switch {
	case stopped && exact && n.views:
		if f := z.at(n, t, client, zones.Match{Kind: zones.NoData, Encloser: name}); f.Because.hides() {
			return f
		}
		return Finding{Match: below}
	case stopped:
		return Finding{Match: below}
	case exact:
		if len(below.Encloser) != len(name) { // the base does not have it, or only a wildcard
			below = zones.Match{Kind: zones.NoData, Encloser: name}
		}
		if len(n.candidates) == 0 { // an empty non-terminal (RFC 4592 2.2.2)
			return Finding{Match: below, Layered: below.Set.Name == ""}
		}
		return z.at(n, t, client, below)
	case len(below.Encloser) == len(name):
		return Finding{Match: below}
	}
	return z.covered(name, t, client, below)
}

// covered is what there is for a name that neither layer has: a wildcard below the
// closest encloser, which may be of either (RFC 4592 3.3.1).
func (z *Zone) covered(name lookup.Name, t lookup.Type, client Client, below zones.Match) Finding {
	encloser := name.Suffix(z.depth)
	n, exists := z.nodes[encloser]
	for !exists && len(encloser) > len(below.Encloser) {
		encloser, _ = encloser.Parent()
		n, exists = z.nodes[encloser]
	}
	if !exists {
		return Finding{Match: below}
	}
	if len(encloser) > len(below.Encloser) { // the base's wildcard, if any, does not reach so far
		below = zones.Match{Kind: zones.NXDomain, Encloser: encloser}
	} else {
		n = z.nodes[below.Encloser]
	}
	if n == nil || !n.wildcard {
		return Finding{Match: below, Layered: len(encloser) > len(below.Encloser)}
	}
	star := z.star(n.name)
	if star == nil || len(star.candidates) == 0 {
		return Finding{Match: below}
	}
	if below.Kind == zones.NXDomain {
		below.Kind = zones.NoData
	}
	below.Wildcard = true
	return z.at(star, t, client, below)
}

// star is the node of * directly below encloser. The name is put together on the stack.
func (z *Zone) star(encloser lookup.Name) *node {
	var name [256]byte
	n := copy(name[:], "\x01*")
	n += copy(name[n:], encloser)
	return z.nodes[lookup.Name(name[:n])]
}

// at is what a node has, below being what the base has for the same name.
func (z *Zone) at(n *node, t lookup.Type, client Client, below zones.Match) Finding {
	if t == lookup.TypeANY {
		return z.any(n, client, below)
	}
	decided, ok := n.of(t)
	if !ok || n.name == z.base.Apex() && isApex(t) {
		return Finding{Match: below, Layered: len(z.base.At(n.name)) == 0}
	}
	f, scope, wanted := z.decide(n, decided, t, client, below)
	if f.Kind == zones.Answer || f.Kind == zones.CNAME || f.Alias != nil {
		f.Scope, f.Wanted = scope, wanted
	}
	return f
}

// any is one RRset of a node (RFC 8482 4.1), with its own scope: the first that the client
// has among those that the overlay decides about, or what the base has.
func (z *Zone) any(n *node, client Client, below zones.Match) Finding {
	var scope netip.Prefix
	var wanted uint8
	narrow := func(f Finding, s netip.Prefix, w uint8) Finding {
		if s.IsValid() && (!scope.IsValid() || s.Bits() > scope.Bits() || s.Bits() == scope.Bits() && w > wanted) {
			scope, wanted = s, w
		}
		if f.Kind != zones.NoData {
			f.Scope, f.Wanted = scope, wanted
		}
		return f
	}
	for i := range n.types {
		t := n.types[i].t
		f, s, w := z.decide(n, &n.types[i], t, client, z.stored(n, t, below))
		if f = narrow(f, s, w); f.Kind == zones.Answer || f.Kind == zones.CNAME {
			return f
		}
	}
	if n.plain {
		if below.Kind != zones.Answer || n.decides(below.Set.Type) {
			below = z.stored(n, lookup.TypeNone, below)
		}
		f := Finding{Match: below}
		if below.Kind == zones.Answer {
			f.Scope, f.Wanted = scope, wanted
		}
		return f
	}
	f, s, w := z.decide(n, &n.other, lookup.TypeANY, client, below)
	return narrow(f, s, w)
}

// stored is below with what the base has of type t; of TypeNone, with the first that the
// overlay does not decide about.
func (z *Zone) stored(n *node, t lookup.Type, below zones.Match) zones.Match {
	below.Kind, below.Set = zones.NoData, lookup.RRset{}
	for _, s := range z.base.At(n.name) {
		if s.Type == t || t == lookup.TypeNone && !n.decides(s.Type) {
			below.Kind, below.Set = zones.Answer, s
			break
		}
	}
	return below
}

// decide is what the client hears of a type, and for whom that is.
func (z *Zone) decide(n *node, decided *tailored, t lookup.Type, client Client, below zones.Match) (f Finding, scope netip.Prefix, wanted uint8) {
	m := z.memo(n, decided)
	f = Finding{Match: below, Layered: true, Because: Because{zone: z, node: n, memo: m, t: t, at: client.At}}
	group, around := 0, netip.Prefix{}
	if m.partition != nil {
		if !client.At.IsValid() {
			f.Uncacheable = true // who knows for whom this is
		}
		group, around = m.partition.locate(client.At)
	}
	f.Choice = m.choice(below)
	a := &m.answers[group]
	f.Counter = a.counter
	switch a.kind {
	case fromBase:
	case nothing:
		f.Match = zones.Match{Kind: zones.NoData, Encloser: below.Encloser, Wildcard: below.Wildcard}
	case sets:
		f.Match = match(below, a.set, t)
	case alias:
		f.Match, f.Alias = zones.Match{Encloser: below.Encloser, Wildcard: below.Wildcard}, a.alias
	case chance:
		around = z.draw(&f, n, a, around)
	}
	f.Set.TTL = z.bounded(f.Set.TTL, a.by)
	negative := f.Kind == zones.NoData
	f.Uncacheable = f.Uncacheable || f.Draw || negative && m.varies(below)
	scope, wanted = client.hears(around)
	f.Uncacheable = f.Uncacheable || scope.IsValid() && client.Told.IsValid()
	return f, scope, wanted
}

// match is below with an RRset of the overlay.
func match(below zones.Match, set lookup.RRset, t lookup.Type) zones.Match {
	below.Kind, below.Set = zones.Answer, set
	if set.Type == lookup.TypeCNAME && t != lookup.TypeCNAME && t != lookup.TypeANY {
		below.Kind = zones.CNAME
	}
	return below
}
