//go:build e2e

package e2e_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// rootless is a host on which a root server, a server of top-level domains and
// Sextant, with a copy of the root, run side by side.
type rootless struct {
	host
	dir, key string
	root     *process
	sextant  *process
}

const (
	rootAddr = "127.0.0.11"
	tldAddr  = "127.0.0.12"
	tlds     = 6
)

// zone signs the root zone, with a ZONEMD, for the server to read. It has as many
// top-level domains, tld1 and so on.
func (h *rootless) zone(t *testing.T, serial, domains int) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "$TTL 86400\n. SOA a.root-servers.net. nobody.invalid. %d 1800 900 604800 60\n. NS a.root-servers.net.\na.root-servers.net. A %s\n", serial, rootAddr)
	for i := range domains {
		fmt.Fprintf(&b, "tld%[1]d. NS ns.tld%[1]d.\nns.tld%[1]d. A %[2]s\n", i+1, tldAddr)
	}
	// What nobody has heard of must not stop it (2023-10-04).
	b.WriteString(". TYPE65280 \\# 2 abcd\n")
	plain, signed := filepath.Join(h.dir, "plain"), filepath.Join(h.dir, "root.zone")
	write(t, plain, b.String())
	h.run(t, "ldns-signzone", "-o", ".", "-z", "simple:sha384", "-f", signed+".new", plain, h.key)
	if err := os.Rename(signed+".new", signed); err != nil {
		t.Fatal(err)
	}
}

// nsdServer is the configuration of a NSD without its zones, whose files are in one folder,
// and what NSD writes in the other.
func nsdServer(address, zones, dir string) string {
	return fmt.Sprintf(`
server:
	ip-address: %s
	server-count: 1
	username: ""
	zonesdir: %q
	pidfile: ""
	database: ""
	xfrdfile: ""
	xfrdir: %[3]q
	zonelistfile: "%[3]s/zone.list"
remote-control:
	control-enable: no
`, address, zones, dir)
}

func (h *rootless) nsd(t *testing.T, address string, zones ...string) *process {
	t.Helper()
	dir := t.TempDir()
	conf := nsdServer(address, h.dir, dir)
	for _, z := range zones {
		name, file, _ := strings.Cut(z, " ")
		conf += fmt.Sprintf("zone:\n\tname: %s\n\tzonefile: %s\n\tprovide-xfr: 127.0.0.0/8 NOKEY\n", name, file)
	}
	write(t, filepath.Join(dir, "nsd.conf"), conf)
	return h.start(t, h.answers(t, address, strings.Fields(zones[0])[0]), "nsd", "-d", "-c", filepath.Join(dir, "nsd.conf"))
}

func (h *rootless) named(t *testing.T) *process {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "named.conf"), fmt.Sprintf(`
options {
	directory %q;  pid-file none;  lock-file none;  session-keyfile "session.key";
	listen-on { %s; };  listen-on-v6 { none; };
	recursion no;  dnssec-validation no;  notify no;  allow-transfer { any; };  max-ixfr-ratio unlimited;
};
controls { };
zone "." { type primary; file "%s/root.zone"; ixfr-from-differences yes; journal "root.journal"; };
`, dir, rootAddr, h.dir))
	return h.start(t, h.answers(t, rootAddr, "."), "named", "-g", "-n", "1", "-c", filepath.Join(dir, "named.conf"))
}

// serve starts Sextant and waits until it has said so much of its copy.
func (h *rootless) serve(t *testing.T, says string) {
	t.Helper()
	h.sextant = h.start(t, h.answers(t, "127.0.0.1", "localhost."), sextant, "serve", "--config", filepath.Join(h.dir, "sextant.yaml"))
	h.says(t, says)
}

// says waits until Sextant has logged a line with all of these words.
func (h *rootless) says(t *testing.T, words string) {
	t.Helper()
	h.sextant.until(t, func() error {
	lines:
		for line := range strings.Lines(h.sextant.out.String()) {
			for w := range strings.FieldsSeq(words) {
				if !strings.Contains(line, w) {
					continue lines
				}
			}
			return nil
		}
		return fmt.Errorf("it has not said %q", words)
	})
}

// restart ends Sextant and starts it anew.
func (h *rootless) restart(t *testing.T, says string) {
	t.Helper()
	if code := h.sextant.stop(t, syscall.SIGTERM); code != 0 {
		t.Errorf("sextant ended with exit code %d", code)
	}
	h.serve(t, says)
}

func (h *rootless) signal(t *testing.T, p *process) {
	t.Helper()
	if err := p.os.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
}

// resolves asks for the web server of a top-level domain.
func (h *rootless) resolves(t *testing.T, tld int) {
	t.Helper()
	name := fmt.Sprintf("www.tld%d.", tld)
	expect(t, h.dig(t, "@127.0.0.1", name, "A"), "NOERROR", name+" A 192.0.2.80")
}

func newRootless(t *testing.T) *rootless {
	t.Helper()
	h := &rootless{host: newHost(t, "rootless"), dir: t.TempDir()}
	for _, a := range []string{rootAddr, tldAddr} {
		h.ip(t, "address add "+a+"/8 dev lo") // BIND listens on addresses of interfaces only
	}
	h.key = filepath.Join(h.dir, strings.TrimSpace(host{}.run(t, "sh", "-c", "cd "+h.dir+" && ldns-keygen -a ECDSAP256SHA256 -k .")))
	h.zone(t, 1, tlds-1)
	write(t, filepath.Join(h.dir, "tld.zone"), fmt.Sprintf("$TTL 60\n@ SOA ns nobody.invalid. 1 1800 900 604800 60\n@ NS ns\nns A %s\nwww A 192.0.2.80\n", tldAddr))
	write(t, filepath.Join(h.dir, "root.hints"), fmt.Sprintf(". 3600000 NS a.root-servers.net.\na.root-servers.net. 3600000 A %s\n", rootAddr))
	write(t, filepath.Join(h.dir, "sextant.yaml"), fmt.Sprintf(`
listen: ["127.0.0.1:53"]
metrics: 127.0.0.1:9153
control: {socket: "off"}
log: debug
resolver:
  root-hints: root.hints
  do-not-query: []
  timeout: 500ms
  deadline: 2s
  local-root: {use: true, primaries: ["%s"], store: root.copy}
dnssec: {builtin-anchor: false, trust-anchor-files: ["%s.key"]}
`, rootAddr, h.key))
	var served []string
	for i := range tlds {
		served = append(served, fmt.Sprintf("tld%d. tld.zone", i+1))
	}
	h.nsd(t, tldAddr, served...)
	return h
}

// RFC 8806 with other people's servers as primaries: transferred, kept up, kept over
// an outage and a restart, and refused when somebody has been at it.
func TestLocalRoot(t *testing.T) {
	needs(t, "root", "ip", "nsd", "named", "dig", "curl", "ldns-keygen", "ldns-signzone")
	t.Parallel()
	for what, start := range map[string]struct {
		primary     func(*rootless, *testing.T) *process
		incremental string
	}{
		"NSD":  {func(h *rootless, t *testing.T) *process { return h.nsd(t, rootAddr, ". root.zone") }, "incremental=false"},
		"BIND": {func(h *rootless, t *testing.T) *process { return h.named(t) }, "incremental=true"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			h := newRootless(t)
			h.root = start.primary(h, t)
			h.serve(t, "copy transferred serial=1")
			h.resolves(t, 1)

			h.zone(t, 2, tlds) // tld6 is new
			h.signal(t, h.root)
			h.root.until(t, func() error {
				if r := h.dig(t, "@"+rootAddr, ".", "SOA", "+short"); !strings.Contains(r.text, " 2 1800") {
					return errors.New(r.text)
				}
				return nil
			})
			h.signal(t, h.sextant)
			h.says(t, "copy transferred serial=2 "+start.incremental)
			h.resolves(t, 6)

			h.root.end() // from here on there is no root server
			h.resolves(t, 2)
			denied := h.dig(t, "@127.0.0.1", "www.nosuch.", "A", "+dnssec")
			expect(t, denied, "NXDOMAIN")
			expectFlag(t, denied, "ad") // the copy has the proofs, and they hold
			h.restart(t, "copy restored serial=2")
			h.resolves(t, 3)
			h.checkMetrics(t, "127.0.0.1:9153", `sextant_copy_used{zone="\."} 1`, `sextant_copy_serial{zone="\."} 2`, `sextant_copy_answers_total [1-9]`)

			h.tamper(t, false)
			h.restart(t, "copy failed digest")
			expect(t, h.dig(t, "@127.0.0.1", "www.tld4.", "A"), "SERVFAIL")
			h.tamper(t, true)
			h.restart(t, "copy failed ZONEMD")
			expect(t, h.dig(t, "@127.0.0.1", "www.tld4.", "A"), "SERVFAIL")
			h.checkMetrics(t, "127.0.0.1:9153", `sextant_copy_used{zone="\."} 0`)

			h.root = start.primary(h, t)
			h.sextant.until(t, func() error { // from the root server, once it is tried again: there is no copy yet
				if r := h.dig(t, "@127.0.0.1", "www.tld5.", "A"); r.status != "NOERROR" {
					return errors.New(r.text)
				}
				return nil
			})
			h.checkMetrics(t, "127.0.0.1:9153", `sextant_copy_used{zone="\."} 0`)
			h.signal(t, h.sextant)
			h.says(t, "copy transferred serial=2")
			h.root.end()
			h.restart(t, "copy restored serial=2")
			h.resolves(t, 4)
		})
	}
}

// tamper leads tld4 elsewhere in the store, and puts the seal on it again or not.
func (h *rootless) tamper(t *testing.T, seal bool) {
	t.Helper()
	path := filepath.Join(h.dir, "root.copy")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(b), "ns.tld4.\t86400\tIN\tA\t"+tldAddr, "ns.tld4.\t86400\tIN\tA\t127.0.0.66")
	if text == string(b) && !seal {
		t.Fatalf("there is nothing to tamper with in\n%s", text)
	}
	if seal {
		text = text[:strings.LastIndex(text, "; sha256")]
		text += fmt.Sprintf("; sha256 %x\n", sha256.Sum256([]byte(text)))
	}
	write(t, path, text)
}
