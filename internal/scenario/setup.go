package scenario

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
	"github.com/sextant-dns/sextant/server"
)

// setup is what a story's configuration comes to, in terms of what the program
// has.
type setup struct {
	story *Story

	roots      []netip.Addr // the root servers
	hints      string       // root hints as a master file
	zones      []resolver.Zone
	stale      resolver.Stale
	prefetch   bool
	prime      bool // ask the root servers for the root servers
	noIPv4     bool
	noIPv6     bool
	noMinimise bool

	noHardenGlue bool
	around       surroundings

	quota       int // messages upstream for one query; 0 is the default
	aliases     int
	maxTTL      int // seconds; 0 is the default
	maxNegative int
	minTTL      int
	minNegative int
	validation  validation
	subnets     subnets
	complete    bool // name servers are given with answers
	order       server.Order
	clients     []clientRule
	nsid        string
	version     string
	dns64       bool
	dns64All    bool         // synthesize although there are AAAA records
	dns64Prefix netip.Prefix // the zero Prefix is the well-known one
	dns64Ignore []string     // names whose AAAA records do not count
	missing     []string     // what the program does not have, in the order found
	allowSnoop  bool         // clients may look into the cache
	snoop       bool         // and one does
}

// clientRule says what a network of clients may do.
type clientRule struct {
	clients netip.Prefix
	allow   bool
}

// needs notes something that the program does not have.
func (s *setup) needs(what string) {
	if !slices.Contains(s.missing, what) {
		s.missing = append(s.missing, what)
	}
}

// setUp reads the configuration of a story. An option that is in no table is an
// error, or a story would pass for a wrong reason. What the program lacks is a
// *NotApplicable that names everything, in the order found.
func setUp(story *Story) (*setup, error) {
	s := &setup{story: story}
	s.maxNegative = 3600 // Unbound's default
	s.validation.modules = true
	s.validation.policy.MaxIterations = unboundIterations
	for _, section := range story.Settings {
		if err := s.section(section); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", story.File, section.Line, err)
		}
	}
	if story.Anchors != "" {
		zero := func() float64 { return 0 }
		text, err := (&macros{now: zero, timeout: zero}).expand(story.Texts[story.Anchors])
		if err != nil {
			return nil, err
		}
		if err := s.validation.history(story.File, text); err != nil {
			return nil, err
		}
	}
	s.steps()
	if len(s.missing) > 0 {
		return nil, &NotApplicable{Need: strings.Join(s.missing, " ")}
	}
	return s, nil
}

func (s *setup) section(section Clause) error {
	switch section.Key {
	case "server":
		return s.server(section)
	case "stub-zone":
		return s.stub(section)
	case "forward-zone":
		return s.forward(section)
	case "auth-zone":
		s.needs("feature:auth-zone")
	case "rpz":
		s.needs("feature:rpz")
	case "view":
		s.needs("feature:local-zone")
	case "remote-control", "expect": // the latter is the player's matter
	default:
		return fmt.Errorf("no section is called %s", section.Key)
	}
	return nil
}

func (s *setup) server(section Clause) error {
	options := serverOptions()
	for _, c := range section.Sub {
		rule, known := options[c.Key]
		switch {
		case !known:
			return fmt.Errorf("line %d: option %s is in no list", c.Line, c.Key)
		case rule.apply != nil:
			if err := rule.apply(s, c); err != nil {
				return fmt.Errorf("line %d: %s: %w", c.Line, c.Key, err)
			}
		case rule.need != "" && !slices.Contains(rule.without, c.Value()):
			s.needs(rule.need)
		}
	}
	return nil
}

// stub takes a stub zone; that of the root is the hints.
func (s *setup) stub(section Clause) error {
	prime := false
	z, err := s.pinned(section, "stub-", func(c Clause) bool {
		if c.Key != "stub-prime" {
			return false
		}
		prime = c.Value() == "yes"
		return true
	})
	if err != nil {
		return err
	}
	if z.Name != lookup.Root {
		z.Prime = prime
		s.zones = append(s.zones, z)
		return nil
	}
	s.prime = s.prime || prime
	for _, server := range z.Servers {
		s.roots = append(s.roots, server.Addr())
	}
	return nil
}

// forward takes a forward zone.
func (s *setup) forward(section Clause) error {
	z, err := s.pinned(section, "forward-", func(Clause) bool { return false })
	if err != nil {
		return err
	}
	z.Forward = true
	s.zones = append(s.zones, z)
	return nil
}

// pinned reads a zone whose servers are given, in options that begin with prefix.
// What is not common to both kinds of zone is offered to takes.
func (s *setup) pinned(section Clause, prefix string, takes func(Clause) bool) (z resolver.Zone, err error) {
	if z.Name, err = zoneName(section); err != nil {
		return z, err
	}
	for _, c := range section.Sub {
		switch c.Key {
		case "name":
		case prefix + "addr":
			server, err := serverAddr(c.Value())
			if err != nil {
				return z, err
			}
			z.Servers = append(z.Servers, server)
		case prefix + "first":
			z.First = c.Value() == "yes"
		case prefix + "tcp-upstream":
			z.TCP = c.Value() == "yes"
		case prefix + "no-cache", prefix + "host", prefix + "tls-upstream":
			s.needs("knob:" + c.Key)
		default:
			if !takes(c) {
				return z, fmt.Errorf("line %d: option %s is in no list", c.Line, c.Key)
			}
		}
	}
	return z, nil
}

func zoneName(section Clause) (lookup.Name, error) {
	return lookup.ParseName(strings.TrimSuffix(strings.Join(section.Find("name"), ""), ".") + ".")
}

// serverAddr reads ADDRESS or ADDRESS@PORT.
func serverAddr(text string) (netip.AddrPort, error) {
	host, port, found := strings.Cut(text, "@")
	if !found {
		port = "53"
	}
	return netip.ParseAddrPort(net.JoinHostPort(host, port))
}

// steps looks for what the story does that cannot be played.
func (s *setup) steps() {
	for i := range s.story.Steps {
		step := &s.story.Steps[i]
		switch step.Kind {
		case CheckTempfile:
			s.needs("feature:zone-transfer")
		case CheckOutQuery:
			if q := step.Entry.Packets[0].Asked(); q.Name == string(lookup.Root) && q.Type == lookup.TypeNS {
				s.prime = true
			}
		case InfraRTT, FlushMessage, ExpireMessage:
			s.needs("unbound-only")
		case Query:
			if s.allowSnoop && !step.Entry.Packets[0].Header.RD && step.Entry.Packets[0].Raw == nil {
				s.snoop = true
			}
		}
		if strings.Contains(step.Macro, "${timeout}") && s.story.Anchors == "" {
			s.needs("unbound-only") // only trust anchors have timers that can be asked for
		}
	}
	for _, r := range s.story.Ranges {
		for _, e := range r.Entries {
			if len(e.Packets) > 1 {
				s.needs("feature:zone-transfer")
			}
		}
	}
}
