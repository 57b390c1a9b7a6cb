package resolver_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
)

func stale(o *resolver.Options) { o.Stale.Enabled = true }

// told is the answer in the form of ask, with the codes of its Extended DNS Errors.
func told(t *testing.T, r *resolver.Resolver, text string) (answer string, codes []uint16) {
	t.Helper()
	response, err := r.Resolve(t.Context(), question(text))
	if err != nil {
		return "error: " + lookup.EDEOf(err).String(), nil
	}
	for _, e := range response.EDE {
		codes = append(codes, e.Code)
	}
	if (len(codes) > 0) != response.Uncacheable {
		t.Errorf("%s: EDE %v, uncacheable %v", text, codes, response.Uncacheable)
	}
	return short(response), codes
}

func expectStale(t *testing.T, r *resolver.Resolver, text, want string, code uint16) {
	t.Helper()
	got, codes := told(t, r, text)
	if got != want || len(codes) != 1 || codes[0] != code {
		t.Errorf("%s:\n got %s, EDE %v\nwant %s, EDE %d", text, got, codes, want, code)
	}
}

func allShops() []string { return []string{"192.0.2.1", "192.0.2.2", "203.0.113.1"} }

func TestWhatHasExpiredIsGivenWhenNothingElseIsToBeHad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(time.Minute) // work outlives its clients
		n := shops(t)
		r := n.resolver(stale)
		for _, q := range []string{"www.example.com. A", "nope.example.com. A", "www.example.com. TXT", "abroad.example.com. A", "a.old.example.com. A"} {
			ask(t, r, q)
		}
		time.Sleep(time.Hour)
		n.silence(allShops()...)
		const www = "NOERROR | www.example.com. 30 A 192.0.2.80 , www.example.com. 30 A 192.0.2.81"
		start := time.Now()
		expectStale(t, r, "www.example.com. A", www, 3)
		if took := time.Since(start); took != 1800*time.Millisecond {
			t.Errorf("took %v", took)
		}
		expectStale(t, r, "nope.example.com. A", "NXDOMAIN |  | example.com. 30", 19)
		expectStale(t, r, "www.example.com. TXT", "NOERROR |  | example.com. 30", 3)
		expectStale(t, r, "abroad.example.com. A", "NOERROR | abroad.example.com. 30 CNAME www.example.org., www.example.org. 30 A 203.0.113.80", 3)
		expectStale(t, r, "a.old.example.com. A", "NOERROR | old.example.com. 30 DNAME new.example.org., a.old.example.com. 30 CNAME a.new.example.org., a.new.example.org. 30 A 203.0.113.81", 3)
		time.Sleep(30 * time.Second)

		// Those who come after it are answered at once, and nobody is asked for 30 s.
		n.forget()
		expectStale(t, r, "www.example.com. A", www, 3)
		time.Sleep(15 * time.Second)
		n.forget()
		start = time.Now()
		expectStale(t, r, "www.example.com. A", www, 3)
		if took := time.Since(start); took != 0 || n.count("") != 0 {
			t.Errorf("took %v, sent\n%s", took, n.log())
		}
		if s := r.Stats(); s.Stale < 7 {
			t.Errorf("%+v", s)
		}

		// When the servers are back, the answer is fresh again.
		n.wake(allShops()...)
		time.Sleep(2 * time.Minute)
		if got, codes := told(t, r, "www.example.com. A"); !strings.Contains(got, " 60 A ") || codes != nil {
			t.Errorf("%s, EDE %v", got, codes)
		}
	})
}

func TestAFlightThatOutlivesTheTimerOfItsClientFeedsTheMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(time.Minute) // work outlives its clients
		n := shops(t)
		r := n.resolver(stale)
		ask(t, r, "www.example.com. A")
		time.Sleep(24 * time.Hour) // the cuts are forgotten, too
		for _, a := range []string{"198.51.100.1", "198.51.100.11", "192.0.2.1"} {
			n.host(a).delay = time.Second
		}
		expectStale(t, r, "www.example.com. A", "NOERROR | www.example.com. 30 A 192.0.2.80 , www.example.com. 30 A 192.0.2.81", 3)
		time.Sleep(5 * time.Second)
		n.forget()
		if got, codes := told(t, r, "www.example.com. A"); codes != nil || n.count("") != 0 {
			t.Errorf("%s, EDE %v, sent\n%s", got, codes, n.log())
		}
	})
}

func TestWhatIsFreshIsNeverShadowedByWhatIsStale(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(time.Minute) // work outlives its clients
		n := shops(t)
		r := n.resolver(stale)
		ask(t, r, "www.example.com. A")
		time.Sleep(time.Hour)
		zone := n.zones[lookup.MustName("example.com.")]
		zone.remove("www.example.com.")
		expect(t, r, "www.example.com. A", "NXDOMAIN |  | example.com. 300")
		time.Sleep(time.Hour)
		n.silence(allShops()...)
		// The last word was that there is no such name.
		expectStale(t, r, "www.example.com. A", "NXDOMAIN |  | example.com. 30", 19)
		n.wake(allShops()...)
		time.Sleep(time.Hour)
		synctest.Wait()
		zone.add("www.example.com. 0 A 192.0.2.99")
		expect(t, r, "www.example.com. A", "NOERROR | www.example.com. 0 A 192.0.2.99")
		n.silence(allShops()...)
		expectError(t, r, "www.example.com. A", "22") // TTL 0: not to be kept at all
	})
}

func TestStaleAnswersEndWithTheirAge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(time.Minute) // work outlives its clients
		n := shops(t)
		r := n.resolver(stale, func(o *resolver.Options) { o.Stale.MaxAge, o.Stale.TTL = time.Hour, 7 })
		ask(t, r, "www.example.com. A")
		n.silence(allShops()...)
		time.Sleep(time.Hour)
		expectStale(t, r, "www.example.com. A", "NOERROR | www.example.com. 7 A 192.0.2.80 , www.example.com. 7 A 192.0.2.81", 3)
		time.Sleep(10 * time.Minute)
		expectError(t, r, "www.example.com. A", "22")
	})
}

func TestWithoutATimerTheStaleAnswerComesAtOnceAndTheFreshOneLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(time.Minute) // work outlives its clients
		n := shops(t)
		r := n.resolver(stale, func(o *resolver.Options) { o.Stale.ClientTimer = -1 })
		ask(t, r, "www.example.com. A")
		time.Sleep(time.Hour)
		expectStale(t, r, "www.example.com. A", "NOERROR | www.example.com. 30 A 192.0.2.80 , www.example.com. 30 A 192.0.2.81", 3)
		synctest.Wait()
		n.forget()
		expect(t, r, "www.example.com. A", www)
		if n.count("") != 0 {
			t.Errorf("sent\n%s", n.log())
		}
	})
}

func TestWithoutStaleAnswersThereIsAnError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(time.Minute) // work outlives its clients
		n := shops(t)
		r := n.resolver()
		ask(t, r, "www.example.com. A")
		time.Sleep(time.Hour)
		n.silence(allShops()...)
		expectError(t, r, "www.example.com. A", "22")
	})
}
