package resolver_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
)

func complete(o *resolver.Options) { o.Complete = true }

// besides is what a response has beside its answer: "owner TTL TYPE" of each RRset of
// the authority and the additional section.
func besides(r *lookup.Response) string {
	var parts []string
	for i, section := range [][]lookup.RRset{r.Authority, r.Additional} {
		if i > 0 {
			parts = append(parts, "|")
		}
		for _, s := range section {
			parts = append(parts, strings.Fields(s.String())[0], strings.Fields(s.String())[1], s.Type.String())
		}
	}
	return strings.Join(parts, " ")
}

func TestCompleteAnswersHaveTheNameServersOfTheirZone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := shops(t)
		r := n.resolver(complete)
		const com = "example.com. 86400 NS | ns1.example.com. 86400 A ns2.example.com. 86400 A"
		for _, c := range []struct{ question, want string }{
			{"www.example.com. A", com},
			{"www.example.com. A", com}, // from memory
			{"abroad.example.com. A", "example.org. 86400 NS | ns1.example.org. 86400 A"},
			{"nope.example.com. A", "example.com. 300 SOA |"},
			{"www.example.com. TXT", "example.com. 300 SOA |"},
			{"example.com. NS", "|"}, // they are the answer
		} {
			response, err := r.Resolve(t.Context(), question(c.question))
			if err != nil {
				t.Fatal(err)
			}
			if got := besides(response); got != c.want {
				t.Errorf("%s: %s, want %s", c.question, got, c.want)
			}
		}
		sent := n.count("")
		time.Sleep(30 * time.Second)
		response, _ := r.Resolve(t.Context(), question("www.example.com. A"))
		if got := besides(response); got != "example.com. 86370 NS | ns1.example.com. 86370 A ns2.example.com. 86370 A" || response.Answer[0].TTL != 30 {
			t.Errorf("later: %s", got)
		}
		if n.count("") != sent {
			t.Errorf("somebody was asked for what is only a courtesy:\n%s", n.log())
		}
	})
}

func TestAQueryForANYGetsWhatTheOperatorWants(t *testing.T) {
	t.Parallel()
	n := shops(t)
	n.host("192.0.2.1").script = says("www.example.com. ANY", "AA\nanswer:\nwww.example.com. 60 A 192.0.2.80\nwww.example.com. 60 TXT much")
	for any, want := range map[resolver.Any]string{
		resolver.AnyFull:    "NOERROR | www.example.com. 60 A 192.0.2.80, www.example.com. 60 TXT \"much\"",
		resolver.AnyMinimal: "NOERROR | www.example.com. 60 A 192.0.2.80",
		resolver.AnyRefuse:  "REFUSED | ",
	} {
		n.forget()
		r := n.resolver(func(o *resolver.Options) { o.Any = any })
		expect(t, r, "www.example.com. ANY", want)
		expect(t, r, "www.example.com. ANY", want) // from memory
		if asked := n.count("") > 0; asked != (any != resolver.AnyRefuse) {
			t.Errorf("%d: sent\n%s", any, n.log())
		}
	}
}

// RFC 4035 3.2.3: AD speaks for the authority section, too.
func TestWhatIsValidatedGetsNoCompanyThatIsNot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := signedShops(t)
		r := n.resolver(n.validating, complete)
		ask := func(text string) *lookup.Response {
			response, err := r.Resolve(t.Context(), question(text))
			if err != nil {
				t.Fatal(err)
			}
			return response
		}
		if got := ask("www.bank.com. A"); got.Security != lookup.Secure || besides(got) != "|" {
			t.Errorf("%v: %s", got.Security, besides(got))
		}
		ask("bank.com. NS") // now they are known, and validated
		got := ask("www.bank.com. A")
		ns, ok := lookup.Find(got.Authority, lookup.MustName("bank.com."), lookup.TypeNS)
		if got.Security != lookup.Secure || !ok || ns.Sigs == "" {
			t.Errorf("%v: %s", got.Security, besides(got))
		}
		if got := ask("www.example.org. A"); !strings.HasPrefix(besides(got), "example.org. 86400 NS |") {
			t.Errorf("insecure: %s", besides(got))
		}
	})
}
