package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/control"
	"github.com/sextant-dns/sextant/lab"
	"github.com/sextant-dns/sextant/lifeline"
)

// What a foreign server says, where it is, and what the zone's own say.
const (
	foreign  = "203.0.113.66"
	theirOwn = "192.0.2.100"
)

var stranger = addrs("192.0.2.99")

// led is a planet on which some servers of io. can refer to a server that answers well.
func led(t *testing.T, signed bool, yaml string, servers int) (*planet, *outage, func()) {
	t.Helper()
	p := newPlanet(t, signed)
	p.Nearest(tlds[0])
	p.add("foreign", lab.Variant{Foreign: true, Serial: 101})
	r := begin(t, p, yaml)
	return p, r, func() { p.Set("foreign", slices.Concat(tlds[:servers], stranger)...) }
}

// T5 and T12, I5: servers of io., the nearest among them, refer to somebody who answers
// everything. Nobody hears him for a moment, by the default policy, and none of what he
// has said is left when it is over.
func TestForeignDelegation(t *testing.T) {
	t.Parallel()
	for _, servers := range []int{1, 4, 7} {
		t.Run(fmt.Sprint(servers), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, r, steal := led(t, false, protected, servers)
				steal()
				r.all(6*time.Hour, 47*time.Second, theirOwn, "host0.example.io.")
				if servers > 1 { // the others are behind, and have no say after an hour
					r.expect(lifeline.Emergency)
				} else {
					r.expect(lifeline.Suspect)
				}
				p.Set("", tlds...)
				r.all(2*time.Hour, 47*time.Second, theirOwn, "host0.example.io.")
				r.expect(lifeline.Normal)
				before := r.zone().Answers
				r.all(time.Hour, 47*time.Second, theirOwn, "host0.example.io.")
				if after := r.zone().Answers; after[lifeline.ByKnown] != before[lifeline.ByKnown] || p.Sent(stranger...) > 20 {
					t.Errorf("before %v, after %v; %d messages to the foreign server", before, after, p.Sent(stranger...))
				}
			})
		})
	}
}

// Whoever has got hold of servers of io. need not refer to anybody: they answer themselves.
func TestParentThatAnswersItself(t *testing.T) {
	t.Parallel()
	for _, yaml := range []string{protected, "log: info"} {
		synctest.Test(t, func(t *testing.T) {
			p := newPlanet(t, false)
			p.Nearest(tlds[0])
			p.add("itself", lab.Variant{Delegates: "host0.example.io. 60 A " + foreign + "\n", Serial: 101})
			if yaml != protected { // he is heard: or the rest shows nothing
				r := p.run(t, yaml)
				p.Set("itself", tlds...)
				if got := strings.TrimSuffix(r.a("host0.example.io."), " AD"); got != foreign {
					t.Errorf("got %s", got)
				}
				return
			}
			r := begin(t, p, yaml)
			p.Set("itself", tlds[0])
			r.all(6*time.Hour, 47*time.Second, theirOwn, "host0.example.io.")
			p.Set("", tlds...)
			r.all(2*time.Hour, 47*time.Second, theirOwn, "host0.example.io.")
			r.expect(lifeline.Normal)
		})
	}
}

// Without a lifeline he is heard: or the test above shows nothing.
func TestForeignDelegationIsBelievedByOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPlanet(t, false)
		p.add("foreign", lab.Variant{Foreign: true, Serial: 101})
		r := p.run(t, "log: info")
		p.Set("foreign", slices.Concat(tlds, stranger)...)
		if got := r.a("host0.example.io."); got != foreign {
			t.Errorf("got %s", got)
		}
	})
}

// T5, the other way: a change that is meant goes through. At once when the zone is signed
// and keeps its keys, after ten minutes for who follows, and when the operator says so. Until
// then the servers before answer; and when they are gone, the new ones after ten minutes.
func TestMeantChange(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		signed  bool
		policy  string
		gone    bool // the servers before
		ack     time.Duration
		adopted time.Duration // at the latest; 0: never
		heard   time.Duration // the same of the first answer by the new servers
	}{
		{name: "its keys stay", signed: true, policy: "hold", adopted: time.Minute, heard: 2 * time.Minute},
		{name: "who follows", policy: "follow", adopted: 10*time.Minute + 20*time.Second, heard: 10*time.Minute + 20*time.Second},
		{name: "who agrees", policy: "hold", ack: 30 * time.Minute, adopted: 31 * time.Minute, heard: 31 * time.Minute},
		{name: "who does not", policy: "hold"},
		{name: "the servers before are gone", policy: "hold", gone: true, heard: 11 * time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, r, move := led(t, c.signed, fmt.Sprintf("lifeline: { zones: [{ zone: example.io, change: %s }] }", c.policy), 7)
				time.Sleep(2 * time.Hour) // nothing of io. is in memory
				move()
				if c.gone {
					p.Set(lab.Mute, children...)
				}
				began := time.Now()
				var adopted, heard time.Duration
				for time.Since(began) < 2*time.Hour {
					if c.ack > 0 && time.Since(began) >= c.ack {
						c.ack = 0
						if _, err := r.setLifeline(t.Context(), control.SetLifelineRequest{Zone: "example.io", Do: "ack"}); err != nil {
							t.Fatal(err)
						}
					}
					got := strings.TrimSuffix(r.a("host0.example.io."), " AD")
					switch {
					case got == foreign && heard == 0:
						heard = time.Since(began)
					case got == foreign, got == theirOwn && heard == 0, c.gone && heard == 0:
					default:
						t.Errorf("after %v: %s", time.Since(began), got)
					}
					if adopted == 0 && r.zone().Snapshot.Hosts[0].Name == "\x02ns\x02zz\x02io\x00" {
						adopted = time.Since(began)
					}
					time.Sleep(20 * time.Second)
				}
				for what, times := range map[string][2]time.Duration{"adopted": {adopted, c.adopted}, "heard": {heard, c.heard}} {
					if got, want := times[0], times[1]; got > want || want > 0 && got == 0 {
						t.Errorf("%s after %v, want %v (%s, %s)", what, got, want, r.zone().Reason, r.zone().Last)
					}
				}
				t.Logf("adopted after %v, heard after %v", adopted, heard)
			})
		})
	}
}
