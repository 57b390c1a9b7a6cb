package attack_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/internal/attack"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
)

// The cache is a tenth of the default. With 100 aliases in each reply the rate is
// a twentieth of that of the paper, too, which filled 100 MB with 8000 names a
// second: the rate per octet of cache is the same.
func TestABenignNameStaysInMemory(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ aliases, rate, seconds int }{{0, 8000, 3}, {100, 400, 5}} {
		t.Run(fmt.Sprintf("%d aliases, %d names a second", c.aliases, c.rate), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				benign := attack.CacheFlush(c.aliases, c.rate, c.seconds, resolver.Options{Cache: 10_000})
				t.Logf("%v queries for the benign name were answered from memory", benign)
				if benign.Answered*100 < benign.Asked*95 {
					t.Error("want at least 95 %")
				}
			})
		})
	}
}

// TsuNAME's clients do not give up: 1000 queries a second for names in a circle of
// zones cost less than one message a second.
func TestCirclesAreNotWalkedAgainAndAgain(t *testing.T) {
	t.Parallel()
	const rate, seconds = 1000, 60
	for length := 2; length <= 5; length++ {
		t.Run(fmt.Sprintf("of %d zones", length), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a := attack.TsuNAME(length)
				s := attack.NewStage(a.Lay, resolver.Options{Cache: 10_000})
				for i := range rate * seconds {
					q := lookup.Query{Question: a.Ask(i), RD: true}
					if r, err := s.Resolve(context.Background(), q); err == nil {
						t.Fatalf("got %v", r)
					}
					time.Sleep(time.Second / rate)
				}
				if sent := s.Turn().Messages; sent >= seconds {
					t.Errorf("%d messages in %d s", sent, seconds)
				} else {
					t.Logf("%d messages in %d s", sent, seconds)
				}
			})
		})
	}
}
