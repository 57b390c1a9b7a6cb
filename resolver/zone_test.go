package resolver_test

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
	"github.com/sextant-dns/sextant/transport"
)

// pin is one of Options.Zones.
func pin(name string, servers ...string) resolver.Zone {
	z := resolver.Zone{Name: lookup.MustName(name)}
	for _, s := range servers {
		if !strings.Contains(s, ":") {
			s += ":53"
		}
		z.Servers = append(z.Servers, netip.MustParseAddrPort(s))
	}
	return z
}

func with(zones ...resolver.Zone) func(*resolver.Options) {
	return func(o *resolver.Options) { o.Zones = zones }
}

func forward(z resolver.Zone) resolver.Zone {
	z.Forward = true
	return z
}

func first(z resolver.Zone) resolver.Zone {
	z.First = true
	return z
}

// office has, besides shops, corp. which the root knows nothing of, and a resolver
// at 192.0.2.53 that knows www.example.com and corp. in its own way.
func office(t *testing.T) *internet {
	n := shops(t)
	corp := &zone{apex: lookup.MustName("corp.")}
	corp.add("corp. 60 SOA . . 1 1 1 1 60\ncorp. 60 NS ns.corp.\ndb.corp. 60 A 10.0.0.1\nlab.corp. 60 NS ns.lab.corp.\nns.lab.corp. 60 A 10.0.0.54")
	lab := &zone{apex: lookup.MustName("lab.corp.")}
	lab.add("lab.corp. 60 SOA . . 1 1 1 1 60\nx.lab.corp. 60 A 10.0.0.2")
	n.host("10.0.0.53").zones = []*zone{corp}
	n.host("10.0.0.54").zones = []*zone{lab}
	n.host("192.0.2.53").script = func(r transport.Request, _ *transport.Reply) *transport.Reply {
		switch name := r.Question.Name.String(); {
		case !r.RD:
			return reply("REFUSED")
		case name == "www.example.com.":
			return reply("RA\nanswer:\nwww.example.com. 60 CNAME www.example.org.\nwww.example.org. 60 A 10.66.66.66\nauthority:\nexample.com. 600 NS evil.example.com.\norg. 600 NS evil.example.com.")
		case name == "db.corp.":
			return reply("RA\nanswer:\ndb.corp. 60 A 10.66.66.66")
		}
		return reply("RA NXDOMAIN\nauthority:\n. 60 SOA . . 1 1 1 1 60")
	}
	return n
}

func TestAStubZoneIsAskedDirectly(t *testing.T) {
	t.Parallel()
	for _, minimise := range []bool{false, true} {
		n := office(t)
		r := n.resolver(with(pin("corp.", "10.0.0.53")), func(o *resolver.Options) { o.NoMinimise = !minimise })
		expect(t, r, "corp. DS", "NXDOMAIN |  | . 300") // what the root says does not hide it
		n.forget()
		expect(t, r, "corp. SOA", "NOERROR | corp. 60 SOA . . 1 1 1 1 60")
		expect(t, r, "db.corp. A", "NOERROR | db.corp. 60 A 10.0.0.1")
		expect(t, r, "nope.corp. A", "NXDOMAIN |  | corp. 60")
		expect(t, r, "x.lab.corp. A", "NOERROR | x.lab.corp. 60 A 10.0.0.2")
		if n.count("198.51.100.") != 0 {
			t.Errorf("the root was asked:\n%s", n.log())
		}
	}
}

func TestServersOfAZoneHavePortsOfTheirOwn(t *testing.T) {
	t.Parallel()
	n := office(t)
	var ports []uint16
	script := func(r transport.Request, honest *transport.Reply) *transport.Reply {
		ports = append(ports, r.Server.Port())
		if r.Server.Port() == 5301 {
			return reply("SERVFAIL")
		}
		return honest
	}
	n.host("10.0.0.53").script = script
	expect(t, n.resolver(with(pin("corp.", "10.0.0.53:5302", "10.0.0.53:5301"))), "db.corp. A", "NOERROR | db.corp. 60 A 10.0.0.1")
	if len(ports) == 0 || ports[len(ports)-1] != 5302 {
		t.Errorf("ports %v", ports)
	}
}

func TestAForwarderIsBelievedForItsZoneOnly(t *testing.T) {
	t.Parallel()
	n := office(t)
	r := n.resolver(with(forward(pin("example.com.", "192.0.2.53"))))
	want := "NOERROR | www.example.com. 60 CNAME www.example.org., www.example.org. 120 A 203.0.113.80"
	expect(t, r, "www.example.com. A", want)
	expect(t, r, "www.example.org. A", "NOERROR | www.example.org. 120 A 203.0.113.80")
	expect(t, r, "nope.example.com. A", "NXDOMAIN | ")
	if n.count("192.0.2.53 ") != 2 || n.count("192.0.2.53 www.example.org.") != 0 || n.count("192.0.2.1 ") != 0 {
		t.Errorf("sent\n%s", n.log())
	}
	if s := r.Stats(); s.Cuts != 2 { // org. and example.org.
		t.Errorf("%d cuts", s.Cuts)
	}
}

func TestEverythingCanBeForwardedAndAZoneInsideStaysItsOwn(t *testing.T) {
	t.Parallel()
	n := office(t)
	r := n.resolver(primed, with(forward(pin(".", "192.0.2.53")), pin("corp.", "10.0.0.53"), pin("example.org.")))
	expect(t, r, "db.corp. A", "NOERROR | db.corp. 60 A 10.0.0.1")
	// An exception is found from the root, and what the forwarder says of it is not believed.
	expect(t, r, "www.example.com. A", "NOERROR | www.example.com. 60 CNAME www.example.org., www.example.org. 120 A 203.0.113.80")
	expect(t, r, "nope.example.net. A", "NXDOMAIN |  | . 60")
	if n.count(" . NS") != 0 || n.count("192.0.2.53 ") != 2 || n.count("198.51.100.") != 2 {
		t.Errorf("sent\n%s", n.log())
	}
}

func TestWhatIsSaidAboveAZoneDoesNotReachIntoIt(t *testing.T) {
	t.Parallel()
	n := office(t)
	// example.com has a DNAME and an alias into the configured zone, with a lie about it.
	n.zones[lookup.MustName("example.com.")].add("to.example.com. 60 CNAME db.old.example.com.\ndb.old.example.com. 60 A 192.0.2.66")
	inner := &zone{apex: lookup.MustName("in.old.example.com.")}
	inner.add("in.old.example.com. 60 SOA . . 1 1 1 1 60\nx.in.old.example.com. 60 A 10.0.0.9")
	n.host("10.0.0.55").zones = []*zone{inner}
	r := n.resolver(with(pin("in.old.example.com.", "10.0.0.55")))
	ask(t, r, "a.old.example.com. A") // the DNAME of old.example.com. is known now
	expect(t, r, "x.in.old.example.com. A", "NOERROR | x.in.old.example.com. 60 A 10.0.0.9")

	n.host("192.0.2.1").script = says("lie.example.com.", "AA\nanswer:\nlie.example.com. 60 CNAME x.in.old.example.com.\nx.in.old.example.com. 60 A 192.0.2.66")
	r = n.resolver(with(pin("in.old.example.com.", "10.0.0.55")))
	expect(t, r, "lie.example.com. A", "NOERROR | lie.example.com. 60 CNAME x.in.old.example.com., x.in.old.example.com. 60 A 10.0.0.9")
}

func TestAZoneThatComesFirstIsNotTheLast(t *testing.T) {
	t.Parallel()
	for what, text := range map[string]string{"failing": "SERVFAIL", "refusing": "REFUSED", "referring": "NOERROR\nauthority:\nsub.example.com. 60 NS ns.sub.example.com."} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := office(t)
				n.host("192.0.2.53").script = says("", text)
				only, both := forward(pin("example.com.", "192.0.2.53")), first(forward(pin("example.com.", "192.0.2.53")))
				expectError(t, n.resolver(with(only)), "www.sub.example.com. A", "22")
				r := n.resolver(with(both))
				expect(t, r, "www.example.com. A", www)
				// The cut that was learned on the way does not replace the forwarder.
				n.host("192.0.2.53").script = says("", "RA\nanswer:\nlong.example.com. 60 A 10.66.66.66")
				time.Sleep(10 * time.Minute)
				expect(t, r, "long.example.com. A", "NOERROR | long.example.com. 60 A 10.66.66.66")
			})
		})
	}
}

func TestAForwarderMayAnswerNothingInManyWays(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct{ text, want string }{
		"with an SOA":                   {"RA\nauthority:\nexample.com. 60 SOA . . 1 1 1 1 60", "NOERROR |  | example.com. 60"},
		"with the SOA of a zone around": {"RA\nauthority:\ncom. 60 SOA . . 1 1 1 1 60", "NOERROR | "},
		"with NS":                       {"RA\nauthority:\nexample.com. 60 NS ns.example.com.", "NOERROR | "},
		"with NS below":                 {"RA\nauthority:\nx.example.com. 60 NS ns.x.example.com.", "NOERROR | "},
		"with nothing":                  {"RA", "NOERROR | "},
	} {
		n := office(t)
		n.host("192.0.2.53").script = says("", "NOERROR "+c.text)
		if got := ask(t, n.resolver(with(forward(pin("example.com.", "192.0.2.53")))), "www.x.example.com. A"); got != c.want {
			t.Errorf("%s: %s", what, got)
		}
	}
}

// RFC 8914 4.23 and 4.24: what a forwarder does not answer is told from what does not
// reach it.
func TestAForwarderThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	refused := &net.OpError{Op: "read", Net: "udp", Err: os.NewSyscallError("read", syscall.ECONNREFUSED)}
	for what, c := range map[string]struct {
		change func(*internet)
		want   string
	}{
		"silent":             {func(n *internet) { n.silence("192.0.2.53") }, "22 (No Reachable Authority)"},
		"connection refused": {func(n *internet) { n.host("192.0.2.53").err = refused }, "23 (Network Error)"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := office(t)
				c.change(n)
				expectError(t, n.resolver(with(forward(pin("example.com.", "192.0.2.53")))), "www.example.com. A", c.want)
				if n.count("192.0.2.53 ") == 0 || n.count("192.0.2.1 ") != 0 {
					t.Errorf("sent\n%s", n.log())
				}
			})
		})
	}
}

func TestConfiguredServersAreAskedOverTheirTransport(t *testing.T) {
	t.Parallel()
	n := office(t)
	secure := &transport.TLS{Name: "dns.example"}
	tcp, tls := pin("corp.example.com.", "10.0.0.53"), pin("lab.example.com.", "10.0.0.54:853")
	tcp.TCP, tls.TLS = true, secure
	tls.Forward = true
	seen := map[string]transport.Request{}
	note := func(r transport.Request, honest *transport.Reply) *transport.Reply {
		seen[r.Question.Name.String()] = r
		return honest
	}
	for _, a := range []string{"10.0.0.53", "10.0.0.54", "192.0.2.1", "192.0.2.2"} {
		n.host(a).script = note
	}
	r := n.resolver(with(tcp, tls))
	for _, name := range []string{"x.corp.example.com.", "x.lab.example.com.", "x.example.com."} {
		ask(t, r, name+" A")
	}
	if got := seen["x.corp.example.com."]; !got.TCP || got.TLS != nil {
		t.Errorf("over TCP: %+v", got)
	}
	if got := seen["x.lab.example.com."]; got.TCP || got.TLS != secure || got.Server != netip.MustParseAddrPort("10.0.0.54:853") {
		t.Errorf("over TLS: %+v", got)
	}
	if got := seen["x.example.com."]; got.TCP || got.TLS != nil {
		t.Errorf("elsewhere: %+v", got)
	}
}

// growing is office in which corp. has moved: its old server knows where.
func growing(t *testing.T) (*internet, func(*resolver.Options)) {
	n := office(t)
	corp := n.host("10.0.0.53").zones[0]
	corp.add("ns.corp. 60 A 10.0.0.55")
	n.host("10.0.0.55").zones = []*zone{corp}
	z := pin("corp.", "10.0.0.53")
	z.Prime = true
	return n, with(z)
}

func TestAStubZoneIsPrimed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n, zones := growing(t)
		r := n.resolver(zones)
		for range 3 { // the NS lives for 60 s
			n.forget()
			expect(t, r, "db.corp. A", "NOERROR | db.corp. 60 A 10.0.0.1")
			expect(t, r, "nope.corp. A", "NXDOMAIN |  | corp. 60")
			expect(t, r, "x.lab.corp. A", "NOERROR | x.lab.corp. 60 A 10.0.0.2")
			if n.count("10.0.0.53 corp. NS ") != 1 || n.count("10.0.0.53 ") != 1 || n.count("10.0.0.55 ") != 3 || n.count("198.51.100.") != 0 {
				t.Errorf("sent\n%s", n.log())
			}
			time.Sleep(time.Minute)
		}
	})
}

func TestAStubZoneThatCannotBePrimedIsAskedItself(t *testing.T) {
	t.Parallel()
	for what, text := range map[string]string{
		"no name servers":       "AA NOERROR\nauthority:\ncorp. 60 SOA . . 1 1 1 1 60",
		"none with an address":  "AA NOERROR\nanswer:\ncorp. 60 NS ns.corp.",
		"an error":              "SERVFAIL",
		"a referral to nowhere": "NOERROR\nauthority:\n. 60 NS ns1.",
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n, zones := growing(t)
				n.host("10.0.0.53").script = says("corp. NS", text)
				r := n.resolver(zones)
				for i := range 5 {
					expect(t, r, fmt.Sprintf("n%d.corp. A", i), "NXDOMAIN |  | corp. 60")
					time.Sleep(5 * time.Second)
				}
				if n.count("10.0.0.53 corp. NS ") != 1 || n.count("10.0.0.53 ") != 6 || n.count("10.0.0.55 ") != 0 {
					t.Errorf("sent\n%s", n.log())
				}
				n.host("10.0.0.53").script = nil
				time.Sleep(5 * time.Second)
				expect(t, r, "m.corp. A", "NXDOMAIN |  | corp. 60")
				if n.count("10.0.0.53 corp. NS ") != 2 || n.count("10.0.0.55 ") != 1 {
					t.Errorf("then sent\n%s", n.log())
				}
			})
		})
	}
}

func TestGlueOfOtherZonesIsBelievedByThoseWhoWantTo(t *testing.T) {
	t.Parallel()
	for _, off := range []bool{false, true} {
		n := shops(t)
		n.zone("victim.org.", "ns.victim.org. 60 A 203.0.113.1", "203.0.113.1")
		com := n.zones[lookup.MustName("com.")]
		com.add("evil.com. 60 NS ns.victim.org.\nns.victim.org. 60 A 192.0.2.66")
		evil := &zone{apex: lookup.MustName("evil.com.")}
		evil.add("www.evil.com. 60 A 192.0.2.9")
		n.host("192.0.2.66").zones, n.host("203.0.113.1").zones = []*zone{evil}, append(n.host("203.0.113.1").zones, evil)
		r := n.resolver(func(o *resolver.Options) { o.NoHardenGlue = off })
		expect(t, r, "www.evil.com. A", "NOERROR | www.evil.com. 60 A 192.0.2.9")
		if got := n.count("192.0.2.66 ") == 1; got != off {
			t.Errorf("%v: sent\n%s", off, n.log())
		}
		expect(t, r, "ns.victim.org. A", "NOERROR | ns.victim.org. 60 A 203.0.113.1") // it stays in the delegation
	}
}
