package control_test

import (
	"testing"
	"time"

	"github.com/sextant-dns/sextant/control"
)

func TestOverridesAreATable(t *testing.T) {
	t.Parallel()
	if got := (control.Overrides{}).String(); got != "there are no overrides\n" {
		t.Errorf("got %q", got)
	}
	at := time.Date(2016, 10, 28, 5, 0, 0, 0, time.UTC)
	o := control.Overrides{Overrides: []control.Override{
		{Zone: "example.io.", Kind: "servers", Target: "192.0.2.53", When: "outage", InForce: true, By: "olga", Since: at, Until: at.Add(72 * time.Hour), Answers: 12},
		{Zone: "example.io.", Kind: "mirror", Target: "example.jp.", When: "manual", Views: []string{"office", "lab"}, Configured: true},
		{Zone: "b.io.", Kind: "local", Target: "/b", When: "always", By: "olga", Since: at, Problem: "gone"},
		{Zone: "c.io.", Kind: "servers", Target: "192.0.2.1", When: "always", InForce: true, Configured: true},
	}}
	const want = `ZONE         BY                  WHEN    VIEWS       STATE         FROM                       UNTIL                 ANSWERS
example.io.  servers 192.0.2.53  outage  all         ready         olga 2016-10-28T05:00:00Z  2016-10-31T05:00:00Z  12
example.io.  mirror example.jp.  manual  office,lab  off           configuration              for good              0
b.io.        local /b            always  all         broken: gone  olga 2016-10-28T05:00:00Z  for good              0
c.io.        servers 192.0.2.1   always  all         on            configuration              for good              0
what was added ends with the server: control.overrides names no file
`
	if got := o.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
