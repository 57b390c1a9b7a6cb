package resolver_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
	"github.com/sextant-dns/sextant/transport"
)

// The EDE is about what was used up, and not that the name is bogus for good.
func TestTooManySignaturesAreSaidToBe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := signedShops(t)
		n.spoil("www.bank.com. A", func(s *lookup.RRset) {
			fields := n.zones[bank].chain.key.Fields(*s, inception, expiration)
			for i := range 8 {
				fields.Octets = strings.Repeat(string(rune('a'+i)), 64)
				s.Sigs += lookup.PackRdata(fields.Rdata())
			}
			s.Data = lookup.PackRdata("\x06\x06\x06\x06")
		})
		r := n.resolver(n.validating)
		q := question("www.bank.com. A")
		q.Budget = lookup.NewBudget(lookup.Limits{Forgeries: 2})
		_, err := r.Resolve(t.Context(), q)
		if e := lookup.EDEOf(err); e.Code != lookup.EDEBogus || !strings.Contains(e.Text, "more signatures") {
			t.Errorf("got %v", err)
		}
	})
}

// RFC 8482 4.1: an answer to ANY is what is at hand, and costs no more than others.
func TestAnAnswerToAnyIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := signedShops(t)
		all := &transport.Reply{AA: true}
		for i := range 40 {
			all.Answer = append(all.Answer, n.claims(fmt.Sprintf("many.bank.com. 60 TYPE%d \\# 1 01", 65300+i), nil))
		}
		n.replies("many.bank.com. ANY", all)
		response, err := n.resolver(n.validating).Resolve(t.Context(), question("many.bank.com. ANY"))
		if err != nil || response.Security != lookup.Secure || len(response.Answer) != 24 {
			t.Errorf("got %v, %v", response, err)
		}
	})
}

// Validation.Permissive: what validation would have refused is given, and the EDE tells.
func TestPermissiveValidationRefusesNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		spoil func(n *internet)
		code  uint16
	}{
		{"changed data", func(n *internet) {
			n.spoil("www.bank.com. A", func(s *lookup.RRset) { s.Data = lookup.PackRdata("\x06\x06\x06\x06") })
		}, lookup.EDEBogus},
		{"no signature", func(n *internet) {
			n.spoil("www.bank.com. A", func(s *lookup.RRset) { s.Sigs = "" })
		}, lookup.EDERRSIGsMissing},
		{"no DNSKEY", func(n *internet) {
			n.spoil("bank.com. DNSKEY", func(s *lookup.RRset) { s.Name = lookup.MustName("x.bank.com.") })
		}, lookup.EDEDNSKEYMissing},
		{"silence about DNSKEY", func(n *internet) {
			for _, addr := range []string{"192.0.2.9", "192.0.2.10"} {
				n.host(addr).script = func(r transport.Request, honest *transport.Reply) *transport.Reply {
					if r.Question.Type == lookup.TypeDNSKEY {
						return reply("SERVFAIL")
					}
					return honest
				}
			}
		}, lookup.EDEDNSKEYMissing},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := signedShops(t)
				c.spoil(n)
				r := n.resolver(n.validating, func(o *resolver.Options) { o.Validation.Permissive = true })
				for range 2 {
					response, err := r.Resolve(t.Context(), question("www.bank.com. A"))
					if err != nil || response.Security != lookup.Insecure || len(response.EDE) != 1 || response.EDE[0].Code != c.code {
						t.Errorf("got %v, %v\n%s", response, err, n.log())
					}
				}
				if got := judged(t, r, "www.example.com. A"); got != "secure NOERROR" {
					t.Errorf("what is good: %s", got)
				}
			})
		})
	}
}

// To find the NSEC3 that says that there is no DS takes one hash, whether it has come with
// the referral or had to be asked for.
func TestTheDenialOfADSIsHashedOnce(t *testing.T) {
	t.Parallel()
	for _, asked := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			n, name := signedShops(t), lookup.MustName("new.com.")
			n.zone("new.com.", "www.new.com. 60 A 192.0.2.95", "192.0.2.12")
			com := n.zones["\x03com\x00"]
			com.resign()
			text := dnssec.NSEC3Hash(name, 0, "") + ".com. 300 NSEC3 1 0 0 - " + strings.Repeat("0", 32) + " NS"
			com.chain.nsec[name] = com.signed(lookup.MustRRsets(text)[0])
			if asked {
				for _, h := range n.hosts {
					h.script = func(r transport.Request, honest *transport.Reply) *transport.Reply {
						if i := len(honest.Authority) - 1; !honest.AA && i > 0 && honest.Authority[i].Type == lookup.TypeNSEC3 {
							honest.Authority = honest.Authority[:i]
						}
						return honest
					}
				}
			}
			q := question("www.new.com. A")
			q.Budget = lookup.NewBudget(lookup.Limits{})
			response, err := n.resolver(n.validating).Resolve(t.Context(), q)
			if err != nil || response.Security != lookup.Insecure {
				t.Fatalf("got %v, %v\n%s", response, err, n.log())
			}
			if sent := n.count("new.com. DS"); (sent > 0) != asked {
				t.Errorf("the DS was asked for %d times", sent)
			}
			if got := q.Budget.Hashed(); got != 1 {
				t.Errorf("asked for %v: %d names were hashed", asked, got)
			}
		})
	}
}
