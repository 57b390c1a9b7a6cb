//go:build e2e

package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// kill ends Sextant as a loss of power would, after a while.
func (f *family) kill(t *testing.T, after time.Duration) {
	t.Helper()
	<-time.After(after)
	if err := f.sextant.os.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-f.sextant.ended
}

func (f *family) restart(t *testing.T) {
	t.Helper()
	f.sextant = f.start(t, f.answers(t, ourAddr, "sextant.own."), sextant, "serve", "--config", f.path("sextant.yaml"))
}

// isWhole fails the test unless what Sextant has of a zone is one edition, from its first to
// its last RR.
func (f *family) isWhole(t *testing.T, zone string) {
	t.Helper()
	text := strings.Join(f.whole(t, ourAddr, zone, withKey(goodKey)...), "\n")
	var serial int
	for line := range strings.Lines(text) {
		if fields := strings.Fields(line); len(fields) > 6 && fields[3] == "SOA" {
			_, _ = fmt.Sscan(fields[6], &serial)
		}
	}
	n := strings.Count(text, "\n") + 1
	if n != 1511 || !strings.Contains(text, fmt.Sprintf("changes.%s. 300 IN A 192.0.2.%d\n", zone, serial)) || !strings.Contains(text, fmt.Sprintf("serial%d.%s.", serial, zone)) {
		t.Errorf("%s: %d RRs with serial %d are no edition", zone, n, serial)
	}
}

// Sextant is killed while it copies zones from BIND (IXFR) and Knot (AXFR), and while they
// copy one from it. What it serves after that is a whole zone, of before or after, and all
// end with the last one.
func TestKilledInTheMiddleOfTransfers(t *testing.T) {
	needs(t, "root", "ip", "named", "knotd", "dig")
	t.Parallel()
	f := newFamily(t)
	for _, zone := range []string{"bind.example", "knot.example", "ours.example"} {
		f.edition(t, zone, 1, 604800)
	}
	bind := f.named(t, fmt.Sprintf(`
server %s { keys transfer.key; };
zone "bind.example" { type primary; file "bind.example.zone"; ixfr-from-differences yes; journal "bind.journal"; allow-transfer { key transfer.key; }; also-notify { %[1]s key transfer.key; }; };
zone "ours.example" { type secondary; file "ours.bind"; masterfile-format text; primaries { %[1]s key transfer.key; }; };
`, ourAddr))
	knot := f.knot(t, fmt.Sprintf("  - domain: knot.example.\n    file: %q\n    acl: [from-sextant]\n    notify: sextant\n    zonefile-load: whole\n    zonefile-sync: -1\n    journal-content: none\n  - domain: ours.example.\n    file: %q\n    master: sextant\n    acl: [from-sextant, anybody]\n    zonefile-sync: 0\n", f.path("knot.example.zone"), f.path("ours.knot")))
	f.serve(t, fmt.Sprintf(`
  - { name: bind.example, primaries: [{ address: %s, key: transfer.key }], store: bind.store, allow-transfer: [{ key: transfer.key }] }
  - { name: knot.example, primaries: [{ address: %s, key: transfer.key }], store: knot.store, allow-transfer: [{ key: transfer.key }] }
  - name: ours.example
    file: ours.example.zone
    journal: ours.journal
    allow-transfer: [{ key: transfer.key }]
    notify: [{ address: %[1]s, key: transfer.key }, { address: %s, key: transfer.key }]
`, bindAddr, knotAddr, knotAddr))
	for _, zone := range []string{"bind.example", "knot.example"} {
		f.reaches(t, f.sextant, ourAddr, zone, 1)
	}
	f.reaches(t, bind, bindAddr, "ours.example", 1)
	f.reaches(t, knot, knotAddr, "ours.example", 1)
	const rounds = 12
	for round := range rounds {
		for _, zone := range []string{"bind.example", "knot.example", "ours.example"} {
			f.edition(t, zone, round+2, 604800)
		}
		for _, p := range []*process{bind, knot, f.sextant} {
			f.signal(t, p)
		}
		f.kill(t, time.Duration(round)*4*time.Millisecond)
		f.restart(t)
		for _, zone := range []string{"bind.example", "knot.example"} {
			f.isWhole(t, zone)
		}
	}
	for _, zone := range []string{"bind.example", "knot.example"} {
		f.reaches(t, f.sextant, ourAddr, zone, rounds+1)
		f.isWhole(t, zone)
	}
	f.reaches(t, bind, bindAddr, "ours.example", rounds+1)
	f.reaches(t, knot, knotAddr, "ours.example", rounds+1)

	// A copy whose digest is wrong is not used (RFC 8976 4), whoever sends it.
	f.edition(t, "bind.example", rounds+2, 604800)
	text, err := os.ReadFile(f.path("bind.example.zone"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, f.path("bind.example.zone"), string(text)+fmt.Sprintf("@ ZONEMD %d 1 1 %s\n", rounds+2, strings.Repeat("ab", 48)))
	f.signal(t, bind)
	f.says(t, "copy failed zone=bind.example.")
	f.isWhole(t, "bind.example")
	if r := f.dig(t, "@"+ourAddr, fmt.Sprintf("serial%d.bind.example.", rounds+1), "A"); r.status != "NOERROR" {
		t.Errorf("the copy before is gone:\n%s", r.text)
	}
}

// Sextant is killed while zones come onto a catalog and leave it. After that it serves those
// that are on it, each whole, and keeps no copy of others.
func TestKilledInTheMiddleOfACatalog(t *testing.T) {
	needs(t, "root", "ip", "named", "dig")
	t.Parallel()
	f := newFamily(t)
	f.member(t)
	list := func(serial int, zones ...string) {
		write(t, f.path("catalog.new"), catalogOf(serial, zones...))
		if err := os.Rename(f.path("catalog.new"), f.path("catalog.zone")); err != nil {
			t.Fatal(err)
		}
	}
	list(1, "one", "two")
	var served strings.Builder
	for _, z := range []string{"one", "two", "three", "four"} {
		fmt.Fprintf(&served, "zone %q { type primary; file \"member.zone\"; allow-transfer { key transfer.key; }; };\n", z+".example")
	}
	bind := f.named(t, served.String()+fmt.Sprintf(`
zone "bind.catalog" { type primary; file "catalog.zone"; check-names ignore; ixfr-from-differences yes; allow-transfer { key transfer.key; }; also-notify { %s key transfer.key; }; };
`, ourAddr))
	if err := os.Mkdir(f.path("catalogs"), 0o755); err != nil {
		t.Fatal(err)
	}
	f.serve(t, fmt.Sprintf("catalogs:\n  - { name: bind.catalog, primaries: [{ address: %s, key: transfer.key }], store: catalogs }\n", bindAddr))
	f.serves(t, f.sextant, ourAddr, "one", "two")
	sets := [][]string{{"three", "four"}, {"one", "four"}}
	for round := range 10 {
		list(round+2, sets[round%2]...)
		f.signal(t, bind)
		f.kill(t, time.Duration(round)*3*time.Millisecond)
		f.restart(t)
	}
	f.serves(t, f.sextant, ourAddr, "one", "four")
	f.sextant.until(t, func() error {
		files, err := filepath.Glob(f.path("catalogs/*.example.copy"))
		if err == nil && len(files) != 2 {
			err = fmt.Errorf("copies of members: %v", files)
		}
		return err
	})
}
