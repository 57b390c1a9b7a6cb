package attack_test

import (
	"testing"
	"testing/synctest"

	"github.com/sextant-dns/sextant/internal/attack"
	"github.com/sextant-dns/sextant/resolver"
)

// 500 clients in 500 networks ask for one name, and the attacker guesses right once.
// spec/resilience.md, row 6: at most one query for a prefix and four for a name.
func TestE72RebirthdayDeceivesNobodyElse(t *testing.T) {
	t.Parallel()
	for _, b := range []attack.Rebirthday{
		{Networks: 500, Tailors: true},
		{Networks: 500, Tailors: true, Option: true},
		{Networks: 500, Tailors: true, NoTCP: true},
		{Networks: 500, Tailors: true, Option: true, NoTCP: true},
	} {
		t.Run(b.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				got, err := b.Play(resolver.Options{Waiting: 1000})
				if err != nil {
					t.Fatal(err)
				}
				if got.Outstanding > 4 || got.Repeats > 1 || got.Deceived > 0 || got.Answered != 500 {
					t.Errorf("%+v", got)
				}
				t.Logf("%+v", got)
			})
		})
	}
}

// Where answers do not differ there is one query, and so no birthday: the attacker
// has the one chance that it has without any networks. That it is said to have made
// it here is no concern of this test.
func TestRebirthdayHasOneChanceWhereAnswersDoNotDiffer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		got, err := attack.Rebirthday{Networks: 500}.Play(resolver.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got.Outstanding != 1 || got.Messages > 2 {
			t.Errorf("%+v", got)
		}
		t.Logf("%+v", got)
	})
}

// With the usual bound on how many wait for one name, the others hear what those
// hear of whom nothing is told, or that they cannot be served now.
func TestRebirthdayWithTheUsualBounds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		got, err := attack.Rebirthday{Networks: 500, Tailors: true}.Play(resolver.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got.Outstanding > 4 || got.Repeats > 1 || got.Deceived > 0 || got.Answered < 200 {
			t.Errorf("%+v", got)
		}
		t.Logf("%+v", got)
	})
}
