package lookup_test

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

// notes is the recording with a line for each event, indented by depth.
func notes(t *lookup.Trace) string {
	var b strings.Builder
	events, _ := t.Events()
	for _, e := range events {
		fmt.Fprintf(&b, "%s%s\n", strings.Repeat(" ", e.Depth), e.Text)
	}
	return b.String()
}

func note(t *lookup.Trace, text string) { t.Add(lookup.Event{Kind: lookup.EventRule, Text: text}) }

func TestDeeperWorkStandsBehindWhatItWasDoneFor(t *testing.T) {
	t.Parallel()
	top := lookup.NewTrace(nil)
	early := top.Deeper()
	note(top, "a")
	left, right := top.Deeper(), top.Deeper()
	note(right, "right 1")
	note(left, "left 1")
	note(top, "b")
	bottom := left.Deeper()
	note(right, "right 2")
	note(bottom, "bottom")
	note(early, "early")
	note(left, "left 2")
	first := top.Begin(lookup.Event{Text: "c"})
	second := top.Begin(lookup.Event{Text: "d"})
	note(second, "of d")
	note(first, "of c")
	const want = " early\na\n left 1\n  bottom\n left 2\n right 1\n right 2\nb\nc\n of c\nd\n of d\n"
	if got := notes(top); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := notes(right); got != want {
		t.Errorf("a place in the recording shows\n%s", got)
	}
}

func TestTimesCountFromTheBeginning(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	trace := lookup.NewTrace(func() time.Time { return now })
	now = now.Add(1500 * time.Microsecond)
	note(trace, "later")
	if events, _ := trace.Events(); events[0].At != 1500*time.Microsecond || trace.Elapsed() != 1500*time.Microsecond {
		t.Errorf("at %s", events[0].At)
	}
}

func TestATraceIsBounded(t *testing.T) {
	t.Parallel()
	trace := lookup.NewTrace(nil)
	for range 5000 {
		note(trace.Deeper(), "x")
	}
	if events, lost := trace.Events(); len(events) != 1000 || lost != 4000 {
		t.Errorf("%d events, %d lost", len(events), lost)
	}
}

func TestATraceMayBeUsedByMany(t *testing.T) {
	t.Parallel()
	trace := lookup.NewTrace(nil)
	var work sync.WaitGroup
	for range 8 {
		work.Go(func() {
			for range 50 {
				note(trace.Deeper(), "x")
				trace.Events()
			}
		})
	}
	work.Wait()
	if events, lost := trace.Events(); len(events) != 400 || lost != 0 {
		t.Errorf("%d events, %d lost", len(events), lost)
	}
}

func TestNobodyCuriousCostsNothing(t *testing.T) {
	var trace *lookup.Trace
	server := netip.MustParseAddrPort("192.0.2.1:53")
	name := lookup.MustName("example.com.")
	allocs := testing.AllocsPerRun(100, func() {
		trace.Begin(lookup.Event{Text: "x"}).Deeper().Add(lookup.Event{Kind: lookup.EventServer, Name: name, Server: server, Text: "why"})
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
	if events, lost := trace.Events(); events != nil || lost != 0 {
		t.Errorf("%v, %d lost", events, lost)
	}
}
