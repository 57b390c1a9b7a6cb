package update

import (
	"net/netip"
	"slices"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/message"
)

// Grant lets somebody change something.
type Grant struct {
	Network netip.Prefix  // where they are; the zero Prefix: anywhere, given the Key
	Key     lookup.Name   // that they must have signed with; "": none
	Names   []Names       // what may be changed; empty: every name of the zone
	Types   []lookup.Type // of what; empty: every type
}

// Names is one name, or all names from one on downwards.
type Names struct {
	Name  lookup.Name
	Below bool // the names below it, too
}

func (n Names) has(name lookup.Name) bool {
	return name == n.Name || n.Below && name.IsSubdomainOf(n.Name)
}

// to tells whether the grant is for who is at that address and has signed with the key.
// A Grant without network and key is for nobody.
func (g Grant) to(from netip.Addr, key lookup.Name) bool {
	if !g.Network.IsValid() && g.Key == "" {
		return false
	}
	return (!g.Network.IsValid() || g.Network.Contains(from)) && (g.Key == "" || g.Key == key)
}

// covers tells whether the grant allows for that RR of an update section. Whoever may
// change some types only may not delete whatever there is under a name.
func (g Grant) covers(r message.Record) bool {
	return (len(g.Names) == 0 || slices.ContainsFunc(g.Names, func(n Names) bool { return n.has(r.Name) })) &&
		(len(g.Types) == 0 || slices.Contains(g.Types, r.Type))
}

// permit tells why who is at that address and has signed with the key may not make the
// changes; nil if they may. Different grants may allow for different changes.
func permit(grants []Grant, from netip.Addr, key lookup.Name, changes []message.Record) *lookup.Response {
	own := slices.DeleteFunc(slices.Clone(grants), func(g Grant) bool { return !g.to(from, key) })
	if len(own) == 0 {
		if key == "" {
			return refuse(lookup.EDEProhibited, "not signed, and nobody may update from there without a key")
		}
		return refuse(lookup.EDEProhibited, "key %s may not update this zone", key)
	}
	for _, r := range changes {
		if !slices.ContainsFunc(own, func(g Grant) bool { return g.covers(r) }) {
			return refuse(lookup.EDEProhibited, "may not update %s %s", r.Name, r.Type)
		}
	}
	return nil
}
