package override_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/override"
)

const ns = "192.0.2.53"

func TestAnOverrideIsAskedInThePlaceOfAll(t *testing.T) {
	t.Parallel()
	w := newWorld(servers("example.io.", override.Always, ns), servers("lab.example.io.", override.Always, "192.0.2.54"))
	w.next.tell("*", "!NXDOMAIN io.")
	w.tellers[ns].tell("www.example.io. A", "www.example.io. 60 IN A 10.0.0.1")
	w.tellers["192.0.2.54"].tell("x.lab.example.io. A", "x.lab.example.io. 60 IN A 10.0.0.2")
	w.tellers[ns].tell("no.example.io. A", "!NXDOMAIN example.io.")
	w.tellers[ns].tell("bad.example.io. A", "!fail")
	// Nobody's authority: AA is clear.
	expect(t, w.ask(t, "v", "www.example.io."), "NOERROR AD | answer: | www.example.io. 60 IN A 10.0.0.1")
	expect(t, w.ask(t, "v", "x.lab.example.io."), "NOERROR AD | answer: | x.lab.example.io. 60 IN A 10.0.0.2")
	expect(t, w.ask(t, "v", "no.example.io."), "NXDOMAIN | authority: | example.io. 900 IN SOA a. b. 1 2 3 4 900")
	expect(t, w.ask(t, "v", "bad.example.io."), "EDE 22 (No Reachable Authority): nobody is there")
	expect(t, w.next.heard(), "")
	expect(t, w.ask(t, "v", "www.example.iox."), "NXDOMAIN | authority: | io. 900 IN SOA a. b. 1 2 3 4 900")
	expect(t, w.next.heard(), "www.example.iox. A")
	if got := w.List(); got[0].Answers != 2 || got[1].Answers != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestEachViewHasItsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(inViews(servers("example.io.", override.Always, ns), "office"), inViews(servers("example.io.", override.Always, "192.0.2.54"), "lab", "shop"))
	w.next.tell("*", "www.example.io. 60 IN A 192.0.2.80")
	w.tellers[ns].tell("*", "www.example.io. 60 IN A 10.0.0.1")
	w.tellers["192.0.2.54"].tell("*", "www.example.io. 60 IN A 10.0.0.2")
	for view, want := range map[string]string{"office": "10.0.0.1", "lab": "10.0.0.2", "shop": "10.0.0.2", "world": "192.0.2.80"} {
		if got := w.ask(t, view, "www.example.io."); !strings.HasSuffix(got, " "+want) {
			t.Errorf("%s: %s", view, got)
		}
	}
	for view, want := range map[string]bool{"office": true, "lab": true, "world": false} {
		if got := w.Covers(view)(zone("a.b.example.io.")); got != want {
			t.Errorf("%s: %v", view, got)
		}
	}
}

// The ladder: what each of the ways says, and what clients hear.
func TestInAnOutageTheOverrideAnswers(t *testing.T) {
	t.Parallel()
	const good, held = "www.example.io. 3600 IN A 192.0.2.80", "www.example.io. 3600 IN A 192.0.2.81"
	for what, c := range map[string]struct{ next, by, want, asked string }{
		"all is well":              {good, held, "NOERROR AA AD | answer: | " + good, ""},
		"no answer":                {"!fail", held, "NOERROR AD | answer: | " + held, "www.example.io. A"},
		"SERVFAIL":                 {"!SERVFAIL", held, "NOERROR AD | answer: | " + held, "www.example.io. A"},
		"denied above":             {"!NXDOMAIN io.", held, "NOERROR AD | answer: | " + held, "www.example.io. A"},
		"emptied above":            {"!NODATA .", held, "NOERROR AD | answer: | " + held, "www.example.io. A"},
		"an old answer":            {"!STALE " + good, held, "NOERROR AD | answer: | " + held, "www.example.io. A"},
		"its own denial":           {"!NXDOMAIN example.io.", held, "NXDOMAIN | authority: | example.io. 900 IN SOA a. b. 1 2 3 4 900", ""},
		"one below":                {"!NXDOMAIN www.example.io.", held, "NXDOMAIN | authority: | www.example.io. 900 IN SOA a. b. 1 2 3 4 900", ""},
		"denied by the override":   {"!fail", "!NXDOMAIN example.io.", "NXDOMAIN | authority: | example.io. 900 IN SOA a. b. 1 2 3 4 900", "www.example.io. A"},
		"all fail":                 {"!NXDOMAIN io.", "!fail", "NXDOMAIN | authority: | io. 900 IN SOA a. b. 1 2 3 4 900", "www.example.io. A"},
		"all fail, one is old":     {"!STALE " + good, "!fail", "NOERROR EDE 3 (Stale Answer) | answer: | " + good, "www.example.io. A"},
		"all fail, none has heard": {"!fail", "!SERVFAIL", "EDE 22 (No Reachable Authority): nobody is there", "www.example.io. A"},
	} {
		w := newWorld(servers("example.io.", override.Outage, ns))
		w.next.tell("*", c.next)
		w.tellers[ns].tell("*", c.by)
		if got := w.ask(t, "v", "www.example.io."); got != c.want {
			t.Errorf("%s: got\n%s, want\n%s", what, got, c.want)
		}
		if got := w.tellers[ns].heard(); got != c.asked {
			t.Errorf("%s: asked %q, want %q", what, got, c.asked)
		}
	}
}

// What an override says in need is kept for half a minute, and a denial that may be part
// of an outage for seconds.
func TestWhatIsSaidInNeedIsNotKeptForLong(t *testing.T) {
	t.Parallel()
	w := newWorld(servers("example.io.", override.Outage, ns))
	w.next.tell("*", "!NXDOMAIN io.")
	w.tellers[ns].tell("*", "www.example.io. 3600 IN A 192.0.2.81")
	by := w.Before(override.View{Name: "v", Next: w.next})
	if r, err := by.Resolve(t.Context(), query("www.example.io.")); err != nil || r.Keep != 30 || r.Answer[0].TTL != 3600 {
		t.Errorf("%v %v", r, err)
	}
	w.tellers[ns].tell("*", "!fail")
	if r, err := by.Resolve(t.Context(), query("www.example.io.")); err != nil || r.Keep != 5 {
		t.Errorf("%v %v", r, err)
	}
	expect(t, w.told(), "answers example.io.: denied by io.")
}

func TestSlownessIsHedged(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		outage bool
		next   string
		by     string
		want   string
		took   time.Duration
		asked  string // of the override
	}{
		{false, "!slow 300ms www.example.io. 60 IN A 192.0.2.1", "www.example.io. 60 IN A 192.0.2.2", "192.0.2.1", 300 * time.Millisecond, ""},
		{false, "!slow 3s www.example.io. 60 IN A 192.0.2.1", "www.example.io. 60 IN A 192.0.2.2", "192.0.2.2", 400 * time.Millisecond, "www.example.io. A"},
		{false, "!slow 600ms www.example.io. 60 IN A 192.0.2.1", "!slow 900ms www.example.io. 60 IN A 192.0.2.2", "192.0.2.1", 600 * time.Millisecond, "www.example.io. A"},
		{false, "!slow 600ms !NXDOMAIN io.", "!slow 900ms www.example.io. 60 IN A 192.0.2.2", "192.0.2.2", 1300 * time.Millisecond, "www.example.io. A"},
		{true, "!slow 10s www.example.io. 60 IN A 192.0.2.1", "!slow 300ms www.example.io. 60 IN A 192.0.2.2", "192.0.2.2", 300 * time.Millisecond, "www.example.io. A"},
		{true, "www.example.io. 60 IN A 192.0.2.1", "!slow 5s www.example.io. 60 IN A 192.0.2.2", "192.0.2.1", 400 * time.Millisecond, "www.example.io. A"},
		{true, "www.example.io. 60 IN A 192.0.2.1", "!fail", "192.0.2.1", 0, "www.example.io. A"},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(servers("example.io.", override.Outage, ns))
			w.outage = c.outage
			w.next.tell("*", c.next)
			w.tellers[ns].tell("*", c.by)
			start := time.Now()
			if got := w.ask(t, "v", "www.example.io."); !strings.HasSuffix(got, " "+c.want) || time.Since(start) != c.took {
				t.Errorf("%+v: got %s after %s", c, got, time.Since(start))
			}
			if got := w.tellers[ns].asks(); got != c.asked {
				t.Errorf("%+v: asked %q", c, got)
			}
			synctest.Wait() // what is late is told to end
			if c.took >= 400*time.Millisecond && c.want != "192.0.2.2" && !strings.HasSuffix(w.tellers[ns].heard(), "cancelled") {
				t.Errorf("%+v: it goes on", c)
			}
		})
	}
}

func TestAnEndedQueryEndsAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(servers("example.io.", override.Outage, ns))
		w.next.tell("*", "!slow 5s !fail")
		w.tellers[ns].tell("*", "!slow 5s !fail")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if _, err := w.Before(override.View{Next: w.next}).Resolve(ctx, query("www.example.io.")); err == nil || time.Since(start) != time.Second {
			t.Errorf("%v after %s", err, time.Since(start))
		}
	})
}

func TestAPanicIsTheQuerys(t *testing.T) {
	t.Parallel()
	w := newWorld(servers("example.io.", override.Always, ns))
	w.tellers[ns].tell("*", "!panic")
	defer func() {
		if recover() == nil {
			t.Error("nobody who watches over the query hears of it")
		}
	}()
	w.ask(t, "v", "www.example.io.")
}

func TestAlwaysAndOutageStandTogether(t *testing.T) {
	t.Parallel()
	w := newWorld(servers("example.io.", override.Always, ns), servers("example.io.", override.Outage, "192.0.2.54"))
	w.tellers[ns].tell("*", "!fail")
	w.tellers["192.0.2.54"].tell("*", "www.example.io. 60 IN A 192.0.2.2")
	expect(t, w.ask(t, "v", "www.example.io."), "NOERROR AD | answer: | www.example.io. 60 IN A 192.0.2.2")
	expect(t, w.next.heard(), "")
}

func TestAliasesGoOnByTheWholeChain(t *testing.T) {
	t.Parallel()
	w := newWorld(servers("example.io.", override.Always, ns), servers("other.io.", override.Always, "192.0.2.54"))
	w.tellers[ns].tell("out.example.io. A", "out.example.io. 60 IN CNAME www.example.com.")
	w.tellers[ns].tell("other.example.io. A", "other.example.io. 60 IN CNAME www.other.io.")
	w.tellers[ns].tell("loop.example.io. A", "loop.example.io. 60 IN CNAME loop.other.io.")
	w.tellers[ns].tell("gone.example.io. A", "gone.example.io. 60 IN CNAME gone.example.com.")
	w.tellers["192.0.2.54"].tell("www.other.io. A", "www.other.io. 60 IN A 10.0.0.2")
	w.tellers["192.0.2.54"].tell("loop.other.io. A", "loop.other.io. 60 IN CNAME loop.example.io.")
	w.next.tell("www.example.com. A", "www.example.com. 60 IN A 192.0.2.80")
	w.next.tell("in.example.com. A", "in.example.com. 60 IN CNAME www.other.io.") // and leaves it to us
	w.next.tell("gone.example.com. A", "!NXDOMAIN example.com.")
	w.tellers[ns].tell("unsigned.example.io. A", "!INSECURE unsigned.example.io. 60 IN CNAME www.example.com.")
	w.tellers[ns].tell("signed.example.io. A", "signed.example.io. 60 IN CNAME unsigned.example.com.")
	w.next.tell("unsigned.example.com. A", "!INSECURE unsigned.example.com. 60 IN A 192.0.2.81")
	for _, half := range []string{"unsigned.example.io.", "signed.example.io."} {
		if got := w.ask(t, "v", half); !strings.HasPrefix(got, "NOERROR | ") {
			t.Errorf("what is half proven is proven: %s", got)
		}
	}
	expect(t, w.ask(t, "v", "out.example.io."), "NOERROR AD | answer: | out.example.io. 60 IN CNAME www.example.com. | www.example.com. 60 IN A 192.0.2.80")
	expect(t, w.ask(t, "v", "other.example.io."), "NOERROR AD | answer: | other.example.io. 60 IN CNAME www.other.io. | www.other.io. 60 IN A 10.0.0.2")
	expect(t, w.ask(t, "v", "in.example.com."), "NOERROR AD | answer: | in.example.com. 60 IN CNAME www.other.io. | www.other.io. 60 IN A 10.0.0.2")
	expect(t, w.ask(t, "v", "gone.example.io."), "NXDOMAIN | answer: | gone.example.io. 60 IN CNAME gone.example.com. | authority: | example.com. 900 IN SOA a. b. 1 2 3 4 900")
	expect(t, w.ask(t, "v", "out.example.io. CNAME"), "NOERROR AD")
	if got := w.ask(t, "v", "loop.example.io."); !strings.Contains(got, "too many aliases") {
		t.Error(got)
	}
}

// Whoever has an alias to our names on the Internet does not get at private addresses.
func TestAliasesFromOutsideAreFiltered(t *testing.T) {
	t.Parallel()
	w := newWorld(servers("example.io.", override.Always, ns))
	w.tellers[ns].tell("*", "www.example.io. 60 IN A 10.0.0.1")
	w.next.tell("*", "evil.example.com. 60 IN CNAME www.example.io.")
	filter := func(lookup.Resolver) lookup.Resolver {
		return lookup.Func(func(context.Context, lookup.Query) (*lookup.Response, error) { return &lookup.Response{}, nil })
	}
	by := w.Before(override.View{Name: "v", Next: w.next, Inward: filter})
	expect(t, asked(t, by, "evil.example.com."), "NOERROR | answer: | evil.example.com. 60 IN CNAME www.example.io.")
	expect(t, asked(t, by, "www.example.io."), "NOERROR AD | answer: | www.example.io. 60 IN A 10.0.0.1")
}

// RFC 4035 3.1.4.1: the DS is the parent's, which must not deny the zone by the way.
func TestTheDSIsOfTheZoneAbove(t *testing.T) {
	t.Parallel()
	w := newWorld(servers("example.io.", override.Always, ns), servers("sub.example.io.", override.Always, "192.0.2.54"))
	w.next.tell("*", "!NXDOMAIN io.")
	w.tellers[ns].tell("sub.example.io. DS", "!NODATA example.io.")
	expect(t, w.ask(t, "v", "example.io. DS"), "NOERROR | authority: | io. 900 IN SOA a. b. 1 2 3 4 900")
	expect(t, w.ask(t, "v", "sub.example.io. DS"), "NOERROR | authority: | example.io. 900 IN SOA a. b. 1 2 3 4 900")
	expect(t, w.ask(t, "v", "example.com. DS"), "NXDOMAIN | authority: | io. 900 IN SOA a. b. 1 2 3 4 900")
	expect(t, w.tellers["192.0.2.54"].heard(), "")
}

func TestOtherClassesAreNotOverridden(t *testing.T) {
	t.Parallel()
	w := newWorld(servers("example.io.", override.Always, ns))
	q := query("www.example.io.")
	q.Class = 3
	if _, err := w.Before(override.View{Next: w.next}).Resolve(t.Context(), q); err != nil || w.next.heard() == "" {
		t.Error(err)
	}
}

func TestAZoneHeldHereLeavesNamesToOthersByChoice(t *testing.T) {
	t.Parallel()
	for _, absent := range []override.Absent{override.Deny, override.Continue} {
		w := newWorld(local("example.io.", override.Always, absent))
		w.next.tell("*", "!NXDOMAIN io.")
		w.next.tell("more.example.io. A", "more.example.io. 60 IN A 192.0.2.80")
		w.next.tell("x.sub.example.io. A", "x.sub.example.io. 60 IN A 192.0.2.81")
		held := w.tellers["copy"]
		held.tell("www.example.io. A", "www.example.io. 60 IN A 10.0.0.1")
		held.tell("www.example.io. MX", "!NODATA example.io.")
		held.tell("more.example.io. A", "!NXDOMAIN example.io.")
		held.tell("x.sub.example.io. A", "!REFERRAL sub.example.io. 60 IN NS ns.sub.example.io.")
		expect(t, w.ask(t, "v", "www.example.io."), "NOERROR AD | answer: | www.example.io. 60 IN A 10.0.0.1")
		expect(t, w.ask(t, "v", "www.example.io. MX"), "NOERROR | authority: | example.io. 900 IN SOA a. b. 1 2 3 4 900")
		expect(t, w.ask(t, "v", "x.sub.example.io."), "NOERROR AA AD | answer: | x.sub.example.io. 60 IN A 192.0.2.81")
		want := "NXDOMAIN | authority: | example.io. 900 IN SOA a. b. 1 2 3 4 900"
		if absent == override.Continue {
			want = "NOERROR AA AD | answer: | more.example.io. 60 IN A 192.0.2.80"
		}
		expect(t, w.ask(t, "v", "more.example.io."), want)
	}
}

// Where an alias leads is not the copy's business: that it fails there is what clients hear,
// and not what others say of the name.
func TestAnAliasThatLeadsNowhereIsStillTheCopys(t *testing.T) {
	t.Parallel()
	w := newWorld(local("example.io.", override.Always, override.Deny))
	w.tellers["copy"].tell("*", "www.example.io. 60 IN CNAME www.example.com.")
	w.next.tell("www.example.com. A", "!fail")
	w.next.tell("www.example.io. A", "www.example.io. 60 IN A 192.0.2.80")
	expect(t, w.ask(t, "v", "www.example.io."), "EDE 22 (No Reachable Authority): nobody is there")
}

// T14: a copy that has expired is for outages alone, with the TTL and the EDE of what is
// old, and not for good.
func TestACopyThatHasExpiredServesInAnOutageOnly(t *testing.T) {
	t.Parallel()
	const public, held = "www.example.io. 60 IN A 192.0.2.80", "www.example.io. 3600 IN A 10.0.0.1"
	const old = "NOERROR AD EDE 3 (Stale Answer): the copy of example.io. has expired, and there is an outage | answer: | www.example.io. 30 IN A 10.0.0.1"
	w := newWorld(local("example.io.", override.Always, override.Deny))
	w.next.tell("*", public)
	w.tellers["copy"].tell("*", held)
	expect(t, w.ask(t, "v", "www.example.io."), "NOERROR AD | answer: | "+held)
	w.expired = true
	expect(t, w.ask(t, "v", "www.example.io."), "NOERROR AA AD | answer: | "+public)
	w.next.tell("*", "!fail")
	expect(t, w.ask(t, "v", "www.example.io."), old)
	w.next.tell("*", "!NXDOMAIN io.")
	expect(t, w.ask(t, "v", "www.example.io."), old)
	w.next.tell("*", public)
	w.outage = true
	expect(t, w.ask(t, "v", "www.example.io."), old)
	w.gone = true // longer than it may be held
	expect(t, w.ask(t, "v", "www.example.io."), "NOERROR AA AD | answer: | "+public)
	w.next.tell("*", "!fail")
	expect(t, w.ask(t, "v", "www.example.io."), "EDE 22 (No Reachable Authority): nobody is there")
	expect(t, w.told(), "answers example.io.: EDE 22 (No Reachable Authority): nobody is there")
}
