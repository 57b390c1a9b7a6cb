package override_test

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/override"
)

// again is a Set as the next start of the program has it.
func (w *world) again(state string, configured ...override.Override) {
	w.options.State = state
	w.Set = override.New(w.options)
	w.Load()
	w.configure(configured...)
}

func TestWhatOperatorsAddCountsAtOnceAndOutlivesARestart(t *testing.T) {
	t.Parallel()
	state := filepath.Join(t.TempDir(), "overrides.json")
	w := newWorld()
	w.again(state, servers("example.io.", override.Always, ns))
	w.tellers[ns].tell("*", "www.example.io. 60 IN A 192.0.2.1")
	full := override.Override{
		Zone: zone("pin.io."), Kind: override.Pin, When: override.Manual, Views: []string{"office"}, DS: []string{"1 13 2 00"},
		Pin: []override.Host{{Name: zone("ns1.pin.io."), Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.9")}}},
	}
	for _, o := range []override.Override{
		servers("example.io.", override.Always, "192.0.2.54"), mirror("example.jp.", "example.io.", override.Outage), full, local("held.io.", override.Outage, override.Continue),
	} {
		if err := w.Add(o, "ops", time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.SwitchOn(zone("pin.io."), "ops", 0); err != nil {
		t.Fatal(err)
	}
	w.tellers["192.0.2.54"].tell("*", "www.example.io. 60 IN A 192.0.2.2")
	want := "NOERROR AD | answer: | www.example.io. 60 IN A 192.0.2.2"
	expect(t, w.ask(t, "v", "www.example.io."), want) // added, and before what is configured
	before := w.List()
	w.again(state, servers("example.io.", override.Always, ns))
	expect(t, w.ask(t, "v", "www.example.io."), want)
	after := w.List()
	if len(after) != 5 || len(before) != 5 || after[4].By != "" {
		t.Fatalf("before %+v, after %+v", before, after)
	}
	for i, b := range before[:4] {
		a := after[i]
		if a.Zone != b.Zone || a.By != "ops" || !a.Until.Equal(b.Until) || !a.Since.Equal(b.Since) || a.Target() != b.Target() || a.InForce != b.InForce || a.When != b.When || a.Absent != b.Absent {
			t.Errorf("before %+v, after %+v", b, a)
		}
	}
	if on := after[2]; !on.InForce || on.Switch.By != "ops" || on.Views[0] != "office" || on.DS[0] != "1 13 2 00" {
		t.Errorf("got %+v", on)
	}
	if _, err := w.Remove(zone("example.io."), "", "ops"); err != nil {
		t.Fatal(err)
	}
	expect(t, w.ask(t, "v", "www.example.io."), "NOERROR AD | answer: | www.example.io. 60 IN A 192.0.2.1")
	w.again(state)
	if got := w.List(); len(got) != 3 {
		t.Errorf("got %+v", got)
	}
	expect(t, w.told(), "added example.io.; added example.jp.; added pin.io.; added held.io.; switched on pin.io.; removed example.io.")
}

func TestWhatIsAddedEnds(t *testing.T) {
	t.Parallel()
	state := filepath.Join(t.TempDir(), "overrides.json")
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.again(state, override.Override{Zone: zone("manual.io."), Kind: override.Servers, When: override.Manual, Servers: servers("manual.io.", override.Manual, ns).Servers})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- w.Run(ctx) }()
		if err := w.Add(servers("example.io.", override.Always, ns), "ops", override.DefaultFor); err != nil {
			t.Fatal(err)
		}
		if err := w.SwitchOn(zone("manual.io."), "ops", time.Hour); err != nil {
			t.Fatal(err)
		}
		w.tellers[ns].tell("*", "www.example.io. 86400 IN A 192.0.2.1")
		w.next.tell("*", "www.example.io. 60 IN A 192.0.2.80")
		time.Sleep(23*time.Hour + 59*time.Minute)
		synctest.Wait()
		by := w.Before(override.View{Name: "v", Next: w.next})
		if r, err := by.Resolve(t.Context(), query("www.example.io.")); err != nil || r.Keep != 60 { // as long as it is true
			t.Errorf("%v %v", r, err)
		}
		expect(t, w.told(), "added example.io.; switched on manual.io.; switched off manual.io.: its time is over")
		time.Sleep(time.Minute)
		synctest.Wait()
		expect(t, w.told(), "expired example.io.")
		expect(t, w.ask(t, "v", "www.example.io."), "NOERROR AA AD | answer: | www.example.io. 60 IN A 192.0.2.80")
		w.again(state)
		if got := w.List(); len(got) != 0 {
			t.Errorf("got %+v", got)
		}
		cancel()
		if err := <-ended; err != nil || w.running != 0 {
			t.Errorf("%v, and %d run", err, w.running)
		}
	})
}

func TestManualOnesCountWhileTheyAreOn(t *testing.T) {
	t.Parallel()
	manual := servers("example.io.", override.Manual, ns)
	w := newWorld(servers("example.io.", override.Always, "192.0.2.54"), manual)
	w.tellers[ns].tell("*", "www.example.io. 60 IN A 192.0.2.1")
	w.tellers["192.0.2.54"].tell("*", "www.example.io. 60 IN A 192.0.2.2")
	expect(t, w.ask(t, "v", "www.example.io."), "NOERROR AD | answer: | www.example.io. 60 IN A 192.0.2.2")
	if err := w.SwitchOn(zone("example.io."), "ops", 0); err != nil {
		t.Fatal(err)
	}
	w.configure(servers("example.io.", override.Always, "192.0.2.54"), manual) // a reload leaves it on
	expect(t, w.ask(t, "v", "www.example.io."), "NOERROR AD | answer: | www.example.io. 60 IN A 192.0.2.1")
	if err := w.SwitchOff(zone("example.io."), "ops"); err != nil {
		t.Fatal(err)
	}
	expect(t, w.ask(t, "v", "www.example.io."), "NOERROR AD | answer: | www.example.io. 60 IN A 192.0.2.2")
	if w.SwitchOff(zone("example.io."), "") == nil || w.SwitchOn(zone("example.jp."), "", 0) == nil || w.SwitchOn(zone("example.io."), "", -1) == nil {
		t.Error("what makes no sense is done")
	}
}

// What is behind an override lives through a reload that leaves it as it is, and is shared
// by views; what is not wanted any more ends.
func TestSourcesLiveAsLongAsTheyAreWanted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		made := 0
		w := newWorld()
		w.options.Source = func(o override.Override) (override.Source, error) { made++; return w.source(o) }
		w.again("", inViews(servers("a.", override.Always, ns), "x"), inViews(servers("a.", override.Always, ns), "y"), servers("b.", override.Always, ns))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- w.Run(ctx) }()
		check := func(wantMade, running int) {
			t.Helper()
			synctest.Wait()
			w.mu.Lock()
			defer w.mu.Unlock()
			if made != wantMade || w.running != running {
				t.Errorf("%d made, %d run; want %d and %d", made, w.running, wantMade, running)
			}
		}
		check(2, 2)
		w.configure(servers("a.", override.Outage, ns))
		check(2, 1)
		w.configure(servers("a.", override.Always, "192.0.2.54"))
		check(3, 1)
		if err := w.Add(servers("c.", override.Always, ns), "ops", 0); err != nil {
			t.Fatal(err)
		}
		check(4, 2)
		w.broken = "192.0.2.66"
		if _, err := w.Prepare([]override.Override{servers("d.", override.Always, ns), servers("e.", override.Always, "192.0.2.66")}); err == nil || !strings.Contains(err.Error(), "override of e.: 192.0.2.66 cannot be made") {
			t.Error(err)
		}
		check(6, 2)
		n := 0
		for range w.Paths() {
			n++
		}
		if n != 2 {
			t.Errorf("%d paths", n)
		}
		cancel()
		<-ended
		check(6, 0)
	})
}

func TestWhatMakesNoSenseIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(mirror("a.jp.", "a.io.", override.Always), servers("b.io.", override.Always, ns))
	both := servers("example.io.", override.Always, ns)
	both.Mirror = zone("example.jp.")
	never, odd, lax, ds := servers("example.io.", "never", ns), servers("example.io.", override.Always, ns), servers("example.io.", override.Always, ns), local("example.io.", override.Always, override.Deny)
	odd.Kind, lax.Absent, ds.DS = "odd", override.Continue, []string{"1"}
	for want, o := range map[string]override.Override{
		"one of servers":           both,
		"below the root":           servers(".", override.Always, ns),
		"nothing is said of":       {Zone: zone("a."), Kind: override.Servers, When: override.Always, Mirror: zone("b.")},
		"one is in the other":      mirror("www.example.io.", "example.io.", override.Always),
		`there is no "never"`:      never,
		`there is no kind "odd"`:   odd,
		"absent says nothing":      lax,
		"ds says nothing":          ds,
		"nobody mirrors a mirror":  mirror("a.io.", "a.jp.", override.Always),
		"a key says nothing":       {Zone: zone("a."), Kind: override.Servers, When: override.Always, Servers: servers("a.", override.Always, ns).Servers, Keys: []lookup.Name{zone("k.")}},
		"has a name and addresses": {Zone: zone("a."), Kind: override.Pin, When: override.Always, Pin: []override.Host{{Name: zone("b.")}}},
	} {
		if err := w.Add(o, "", 0); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if err := w.Add(servers("c.", override.Always, ns), "", -1); err == nil {
		t.Error("it ends before it begins")
	}
	for want, z := range map[string]string{"is configured: take it out": "b.io.", "there is no override of": "c.io."} {
		if _, err := w.Remove(zone(z), "", ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if err := w.Add(mirror("a.io.", "a.jp.", override.Outage), "", 0); err != nil {
		t.Error(err)
	}
}

func TestASpoiltStateFileIsToldOfAndKept(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"{":                      "unexpected EOF",
		`{"version": 2}`:         "version 2, want 1",
		`{"version": 1, "x": 1}`: "unknown field",
		"\x00\xff":               "invalid character",
		`{"version": 1} {}`:      "more behind its end",

		`{"version": 1, "overrides": [` + strings.Repeat(`{},`, 1000) + `{}]}`:                                     "1001 overrides",
		`{"version": 1, "overrides": [{"zone": "a..b"}, {"zone": "a.", "kind": "x"}], "switches": [{"zone": ""}]}`: "override of a..b",
	} {
		state := filepath.Join(t.TempDir(), "s")
		if err := os.WriteFile(state, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		w := newWorld()
		w.again(state)
		if got := w.told(); !strings.Contains(got, want) || len(w.List()) > 0 {
			t.Errorf("%s: %s", text, got)
		}
		if err := w.Add(servers("a.", override.Always, ns), "", 0); err != nil {
			t.Fatal(err)
		}
		if kept, err := os.ReadFile(state + ".bad"); !strings.Contains(want, "override of") && (err != nil || string(kept) != text) {
			t.Errorf("%s: %v", text, err)
		}
		w.again(state)
		if len(w.List()) != 1 {
			t.Errorf("%+v", w.List())
		}
	}
}

func TestAnOverrideThatCannotBeMadeAgainIsListed(t *testing.T) {
	t.Parallel()
	state := filepath.Join(t.TempDir(), "s")
	w := newWorld()
	w.again(state)
	if err := w.Add(servers("a.", override.Always, ns), "ops", 0); err != nil {
		t.Fatal(err)
	}
	w.broken = ns
	w.again(state)
	w.next.tell("*", "www.a. 60 IN A 192.0.2.1")
	if got := w.List(); len(got) != 1 || got[0].Problem == nil || got[0].InForce {
		t.Errorf("%+v", got)
	}
	expect(t, w.ask(t, "v", "www.a."), "NOERROR AA AD | answer: | www.a. 60 IN A 192.0.2.1")
	w.options.State = filepath.Join(state, "x") // in which nothing can be kept
	w.broken = ""
	w.again(w.options.State)
	w.told()
	if err := w.Add(servers("a.", override.Always, ns), "ops", 0); err != nil || !strings.Contains(w.told(), "will not outlive a restart") {
		t.Error(err)
	}
}

func TestNamesWithoutOverridesCostNothing(t *testing.T) {
	w := newWorld(servers("example.io.", override.Always, ns), servers("deep.lab.example.io.", override.Always, ns))
	by := w.Before(override.View{Name: "v", Next: &fixed{r: &lookup.Response{}}})
	q := query("www.example.com.")
	q.Budget = lookup.NewBudget(lookup.Limits{})
	if n := testing.AllocsPerRun(100, func() { _, _ = by.Resolve(t.Context(), q) }); n > 0 {
		t.Errorf("%.0f allocations", n)
	}
}

// Queries go on while overrides come and go.
func TestChangesAndQueriesAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(servers("example.io.", override.Outage, ns), mirror("example.jp.", "example.io.", override.Always))
	w.next.tell("*", "!NXDOMAIN io.")
	w.tellers[ns].tell("*", "www.example.io. 60 IN A 192.0.2.1")
	ahead := &teller{says: map[string]string{"*": "www.example.io. 60 IN A 192.0.2.2"}}
	w.tellers["192.0.2.54"] = ahead
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { _ = w.Run(ctx) })
	for range 4 {
		all.Go(func() {
			by := w.Before(override.View{Name: "v", Next: w.next})
			for range 200 {
				if got := asked(t, by, "www.example.jp."); !strings.HasSuffix(got, "192.0.2.1") && !strings.HasSuffix(got, "192.0.2.2") {
					t.Error(got)
				}
			}
		})
	}
	added := servers("example.io.", override.Always, "192.0.2.54")
	for range 100 {
		if err := w.Add(added, "ops", 0); err != nil {
			t.Fatal(err)
		}
		w.List()
		if _, err := w.Remove(zone("example.io."), "", "ops"); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	all.Wait()
}
