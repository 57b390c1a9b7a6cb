package main

import (
	"bytes"
	"context"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/config"
	"github.com/sextant-dns/sextant/control"
)

const dynamicZone = "$ORIGIN dyn.example.\n$TTL 60\n@ SOA ns host 7 1 2 3 4\n@ NS ns\nns A 192.0.2.1\n"

// dynamic is the files of a server whose zone everybody on loopback may change below
// hosts.
func dynamic(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	put(t, dir, "dyn.zone", dynamicZone)
	put(t, dir, "fixed.zone", strings.ReplaceAll(dynamicZone, "dyn", "fixed"))
	put(t, dir, "sextant.yaml", `
listen: ["127.0.0.1:0"]
control: {socket: "off"}
dnssec: {validate: false}
zones:
  - {name: fixed.example, file: fixed.zone}
  - name: dyn.example
    file: dyn.zone
    allow-update: [{network: 127.0.0.0/8, subtrees: [hosts.dyn.example]}]
    allow-transfer: [127.0.0.1]
`)
	return dir
}

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// added is the RCODE of an UPDATE of the zone that adds an address.
func added(t *testing.T, server netip.AddrPort, zone, name string) string {
	t.Helper()
	m := new(dns.Msg).SetUpdate(zone)
	rr, err := dns.NewRR(name + " 60 A 192.0.2.7")
	if err != nil {
		t.Fatal(err)
	}
	m.Insert([]dns.RR{rr})
	r, _, err := new(dns.Client).Exchange(m, server.String())
	if err != nil {
		t.Fatal(err)
	}
	return dns.RcodeToString[r.Rcode]
}

// Whoever may changes what they may, and it is answered from then on, also by the next
// server; the file is read again, and not over changes that it lacks.
func TestDynamicZone(t *testing.T) {
	t.Parallel()
	dir := dynamic(t)
	path := filepath.Join(dir, "sextant.yaml")
	p, server, stop := runningUntil(t, path)
	for _, c := range []struct{ zone, name, want string }{
		{"dyn.example.", "a.hosts.dyn.example.", "NOERROR"},
		{"dyn.example.", "a.dyn.example.", "REFUSED"},
		{"fixed.example.", "a.hosts.fixed.example.", "REFUSED"},
		{"nosuch.example.", "a.nosuch.example.", "NOTAUTH"},
		{"hosts.dyn.example.", "a.hosts.dyn.example.", "NOTAUTH"},
	} {
		if got := added(t, server, c.zone, c.name); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
	if rcode, answer := asked(t, server, "a.hosts.dyn.example."); rcode != dns.RcodeSuccess || !strings.HasSuffix(answer, "192.0.2.7") {
		t.Errorf("got %d %s", rcode, answer)
	}
	if n := p.snapshot().Updates; n["NOERROR"] != 1 || n["REFUSED"] != 2 || n["NOTAUTH"] != 2 {
		t.Errorf("counted %v", n)
	}
	if s, err := p.zoneStatus(context.Background(), control.ZoneStatusRequest{Zone: "dyn.example"}); err != nil || s.Serial != 8 || s.FileSerial != 7 || s.Pending != 1 {
		t.Errorf("got %+v, %v", s, err)
	}
	if _, err := p.zoneStatus(context.Background(), control.ZoneStatusRequest{Zone: "fixed.example"}); err == nil {
		t.Error("a zone without journal has a status")
	}

	// Somebody edits the file without the change.
	put(t, dir, "dyn.zone", strings.Replace(dynamicZone, " 7 ", " 9 ", 1)+"mine A 192.0.2.9\n")
	p.reload(path)
	if rcode, _ := asked(t, server, "mine.dyn.example."); rcode != dns.RcodeNameError {
		t.Errorf("the edit was taken: %d", rcode)
	}
	if _, err := build(mustLoad(t, path), wiring{}); err == nil || !strings.Contains(err.Error(), "serial 9") || !strings.Contains(err.Error(), "serials 7 to 8") {
		t.Errorf("another server would start: %v", err)
	}
	if rcode, _ := asked(t, server, "a.hosts.dyn.example."); rcode != dns.RcodeSuccess {
		t.Errorf("the change is gone: %d", rcode)
	}
	if _, err := p.syncZone(context.Background(), control.SyncZoneRequest{Zone: "dyn.example"}); err == nil {
		t.Error("the edit was written over")
	}
	s, err := p.syncZone(context.Background(), control.SyncZoneRequest{Zone: "dyn.example", Overwrite: true})
	if err != nil || s.FileSerial != 8 || s.Pending != 0 {
		t.Errorf("got %+v, %v", s, err)
	}

	// A file that is broken changes nothing, and nor does what was read of it long ago.
	text, err := os.ReadFile(filepath.Join(dir, "dyn.zone"))
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, "dyn.zone", "this is no zone\n")
	p.reload(path)
	if s, err := p.zoneStatus(context.Background(), control.ZoneStatusRequest{Zone: "dyn.example"}); err != nil || s.Serial != 8 || s.Pending != 0 {
		t.Errorf("got %+v, %v", s, err)
	}

	// And now with it.
	put(t, dir, "dyn.zone", strings.Replace(string(text), " 8 1 2", " 20 1 2", 1)+"mine.dyn.example. 60 A 192.0.2.9\n")
	p.reload(path)
	for _, name := range []string{"mine.dyn.example.", "a.hosts.dyn.example."} {
		if rcode, _ := asked(t, server, name); rcode != dns.RcodeSuccess {
			t.Errorf("%s: %d", name, rcode)
		}
	}
	if got := added(t, server, "dyn.example.", "b.hosts.dyn.example."); got != "NOERROR" {
		t.Error(got)
	}

	// Another server leaves the journal alone, for as long as this one has it.
	other, err := build(mustLoad(t, path), wiring{})
	if err != nil {
		t.Fatal(err)
	}
	if err := other.run(t.Context()); err == nil || !strings.Contains(err.Error(), "another server") {
		t.Errorf("got %v", err)
	}

	// The next server knows all that, and what has changed since serial 7.
	stop()
	_, next := running(t, path)
	if rcode, _ := asked(t, next, "b.hosts.dyn.example."); rcode != dns.RcodeSuccess {
		t.Errorf("got %d", rcode)
	}
	var soas, rrs int
	transfer, err := new(dns.Transfer).In(new(dns.Msg).SetIxfr("dyn.example.", 7, "ns.", "host."), next.String())
	if err != nil {
		t.Fatal(err)
	}
	for e := range transfer {
		for _, rr := range e.RR {
			rrs++
			if rr.Header().Rrtype == dns.TypeSOA {
				soas++
			}
		}
	}
	if soas != 8 || rrs != 11 {
		t.Errorf("IXFR has %d RRs and %d SOAs", rrs, soas)
	}
}

func mustLoad(t *testing.T, path string) *config.Config {
	t.Helper()
	c, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A server whose journal cannot be written does not start, and `sextant check` knows.
func TestJournalInNoFolder(t *testing.T) {
	t.Parallel()
	dir := dynamic(t)
	path := filepath.Join(dir, "sextant.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, "sextant.yaml", strings.Replace(string(text), "file: dyn.zone", "file: dyn.zone\n    journal: nowhere/journal", 1))
	var log bytes.Buffer
	p, err := build(mustLoad(t, path), wiring{log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := p.run(ctx); err == nil || !strings.Contains(err.Error(), "dyn.example.: journal") {
		t.Errorf("got %v", err)
	}
	var out bytes.Buffer
	if code := run(t.Context(), []string{"check", path}, &out, &out); code != exitUsage || !strings.Contains(out.String(), "nowhere") {
		t.Errorf("check: %d %s", code, out.String())
	}
}
