package resolver_test

import (
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/dns64"
	"github.com/sextant-dns/sextant/ecs"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
	"github.com/sextant-dns/sextant/server"
	"github.com/sextant-dns/sextant/transport"
)

// Pairs of client subnets with what else there is, where others have crashed or
// leaked. Those that are not here are beside what they are pairs with: prefetch E12,
// stale answers, denials E36 E63, chains E31 E32, TCP E47, views and packets E45 in
// subnet_test.go and subnet_edge_test.go; cookies and letter case are the transport's.

// signedCDN is newCDN with everything signed, and with names for whose networks there
// are different things.
func signedCDN(t *testing.T, scope int) (*cdn, resolver.Options) {
	c := newCDN(t, scope)
	z := c.zones[lookup.MustName("example.com.")]
	z.add("*.wild.example.com. 60 A 203.0.113.1\ntext.example.com. 60 TXT none")
	for _, apex := range []string{"example.org.", "example.com.", "com.", "org.", "net.", "."} {
		c.sign(apex)
	}
	wild, wildcard := lookup.MustName("wild.example.com."), lookup.MustName("*.wild.example.com.")
	c.behave = func(r transport.Request, honest *transport.Reply) *transport.Reply {
		for i, s := range honest.Answer {
			if s.Type != lookup.TypeA {
				continue
			}
			owner, synthesised := s.Name, s.Name.IsSubdomainOf(wild)
			if synthesised { // RFC 4035 5.3.4: signed as the wildcard, with proof that there is nothing closer
				s.Name = wildcard
				honest.Authority = append(honest.Authority, z.chain.nsec[z.before(owner)])
			}
			s = z.signed(s)
			s.Name = owner
			honest.Answer[i] = s
		}
		return honest
	}
	var o resolver.Options
	c.validating(&o)
	return c, o
}

func TestSubnetsAndDNSSEC(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, o := signedCDN(t, 24)
		r := c.resolver(func(all *resolver.Options) { all.Validation = o.Validation }).With(tellAll(t))
		secure := func(what, question, client, answer string) {
			t.Helper()
			want(t, what, from(t, r, question, client, ""), answer)
			q := questionFrom(question, client)
			if response, err := r.Resolve(t.Context(), q); err != nil || response.Security != lookup.Secure {
				t.Errorf("%s: %v %v", what, response, err)
			}
		}
		secure("one network", "www.example.com. A", "9.8.7.6", "9.8.7.0 for 9.8.7.0/24")
		secure("another", "www.example.com. A", "9.9.9.9", "9.9.9.0 for 9.9.9.0/24")
		secure("a wildcard", "a.wild.example.com. A", "9.8.7.6", "9.8.7.0 for 9.8.7.0/24")
		secure("the same of another", "a.wild.example.com. A", "9.9.9.9", "9.9.9.0 for 9.9.9.0/24")
		// What does not exist has been proven for one; the server said that it is for that one.
		secure("no data", "text.example.com. A", "9.8.7.6", "NOERROR for 9.8.7.0/24")
		secure("no name", "nope.example.com. A", "9.8.7.6", "NXDOMAIN for 9.8.7.0/24")
		if told := c.told(); strings.Count(told, "DNSKEY") != 1 || strings.Contains(told, "DNSKEY 9.") || strings.Contains(told, "DS 9.") {
			t.Errorf("keys are for everyone, and asked for once: %s", told)
		}
		// A proof that was for one network infers nothing for another (E63).
		secure("no name, of another", "nope.example.com. A", "9.9.9.9", "NXDOMAIN for 9.9.9.0/24")
		secure("no data, of another", "text.example.com. A", "9.9.9.9", "NOERROR for 9.9.9.0/24")
		want(t, "told", c.told(), "nope.example.com. A 9.9.9.0/24 udp, text.example.com. A 9.9.9.0/24 udp")
		honest := c.behave
		c.behave = func(r transport.Request, reply *transport.Reply) *transport.Reply { // forged for one network
			if strings.HasPrefix(r.Subnet.String(), "9.7.") && len(reply.Answer) > 0 {
				return reply // the address was changed, the signature was not
			}
			return honest(r, reply)
		}
		if got := from(t, r, "www.example.com. A", "9.7.7.7", ""); !strings.HasPrefix(got, "error: 6 ") {
			t.Errorf("bogus for one network: %s", got)
		}
		secure("but not for those who have theirs", "www.example.com. A", "9.8.7.9", "9.8.7.0 for 9.8.7.0/24")
	})
}

func TestSubnetsAndFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCDN(t, 24)
		c.behave = func(r transport.Request, honest *transport.Reply) *transport.Reply {
			if !strings.HasPrefix(r.Subnet.String(), "9.8.") && r.Question.Name == lookup.MustName("www.example.com.") {
				return &transport.Reply{Rcode: lookup.SERVFAIL, EDNS: true, Sent: 1}
			}
			return honest
		}
		r := c.resolver().With(tellAll(t))
		want(t, "answered", from(t, r, "www.example.com. A", "9.8.7.6", ""), "9.8.7.0 for 9.8.7.0/24")
		if got := from(t, r, "www.example.com. A", "9.9.9.9", ""); !strings.HasPrefix(got, "error: 22") {
			t.Errorf("failed: %s", got)
		}
		c.told()
		if got := from(t, r, "www.example.com. A", "9.9.9.8", ""); !strings.HasPrefix(got, "error: 13") {
			t.Errorf("the failure is remembered: %s", got)
		}
		want(t, "told", c.told(), "")
		want(t, "nobody loses what is in memory", from(t, r, "www.example.com. A", "9.8.7.7", ""), "9.8.7.0 for 9.8.7.0/24")
		time.Sleep(5 * time.Second)
		want(t, "after 5 s others are asked for again", from(t, r, "www.example.com. A", "9.8.6.6", ""), "9.8.6.0 for 9.8.6.0/24")
	})
}

func TestSubnetsAndTTLZero(t *testing.T) {
	t.Parallel()
	c := newCDN(t, 16)
	c.behave = func(_ transport.Request, honest *transport.Reply) *transport.Reply {
		for i := range honest.Answer {
			honest.Answer[i].TTL = 0
		}
		return honest
	}
	s := server.New(server.Options{Views: []server.View{{Recursive: c.resolver().With(tellAll(t))}}})
	for range 2 {
		want(t, "one network", phrase(t, s, "www.example.com. A", "9.8.7.6", "9.8.7.0/24"), "NOERROR 9.8.0.0 ecs 9.8.7.0/24/16")
		want(t, "another", phrase(t, s, "www.example.com. A", "9.9.9.9", ""), "NOERROR 9.9.0.0")
		want(t, "nothing is remembered", c.told(), "www.example.com. A 9.8.7.0/24 udp, www.example.com. A 9.9.9.0/24 udp")
	}
	if n := s.Stats().Packets.Hits; n != 0 {
		t.Errorf("%d hits among packets", n)
	}
}

// overDNS64 is a server in forced mode that may give stale answers.
func overDNS64(t *testing.T, c *cdn) *server.Server {
	r := c.resolver(func(o *resolver.Options) { o.Stale.Enabled = true }).With(policyOf(t, ecs.Options{Send: ecs.SendAnything}))
	d, err := dns64.New(r, dns64.Options{Default: dns64.Rule{Mode: dns64.Forced}, Bar: dns64.BarOff})
	if err != nil {
		t.Fatal(err)
	}
	return server.New(server.Options{Views: []server.View{{Recursive: d}}})
}

func TestSubnetsAndStaleAnswersAndDNS64(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCDN(t, 16)
		s := overDNS64(t, c)
		want(t, "fresh", phrase(t, s, "www.example.com. AAAA", "9.8.7.6", "9.8.7.0/24"), "NOERROR 64:ff9b::908:0 ecs 9.8.7.0/24/16 ede 29")
		want(t, "of another", phrase(t, s, "www.example.com. AAAA", "9.9.9.9", ""), "NOERROR 64:ff9b::909:0 ede 29")
		time.Sleep(10 * time.Minute)
		c.silence(cdnServer)
		for _, each := range []struct{ what, client, option, want string }{
			{"stale", "9.8.1.1", "9.8.1.0/24", "NOERROR 64:ff9b::908:0 ecs 9.8.1.0/24/16 "},
			{"stale of another", "9.9.1.1", "", "NOERROR 64:ff9b::909:0 "},
			{"nobody's", "9.7.1.1", "9.7.1.0/24", "SERVFAIL ecs 9.7.1.0/24/0 "},
		} {
			got := phrase(t, s, "www.example.com. AAAA", each.client, each.option)
			stale := strings.Contains(got, "ede 3")
			if !strings.HasPrefix(got, each.want) || stale != strings.HasPrefix(got, "NOERROR") {
				t.Errorf("%s: %s", each.what, got)
			}
		}
		time.Sleep(time.Minute) // what goes on in the background ends
	})
}

func TestSubnetsAndDenialsAndDNS64(t *testing.T) {
	t.Parallel()
	c := newCDN(t, 24)
	c.behave = func(r transport.Request, honest *transport.Reply) *transport.Reply {
		soa := lookup.MustRRsets("example.com. 300 SOA ns. host. 1 2 3 4 300")
		switch {
		case strings.HasPrefix(r.Subnet.String(), "9.8."): // has no such name
			honest.Rcode, honest.Answer, honest.Authority = lookup.NXDOMAIN, nil, soa
		case strings.HasPrefix(r.Subnet.String(), "9.7."): // has neither kind of address
			honest.Answer, honest.Authority = nil, soa
		}
		return honest
	}
	s := overDNS64(t, c)
	for range 2 {
		want(t, "no such name", phrase(t, s, "www.example.com. AAAA", "9.8.7.6", "9.8.7.0/24"), "NXDOMAIN ecs 9.8.7.0/24/24")
		want(t, "no address", phrase(t, s, "www.example.com. AAAA", "9.7.7.6", "9.7.7.0/24"), "NOERROR ecs 9.7.7.0/24/24")
		want(t, "an address", phrase(t, s, "www.example.com. AAAA", "9.9.9.9", "9.9.9.0/24"), "NOERROR 64:ff9b::909:900 ecs 9.9.9.0/24/24 ede 29")
	}
}

func TestSubnetsAndViewsAndPackets(t *testing.T) {
	t.Parallel()
	c := newCDN(t, 16)
	base := c.resolver()
	s := server.New(server.Options{Views: []server.View{
		{Name: "told", Clients: nets("9.8.0.0/16"), Recursive: base.With(tellAll(t))},
		{Name: "few bits", Clients: nets("9.9.0.0/16"), Recursive: base.With(policyOf(t, ecs.Options{Send: ecs.SendAddress, Bits4: 8}))},
		{Name: "not", Recursive: base.With(nil)},
	}})
	for round := range 2 {
		want(t, "told", phrase(t, s, "www.example.com. A", "9.8.7.6", "9.8.7.0/24"), "NOERROR 9.8.0.0 ecs 9.8.7.0/24/16")
		want(t, "told less", phrase(t, s, "www.example.com. A", "9.9.9.9", ""), "NOERROR 9.0.0.0")
		want(t, "not told", phrase(t, s, "www.example.com. A", "8.8.8.8", "9.8.7.0/24"), "NOERROR 203.0.113.1 ecs 9.8.7.0/24/0")
		if n := s.Stats().Packets.Hits; n != uint64(3*round) {
			t.Errorf("%d hits among packets", n)
		}
	}
}

func TestSubnetsAndClientsWithoutEDNS(t *testing.T) {
	t.Parallel()
	c := newCDN(t, 16)
	s := server.New(server.Options{Views: []server.View{{Recursive: c.resolver().With(tellAll(t))}}})
	want(t, "without", phrase(t, s, "www.example.com. A", "9.8.7.6", "-"), "NOERROR 9.8.0.0")
	want(t, "with an option", phrase(t, s, "www.example.com. A", "9.8.1.1", "9.8.1.0/24"), "NOERROR 9.8.0.0 ecs 9.8.1.0/24/16")
	want(t, "without, of another network", phrase(t, s, "www.example.com. A", "9.9.9.9", "-"), "NOERROR 9.9.0.0")
	want(t, "told", c.told(), "www.example.com. A 9.8.7.0/24 udp, www.example.com. A 9.9.9.0/24 udp")
}

func TestSubnetsAndANYAndTransfers(t *testing.T) {
	t.Parallel()
	c := newCDN(t, 16)
	s := server.New(server.Options{Views: []server.View{{Recursive: c.resolver().With(tellAll(t))}}})
	phrase(t, s, "www.example.com. A", "9.8.7.6", "")
	c.told()
	for _, kind := range []string{"ANY", "AXFR", "IXFR"} {
		got := phrase(t, s, "www.example.com. "+kind, "9.9.9.9", "9.9.9.0/24")
		if !strings.Contains(got, "ecs 9.9.9.0/24/0") || strings.Contains(got, "9.8.0.0") {
			t.Errorf("%s: %s", kind, got)
		}
	}
	if told := c.told(); strings.Contains(told, "9.9.9.0/24") {
		t.Errorf("told: %s", told)
	}
}

// questionFrom is "name TYPE" of that client.
func questionFrom(text, client string) lookup.Query {
	q := question(text)
	q.Client = netip.MustParseAddr(client)
	return q
}

func nets(texts ...string) (all []netip.Prefix) {
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}
