package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/server"
)

// bits are those of a client's query that RFC 6147 5.5 speaks of.
type bits struct{ do, cd, ad bool }

// clientBits are all combinations.
func clientBits() (all []bits) {
	for i := range 8 {
		all = append(all, bits{i&1 != 0, i&2 != 0, i&4 != 0})
	}
	return all
}

func (b bits) String() string {
	text := ""
	for _, f := range []struct {
		set  bool
		name string
	}{{b.do, "DO"}, {b.cd, "CD"}, {b.ad, "AD"}} {
		if f.set {
			text += " " + f.name
		}
	}
	return strings.TrimSpace(text)
}

// hears is what a client with those bits hears of the AAAA of a name: the rcode, the
// addresses, ad if that is set, the Extended DNS Errors, and which types prove it.
func hears(t *testing.T, p *parts, name string, b bits) string {
	t.Helper()
	q := new(dns.Msg).SetQuestion(name, dns.TypeAAAA)
	q.SetEdns0(1232, b.do)
	q.CheckingDisabled, q.AuthenticatedData = b.cd, b.ad
	packed, err := q.Pack()
	if err != nil {
		t.Fatal(err)
	}
	var m dns.Msg
	if err := m.Unpack(p.server.Respond(nil, packed, localhost(), server.TCP)); err != nil {
		t.Fatal(err)
	}
	words := []string{dns.RcodeToString[m.Rcode]}
	for _, rr := range append(m.Answer, m.Ns...) {
		switch rr := rr.(type) {
		case *dns.AAAA:
			a, _ := netip.AddrFromSlice(rr.AAAA)
			words = append(words, a.String())
		case *dns.RRSIG, *dns.NSEC, *dns.NSEC3:
			if word := dns.TypeToString[rr.Header().Rrtype]; !strings.Contains(strings.Join(words, " "), word) {
				words = append(words, word)
			}
		}
	}
	if m.AuthenticatedData {
		words = append(words, "ad")
	}
	for _, o := range m.IsEdns0().Option {
		if ede, ok := o.(*dns.EDNS0_EDE); ok {
			words = append(words, fmt.Sprint("EDE", ede.InfoCode))
		}
	}
	return strings.Join(words, " ")
}

// judgement is what clients hear of a name.
type judgement struct {
	what, name, mode string

	plain    string // CD=0, DO=0, AD=0
	do, ad   string // CD=0 with DO; with AD alone
	cd, cddo string // CD=1 without DO; with it
	cdPolicy string // CD=1 without DO, where the policy is to synthesize then
}

// wants is what the client with those bits should hear.
func (j judgement) wants(b bits, policy string) string {
	switch {
	case b.cd && b.do:
		return j.cddo
	case b.cd && policy == "synthesize":
		return j.cdPolicy
	case b.cd:
		return j.cd
	case b.do:
		return j.do
	case b.ad:
		return j.ad
	}
	return j.plain
}

// RFC 6147 5.5 with real signatures: each name in each mode, asked with each
// combination of DO, CD and AD, the second time from memory.
func TestD40D41D42D43D44D45D46DNS64OverAValidatingResolver(t *testing.T) {
	t.Parallel()
	for _, c := range []judgement{
		{"the denial and the A are secure", "v4.good.example.", "standard",
			"NOERROR 64:ff9b::c629:4 EDE29", "NOERROR 64:ff9b::c629:4 ad EDE29", "NOERROR 64:ff9b::c629:4 EDE29",
			"NOERROR", "NOERROR RRSIG NSEC", "NOERROR 64:ff9b::c629:4 EDE29"},
		{"by NSEC3", "v4.hashed.example.", "standard",
			"NOERROR 64:ff9b::c629:c EDE29", "NOERROR 64:ff9b::c629:c ad EDE29", "NOERROR 64:ff9b::c629:c EDE29",
			"NOERROR", "NOERROR RRSIG NSEC3", "NOERROR 64:ff9b::c629:c EDE29"},
		{"a wildcard has made the A", "x.wild.good.example.", "standard",
			"NOERROR 64:ff9b::c629:9 EDE29", "NOERROR 64:ff9b::c629:9 NSEC RRSIG ad EDE29", "NOERROR 64:ff9b::c629:9 EDE29",
			"NOERROR", "NOERROR RRSIG NSEC", "NOERROR 64:ff9b::c629:9 EDE29"},
		{"insecure", "v4.plain.example.", "standard",
			"NOERROR 64:ff9b::c629:a EDE29", "NOERROR 64:ff9b::c629:a EDE29", "NOERROR 64:ff9b::c629:a EDE29",
			"NOERROR", "NOERROR", "NOERROR 64:ff9b::c629:a EDE29"},
		{"a secure alias into an insecure zone", "to.good.example.", "standard",
			"NOERROR 64:ff9b::c629:a EDE29", "NOERROR RRSIG 64:ff9b::c629:a EDE29", "NOERROR 64:ff9b::c629:a EDE29",
			"NOERROR", "NOERROR RRSIG", "NOERROR 64:ff9b::c629:a EDE29"},
		{"the denial is bogus", "noproof.good.example.", "standard",
			"SERVFAIL EDE6", "SERVFAIL EDE6", "SERVFAIL EDE6",
			"NOERROR", "NOERROR RRSIG NSEC", "NOERROR 64:ff9b::c629:8 EDE29"},
		{"the A is bogus", "forged.good.example.", "standard",
			"SERVFAIL EDE6", "SERVFAIL EDE6", "SERVFAIL EDE6",
			"NOERROR", "NOERROR RRSIG NSEC", "NOERROR 64:ff9b::c629:42 EDE29"},
		{"there is a secure AAAA", "dual.good.example.", "standard",
			"NOERROR 2001:db8::5", "NOERROR 2001:db8::5 RRSIG ad", "NOERROR 2001:db8::5 ad",
			"NOERROR 2001:db8::5", "NOERROR 2001:db8::5 RRSIG", "NOERROR 2001:db8::5"},
		{"there is a bogus AAAA", "forged6.good.example.", "standard",
			"SERVFAIL EDE6", "SERVFAIL EDE6", "SERVFAIL EDE6",
			"NOERROR 2001:db8::66", "NOERROR 2001:db8::66 RRSIG", "NOERROR 2001:db8::66"},
		{"there is no such name", "none.good.example.", "standard",
			"NXDOMAIN", "NXDOMAIN RRSIG NSEC ad", "NXDOMAIN ad",
			"NXDOMAIN", "NXDOMAIN RRSIG NSEC", "NXDOMAIN"},

		{"forced: nobody asks for the denial, so it can have been neither good nor bad", "v4.good.example.", "forced",
			"NOERROR 64:ff9b::c629:4 EDE29", "NOERROR 64:ff9b::c629:4 EDE29", "NOERROR 64:ff9b::c629:4 EDE29",
			"NOERROR", "NOERROR RRSIG NSEC", "NOERROR 64:ff9b::c629:4 EDE29"},
		{"forced: insecure", "v4.plain.example.", "forced",
			"NOERROR 64:ff9b::c629:a EDE29", "NOERROR 64:ff9b::c629:a EDE29", "NOERROR 64:ff9b::c629:a EDE29",
			"NOERROR", "NOERROR", "NOERROR 64:ff9b::c629:a EDE29"},
		{"forced: the denial would be bogus", "noproof.good.example.", "forced",
			"NOERROR 64:ff9b::c629:8 EDE29", "NOERROR 64:ff9b::c629:8 EDE29", "NOERROR 64:ff9b::c629:8 EDE29",
			"NOERROR", "NOERROR RRSIG NSEC", "NOERROR 64:ff9b::c629:8 EDE29"},
		{"forced: the A is bogus", "forged.good.example.", "forced",
			"SERVFAIL EDE6", "SERVFAIL EDE6", "SERVFAIL EDE6",
			"NOERROR", "NOERROR RRSIG NSEC", "NOERROR 64:ff9b::c629:42 EDE29"},
		{"forced: a secure AAAA is ignored", "dual.good.example.", "forced",
			"NOERROR 64:ff9b::c629:5 EDE29", "NOERROR 64:ff9b::c629:5 EDE29", "NOERROR 64:ff9b::c629:5 EDE29",
			"NOERROR 2001:db8::5", "NOERROR 2001:db8::5 RRSIG", "NOERROR 64:ff9b::c629:5 EDE29"},
		{"forced: a secure AAAA where there is no A", "v6.good.example.", "forced",
			"NOERROR 2001:db8::6", "NOERROR 2001:db8::6 RRSIG ad", "NOERROR 2001:db8::6 ad",
			"NOERROR 2001:db8::6", "NOERROR 2001:db8::6 RRSIG", "NOERROR 2001:db8::6"},
	} {
		t.Run(c.mode+" "+c.what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := newSignedInternet(t)
				for _, policy := range []string{"pass", "synthesize"} {
					yaml := fmt.Sprintf("dns64: {mode: %s, checking-disabled: %s}", c.mode, policy)
					for _, b := range clientBits() {
						p := n.resolve(yaml)
						for _, from := range []string{"resolved", "from memory"} {
							if got, want := hears(t, p, c.name, b), c.wants(b, policy); got != want {
								t.Errorf("[%s] with CD %s, %s: got %s, want %s", b, policy, from, got, want)
							}
						}
					}
					// What was not validated for one must not be what others hear. What was
					// may be told to those who did not ask for it.
					p := n.resolve(yaml)
					for _, b := range slices.Concat([]bits{{cd: true, do: true}, {cd: true}}, clientBits()) {
						got, want := hears(t, p, c.name, b), c.wants(b, policy)
						if b.cd {
							got = strings.Replace(got, " ad", "", 1)
						}
						if got != want {
							t.Errorf("[%s] with CD %s, after others: got %s, want %s", b, policy, got, want)
						}
					}
				}
			})
		})
	}
}
