package resolver_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
	"github.com/sextant-dns/sextant/transport"
)

func minimised(o *resolver.Options) { o.NoMinimise = false }

func TestServersSeeNoMoreOfANameThanTheyNeed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ what, question, want, sent string }{
		{
			"a cut at each label", "www.example.com. TXT", "NOERROR |  | example.com. 300",
			"198.51.100.1 com. A\n198.51.100.11 example.com. A\n192.0.2.1 www.example.com. TXT",
		},
		{
			"the cut itself", "com. NS", "NOERROR | com. 86400 NS ns1.com. , com. 86400 NS ns2.com.",
			"198.51.100.1 com. NS\n198.51.100.11 com. NS",
		},
		{
			"an alias above", "a.old.example.com. A",
			"NOERROR | old.example.com. 600 DNAME new.example.org., a.old.example.com. 600 CNAME a.new.example.org., a.new.example.org. 90 A 203.0.113.81",
			"198.51.100.1 com. A\n198.51.100.11 example.com. A\n192.0.2.1 old.example.com. A\n192.0.2.1 a.old.example.com. A\n" +
				"198.51.100.1 org. A\n198.51.100.21 example.org. A\n203.0.113.1 new.example.org. A\n203.0.113.1 a.new.example.org. A",
		},
		{
			"a DS", "example.com. DS", "NOERROR |  | com. 300",
			"198.51.100.1 com. A\n198.51.100.11 example.com. DS",
		},
		{
			"nothing there", "a.b.c.example.com. A", "NXDOMAIN |  | example.com. 300",
			"198.51.100.1 com. A\n198.51.100.11 example.com. A\n192.0.2.1 c.example.com. A\n192.0.2.1 a.b.c.example.com. A",
		},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			n := shops(t)
			expect(t, n.resolver(minimised), c.question, c.want)
			if got := n.log(); got != c.sent {
				t.Errorf("sent\n%s\nwant\n%s", got, c.sent)
			}
		})
	}
}

func TestALongNameIsShownInAtMostTenSteps(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	name := strings.Repeat("x.", 60) + "example.com."
	n.zone("example.com.", name+" 60 A 192.0.2.9", "192.0.2.1")
	r := n.resolver(minimised)
	expect(t, r, name+" A", "NOERROR | "+name+" 60 A 192.0.2.9")
	if n.count("") > 11 {
		t.Errorf("%d questions:\n%s", n.count(""), n.log())
	}
	for i, want := range []string{"com. A", "example.com. A", "x.example.com. A", "x.x.example.com. A"} { // one by one at first
		if line := strings.Split(n.log(), "\n")[i]; !strings.HasSuffix(line, " "+want) {
			t.Errorf("question %d: %s", i+1, line)
		}
	}
	n.forget()
	expect(t, r, strings.Replace(name, "x", "y", 1)+" A", "NXDOMAIN |  | example.com. 300")
	if n.count("") > 10 {
		t.Errorf("%d questions:\n%s", n.count(""), n.log())
	}
	n.forget()
	expect(t, r, strings.Replace(name, "x", "z", 1)+" A", "NXDOMAIN |  | example.com. 300")
	if n.count("") != 1 {
		t.Errorf("what is known of the names above was asked again:\n%s", n.log())
	}
}

func TestNamesWithAPartInCommonAskForItOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := shops(t)
		for _, a := range []string{"198.51.100.1", "198.51.100.11", "192.0.2.1"} {
			n.host(a).delay = 100 * time.Millisecond
		}
		r := n.resolver(minimised)
		results := make(chan string)
		for i := range 100 {
			go func() { results <- ask(t, r, fmt.Sprintf("n%d.sub.example.com. A", i)) }()
		}
		for range 100 {
			if got := <-results; got != "NXDOMAIN |  | example.com. 300" {
				t.Error(got)
			}
		}
		if n.count("") != 3+100 {
			t.Errorf("%d messages", n.count(""))
		}
	})
}

func TestServersThatStumbleOverPartsOfANameAreAskedForAllOfIt(t *testing.T) {
	t.Parallel()
	for what, text := range map[string]string{
		"denied": "AA NXDOMAIN\nauthority:\nexample.com. 60 SOA . . 1 1 1 1 60", "refused": "REFUSED", "failed": "SERVFAIL", "silent": "",
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := newInternet(t)
				n.zone("example.com.", "www.ent.example.com. 60 A 192.0.2.9", "192.0.2.1")
				n.host("192.0.2.1").script = func(r transport.Request, honest *transport.Reply) *transport.Reply {
					switch {
					case r.Question.Name.Labels() > 3:
						return honest
					case text == "":
						return nil
					}
					return reply(text)
				}
				r := n.resolver(minimised)
				expect(t, r, "www.ent.example.com. A", "NOERROR | www.ent.example.com. 60 A 192.0.2.9")
				if n.count("192.0.2.1 ") != 2 {
					t.Errorf("sent\n%s", n.log())
				}
			})
		})
	}
}

func TestTheDSOfAZoneComesFromDirectlyAbove(t *testing.T) {
	t.Parallel()
	for what, change := range map[string]func(*resolver.Options){"minimised": minimised, "whole": func(*resolver.Options) {}} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			n := shops(t)
			// The servers of the root serve example.com, too, and know an alias there.
			n.host("198.51.100.1").script = says("example.com. DS", "AA\nanswer:\nexample.com. 60 CNAME www.example.org.")
			n.zones[lookup.MustName("com.")].add("example.com. 3600 DS 1 13 2 " + strings.Repeat("00", 32))
			if got := ask(t, n.resolver(change), "example.com. DS"); !strings.Contains(got, "example.com. 3600 DS") {
				t.Errorf("%s, sent\n%s", got, n.log())
			}
		})
	}
}

// RFC 8020 and RFC 9156: what does not exist is proven before all of a name was shown.
func TestAProvenDenialEndsTheWayDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := signedShops(t)
		r := n.resolver(n.validating, func(o *resolver.Options) { o.NoMinimise = false })
		for question, want := range map[string]string{
			"secret.host.none.bank.com. A": "secure NXDOMAIN",
			"secret.printer.local. A":      "secure NXDOMAIN",
			"secret.no.example.org. A":     "insecure NXDOMAIN",
		} {
			if got := judged(t, r, question); got != want {
				t.Errorf("%s: got %s, want %s", question, got, want)
			}
		}
		if n.count("secret.host") > 0 || n.count("secret.printer") > 0 || n.count("secret.no") == 0 {
			t.Errorf("sent\n%s", n.log())
		}
	})
}
