package resolver_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
	"github.com/sextant-dns/sextant/transport"
)

// forgetful is example.com with a parent that leaves the glue out of referrals.
func forgetful(t *testing.T) *internet {
	n := shops(t)
	for _, a := range []string{"198.51.100.11", "198.51.100.12"} {
		n.host(a).script = func(r transport.Request, honest *transport.Reply) *transport.Reply {
			if !strings.HasPrefix(r.Question.Name.String(), "ns") {
				honest.Additional = nil
			}
			return honest
		}
	}
	return n
}

func TestMissingGlueIsAskedForAtTheParentAndKeptInTheCut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := forgetful(t)
		r := n.resolver()
		expect(t, r, "www.example.com. A", www)
		if n.count("198.51.100.11 ns1.example.com. A ") != 1 || n.count("198.51.100.11 ") != 2 {
			t.Errorf("sent\n%s", n.log())
		}
		n.forget()
		expect(t, r, "mail.example.com. A", "NXDOMAIN |  | example.com. 300")
		if n.count("198.51.100.") != 0 || n.count("192.0.2.1 ") != 1 {
			t.Errorf("the glue is not there, sent\n%s", n.log())
		}
		// It is the parent's word, which is not for clients.
		n.forget()
		expect(t, r, "ns1.example.com. A", "NOERROR | ns1.example.com. 86400 A 192.0.2.1")
		if n.count("192.0.2.1 ns1.example.com. A") != 1 {
			t.Errorf("sent\n%s", n.log())
		}
	})
}

// RFC 2181 10.3 forbids it.
func TestAnAliasInThePlaceOfAMissingGlueIsFollowed(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"real.example.com.", "ns.hosts.org."} {
		synctest.Test(t, func(t *testing.T) {
			n := forgetful(t)
			n.zone("hosts.org.", "ns.hosts.org. 60 A 192.0.2.1", "203.0.113.1")
			com := n.zones[lookup.MustName("com.")]
			com.remove("ns1.example.com.")
			com.remove("ns2.example.com.")
			com.add("real.example.com. 60 A 192.0.2.1")
			for _, a := range []string{"198.51.100.11", "198.51.100.12"} {
				n.host(a).script = func(r transport.Request, honest *transport.Reply) *transport.Reply {
					switch label := r.Question.Name.Label(); {
					case label == "real":
						return reply("AA\nanswer:\nreal.example.com. 60 A 192.0.2.1")
					case strings.HasPrefix(label, "ns"):
						return reply("AA\nanswer:\n" + r.Question.Name.String() + " 60 CNAME " + target)
					}
					honest.Additional = nil
					return honest
				}
			}
			r := n.resolver()
			expect(t, r, "www.example.com. A", www)
			n.forget()
			expect(t, r, "long.example.com. A", "NOERROR | long.example.com. 86400 A 192.0.2.82")
			if n.count("") != 1 {
				t.Errorf("sent\n%s", n.log())
			}
			time.Sleep(10 * time.Second) // until all work has ended
		})
	}
}

func TestGlueThatDoesNotComeIsLookedForOnceInAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := shops(t)
		n.zones[lookup.MustName("com.")].remove("ns1.example.com.")
		n.zones[lookup.MustName("com.")].remove("ns2.example.com.")
		r := n.resolver()
		expectError(t, r, "www.example.com. A", "22 (No Reachable Authority): no address of any server of example.com.")
		if n.count("") > 5 {
			t.Errorf("sent\n%s", n.log())
		}
		n.forget()
		for _, name := range []string{"a", "b", "c"} {
			expectError(t, r, name+".example.com. A", "22")
		}
		if n.count("") > 0 {
			t.Errorf("sent\n%s", n.log())
		}
	})
}

func TestTheOtherFamilyIsLookedUpBeforeAZoneIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newInternet(t)
		n.zone("hosts.org.", "ns.hosts.org. 60 A 192.0.2.1", "203.0.113.1")
		client := n.zone("client.net.", "www.client.net. 60 A 192.0.2.9")
		n.host("192.0.2.1").zones = append(n.host("192.0.2.1").zones, client)
		n.zones[lookup.Root].remove("net.")
		n.zones[lookup.Root].add("client.net. 60 NS ns.hosts.org.\nns.hosts.org. 60 AAAA 2001:db8::1")
		r := n.resolver(func(o *resolver.Options) { o.NoIPv6 = false })
		expect(t, r, "www.client.net. A", "NOERROR | www.client.net. 60 A 192.0.2.9")
		if n.count("2001:db8::1 ") != 3 || n.count("203.0.113.1 ns.hosts.org. A ") != 1 {
			t.Errorf("sent\n%s", n.log())
		}
	})
}

// kin is example.com with a name server that its parent does not know of.
func kin(t *testing.T) *internet {
	n := shops(t)
	n.zone("hosts.org.", "ns.hosts.org. 86400 A 203.0.113.9", "203.0.113.1")
	zone := n.zones[lookup.MustName("example.com.")]
	n.host("203.0.113.9").zones = append(n.host("203.0.113.9").zones, zone)
	for _, a := range []string{"192.0.2.1", "192.0.2.2"} {
		n.host(a).script = func(_ transport.Request, honest *transport.Reply) *transport.Reply {
			honest.Authority = append(honest.Authority, lookup.MustRRsets("example.com. 999999 NS ns.hosts.org.")...)
			return honest
		}
	}
	return n
}

func TestNameServersThatOnlyTheZoneNamesAreTheLastResort(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := kin(t)
		r := n.resolver()
		expect(t, r, "www.example.com. A", www)
		expect(t, r, "mail.example.com. A", "NXDOMAIN |  | example.com. 300")
		if n.count("203.0.113.") != 0 {
			t.Errorf("asked without need:\n%s", n.log())
		}
		n.host("192.0.2.1").script, n.host("192.0.2.2").script = says("", "SERVFAIL"), says("", "SERVFAIL")
		expect(t, r, "long.example.com. A", "NOERROR | long.example.com. 86400 A 192.0.2.82")
		if n.count("203.0.113.9 ") != 1 {
			t.Errorf("sent\n%s", n.log())
		}
	})
}

func TestTheLastResortEndsWithTheDelegation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := kin(t)
		r := n.resolver()
		expect(t, r, "www.example.com. A", www)
		com := n.zones[lookup.MustName("com.")]
		com.remove("example.com.") // the parent withdraws it, and the zone says that it is there
		com.remove("ns1.example.com.")
		com.remove("ns2.example.com.")
		for day := range 2 {
			for range 24 {
				time.Sleep(time.Hour)
				ask(t, r, "www.example.com. A")
				n.silence("192.0.2.1", "192.0.2.2")
				ask(t, r, "mail.example.com. A")
				n.wake("192.0.2.1", "192.0.2.2")
			}
			if day == 0 {
				n.forget()
			}
		}
		expect(t, r, "www.example.com. A", "NXDOMAIN |  | com. 300")
		if n.count("203.0.113.9 ") != 0 {
			t.Errorf("a ghost, sent\n%s", n.log())
		}
	})
}

func TestTheParentIsNotBotheredForTheGlueOfAZoneThatIsDark(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := shops(t)
		r := n.resolver(minimised, func(o *resolver.Options) { o.NoIPv6 = false })
		ask(t, r, "www.example.com. A")
		n.silence("192.0.2.1", "192.0.2.2")
		n.forget()
		for i := range 30 {
			go ask(t, r, fmt.Sprintf("n%d.example.com. A", i))
			time.Sleep(300 * time.Millisecond)
		}
		time.Sleep(20 * time.Second)
		if n.count("198.51.100.") != 0 {
			t.Errorf("sent\n%s", n.log())
		}
	})
}

// hosted is client.com, whose name servers lie in three zones: by number ns.h0.net
// and so on. Those in dark are silent.
func hosted(t *testing.T, dark ...int) *internet {
	n := newInternet(t)
	client := n.zone("client.com.", "www.client.com. 60 A 192.0.2.9")
	for i := range 3 {
		host, apex := fmt.Sprintf("203.0.113.%d", i), fmt.Sprintf("h%d.net.", i)
		n.zone(apex, fmt.Sprintf("ns.%s 60 A %s\nns.%s 60 AAAA 2001:db8::%d", apex, host, apex, i+1), host)
		n.host(host).zones = append(n.host(host).zones, client)
		n.host(fmt.Sprintf("2001:db8::%d", i+1)).zones = []*zone{client}
		n.delegate(client.apex, "client.com. 86400 NS ns."+apex)
	}
	for _, i := range dark {
		n.silence(fmt.Sprintf("203.0.113.%d", i))
	}
	return n
}

func TestNameServersAreLookedForAtTheSameTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := hosted(t, 0, 1)
		n.host("203.0.113.2").delay = 100 * time.Millisecond
		r := n.resolver()
		start := time.Now()
		expect(t, r, "www.client.com. A", "NOERROR | www.client.com. 60 A 192.0.2.9")
		// Twice the time until the next one is looked for beside those that are silent,
		// and then to the name server's zone and to the client's.
		if took := time.Since(start); took != 300*time.Millisecond {
			t.Errorf("took %v", took)
		}
		// What comes too late for the first is there for the next.
		n.wake("203.0.113.0", "203.0.113.1")
		time.Sleep(4 * time.Second)
		n.forget()
		n.silence("203.0.113.2")
		expect(t, r, "mail.client.com. A", "NXDOMAIN |  | client.com. 300")
		if n.count("ns.h") != 0 {
			t.Errorf("sent\n%s", n.log())
		}
	})
}

func TestBothFamiliesOfANameServerAreLookedForAtTheSameTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := hosted(t)
		r := n.resolver(func(o *resolver.Options) { o.NoIPv6 = false })
		for i := range 3 { // the A is not to be had
			n.host(fmt.Sprintf("203.0.113.%d", i)).script = func(r transport.Request, honest *transport.Reply) *transport.Reply {
				if r.Question.Type == lookup.TypeA && r.Question.Name.Label() == "ns" {
					return nil
				}
				return honest
			}
		}
		start := time.Now()
		expect(t, r, "www.client.com. A", "NOERROR | www.client.com. 60 A 192.0.2.9")
		if took := time.Since(start); took != 50*time.Millisecond {
			t.Errorf("took %v", took)
		}
		if got := n.count("ns.h0.net. ") + n.count("ns.h1.net. ") + n.count("ns.h2.net. "); got > 3*3 {
			t.Errorf("more than three lookups, sent\n%s", n.log())
		}
		time.Sleep(10 * time.Second) // until all work has ended
	})
}

// The first three may be looked for at once. When one of them does not exist,
// something is wrong with this delegation.
func TestAfterANameServerThatDoesNotExistTheyAreLookedForOneByOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newInternet(t)
		n.zone("victim.net.", "", "203.0.113.1")
		n.host("203.0.113.1").delay = time.Second
		for i := range 13 {
			n.delegate(lookup.MustName("evil.com."), fmt.Sprintf("evil.com. 86400 NS n%d.victim.net.", i))
		}
		r := n.resolver()
		go ask(t, r, "www.evil.com. A")
		for second, want := range []int{3, 4, 5, 5} {
			time.Sleep(time.Second - time.Millisecond)
			if got := n.count("203.0.113.1 n"); got != want {
				t.Errorf("after %d s: sent %d times, want %d", second, got, want)
			}
			time.Sleep(time.Millisecond)
		}
	})
}

func TestWhoHangsUpEndsTheLookingForNameServers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := hosted(t, 0, 1, 2)
		r := n.resolver()
		ctx, hangUp := context.WithCancel(t.Context())
		go func() { _, _ = r.Resolve(ctx, question("www.client.com. A")) }()
		time.Sleep(time.Second)
		n.forget()
		hangUp()
		synctest.Wait()
		if r.Stats().Flights != 0 {
			t.Errorf("%d flights", r.Stats().Flights)
		}
		time.Sleep(10 * time.Second)
		if n.count("") != 0 {
			t.Errorf("sent\n%s", n.log())
		}
	})
}
