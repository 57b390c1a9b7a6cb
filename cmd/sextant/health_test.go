package main

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/sextant-dns/sextant/control"
	"github.com/sextant-dns/sextant/health"
)

func TestOperatorsSeeAndSetTheSites(t *testing.T) {
	t.Parallel()
	p := newSignedInternet(t).resolve("")
	socket := operated(t, p)
	at := func(code int, args ...string) string {
		return command(t, code, append(append([]string{"health"}, args...), "--socket", socket)...)
	}
	if got := at(exitOK); got != "nothing is checked\n" {
		t.Errorf("got %s", got)
	}
	if got := at(exitOK, "--json"); got != "{\"targets\":[]}\n" {
		t.Errorf("got %s", got)
	}
	if got := p.snapshot().Health; got.Targets != nil || got.Held != nil {
		t.Errorf("metrics of nothing: %+v", got)
	}
	if got := at(exitFailed, "set", "fra", "down"); !strings.Contains(got, "no site is watched") {
		t.Errorf("got %s", got)
	}
	p.health.Watch([]health.Target{
		{Site: "fra", Addr: netip.MustParseAddr("203.0.113.80"), Check: "none"},
		{Site: "fra", Addr: netip.MustParseAddr("2001:db8:f::80"), Check: "none", State: health.ForceDrain},
		{Site: "iad", Addr: netip.MustParseAddr("198.51.100.80"), Check: "tpc:443"},
	})
	for _, want := range []string{"fra   203.0.113.80    UNKNOWN", "fra   2001:db8:f::80  DRAIN", "forced drain, checks say unknown", `did you mean "tcp"?`} {
		if got := at(exitOK); !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if got := at(exitOK, "set", "fra", "down", "--for", "1h"); strings.Count(got, "DOWN") != 2 || strings.Contains(got, "iad") {
		t.Errorf("got\n%s", got)
	}
	var told control.Health
	if err := json.Unmarshal([]byte(at(exitOK, "fra", "--json")), &told); err != nil || len(told.Targets) != 2 || told.Targets[0].Admin != "down" ||
		time.Until(told.Targets[0].Until) < 59*time.Minute || time.Until(told.Targets[0].Until) > time.Hour {
		t.Errorf("got %+v, %v", told, err)
	}
	m := p.snapshot().Health
	if len(m.Targets) != 3 || m.Targets[0].Usable || !m.Targets[2].Usable || len(m.Held) != 2 {
		t.Errorf("metrics: %+v", m)
	}
	at(exitOK, "set", "fra", "up", "--address", "203.0.113.80")
	at(exitOK, "set", "fra", "auto")
	if got := at(exitOK, "fra"); !strings.Contains(got, "203.0.113.80    UP") || !strings.Contains(got, "2001:db8:f::80  DRAIN") {
		t.Errorf("got\n%s", got)
	}
	for want, args := range map[string][]string{
		`there is no site "sin"`:             {"sin"},
		`no site "far"; did you mean "fra"?`: {"set", "far", "up"},
		"fra\" has no address 192.0.2.1":     {"set", "fra", "up", "--address", "192.0.2.1"},
		"unable to parse IP":                 {"set", "fra", "up", "--address", "x"},
		"want at most 8784h0m0s":             {"set", "fra", "up", "--for", "9000h"},
		"auto has no end":                    {"set", "fra", "auto", "--for", "1h"},
	} {
		if got := at(exitFailed, args...); !strings.Contains(got, want) {
			t.Errorf("%v: %s", args, got)
		}
	}
	if got := at(exitUsage, "set", "fra", "dwon"); !strings.Contains(got, `did you mean "down"?`) {
		t.Errorf("got %s", got)
	}
	at(exitUsage, "set", "fra", "up", "--for", "-1h")
}
