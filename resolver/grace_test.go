package resolver_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
)

// Delegations live for an hour in these tests, and have six hours of grace.
func graceful(o *resolver.Options) { o.MaxTTL, o.Grace = 3600, 6*time.Hour }

// oneShop is example.com, with all there is above it.
func oneShop(tb testing.TB) *internet {
	n := newInternet(tb)
	tb.Cleanup(func() { time.Sleep(20 * time.Second) }) // work that goes on for those who ask again
	n.zone("example.com.", "www.example.com. 60 A 192.0.2.1\nnew.example.com. 60 A 192.0.2.2", "192.0.2.53")
	return n
}

var comServers = []string{"198.51.100.11", "198.51.100.12"}

// eventually asks until there is an answer: the first who meets a dead parent may have to
// wait for too long.
func eventually(tb testing.TB, r *resolver.Resolver, text string) (got string) {
	tb.Helper()
	for range 3 {
		if got = ask(tb, r, text); !strings.HasPrefix(got, "error") {
			break
		}
		time.Sleep(2 * time.Second)
	}
	return got
}

// While the zone above is silent, its delegation is used for six hours after it has
// expired, and not a minute longer.
func TestGraceOfSilence(t *testing.T) {
	t.Parallel()
	for _, minimise := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			n := oneShop(t)
			r := n.resolver(graceful, func(o *resolver.Options) { o.NoMinimise = !minimise })
			expect(t, r, "www.example.com. A", "NOERROR | www.example.com. 60 A 192.0.2.1")
			n.silence(comServers...)
			learned := time.Now()
			for time.Since(learned) < 7*time.Hour-5*time.Minute {
				time.Sleep(4 * time.Minute)
				for _, c := range []string{"www.example.com. A", "new.example.com. A"} {
					if got := eventually(t, r, c); !strings.HasPrefix(got, "NOERROR") {
						t.Fatalf("after %v: %s: %s", time.Since(learned), c, got)
					}
				}
			}
			time.Sleep(time.Until(learned.Add(7*time.Hour + time.Minute)))
			n.forget()
			for range 3 {
				expectError(t, r, "www.example.com. A", "2")
				time.Sleep(10 * time.Minute)
			}
			if n.count("192.0.2.53") > 0 {
				t.Errorf("its servers are asked still:\n%s", n.log())
			}
			n.wake(comServers...)
			time.Sleep(10 * time.Minute)
			expect(t, r, "www.example.com. A", "NOERROR | www.example.com. 60 A 192.0.2.1")
		})
	}
}

// Without the option nothing is used that has expired.
func TestNoGrace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := oneShop(t)
		r := n.resolver(func(o *resolver.Options) { o.MaxTTL = 3600 })
		ask(t, r, "www.example.com. A")
		n.silence(comServers...)
		time.Sleep(61 * time.Minute)
		expectError(t, r, "www.example.com. A", "2")
	})
}

// T10: a parent that has withdrawn the zone ends it at once when it speaks, whatever it
// says and however short; and whatever the zone itself does, all is over when it would
// have been without that.
func TestGhostsDieOnTime(t *testing.T) {
	t.Parallel()
	deep := func(labels int) string { return strings.Repeat("a.", labels) + "example.com." }
	for _, c := range []struct {
		name string
		// the parent speaks at these times, and is silent otherwise; never: it is always silent
		speaks func(since time.Duration) bool
		ends   time.Duration
	}{
		{"the parent speaks", func(time.Duration) bool { return true }, time.Hour},
		{"the parent is silent", func(time.Duration) bool { return false }, 7 * time.Hour},
		{"it speaks for a while", func(since time.Duration) bool { return since > 3*time.Hour && since < 3*time.Hour+20*time.Minute }, 3*time.Hour + 20*time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := oneShop(t)
				// Whoever runs the zone has it name itself with long TTLs, and delegate without end.
				ghost := n.zones[lookup.MustName("example.com.")]
				ghost.add("example.com. 86400 NS other.example.com.\nother.example.com. 86400 A 192.0.2.53\nlong.example.com. 86400 A 192.0.2.3")
				for i := 1; i <= 100; i++ {
					n.zone(deep(i), fmt.Sprintf("www.%s 60 A 192.0.2.4", deep(i)), "192.0.2.53")
				}
				r := n.resolver(graceful, func(o *resolver.Options) { o.Prefetch = true })
				expect(t, r, "www.example.com. A", "NOERROR | www.example.com. 60 A 192.0.2.1")
				begun := time.Now()
				com := n.zones[lookup.MustName("com.")]
				com.remove("example.com.")
				com.remove("ns1.example.com.")
				for i := 0; time.Since(begun) < 9*time.Hour; i++ {
					since := time.Since(begun)
					if c.speaks(since) {
						n.wake(comServers...)
					} else {
						n.silence(comServers...)
					}
					for _, q := range []string{"www.example.com. A", "example.com. NS", "long.example.com. A", "www." + deep(1+i%100) + " A", "www." + deep(100) + " A", "www." + deep(2) + " A"} {
						asked := time.Now()
						got := ask(t, r, q)
						late := asked.Sub(begun) > c.ends+time.Minute
						if late && c.ends == 7*time.Hour+0 || asked.Sub(begun) > c.ends+time.Hour {
							if strings.HasPrefix(got, "NOERROR | ") && len(got) > len("NOERROR | ") && !strings.Contains(got, " | com.") {
								t.Fatalf("after %v: %s: %s", asked.Sub(begun), q, got)
							}
						}
					}
					time.Sleep(3 * time.Minute)
				}
			})
		})
	}
}

// Whatever the zone above says once, about the zone or instead of it, ends the grace also
// when it is silent again.
func TestAnyWordEndsTheGrace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, heard string
		change      func(com *zone)
	}{
		{"no such name", "NXDOMAIN", func(com *zone) { com.remove("example.com.") }},
		{"a name without a delegation", "NXDOMAIN", func(com *zone) {
			com.remove("example.com.")
			com.add("example.com. 60 TXT parked")
		}},
		{"another delegation", "error", func(com *zone) {
			com.remove("example.com.")
			com.add("example.com. 60 NS ns.gone.com.\nns.gone.com. 60 A 192.0.2.66")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := oneShop(t)
				r := n.resolver(graceful)
				ask(t, r, "www.example.com. A")
				n.silence(comServers...)
				time.Sleep(2 * time.Hour)
				if got := eventually(t, r, "www.example.com. A"); !strings.HasPrefix(got, "NOERROR") {
					t.Fatal(got)
				}
				c.change(n.zones[lookup.MustName("com.")])
				n.wake(comServers...)
				time.Sleep(10 * time.Minute)
				if got := ask(t, r, "www.example.com. A"); !strings.HasPrefix(got, c.heard) {
					t.Errorf("got %s, want %s", got, c.heard)
				}
				n.silence(comServers...)
				for range 20 {
					time.Sleep(10 * time.Minute)
					if got := eventually(t, r, "new.example.com. A"); strings.HasPrefix(got, "NOERROR") {
						t.Fatalf("and again: %s", got)
					}
				}
			})
		})
	}
}
