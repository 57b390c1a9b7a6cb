package lifeline_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/lifeline"
	"github.com/sextant-dns/sextant/lookup"
)

// says is a path that answers after a while, unless it is hung up on.
func says(after time.Duration, r *lookup.Response, err error) lookup.Func {
	return func(ctx context.Context, _ lookup.Query) (*lookup.Response, error) {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(after):
			return r, err
		}
	}
}

func nx(apex string) *lookup.Response {
	return &lookup.Response{Rcode: lookup.NXDOMAIN, Authority: lookup.MustRRsets(apex + " 900 SOA a. b. 1 2 3 4 900")}
}

// What is left running when a bubble ends fails it, so nothing is.
func TestGuard(t *testing.T) {
	t.Parallel()
	fail := lookup.Fail(lookup.EDENoReachableAuth, "silence")
	bogus := lookup.Fail(lookup.EDESignatureExpired, "old")
	stale := answer("203.0.113.1")
	stale.EDE = []lookup.EDE{{Code: lookup.EDEStaleAnswer}}
	moved := &lookup.Response{Answer: lookup.MustRRsets("www.example.io. 60 CNAME b.example.io."), Rcode: lookup.NXDOMAIN, Authority: nx("io.").Authority}
	away := &lookup.Response{Answer: lookup.MustRRsets("www.example.io. 60 CNAME b.example.org."), Rcode: lookup.NXDOMAIN, Authority: nx("org.").Authority}
	const second = time.Second
	for _, c := range []struct {
		name          string
		parent, known lookup.Func
		want          string
		took          time.Duration
		state         lifeline.State
	}{
		{"all is well", says(0, answer("192.0.2.1"), nil), nil, "192.0.2.1", 0, lifeline.Normal},
		{"all is slow", says(second/4, answer("192.0.2.1"), nil), nil, "192.0.2.1", second / 4, lifeline.Normal},
		{"the zone denies", says(0, nx("example.io."), nil), nil, "NXDOMAIN", 0, lifeline.Normal},
		{"the parent denies", says(0, nx("io."), nil), says(0, answer("192.0.2.2"), nil), "192.0.2.2", 0, lifeline.Suspect},
		{"the root denies", says(0, nx("."), nil), says(0, answer("192.0.2.2"), nil), "192.0.2.2", 0, lifeline.Suspect},
		{"nobody says who denies", says(0, &lookup.Response{Rcode: lookup.NXDOMAIN}, nil), says(0, answer("192.0.2.2"), nil), "192.0.2.2", 0, lifeline.Suspect},
		{"the parent denies what an alias leads to", says(0, moved, nil), says(0, answer("192.0.2.2"), nil), "192.0.2.2", 0, lifeline.Suspect},
		{"another parent denies what an alias leads to", says(0, away, nil), nil, "CNAME", 0, lifeline.Normal},
		{"the parent denies, and the zone as well", says(0, nx("io."), nil), says(0, nx("example.io."), nil), "NXDOMAIN", 0, lifeline.Suspect},
		{"the parent denies, and the zone is silent", says(0, nx("io."), nil), says(second, nil, fail), "NXDOMAIN", second, lifeline.Suspect},
		{"silence", says(6*second, nil, fail), says(0, answer("192.0.2.2"), nil), "192.0.2.2", 400 * time.Millisecond, lifeline.Normal},
		{"bogus", says(0, nil, bogus), says(0, answer("192.0.2.2"), nil), "192.0.2.2", 0, lifeline.Suspect},
		{"bogus on both ways", says(0, nil, bogus), says(0, nil, bogus), "EDE 7 (Signature Expired): old", 0, lifeline.Normal},
		{"both fail, and the zone is to blame", says(second, nil, fail), says(second, nil, fail), "EDE 22 (No Reachable Authority): silence", 1400 * time.Millisecond, lifeline.Normal},
		{"an old answer", says(0, stale, nil), says(0, answer("192.0.2.2"), nil), "192.0.2.2", 0, lifeline.Suspect},
		{"an old answer, and who has a new one takes long", says(0, stale, nil), says(second, answer("192.0.2.2"), nil), "192.0.2.2", second, lifeline.Suspect},
		{"an old answer, and nobody else says anything", says(second, stale, nil), says(9*second, nil, fail), "203.0.113.1", 1800 * time.Millisecond, lifeline.Normal},
		{"an old answer after all patience", says(2*second, stale, nil), says(9*second, nil, fail), "203.0.113.1", 2 * second, lifeline.Normal},
		{"an old answer, and nothing newer", says(0, stale, nil), says(0, nil, fail), "203.0.113.1", 0, lifeline.Normal},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				k := newKeeping(newWorld(t))
				k.call(t, 3)
				k.known.Store(&c.known)
				if c.known == nil {
					k.known.Store(new(lookup.Func(func(context.Context, lookup.Query) (*lookup.Response, error) {
						t.Error("the other path was taken")
						return nil, errors.New("no")
					})))
				}
				begun := time.Now()
				r, err := k.Guard(c.parent, nil).Resolve(t.Context(), ask("www.example.io."))
				got := ""
				if err != nil {
					got = err.Error()
				} else {
					got = r.String()
				}
				if !strings.Contains(got, c.want) || time.Since(begun) != c.took {
					t.Errorf("after %v: %s", time.Since(begun), got)
				}
				if s := k.state(t); s.State != c.state {
					t.Errorf("%s, want %s (%s)", s.State, c.state, s.Reason)
				}
				if err == nil && r.Rcode == lookup.NXDOMAIN && strings.Contains(got, "\nio.") && r.TTL() > 5 {
					t.Errorf("the parent's denial is kept for %d s", r.TTL())
				}
			})
		})
	}
}

// While a zone is suspect both paths are taken, and in an emergency the known one first.
func TestGuardByState(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		k := newKeeping(w, func(o *lifeline.Options) { o.Tell = true })
		k.call(t, 3)
		slow := k.Guard(says(3*time.Second, answer("203.0.113.1"), nil), nil)
		took := func(g lookup.Resolver) time.Duration {
			begun := time.Now()
			r, err := g.Resolve(t.Context(), ask("www.example.io."))
			if err != nil || !strings.Contains(r.String(), "192.0.2.80") {
				t.Fatalf("%v, %v", r, err)
			}
			if len(r.EDE) != 1 || r.EDE[0].Code != 49152 || !strings.Contains(r.EDE[0].Text, "delegation confirmed 2000-01-01T00:00Z") {
				t.Errorf("EDE %v", r.EDE)
			}
			return time.Since(begun)
		}
		for i, want := range []time.Duration{400 * time.Millisecond, 0, 400 * time.Millisecond, 0, 400 * time.Millisecond} { // one in some seconds tries the parent
			if d := took(slow); d != want {
				t.Errorf("query %d: %v, want %v", i, d, want)
			}
			if s := k.state(t).State; (s == lifeline.Suspect) != (i > 1) { // once is nothing
				t.Errorf("query %d: %s", i, s)
			}
			time.Sleep(2500 * time.Millisecond)
		}
		w.all(0, 7, nil)
		k.call(t, 1)
		if d := took(slow); d != 0 {
			t.Errorf("emergency: %v", d)
		}
		broken := lookup.Func(says(0, nil, lookup.Fail(lookup.EDENoReachableAuth, "gone")))
		k.known.Store(&broken)
		if r, err := slow.Resolve(t.Context(), ask("www.example.io.")); err != nil || !strings.Contains(r.String(), "203.0.113.1") {
			t.Errorf("when the known servers are gone: %v, %v", r, err)
		}
	})
}

// What a Guard leaves alone.
func TestGuardLeavesTheRest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		k := newKeeping(w)
		next := k.Guard(lookup.Func(func(context.Context, lookup.Query) (*lookup.Response, error) { return nx("io."), nil }), nil)
		denied := func(change func(*lookup.Query)) bool {
			q := ask("www.example.io.")
			change(&q)
			r, err := next.Resolve(t.Context(), q)
			return err == nil && r.Rcode == lookup.NXDOMAIN
		}
		if !denied(func(*lookup.Query) {}) {
			t.Error("nothing was known, and something was done about it")
		}
		k.call(t, 3)
		for name, change := range map[string]func(*lookup.Query){
			"another zone":  func(q *lookup.Query) { q.Name = "\x05other\x02io\x00" },
			"no recursion":  func(q *lookup.Query) { q.RD = false },
			"another class": func(q *lookup.Query) { q.Class = lookup.ClassCH },
			"the zone's DS": func(q *lookup.Query) { q.Name, q.Type = example, lookup.TypeDS },
		} {
			if !denied(change) {
				t.Error(name)
			}
		}
		if denied(func(*lookup.Query) {}) {
			t.Error("what is protected was not saved")
		}
	})
}

// Aliases that lead out of the zone go on by the Guard, on one ledger, and end.
func TestAliasesLeadOutOfTheZone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := newKeeping(newWorld(t))
		k.call(t, 3)
		known := lookup.Func(func(_ context.Context, q lookup.Query) (*lookup.Response, error) {
			target := "www.example.org."
			if q.Name == "\x04loop\x07example\x02io\x00" {
				target = q.Name.String()[:4] + "2.example.org."
			}
			return &lookup.Response{AA: true, Security: lookup.Secure, Answer: lookup.MustRRsets(q.Name.String() + " 60 CNAME " + target)}, nil
		})
		k.known.Store(&known)
		g := k.Guard(lookup.Func(func(_ context.Context, q lookup.Query) (*lookup.Response, error) {
			switch q.Name.String() {
			case "www.example.org.":
				return &lookup.Response{Security: lookup.Insecure, Answer: lookup.MustRRsets("www.example.org. 30 A 203.0.113.5")}, nil
			case "loop2.example.org.": // and back
				r, err := k.Guard(says(0, nx("io."), nil), nil).Resolve(t.Context(), lookup.Query{RD: true, Budget: q.Budget, Question: ask("loop.example.io.").Question})
				return r, err
			}
			return nx("io."), nil
		}), nil)
		r, err := g.Resolve(t.Context(), ask("www.example.io."))
		const want = "NOERROR\nanswer:\nwww.example.io.\t60\tIN\tCNAME\twww.example.org.\nwww.example.org.\t30\tIN\tA\t203.0.113.5"
		if err != nil || strings.TrimSpace(r.String()) != want || r.Security != lookup.Insecure {
			t.Errorf("got\n%v, %v\nwant\n%s", r, err, want)
		}
		q := ask("loop.example.io.")
		q.Budget = lookup.NewBudget(lookup.Limits{})
		if r, err := g.Resolve(t.Context(), q); err == nil && r.Rcode == lookup.NOERROR {
			t.Errorf("a loop has an answer: %v", r)
		}
		if q.Budget.Followed() > 12 {
			t.Errorf("%d aliases were followed", q.Budget.Followed())
		}
	})
}

// Who hangs up is not waited for, and makes nobody a suspect.
func TestGuardEndsWithItsClient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := newKeeping(newWorld(t))
		k.call(t, 3)
		never := says(time.Hour, nil, nil)
		k.known.Store(&never)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := k.Guard(says(time.Hour, nil, nil), nil).Resolve(ctx, ask("www.example.io.")); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if s := k.state(t); s.State != lifeline.Normal {
			t.Error(s.State)
		}
	})
}
