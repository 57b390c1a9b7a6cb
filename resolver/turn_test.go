package resolver_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/resolver"
)

// Resolvers share the processors, and so their turns.
func TestSignaturesAreCheckedInTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n, turns := signedShops(t), resolver.NewTurns(1)
		taking := func(o *resolver.Options) { o.Validation.Turns = turns }
		one, other := n.resolver(n.validating, taking), n.resolver(n.validating, taking)
		if got := judged(t, one, "www.bank.com. A"); got != "secure NOERROR" {
			t.Fatalf("one after the other: %s", got)
		}
		if err := turns.Take(t.Context()); err != nil {
			t.Fatal(err)
		}
		answers := make(chan string, 2)
		for _, r := range []*resolver.Resolver{one, other} {
			go func() { answers <- judged(t, r, "x.wild.bank.com. A") }()
		}
		before := one.Stats().Signatures
		synctest.Wait()
		if checked := one.Stats().Signatures - before + other.Stats().Signatures; checked != 0 {
			t.Errorf("%d signatures were checked out of turn", checked)
		}
		if got := judged(t, one, "www.bank.com. A"); got != "secure NOERROR" {
			t.Errorf("what is in memory: %s", got)
		}
		turns.Give()
		for range 2 {
			if got := <-answers; got != "secure NOERROR" {
				t.Errorf("when it was their turn: %s", got)
			}
		}
	})
}

// That we were busy says nothing about the zone: its chain is not remembered as bogus.
// Who waits does not wait beyond the deadline, and hears of it for as long as of any
// other delay (RFC 9520 3.2).
func TestWhoGetsNoTurnFailsInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n, turns := signedShops(t), resolver.NewTurns(1)
		r := n.resolver(n.validating, func(o *resolver.Options) { o.Validation.Turns = turns })
		if err := turns.Take(t.Context()); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if got := judged(t, r, "www.bank.com. A"); !strings.HasPrefix(got, "error: ") {
			t.Errorf("without a turn: %s", got)
		}
		if waited := time.Since(start); waited > 6*time.Second {
			t.Errorf("waited for %v", waited)
		}
		time.Sleep(4 * time.Second) // the work itself ends later
		synctest.Wait()
		turns.Give()
		time.Sleep(6 * time.Second)
		n.forget()
		if got := judged(t, r, "www.bank.com. A"); got != "secure NOERROR" {
			t.Errorf("with one: %s\n%s", got, n.log())
		}
	})
}
