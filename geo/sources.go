package geo

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
)

// Sources are what is known of addresses. The zero value knows nothing, and every
// address is then in the class of no selector.
type Sources struct {
	// Databases are mmdb files. Each kind of value is read from the first database
	// that has it, for all addresses, so that two files never contradict each other
	// within an answer. Continents follow from countries where no file has them.
	Databases []*Database
	// Sets are named networks of the operator, which may nest and overlap.
	Sets map[string][]netip.Prefix
	// Views are the networks of views. Only those who may be believed about the
	// client's address may be given a view by it: an ECS option is what a
	// stranger says (RFC 7871 11.1), and the caller decides whether to ask.
	Views map[string][]netip.Prefix
	// NAT64 are this network's own translation prefixes, of the lengths of RFC 6052
	// 2.2, beside 64:ff9b::/96, which is always known. An address in one of them is
	// where the IPv4 address is that it embeds.
	NAT64 []netip.Prefix
	// Rankings are the places of which one wants to know how near they are, by the
	// names that Map.Ranking is asked for. Where a database has no coordinates, a
	// client is in the middle of its country.
	Rankings map[string]Ranking
}

// What is wrong with a Map's input. Errors of Compile wrap one of these.
var (
	ErrUnknown  = errors.New("nothing knows this selector") // no database or set can ever make it true
	ErrEmbedded = errors.New("not a prefix that can embed IPv4 addresses")
	ErrNetwork  = errors.New("not a usable network")
)

// named is the networks of a selector of the operator's own kinds.
func (s Sources) named(sel Selector) (networks []netip.Prefix, err error) {
	var known bool
	switch sel.Kind {
	case Network:
		p, err := netip.ParsePrefix(sel.Value)
		if err != nil {
			return nil, fmt.Errorf("%w: %q", ErrNetwork, sel.Value)
		}
		return []netip.Prefix{p}, nil
	case Set:
		networks, known = s.Sets[sel.Value]
	case View:
		networks, known = s.Views[sel.Value]
	}
	if !known {
		return nil, fmt.Errorf("%w: %s", ErrUnknown, sel)
	}
	return networks, nil
}

// owner is the database that says values of this kind, and whether continents, or
// locations, are to be taken from its countries.
func (s Sources) owner(k Kind) (d *Database, derived bool) {
	i := slices.IndexFunc(s.Databases, func(d *Database) bool { return d.Has(k) })
	if i >= 0 {
		return s.Databases[i], false
	}
	if k == Continent || k == Location {
		d, _ = s.owner(Country)
		return d, d != nil
	}
	return nil, false
}
