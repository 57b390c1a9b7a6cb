package config

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/sextant-dns/sextant/lookup"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestBadFilesAreReportedWholeAndExactly(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			t.Parallel()
			c, err := Load(file)
			if err == nil {
				t.Fatalf("accepted: %+v", c)
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".txt", filepath.ToSlash(err.Error())+"\n")
		})
	}
}

// golden compares got with a file, or writes the file when -update is given.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (go test -update writes it anew); got:\n%s", file, got)
	}
}

func TestNothingWrittenMeansTheDefaults(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "# nothing\n", "---\n", "cache:\nresolver: {}\ntcp: # none\n", "\ufeff"} {
		c, err := Parse("sextant.yaml", []byte(text))
		if err != nil {
			t.Errorf("%q: %v", text, err)
		} else if !reflect.DeepEqual(c, Default()) {
			t.Errorf("%q: got %+v", text, c)
		}
	}
}

func TestTheDefaultIsNoOpenResolver(t *testing.T) {
	t.Parallel()
	c := Default()
	for _, a := range c.Listen {
		if !a.Addr().IsLoopback() {
			t.Errorf("listens on %s", a)
		}
	}
	for _, p := range c.Views[0].Clients {
		if a := p.Addr(); !a.IsLoopback() && !a.IsPrivate() && !a.IsLinkLocalUnicast() && p.String() != "100.64.0.0/10" {
			t.Errorf("answers %s", p)
		}
	}
}

func TestValuesReachTheirFields(t *testing.T) {
	t.Parallel()
	c := mustParse(t, "etc/sextant.yaml", `
listen: [0.0.0.0, "::", "[::1]", 192.0.2.1:5353, "::ffff:192.0.2.2"]
metrics: 127.0.0.1
log: warn
resolver: { root-hints: root.hints, timeout: 250ms, source-addresses: ["2001:db8::1"] }
zones:
  - { name: Corp.Example, file: corp.zone }
  - { name: lab.example., file: /zones/lab }
`)
	if got := c.Listen; len(got) != 5 || got[0].String() != "0.0.0.0:53" || got[2].String() != "[::1]:53" ||
		got[3].Port() != 5353 || got[4].String() != "192.0.2.2:53" {
		t.Errorf("Listen = %v", got)
	}
	if c.Metrics.String() != "127.0.0.1:9153" || c.Log.String() != "WARN" {
		t.Errorf("Metrics = %v, Log = %v", c.Metrics, c.Log)
	}
	if got := c.Resolver; got.RootHints != filepath.Join("etc", "root.hints") || got.Timeout.String() != "250ms" || len(got.SourceAddresses) != 1 {
		t.Errorf("Resolver = %+v", got)
	}
	if got := c.Zones; len(got) != 2 || got[0].Name.String() != "corp.example." ||
		got[0].File != filepath.Join("etc", "corp.zone") || got[1].File != "/zones/lab" {
		t.Errorf("Zones = %+v", got)
	}
	if v := c.Views[0]; len(c.Views) != 1 || v.Name != "default" || len(v.Zones) != 2 || v.DNS64.Mode != ModeOff {
		t.Errorf("Views = %+v", c.Views)
	}
}

func TestServersOfATransportGetItsPort(t *testing.T) {
	t.Parallel()
	c := mustParse(t, "dir/x.yaml", `
forward:
  - { name: a.example, servers: [192.0.2.1, "192.0.2.2:5353"] }
  - { name: b.example, servers: [192.0.2.1, "192.0.2.2:8853"], transport: tls, tls-ca: ca.pem }
  - { name: c.example, servers: ["2001:db8::1"], transport: tls, tls-pins: ["47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="] }
stub:
  - { name: d.example, servers: [192.0.2.1] }
`)
	var got []string
	for _, z := range c.Pinned {
		got = append(got, fmt.Sprintf("%s %v %s %s %x %v", z.Name, z.Servers, z.Transport, z.TLS.CA, z.TLS.Pins, z.TLS.Verify))
	}
	want := []string{
		"a.example. [192.0.2.1:53 192.0.2.2:5353] udp  [] true",
		"b.example. [192.0.2.1:853 192.0.2.2:8853] tls dir/ca.pem [] true",
		"c.example. [[2001:db8::1]:853] tls  [e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855] true",
		"d.example. [192.0.2.1:53] udp  [] false",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestDNSSEC(t *testing.T) {
	t.Parallel()
	c := mustParse(t, "etc/sextant.yaml", `
dnssec:
  validate: false
  builtin-anchor: false
  trust-anchors: ["a. DS 1 13 2 00"]
  trust-anchor-files: [root.key, /corp.key]
  negative-anchors: [B.example, { name: c.example, until: "2026-12-01T13:00:00+01:00" }]
  state: anchors.state
  managed: [a]
  sentinel: false
  sha1: accept
  clock-skew: 0s
  now: 2026-12-01T12:00:00Z
  aggressive: false
  permissive: true
  max-nsec3-iterations: 10
`).DNSSEC
	noon := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	want := DNSSEC{
		TrustAnchors: []string{"a. DS 1 13 2 00"}, TrustAnchorFiles: []string{filepath.Join("etc", "root.key"), "/corp.key"},
		NegativeAnchors: []NegativeAnchor{{Name: lookup.MustName("b.example.")}, {Name: lookup.MustName("c.example."), Until: noon}},
		State:           filepath.Join("etc", "anchors.state"), Managed: []lookup.Name{lookup.MustName("a.")},
		SHA1: SHA1Accept, Now: noon, Permissive: true, MaxNSEC3Iterations: 10,
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got %+v, want %+v", c, want)
	}
}

func TestViewsTakeOverWhatTheyDoNotSay(t *testing.T) {
	t.Parallel()
	c := mustParse(t, "sextant.yaml", `
dns64: { prefixes: ["2001:db8:64::/96"] }
zones: [{ name: a.example, file: a }, { name: b.example, file: b }]
views:
  - { name: all, clients: [10.0.0.0/8] }
  - { name: none, clients: ["192.0.2.1", "::ffff:198.51.100.0/120"], zones: [] }
  - { name: one, clients: ["fd00::/8"], zones: [b.example], recursion: false, dns64: { mode: "off" } }
`)
	all, none, one := c.Views[0], c.Views[1], c.Views[2]
	if len(all.Zones) != 2 || !all.Recursion || all.DNS64.Mode != ModeStandard || all.DNS64.Prefixes[0].Prefix.String() != "2001:db8:64::/96" {
		t.Errorf("all = %+v", all)
	}
	if len(none.Zones) != 0 || none.Clients[0].String() != "192.0.2.1/32" || none.Clients[1].String() != "198.51.100.0/24" {
		t.Errorf("none = %+v", none)
	}
	// A view's own policy starts from the defaults, not from the file's.
	if len(one.Zones) != 1 || one.Recursion || one.DNS64.Mode != ModeOff || one.DNS64.Prefixes[0].Prefix.String() != "64:ff9b::/96" {
		t.Errorf("one = %+v", one)
	}
}

func TestDNS64(t *testing.T) {
	t.Parallel()
	c := mustParse(t, "sextant.yaml", `
dns64:
  mode: forced
  hide-a: true
  prefixes:
    - 2001:db8:64::/96
    - { prefix: "2001:db8:1::/48", ipv4: [10.0.0.0/8, 192.168.0.0/16] }
    - { ipv4: [198.51.100.0/24], synthesize: false }
  names:
    - { suffix: Plain.Example, mode: off }
    - { suffix: lab.example, mode: forced }
    - { suffix: open.example, mode: forced, hide-a: false }
`)
	p := c.Views[0].DNS64
	if len(p.Prefixes) != 3 || !p.Prefixes[0].Synthesize || p.Prefixes[1].Prefix.Bits() != 48 || len(p.Prefixes[1].IPv4) != 2 || p.Prefixes[2].Synthesize {
		t.Errorf("Prefixes = %+v", p.Prefixes)
	}
	if len(p.Names) != 3 || p.Names[0].HideA || p.Names[0].Suffix.String() != "plain.example." || !p.Names[1].HideA || p.Names[2].HideA {
		t.Errorf("Names = %+v", p.Names)
	}
}

func TestIPv6NeedsNoQuotesInABracedList(t *testing.T) {
	t.Parallel()
	c := mustParse(t, "x.yaml", `
dns64: { prefixes: [2001:db8:64::/96, 64:ff9b::/96], exclude-aaaa: [fd00::/8] }
resolver: { source-addresses: [192.0.2.1, 2001:db8::1] }
`)
	p := c.Views[0].DNS64
	if len(p.Prefixes) != 2 || p.Prefixes[0].Prefix.String() != "2001:db8:64::/96" || p.ExcludeAAAA[0].String() != "fd00::/8" {
		t.Errorf("got %+v", p)
	}
	if got := c.Resolver.SourceAddresses; len(got) != 2 || got[1].String() != "2001:db8::1" {
		t.Errorf("got %v", got)
	}
}

func TestLocalRoot(t *testing.T) {
	t.Parallel()
	if l := Default().Resolver.LocalRoot; l.Use || l.ZONEMD != ZONEMDRequire || l.Primaries != nil {
		t.Errorf("by default %+v", l)
	}
	l := mustParse(t, "etc/x.yaml", `resolver: { local-root: { use: true, primaries: ["192.0.2.1", "[2001:db8::1]:5353"], store: root.copy, zonemd: check } }`).Resolver.LocalRoot
	if !l.Use || len(l.Primaries) != 2 || l.Primaries[0].String() != "192.0.2.1:53" || l.Store != filepath.Join("etc", "root.copy") || l.ZONEMD != ZONEMDCheck {
		t.Errorf("got %+v", l)
	}
	if l := mustParse(t, "etc/x.yaml", `resolver: { local-root: { use: true, file: root.zone } }`).Resolver.LocalRoot; l.File != filepath.Join("etc", "root.zone") {
		t.Errorf("got %+v", l)
	}
}

func TestAnUnreadableFileIsNotABadFile(t *testing.T) {
	t.Parallel()
	_, err := Load(filepath.Join(t.TempDir(), "missing.yaml"))
	if _, bad := errors.AsType[Errors](err); bad || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestProblemsAreErrorsOneByOne(t *testing.T) {
	t.Parallel()
	_, err := Parse("x.yaml", []byte("udp: {sise: 512}\n\tlog: info"))
	if _, ok := errors.AsType[Problem](err); !ok {
		t.Errorf("no Problem in %v", err)
	}
}

func mustParse(t *testing.T, name, text string) *Config {
	t.Helper()
	c, err := Parse(name, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.yaml")
	for _, file := range append(files, "../docs/reference/sextant.yaml") {
		if text, err := os.ReadFile(file); err == nil {
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := Parse("fuzz.yaml", text)
		if (c == nil) == (err == nil) {
			t.Fatalf("got %v and %v", c, err)
		}
		if err == nil {
			if len(c.Views) == 0 || len(c.Listen) == 0 {
				t.Fatalf("incomplete: %+v", c)
			}
			return
		}
		problems, ok := errors.AsType[Errors](err)
		if !ok || len(problems) == 0 {
			t.Fatalf("%T: %v", err, err)
		}
		lines := strings.Count(string(text), "\n") + strings.Count(string(text), "\r") + 1
		for _, p := range problems {
			if p.Line < 1 || p.Line > lines || p.Column < 1 || p.Message == "" {
				t.Fatalf("impossible place of %d lines: %+v", lines, p)
			}
			if utf8.Valid(text) && !utf8.ValidString(p.Error()) {
				t.Fatalf("broken text: %q", p.Error())
			}
		}
	})
}

func TestCatalogs(t *testing.T) {
	t.Parallel()
	c := mustParse(t, "etc/x.yaml", `
keys: [{ name: k, secret: c2VjcmV0 }]
resolver: { source-addresses: [192.0.2.7] }
zones: [{ name: a.example, file: a, catalog: ours.example, groups: [gold, "two words"] }, { name: b.example, primaries: [192.0.2.1], zonemd: require }]
catalogs:
  - { name: ours.example, produce: true, store: kept, notify: [192.0.2.2] }
  - name: theirs.example
    primaries: [{ address: 192.0.2.1, key: k }]
    allow-transfer: [{ key: k }]
    zonemd: ignore
    groups: [{ name: gold, primaries: [192.0.2.9], zonemd: require }, { name: silver }]
`)
	if z := c.Zones[0]; z.Catalog.String() != "ours.example." || len(z.Groups) != 2 || z.ZONEMD != ZONEMDCheck || c.Zones[1].ZONEMD != ZONEMDRequire {
		t.Errorf("got %+v", c.Zones)
	}
	ours, theirs := c.Catalogs[0], c.Catalogs[1]
	if !ours.Produce || ours.Store != filepath.Join("etc", "kept") || len(ours.Notify) != 1 || theirs.Produce || theirs.ZONEMD != ZONEMDIgnore {
		t.Errorf("got %+v", c.Catalogs)
	}
	gold, silver := theirs.Groups[0], theirs.Groups[1]
	if gold.Primaries[0].Address.String() != "192.0.2.9:53" || gold.ZONEMD != ZONEMDRequire || len(gold.AllowTransfer) != 1 {
		t.Errorf("got %+v", gold)
	}
	if silver.Primaries[0] != theirs.Primaries[0] || silver.ZONEMD != ZONEMDIgnore {
		t.Errorf("got %+v", silver)
	}
	if got := c.Views[0].Zones; len(got) != 3 || got[2] != theirs.Name { // whoever asks about a catalog that we produce, no view answers
		t.Errorf("got %v", got)
	}
	if s := c.Transfers; len(s.Source) != 1 || s.In != 20 || s.Out != 100 || s.OutPerClient != 20 {
		t.Errorf("got %+v", s)
	}
}

// A zone that is changed has a journal, beside its file unless it is said where.
func TestJournalOfAZone(t *testing.T) {
	t.Parallel()
	zones := mustParse(t, "etc/x.yaml", `
keys: [{ name: k, secret: c2VjcmV0 }]
zones:
  - { name: a.example, file: a.zone, allow-update: [{ key: k, subtrees: [dyn.a.example], types: [a, TYPE65280] }] }
  - { name: b.example, file: b.zone, allow-update: [{ network: 127.0.0.1 }], journal: var/b }
  - { name: c.example, file: c.zone }
`).Zones
	for i, want := range []string{"etc/a.zone.journal", "etc/var/b", ""} {
		if got := zones[i].Journal; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if g := zones[0].AllowUpdate[0]; g.Key != lookup.MustName("k") || g.Subtrees[0] != lookup.MustName("dyn.a.example") || len(g.Types) != 2 || g.Types[1] != 65280 {
		t.Errorf("got %+v", g)
	}
}
