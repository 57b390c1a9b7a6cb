package override_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/override"
)

// How long it takes until clients hear what. An old answer is given after 1.8 s, or when all
// others have failed; a mirror waits for both ways of a guarded zone; and where all fail, what
// the first rung has said counts, not the fastest.
func TestPatience(t *testing.T) {
	t.Parallel()
	const good = " 60 IN A 192.0.2.2"
	for _, c := range []struct {
		name, next, by string
		kind           override.Kind
		want           string
		took           time.Duration
	}{
		{"www.example.io.", "!slow 100ms !STALE www.example.io. 60 IN A 192.0.2.1", "!slow 1s www.example.io." + good, override.Servers, "192.0.2.2", 1100 * time.Millisecond},
		{"www.example.io.", "!slow 100ms !STALE www.example.io. 60 IN A 192.0.2.1", "!slow 9s www.example.io." + good, override.Servers, "192.0.2.1", 1800 * time.Millisecond},
		{"www.example.io.", "!slow 1900ms !STALE www.example.io. 60 IN A 192.0.2.1", "!slow 9s www.example.io." + good, override.Servers, "192.0.2.1", 1900 * time.Millisecond},
		{"www.example.io.", "!slow 100ms !STALE www.example.io. 60 IN A 192.0.2.1", "!fail", override.Servers, "192.0.2.1", 100 * time.Millisecond},
		{"www.example.io.", "!slow 9s !fail", "www.example.jp." + good, override.Mirror, "192.0.2.2", 400 * time.Millisecond},
		{"www.guarded.io.", "!slow 9s !fail", "www.example.jp." + good, override.Mirror, "192.0.2.2", 800 * time.Millisecond},
		{"www.guarded.io.", "!slow 9s !fail", "www.guarded.io." + good, override.Servers, "192.0.2.2", 400 * time.Millisecond},
		{"www.guarded.io.", "!slow 700ms www.guarded.io. 60 IN A 192.0.2.1", "www.example.jp." + good, override.Mirror, "192.0.2.1", 700 * time.Millisecond},
		{"www.example.io.", "!slow 2s !fail", "!NXDOMAIN jp.", override.Mirror, "nobody is there", 2 * time.Second}, // the mirror is lost, too
		{"www.example.io.", "!slow 2s !fail", "!NXDOMAIN example.jp.", override.Mirror, "NXDOMAIN", 400 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			apex := strings.TrimPrefix(c.name, "www.")
			o := servers(apex, override.Outage, ns)
			if c.kind == override.Mirror {
				o = mirror(apex, "example.jp.", override.Outage)
			}
			w := newWorld(o)
			w.next.tell("*", c.next)
			if c.kind == override.Mirror {
				w.next.tell("www.example.jp. A", c.by)
			} else {
				w.tellers[ns].tell("*", c.by)
			}
			begun := time.Now()
			if got := w.ask(t, "v", c.name); !strings.Contains(got, c.want) || time.Since(begun) != c.took {
				t.Errorf("%+v: got %s after %s", c, got, time.Since(begun))
			}
			synctest.Wait()
		})
	}
}

// A zone that somebody else finds is not overridden with a zone above it, and neither do
// aliases into it stay with the servers of that one.
func TestZonesOfOthersBelowAnOverride(t *testing.T) {
	t.Parallel()
	w := newWorld(servers("example.io.", override.Always, ns), servers("deep.stub.example.io.", override.Always, ns))
	w.next.tell("*", "www.stub.example.io. 60 IN A 192.0.2.80")
	w.tellers[ns].tell("*", "www.deep.stub.example.io. 60 IN A 192.0.2.81")
	w.tellers[ns].tell("to.example.io. A", "to.example.io. 60 IN CNAME www.stub.example.io.")
	expect(t, w.ask(t, "v", "www.stub.example.io."), "NOERROR AA AD | answer: | www.stub.example.io. 60 IN A 192.0.2.80")
	expect(t, w.ask(t, "v", "www.deep.stub.example.io."), "NOERROR AD | answer: | www.deep.stub.example.io. 60 IN A 192.0.2.81")
	expect(t, w.ask(t, "v", "to.example.io."), "NOERROR AD | answer: | to.example.io. 60 IN CNAME www.stub.example.io. | www.stub.example.io. 60 IN A 192.0.2.80")
	if covers := w.Covers("v"); covers(zone("stub.example.io.")) || !covers(zone("www.example.io.")) || !covers(zone("deep.stub.example.io.")) {
		t.Error("an alias goes to the wrong one")
	}
}

// An override in an outage is told of when it begins to answer, and when it has rested for
// five minutes; again, when it begins anew. Clients are told if so wanted.
func TestAnOutageIsToldOfOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(servers("example.io.", override.Outage, ns))
		options := w.options
		options.Tell = true
		w.Set = override.New(options)
		w.configure(servers("example.io.", override.Outage, ns))
		w.next.tell("*", "!NXDOMAIN io.")
		w.tellers[ns].tell("*", "www.example.io. 60 IN A 192.0.2.81")
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); _ = w.Run(ctx) }()
		time.Sleep(10 * time.Minute)
		expect(t, w.told(), "")
		for range 12 {
			expect(t, w.ask(t, "v", "www.example.io."), "NOERROR AD EDE 49152: override of example.io. by servers: denied by io. | answer: | www.example.io. 60 IN A 192.0.2.81")
			time.Sleep(time.Minute)
		}
		expect(t, w.told(), "answers example.io.: denied by io.")
		time.Sleep(3 * time.Minute)
		expect(t, w.told(), "")
		time.Sleep(2 * time.Minute)
		expect(t, w.told(), "rests example.io.")
		time.Sleep(time.Hour)
		w.outage = true
		w.ask(t, "v", "www.example.io.")
		time.Sleep(time.Hour)
		expect(t, w.told(), "answers example.io.: 7 silent; rests example.io.")
		w.outage = false
		w.next.tell("*", "www.example.io. 60 IN A 192.0.2.80")
		expect(t, w.ask(t, "v", "www.example.io."), "NOERROR AA AD | answer: | www.example.io. 60 IN A 192.0.2.80")
		cancel()
		<-ended
	})
}
