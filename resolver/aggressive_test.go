package resolver_test

import (
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
)

// A proof answers all the questions that it is good for (RFC 8198 5.1, 5.2).
func TestWhatIsProvenOnceIsNotAskedForAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := signedShops(t)
		r := n.resolver(n.validating)
		// The names of bank.com are cards, in, ns1, ns2, out, *.wild and www.
		judged(t, r, "none.bank.com. A")
		judged(t, r, "cards.bank.com. A")
		n.forget()
		for _, c := range []struct{ question, want string }{
			{"nobody.bank.com. A", "secure NXDOMAIN"},
			{"nobody.bank.com. TXT", "secure NXDOMAIN"},
			{"a.b.nobody.bank.com. MX", "secure NXDOMAIN"},
			{"cards.bank.com. AAAA", "secure NOERROR"}, // NODATA
		} {
			if got := judged(t, r, c.question); got != c.want {
				t.Errorf("%s: got %s, want %s", c.question, got, c.want)
			}
		}
		if n.count("") != 0 {
			t.Errorf("asked although the answer follows from what is known:\n%s", n.log())
		}
		if got := r.Stats().Inferred; got != 4 {
			t.Errorf("%d inferred", got)
		}
		// Other names are beyond the proof, one is there, and a wildcard answers.
		for _, q := range []string{"zzz.bank.com. A", "out.bank.com. CNAME", "x.wild.bank.com. A", "cards.bank.com. TXT"} {
			n.forget()
			if judged(t, r, q); n.count(q) == 0 {
				t.Errorf("%s was not asked for", q)
			}
		}
		// A proof ends with its TTL, and the denial says so (RFC 8198 5.4).
		time.Sleep(200 * time.Second)
		response, err := r.Resolve(t.Context(), question("nothing.bank.com. A"))
		if err != nil || response.TTL() != 100 {
			t.Errorf("%v, %v", response, err)
		}
		time.Sleep(101 * time.Second)
		n.forget()
		if judged(t, r, "nix.bank.com. A"); n.count("nix.bank.com. A") == 0 {
			t.Error("the proof has expired")
		}
	})
}

func TestProofsAreNotUsedWhereTheyMustNotBe(t *testing.T) {
	t.Parallel()
	inside := resolver.Zone{Name: lookup.MustName("intern.bank.com."), Servers: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.77:53")}, Insecure: true}
	for _, c := range []struct {
		name, question string
		change         func(*resolver.Options)
	}{
		{"switched off", "nobody.bank.com. A", func(o *resolver.Options) { o.Validation.NoAggressive = true }},
		{"a configured zone", "www.intern.bank.com. A", func(o *resolver.Options) { o.Zones = []resolver.Zone{inside} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := signedShops(t)
				n.zone("intern.bank.com.", "www.intern.bank.com. 60 A 192.0.2.78", "192.0.2.77")
				r := n.resolver(n.validating, c.change)
				for _, name := range []string{"none", "hidden", "zero", "ant"} { // all that the zone can deny
					judged(t, r, name+".bank.com. A")
				}
				n.forget()
				if got := ask(t, r, c.question); n.count(c.question) == 0 {
					t.Errorf("not asked; got %s", got)
				}
			})
		})
	}
}

// A flood of names that do not exist in a signed zone ends here (row 23).
func TestWaterTortureOfASignedZone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := signedShops(t)
		r := n.resolver(n.validating)
		for i := range 1000 {
			judged(t, r, strings.Repeat("x", 1+i%50)+string(rune('a'+i%26))+".bank.com. A")
		}
		if got := n.count(".bank.com. A"); got > 8 {
			t.Errorf("%d messages for 1000 names that do not exist", got)
		}
		if got := r.Stats().Answers; got > 40 {
			t.Errorf("%d answers are remembered", got)
		}
	})
}
