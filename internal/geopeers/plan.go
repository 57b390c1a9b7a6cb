package geopeers

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Zone is the zone that all servers of a comparison serve, and Name the name in it that
// is different in different places. PlainName is not.
const (
	Zone      = "geo.test."
	Name      = "www.geo.test."
	PlainName = "plain.geo.test."
)

// A Plan is who hears what.
type Plan struct {
	Sites []Site
	Rules []Rule
}

// A Site is a place with an address. One that is down is passed over.
type Site struct {
	Name    string
	Address netip.Addr
	Down    bool
}

// A Rule sends a country, a continent, a network or, with none of them, everybody else to
// sites, of which the first that is up answers. Networks win over countries, those over
// continents.
type Rule struct {
	Country, Continent string
	Network            netip.Prefix
	Sites              []string
}

// Usual is a Plan as operators have it: continents, some countries that are different,
// and several chains of sites that begin at the same one. Two of its networks lie within
// each other, and are elsewhere than the country around them.
func Usual() Plan {
	p := Plan{Sites: []Site{
		{Name: "fra", Address: netip.MustParseAddr("192.0.2.1")},
		{Name: "iad", Address: netip.MustParseAddr("192.0.2.2")},
		{Name: "sin", Address: netip.MustParseAddr("192.0.2.3")},
	}}
	for _, text := range []string{
		"* iad,fra,sin", "c:EU fra,iad", "c:AF fra,sin", "c:AS sin,fra", "c:OC sin,iad", "c:NA iad,fra", "c:SA iad,fra",
		"AT fra,sin", "GB iad,fra", "JP sin,iad", "RU sin,fra", "IN fra,sin", "CA fra,iad",
	} {
		who, sites, _ := strings.Cut(text, " ")
		r := Rule{Sites: strings.Split(sites, ",")}
		if continent, ok := strings.CutPrefix(who, "c:"); ok {
			r.Continent = continent
		} else if who != "*" {
			r.Country = who
		}
		p.Rules = append(p.Rules, r)
	}
	return p
}

// With is the Plan with networks that have sites of their own.
func (p Plan) With(networks map[string][]string) Plan {
	p.Rules = slices.Clone(p.Rules)
	for n, sites := range networks {
		p.Rules = append(p.Rules, Rule{Network: netip.MustParsePrefix(n), Sites: sites})
	}
	slices.SortStableFunc(p.Rules, func(a, b Rule) int { return strings.Compare(a.Network.String(), b.Network.String()) })
	return p
}

// WithDown is the Plan while a site is down.
func (p Plan) WithDown(site string) Plan {
	p.Sites = slices.Clone(p.Sites)
	for i := range p.Sites {
		p.Sites[i].Down = p.Sites[i].Down || p.Sites[i].Name == site
	}
	return p
}

// Answer is the address that somebody at a hears who is in country, by a look at every
// rule.
func (p Plan) Answer(a netip.Addr, country string) netip.Addr {
	best, rank, continent := Rule{}, -1, Continent(country)
	for _, r := range p.Rules {
		this := 0
		switch {
		case r.Network.IsValid() && !r.Network.Contains(a),
			r.Country != "" && r.Country != country,
			r.Continent != "" && r.Continent != continent:
			continue
		case r.Network.IsValid():
			this = 1000 + r.Network.Bits()
		case r.Country != "":
			this = 2
		case r.Continent != "":
			this = 1
		}
		if this > rank {
			best, rank = r, this
		}
	}
	for _, name := range best.Sites {
		if s := p.site(name); !s.Down {
			return s.Address
		}
	}
	return netip.Addr{}
}

func (p Plan) site(name string) Site {
	return p.Sites[slices.IndexFunc(p.Sites, func(s Site) bool { return s.Name == name })]
}

// nets are the rules for networks.
func (p Plan) nets() (all []Rule) {
	for _, r := range p.Rules {
		if r.Network.IsValid() {
			all = append(all, r)
		}
	}
	return all
}

// ZoneFile is the zone without places, in the form of RFC 1035; RFC 1034 wants addresses
// for everyone: www is what those hear of whom no rule speaks.
func (p Plan) ZoneFile() string {
	text := "$ORIGIN " + Zone + "\n$TTL 300\n@ SOA ns nobody.invalid. 1 1800 900 604800 60\n@ NS ns\nns A 127.0.0.1\nplain A 192.0.2.50\n"
	for _, r := range p.Rules {
		if !r.Network.IsValid() && r.Country == "" && r.Continent == "" {
			text += fmt.Sprintf("www A %s\n", p.site(r.Sites[0]).Address)
		}
	}
	return text
}

// Overlay is what lies upon the zone in Sextant.
func (p Plan) Overlay() string {
	var b strings.Builder
	for _, s := range p.Sites {
		state := ""
		if s.Down {
			state = " state=down"
		}
		fmt.Fprintf(&b, "$SITE %s%s\n", s.Name, state)
	}
	for _, s := range p.Sites {
		fmt.Fprintf(&b, "$AT %s\nwww 300 A %s\n", s.Name, s.Address)
	}
	b.WriteString("$AT *\n$ROUTE www (\n")
	for _, r := range p.Rules {
		who := "*"
		switch {
		case r.Network.IsValid():
			who = r.Network.String()
		case r.Country != "":
			who = "cc:" + strings.ToLower(r.Country)
		case r.Continent != "":
			who = "c:" + strings.ToLower(r.Continent)
		}
		fmt.Fprintf(&b, "  %s=%s\n", who, strings.Join(r.Sites, ","))
	}
	b.WriteString(")\n")
	return b.String()
}
