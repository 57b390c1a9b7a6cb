package anchors

import (
	"slices"
	"time"

	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
)

// State is what has become of a key that is, was or may become a trust anchor
// (RFC 5011 4.2).
type State uint8

// The states, with their numbers in the files of Unbound.
const (
	Start   State = iota // nothing is known of the key
	AddPend              // seen, and waiting for its hold-down to pass
	Valid                // a trust anchor
	Missing              // still a trust anchor, though it was not there when last looked for
	Revoked              // its owner has said that it is not to be trusted any more
	Removed              // nothing more is kept than that it was once known
)

// String is the state's name in RFC 5011.
func (s State) String() string {
	if s > Removed {
		return "?"
	}
	return [...]string{"START", "ADDPEND", "VALID", "MISSING", "REVOKED", "REMOVED"}[s]
}

// trusted tells whether a key in that state is a trust anchor.
func (s State) trusted() bool { return s == Valid || s == Missing }

// Key is a key of a trust point with its history.
type Key struct {
	Type    lookup.Type // DNSKEY; or DS, as configured, until the key that it names is seen
	Rdata   string      // of a revoked key with the REVOKE bit
	TTL     uint32      // the original TTL of the RRset in which it was first seen
	State   State
	Seen    int       // in AddPend: in how many validated RRsets
	Changed time.Time // when it came to its state, in Revoked when it was last seen; whole seconds; the zero Time when it was configured and not seen yet
	Signers []uint16  // in AddPend: the tags of the trust anchors that had signed the RRset in which it was first seen
}

// ds is the key as a DS, without the REVOKE bit.
func (k Key) ds(zone lookup.Name) dnssec.DS {
	ds, _ := asDS(zone, k.Type, k.plain())
	return ds
}

// plain is what stays the same for as long as the key lives.
func (k Key) plain() string {
	if k.Type == lookup.TypeDNSKEY {
		return unrevoked(k.Rdata)
	}
	return k.Rdata
}

// isSEP tells whether it is a key that RFC 5011 speaks of: one with the SEP bit.
func (k Key) isSEP() bool {
	return k.Type == lookup.TypeDNSKEY && len(k.Rdata) > 1 && k.Rdata[1]&byte(dnssec.FlagSEP) != 0
}

// is tells whether it is the DNSKEY with this rdata, revoked or not, or the DS that
// names it.
func (k Key) is(zone lookup.Name, rdata string) bool {
	if k.Type == lookup.TypeDS {
		return names(k.ds(zone), zone, rdata)
	}
	return k.plain() == unrevoked(rdata)
}

// Point is a trust point: a zone with its trust anchors, and what is known of them
// (RFC 5011 1.2, where it has no name of its own). It is a value: its methods return
// a changed copy. Times are whole seconds.
type Point struct {
	Zone      lookup.Name
	Keys      []Key
	Queried   time.Time     // when a DNSKEY RRset was last seen
	Succeeded time.Time     // when one was last seen that a trust anchor had signed
	Next      time.Time     // when to look again; the zero Time: at once
	Failed    int           // how often in a row looking has led to nothing
	Interval  time.Duration // between successful looks; 0: not known yet
	Retry     time.Duration // after a failure; 0: not known yet
}

// trusted are the anchors that count, as RRsets.
func (p Point) trusted() []lookup.RRset {
	var sets []lookup.RRset
	for _, t := range []lookup.Type{lookup.TypeDS, lookup.TypeDNSKEY} {
		var all []string
		for _, k := range p.Keys {
			if k.Type == t && k.State.trusted() {
				all = append(all, k.Rdata)
			}
		}
		if all != nil {
			sets = append(sets, lookup.RRset{Name: p.Zone, Type: t, Data: lookup.PackRdata(all...)})
		}
	}
	return sets
}

// Deleted tells whether all trust anchors have been revoked: the zone is then as if
// there never had been any, and is not looked at again (RFC 5011 5).
func (p Point) Deleted() bool {
	return len(p.Keys) > 0 && !slices.ContainsFunc(p.Keys, func(k Key) bool { return k.State.trusted() })
}

// find is the place of the key that is the DNSKEY with this rdata, or a DS that
// names it; -1 when there is none. A DNSKEY comes before a DS.
func (p Point) find(rdata string) int {
	i := slices.IndexFunc(p.Keys, func(k Key) bool { return k.Type == lookup.TypeDNSKEY && k.is(p.Zone, rdata) })
	if i >= 0 {
		return i
	}
	return slices.IndexFunc(p.Keys, func(k Key) bool { return k.Type == lookup.TypeDS && k.is(p.Zone, rdata) })
}

// Configured is p with anchors that an operator trusts: those of which nothing is
// known yet are Valid from now on. What is known is stronger: a key that has been
// revoked or removed does not come back because a file still has it.
func (p Point) Configured(sets []lookup.RRset) Point {
	p.Keys = slices.Clone(p.Keys)
	for _, set := range sets {
		if set.Name != p.Zone {
			continue
		}
		for rdata := range set.Data.All() {
			k := Key{Type: set.Type, Rdata: rdata, TTL: set.TTL, State: Valid}
			if !p.knows(k) {
				p.Keys = append(p.Keys, k)
			}
		}
	}
	return p
}

// knows tells whether k, a configured anchor, is known already.
func (p Point) knows(k Key) bool {
	return slices.ContainsFunc(p.Keys, func(known Key) bool {
		if known.Type == k.Type {
			return known.plain() == k.plain()
		}
		return k.Type == lookup.TypeDS && k.is(p.Zone, known.Rdata)
	})
}

// Tidied is p without the removed keys, but for those that are still configured
// somewhere: forgotten, they would be trusted again (RFC 5011 4.2, Removed).
func (p Point) Tidied(configured []lookup.RRset) Point {
	bare := Point{Zone: p.Zone}.Configured(configured)
	p.Keys = slices.DeleteFunc(slices.Clone(p.Keys), func(k Key) bool {
		return k.State == Removed && !slices.ContainsFunc(bare.Keys, func(c Key) bool { return c.is(p.Zone, k.Rdata) })
	})
	return p
}
