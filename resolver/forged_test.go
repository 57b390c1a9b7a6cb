package resolver_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
	"github.com/sextant-dns/sextant/transport"
)

// What bank.com could sign, or replay, that must prove nothing.

const bank = lookup.Name("\x04bank\x03com\x00")

// claims is set, which bank.com has signed with those fields, or as it should be.
func (n *internet) claims(text string, change func(*dnssec.Signature)) lookup.RRset {
	n.tb.Helper()
	set, key := lookup.MustRRsets(text)[0], n.zones[bank].chain.key
	fields := key.Fields(set, inception, expiration)
	if change != nil {
		change(&fields)
	}
	rdata, err := key.SignAs(set, fields)
	if err != nil {
		n.tb.Fatal(err)
	}
	set.Sigs = lookup.PackRdata(rdata)
	return set
}

// replies has the servers of bank.com say r to the questions for text.
func (n *internet) replies(text string, r *transport.Reply) {
	for _, addr := range []string{"192.0.2.9", "192.0.2.10"} {
		n.host(addr).script = func(request transport.Request, honest *transport.Reply) *transport.Reply {
			if request.Question.Name.String()+" "+request.Question.Type.String() != text {
				return honest
			}
			said := *r
			said.Sent, said.EDNS = 1, true
			return &said
		}
	}
}

func (n *internet) soa() lookup.RRset {
	soa, _ := lookup.Find(n.zones[bank].sets, bank, lookup.TypeSOA)
	return soa
}

func TestHostileProofsProveNothing(t *testing.T) {
	t.Parallel()
	nx := func(n *internet, proof ...lookup.RRset) *transport.Reply {
		return &transport.Reply{AA: true, Rcode: lookup.NXDOMAIN, Authority: append([]lookup.RRset{n.soa()}, proof...)}
	}
	for _, c := range []struct {
		name, question string
		reply          func(n *internet) *transport.Reply
		want           string
	}{
		{"labels fewer than the signer's, as if for *.com (CVE-2026-44690)", "x.bank.com. A", func(n *internet) *transport.Reply {
			set := n.claims("x.bank.com. 60 A 6.6.6.6", func(s *dnssec.Signature) { s.Labels = 1 })
			return &transport.Reply{AA: true, Answer: []lookup.RRset{set}, Authority: []lookup.RRset{n.zones[bank].chain.nsec[bank]}}
		}, "error: 6 "},
		{"NSEC that leads out of the zone", "none.bank.com. A", func(n *internet) *transport.Reply {
			return nx(n, n.claims("bank.com. 300 NSEC zzz.com. NS SOA", nil))
		}, "error: 12 "},
		{"NSEC of another zone", "none.bank.com. A", func(n *internet) *transport.Reply {
			return nx(n, n.zones["\x03com\x00"].chain.nsec["\x03com\x00"])
		}, "error: "},
		{"NSEC made by a wildcard (CVE-2017-15105)", "%.wild.bank.com. A", func(n *internet) *transport.Reply {
			// It seems to stand before the names that it denies, and the wildcard is one of them.
			return nx(n, n.claims("!.wild.bank.com. 300 NSEC www.bank.com. A RRSIG NSEC", func(s *dnssec.Signature) { s.Labels = 3 }))
		}, "error: 12 "},
		{"wildcard whose name exists, without proof that it does not", "www.bank.com. A", func(n *internet) *transport.Reply {
			set := n.claims("www.bank.com. 60 A 6.6.6.6", func(s *dnssec.Signature) { s.Labels = 2 })
			return &transport.Reply{AA: true, Answer: []lookup.RRset{set}}
		}, "error: 12 "},
		{"wildcard CNAME without proof of the next closer name", "www.bank.com. A", func(n *internet) *transport.Reply {
			set := n.claims("www.bank.com. 60 CNAME cards.bank.com.", func(s *dnssec.Signature) { s.Labels = 2 })
			return &transport.Reply{AA: true, Answer: []lookup.RRset{set}, Authority: []lookup.RRset{n.zones[bank].chain.nsec[bank]}}
		}, "error: 12 "},
		{"denial with the proof of another name", "www.bank.com. A", func(n *internet) *transport.Reply {
			return nx(n, n.zones[bank].chain.nsec[bank])
		}, "error: 12 "},
		{"NODATA for a type that there is", "www.bank.com. A", func(n *internet) *transport.Reply {
			return &transport.Reply{AA: true, Authority: []lookup.RRset{n.soa(), n.zones[bank].chain.nsec["\x03www"+bank]}}
		}, "error: 12 "},
		{"the child denies its DS", "bank.com. DS", func(n *internet) *transport.Reply {
			return &transport.Reply{AA: true, Authority: []lookup.RRset{n.soa(), n.zones[bank].chain.nsec[bank]}}
		}, "secure NOERROR"}, // nobody asks the child
		{"unsigned NSEC without SOA", "www.bank.com. TXT", func(n *internet) *transport.Reply {
			return &transport.Reply{AA: true, Authority: lookup.MustRRsets("www.bank.com. 300 NSEC zzz.bank.com. A")}
		}, "error: 10 "},
		{"unsigned NSEC with SOA", "www.bank.com. TXT", func(n *internet) *transport.Reply {
			return &transport.Reply{AA: true, Authority: append(lookup.MustRRsets("www.bank.com. 300 NSEC zzz.bank.com. A"), n.soa())}
		}, "error: 10 "},
		{"expired proof", "none.bank.com. A", func(n *internet) *transport.Reply {
			old := n.claims("bank.com. 300 NSEC zzz.bank.com. NS SOA", func(s *dnssec.Signature) { s.Expiration = s.Inception + 60 })
			return nx(n, old)
		}, "error: 7 "}, // and not that there is none
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := signedShops(t)
				n.replies(c.question, c.reply(n))
				r := n.resolver(n.validating)
				for range 2 {
					if got := judged(t, r, c.question); !strings.HasPrefix(got, c.want) {
						t.Errorf("got %s, want %s\n%s", got, c.want, n.log())
					}
				}
			})
		})
	}
}

// RFC 4035 3.2.3: AD is about all that is sent.
func TestNothingUnprovenStandsBesideWhatIsSecure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := signedShops(t)
		set := n.claims("www.bank.com. 60 A 192.0.2.90", nil)
		other := n.claims("www.bank.com. 60 A 192.0.2.90", func(s *dnssec.Signature) { s.Labels = 2 })
		set.Sigs += other.Sigs // so that it looks as if a wildcard had made it
		n.replies("www.bank.com. A", &transport.Reply{
			AA: true, Answer: []lookup.RRset{set},
			Authority: append(lookup.MustRRsets("a.bank.com. 300 NSEC z.bank.com. A"), n.zones[bank].chain.nsec[bank]),
		})
		response, err := n.resolver(n.validating).Resolve(t.Context(), question("www.bank.com. A"))
		if err != nil || response.Security != lookup.Secure || len(response.Authority) > 0 {
			t.Errorf("got %v, %v", response, err)
		}
	})
}

// What stands in the authority section of a bogus reply must not get far either.
func TestABogusAnswerLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := signedShops(t)
		bad := n.claims("in.bank.com. 20 CNAME www.bank.com.", nil)
		bad.Data = n.claims("in.bank.com. 20 CNAME wwv.bank.com.", nil).Data
		n.replies("in.bank.com. A", &transport.Reply{AA: true, Answer: append([]lookup.RRset{bad}, lookup.MustRRsets("wwv.bank.com. 60 A 6.6.6.6\nwww.bank.com. 60 A 6.6.6.6")...)})
		r := n.resolver(n.validating)
		for _, cd := range []bool{true, false, true} {
			q := question("in.bank.com. A")
			q.CD = cd
			response, err := r.Resolve(t.Context(), q)
			if cd && (err != nil || response.Security == lookup.Secure) || !cd && err == nil {
				t.Errorf("CD %v: %v, %v", cd, response, err)
			}
			time.Sleep(21 * time.Second) // what was learned for CD has expired
		}
		if got := ask(t, r, "www.bank.com. A"); !strings.Contains(got, "192.0.2.90") {
			t.Errorf("got %s", got)
		}
		n.forget()
		if got := judged(t, r, "in.bank.com. A"); !strings.HasPrefix(got, "error: ") || n.count("") > 0 {
			t.Errorf("bogus is forgotten for the sake of CD: got %s\n%s", got, n.log())
		}
	})
}

// CVE-2026-44687: names that the operator has configured come before all denials.
func TestAProvenDenialDoesNotHideAConfiguredZone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := signedShops(t)
		n.zone("corp.internal.", "db.corp.internal. 60 A 10.0.0.1", "192.0.2.14")
		n.zones[lookup.Root].remove("corp.internal.")
		n.zones[lookup.Root].remove("ns1.corp.internal.")
		n.zones[lookup.Root].resign()
		corp := pin("corp.internal.", "192.0.2.14")
		corp.Insecure = true
		for _, minimise := range []bool{false, true} {
			r := n.resolver(n.validating, func(o *resolver.Options) { o.Zones, o.NoMinimise = []resolver.Zone{corp}, !minimise })
			for range 2 {
				for question, want := range map[string]string{
					"internal. A": "secure NXDOMAIN", "x.internal. A": "secure NXDOMAIN", "corp.internal.x.internal. A": "secure NXDOMAIN",
					"db.corp.internal. A": "insecure NOERROR", "corp.internal. SOA": "insecure NOERROR", "no.corp.internal. A": "insecure NXDOMAIN",
				} {
					if got := judged(t, r, question); got != want {
						t.Errorf("%s: got %s, want %s", question, got, want)
					}
				}
			}
		}
	})
}

// RFC 4035 4.5: a denial ends with the first of its parts.
func TestADenialLivesNoLongerThanItsProof(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := signedShops(t)
		n.replies("www.bank.com. TXT", &transport.Reply{AA: true, Authority: []lookup.RRset{
			n.soa(), n.claims("www.bank.com. 30 NSEC zzz.bank.com. A RRSIG NSEC", nil),
		}})
		r := n.resolver(n.validating)
		judged(t, r, "www.bank.com. TXT")
		n.forget()
		time.Sleep(29 * time.Second)
		if judged(t, r, "www.bank.com. TXT"); n.count("TXT") != 0 {
			t.Error("it was asked for while it lived")
		}
		time.Sleep(2 * time.Second)
		if judged(t, r, "www.bank.com. TXT"); n.count("TXT") != 1 {
			t.Error("it was not asked for when its proof had expired")
		}
	})
}

// RFC 2181 5: there is one RRset of a name and type, however often the way leads through
// it.
func TestNoRRsetIsGivenTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := signedShops(t)
		n.zones[bank].add("from.bank.com. 60 DNAME to.bank.com.\na.b.to.bank.com. 60 CNAME c.from.bank.com.\nc.to.bank.com. 60 A 192.0.2.97")
		n.zones[bank].resign()
		r := n.resolver(n.validating)
		for range 2 {
			response, err := r.Resolve(t.Context(), question("a.b.from.bank.com. A"))
			if err != nil || response.Security != lookup.Secure || len(response.Answer) != 5 {
				t.Fatalf("got %v, %v", response, err)
			}
			if last := response.Answer[4]; last.Name.String() != "c.to.bank.com." {
				t.Errorf("ends with %v", last)
			}
			count := 0
			for _, s := range response.Answer {
				if s.Type == lookup.TypeDNAME {
					count++
				}
			}
			if count != 1 || slices.ContainsFunc(response.Answer, func(s lookup.RRset) bool { return s.Type == lookup.TypeDNAME && s.Sigs == "" }) {
				t.Errorf("got %v", response)
			}
		}
	})
}
