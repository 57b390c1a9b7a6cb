package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sextant-dns/sextant/config"
	"github.com/sextant-dns/sextant/health"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/overlay"
)

const goodOverlay = `$SITE fra at=50.1,8.7 check=https://{addr}/healthz fall=3 match="all is well"
$AT fra
db  A   203.0.113.10
$AT *
$ROUTE db de=fra net:lab=fra net:lan=fra
`

// overlayFiles are a configuration with a zone that has an overlay, and its files.
func overlayFiles(t *testing.T, overlay string) map[string]string {
	t.Helper()
	database, err := filepath.Abs(filepath.Join("..", "..", "testdata", "geo", "toy-city.mmdb"))
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"sextant.yaml": "geo: {databases: ['" + database + "'], sets: [{name: lab, networks: [10.1.0.0/16]}, {name: lan, file: lan.networks}]}\n" +
			"views: [{name: corp, clients: [10.0.0.0/8]}, {name: all, clients: [0.0.0.0/0]}]\n" +
			"zones: [{name: corp.example, file: corp.zone, overlay: corp.geo}]\n",
		"corp.zone":    goodZone,
		"corp.geo":     overlay,
		"lan.networks": "10.2.0.0/16 # offices\n",
	}
}

func TestCheckReadsOverlays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what, overlay string
		change        map[string]string
		code          int
		want          []string
	}{
		{"good", goodOverlay, nil, exitOK, []string{"good: "}},
		{"two errors", "$WHEN uk\n\n$WHEN view:crop\n", nil, exitUsage, []string{`corp.geo:1:7: "uk" is not a selector; did you mean gb?`, "corp.geo:3:7: there is no view crop; did you mean corp?"}},
		{"a set", "$WHEN net:lba\n", nil, exitUsage, []string{"corp.geo:1:7: there is no set lba; did you mean lab?"}},
		{"two sets that meet", goodOverlay, map[string]string{"lan.networks": "10.0.0.0/8"}, exitUsage, []string{"a client may be of net:lan and of net:lab"}},
		{"a list", goodOverlay, map[string]string{"lan.networks": "10.2.0.0/16\n10.2.0.0/8\n"}, exitUsage, []string{"geo: set lan: ", "lan.networks:2:1: "}},
		{"no list", goodOverlay, map[string]string{"sextant.yaml": "geo: {sets: [{name: x, file: nowhere}]}"}, exitUsage, []string{"nowhere"}},
		{"unwise", goodOverlay + "$WHEN view:corp\nvpn A 10.0.0.1\n", nil, exitOK, []string{"warning: ", "corp.geo:7:1: vpn.corp.example.: exists for some clients only"}},
		{"unwise zone", goodOverlay, map[string]string{"corp.zone": goodZone + "@ MX 10 nobody\n"}, exitOK, []string{"warning: ", "corp.zone:7:1: "}},
		{"checks", "$SITE a check=tcp:443 fall=often interval=1ms\n$SITE b check=gopher:70\n", nil, exitUsage,
			[]string{"corp.geo:1:23: site a: fall: ", "corp.geo:1:34: site a: interval: ", "corp.geo:2:9: site b: check: "}},
		{"nothing knows the selector", goodOverlay + "$WHEN as64500,as64501\ndb AAAA 2001:db8::1\n", nil, exitUsage,
			[]string{"corp.geo:6:7: no database has values of the kind asn, which as64500 needs; name a database that has under geo.databases"}},
		{"no database", "$WHEN de\ndb A 192.0.2.1\n", map[string]string{"sextant.yaml": "zones: [{name: corp.example, file: corp.zone, overlay: corp.geo}]\n"}, exitUsage,
			[]string{"corp.geo:1:7: no database has values of the kind country, which de needs; name databases under geo.databases"}},
		{"a database", goodOverlay, map[string]string{"sextant.yaml": "geo: {databases: [corp.zone]}\n"}, exitUsage, []string{"geo: ", "corp.zone", "not a usable mmdb database"}},
		{"zone and overlay", "$WHEN uk\n", map[string]string{"corp.zone": goodZone + "x A nonsense\n"}, exitUsage, []string{"corp.zone:7:", "corp.geo:1:7:"}},
		{"no overlay", "", map[string]string{"sextant.yaml": "zones: [{name: corp.example, file: corp.zone, overlay: nowhere.geo}]\n"}, exitUsage, []string{"zone corp.example.: ", "nowhere.geo"}},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			files := overlayFiles(t, c.overlay)
			for name, text := range c.change {
				files[name] = text
			}
			var out bytes.Buffer
			if code := run(t.Context(), []string{"check", filepath.Join(write(t, files), "sextant.yaml")}, &out, &out); code != c.code {
				t.Errorf("exit code %d, want %d\n%s", code, c.code, &out)
			}
			for _, want := range c.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("no %q in:\n%s", want, &out)
				}
			}
			if c.what == "good" && strings.Contains(out.String(), "warning") {
				t.Errorf("%s", &out)
			}
		})
	}
}

// What package health knows, sites can have.
func TestSitesHaveAllSettingsOfChecks(t *testing.T) {
	t.Parallel()
	for _, key := range health.Keys() {
		_, err := overlay.Load(strings.NewReader("$SITE a "+key+"=up\n"), "e", overlay.Options{Origin: lookup.Root})
		if err != nil {
			t.Errorf("%s: %v", key, err)
		}
	}
}

func TestAnOverlayWithAnErrorRefusesTheReload(t *testing.T) {
	t.Parallel()
	dir := write(t, overlayFiles(t, goodOverlay))
	path := filepath.Join(dir, "sextant.yaml")
	c, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	p := overLab(t, c)
	routes := func() int { return len(p.state.Load().located.overlays[lookup.MustName("corp.example.")].Routes) }
	for _, step := range []struct {
		overlay string
		want    int
	}{
		{"$WHEN uk\n", 1},
		{"$SITE fra\n$AT fra\nns A 192.0.2.1\ndb A 192.0.2.2\n$AT *\n$ROUTE ns *=fra\n$ROUTE db *=fra\n", 2},
		{"$ROUTE ns *=fra\n", 2},
		{"", 0},
	} {
		if err := os.WriteFile(filepath.Join(dir, "corp.geo"), []byte(step.overlay), 0o644); err != nil {
			t.Fatal(err)
		}
		p.reload(path)
		if got := routes(); got != step.want {
			t.Errorf("after %q there are %d routes, not %d", step.overlay, got, step.want)
		}
	}
	selectors := p.state.Load().located.watch.Selectors
	if len(selectors) != 0 {
		t.Errorf("selectors of overlays that are gone: %v", selectors)
	}
}
