package resolver_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/ecs"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
	"github.com/sextant-dns/sextant/transport"
)

// cdn is an Internet with a zone whose www and other names have another address for
// each network of so many bits, and what its server was told.
type cdn struct {
	*internet
	mu     sync.Mutex
	heard  []string // "www.example.com. A 9.8.7.0/24 udp", "-" for no option
	scope  int
	behave func(r transport.Request, honest *transport.Reply) *transport.Reply // after the fact
	flying map[string]map[netip.Prefix]int
	most   map[string]int // messages about one name at once
}

const cdnServer, plainServer = "192.0.2.1", "192.0.2.2"

// newCDN has example.com, which tailors, and example.org, whose server has never
// heard of the option.
func newCDN(t *testing.T, scope int) *cdn {
	n := newInternet(t)
	n.zone("example.com.", `
www.example.com. 60 A 203.0.113.1
www.example.com. 60 AAAA 2001:db8::1
other.example.com. 60 A 203.0.113.1
alias.example.com. 60 CNAME plain.example.org.
short.example.com. 5 A 203.0.113.1
`, cdnServer)
	n.zone("example.org.", `
plain.example.org. 60 A 203.0.113.9
alias.example.org. 60 CNAME www.example.com.
`, plainServer)
	c := &cdn{internet: n, scope: scope, flying: map[string]map[netip.Prefix]int{}, most: map[string]int{}}
	n.host(cdnServer).script = c.answer
	n.host(plainServer).script = func(r transport.Request, honest *transport.Reply) *transport.Reply {
		c.note(r)
		return honest
	}
	return c
}

func (c *cdn) note(r transport.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	told, protocol := "-", "udp"
	if r.Subnet.IsValid() {
		told = r.Subnet.String()
	}
	if r.TCP {
		protocol = "tcp"
	}
	c.heard = append(c.heard, fmt.Sprintf("%s %s %s %s", r.Question.Name, r.Question.Type, told, protocol))
}

// answer tailors.
func (c *cdn) answer(r transport.Request, honest *transport.Reply) *transport.Reply {
	c.note(r)
	honest.TCP = r.TCP
	if r.Subnet.IsValid() && !r.NoEDNS {
		honest.Subnet = true
		honest.Scope = netip.PrefixFrom(r.Subnet.Addr(), c.scope)
		for i, s := range honest.Answer {
			if s.Type == lookup.TypeA && c.scope > 0 {
				honest.Answer = append([]lookup.RRset{}, honest.Answer...)
				a := netip.PrefixFrom(r.Subnet.Addr(), min(c.scope, r.Subnet.Bits())).Masked().Addr().AsSlice()
				honest.Answer[i].Data = lookup.PackRdata(string(a[:4]))
			}
		}
	}
	if c.behave != nil {
		return c.behave(r, honest)
	}
	return honest
}

// log is what both servers were told since the last call.
func (c *cdn) told() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer func() { c.heard = nil }()
	return strings.Join(c.heard, ", ")
}

func policyOf(t testing.TB, o ecs.Options) *ecs.Policy {
	t.Helper()
	p, err := ecs.NewPolicy(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// tellAll tells of everybody, and takes all options.
func tellAll(t testing.TB) *ecs.Policy { return policyOf(t, ecs.Options{Send: ecs.SendAnything}) }

// from asks r as a client at that address, which sends that option, and is the
// address that comes back with whom it is for: "9.8.0.0 for 9.8.0.0/16".
func from(t testing.TB, r lookup.Resolver, name, client, option string) string {
	t.Helper()
	q := question(name)
	q.Client = netip.MustParseAddr(client)
	if option != "" {
		q.Subnet = netip.MustParsePrefix(option)
	}
	response, err := r.Resolve(t.Context(), q)
	if err != nil {
		return "error: " + lookup.EDEOf(err).String()
	}
	return audience(response)
}

func audience(r *lookup.Response) string {
	text := r.Rcode.String()
	for _, s := range r.Answer {
		if s.Type == lookup.TypeA || s.Type == lookup.TypeAAAA {
			a, _ := netip.AddrFromSlice([]byte(s.Data.First()))
			text = a.String()
		}
	}
	switch {
	case !r.Scope.IsValid():
		return text + " for everyone"
	case r.Wanted > 0:
		return fmt.Sprintf("%s for just %s, wanted %d", text, r.Scope, r.Wanted)
	}
	return text + " for " + r.Scope.String()
}

func want(t testing.TB, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n got %s\nwant %s", what, got, want)
	}
}

func TestE51E53E58E59E61AnswersAreForTheirNetwork(t *testing.T) {
	t.Parallel()
	c := newCDN(t, 16)
	r := c.resolver().With(tellAll(t))
	want(t, "first", from(t, r, "www.example.com. A", "9.8.7.6", ""), "9.8.0.0 for 9.8.0.0/16")
	want(t, "told", c.told(), "www.example.com. A 9.8.7.0/24 udp")
	want(t, "in the scope", from(t, r, "www.example.com. A", "9.8.1.1", ""), "9.8.0.0 for 9.8.0.0/16")
	want(t, "told", c.told(), "")
	want(t, "a neighbour", from(t, r, "www.example.com. A", "9.9.1.1", ""), "9.9.0.0 for 9.9.0.0/16")
	c.scope = 24
	want(t, "by an option", from(t, r, "www.example.com. A", "8.8.8.8", "9.7.7.0/24"), "9.7.7.0 for 9.7.7.0/24")
	want(t, "told", c.told(), "www.example.com. A 9.9.1.0/24 udp, www.example.com. A 9.7.7.0/24 udp")
	want(t, "with fewer bits than the scope has", from(t, r, "www.example.com. A", "8.8.8.8", "9.7.0.0/20"), "9.7.0.0 for just 9.7.0.0/20, wanted 24")
}

func TestE71OffByDefault(t *testing.T) {
	t.Parallel()
	c := newCDN(t, 16)
	r := c.resolver()
	for _, r := range []lookup.Resolver{r, r.With(nil), r.With(policyOf(t, ecs.Options{}))} {
		want(t, "off", from(t, r, "www.example.com. A", "9.8.7.6", "9.8.7.0/24"), "203.0.113.1 for everyone")
	}
	want(t, "told", c.told(), "www.example.com. A - udp")
}

// The servers of the root and of com are asked the whole question in this test, and
// name servers without glue are looked up on the way.
func TestE52E57E62E77NothingIsToldOnTheWay(t *testing.T) {
	t.Parallel()
	c := newCDN(t, 24)
	var wrong []string
	watch := func(addr string) {
		before := c.host(addr).script
		c.host(addr).script = func(r transport.Request, honest *transport.Reply) *transport.Reply {
			if r.Subnet.IsValid() {
				wrong = append(wrong, fmt.Sprintf("%s was told %v about %v", addr, r.Subnet, r.Question))
			}
			honest.Subnet, honest.Scope = true, netip.MustParsePrefix("9.8.7.0/24") // RFC 7871 7.4: a referral with a scope
			if before != nil {
				return before(r, honest)
			}
			return honest
		}
	}
	for _, a := range []string{"198.51.100.1", "198.51.100.2", "198.51.100.11", "198.51.100.12", "198.51.100.21"} {
		watch(a)
	}
	c.zones[lookup.MustName("org.")].add("glueless.org. 60 NS www.example.com.") // found at the CDN
	r := c.resolver().With(tellAll(t))
	from(t, r, "x.glueless.org. A", "9.8.7.6", "")
	if heard := c.told(); strings.Contains(heard, "9.8.7") {
		t.Errorf("told when a name server was looked up: %s", heard)
	}
	from(t, r, "www.example.com. DS", "9.8.7.6", "")
	from(t, r, "www.example.com. A", "9.8.7.6", "")
	from(t, r, "www.example.com. A", "9.9.9.9", "")
	for _, w := range wrong {
		t.Error(w)
	}
	if n := c.count("198.51.100.1 "); n > 3 {
		t.Errorf("the root was asked %d times: what it delegates is for everyone", n)
	}
}

func TestMinimisedQueriesTellNothing(t *testing.T) {
	t.Parallel()
	c := newCDN(t, 24)
	c.zones[lookup.MustName("example.com.")].add("a.b.c.example.com. 60 A 203.0.113.1\nexample.com. 60 A 203.0.113.1")
	r := c.resolver(func(o *resolver.Options) { o.NoMinimise = false }).With(tellAll(t))
	want(t, "deep", from(t, r, "a.b.c.example.com. A", "9.8.7.6", ""), "9.8.7.0 for 9.8.7.0/24")
	heard := c.told()
	if strings.Count(heard, "9.8.7.0/24") != 1 || !strings.Contains(heard, " a.b.c.example.com. A 9.8.7.0/24") {
		t.Errorf("told %s", heard)
	}
}

func TestE18E19E56NobodyWhoWantsNothingTold(t *testing.T) {
	t.Parallel()
	c := newCDN(t, 24)
	r := c.resolver().With(tellAll(t))
	want(t, "opt-out", from(t, r, "www.example.com. A", "9.8.7.6", "0.0.0.0/0"), "203.0.113.1 for 0.0.0.0/0")
	want(t, "told", c.told(), "www.example.com. A - udp")
	want(t, "its own", from(t, r, "www.example.com. A", "9.8.7.6", ""), "9.8.7.0 for 9.8.7.0/24")
	want(t, "told", c.told(), "www.example.com. A 9.8.7.0/24 udp")
	want(t, "opt-out from memory", from(t, r, "www.example.com. A", "9.8.7.6", "0.0.0.0/0"), "203.0.113.1 for 0.0.0.0/0")
	want(t, "opt-out of IPv6", from(t, r, "www.example.com. A", "2600::1", "::/0"), "203.0.113.1 for ::/0")
	want(t, "told", c.told(), "")
}

func TestE9E55WhoTellsLittleIsAloneWithIt(t *testing.T) {
	t.Parallel()
	c := newCDN(t, 28)
	r := c.resolver().With(tellAll(t))
	want(t, "shy", from(t, r, "www.example.com. A", "9.8.7.6", "9.8.0.0/16"), "9.8.0.0 for just 9.8.0.0/16, wanted 24")
	want(t, "the same again", from(t, r, "www.example.com. A", "8.8.8.8", "9.8.0.0/16"), "9.8.0.0 for just 9.8.0.0/16, wanted 24")
	want(t, "told", c.told(), "www.example.com. A 9.8.0.0/16 udp")
	want(t, "more", from(t, r, "www.example.com. A", "9.8.7.6", ""), "9.8.7.0 for 9.8.7.0/24") // E54: we tell no more
	want(t, "even less", from(t, r, "www.example.com. A", "9.8.7.6", "9.8.0.0/14"), "9.8.0.0 for just 9.8.0.0/14, wanted 24")
	want(t, "told", c.told(), "www.example.com. A 9.8.7.0/24 udp, www.example.com. A 9.8.0.0/14 udp")
}

// Unbound's issues 37 and 480: a chain that leaves the zone that tailors.
func TestE31E32ChainsHaveTheNarrowestScope(t *testing.T) {
	t.Parallel()
	c := newCDN(t, 20)
	r := c.resolver().With(tellAll(t))
	want(t, "into a zone for everyone", from(t, r, "alias.example.com. A", "9.8.7.6", ""), "203.0.113.9 for 9.8.0.0/20")
	want(t, "another's alias", from(t, r, "alias.example.com. A", "9.9.7.6", ""), "203.0.113.9 for 9.9.0.0/20")
	if heard := c.told(); strings.Count(heard, "plain.example.org.") != 1 {
		t.Errorf("what the alias leads to is for everyone, and the servers heard %s", heard)
	}
	want(t, "out of a zone for everyone", from(t, r, "alias.example.org. A", "9.8.7.6", ""), "9.8.0.0 for 9.8.0.0/20")
	want(t, "the alias itself", from(t, r, "alias.example.org. CNAME", "9.8.7.6", ""), "NOERROR for everyone")
}

func TestE36E63DenialsAreForTheirNetwork(t *testing.T) {
	t.Parallel()
	c := newCDN(t, 24)
	c.behave = func(r transport.Request, honest *transport.Reply) *transport.Reply {
		if strings.HasPrefix(r.Subnet.String(), "9.8.") { // nothing for them
			honest.Rcode, honest.Answer = lookup.NXDOMAIN, nil
			honest.Authority = lookup.MustRRsets("example.com. 300 SOA ns. host. 1 2 3 4 300")
		}
		return honest
	}
	r := c.resolver().With(tellAll(t))
	want(t, "denied", from(t, r, "www.example.com. A", "9.8.7.6", ""), "NXDOMAIN for 9.8.7.0/24")
	want(t, "not denied", from(t, r, "www.example.com. A", "9.9.7.6", ""), "9.9.7.0 for 9.9.7.0/24")
	want(t, "denied from memory", from(t, r, "www.example.com. A", "9.8.7.9", ""), "NXDOMAIN for 9.8.7.0/24")
	want(t, "not denied from memory", from(t, r, "www.example.com. A", "9.9.7.1", ""), "9.9.7.0 for 9.9.7.0/24")
	want(t, "told", c.told(), "www.example.com. A 9.8.7.0/24 udp, www.example.com. A 9.9.7.0/24 udp")
}

func TestE24E50ErrorsOverTheOptionAreAskedAgainWithoutIt(t *testing.T) {
	t.Parallel()
	for _, rcode := range []string{"REFUSED", "FORMERR", "NOTIMP", "SERVFAIL"} {
		synctest.Test(t, func(t *testing.T) {
			c := newCDN(t, 24)
			c.behave = func(r transport.Request, honest *transport.Reply) *transport.Reply {
				if r.Subnet.IsValid() {
					return reply(rcode)
				}
				return honest
			}
			r := c.resolver().With(tellAll(t))
			want(t, rcode, from(t, r, "www.example.com. A", "9.8.7.6", ""), "203.0.113.1 for everyone")
			want(t, "told", c.told(), "www.example.com. A 9.8.7.0/24 udp, www.example.com. A - udp")
			from(t, r, "other.example.com. A", "9.8.7.6", "")
			if rcode == "SERVFAIL" { // which says little about the option
				want(t, "told", c.told(), "other.example.com. A 9.8.7.0/24 udp, other.example.com. A - udp")
				return
			}
			want(t, "told", c.told(), "other.example.com. A - udp")
			time.Sleep(25 * time.Hour) // and it is probed again
			from(t, r, "other.example.com. A", "9.8.7.6", "")
			want(t, "told a day later", c.told(), "other.example.com. A 9.8.7.0/24 udp, other.example.com. A - udp")
		})
	}
}

func TestE49E76E78ServersThatMakeNothingOfItAreRemembered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCDN(t, 24)
		r := c.resolver().With(tellAll(t))
		want(t, "no option", from(t, r, "plain.example.org. A", "9.8.7.6", ""), "203.0.113.9 for everyone")
		want(t, "told", c.told(), "plain.example.org. A 9.8.7.0/24 udp")
		want(t, "another network", from(t, r, "plain.example.org. A", "9.9.9.9", ""), "203.0.113.9 for everyone")
		time.Sleep(2 * time.Minute)
		want(t, "expired", from(t, r, "plain.example.org. A", "9.9.9.9", ""), "203.0.113.9 for everyone")
		want(t, "told", c.told(), "plain.example.org. A - udp")
		time.Sleep(24 * time.Hour)
		from(t, r, "plain.example.org. A", "9.9.9.9", "")
		want(t, "told a day later", c.told(), "plain.example.org. A 9.9.9.0/24 udp")
	})
}

// A server that drops what has an option hears the last attempt without.
func TestE78SilenceOverTheOptionIsProbedApart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCDN(t, 24)
		c.behave = func(r transport.Request, honest *transport.Reply) *transport.Reply {
			if r.Subnet.IsValid() {
				return nil
			}
			return honest
		}
		r := c.resolver().With(tellAll(t))
		want(t, "silent", from(t, r, "www.example.com. A", "9.8.7.6", ""), "203.0.113.1 for everyone")
		from(t, r, "other.example.com. A", "9.8.7.6", "")
		c.told()
		from(t, r, "short.example.com. A", "9.8.7.6", "")
		want(t, "told after two of them", c.told(), "short.example.com. A - udp")
	})
}

func TestE11E60E65RefusedOptions(t *testing.T) {
	t.Parallel()
	c := newCDN(t, 24)
	r := c.resolver().With(policyOf(t, ecs.Options{Send: ecs.SendAddress}))
	want(t, "another's", from(t, r, "www.example.com. A", "9.8.7.6", "8.8.8.0/24"), "REFUSED for everyone")
	want(t, "its own", from(t, r, "www.example.com. A", "9.8.7.6", "9.8.7.0/24"), "9.8.7.0 for 9.8.7.0/24")
	want(t, "nothing", from(t, r, "www.example.com. A", "9.8.7.6", "0.0.0.0/0"), "203.0.113.1 for 0.0.0.0/0") // E66
	r = c.resolver().With(policyOf(t, ecs.Options{Send: ecs.SendAddress, Ignore: true}))
	want(t, "overlooked", from(t, r, "www.example.com. A", "9.8.7.6", "8.8.8.0/24"), "203.0.113.1 for 8.8.8.0/24")
}

func TestE68E70WhatIsSubstituted(t *testing.T) {
	t.Parallel()
	c := newCDN(t, 20)
	p := policyOf(t, ecs.Options{Send: ecs.SendAddress, NAT64: netip.MustParsePrefix("9.64.64.0/24"), Networks: []ecs.Network{
		{Clients: netip.MustParsePrefix("10.0.0.0/8"), As: netip.MustParsePrefix("9.1.2.0/24")},
	}})
	r := c.resolver().With(p)
	want(t, "an internal client", from(t, r, "www.example.com. A", "10.1.2.3", ""), "9.1.0.0 for 10.0.0.0/8")
	want(t, "another", from(t, r, "www.example.com. A", "10.200.2.3", ""), "9.1.0.0 for 10.0.0.0/8")
	want(t, "told", c.told(), "www.example.com. A 9.1.2.0/24 udp")
	want(t, "private, and nothing is known of it", from(t, r, "www.example.com. A", "192.168.1.1", ""), "203.0.113.1 for 192.168.0.0/16")
	want(t, "told", c.told(), "www.example.com. A - udp")
	q := question("www.example.com. A")
	q.Client, q.NAT64 = netip.MustParseAddr("2600::1"), true
	response, err := r.Resolve(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "behind the NAT64", audience(response), "9.64.64.0 for everyone")
	want(t, "told", c.told(), "www.example.com. A 9.64.64.0/24 udp")
}

// RFC 7871 11.2, and what is known as rebirthday: what is to be for everyone.
func TestE48E49WhatIsForEveryoneIsConfirmedWhereAnswersDiffer(t *testing.T) {
	t.Parallel()
	forged := func(r transport.Request, honest *transport.Reply) *transport.Reply {
		if r.Subnet == netip.MustParsePrefix("6.6.6.0/24") && !r.TCP { // the attacker's network, and its word
			lie := *honest
			lie.Answer = lookup.MustRRsets(r.Question.Name.String() + " 86400 A 6.6.6.6")
			lie.Subnet, lie.Scope = false, netip.Prefix{}
			return &lie
		}
		return honest
	}
	t.Run("forged without an option", func(t *testing.T) {
		t.Parallel()
		c := newCDN(t, 24)
		base := c.resolver()
		r := base.With(tellAll(t))
		from(t, r, "other.example.com. A", "9.8.7.6", "") // now it is known
		c.told()
		c.behave = forged
		want(t, "the attacker", from(t, r, "www.example.com. A", "6.6.6.6", ""), "6.6.6.0 for 6.6.6.0/24")
		want(t, "told", c.told(), "www.example.com. A 6.6.6.0/24 udp, www.example.com. A 6.6.6.0/24 tcp")
		want(t, "the victim", from(t, r, "www.example.com. A", "9.8.7.6", ""), "9.8.7.0 for 9.8.7.0/24")
		if n := base.Stats().Subnets.Confirms; n != 1 {
			t.Errorf("%d confirmations", n)
		}
	})
	t.Run("with a cookie", func(t *testing.T) {
		t.Parallel()
		c := newCDN(t, 24)
		r := c.resolver().With(tellAll(t))
		from(t, r, "other.example.com. A", "9.8.7.6", "")
		c.told()
		c.scope = 0
		c.behave = func(r transport.Request, honest *transport.Reply) *transport.Reply {
			honest.Cookie = true // nobody else knows it
			return honest
		}
		want(t, "scope 0", from(t, r, "www.example.com. A", "9.8.7.6", ""), "203.0.113.1 for everyone")
		want(t, "told", c.told(), "www.example.com. A 9.8.7.0/24 udp")
	})
	t.Run("the server does no TCP", func(t *testing.T) {
		t.Parallel()
		c := newCDN(t, 24)
		r := c.resolver().With(tellAll(t))
		from(t, r, "other.example.com. A", "9.8.7.6", "")
		c.behave = func(r transport.Request, honest *transport.Reply) *transport.Reply {
			if r.TCP {
				return nil
			}
			return forged(r, honest)
		}
		want(t, "the attacker", from(t, r, "www.example.com. A", "6.6.6.6", ""), "6.6.6.6 for 6.6.6.0/24")
		want(t, "the victim", from(t, r, "www.example.com. A", "9.8.7.6", ""), "9.8.7.0 for 9.8.7.0/24")
		c.told()
		want(t, "the attacker, again", from(t, r, "short.example.com. A", "6.6.6.6", ""), "6.6.6.6 for 6.6.6.0/24")
		want(t, "told, without trying in vain", c.told(), "short.example.com. A 6.6.6.0/24 udp")
	})
	t.Run("an honest scope of 0", func(t *testing.T) {
		t.Parallel()
		c := newCDN(t, 24)
		r := c.resolver().With(tellAll(t))
		from(t, r, "other.example.com. A", "9.8.7.6", "")
		c.told()
		c.scope = 0
		want(t, "first", from(t, r, "www.example.com. A", "9.8.7.6", ""), "203.0.113.1 for everyone")
		want(t, "second", from(t, r, "www.example.com. A", "9.9.9.9", ""), "203.0.113.1 for everyone")
		want(t, "told", c.told(), "www.example.com. A 9.8.7.0/24 udp, www.example.com. A 9.8.7.0/24 tcp")
	})
	t.Run("a zone that does not tailor", func(t *testing.T) {
		t.Parallel()
		c := newCDN(t, 0)
		r := c.resolver().With(tellAll(t))
		from(t, r, "other.example.com. A", "9.8.7.6", "")
		from(t, r, "www.example.com. A", "9.8.7.6", "")
		want(t, "told", c.told(), "other.example.com. A 9.8.7.0/24 udp, www.example.com. A 9.8.7.0/24 udp")
	})
}

// throng asks for one name from that many networks at once, and is how many messages
// about it were under way at once, in all and for one network.
func throng(t *testing.T, c *cdn, r lookup.Resolver, name string, networks int) (most, ofOne int, answers map[string]int) {
	var mu sync.Mutex
	underway := map[netip.Prefix]int{}
	c.behave = func(r transport.Request, honest *transport.Reply) *transport.Reply {
		mu.Lock()
		underway[r.Subnet]++
		total := 0
		for _, n := range underway {
			total += n
		}
		most, ofOne = max(most, total), max(ofOne, underway[r.Subnet])
		mu.Unlock()
		time.Sleep(20 * time.Millisecond)
		mu.Lock()
		underway[r.Subnet]--
		mu.Unlock()
		return honest
	}
	answers = map[string]int{}
	var wg sync.WaitGroup
	for i := range networks {
		for range 2 { // two of each
			wg.Go(func() {
				client := netip.AddrFrom4([4]byte{9, 1, byte(i), 1})
				q := question(name)
				q.Client = client
				response, err := r.Resolve(context.Background(), q)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					answers["error"]++
				} else if a := audience(response); strings.HasPrefix(a, fmt.Sprintf("9.1.%d.0 for 9.1.%d.0/24", i, i)) {
					answers["its own"]++
				} else {
					answers[a]++
				}
			})
		}
	}
	wg.Wait()
	return most, ofOne, answers
}

func TestE72FewQueriesForOneNameAtOnce(t *testing.T) {
	t.Parallel()
	t.Run("a zone that tailors", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			c := newCDN(t, 24)
			r := c.resolver().With(tellAll(t))
			from(t, r, "other.example.com. A", "9.8.7.6", "")
			most, ofOne, answers := throng(t, c, r, "www.example.com. A", 40)
			if most > 4 || ofOne != 1 || answers["its own"] != 80 {
				t.Errorf("%d messages at once, %d for one network: %v", most, ofOne, answers)
			}
		})
	})
	t.Run("a zone of which nothing is known", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			c := newCDN(t, 0)
			r := c.resolver().With(tellAll(t))
			most, _, answers := throng(t, c, r, "www.example.com. A", 40)
			if heard := c.told(); most != 1 || answers["203.0.113.1 for everyone"] != 80 || strings.Count(heard, "www") != 1 {
				t.Errorf("%d messages at once: %v; told %s", most, answers, heard)
			}
		})
	})
	t.Run("more than may wait", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			c := newCDN(t, 24)
			r := c.resolver(func(o *resolver.Options) { o.Waiting = 20 }).With(tellAll(t))
			from(t, r, "other.example.com. A", "9.8.7.6", "")
			most, _, answers := throng(t, c, r, "www.example.com. A", 60)
			// Who finds no place hears what those hear who tell nothing, and is told that
			// it is for its network alone; when too many wait for that, too, it fails.
			if most > 4 || answers["its own"] < 20 || answers["error"] == 0 || answers["error"] > 80 {
				t.Errorf("%d messages at once: %v", most, answers)
			}
			for a := range answers {
				if strings.HasPrefix(a, "203") && !strings.Contains(a, "for just 9.1.") {
					t.Errorf("an answer to nobody: %s", a)
				}
			}
		})
	})
}

func TestE12PrefetchAsksForTheClientsNetwork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCDN(t, 16)
		r := c.resolver(func(o *resolver.Options) { o.Prefetch = true }).With(tellAll(t))
		want(t, "first", from(t, r, "www.example.com. A", "9.8.7.6", ""), "9.8.0.0 for 9.8.0.0/16")
		want(t, "another", from(t, r, "www.example.com. A", "9.9.9.9", ""), "9.9.0.0 for 9.9.0.0/16")
		c.told()
		time.Sleep(57 * time.Second)
		from(t, r, "www.example.com. A", "9.8.7.6", "")
		synctest.Wait()
		// All that may be told is, although a scope of 16 bits was enough before.
		want(t, "told", c.told(), "www.example.com. A 9.8.7.0/24 udp")
		time.Sleep(10 * time.Second)
		want(t, "prefetched", from(t, r, "www.example.com. A", "9.8.7.6", ""), "9.8.0.0 for 9.8.0.0/16")
		want(t, "told", c.told(), "")
		from(t, r, "www.example.com. A", "9.9.9.9", "")
		want(t, "told of the other", c.told(), "www.example.com. A 9.9.9.0/24 udp")
	})
}

func TestStaleAnswersAreOfTheClientsNetwork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCDN(t, 16)
		r := c.resolver(func(o *resolver.Options) { o.Stale.Enabled = true }).With(tellAll(t))
		from(t, r, "www.example.com. A", "9.8.7.6", "")
		from(t, r, "www.example.com. A", "9.9.9.9", "")
		from(t, r, "www.example.com. A", "9.9.9.9", "0.0.0.0/0")
		time.Sleep(10 * time.Minute)
		c.silence(cdnServer)
		want(t, "stale", from(t, r, "www.example.com. A", "9.8.1.1", ""), "9.8.0.0 for 9.8.0.0/16")
		want(t, "stale of another", from(t, r, "www.example.com. A", "9.9.1.1", ""), "9.9.0.0 for 9.9.0.0/16")
		want(t, "stale for who tells nothing", from(t, r, "www.example.com. A", "9.9.1.1", "0.0.0.0/0"), "203.0.113.1 for 0.0.0.0/0")
		if got := from(t, r, "www.example.com. A", "9.7.1.1", ""); !strings.HasPrefix(got, "error") {
			t.Errorf("of another network's: %s", got)
		}
		time.Sleep(time.Minute) // what goes on in the background ends
	})
}

func TestE73AClientFillsItsOwnShareOfMemory(t *testing.T) {
	t.Parallel()
	c := newCDN(t, 24)
	base := c.resolver(func(o *resolver.Options) { o.Cache = 20_000 }) // half for networks, of that a quarter for one client
	r := base.With(tellAll(t))
	flood := func(client string, name string, n int) {
		for i := range n {
			from(t, r, name, client, fmt.Sprintf("9.%d.%d.0/24", i>>8, i&0xff))
		}
	}
	for i := range 30 {
		c.zones[lookup.MustName("example.com.")].add(fmt.Sprintf("n%d.example.com. 60 A 203.0.113.1", i))
		flood("8.8.8.8", fmt.Sprintf("n%d.example.com. A", i), 90)
	}
	kept := 0
	for a := range base.Answers() {
		if a.Scope.IsValid() && a.Scope.Bits() > 0 {
			kept++
		}
	}
	if kept != 2500 {
		t.Errorf("one client has %d networks in memory, want 2500", kept)
	}
	q := question("www.example.com. A")
	q.Client = netip.MustParseAddr("8.8.8.8")
	if response, err := r.Resolve(t.Context(), q); err != nil || !response.Uncacheable || audience(response) != "8.8.8.0 for 8.8.8.0/24" {
		t.Errorf("what may not be kept: %v, %v", response, err)
	}
}

// What was learned before anybody's networks were told is for whom? Nobody asked.
func TestTheFirstPolicyForgetsWhatWasLearnedBefore(t *testing.T) {
	t.Parallel()
	c := newCDN(t, 24)
	base := c.resolver()
	want(t, "before", from(t, base, "www.example.com. A", "9.8.7.6", ""), "203.0.113.1 for everyone")
	r := base.With(tellAll(t))
	want(t, "after", from(t, r, "www.example.com. A", "9.8.7.6", ""), "9.8.7.0 for 9.8.7.0/24")
	want(t, "a view that tells nothing", from(t, base, "www.example.com. A", "9.8.7.6", ""), "203.0.113.1 for everyone")
	base.With(tellAll(t)) // as a reload does
	c.told()
	want(t, "after a reload", from(t, r, "www.example.com. A", "9.8.7.6", ""), "9.8.7.0 for 9.8.7.0/24")
	want(t, "told", c.told(), "")
}

func TestForwardersAreTold(t *testing.T) {
	t.Parallel()
	c := newCDN(t, 24)
	r := c.resolver(func(o *resolver.Options) {
		o.Zones = []resolver.Zone{{Name: lookup.Root, Forward: true, Servers: []netip.AddrPort{netip.MustParseAddrPort(cdnServer + ":53")}}}
	}).With(tellAll(t))
	want(t, "E22 E23 by a forwarder", from(t, r, "www.example.com. A", "9.8.7.6", "9.8.0.0/17"), "9.8.0.0 for just 9.8.0.0/17, wanted 24")
	want(t, "told", c.told(), "www.example.com. A 9.8.0.0/17 udp")
}

// A server list of one view, and none of another: what the first could not ask for
// is for its own network.
func TestServersThatOnlyOneViewTells(t *testing.T) {
	t.Parallel()
	c := newCDN(t, 24)
	base := c.resolver()
	all, none := base.With(tellAll(t)), base.With(policyOf(t, ecs.Options{Send: ecs.SendAddress, Servers: []netip.Prefix{netip.MustParsePrefix("9.9.9.9/32")}}))
	from(t, all, "other.example.com. A", "9.8.7.6", "")
	want(t, "not told", from(t, none, "www.example.com. A", "9.8.7.6", ""), "203.0.113.1 for 9.8.7.0/24")
	want(t, "told", from(t, all, "www.example.com. A", "9.7.7.6", ""), "9.7.7.0 for 9.7.7.0/24")
}

func TestE47TruncatedRepliesCountWhenTheyAreWhole(t *testing.T) {
	t.Parallel()
	c := newCDN(t, 24)
	r := c.resolver().With(tellAll(t))
	from(t, r, "other.example.com. A", "9.8.7.6", "")
	c.behave = func(r transport.Request, honest *transport.Reply) *transport.Reply {
		honest.TCP, honest.Sent = true, 2 // the transport has asked again over TCP
		honest.Scope = netip.PrefixFrom(r.Subnet.Addr(), 0)
		return honest
	}
	c.told()
	if got := from(t, r, "www.example.com. A", "9.8.7.6", ""); !strings.HasSuffix(got, "for everyone") {
		t.Errorf("got %s", got)
	}
	want(t, "told once", c.told(), "www.example.com. A 9.8.7.0/24 udp")
}

func TestExplainSaysWhatIsTold(t *testing.T) {
	t.Parallel()
	c := newCDN(t, 24)
	r := c.resolver().With(tellAll(t))
	q := question("www.example.com. A")
	q.Client, q.Trace = netip.MustParseAddr("9.8.7.6"), lookup.NewTrace(nil)
	if _, err := r.Resolve(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	events, _ := q.Trace.Events()
	var texts []string
	for _, e := range events {
		if e.Kind == lookup.EventScope {
			texts = append(texts, e.Text)
		}
	}
	want(t, "reasons", strings.Join(texts, "; "), "no client subnet: the zone only delegates; no client subnet: the zone only delegates; client subnet 9.8.7.0/24: the client's own network")
}

func TestNetworkErrorsWithAnOptionAreAsWithout(t *testing.T) {
	t.Parallel()
	c := newCDN(t, 24)
	c.host(cdnServer).err = syscall.ECONNREFUSED
	r := c.resolver().With(tellAll(t))
	if got := from(t, r, "www.example.com. A", "9.8.7.6", ""); !strings.HasPrefix(got, "error") {
		t.Errorf("got %s", got)
	}
}
