//go:build e2e

package e2e_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// member writes the zone file that all members share.
func (f *family) member(t *testing.T) {
	t.Helper()
	write(t, f.path("member.zone"), "$TTL 300\n@ SOA ns host 1 3600 600 604800 60\n@ NS ns\nns A 127.0.0.1\nwww A 192.0.2.80\n")
}

// serves waits until the server at the address serves these of the zones one to four
// .example, and the others not.
func (f *family) serves(t *testing.T, p *process, address string, zones ...string) {
	t.Helper()
	want := map[string]bool{}
	for _, z := range zones {
		want[z] = true
	}
	p.until(t, func() error {
		for _, z := range []string{"one", "two", "three", "four"} {
			r := f.dig(t, "@"+address, "www."+z+".example.", "A", "+norecurse")
			if good := r.status == "NOERROR" && len(r.answer) == 1; good != want[z] {
				return errors.New(r.text)
			}
		}
		return nil
	})
}

// catalogOf is a catalog of zones of example. (RFC 9432 4).
func catalogOf(serial int, zones ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "$TTL 0\n@ SOA invalid. invalid. %d 3600 600 2419200 0\n@ NS invalid.\nversion TXT \"2\"\n", serial)
	for _, z := range zones {
		fmt.Fprintf(&b, "label-%s.zones PTR %s.example.\n", z, z)
	}
	return b.String()
}

// BIND has the catalog as an ordinary zone, and Knot makes one. What comes onto them and
// leaves them, Sextant serves or does not.
func TestCatalogsOfBINDAndKnot(t *testing.T) {
	needs(t, "root", "ip", "named", "knotd", "dig")
	t.Parallel()
	f := newFamily(t)
	f.member(t)
	list := func(serial int, zones ...string) {
		write(t, f.path("catalog.zone"), catalogOf(serial, zones...))
	}
	list(1, "one", "two")
	var served strings.Builder
	for _, z := range []string{"one", "two", "three"} {
		fmt.Fprintf(&served, "zone %q { type primary; file \"member.zone\"; allow-transfer { key transfer.key; }; };\n", z+".example")
	}
	bind := f.named(t, served.String()+fmt.Sprintf(`
zone "bind.catalog" { type primary; file "catalog.zone"; check-names ignore; ixfr-from-differences yes; allow-transfer { key transfer.key; }; also-notify { %s key transfer.key; }; };
`, ourAddr))
	generate := func(zones ...string) string {
		var b strings.Builder
		b.WriteString("  - domain: knot.catalog.\n    catalog-role: generate\n    acl: from-sextant\n    notify: sextant\n")
		for _, z := range zones {
			fmt.Fprintf(&b, "  - domain: %s.example.\n    file: %q\n    acl: from-sextant\n    catalog-role: member\n    catalog-zone: knot.catalog.\n", z, f.path("member.zone"))
		}
		return b.String()
	}
	knot := f.knot(t, generate("four"))
	if err := os.Mkdir(f.path("catalogs"), 0o755); err != nil {
		t.Fatal(err)
	}
	f.serve(t, fmt.Sprintf(`
catalogs:
  - { name: bind.catalog, primaries: [{ address: %s, key: transfer.key }], store: catalogs }
  - { name: knot.catalog, primaries: [{ address: %s, key: transfer.key }], store: catalogs }
`, bindAddr, knotAddr))
	f.serves(t, f.sextant, ourAddr, "one", "two", "four")
	for _, z := range []string{"bind.catalog", "knot.catalog"} {
		expect(t, f.dig(t, "@"+ourAddr, z, "SOA"), "REFUSED")
	}

	list(2, "two", "three")
	f.signal(t, bind)
	f.serves(t, f.sextant, ourAddr, "two", "three", "four")
	f.says(t, "catalog: zone removed zone=one.example. catalog=bind.catalog.")
	f.says(t, "copy transferred zone=bind.catalog. serial=2 incremental=true")

	// Knot has another member, and the one before not any more.
	conf, err := os.ReadFile(f.path("knot.conf"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, f.path("knot.conf"), strings.Replace(string(conf), generate("four"), generate("one"), 1))
	f.signal(t, knot)
	f.serves(t, f.sextant, ourAddr, "one", "two", "three")
	f.says(t, "catalog: zone removed zone=four.example. catalog=knot.catalog.")

	// A broken catalog changes nothing.
	write(t, f.path("catalog.zone"), "$TTL 0\n@ SOA invalid. invalid. 3 3600 600 2419200 0\n@ NS invalid.\nversion TXT \"3\"\n")
	f.signal(t, bind)
	f.says(t, "catalog: not used catalog=bind.catalog. \\x013")
	f.serves(t, f.sextant, ourAddr, "one", "two", "three")

	// Nobody is there any more, and a restart serves all of them.
	bind.end()
	knot.end()
	if code := f.sextant.stop(t, syscall.SIGTERM); code != 0 {
		t.Errorf("sextant ended with exit code %d", code)
	}
	f.sextant = f.start(t, f.answers(t, ourAddr, "sextant.own."), sextant, "serve", "--config", f.path("sextant.yaml"))
	for _, z := range []string{"one", "two", "three"} {
		expect(t, f.dig(t, "@"+ourAddr, "www."+z+".example", "A"), "NOERROR", "www."+z+".example. A 192.0.2.80")
	}
	files, err := filepath.Glob(f.path("catalogs/*.example.copy"))
	if err != nil || len(files) != 3 {
		t.Errorf("%v, %v", files, err)
	}
}

// BIND and Knot consume a catalog of ours.
func TestCatalogForBINDAndKnot(t *testing.T) {
	needs(t, "root", "ip", "named", "knotd", "dig", "named-checkzone")
	t.Parallel()
	f := newFamily(t)
	f.member(t)
	zones := func(names ...string) string {
		var b strings.Builder
		for _, z := range names {
			fmt.Fprintf(&b, "  - { name: %s.example, file: member.zone, catalog: our.catalog, groups: [x], allow-transfer: [{ key: transfer.key }] }\n", z)
		}
		fmt.Fprintf(&b, "catalogs:\n  - { name: our.catalog, produce: true, store: kept, allow-transfer: [{ key: transfer.key }], notify: [{ address: %s, key: transfer.key }, { address: %s, key: transfer.key }] }\n", bindAddr, knotAddr)
		return b.String()
	}
	if err := os.Mkdir(f.path("kept"), 0o755); err != nil {
		t.Fatal(err)
	}
	f.serve(t, zones("one", "two"))
	write(t, f.path("arrived"), strings.Join(f.whole(t, ourAddr, "our.catalog", withKey(goodKey)...), "\n")+"\n")
	f.run(t, "named-checkzone", "-i", "none", "our.catalog", f.path("arrived"))

	f.extra = fmt.Sprintf(`catalog-zones { zone "our.catalog" default-primaries { %s key transfer.key; } in-memory yes min-update-interval 1; };`, ourAddr)
	bind := f.named(t, fmt.Sprintf(`
zone "our.catalog" { type secondary; file "our.catalog.copy"; primaries { %s key transfer.key; }; };
`, ourAddr))
	knot := f.knot(t, `  - domain: our.catalog.
    master: sextant
    acl: from-sextant
    catalog-role: interpret
    catalog-template: member
`)
	f.serves(t, bind, bindAddr, "one", "two")
	f.serves(t, knot, knotAddr, "one", "two")

	conf, err := os.ReadFile(f.path("sextant.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, f.path("sextant.yaml"), strings.Replace(string(conf), zones("one", "two"), zones("two", "three"), 1))
	f.signal(t, f.sextant)
	f.serves(t, bind, bindAddr, "two", "three")
	f.serves(t, knot, knotAddr, "two", "three")
	f.says(t, "notify: sent zone=our.catalog. peer="+bindAddr)
	f.says(t, "notify: sent zone=our.catalog. peer="+knotAddr)
	f.says(t, "transferred zone=our.catalog. type=IXFR")
	if out := f.run(t, sextant, "status", "--socket", f.path("control.sock")); !strings.Contains(out, "our.catalog. produced, serial ") || !strings.Contains(out, ", 2 members\n") {
		t.Errorf("got\n%s", out)
	}
}
