package health

import (
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestOperatorsHaveTheLastWord(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		all := append(three(), target("fra", "192.0.2.2"))
		all[2].State = ForceDrain // as it is written of sin
		w.Watch(all)
		pass(time.Minute)
		w.want(t, "fra up, fra up, iad up, sin drain")
		force := func(site, addr string, a Admin, lasts time.Duration, want int) {
			t.Helper()
			at, _ := netip.ParseAddr(addr)
			if n, err := w.Force(site, at, a, lasts); n != want || err != nil {
				t.Errorf("%s %s: %d, %v; want %d", site, a, n, err, want)
			}
		}
		force("fra", "", ForceDown, 0, 2)
		w.want(t, "fra down, fra down, iad up, sin drain")
		force("fra", "::ffff:192.0.2.2", ForceUp, 0, 1) // an address goes before its site
		w.want(t, "fra down, fra up, iad up, sin drain")
		force("fra", "", Auto, 0, 2)
		force("fra", "192.0.2.2", Auto, 0, 1)
		w.want(t, "fra up, fra up, iad up, sin drain")

		w.set(Failed, iad)
		force("iad", "", ForceUp, time.Hour, 1)
		force("sin", "", ForceUp, 0, 1)
		pass(59 * time.Minute)
		w.want(t, "fra up, fra up, iad up, sin up")
		s := w.Snapshot().Status(target("iad", iad))
		if s.Checked != Down || s.Admin != ForceUp || s.TTL(300, time.Now()) != 60 {
			t.Errorf("TTL %d, %+v", s.TTL(300, time.Now()), s)
		}
		pass(time.Minute)
		w.want(t, "fra up, fra up, iad down, sin up") // the hour is over
		force("sin", "", Auto, 0, 1)
		w.want(t, "fra up, fra up, iad down, sin drain") // what is written holds
		all[2].State = Auto
		w.Watch(all)
		w.want(t, "fra up, fra up, iad down, sin up") // and history is kept
		if s := w.Snapshot().Status(target("sin", sin)); s.Successes < 300 {
			t.Errorf("a word of the configuration has cost the history: %+v", s)
		}

		force("sin", "", ForceDown, 0, 1)
		w.Watch(three()[:1])
		w.Watch(three())
		w.want(t, "fra up, iad unknown, sin unknown") // what was said of a site that was gone is forgotten
	})
}

func TestOrdersForNobodyAreRefused(t *testing.T) {
	t.Parallel()
	m := New(Options{})
	_, err := m.Force("fra", netip.Addr{}, ForceUp, 0)
	if err == nil || !strings.Contains(err.Error(), "no site is watched") {
		t.Errorf("got %v", err)
	}
	m.Watch(three())
	for want, f := range map[string]func() (int, error){
		`no site "sni"; did you mean "sin"?`: func() (int, error) { return m.Force("sni", netip.Addr{}, ForceUp, 0) },
		`"fra" has no address 198.51.100.1`:  func() (int, error) { return m.Force("fra", netip.MustParseAddr(iad), ForceUp, 0) },
		"auto has no end":                    func() (int, error) { return m.Force("fra", netip.Addr{}, Auto, time.Hour) },
		"-1s; want at most":                  func() (int, error) { return m.Force("fra", netip.Addr{}, ForceUp, -time.Second) },
		"want at most 8784h0m0s":             func() (int, error) { return m.Force("fra", netip.Addr{}, ForceUp, MaxAdmin+1) },
	} {
		if n, err := f(); n != 0 || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %d, %v; want %s", n, err, want)
		}
	}
}

func TestTheTTLShrinksWhenTheStateMayChange(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	in := func(d time.Duration) time.Time { return now.Add(d) }
	const fast = 10 * time.Second
	for name, c := range map[string]struct {
		s    Status
		want uint32
	}{
		"up":                      {Status{State: Up, Checked: Up, Remaining: 3, Next: in(5 * time.Second), fast: fast}, 300},
		"up, one of three":        {Status{State: Up, Checked: Up, Failures: 1, Remaining: 2, Next: in(9 * time.Second), fast: fast}, 19},
		"up, two of three":        {Status{State: Up, Checked: Up, Failures: 2, Remaining: 1, Next: in(9 * time.Second), fast: fast}, 9},
		"up, about to fall":       {Status{State: Up, Checked: Up, Failures: 2, Remaining: 1, Next: in(-time.Second), fast: fast}, MinTTL},
		"held":                    {Status{State: Up, Checked: Up, Failures: 9, Remaining: 1, Next: in(time.Second), fast: fast, Held: true}, MinTTL},
		"down":                    {Status{State: Down, Checked: Down, Remaining: 2, Next: in(30 * time.Second), fast: fast}, 40},
		"down, for long at least": {Status{State: Down, Checked: Down, Remaining: 90, Next: in(30 * time.Second), fast: fast}, 300},
		"not looked at yet":       {Status{Remaining: 3, Next: now, fast: fast}, 20},
		"cannot be looked at":     {Status{Remaining: 3, Next: now, fast: fast, Last: Outcome{Result: Blind}}, 300},
		"drains":                  {Status{State: Drain, Checked: Drain, Remaining: 1, Next: in(time.Second), fast: fast}, 300},
		"forced":                  {Status{State: Down, Admin: ForceDown, Checked: Up, Failures: 2, Remaining: 1, Next: now, fast: fast}, 300},
		"forced for a time":       {Status{State: Down, Admin: ForceDown, Until: in(2 * time.Minute)}, 120},
		"forced until just now":   {Status{State: Down, Admin: ForceDown, Until: in(-time.Minute)}, MinTTL},
	} {
		if got := c.s.TTL(300, now); got != c.want {
			t.Errorf("%s: %d; want %d", name, got, c.want)
		}
		if got := c.s.TTL(3, now); got != 3 {
			t.Errorf("%s: %d of 3", name, got)
		}
		if got := c.s.TTL(1<<32-1, now); c.want == 300 && name != "down, for long at least" && got != 1<<32-1 {
			t.Errorf("%s: %d of all", name, got)
		}
	}
}
