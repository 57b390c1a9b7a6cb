package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/config"
	"github.com/sextant-dns/sextant/lookup"
)

// write puts files into a folder of the test's own and gives its path.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const goodZone = `$ORIGIN corp.example.
$TTL 300
@   SOA ns hostmaster 1 7200 900 1209600 60
@   NS  ns
ns  A   192.0.2.53
db  A   192.0.2.10
`

func TestCheckTellsEverythingThatIsWrong(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{
		"good.yaml":    "zones: [{name: corp.example, file: corp.zone}]\n",
		"corp.zone":    goodZone,
		"two.yaml":     "lissten: [127.0.0.1:53]\ndns64: {mode: force}\n",
		"bad.yaml":     "zones: [{name: corp.example, file: bad.zone}]\n",
		"bad.zone":     strings.Replace(goodZone, "192.0.2.10", "192.0.2.999", 1),
		"missing.yaml": "zones: [{name: corp.example, file: nowhere.zone}]\n",
		"hints.yaml":   "resolver: {root-hints: corp.zone}\n",
		"anchors.yaml": "dnssec: {trust-anchor-files: [corp.zone]}\n",
	})
	for _, c := range []struct {
		file string
		code int
		want []string
	}{
		{"good.yaml", exitOK, []string{"good"}},
		{"two.yaml", exitUsage, []string{"two.yaml:1:1:", "lissten", `did you mean "listen"`, "two.yaml:2:15:", "forced"}},
		{"bad.yaml", exitUsage, []string{"bad.zone:6:", "corp.example."}},
		{"missing.yaml", exitUsage, []string{"nowhere.zone"}},
		{"hints.yaml", exitUsage, []string{"root hints", "corp.zone"}},
		{"anchors.yaml", exitUsage, []string{`corp.zone:3:5: found "SOA", expected DS or DNSKEY`}},
		{"not-there.yaml", exitUsage, []string{"not-there.yaml"}},
	} {
		t.Run(c.file, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			if code := run(t.Context(), []string{"check", filepath.Join(dir, c.file)}, &out, &out); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			for _, want := range c.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("no %q in:\n%s", want, out.String())
				}
			}
		})
	}
}

func TestCommandLineErrorsExitWithUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"serf"}, {"check"}, {"serve", "--nonsense"}, {"lab", "--dns64", "sometimes"}, {"lab", "--listen", "localhost"}} {
		var out bytes.Buffer
		if code := run(t.Context(), args, &out, &out); code != exitUsage || !strings.Contains(out.String(), "sextant:") {
			t.Errorf("%v: exit code %d, %s", args, code, out.String())
		}
	}
	var out bytes.Buffer
	if code := run(t.Context(), []string{"--version"}, &out, &out); code != exitOK || !strings.Contains(out.String(), version) {
		t.Errorf("--version: exit code %d, %s", code, out.String())
	}
}

func TestReloadChangesAllOrNothing(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{
		"sextant.yaml": "zones: [{name: corp.example, file: corp.zone}]\n",
		"corp.zone":    goodZone,
	})
	path := filepath.Join(dir, "sextant.yaml")
	c, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	p := overLab(t, c)
	address := func() string {
		r := ask(t, p, lookup.MustName("db.corp.example."), lookup.TypeA)
		if len(r.Answer) != 1 {
			return r.String()
		}
		rr, _ := lookup.UnpackRR(r.Answer[0].Name, lookup.TypeA, 0, r.Answer[0].Data.First())
		return rr.(*dns.A).A.String()
	}
	edit := func(file, old, new string) {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, file), bytes.Replace(text, []byte(old), []byte(new), 1), 0o644); err != nil {
			t.Fatal(err)
		}
		p.reload(path)
	}
	for _, step := range []struct{ file, old, new, want, because string }{
		{"corp.zone", "192.0.2.10", "192.0.2.11", "192.0.2.11", "the zone changed, and cached packets are gone"},
		{"corp.zone", "db  A   192.0.2.11", "db  A   nonsense", "192.0.2.11", "a zone with an error keeps the last good state"},
		{"sextant.yaml", "zones", "zonnes", "192.0.2.11", "so does a configuration with an error"},
		{"sextant.yaml", "zonnes", "zones", "192.0.2.11", "the zone is still bad"},
		{"corp.zone", "nonsense", "192.0.2.12", "192.0.2.12", "both are good again"},
	} {
		edit(step.file, step.old, step.new)
		if got := address(); got != step.want {
			t.Errorf("%s: got %s, want %s", step.because, got, step.want)
		}
	}
}

func TestAZoneThatFailsAtReloadStaysAndTheOthersDoNot(t *testing.T) {
	t.Parallel()
	other := strings.ReplaceAll(goodZone, "corp.example", "other.example")
	dir := write(t, map[string]string{
		"sextant.yaml": "zones: [{name: corp.example, file: corp.zone}, {name: other.example, file: other.zone}]\n",
		"corp.zone":    goodZone,
		"other.zone":   other,
		"bad.zone":     "nonsense\n",
	})
	path := filepath.Join(dir, "sextant.yaml")
	c, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	p := overLab(t, c)
	reload := func(file, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		p.reload(path)
	}
	address := func(name string) string {
		s, _ := lookup.Find(ask(t, p, lookup.MustName(name), lookup.TypeA).Answer, lookup.MustName(name), lookup.TypeA)
		return fmt.Sprint([]byte(s.Data.First()))
	}
	if err := os.WriteFile(filepath.Join(dir, "corp.zone"), []byte("nonsense\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	reload("other.zone", strings.Replace(other, "192.0.2.10", "192.0.2.11", 1))
	if got := address("db.corp.example."); got != "[192 0 2 10]" {
		t.Errorf("the zone that is bad now: %s", got)
	}
	if got := address("db.other.example."); got != "[192 0 2 11]" {
		t.Errorf("the zone that is good: %s", got)
	}
	// Of another file there is no last good zone.
	reload("sextant.yaml", "zones: [{name: corp.example, file: bad.zone}]\n")
	if got := address("db.other.example."); got != "[192 0 2 11]" {
		t.Errorf("after a reload that has failed: %s", got)
	}
}

func TestSpecialNamesAndPrivateAddressesStayOut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ yaml, name, want string }{
		{"", "localhost.", "127.0.0.1"},
		{"", "host.home.arpa.", "NXDOMAIN"},
		// The lab's Internet has no test., so the root is who denies it.
		{"special-names: {except: [test]}", "www.test.", "a.root-servers.net."},
		{"", "v4only.example.com.", "93.184.215.14"},
		{"rebinding: {filter: true, private: [93.184.215.0/24]}", "v4only.example.com.", "NOERROR\n"},
		{"rebinding: {filter: true, private: [93.184.215.0/24], domains: [example.com]}", "v4only.example.com.", "93.184.215.14"},
	} {
		got := ask(t, overLab(t, parsed(t, c.yaml)), lookup.MustName(c.name), lookup.TypeA).String()
		if !strings.Contains(got, c.want) || strings.HasPrefix(c.want, "NOERROR") && strings.Contains(got, "93.184") {
			t.Errorf("%s with %q: want %q in %s", c.name, c.yaml, c.want, got)
		}
	}
}
