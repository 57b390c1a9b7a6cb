package resolver_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
	"github.com/sextant-dns/sextant/transport"
)

func prefetching(o *resolver.Options) { o.Prefetch = true }

func TestWhatIsAskedForInItsLastTenthIsRefreshedInTheBackground(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := shops(t)
		n.host("192.0.2.1").delay = 100 * time.Millisecond
		r := n.resolver(prefetching)
		ask(t, r, "www.example.com. A")
		ask(t, r, "nope.example.com. A")
		n.forget()
		time.Sleep(52 * time.Second)
		ask(t, r, "www.example.com. A")
		synctest.Wait()
		if n.count("") != 0 {
			t.Errorf("too early:\n%s", n.log())
		}
		time.Sleep(3 * time.Second)
		start := time.Now()
		for range 100 {
			if got := ask(t, r, "www.example.com. A"); !strings.Contains(got, " 5 A ") {
				t.Fatal(got)
			}
		}
		if time.Since(start) != 0 {
			t.Error("a client had to wait")
		}
		time.Sleep(time.Second)
		if n.count("") != 1 {
			t.Errorf("sent\n%s", n.log())
		}
		if got := ask(t, r, "www.example.com. A"); strings.Contains(got, " 4 A ") || n.count("") != 1 {
			t.Errorf("%s, sent\n%s", got, n.log())
		}
		time.Sleep(290*time.Second - 56*time.Second)
		expect(t, r, "nope.example.com. A", "NXDOMAIN |  | example.com. 10")
		time.Sleep(time.Second)
		if got := ask(t, r, "nope.example.com. A"); got != "NXDOMAIN |  | example.com. 300" {
			t.Error(got)
		}
	})
}

func TestARefreshThatFailsTakesNothingAwayAndIsNotRepeatedAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := shops(t)
		r := n.resolver(prefetching)
		ask(t, r, "www.example.com. A")
		time.Sleep(55 * time.Second)
		n.host("192.0.2.1").script, n.host("192.0.2.2").script = says("", "SERVFAIL"), says("", "SERVFAIL")
		n.forget()
		for range 10 {
			if got := ask(t, r, "www.example.com. A"); !strings.Contains(got, " 5 A ") {
				t.Fatal(got)
			}
			synctest.Wait()
		}
		if n.count("") != 2 {
			t.Errorf("sent\n%s", n.log())
		}
	})
}

func TestARefreshReplacesWhatItContradicts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := shops(t)
		r := n.resolver(prefetching)
		ask(t, r, "www.example.com. A")
		n.zones[lookup.MustName("example.com.")].remove("www.example.com.")
		time.Sleep(55 * time.Second)
		ask(t, r, "www.example.com. A")
		synctest.Wait()
		expect(t, r, "www.example.com. A", "NXDOMAIN |  | example.com. 300")
		n.zones[lookup.MustName("example.com.")].add("www.example.com. 60 CNAME long.example.com.")
		time.Sleep(271 * time.Second)
		ask(t, r, "www.example.com. A")
		synctest.Wait()
		if got := ask(t, r, "www.example.com. A"); !strings.HasPrefix(got, "NOERROR | www.example.com. 60 CNAME long.example.com.") {
			t.Error(got)
		}
	})
}

func TestARefreshDoesNotKeepAGhostAlive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newInternet(t)
		n.zone("ghost.com.", "www.ghost.com. 3000 A 192.0.2.66", "192.0.2.1")
		r := n.resolver(prefetching)
		ask(t, r, "www.ghost.com. A")
		com := n.zones[lookup.MustName("com.")]
		com.remove("ghost.com.")
		com.remove("ns1.ghost.com.")
		for range 24*4 + 4*1 { // until the delegation has expired, and the last answer that was got by it
			time.Sleep(14 * time.Minute)
			ask(t, r, "www.ghost.com. A")
			synctest.Wait()
		}
		time.Sleep(50 * time.Minute)
		expect(t, r, "www.ghost.com. A", "NXDOMAIN |  | com. 300")
	})
}

func snooping(o *resolver.Options) { o.Snoop = true }

func TestQueriesWithoutRDAreAnsweredFromMemoryAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := shops(t)
		r := n.resolver(snooping, stale)
		for _, q := range []string{"abroad.example.com. A", "nope.example.com. A"} {
			ask(t, r, q)
		}
		n.forget()
		snoop := func(text string) *lookup.Response {
			q := question(text)
			q.RD = false
			response, err := r.Resolve(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			return response
		}
		for text, want := range map[string]string{
			"abroad.example.com. A": "NOERROR | abroad.example.com. 300 CNAME www.example.org., www.example.org. 120 A 203.0.113.80",
			"nope.example.com. TXT": "NXDOMAIN |  | example.com. 300",
			"www.example.net. A":    "REFUSED | ",
		} {
			if got := short(snoop(text)); got != want {
				t.Errorf("%s: %s", text, got)
			}
		}
		if got := snoop("mail.example.com. A").Authority; len(got) != 1 || !strings.HasPrefix(got[0].String(), "example.com.\t86400\tIN\tNS\tns1.example.com.") {
			t.Errorf("no referral: %v", got)
		}
		if got := snoop("abroad.example.com. TXT"); len(got.Answer) != 1 || len(got.Authority) != 1 || got.Authority[0].Name != lookup.MustName("example.org.") {
			t.Errorf("no alias with a referral: %v", got)
		}
		time.Sleep(150 * time.Second)
		if got := snoop("abroad.example.com. A"); !strings.Contains(short(got), "www.example.org. 30 A") || len(got.EDE) != 1 {
			t.Errorf("%v", got)
		}
		if n.count("") != 0 {
			t.Errorf("sent\n%s", n.log())
		}
	})
}

func TestNothingBelowANameThatDoesNotExist(t *testing.T) {
	t.Parallel()
	n := office(t)
	cut := func(o *resolver.Options) { o.NXDomainCut = true }
	r := n.resolver(cut, with(pin("in.nope.example.com.", "10.0.0.53")))
	expect(t, r, "nope.example.com. A", "NXDOMAIN |  | example.com. 300")
	n.forget()
	expect(t, r, "a.b.nope.example.com. TXT", "NXDOMAIN |  | example.com. 300")
	expect(t, r, "b.nope.example.com. CNAME", "NXDOMAIN |  | example.com. 300")
	if n.count("") != 0 {
		t.Errorf("sent\n%s", n.log())
	}
	// What is configured is not hidden by it.
	ask(t, r, "in.nope.example.com. A")
	ask(t, r, "x.in.nope.example.com. A")
	if n.count("10.0.0.53 ") != 2 {
		t.Errorf("sent\n%s", n.log())
	}
	r = n.resolver()
	ask(t, r, "nope.example.com. A")
	n.forget()
	expect(t, r, "a.nope.example.com. A", "NXDOMAIN |  | example.com. 300")
	if n.count("") != 1 {
		t.Errorf("it is on without being asked for:\n%s", n.log())
	}
}

func TestANameThatIsDeniedAlthoughNamesBelowItExistIsNotBelievedForLong(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	n.zone("example.com.", "a.ent.example.com. 60 A 192.0.2.8\nb.ent.example.com. 60 A 192.0.2.9", "192.0.2.1")
	n.host("192.0.2.1").script = func(r transport.Request, honest *transport.Reply) *transport.Reply {
		if r.Question.Name.Labels() == 3 {
			return reply("AA NXDOMAIN\nauthority:\nexample.com. 300 SOA . . 1 1 1 1 300")
		}
		return honest
	}
	r := n.resolver(minimised, func(o *resolver.Options) { o.NXDomainCut = true })
	expect(t, r, "a.ent.example.com. A", "NOERROR | a.ent.example.com. 60 A 192.0.2.8")
	expect(t, r, "b.ent.example.com. A", "NOERROR | b.ent.example.com. 60 A 192.0.2.9")
}
