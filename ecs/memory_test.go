package ecs_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/sextant-dns/sextant/ecs"
	"github.com/sextant-dns/sextant/lookup"
)

var epoch = time.Unix(1_700_000_000, 0)

// A story is what became of queries, one after the other; what is known after each
// of them is what is wanted.
func TestE76MemoryOfServers(t *testing.T) {
	t.Parallel()
	const hour, day = time.Hour, 24 * time.Hour
	type event struct {
		after   time.Duration
		outcome ecs.Outcome
		want    ecs.Known
	}
	unknown, probing, yes, no := ecs.Known{}, ecs.Known{Server: ecs.Probing}, ecs.Known{Server: ecs.Yes}, ecs.Known{Server: ecs.No}
	tailors := ecs.Known{Server: ecs.Yes, Tailors: true}
	for name, story := range map[string][]event{
		"one that echoes":            {{0, ecs.Sent, probing}, {0, ecs.Echoed, yes}, {23 * hour, ecs.Sent, yes}},
		"one that tailors":           {{0, ecs.Sent, probing}, {0, ecs.Tailored, tailors}, {hour, ecs.Echoed, tailors}},
		"one that does not":          {{0, ecs.Sent, probing}, {0, ecs.Missing, no}},
		"probed again after a day":   {{0, ecs.Missing, no}, {day - 1, ecs.Sent, no}, {1, ecs.Sent, probing}},
		"one that rejects it":        {{0, ecs.Sent, probing}, {0, ecs.Rejected, no}},
		"one forged reply":           {{0, ecs.Echoed, yes}, {0, ecs.Missing, yes}, {0, ecs.Missing, yes}, {0, ecs.Missing, yes}, {0, ecs.Missing, yes}},
		"it has really stopped":      {{0, ecs.Tailored, tailors}, {0, ecs.Confirmed, tailors}, {0, ecs.Confirmed, tailors}, {0, ecs.Confirmed, ecs.Known{Server: ecs.No, Tailors: true}}},
		"nothing over TCP":           {{0, ecs.Tailored, tailors}, {0, ecs.Unconfirmed, ecs.Known{Server: ecs.Yes, Tailors: true, Unsure: true}}, {10 * time.Minute, ecs.Sent, tailors}},
		"not in a row":               {{0, ecs.Echoed, yes}, {0, ecs.Confirmed, yes}, {0, ecs.Confirmed, yes}, {0, ecs.Echoed, yes}, {0, ecs.Confirmed, yes}},
		"silent once":                {{0, ecs.Sent, probing}, {0, ecs.Silent, probing}, {0, ecs.Echoed, yes}, {0, ecs.Silent, yes}},
		"silent twice":               {{0, ecs.Silent, unknown}, {0, ecs.Silent, no}, {hour - 1, ecs.Sent, no}, {1, ecs.Sent, probing}},
		"a probe that nothing said":  {{0, ecs.Sent, probing}, {hour, ecs.Sent, probing}},
		"it tailors no more":         {{0, ecs.Tailored, tailors}, {20 * hour, ecs.Echoed, tailors}, {4 * hour, ecs.Echoed, yes}},
		"a day without any question": {{0, ecs.Tailored, tailors}, {day, ecs.Sent, probing}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, now := ecs.NewMemory(ecs.MemoryOptions{}), epoch
			zone, server := lookup.MustName("example.com."), addr("8.8.8.8")
			if got := m.Recall(zone, server, now); got != unknown {
				t.Fatalf("at first %+v", got)
			}
			for i, e := range story {
				now = now.Add(e.after)
				m.Note(zone, server, e.outcome, now)
				if got := m.Recall(zone, server, now); got != e.want || m.Tailors(zone, now) != e.want.Tailors {
					t.Errorf("after event %d, %+v: %+v", i, e, got)
				}
			}
		})
	}
}

// RFC 7871 12.1: a server that speaks it for one zone speaks it for all; what a zone
// does is its own.
func TestE34SupportIsTheServersAndTailoringTheZones(t *testing.T) {
	t.Parallel()
	m := ecs.NewMemory(ecs.MemoryOptions{})
	a, b := lookup.MustName("a.example."), lookup.MustName("b.example.")
	m.Note(a, addr("8.8.8.8"), ecs.Tailored, epoch)
	if got := m.Recall(b, addr("8.8.8.8"), epoch); got != (ecs.Known{Server: ecs.Yes}) {
		t.Errorf("another zone of the server: %+v", got)
	}
	if got := m.Recall(a, addr("8.8.4.4"), epoch); got != (ecs.Known{Tailors: true}) {
		t.Errorf("another server of the zone: %+v", got)
	}
}

func TestE78EachThingIsProbedAgain(t *testing.T) {
	t.Parallel()
	zone, server := lookup.MustName("example.com."), addr("8.8.8.8")
	for outcome, after := range map[ecs.Outcome]time.Duration{
		ecs.Missing: 24 * time.Hour, ecs.Rejected: 24 * time.Hour, ecs.Echoed: 24 * time.Hour, ecs.Silent: time.Hour,
	} {
		m := ecs.NewMemory(ecs.MemoryOptions{})
		m.Note(zone, server, outcome, epoch)
		m.Note(zone, server, outcome, epoch)
		if got := m.Recall(zone, server, epoch.Add(after-1)); got.Server == ecs.Unknown {
			t.Errorf("outcome %d is forgotten too early", outcome)
		}
		if got := m.Recall(zone, server, epoch.Add(after)); got.Server != ecs.Unknown {
			t.Errorf("outcome %d is still %+v", outcome, got)
		}
	}
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	m := ecs.NewMemory(ecs.MemoryOptions{Zones: 10, Servers: 20})
	for i := range 1000 {
		zone := lookup.MustName(fmt.Sprintf("z%d.example.", i))
		server := netip.AddrFrom4([4]byte{8, 8, byte(i >> 8), byte(i)})
		m.Note(zone, server, ecs.Tailored, epoch)
		if got := m.Recall(zone, server, epoch); !got.Tailors || got.Server != ecs.Yes {
			t.Fatalf("what was noted last is not known: %+v", got)
		}
	}
	if zones, servers := m.Len(); zones != 10 || servers != 20 {
		t.Errorf("%d zones and %d servers", zones, servers)
	}
}

// The rule against rebirthday attacks, line by line.
func TestE49E50JudgeConfirmsBeforeEveryoneHearsIt(t *testing.T) {
	t.Parallel()
	sent := prefix("9.8.7.0/24")
	unknown, yes, no := ecs.Known{Server: ecs.Probing}, ecs.Known{Server: ecs.Yes}, ecs.Known{Server: ecs.No}
	tailors := ecs.Known{Server: ecs.Yes, Tailors: true}
	for _, c := range []struct {
		name  string
		known ecs.Known
		heard ecs.Heard
		want  ecs.Verdict
	}{
		{"nothing sent", unknown, ecs.Heard{}, ecs.ForEveryone},
		{"nothing sent to a server that cannot tailor", no, ecs.Heard{}, ecs.ForEveryone},
		{"nothing sent in a zone that tailors", tailors, ecs.Heard{}, ecs.ForNetwork},
		{"nothing sent in a zone that tailors, over TCP", tailors, ecs.Heard{Certain: true}, ecs.ForNetwork},
		{"a scope", tailors, ecs.Heard{Sent: sent, Option: true, Scope: 20}, ecs.ForScope},
		{"a first scope", unknown, ecs.Heard{Sent: sent, Option: true, Scope: 32}, ecs.ForScope},
		{"scope 0 of a zone that is not known to tailor", yes, ecs.Heard{Sent: sent, Option: true}, ecs.ForEveryone},
		{"scope 0 of a zone that tailors", tailors, ecs.Heard{Sent: sent, Option: true}, ecs.Confirm},
		{"the same for certain", tailors, ecs.Heard{Sent: sent, Option: true, Certain: true}, ecs.ForEveryone},
		{"no option from a new server", unknown, ecs.Heard{Sent: sent}, ecs.ForEveryone},
		{"no option from one that speaks it", yes, ecs.Heard{Sent: sent}, ecs.Confirm},
		{"no option from a zone that tailors", tailors, ecs.Heard{Sent: sent}, ecs.Confirm},
		{"no option from a new server of a zone that tailors", ecs.Known{Server: ecs.Probing, Tailors: true}, ecs.Heard{Sent: sent}, ecs.Confirm},
		{"no option from one that cannot be asked over TCP", ecs.Known{Server: ecs.Yes, Tailors: true, Unsure: true}, ecs.Heard{Sent: sent}, ecs.ForNetwork},
		{"no option, for certain", tailors, ecs.Heard{Sent: sent, Certain: true}, ecs.ForEveryone},
	} {
		if got := ecs.Judge(c.known, c.heard); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
	if ecs.Flights(true) != 3 || ecs.Flights(false) != 1 {
		t.Error("as many queries at once as anybody likes")
	}
}

func TestOutcomeOfReplies(t *testing.T) {
	t.Parallel()
	for h, want := range map[ecs.Heard]ecs.Outcome{
		{Option: true, Scope: 24}:     ecs.Tailored,
		{Option: true}:                ecs.Echoed,
		{}:                            ecs.Missing,
		{Certain: true}:               ecs.Confirmed,
		{Certain: true, Option: true}: ecs.Echoed,
	} {
		if got := ecs.OutcomeOf(h); got != want {
			t.Errorf("%+v: %d, want %d", h, got, want)
		}
	}
}
