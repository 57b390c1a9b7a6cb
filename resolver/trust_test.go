package resolver_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/transport"
)

func TestPromiscuousNSAreIgnored(t *testing.T) {
	t.Parallel()
	n := shops(t)
	n.zone("evil.com.", "", "192.0.2.66")
	n.host("192.0.2.66").script = says("evil.com.", `AA
answer:
www.evil.com. 60 A 192.0.2.67
authority:
evil.com. 86400 NS ns1.example.com.
example.com. 86400 NS ns1.evil.com.
com. 86400 NS ns1.evil.com.
org. 86400 NS ns1.evil.com.
additional:
ns1.evil.com. 86400 A 192.0.2.66
ns1.example.com. 86400 A 192.0.2.66
www.example.com. 86400 A 192.0.2.66`)
	r := n.resolver()
	ask(t, r, "www.evil.com. A")
	n.forget()
	expect(t, r, "www.example.com. A", "NOERROR | www.example.com. 60 A 192.0.2.80 , www.example.com. 60 A 192.0.2.81")
	expect(t, r, "ns1.example.com. A", "NOERROR | ns1.example.com. 86400 A 192.0.2.1")
	expect(t, r, "www.example.org. A", "NOERROR | www.example.org. 120 A 203.0.113.80")
	if n.count("192.0.2.66 ") != 0 {
		t.Errorf("the liar was believed:\n%s", n.log())
	}
}

func TestAReferralIsForTheZoneOnTheWayOnly(t *testing.T) {
	t.Parallel()
	for what, text := range map[string]string{
		"beside":  "authority:\norg. 86400 NS ns.evil.com.\nadditional:\nns.evil.com. 60 A 192.0.2.66",
		"above":   "authority:\ncom. 86400 NS ns.evil.com.\nadditional:\nns.evil.com. 60 A 192.0.2.66",
		"itself":  "authority:\nexample.com. 86400 NS ns.evil.com.\nadditional:\nns.evil.com. 60 A 192.0.2.66",
		"answers": "answer:\nwww.example.org. 60 A 192.0.2.66",
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			n := shops(t)
			n.host("192.0.2.66")
			n.host("192.0.2.1").script = says("", "NOERROR\n"+text)
			r := n.resolver()
			expect(t, r, "www.example.com. A", "NOERROR | www.example.com. 60 A 192.0.2.80 , www.example.com. 60 A 192.0.2.81")
			expect(t, r, "www.example.org. A", "NOERROR | www.example.org. 120 A 203.0.113.80")
			if n.count("192.0.2.66 ") != 0 {
				t.Errorf("sent\n%s", n.log())
			}
		})
	}
}

func TestGlueOutOfBailiwickIsIgnored(t *testing.T) {
	t.Parallel()
	n := shops(t)
	n.zone("hosting.org.", "ns.hosting.org. 60 A 203.0.113.53", "203.0.113.2")
	n.host("203.0.113.53").script = says("", "AA\nanswer:\nwww.client.com. 60 A 192.0.2.90")
	n.delegate(lookup.MustName("client.com."), "client.com. 86400 NS ns.hosting.org.\nns.hosting.org. 86400 A 192.0.2.66")
	r := n.resolver()
	expect(t, r, "www.client.com. A", "NOERROR | www.client.com. 60 A 192.0.2.90")
	expect(t, r, "ns.hosting.org. A", "NOERROR | ns.hosting.org. 60 A 203.0.113.53")
	if n.count("192.0.2.66 ") != 0 {
		t.Errorf("sent\n%s", n.log())
	}
}

func TestGlueInsideTheReferringZoneButOutsideTheDelegatedOneIsUsed(t *testing.T) {
	t.Parallel()
	n := shops(t)
	n.host("192.0.2.53").script = says("", "AA\nanswer:\nwww.client.com. 60 A 192.0.2.90")
	n.delegate(lookup.MustName("client.com."), "client.com. 86400 NS ns.hosting.com.\nns.hosting.com. 86400 A 192.0.2.53")
	r := n.resolver()
	expect(t, r, "www.client.com. A", "NOERROR | www.client.com. 60 A 192.0.2.90")
	if n.count("ns.hosting.com.") != 0 {
		t.Errorf("glue was looked up:\n%s", n.log())
	}
	if s := r.Stats(); s.Answers != 1 {
		t.Errorf("%d answers are remembered; glue is none", s.Answers)
	}
}

func TestAddressesOfOthersInAReferralAreNotGlue(t *testing.T) {
	t.Parallel()
	n := shops(t)
	n.host("198.51.100.11").script = says("www.example.com. A", `NOERROR
authority:
example.com. 86400 NS ns1.example.com.
additional:
ns1.example.com. 86400 A 192.0.2.1
ns1.example.com. 86400 A 0.0.0.0
ns1.example.com. 86400 A 224.0.0.1
www.example.org. 86400 A 192.0.2.66
ns2.example.com. 86400 A 192.0.2.66`)
	n.silence("192.0.2.1")
	synctest.Test(t, func(t *testing.T) { ask(t, n.resolver(), "www.example.com. A") })
	for _, a := range []string{"192.0.2.66 ", "0.0.0.0 ", "224.0.0.1 "} {
		if strings.Contains("\n"+n.log(), "\n"+a) {
			t.Errorf("%s was asked:\n%s", a, n.log())
		}
	}
}

func TestAZoneCannotProlongItsOwnDelegation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newInternet(t)
		ghost := n.zone("ghost.com.", "www.ghost.com. 60 A 192.0.2.9", "192.0.2.1")
		com := n.zones[lookup.MustName("com.")]
		com.remove("ghost.com.")
		com.add("ghost.com. 3600 NS ns1.ghost.com.")
		r := n.resolver()
		expect(t, r, "www.ghost.com. A", "NOERROR | www.ghost.com. 60 A 192.0.2.9")
		com.remove("ghost.com.") // the registry takes it away
		com.remove("ns1.ghost.com.")
		for i := range 12 {
			time.Sleep(299 * time.Second)
			// The zone tells everyone who asks that it lives, and under new names.
			ghost.add(fmt.Sprintf("ghost.com. 86400 NS fresh%d.ghost.com.\nfresh%d.ghost.com. 86400 A 192.0.2.1", i, i))
			ask(t, r, "ghost.com. NS")
			ask(t, r, fmt.Sprintf("fresh%d.ghost.com. A", i))
			ask(t, r, "www.ghost.com. A")
		}
		time.Sleep(60 * time.Second)
		expect(t, r, "www.ghost.com. A", "NXDOMAIN |  | com. 300")
	})
}

func TestADelegationDiesWithTheOneThatItWasLearnedFrom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newInternet(t)
		phoenix := n.zone("phoenix.com.", "", "192.0.2.1")
		com := n.zones[lookup.MustName("com.")]
		com.remove("phoenix.com.")
		com.add("phoenix.com. 3600 NS ns1.phoenix.com.")
		n.zone("a.phoenix.com.", "www.a.phoenix.com. 60 A 192.0.2.9", "192.0.2.2")
		_ = phoenix
		r := n.resolver()
		ask(t, r, "x.phoenix.com. A")
		com.remove("phoenix.com.")
		com.remove("ns1.phoenix.com.")
		time.Sleep(3000 * time.Second)
		expect(t, r, "www.a.phoenix.com. A", "NOERROR | www.a.phoenix.com. 60 A 192.0.2.9")
		time.Sleep(601 * time.Second)
		expect(t, r, "www.a.phoenix.com. A", "NXDOMAIN |  | com. 300")
	})
}

func TestAReplyOfARecursiveServerIsTheLastResort(t *testing.T) {
	t.Parallel()
	n := shops(t)
	n.host("192.0.2.1").script = says("www.example.com. A", "RA\nanswer:\nwww.example.com. 60 A 192.0.2.66")
	expect(t, n.resolver(), "www.example.com. A", "NOERROR | www.example.com. 60 A 192.0.2.80 , www.example.com. 60 A 192.0.2.81")
	n.silence("192.0.2.2")
	synctest.Test(t, func(t *testing.T) {
		expect(t, n.resolver(), "www.example.com. A", "NOERROR | www.example.com. 60 A 192.0.2.66")
	})
}

func TestAReplyWithoutAAIsUsed(t *testing.T) {
	t.Parallel()
	n := shops(t)
	n.host("192.0.2.1").script = func(_ transport.Request, honest *transport.Reply) *transport.Reply {
		honest.AA = false
		return honest
	}
	r := n.resolver()
	expect(t, r, "www.example.com. A", "NOERROR | www.example.com. 60 A 192.0.2.80 , www.example.com. 60 A 192.0.2.81")
	expect(t, r, "nope.example.com. A", "NXDOMAIN |  | example.com. 300")
	expect(t, r, "www.example.com. TXT", "NOERROR |  | example.com. 300")
}
