package scenario

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/rebinding"
	"github.com/sextant-dns/sextant/resolver"
	"github.com/sextant-dns/sextant/special"
)

// surroundings are what stands around the resolver: what is answered in its stead,
// and what is taken out of its answers.
type surroundings struct {
	private        []netip.Prefix
	privateDomains []lookup.Name
	notSpecial     []lookup.Name
	doNotQuery     []netip.Prefix
	localhost      bool // may be asked
}

// nameInto takes the option's first value for a name.
func nameInto(field func(*setup) *[]lookup.Name) rule {
	return mapped(func(s *setup, c Clause) error {
		name, err := lookup.ParseName(strings.TrimSuffix(c.Value(), ".") + ".")
		*field(s) = append(*field(s), name)
		return err
	})
}

// networkInto takes the option's value for a network or an address.
func networkInto(field func(*setup) *[]netip.Prefix) rule {
	return mapped(func(s *setup, c Clause) error {
		p, err := networkOf(c.Value())
		*field(s) = append(*field(s), p)
		return err
	})
}

func networkOf(text string) (netip.Prefix, error) {
	if p, err := netip.ParsePrefix(text); err == nil {
		return p.Masked(), nil
	}
	addr, err := netip.ParseAddr(text)
	return netip.PrefixFrom(addr, addr.BitLen()), err
}

// localZone takes a word about a local zone. Those that come without saying are the
// special-use names; others there are none.
func (s *setup) localZone(c Clause) error {
	if len(c.Values) != 2 || c.Values[1] != "nodefault" {
		s.needs("feature:local-zone")
		return nil
	}
	return nameInto(func(s *setup) *[]lookup.Name { return &s.around.notSpecial }).apply(s, c)
}

// barred is where no server may be asked.
func (a *surroundings) barred() []netip.Prefix {
	barred := resolver.DefaultDoNotQuery()
	if a.localhost {
		barred = slices.DeleteFunc(barred, func(p netip.Prefix) bool { return p.Addr().IsLoopback() || p.Contains(netip.IPv6Loopback()) })
	}
	return append(barred, a.doNotQuery...)
}

// surround puts around the resolver what the program has around it: the filter of
// private addresses, if there is a word about such, and the special-use names.
func (s *setup) surround(inner lookup.Resolver) (lookup.Resolver, error) {
	if len(s.around.private) > 0 {
		filter, err := rebinding.New(inner, rebinding.Options{Private: s.around.private, Domains: s.around.privateDomains})
		if err != nil {
			return nil, err
		}
		inner = filter
	}
	// Unbound asks for the first; in the second the stories' own Internets live.
	off := append([]lookup.Name{lookup.MustName("local."), lookup.MustName("test.")}, s.around.notSpecial...)
	for _, z := range s.zones {
		if z.Name != lookup.Root {
			off = append(off, z.Name)
		}
	}
	return special.New(inner, special.Options{Off: off}), nil
}
