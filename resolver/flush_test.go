package resolver_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
)

// full is a resolver that remembers an answer, an alias, denials, delegations and
// a failure.
func full(t *testing.T, n *internet, change ...func(*resolver.Options)) *resolver.Resolver {
	r := n.resolver(change...)
	for _, q := range []string{"host.silent.org. A", "www.example.com. A", "www.example.com. TXT", "nope.example.com. A", "alias.example.com. A"} {
		ask(t, r, q)
	}
	n.forget()
	return r
}

// branches is shops with an alias and a zone whose only server is silent.
func branches(t *testing.T) *internet {
	n := shops(t)
	n.zones[lookup.MustName("example.com.")].add("alias.example.com. 60 CNAME www.example.com.")
	n.zone("silent.org.", "", "203.0.113.77")
	n.silence("203.0.113.77")
	return n
}

func TestForgettingANameHasItAskedForAgain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		forget resolver.Forget
		gone   resolver.Forgotten
		asked  []string // of the questions below, those that are not answered from memory then
	}{
		{"one type", resolver.Forget{Name: "www.example.com.", Type: lookup.TypeA}, resolver.Forgotten{Answers: 1}, []string{"www A", "alias A"}},
		{"one name", resolver.Forget{Name: "www.example.com."}, resolver.Forgotten{Answers: 2}, []string{"www A", "alias A", "www TXT"}},
		{"an alias, by the type that it stands for", resolver.Forget{Name: "alias.example.com.", Type: lookup.TypeA}, resolver.Forgotten{Answers: 1}, []string{"alias A"}},
		{"a denial of the name", resolver.Forget{Name: "nope.example.com.", Type: lookup.TypeMX}, resolver.Forgotten{Answers: 1}, []string{"nope A"}},
		{"a delegation alone", resolver.Forget{Name: "example.com.", Type: lookup.TypeNS}, resolver.Forgotten{Delegations: 1}, nil},
		{"a zone", resolver.Forget{Name: "example.com.", Below: true}, resolver.Forgotten{Answers: 4, Delegations: 1}, []string{"www A", "alias A", "www TXT", "nope A"}},
		{"a failure", resolver.Forget{Name: "host.silent.org."}, resolver.Forgotten{Failures: 1}, nil},
		{"everything below com.", resolver.Forget{Name: "com.", Below: true}, resolver.Forgotten{Answers: 4, Delegations: 2}, []string{"www A", "alias A", "www TXT", "nope A"}},
		{"nothing", resolver.Forget{Name: "ww.example.com."}, resolver.Forgotten{}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := branches(t)
				r := full(t, n)
				c.forget.Name = lookup.MustName(string(c.forget.Name))
				if gone := r.Forget(c.forget); gone != c.gone {
					t.Errorf("gone %+v, want %+v", gone, c.gone)
				}
				for _, q := range []string{"alias A", "www A", "www TXT", "nope A"} {
					n.forget()
					before := n.count("")
					label, kind, _ := strings.Cut(q, " ")
					ask(t, r, label+".example.com. "+kind)
					asked := n.count("") > before
					// Whoever asks for the alias asks for www, too.
					want := slices.Contains(c.asked, q) && !(q == "www A" && slices.Contains(c.asked, "alias A") && c.name != "nothing")
					if asked != want {
						t.Errorf("%s: servers asked: %t, want %t", q, asked, want)
					}
				}
			})
		})
	}
}

func TestAFlushIsNotUndoneByWorkThatItHasOvertaken(t *testing.T) {
	t.Parallel()
	for name, flush := range map[string]func(*resolver.Resolver){
		"all":      func(r *resolver.Resolver) { r.Flush() },
		"the name": func(r *resolver.Resolver) { r.Forget(resolver.Forget{Name: lookup.MustName("www.example.com.")}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := shops(t)
				for _, a := range []string{"198.51.100.1", "198.51.100.11", "192.0.2.1"} {
					n.host(a).delay = 100 * time.Millisecond
				}
				r := n.resolver()
				go expect(t, r, "www.example.com. A", www)
				time.Sleep(250 * time.Millisecond) // the server of example.com has been asked
				flush(r)
				zone := n.zones[lookup.MustName("example.com.")]
				n.mu.Lock()
				zone.remove("www.example.com.")
				zone.add("www.example.com. 60 A 192.0.2.99")
				n.mu.Unlock()
				// Neither the flight nor the message that is under way is for this one.
				const moved = "NOERROR | www.example.com. 60 A 192.0.2.99"
				expect(t, r, "www.example.com. A", moved)
				time.Sleep(time.Second)
				expect(t, r, "www.example.com. A", strings.Replace(moved, " 60 ", " 59 ", 1))
			})
		})
	}
}

func TestWhatWasAskedForBeforeAFlushIsNotRemembered(t *testing.T) {
	t.Parallel()
	for _, at := range []time.Duration{50, 150, 250} { // the root, com and example.com have been asked
		synctest.Test(t, func(t *testing.T) {
			n := branches(t)
			for _, a := range []string{"198.51.100.1", "198.51.100.11", "192.0.2.1"} {
				n.host(a).delay = 100 * time.Millisecond
			}
			r := n.resolver()
			go expect(t, r, "alias.example.com. A", strings.Replace(www, "| ", "| alias.example.com. 60 CNAME www.example.com., ", 1))
			time.Sleep(at * time.Millisecond)
			r.Flush()
			time.Sleep(time.Second)
			if s := r.Stats(); s.Answers != 0 || s.Cuts != 0 {
				t.Errorf("flushed after %d ms: %d answers and %d delegations are remembered", at, s.Answers, s.Cuts)
			}
		})
	}
}

func TestFreshQueriesAskServersAndLearn(t *testing.T) {
	t.Parallel()
	n := shops(t)
	r := n.resolver()
	expect(t, r, "www.example.com. A", www)
	n.forget()
	fresh := question("www.example.com. A")
	fresh.Fresh = true
	n.zones[lookup.MustName("example.com.")].remove("www.example.com.")
	n.zones[lookup.MustName("example.com.")].add("www.example.com. 60 A 192.0.2.99")
	response, err := r.Resolve(t.Context(), fresh)
	if err != nil || short(response) != "NOERROR | www.example.com. 60 A 192.0.2.99" {
		t.Fatalf("%v, %v", response, err)
	}
	if n.count("198.51.100.1 ") != 1 || n.count("198.51.100.11 ") != 1 || n.count("") != 3 {
		t.Errorf("not from the root down, sent\n%s", n.log())
	}
	n.forget()
	expect(t, r, "www.example.com. A", "NOERROR | www.example.com. 60 A 192.0.2.99")
	if n.count("") != 0 {
		t.Errorf("sent\n%s", n.log())
	}
}

func TestFreshQueriesTellWhenThereIsNothingFresh(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := shops(t)
		r := n.resolver(func(o *resolver.Options) { o.Stale = resolver.Stale{Enabled: true, ClientTimer: -1} })
		expect(t, r, "www.example.com. A", www)
		time.Sleep(2 * time.Minute)
		n.silence("192.0.2.1", "192.0.2.2")
		fresh := question("www.example.com. A")
		fresh.Fresh = true
		if response, err := r.Resolve(t.Context(), fresh); err == nil {
			t.Errorf("got %s", response)
		}
		if got := ask(t, r, "www.example.com. A"); !strings.HasPrefix(got, "NOERROR") {
			t.Errorf("and others get %s", got)
		}
		time.Sleep(time.Minute) // for work in the background
	})
}

// What becomes of validated answers that expire, are flushed, cost too much, or are not
// to be validated in earnest.

func TestADSCanBeForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := signedShops(t)
		r := n.resolver(n.validating)
		judged(t, r, "www.bank.com. A")
		n.unsign("bank.com.")
		n.disown("bank.com.")
		n.forget()
		if got := judged(t, r, "cards.bank.com. TXT"); !strings.HasPrefix(got, "error: 10 ") {
			t.Errorf("got %s", got)
		}
		r.Forget(resolver.Forget{Name: bank, Type: lookup.TypeDS})
		r.Forget(resolver.Forget{Name: lookup.MustName("cards.bank.com."), Type: lookup.TypeTXT})
		if got := judged(t, r, "cards.bank.com. TXT"); got != "insecure NOERROR" {
			t.Errorf("got %s\n%s", got, n.log())
		}
		if n.count("198.51.100.11 bank.com. DS") != 1 {
			t.Errorf("sent\n%s", n.log())
		}
	})
}
