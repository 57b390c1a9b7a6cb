package scenario

import (
	"net/netip"

	"github.com/sextant-dns/sextant/ecs"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
)

// subnets is what a story configures of EDNS Client Subnet.
type subnets struct {
	module  bool // subnetcache
	options ecs.Options
	zones   bool // some names only
	forward bool // what clients send goes to all servers
}

// subnetOptions are those of Unbound's subnetcache module.
func subnetOptions() map[string]rule {
	return map[string]rule{
		"send-client-subnet": mapped(func(s *setup, c Clause) error {
			servers, err := netip.ParsePrefix(c.Value())
			if err != nil {
				addr, err := netip.ParseAddr(c.Value())
				if err != nil {
					return err
				}
				servers = netip.PrefixFrom(addr, addr.BitLen())
			}
			s.subnets.options.Servers = append(s.subnets.options.Servers, servers)
			return nil
		}),
		"client-subnet-zone": mapped(func(s *setup, c Clause) error {
			name, err := lookup.ParseName(c.Value())
			s.subnets.options.Zones = append(s.subnets.options.Zones, ecs.Zone{Name: name, Send: ecs.SendAnything})
			s.subnets.zones = true
			return err
		}),
		"client-subnet-always-forward": mapped(func(s *setup, c Clause) error { s.subnets.forward = c.Value() == "yes"; return nil }),
		"client-subnet-opcode":         missing("unbound-only", "8"),
		"max-client-subnet-ipv4":       numberInto(func(s *setup) *int { return &s.subnets.options.Bits4 }),
		"max-client-subnet-ipv6":       numberInto(func(s *setup) *int { return &s.subnets.options.Bits6 }),
	}
}

// told puts the policy that the story wants in front of r. Its clients have
// addresses that would never be told outside of a story.
func (s *setup) told(r *resolver.Resolver) (lookup.Resolver, error) {
	o := s.subnets.options
	if !s.subnets.module {
		return r, nil
	}
	o.Withheld = []netip.Prefix{}
	o.Types = []lookup.Type{lookup.TypeA, lookup.TypeAAAA, lookup.TypeTXT} // those of the stories
	switch {
	case s.subnets.zones:
	case s.subnets.forward && len(o.Servers) == 0:
		o.Send = ecs.SendOption
	case s.subnets.forward || len(o.Servers) > 0:
		o.Send = ecs.SendAnything
	}
	if s.subnets.forward {
		o.Servers = nil
	}
	policy, err := ecs.NewPolicy(o)
	if err != nil {
		return nil, err
	}
	return r.With(policy), nil
}
