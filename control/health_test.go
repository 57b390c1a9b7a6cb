package control_test

import (
	"testing"
	"time"

	"github.com/sextant-dns/sextant/control"
)

func TestHealthIsATable(t *testing.T) {
	t.Parallel()
	if got := (control.Health{}).String(); got != "nothing is checked\n" {
		t.Errorf("got %q", got)
	}
	at := time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)
	h := control.Health{Held: []string{"IPv6"}, Refused: 1, Targets: []control.HealthTarget{
		{Site: "fra", Address: "203.0.113.80", Check: "https://{addr}/healthz", State: "up", Checked: "up", Admin: "auto", Since: at, Result: "passed", RTT: 12.34, Threshold: 3, Successes: 9},
		{Site: "fra", Address: "2001:db8:f::80", Check: "tcp:443", State: "up", Checked: "up", Admin: "auto", Since: at, Result: "failed", Reason: "timed out", Failures: 4, Threshold: 3, Held: true},
		{Site: "iad", Address: "198.51.100.80", Check: "tcp:443", State: "drain", Checked: "down", Admin: "drain", Until: at.Add(time.Hour), Since: at, Result: "passed", Successes: 1, Threshold: 2},
		{Site: "sin", Address: "198.18.5.80", Check: "none", State: "unknown", Checked: "unknown", Admin: "auto", Since: at, Result: "unchecked"},
	}}
	const want = `SITE  ADDRESS         STATE    SINCE                 CHECK                   LAST
fra   203.0.113.80    UP       2026-11-21T08:00:00Z  https://{addr}/healthz  passed in 12.3 ms
fra   2001:db8:f::80  UP       2026-11-21T08:00:00Z  tcp:443                 failed: timed out; 4 of 3 to go down; held
iad   198.51.100.80   DRAIN    2026-11-21T08:00:00Z  tcp:443                 passed; 1 of 2 to come up; forced drain, checks say down, until 2026-11-21T09:00:00Z
sin   198.18.5.80     UNKNOWN  2026-11-21T08:00:00Z  none                    unchecked
the states of IPv6 targets are held: nothing there answers, and the uplink here is taken to be lost
1 target not checked, as there are too many
`
	if got := h.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
