package resolver_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
)

// What a chain of trust rests on changes while it is remembered.

// disown takes the DS of apex out of the zone above, which is signed anew.
func (n *internet) disown(apex string) {
	name := lookup.MustName(apex)
	above, _ := name.Parent()
	z := n.zones[above]
	for i, s := range z.sets {
		if s.Name == name && s.Type == lookup.TypeDS {
			z.sets = append(z.sets[:i:i], z.sets[i+1:]...)
			break
		}
	}
	z.resign()
}

// unsign takes everything out of a zone that a signer has put in.
func (n *internet) unsign(apex string) {
	z := n.zones[lookup.MustName(apex)]
	z.chain = nil
	var sets []lookup.RRset
	for _, s := range z.sets {
		if s.Sigs = ""; s.Type != lookup.TypeDNSKEY {
			sets = append(sets, s)
		}
	}
	z.sets = sets
}

// RFC 4035 4.3: a DS may come while the delegation, which lives for a day, stays.
func TestADSThatComesIsSeenWhenItsDenialEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := signedShops(t)
		n.zone("new.com.", "www.new.com. 60 A 192.0.2.95", "192.0.2.12")
		n.zones["\x03com\x00"].resign()
		r := n.resolver(n.validating)
		if got := judged(t, r, "www.new.com. A"); got != "insecure NOERROR" {
			t.Fatalf("without DS: %s", got)
		}
		n.sign("new.com.")
		n.zones["\x03com\x00"].resign()
		time.Sleep(299 * time.Second)
		if got := judged(t, r, "www.new.com. A"); got != "insecure NOERROR" {
			t.Errorf("while the proof lives that there is no DS: %s", got)
		}
		time.Sleep(62 * time.Second)
		if got := judged(t, r, "www.new.com. A"); got != "secure NOERROR" {
			t.Errorf("after that: %s", got)
		}
	})
}

// The validation of .nz failed for half a day in 2023 wherever a cached DS did not fit
// new keys, and slack.com was out of reach in 2021 while its cached DS lived.
func TestWhatDoesNotFitIsAskedAnew(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*internet)
		want   string
	}{
		{"new keys", func(n *internet) {
			n.unsign("bank.com.")
			n.disown("bank.com.")
			n.sign("bank.com.")
			n.zones["\x03com\x00"].resign()
		}, "secure NOERROR"},
		{"not signed any more", func(n *internet) {
			n.unsign("bank.com.")
			n.disown("bank.com.")
		}, "insecure NOERROR"},
		{"signatures lost", func(n *internet) { n.unsign("bank.com.") }, "error: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := signedShops(t)
				r := n.resolver(n.validating)
				if got := judged(t, r, "www.bank.com. A"); got != "secure NOERROR" {
					t.Fatalf("at first: %s", got)
				}
				c.change(n)
				time.Sleep(61 * time.Second) // the DS and the DNSKEY live for an hour
				n.forget()
				if got := judged(t, r, "www.bank.com. A"); !strings.HasPrefix(got, c.want) {
					t.Errorf("got %s, want %s\n%s", got, c.want, n.log())
				}
				if sent := n.count(""); sent > 12 {
					t.Errorf("%d messages were sent:\n%s", sent, n.log())
				}
			})
		})
	}
}

// An answer that names a key which there is not is cheap to forge: it must not make us
// ask for the keys each time, or lose them.
func TestForgedTagsCostOneQuestionAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := signedShops(t)
		r := n.resolver(n.validating)
		judged(t, r, "www.bank.com. A")
		time.Sleep(2 * time.Minute)
		key, err := dnssec.GenerateKey("\x04bank\x03com\x00", dnssec.ECDSAP256SHA256, dnssec.FlagZone)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 20 {
			forged := lookup.MustRRsets(fmt.Sprintf("x%d.bank.com. 60 A 6.6.6.6", i))[0]
			forged, _ = key.Sign(forged, inception, expiration)
			n.zones["\x04bank\x03com\x00"].sets = append(n.zones["\x04bank\x03com\x00"].sets, forged)
		}
		n.forget()
		for i := range 20 {
			if got := judged(t, r, fmt.Sprintf("x%d.bank.com. A", i)); !strings.HasPrefix(got, "error: 9 ") {
				t.Errorf("got %s", got)
			}
		}
		if asked := n.count("bank.com. DNSKEY"); asked != 1 {
			t.Errorf("DNSKEY was asked for %d times", asked)
		}
		n.silence("192.0.2.9", "192.0.2.10")
		time.Sleep(2 * time.Minute)
		judged(t, r, "x1.bank.com. A")
		n.wake("192.0.2.9", "192.0.2.10")
		time.Sleep(time.Minute)
		n.forget()
		if got := judged(t, r, "www.bank.com. A"); got != "secure NOERROR" {
			t.Errorf("what is good: %s\n%s", got, n.log())
		}
	})
}

// The limit of those who wait for one name is for clients: the keys of a zone are
// waited for by all who want anything in it.
func TestManyClientsWaitForOneChain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := signedShops(t)
		for _, h := range n.hosts {
			h.delay = 20 * time.Millisecond
		}
		for i := range 250 {
			n.zones["\x04bank\x03com\x00"].add(fmt.Sprintf("x%d.bank.com. 60 A 192.0.2.90", i))
		}
		n.zones["\x04bank\x03com\x00"].resign()
		r := n.resolver(n.validating, func(o *resolver.Options) { o.PerZone = -1 })
		var clients sync.WaitGroup
		for i := range 250 {
			clients.Go(func() {
				if got := judged(t, r, fmt.Sprintf("x%d.bank.com. A", i)); got != "secure NOERROR" {
					t.Errorf("got %s", got)
				}
			})
		}
		clients.Wait()
		if asked := n.count("bank.com. DNSKEY"); asked != 1 {
			t.Errorf("DNSKEY was asked for %d times", asked)
		}
	})
}

// The unsigned zone in between shows in no referral, because it lives on the servers of
// the signed one.
func TestAHiddenUnsignedZoneIsFound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := shops(t)
		n.zone("bank.com.", "www.bank.com. 60 A 192.0.2.90", "192.0.2.9")
		n.zone("lab.bank.com.", "", "192.0.2.9")
		n.zone("deep.lab.bank.com.", "www.deep.lab.bank.com. 60 A 192.0.2.96", "192.0.2.13")
		for _, apex := range []string{"bank.com.", "example.com.", "com.", "org.", "net.", "."} {
			n.sign(apex)
		}
		r := n.resolver(n.validating)
		for _, name := range []string{"www.deep.lab.bank.com. A", "none.deep.lab.bank.com. A", "www.lab.bank.com. A"} {
			if got := judged(t, r, name); !strings.HasPrefix(got, "insecure ") {
				t.Errorf("%s: got %s\n%s", name, got, n.log())
			}
		}
		if got := judged(t, r, "none.bank.com. A"); got != "secure NXDOMAIN" {
			t.Errorf("got %s", got)
		}
	})
}

// An island of trust stays one although the tree around it is proven to be unsigned.
func TestASignerAboveTheAnchorDoesNotMakeItInsecure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := shops(t)
		n.zone("isle.example.org.", "www.isle.example.org. 60 A 203.0.113.90\nfake.isle.example.org. 60 A 6.6.6.6", "203.0.113.9")
		isle := n.sign("isle.example.org.")
		for _, apex := range []string{"example.com.", "com.", "org.", "net.", "."} {
			n.sign(apex)
		}
		ds, _ := dnssec.DSOf(isle.chain.key.Key, dnssec.SHA256)
		r := n.resolver(n.validating, func(o *resolver.Options) {
			root := o.Validation.Anchor
			o.Validation.Anchor = func(name lookup.Name) (resolver.Anchor, bool) {
				if name.IsSubdomainOf(isle.apex) {
					return resolver.Anchor{Zone: isle.apex, DS: []dnssec.DS{ds}}, true
				}
				return root(name)
			}
		})
		n.spoil("fake.isle.example.org. A", func(s *lookup.RRset) {
			claim := isle.chain.key.Fields(*s, inception, expiration)
			claim.Signer = "\x07example\x03org\x00"
			claim.Octets = strings.Repeat("x", 64)
			s.Sigs = lookup.PackRdata(claim.Rdata())
		})
		for question, want := range map[string]string{
			"www.isle.example.org. A":  "secure NOERROR",
			"none.isle.example.org. A": "secure NXDOMAIN",
			"www.example.org. A":       "insecure NOERROR",
			"fake.isle.example.org. A": "error: 6 ",
		} {
			if got := judged(t, r, question); !strings.HasPrefix(got, want) {
				t.Errorf("%s: got %s, want %s", question, got, want)
			}
		}
	})
}
