package health

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// world is sites as the checks find them, in a bubble of virtual time.
type world struct {
	*Monitor

	mu      sync.Mutex
	is      map[netip.Addr]Outcome // as they are; none: they pass
	asked   map[netip.Addr][]time.Time
	atWork  int
	most    int
	lasts   time.Duration // a check
	events  []string
	changes int
	start   time.Time
}

// newWorld runs a Monitor until the test ends. Nothing is random.
func newWorld(t *testing.T, o Options) *world {
	w := &world{is: map[netip.Addr]Outcome{}, asked: map[netip.Addr][]time.Time{}, start: time.Now()}
	o.Rand = func() float64 { return 0.5 }
	o.Probe = w.probe
	o.OnChange = func() { w.mu.Lock(); w.changes++; w.mu.Unlock() }
	o.Report = func(e Event) { w.mu.Lock(); w.events = append(w.events, e.String()); w.mu.Unlock() }
	w.Monitor = New(o)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return w
}

func (w *world) probe(ctx context.Context, t Target) Outcome {
	w.mu.Lock()
	w.asked[t.Addr] = append(w.asked[t.Addr], time.Now())
	w.atWork++
	w.most = max(w.most, w.atWork)
	lasts := w.lasts
	w.mu.Unlock()
	defer func() { w.mu.Lock(); w.atWork--; w.mu.Unlock() }()
	select {
	case <-ctx.Done():
		return Outcome{Result: Failed, Reason: "timed out"}
	case <-time.After(lasts):
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if o, ok := w.is[t.Addr]; ok {
		return o
	}
	return Outcome{Result: Passed, RTT: time.Millisecond}
}

// set has those addresses be so from now on.
func (w *world) set(r Result, addrs ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range addrs {
		w.is[netip.MustParseAddr(a)] = Outcome{Result: r, Reason: r.String()}
	}
}

// pass lets time pass, and everything happen that is due.
func pass(d time.Duration) {
	time.Sleep(d) // of the bubble: takes no time
	synctest.Wait()
}

// states is how the targets are, in a line.
func (w *world) states() string {
	var all []string
	for t, s := range w.Snapshot().All() {
		held := ""
		if s.Held {
			held = "(held)"
		}
		all = append(all, t.Site+" "+s.State.String()+held)
	}
	return strings.Join(all, ", ")
}

func (w *world) want(t *testing.T, want string) {
	t.Helper()
	if got := w.states(); got != want {
		t.Errorf("after %s: %s; want %s", time.Since(w.start), got, want)
	}
}

// times is when addr was checked, in seconds from the start.
func (w *world) times(addr string) (all []float64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, at := range w.asked[netip.MustParseAddr(addr)] {
		all = append(all, at.Sub(w.start).Seconds())
	}
	return all
}

// told are the events with a word in them.
func (w *world) told(word string) (all []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.events {
		if strings.Contains(e, word) {
			all = append(all, e)
		}
	}
	return all
}

func target(site, addr string) Target {
	return Target{Site: site, Addr: netip.MustParseAddr(addr), Check: "tcp:443"}
}

const fra, iad, sin = "192.0.2.1", "198.51.100.1", "203.0.113.1"

func three() []Target { return []Target{target("fra", fra), target("iad", iad), target("sin", sin)} }

func TestASiteGoesDownAndComesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		w.set(Failed, fra)
		w.Watch(three())
		w.want(t, "fra unknown, iad unknown, sin unknown") // nobody is down before it was looked at
		pass(time.Second)
		w.want(t, "fra unknown, iad up, sin up")
		if s := w.Snapshot().Status(target("fra", fra)); s.Failures != 1 || s.Remaining != 2 || s.Threshold != 3 {
			t.Errorf("got %+v", s)
		}
		pass(9 * time.Second)
		w.want(t, "fra down, iad up, sin up")
		// The first at once, jittered; a quarter of the interval while the state may change.
		if got := w.times(fra); !slices.Equal(got[:3], []float64{0.5, 3, 5.5}) {
			t.Errorf("checked at %v", got)
		}
		// The others have passed since fra began to fail: nobody else has to witness.
		if got := w.times(iad); !slices.Equal(got, []float64{0.5}) {
			t.Errorf("iad checked at %v", got)
		}
		pass(time.Minute)
		w.set(Passed, fra)
		pass(10 * time.Second)
		w.want(t, "fra down, iad up, sin up") // one success is too few
		pass(3 * time.Second)
		w.want(t, "fra up, iad up, sin up")
		if got := w.told("fra"); len(got) != 2 || got[0] != "site fra, 192.0.2.1: tcp:443 is now down, was unknown: failed" {
			t.Errorf("told %q", got)
		}
		if c := w.Snapshot().Status(target("fra", fra)).Counts; c.Changes != 2 || c.Failed < 5 || c.Passed != 2 {
			t.Errorf("counted %+v", c)
		}
	})
}

// Whatever the checks say, and in whatever order, the state is the one of a slow and
// obvious reading of all results.
func TestNoTargetFlipsBeforeItsThreshold(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			one := target("fra", fra)
			one.Fall, one.Rise = 1+r.IntN(4), 1+r.IntN(4)
			var mu sync.Mutex
			var results []Result
			state, rise, upSince := Unknown, one.Rise, time.Time{}
			bad := r.Float64()
			m := New(Options{Probe: func(context.Context, Target) Outcome {
				mu.Lock()
				defer mu.Unlock()
				results = append(results, Passed)
				if r.Float64() < bad {
					results[len(results)-1] = Failed
				}
				return Outcome{Result: results[len(results)-1]}
			}})
			m.Watch([]Target{one})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			seen := 0
			row := func(want Result) (n int) {
				for i := seen - 1; i >= 0 && results[i] == want; i-- {
					n++
				}
				return n
			}
			go func() { _ = m.Run(ctx) }()
			for range 2000 {
				pass(time.Second)
				mu.Lock()
				for seen < len(results) {
					seen++
					switch {
					case state != Down && row(Failed) >= one.Fall:
						if upSince.IsZero() || time.Since(upSince) > flapTime+time.Minute {
							rise = one.Rise
						} else if time.Since(upSince) < flapTime-time.Minute {
							rise = min(2*rise, one.Rise<<maxDamp)
						} else {
							rise = m.Snapshot().Status(one).Threshold // too close to tell here
						}
						state = Down
					case state == Unknown && row(Passed) >= 1:
						state = Up
					case state == Down && row(Passed) >= rise:
						state, upSince = Up, time.Now()
					}
				}
				mu.Unlock()
				if got := m.Snapshot().Status(one).State; got != state {
					t.Fatalf("seed %d: rise %d (now %d), fall %d, after %v: %s; want %s", seed, one.Rise, rise, one.Fall, results[max(0, seen-20):seen], got, state)
				}
			}
		})
	}
}

func TestALostUplinkHoldsTheStates(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		all := three()
		all[2].Interval = time.Minute
		w.Watch(all)
		w.set(Failed, sin) // is down for a reason of its own
		pass(3 * time.Minute)
		w.want(t, "fra up, iad up, sin down")
		epoch := w.Snapshot().Epoch()

		w.set(Failed, fra, iad)
		pass(5 * time.Minute)
		w.want(t, "fra up(held), iad up(held), sin down")
		if got := w.told("uplink"); len(got) != 1 || !strings.Contains(got[0], "no IPv4 target of any site answers, 2 sites have failed at once") {
			t.Errorf("told %q", got)
		}
		if !w.Stats().Held[0] || w.Stats().Held[1] {
			t.Errorf("got %+v", w.Stats())
		}

		w.set(Passed, iad) // the uplink is back, and fra really is down
		back := time.Now()
		for w.states() != "fra down, iad up, sin down" {
			pass(100 * time.Millisecond)
			if time.Since(back) > time.Minute {
				t.Fatalf("a minute after the uplink is back: %s", w.states())
			}
			if s := w.Snapshot().Status(target("fra", fra)); s.State == Down && s.Failures < DefaultFall {
				t.Errorf("down after %d failures", s.Failures)
			}
		}
		// What failed while nothing could be reached does not count.
		if took := time.Since(back); took < 2*2500*time.Millisecond {
			t.Errorf("down after %s", took)
		}
		if got := w.told("held no longer"); len(got) != 1 || !strings.Contains(got[0], "a check has passed") {
			t.Errorf("told %q", got)
		}
		if w.Snapshot().Epoch() != epoch+1 {
			t.Errorf("the epoch went from %d to %d; only one state has changed", epoch, w.Snapshot().Epoch())
		}
	})
}

func TestAHoldHasAnEnd(t *testing.T) {
	t.Parallel()
	for hold, want := range map[time.Duration]time.Duration{0: 10 * time.Minute, 3 * time.Minute: 3 * time.Minute, -1: 0} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, Options{Hold: hold})
			w.Watch(three())
			pass(time.Minute)
			w.set(Failed, fra, iad, sin)
			lost := time.Now()
			for strings.Contains(w.states(), "up") {
				pass(100 * time.Millisecond)
			}
			if took := time.Since(lost); took < want || took > want+30*time.Second {
				t.Errorf("held for %s; want %s", took, want)
			}
			pass(time.Hour)
			w.want(t, "fra down, iad down, sin down")
			if n := len(w.told("uplink")); n != min(1, int(want)) {
				t.Errorf("told %d times", n)
			}
			// It is ready for the next time.
			w.set(Passed, fra, iad, sin)
			pass(time.Minute)
			w.want(t, "fra up, iad up, sin up")
			w.set(Failed, fra, iad, sin)
			pass(time.Minute)
			if held := strings.Contains(w.states(), "held"); held != (want > 0) {
				t.Errorf("the second time: %s", w.states())
			}
		})
	}
}

// A program that starts where nothing can be reached does not know that sites are down.
func TestStartingWithoutAnUplink(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		w.set(Failed, fra, iad, sin)
		w.Watch(three())
		pass(time.Minute)
		w.want(t, "fra unknown(held), iad unknown(held), sin unknown(held)")
	})
}

func TestASiteGoesDownAloneHoweverSlowlyTheOthersAreChecked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		all := three()
		all[1].Interval, all[2].Interval = time.Hour, time.Hour
		w.Watch(all)
		pass(time.Minute)
		w.set(Failed, fra)
		pass(20 * time.Second)
		w.want(t, "fra down, iad up, sin up")
		if n := len(w.times(iad)); n != 2 { // once at the start, once as a witness
			t.Errorf("iad was checked %d times", n)
		}
		if len(w.told("uplink")) != 0 {
			t.Errorf("told %q", w.told("uplink"))
		}
	})
}

func TestALostUplinkIsSeenHoweverSlowlyTheOthersAreChecked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		all := three()
		all[1].Interval, all[2].Interval = time.Hour, time.Hour
		w.Watch(all)
		pass(time.Minute)
		w.set(Failed, fra, iad, sin)
		pass(20 * time.Second)
		w.want(t, "fra up(held), iad up(held), sin up(held)")
	})
}

// Two sites that fail one after the other, for reasons of their own, are both down.
func TestTwoSitesThatFailAtDifferentTimesAreDown(t *testing.T) {
	t.Parallel()
	for _, gap := range []time.Duration{25 * time.Second, 5 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, Options{})
			w.Watch(three()[:2])
			pass(time.Minute)
			w.set(Failed, fra)
			pass(gap)
			w.want(t, "fra down, iad up")
			w.set(Failed, iad)
			pass(time.Minute)
			w.want(t, "fra down, iad down")
		})
	}
}

// One that has failed for long, and may fail for longer, does not fail at once with
// another.
func TestOnlyWhatFailsWithinTheWindowFailsAtOnce(t *testing.T) {
	t.Parallel()
	for gap, want := range map[time.Duration]string{5 * time.Minute: "fra down, iad up", 30 * time.Second: "fra up(held), iad up(held)"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, Options{})
			patient := target("iad", iad)
			patient.Fall = MaxThreshold
			patient.Interval = time.Minute
			w.Watch([]Target{target("fra", fra), patient})
			pass(50 * time.Second)
			w.set(Failed, iad)
			pass(gap)
			w.set(Failed, fra)
			pass(30 * time.Second)
			w.want(t, want)
		})
	}
}

// Those who did well are asked first, and not all at once.
func TestFewWitnessesAreCalled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		all := many(100)
		for i := range all {
			all[i].Interval, all[i].Fall = time.Hour, 1
			if i != 50 && i != 99 {
				w.set(Failed, all[i].Addr.String())
			}
		}
		all[50].Interval = 50 * time.Minute // it is not in step with the others
		w.Watch(all)
		pass(3 * time.Hour)
		w.set(Failed, all[50].Addr.String())
		for w.Snapshot().Status(all[50]).State == Up {
			pass(time.Second)
		}
		called := 0
		for _, at := range w.asked {
			for _, one := range at {
				if time.Since(one) < time.Second {
					called++
				}
			}
		}
		if called < 2 || called > maxWitnesses+1 { // and the one itself
			t.Errorf("%d checks", called)
		}
	})
}

func TestASilentTargetIsLeftAloneForAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		w.lasts = time.Hour
		one := target("fra", fra)
		one.Interval, one.Timeout = 4*time.Second, 2*time.Second
		w.Watch([]Target{one})
		pass(5 * time.Second)
		if got := w.times(fra); !slices.Equal(got, []float64{0.2, 2.45, 4.7}) {
			t.Errorf("checked at %v", got)
		}
	})
}

func TestALostUplinkOfOneFamily(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		w.Watch([]Target{target("fra", fra), target("fra6", "2001:db8:f::1"), target("iad", iad), target("iad6", "2001:db8:a::1")})
		pass(time.Minute)
		w.set(Failed, iad, "2001:db8:f::1", "2001:db8:a::1")
		pass(time.Minute)
		w.want(t, "fra up, fra6 up(held), iad down, iad6 up(held)")
	})
}

func TestTheOnlySiteIsBelieved(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		w.set(Failed, fra, iad)
		w.Watch([]Target{target("fra", fra), target("fra", iad)})
		pass(time.Minute)
		w.want(t, "fra down, fra down")
	})
}

func TestAFlappingSiteHasToProveItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		w.Watch(three()[:1])
		one := target("fra", fra)
		for _, want := range []int{2, 4, 8, 16, 16} {
			w.set(Failed, fra)
			pass(time.Minute)
			if got := w.Snapshot().Status(one); got.State != Down || got.Threshold != want {
				t.Errorf("got %s, threshold %d; want %d", got.State, got.Threshold, want)
			}
			w.set(Passed, fra)
			pass(time.Minute)
			w.want(t, "fra up")
		}
		pass(2 * flapTime)
		w.set(Failed, fra)
		pass(time.Minute)
		if got := w.Snapshot().Status(one); got.Threshold != 2 {
			t.Errorf("after a long time up: threshold %d", got.Threshold)
		}
	})
}

func TestWatchReplacesTheSet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		w.set(Failed, fra)
		w.Watch(three()[:2])
		pass(time.Minute)
		w.want(t, "fra down, iad up")
		before := w.Snapshot()
		w.mu.Lock()
		w.lasts = 2 * time.Second // from now on checks are under way for a while
		w.mu.Unlock()
		pass(9 * time.Second)

		other := target("fra", fra)
		other.Fall = 5                              // another target
		w.Watch(append(three(), three()[0], other)) // one twice
		w.want(t, "fra down, fra unknown, iad up, sin unknown")
		pass(3 * time.Second)
		w.want(t, "fra down, fra unknown, iad up, sin up")

		w.Watch(three()[1:2])
		w.want(t, "iad up")
		n := len(w.times(fra))
		pass(time.Minute)
		if len(w.times(fra)) != n {
			t.Error("fra is checked although it is not watched")
		}
		if s := before.Status(target("fra", fra)); s.State != Down || before.Len() != 2 {
			t.Errorf("an old snapshot has changed: %+v", s)
		}
		if s := w.Snapshot().Status(target("fra", fra)); s.State != Unknown || s.Last.Result != Unchecked {
			t.Errorf("one that is not watched: %+v", s)
		}
	})
}

func TestACheckOfATargetThatIsGoneIsBrokenOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		w.lasts = time.Hour
		slow := target("fra", fra)
		slow.Interval, slow.Timeout = time.Hour, time.Minute
		w.Watch([]Target{slow})
		pass(2 * time.Second)
		w.Watch(nil)
		synctest.Wait()
		w.mu.Lock()
		if w.atWork != 0 || len(w.asked) != 1 {
			t.Errorf("%d at work, asked %v", w.atWork, w.asked)
		}
		w.mu.Unlock()
		if s := w.Stats(); s.Running != 0 {
			t.Errorf("got %+v", s)
		}
	})
}

func many(n int) (all []Target) {
	for i := range n {
		all = append(all, Target{Site: fmt.Sprint("site", i%7), Addr: netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), Check: "tcp:1"})
	}
	return all
}

func TestChecksAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{Concurrency: 5, MaxTargets: 100})
		w.lasts = 100 * time.Millisecond
		all := many(101)
		w.Watch(all)
		pass(3 * time.Second)
		w.mu.Lock()
		if w.most != 5 || len(w.asked) != 100 {
			t.Errorf("%d checks at once, %d targets checked", w.most, len(w.asked))
		}
		w.mu.Unlock()
		if s := w.Snapshot().Status(all[100]); s.State != Unknown {
			t.Errorf("one too many: %+v", s)
		}
		if w.Stats().Unwatched != 1 || len(w.told("1 targets are not checked")) != 1 {
			t.Errorf("got %+v, told %q", w.Stats(), w.told(""))
		}
	})
}

func TestAMassOutageOfManySites(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		all := many(300)
		w.Watch(all)
		pass(time.Minute)
		for _, one := range all[1:] { // one is left, and tells that the uplink is good
			w.set(Failed, one.Addr.String())
		}
		pass(time.Minute)
		if got := w.states(); strings.Count(got, "down") != 299 || strings.Contains(got, "held") {
			t.Errorf("%d are down", strings.Count(got, "down"))
		}
	})
}

// What a Status says is what is known of the target, in whatever way it came to be.
func TestTheSnapshotIsUpToDate(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 2))
			w := newWorld(t, Options{Hold: time.Minute})
			all := many(12)
			w.Watch(all)
			for range 200 {
				for range r.IntN(4) {
					w.set(Passed+Result(r.IntN(2)), all[r.IntN(len(all))].Addr.String())
				}
				if r.IntN(30) == 0 {
					for _, one := range all {
						w.set(Failed, one.Addr.String())
					}
				}
				pass(7 * time.Second)
				w.Monitor.mu.Lock()
				for _, e := range w.order {
					got := *w.Snapshot().at(e.slot)
					want := *w.status(e, &got, time.Now())
					if got != want {
						t.Errorf("seed %d: got  %+v\nwant %+v", seed, got, want)
					}
				}
				w.Monitor.mu.Unlock()
			}
			if len(w.told("uplink")) == 0 {
				t.Error("no hold was tried")
			}
		})
	}
}

func TestTheEpochChangesWithTheStatesAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		w.Watch(three())
		pass(time.Minute)
		epoch, changes := w.Snapshot().Epoch(), w.changes
		pass(time.Hour)
		if w.Snapshot().Epoch() != epoch || w.changes != changes {
			t.Errorf("an hour without an event: epoch %d became %d", epoch, w.Snapshot().Epoch())
		}
		w.set(Failed, fra)
		pass(time.Minute)
		if w.Snapshot().Epoch() != epoch+1 || w.changes != changes+1 {
			t.Errorf("one change: epoch %d became %d, %d changes", epoch, w.Snapshot().Epoch(), w.changes-changes)
		}
	})
}

func TestReadingASnapshotAllocatesNothing(t *testing.T) {
	m := New(Options{})
	all := many(100)
	m.Watch(all)
	now := time.Now()
	if n := testing.AllocsPerRun(100, func() {
		s := m.Snapshot()
		if s.Status(all[70]).TTL(60, now) == 0 || s.Epoch() == 0 {
			t.Error("no TTL")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestNobodyHasToWatch(t *testing.T) {
	t.Parallel()
	var none *Snapshot
	for _, s := range []*Snapshot{none, New(Options{}).Snapshot()} {
		down := target("fra", fra)
		down.State = ForceDown
		if s.Status(target("fra", fra)).State != Unknown || s.Status(down).State != Down || s.Len() != 0 || s.Epoch() != 0 {
			t.Errorf("%+v", s)
		}
		if ttl := s.Status(target("fra", fra)).TTL(300, time.Now()); ttl != 300 {
			t.Errorf("TTL %d", ttl)
		}
		for range s.All() {
			t.Error("there is a target")
		}
	}
}

func TestWhatCannotBeFoundOutChangesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		broken := target("sin", sin)
		broken.Check = "tpc:443"
		unchecked := target("lon", "192.0.2.9")
		unchecked.Check = ""
		w.set(Failed, fra)
		w.set(Blind, iad)
		w.Watch([]Target{target("fra", fra), target("iad", iad), broken, unchecked})
		pass(time.Minute)
		w.want(t, "fra down, iad unknown, lon unknown, sin unknown")
		w.set(Blind, fra)
		pass(time.Minute)
		w.want(t, "fra down, iad unknown, lon unknown, sin unknown")
		s := w.Snapshot().Status(broken)
		if s.Last.Result != Blind || !strings.Contains(s.Last.Reason, `did you mean "tcp"?`) || !s.Next.IsZero() {
			t.Errorf("got %+v", s)
		}
		if ttl := w.Snapshot().Status(target("iad", iad)).TTL(300, time.Now()); ttl != 300 {
			t.Errorf("TTL %d for what will not be found out", ttl)
		}
		if got := w.told("finds nothing out"); len(got) != 3 { // once each
			t.Errorf("told %q", got)
		}
	})
}
