package resolver_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/transport"
)

// An old answer is better than a bogus one, for as long as Stale.RetryAfter nobody is
// asked again, and what a wildcard made is not put in its place (CVE-2026-46582).
func TestABogusAnswerDoesNotReplaceAnExpiredOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(time.Minute)
		n := signedShops(t)
		r := n.resolver(n.validating, stale)
		if got := judged(t, r, "www.bank.com. A"); got != "secure NOERROR" {
			t.Fatal(got)
		}
		time.Sleep(2 * time.Minute)
		replayed := n.claims("www.bank.com. 60 A 192.0.2.91", func(s *dnssec.Signature) { s.Labels = 2 })
		n.replies("www.bank.com. A", &transport.Reply{AA: true, Answer: []lookup.RRset{replayed}})
		for range 3 {
			response, err := r.Resolve(t.Context(), question("www.bank.com. A"))
			if err != nil || !strings.Contains(short(response), "30 A 192.0.2.90") || response.Security != lookup.Unchecked || len(response.EDE) != 1 || response.EDE[0].Code != lookup.EDEStaleAnswer {
				t.Errorf("got %v, %v", response, err)
			}
		}
		n.host("192.0.2.9").script, n.host("192.0.2.10").script = nil, nil
		time.Sleep(31 * time.Second)
		if got := judged(t, r, "www.bank.com. A"); got != "secure NOERROR" {
			t.Errorf("got %s when all is well again", got)
		}
	})
}

// Nobody has proven it when it was new.
func TestWhatOnlyCDHasSeenIsNotGivenToOthersWhenItHasExpired(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(time.Minute)
		n := signedShops(t)
		n.spoil("www.bank.com. A", func(s *lookup.RRset) { s.Data = lookup.PackRdata("\x06\x06\x06\x06") })
		r := n.resolver(n.validating, stale)
		q := question("www.bank.com. A")
		q.CD = true
		if response, err := r.Resolve(t.Context(), q); err != nil {
			t.Fatalf("got %v, %v", response, err)
		}
		time.Sleep(2 * time.Minute)
		if got := judged(t, r, "www.bank.com. A"); !strings.HasPrefix(got, "error: 6 ") {
			t.Errorf("got %s", got)
		}
		n.silence("192.0.2.9", "192.0.2.10")
		if response, err := r.Resolve(t.Context(), q); err != nil || response.Security != lookup.Unchecked {
			t.Errorf("with CD: got %v, %v", response, err)
		}
	})
}
