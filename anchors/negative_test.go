package anchors

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

func TestNegativeAnchorsEndByThemselves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		heard, store := &events{}, &Recollection{}
		options := Options{
			Positive: Root(), Report: heard.report, Store: store,
			Negative: []Negative{{Zone: name("always.example.")}, {Zone: name("today.example."), Until: time.Now().Add(day)}},
		}
		k := mustKeeper(t, options)
		stop := run(k)
		defer func() { stop() }()
		must := func(err error) {
			if err != nil {
				t.Fatal(err)
			}
		}
		must(k.AddNegative(name("hour.example."), 0)) // RFC 7646 2: for a limited time; ours is an hour
		must(k.AddNegative(name("week.example."), MaxNegative))
		must(k.AddNegative(name("twice.example."), time.Minute))
		must(k.AddNegative(name("twice.example."), 3*time.Hour))
		for _, wrong := range []time.Duration{MaxNegative + 1, -1} {
			if err := k.AddNegative(name("wrong.example."), wrong); err == nil {
				t.Errorf("%s is taken", wrong)
			}
		}
		inForce := func() string {
			var out []string
			for _, zone := range []string{"always", "today", "hour", "twice", "week", "wrong"} {
				a, _ := k.Closest(name("www." + zone + ".example."))
				listed := slices.ContainsFunc(k.Negatives(), func(n Negative) bool { return n.Zone == name(zone+".example.") })
				if a.Negative != listed {
					t.Errorf("%s: %+v, in the list: %v", zone, a, listed)
				}
				if a.Negative {
					out = append(out, zone)
				}
			}
			return strings.Join(out, " ")
		}
		start := time.Now()
		for _, c := range []struct {
			after time.Duration
			want  string
		}{
			{0, "always today hour twice week"},
			{time.Hour - time.Second, "always today hour twice week"},
			{time.Hour, "always today twice week"},
			{3 * time.Hour, "always today week"},
			{day, "always week"},
		} {
			time.Sleep(time.Until(start.Add(c.after)))
			synctest.Wait()
			if got := inForce(); got != c.want {
				t.Errorf("after %s: got %s, want %s", c.after, got, c.want)
			}
		}
		if got := heard.take(); strings.Count(got, "is in force") != 4 || strings.Count(got, "has ended") != 2 {
			t.Errorf("heard %s", got)
		}
		// It outlives a restart, and not its end.
		stop()
		k = mustKeeper(t, options)
		stop = run(k)
		if got := inForce(); got != "always week" {
			t.Errorf("after a restart: %s", got)
		}
		if k.RemoveNegative(name("always.example.")) {
			t.Error("a configured one was taken away")
		}
		if !k.RemoveNegative(name("week.example.")) || k.RemoveNegative(name("week.example.")) {
			t.Error("it was not taken away, or twice")
		}
		if got := inForce(); got != "always" {
			t.Errorf("after its removal: %s", got)
		}
		stop()
		k = mustKeeper(t, options)
		stop = run(k)
		if got := inForce(); got != "always" {
			t.Errorf("after another restart: %s", got)
		}
	})
}

// RFC 7646 4: as soon as the zone validates, the anchor goes.
func TestNegativeAnchorsGoWhenTheZoneIsMended(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		heard := &events{}
		start := time.Now()
		var mu sync.Mutex
		var asked []string
		var mended atomic.Bool
		k := mustKeeper(t, Options{
			Positive: Root(), Negative: []Negative{{Zone: name("always.example.")}}, Report: heard.report, Store: &Recollection{},
			Validates: func(_ context.Context, zone lookup.Name, by *Set) bool {
				mu.Lock()
				defer mu.Unlock()
				asked = append(asked, fmt.Sprint(time.Since(start), " ", zone))
				if a, ok := by.Closest(zone, time.Now()); !ok || a.Negative {
					t.Errorf("%s is to validate by %+v", zone, a)
				}
				return mended.Load()
			},
		})
		defer run(k)()
		synctest.Wait()
		if err := k.AddNegative(name("bad.example."), time.Hour); err != nil {
			t.Fatal(err)
		}
		time.Sleep(12 * time.Minute)
		synctest.Wait()
		mu.Lock()
		so := strings.Join(asked, ", ")
		mu.Unlock()
		if so != "5m0s bad.example., 10m0s bad.example." {
			t.Errorf("asked %s", so)
		}
		if a, _ := k.Closest(name("bad.example.")); !a.Negative {
			t.Errorf("got %+v", a)
		}
		mended.Store(true)
		time.Sleep(4 * time.Minute)
		synctest.Wait()
		if a, _ := k.Closest(name("bad.example.")); a.Zone != lookup.Root {
			t.Errorf("got %+v", a)
		}
		if a, _ := k.Closest(name("always.example.")); !a.Negative {
			t.Errorf("the configured one is gone: %+v", a)
		}
		if got := heard.take(); !strings.Contains(got, "bad.example.: a negative trust anchor has been taken away: the zone validates again") {
			t.Errorf("heard %s", got)
		}
	})
}

// Somebody prolongs it while it is being looked at, or ends.
func TestANegativeAnchorThatIsProlonged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var k *Keeper
		prolong := func() {
			if err := k.AddNegative(name("bad.example."), 2*time.Hour); err != nil {
				t.Error(err)
			}
		}
		k = mustKeeper(t, Options{Positive: Root(), Validates: func(context.Context, lookup.Name, *Set) bool {
			prolong()
			return true
		}})
		if err := k.AddNegative(name("bad.example."), time.Hour); err != nil {
			t.Fatal(err)
		}
		time.Sleep(6 * time.Minute)
		k.Poll(t.Context())
		if got := k.Negatives(); len(got) != 1 || time.Until(got[0].Until) < 119*time.Minute {
			t.Errorf("got %+v", got)
		}
	})
}
