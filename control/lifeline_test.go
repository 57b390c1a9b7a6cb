package control_test

import (
	"testing"
	"time"

	"github.com/sextant-dns/sextant/control"
)

func TestLifelineIsATable(t *testing.T) {
	t.Parallel()
	if got := (control.Lifeline{}).String(); got != "no zone is protected\n" {
		t.Errorf("got %q", got)
	}
	at := time.Date(2016, 10, 28, 5, 0, 3, 0, time.UTC)
	l := control.Lifeline{Zones: []control.LifelineZone{
		{
			Zone: "example.io.", State: "suspect", Since: at, Reason: "the parent denies the zone", Path: "both", Standing: "insecure", Ready: true,
			Confirmed: at.Add(42*time.Minute + 8*time.Second), Known: control.LifelineDelegation{ID: "9e6f4a1c"}, Ballot: "3 silent, 3 refers, 1 denies",
		},
		{Zone: "new.io.", State: "normal", Since: at, Path: "parent", Standing: "unknown"},
	}}
	const want = `ZONE         STATE    SINCE                 PATH    KNOWN              CONFIRMED             SERVERS SAY
example.io.  SUSPECT  2016-10-28T05:00:03Z  both    9e6f4a1c insecure  2016-10-28T05:42:11Z  3 silent, 3 refers, 1 denies
new.io.      NORMAL   2016-10-28T05:00:03Z  parent  nothing            never                 -
example.io.: the parent denies the zone
`
	if got := l.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := (control.LifelineZone{Zone: "new.io."}).Said(); got != "new.io.: there was no roll-call yet\n" {
		t.Errorf("got %q", got)
	}
	if got := (control.LifelineZone{}).Diff(); got != "no change is pending\n" {
		t.Errorf("got %q", got)
	}
}
