package ecs_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/sextant-dns/sextant/ecs"
	"github.com/sextant-dns/sextant/lookup"
)

func policy(t testing.TB, o ecs.Options) *ecs.Policy {
	t.Helper()
	p, err := ecs.NewPolicy(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// asked is a query for www.example.com A from there, with that option.
func asked(client, subnet string) lookup.Query {
	q := lookup.Query{
		Question: lookup.Question{Name: lookup.MustName("www.example.com."), Type: lookup.TypeA, Class: lookup.ClassIN},
		RD:       true, Subnet: prefix(subnet),
	}
	if client != "" {
		q.Client = addr(client)
	}
	return q
}

func networks(all ...string) (list []netip.Prefix) {
	for _, n := range all {
		list = append(list, prefix(n))
	}
	return list
}

// case of TestPolicy.
type decision struct {
	name    string // starts with the lines of the checklist
	options ecs.Options
	query   lookup.Query
	change  func(*lookup.Query)
	zone    string // default example.com.
	server  string // default 8.8.8.8
	want    string // what is told
	why     ecs.Reason
	refused bool
}

// The servers and clients are somewhere in the public space on purpose: networks
// for documentation are never told of.
const (
	client4 = "9.8.7.6"
	client6 = "2600:1:2:3:4:5:6:7"
)

func decisions() []decision {
	address, option := ecs.Options{Send: ecs.SendAddress}, ecs.Options{Send: ecs.SendOption}
	anything := ecs.Options{Send: ecs.SendAnything}
	inside := ecs.Options{Send: ecs.SendAnything, Networks: []ecs.Network{
		{Clients: prefix("10.0.0.0/8"), As: prefix("9.1.0.0/16")},
		{Clients: prefix("10.1.0.0/16"), As: prefix("9.2.2.0/28")},
		{Clients: prefix("10.1.1.0/24")},
		{Clients: prefix("fd00::/8"), As: prefix("2600:9::/32")},
		{Clients: prefix("9.9.0.0/16")},
	}}
	nat64 := ecs.Options{Send: ecs.SendAddress, NAT64: prefix("9.64.64.0/24")}
	forNAT64 := func(q *lookup.Query) { q.NAT64 = true }
	ofType := func(t lookup.Type) func(*lookup.Query) { return func(q *lookup.Query) { q.Type = t } }
	zones := ecs.Options{Send: ecs.SendAddress, Zones: []ecs.Zone{
		{Name: lookup.MustName("example.com."), Send: ecs.SendNothing},
		{Name: lookup.MustName("cdn.example.com."), Send: ecs.SendAddress},
	}}
	servers := ecs.Options{Send: ecs.SendAddress, Servers: networks("9.53.0.0/16")}
	blocks := ecs.Options{Send: ecs.SendAnything, Blocks: networks("9.8.0.0/20", "9.8.0.0/12", "2600:1::/40")}
	ignore := func(o ecs.Options) ecs.Options { o.Ignore = true; return o }

	return []decision{
		{name: "E71 off by default", query: asked(client4, ""), why: ecs.BecauseOff},
		{name: "E71 off by default, with an option", query: asked(client4, "9.8.7.0/24"), why: ecs.BecauseOff},

		{name: "E7 E15 originate: 24 bits", options: address, query: asked(client4, ""), want: "9.8.7.0/24", why: ecs.BecauseOwn},
		{name: "E7 E15 originate: 56 bits", options: address, query: asked(client6, ""), want: "2600:1:2::/56", why: ecs.BecauseOwn},
		{name: "E13 originate: other limits", options: ecs.Options{Send: ecs.SendAddress, Bits4: 16, Bits6: 40}, query: asked(client6, ""), want: "2600:1::/40", why: ecs.BecauseOwn},
		{name: "originate: IPv4-mapped", options: address, query: asked("::ffff:9.8.7.6", ""), want: "9.8.7.0/24", why: ecs.BecauseOwn},
		{name: "originate: nobody", options: address, query: asked("", ""), why: ecs.BecauseNobody},
		{name: "E8 E9 E17 the client's option makes it shorter", options: address, query: asked(client4, "9.8.0.0/16"), want: "9.8.0.0/16", why: ecs.BecauseOwn},
		{name: "E9 E13 the client's option makes it no longer", options: address, query: asked(client4, "9.8.7.6/32"), want: "9.8.7.0/24", why: ecs.BecauseOwn},
		{name: "E11 E60 E65 E74 another's address", options: address, query: asked(client4, "8.8.4.0/24"), why: ecs.BecauseForeign, refused: true},
		{name: "E11 another family", options: address, query: asked(client4, "2600::/32"), why: ecs.BecauseForeign, refused: true},
		{name: "E74 another's address, ignored", options: ignore(address), query: asked(client4, "8.8.4.0/24"), why: ecs.BecauseForeign},

		{name: "E18 E19 E66 SOURCE 0 is honoured", options: address, query: asked(client4, "0.0.0.0/0"), why: ecs.BecauseOptOut},
		{name: "E18 E66 SOURCE 0 of another family", options: anything, query: asked(client4, "::/0"), why: ecs.BecauseOptOut},
		{name: "E18 SOURCE 0 where options are forwarded", options: option, query: asked(client4, "0.0.0.0/0"), why: ecs.BecauseOptOut},
		{name: "E18 SOURCE 0 where something is substituted", options: inside, query: asked("10.2.3.4", "0.0.0.0/0"), why: ecs.BecauseOptOut},
		{name: "E18 SOURCE 0 behind a NAT64", options: nat64, query: asked(client6, "::/0"), change: forNAT64, why: ecs.BecauseOptOut},

		{name: "forward: no option", options: option, query: asked(client4, ""), why: ecs.BecauseNoOption},
		{name: "E10 E22 forward: another's address", options: option, query: asked(client4, "8.8.4.0/24"), want: "8.8.4.0/24", why: ecs.BecauseOption},
		{name: "E10 forward: from nobody", options: option, query: asked("", "8.8.4.0/24"), want: "8.8.4.0/24", why: ecs.BecauseOption},
		{name: "E22 forward: too many bits", options: option, query: asked(client4, "8.8.4.4/32"), want: "8.8.4.0/24", why: ecs.BecauseOption},
		{name: "E23 forward: few bits", options: option, query: asked(client4, "8.8.0.0/13"), want: "8.8.0.0/13", why: ecs.BecauseOption},
		{name: "E65 forward: a private address", options: option, query: asked(client4, "10.1.1.0/24"), why: ecs.BecausePrivate, refused: true},
		{name: "E41 forward: a private address, ignored", options: ignore(option), query: asked(client4, "10.1.1.0/24"), why: ecs.BecausePrivate},
		{name: "E65 forward: the client's own private address is no offence", options: option, query: asked("10.1.1.9", "10.1.1.0/24"), why: ecs.BecausePrivate},
		{name: "both: without an option", options: anything, query: asked(client4, ""), want: "9.8.7.0/24", why: ecs.BecauseOwn},
		{name: "both: with one", options: anything, query: asked(client4, "8.8.4.0/24"), want: "8.8.4.0/24", why: ecs.BecauseOption},

		{name: "E69 private space never leaves", options: address, query: asked("10.1.2.3", ""), why: ecs.BecausePrivate},
		{name: "E69 nor does unique local space", options: address, query: asked("fd00::1", ""), why: ecs.BecausePrivate},
		{name: "E68 substitute", options: inside, query: asked("10.2.3.4", ""), want: "9.1.0.0/16", why: ecs.BecauseSubstituted},
		{name: "E13 E68 substitute: the longest network, the most bits", options: inside, query: asked("10.1.3.4", ""), want: "9.2.2.0/24", why: ecs.BecauseSubstituted},
		{name: "E68 substitute: IPv6", options: inside, query: asked("fd00::1", ""), want: "2600:9::/32", why: ecs.BecauseSubstituted},
		{name: "E17 substitute: no more bits than the option has", options: inside, query: asked("10.2.3.4", "10.0.0.0/9"), want: "9.0.0.0/9", why: ecs.BecauseSubstituted},
		{name: "E68 substitute for what an option tells", options: inside, query: asked(client4, "10.1.3.0/24"), want: "9.2.2.0/24", why: ecs.BecauseSubstituted},
		{name: "never: an internal network", options: inside, query: asked("10.1.1.4", ""), why: ecs.BecauseNetwork},
		{name: "never: a public network", options: inside, query: asked("9.9.1.1", ""), why: ecs.BecauseNetwork},
		{name: "E11 never: told by another", options: inside, query: asked(client4, "9.9.1.0/24"), why: ecs.BecauseNetwork, refused: true},

		{name: "NAT64's pool", options: nat64, query: asked(client6, ""), change: forNAT64, want: "9.64.64.0/24", why: ecs.BecauseNAT64},
		{name: "NAT64's pool for private clients", options: nat64, query: asked("fd00::1", ""), change: forNAT64, want: "9.64.64.0/24", why: ecs.BecauseNAT64},
		{name: "NAT64, but not for synthesis", options: nat64, query: asked(client6, ""), want: "2600:1:2::/56", why: ecs.BecauseOwn},
		{name: "NAT64 without a pool", options: address, query: asked(client6, ""), change: forNAT64, want: "2600:1:2::/56", why: ecs.BecauseOwn},

		{name: "E14 a block of one place", options: blocks, query: asked(client4, ""), want: "9.8.0.0/20", why: ecs.BecauseOwn},
		{name: "E14 a block of one place, IPv6", options: blocks, query: asked(client6, ""), want: "2600:1::/40", why: ecs.BecauseOwn},
		{name: "E14 a block, told by another", options: blocks, query: asked("8.8.8.8", "9.9.9.0/24"), want: "9.0.0.0/12", why: ecs.BecauseOption},
		{name: "E14 outside of the blocks", options: blocks, query: asked("9.16.0.1", ""), want: "9.16.0.0/24", why: ecs.BecauseOwn},

		{name: "E79 type", options: address, query: asked(client4, ""), change: ofType(lookup.TypeHTTPS), want: "9.8.7.0/24", why: ecs.BecauseOwn},
		{name: "E79 another type", options: address, query: asked(client4, ""), change: ofType(lookup.TypeMX), why: ecs.BecauseType},
		{name: "E57 DNSSEC types", options: address, query: asked(client4, ""), change: ofType(lookup.TypeDNSKEY), why: ecs.BecauseType},
		{name: "E79 class", options: address, query: asked(client4, ""), change: func(q *lookup.Query) { q.Class = lookup.ClassCH }, why: ecs.BecauseType},
		{name: "E79 name", options: zones, query: asked(client4, ""), why: ecs.BecauseOff},
		{name: "E79 the longer name", options: zones, query: asked(client4, ""), change: func(q *lookup.Query) { q.Name = lookup.MustName("a.cdn.example.com.") }, want: "9.8.7.0/24", why: ecs.BecauseOwn},
		{name: "E79 another name", options: zones, query: asked(client4, ""), change: func(q *lookup.Query) { q.Name = lookup.MustName("example.net.") }, want: "9.8.7.0/24", why: ecs.BecauseOwn},
		{name: "E79 server", options: servers, query: asked(client4, ""), server: "9.53.1.1", want: "9.8.7.0/24", why: ecs.BecauseOwn},
		{name: "E79 another server", options: servers, query: asked(client4, ""), why: ecs.BecauseServer},
		{name: "E79 another family", options: servers, query: asked(client4, ""), server: "2600::1", why: ecs.BecauseServer},

		{name: "E77 root", options: address, query: asked(client4, ""), zone: ".", why: ecs.BecauseDelegating},
		{name: "E77 top-level domain", options: address, query: asked(client4, ""), zone: "com.", why: ecs.BecauseDelegating},
		{name: "E22 a resolver that is forwarded to", options: address, query: asked(client4, ""), zone: "forward", want: "9.8.7.0/24", why: ecs.BecauseOwn},
		{name: "E77 public suffix", options: address, query: asked(client4, ""), zone: "co.uk.", why: ecs.BecauseDelegating},
	}
}

func TestPolicy(t *testing.T) {
	t.Parallel()
	for _, c := range decisions() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.change != nil {
				c.change(&c.query)
			}
			if c.zone == "" {
				c.zone = "example.com."
			}
			if c.server == "" {
				c.server = "8.8.8.8"
			}
			p := policy(t, c.options)
			zone := lookup.MustName(c.zone)
			if c.zone == "forward" {
				zone = ""
			}
			got, why := p.Send(c.query, zone, addr(c.server))
			if got != prefix(c.want) || why != c.why {
				t.Errorf("told %v (%s), want %q (%s)", got, why, c.want, c.why)
			}
			if a := p.Audience(c.query); a.Refused != c.refused {
				t.Errorf("refused %v, want %v", a.Refused, c.refused)
			}
		})
	}
}

// Each of these lines is in it.
func TestPolicyTableIsComplete(t *testing.T) {
	t.Parallel()
	var names []string
	for _, c := range decisions() {
		names = append(names, c.name)
	}
	all := " " + strings.Join(names, " ") + " "
	for _, line := range strings.Fields("E7 E8 E9 E10 E11 E13 E14 E15 E17 E18 E19 E22 E23 E41 E65 E66 E68 E69 E71 E74 E77 E79") {
		if !strings.Contains(all, " "+line+" ") {
			t.Errorf("no case for %s", line)
		}
	}
}

func TestANilPolicyTellsNothing(t *testing.T) {
	t.Parallel()
	var p *ecs.Policy
	if got, _ := p.Send(asked(client4, "9.8.7.0/24"), lookup.MustName("example.com."), addr("8.8.8.8")); got.IsValid() || p.On() || p.Audience(asked(client4, "")).Refused {
		t.Errorf("told %v", got)
	}
}

func TestE77ServersThatOnlyDelegate(t *testing.T) {
	t.Parallel()
	for zone, want := range map[string]bool{
		".": true, "com.": true, "test.": true, "co.uk.": true, "in-addr.arpa.": true, "ck.": true, "anything.ck.": true,
		"kobe.jp.":  true, // all its children are suffixes
		"xn--p1ai.": true, "example.com.": false, "example.co.uk.": false, "www.ck.": false,
		"cloudfront.net.": false, // on the list by its owner's wish, and a CDN
		"example.test.":   false,
	} {
		if got := ecs.IsDelegating(lookup.MustName(zone)); got != want {
			t.Errorf("%s: %v", zone, got)
		}
	}
}

func TestE69SpecialPurposeSpace(t *testing.T) {
	t.Parallel()
	p := policy(t, ecs.Options{Send: ecs.SendAddress})
	for client, public := range map[string]bool{
		"0.1.2.3": false, "10.255.255.255": false, "11.0.0.0": true, "100.63.255.255": true, "100.64.0.0": false, "127.0.0.1": false,
		"169.254.1.1": false, "172.15.255.255": true, "172.16.0.1": false, "172.31.255.255": false, "172.32.0.0": true, "192.0.0.8": false,
		"192.0.2.1": false, "192.168.0.1": false, "198.17.255.255": true, "198.19.255.255": false, "198.51.100.1": false, "203.0.113.1": false,
		"224.0.0.1": false, "255.255.255.255": false,
		"::1": false, "fe80::1": false, "fc00::1": false, "ff02::1": false, "64:ff9b::102:304": false, "2001:db8::1": false, "2001::1": false,
		"2001:1ff::1": false, "2001:200::1": true, "2002:102:304::1": false, "3fff::1": false, "3fff:1000::1": true, "2600::1": true, "5f00::1": false,
	} {
		if a := p.Audience(asked(client, "")); a.Subnet.IsValid() != public {
			t.Errorf("%s: told %v, because %s", client, a.Subnet, a.Why)
		}
	}
}

func TestOptionsThatMakeNoSenseAreRejected(t *testing.T) {
	t.Parallel()
	for want, o := range map[string]ecs.Options{
		"IPv4 address":   {Bits4: 33},
		"IPv6 address":   {Bits6: -1},
		"choice 9":       {Send: 9},
		"example.com":    {Zones: []ecs.Zone{{Name: lookup.MustName("example.com."), Send: 7}}},
		"NAT64":          {NAT64: prefix("2600::/32")},
		"10.0.0.0/24":    {NAT64: prefix("10.0.0.0/24")},
		"192.168.0.0/16": {Networks: []ecs.Network{{Clients: prefix("10.0.0.0/8"), As: prefix("192.168.0.0/16")}}},
		"0.0.0.0/0":      {Networks: []ecs.Network{{Clients: prefix("10.0.0.0/8"), As: prefix("0.0.0.0/0")}}},
		"without":        {Servers: []netip.Prefix{{}}},
		"a network":      {Networks: []ecs.Network{{As: prefix("9.0.0.0/8")}}},
	} {
		if _, err := ecs.NewPolicy(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want an error with %q", o, err, want)
		}
	}
}

// The option of a caller who goes on using its slices changes nothing.
func TestAPolicyKeepsNothingOfItsOptions(t *testing.T) {
	t.Parallel()
	o := ecs.Options{Send: ecs.SendAddress, Servers: networks("9.53.0.0/16"), Networks: []ecs.Network{{Clients: prefix("9.8.0.0/16")}}}
	p := policy(t, o)
	o.Servers[0], o.Networks[0].Clients = prefix("8.0.0.0/8"), prefix("8.0.0.0/8")
	if _, ok := p.Trusts(lookup.MustName("example.com."), addr("9.53.0.1")); !ok {
		t.Error("the servers have changed")
	}
	if a := p.Audience(asked(client4, "")); a.Why != ecs.BecauseNetwork {
		t.Error("the networks have changed")
	}
}
