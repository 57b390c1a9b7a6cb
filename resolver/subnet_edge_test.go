package resolver_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/dns64"
	"github.com/sextant-dns/sextant/ecs"
	"github.com/sextant-dns/sextant/resolver"
	"github.com/sextant-dns/sextant/server"
	"github.com/sextant-dns/sextant/transport"
)

// Pairs of client subnets with what else there is, from packet to packet.

// phrase asks s for "name TYPE" from that client, with that option ("" for none, "-"
// for no EDNS at all), and is what comes back: "NOERROR 9.8.7.0 ecs 9.8.7.0/24/24".
func phrase(t *testing.T, s *server.Server, question, client, option string) string {
	t.Helper()
	name, kind, _ := strings.Cut(question, " ")
	q := new(dns.Msg)
	q.SetQuestion(name, dns.StringToType[kind])
	if option != "-" {
		q.SetEdns0(1232, false)
	}
	if option != "" && option != "-" {
		p := netip.MustParsePrefix(option)
		data := ecs.Option{Source: p}.Data()
		q.IsEdns0().Option = append(q.IsEdns0().Option, &dns.EDNS0_LOCAL{Code: dns.EDNS0SUBNET, Data: []byte(data)})
	}
	msg, err := q.Pack()
	if err != nil {
		t.Fatal(err)
	}
	reply := new(dns.Msg)
	if err := reply.Unpack(s.Respond(nil, msg, netip.AddrPortFrom(netip.MustParseAddr(client), 5353), server.UDP)); err != nil {
		t.Fatal(err)
	}
	words := []string{dns.RcodeToString[reply.Rcode]}
	for _, rr := range reply.Answer {
		switch rr := rr.(type) {
		case *dns.A:
			words = append(words, rr.A.String())
		case *dns.AAAA:
			words = append(words, rr.AAAA.String())
		}
	}
	if o := reply.IsEdns0(); o != nil {
		for _, each := range o.Option {
			switch each := each.(type) {
			case *dns.EDNS0_SUBNET:
				words = append(words, fmt.Sprintf("ecs %s/%d/%d", each.Address, each.SourceNetmask, each.SourceScope))
			case *dns.EDNS0_EDE:
				words = append(words, fmt.Sprintf("ede %d", each.InfoCode))
			}
		}
	}
	return strings.Join(words, " ")
}

func TestE27E28E42E43E44TheOptionComesBackToWhoSentIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCDN(t, 20)
		r := c.resolver(func(o *resolver.Options) { o.Stale.Enabled = true })
		s := server.New(server.Options{Views: []server.View{{Recursive: r.With(tellAll(t))}}})
		both := func(what, question, with, without string) {
			t.Helper()
			want(t, what, phrase(t, s, question, "9.8.7.6", "9.8.7.0/24"), with)
			want(t, what+", without an option", phrase(t, s, question, "9.8.7.6", ""), without)
			want(t, what+", without EDNS", phrase(t, s, question, "9.8.7.6", "-"), strings.SplitN(without, " ede", 2)[0])
		}
		for _, what := range []string{"miss", "hit"} {
			both(what, "www.example.com. A", "NOERROR 9.8.0.0 ecs 9.8.7.0/24/20", "NOERROR 9.8.0.0")
		}
		both("no such name", "none.example.com. A", "NXDOMAIN ecs 9.8.7.0/24/20", "NXDOMAIN")
		both("no such type", "other.example.com. AAAA", "NOERROR ecs 9.8.7.0/24/20", "NOERROR")
		both("for everyone", "plain.example.org. A", "NOERROR 203.0.113.9 ecs 9.8.7.0/24/0", "NOERROR 203.0.113.9")
		both("a type of which nothing is told", "www.example.com. TXT", "NOERROR ecs 9.8.7.0/24/0", "NOERROR")
		want(t, "SOURCE 0", phrase(t, s, "www.example.com. A", "9.8.7.6", "0.0.0.0/0"), "NOERROR 203.0.113.1 ecs 0.0.0.0/0/0")
		want(t, "a scope that is longer", phrase(t, s, "other.example.com. A", "9.8.7.6", "9.8.0.0/16"), "NOERROR 9.8.0.0 ecs 9.8.0.0/16/20")
		want(t, "the same, from memory", phrase(t, s, "other.example.com. A", "9.8.7.6", "9.8.0.0/16"), "NOERROR 9.8.0.0 ecs 9.8.0.0/16/20")
		want(t, "two networks, one of them longer", phrase(t, s, "alias.example.org. A", "9.8.7.6", "9.8.7.0/24"), "NOERROR 9.8.0.0 ecs 9.8.7.0/24/20")

		c.silence(cdnServer)
		time.Sleep(10 * time.Minute)
		both("stale", "www.example.com. A", "NOERROR 9.8.0.0 ecs 9.8.7.0/24/20 ede 3", "NOERROR 9.8.0.0 ede 3")
		both("an error", "gone.example.com. A", "SERVFAIL ecs 9.8.7.0/24/0 ede 22", "SERVFAIL ede 13")
		time.Sleep(time.Minute)
	})
}

func TestE60RefusedOptionsAtTheEdge(t *testing.T) {
	t.Parallel()
	c := newCDN(t, 24)
	s := server.New(server.Options{Views: []server.View{{Recursive: c.resolver().With(policyOf(t, ecs.Options{Send: ecs.SendAddress}))}}})
	want(t, "another's", phrase(t, s, "www.example.com. A", "9.8.7.6", "8.8.8.0/24"), "REFUSED ecs 8.8.8.0/24/0 ede 18")
	want(t, "E21: again, without", phrase(t, s, "www.example.com. A", "9.8.7.6", ""), "NOERROR 9.8.7.0")
}

// Packets in front of the resolver keep what is for whom.
func TestE45E70PacketsAreForTheirNetwork(t *testing.T) {
	t.Parallel()
	c := newCDN(t, 16)
	base := c.resolver()
	s := server.New(server.Options{Views: []server.View{{Recursive: base.With(tellAll(t))}}})
	hits := func() uint64 { return s.Stats().Packets.Hits }
	for _, ask := range []struct {
		client, option, want string
		hit                  bool
	}{
		{"9.8.7.6", "", "NOERROR 9.8.0.0", false},
		{"9.8.1.1", "", "NOERROR 9.8.0.0", true},
		{"8.8.8.8", "9.8.9.0/24", "NOERROR 9.8.0.0 ecs 9.8.9.0/24/16", true},
		{"9.9.9.9", "", "NOERROR 9.9.0.0", false},
		{"9.9.9.9", "0.0.0.0/0", "NOERROR 203.0.113.1 ecs 0.0.0.0/0/0", false},
		{"9.7.9.9", "0.0.0.0/0", "NOERROR 203.0.113.1 ecs 0.0.0.0/0/0", true},
		{"9.8.7.6", "9.8.0.0/14", "NOERROR 9.8.0.0 ecs 9.8.0.0/14/16", false}, // for as shy ones alone
		{"9.9.1.1", "9.8.0.0/14", "NOERROR 9.8.0.0 ecs 9.8.0.0/14/16", true},
		{"9.9.1.1", "", "NOERROR 9.9.0.0", true},
		{"10.1.1.1", "", "NOERROR 203.0.113.1", false},
		{"10.2.2.2", "10.2.0.0/16", "NOERROR 203.0.113.1 ecs 10.2.0.0/16/8", true},
	} {
		before := hits()
		want(t, ask.client+" "+ask.option, phrase(t, s, "www.example.com. A", ask.client, ask.option), ask.want)
		if hit := hits() > before; hit != ask.hit {
			t.Errorf("%s %s: a hit %v", ask.client, ask.option, hit)
		}
	}
}

// What two views tell differs; what they know does not.
func TestViewsShareWhatIsForEveryone(t *testing.T) {
	t.Parallel()
	c := newCDN(t, 16)
	base := c.resolver()
	s := server.New(server.Options{Views: []server.View{
		{Name: "told", Clients: []netip.Prefix{netip.MustParsePrefix("9.8.0.0/16")}, Recursive: base.With(tellAll(t))},
		{Name: "not", Recursive: base.With(nil)},
	}})
	want(t, "told", phrase(t, s, "www.example.com. A", "9.8.7.6", ""), "NOERROR 9.8.0.0")
	want(t, "not told", phrase(t, s, "www.example.com. A", "9.9.9.9", ""), "NOERROR 203.0.113.1")
	want(t, "told, again", phrase(t, s, "www.example.com. A", "9.8.9.9", ""), "NOERROR 9.8.0.0")
	phrase(t, s, "plain.example.org. A", "9.8.7.6", "")
	c.told()
	want(t, "of whom nothing is told", phrase(t, s, "plain.example.org. A", "9.9.9.9", "9.9.9.0/24"), "NOERROR 203.0.113.9 ecs 9.9.9.0/24/0")
	want(t, "told", c.told(), "")
}

// DNS64 and subnets: the scope of an A becomes that of the AAAA, in the client's
// family.
func TestDNS64AnswersAreForTheirNetwork(t *testing.T) {
	t.Parallel()
	build := func(t *testing.T, o ecs.Options) (*cdn, *server.Server) {
		c := newCDN(t, 32)
		c.scope = 24
		d, err := dns64.New(c.resolver().With(policyOf(t, o)), dns64.Options{Default: dns64.Rule{Mode: dns64.Forced}, Bar: dns64.BarOff})
		if err != nil {
			t.Fatal(err)
		}
		return c, server.New(server.Options{Views: []server.View{{Recursive: d}}})
	}
	t.Run("the pool of the NAT64", func(t *testing.T) {
		t.Parallel()
		c, s := build(t, ecs.Options{Send: ecs.SendAnything, NAT64: netip.MustParsePrefix("9.64.64.0/26")})
		want(t, "first", phrase(t, s, "www.example.com. AAAA", "2600:1::1", ""), "NOERROR 64:ff9b::940:4000 ede 29")
		want(t, "another network", phrase(t, s, "www.example.com. AAAA", "2600:2::1", "2600:2::/56"), "NOERROR 64:ff9b::940:4000 ecs 2600:2::/56/0 ede 29")
		want(t, "told", c.told(), "www.example.com. A 9.64.64.0/24 udp")
		if st := s.Stats().Packets; st.Hits != 1 {
			t.Errorf("%d hits among packets", st.Hits)
		}
		want(t, "A itself", phrase(t, s, "www.example.com. A", "9.8.7.6", ""), "NOERROR 9.8.7.0")
		want(t, "who wants nothing told", phrase(t, s, "other.example.com. AAAA", "2600:1::1", "::/0"), "NOERROR 64:ff9b::cb00:7101 ecs ::/0/0 ede 29")
		want(t, "told", c.told(), "www.example.com. A 9.8.7.0/24 udp, other.example.com. A - udp")
	})
	t.Run("without a pool", func(t *testing.T) {
		t.Parallel()
		c, s := build(t, ecs.Options{Send: ecs.SendAnything})
		c.scope = 48
		want(t, "first", phrase(t, s, "www.example.com. AAAA", "2600:1::1", "2600:1::/56"), "NOERROR 64:ff9b::2600:1 ecs 2600:1::/56/48 ede 29")
		want(t, "in the scope", phrase(t, s, "www.example.com. AAAA", "2600:1::2", ""), "NOERROR 64:ff9b::2600:1 ede 29")
		want(t, "told", c.told(), "www.example.com. A 2600:1::/56 udp")
		want(t, "another network", phrase(t, s, "www.example.com. AAAA", "2600:2::1", ""), "NOERROR 64:ff9b::2600:2 ede 29")
		want(t, "told", c.told(), "www.example.com. A 2600:2::/56 udp")
	})
	t.Run("a chain into a zone for everyone", func(t *testing.T) {
		t.Parallel()
		c, s := build(t, ecs.Options{Send: ecs.SendAddress})
		want(t, "chain", phrase(t, s, "alias.example.com. AAAA", "2600:1::1", "2600:1::/56"), "NOERROR 64:ff9b::cb00:7109 ecs 2600:1::/56/24 ede 29")
		c.told()
	})
}

// A forged option in a reply is the transport's to drop; a reply without one to a
// query that had none says nothing.
func TestRepliesToQueriesWithoutAnOption(t *testing.T) {
	t.Parallel()
	c := newCDN(t, 24)
	r := c.resolver().With(tellAll(t))
	c.behave = func(r transport.Request, honest *transport.Reply) *transport.Reply {
		if !r.Subnet.IsValid() {
			honest.Subnet, honest.Scope = true, netip.MustParsePrefix("9.8.7.0/24") // which nobody asked for
		}
		return honest
	}
	want(t, "opt-out", from(t, r, "www.example.com. A", "9.8.7.6", "0.0.0.0/0"), "203.0.113.1 for 0.0.0.0/0")
}
