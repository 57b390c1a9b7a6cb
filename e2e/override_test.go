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

// Who serves what, on one host: a root and a TLD that BIND serves, and a zone below it that
// BIND and NSD serve. Two resolvers look on, of which one has three lines of configuration
// more.
const (
	darkRoot   = "127.0.0.11"
	darkTLD    = "127.0.0.12"
	childBIND  = "127.0.0.13"
	childNSD   = "127.0.0.14"
	guardedOne = "127.0.0.1"
	bareOne    = "127.0.0.2"
)

const threeLines = `
overrides:
  - zone: example.io
    servers: [` + childBIND + `, ` + childNSD + `]
    when: outage
`

type darkness struct {
	host
	dir        string
	tld, child *process
	nsd        *process
}

func newDarkness(t *testing.T) *darkness {
	t.Helper()
	d := &darkness{host: newHost(t, "dark"), dir: t.TempDir()}
	for _, a := range []string{darkRoot, darkTLD, childBIND} {
		d.ip(t, "address add "+a+"/8 dev lo")
	}
	write(t, d.path("root.hints"), ". 3600000 NS a.root-servers.net.\na.root-servers.net. 3600000 A "+darkRoot+"\n")
	d.named(t, darkRoot, ".", "$TTL 1\n. SOA a.root-servers.net. x. 1 1800 900 604800 1\n. NS a.root-servers.net.\na.root-servers.net. A "+darkRoot+"\nio. NS ns.io.\nns.io. A "+darkTLD+"\n")
	d.tld = d.named(t, darkTLD, "io.", d.registry(1, true))
	d.child = d.named(t, childBIND, "example.io.", d.contents(1, ""))
	write(t, d.path("child.zone"), d.contents(1, ""))
	write(t, d.path("nsd.conf"), fmt.Sprintf("server:\n\tip-address: %s\n\tserver-count: 1\n\tusername: \"\"\n\tzonesdir: %q\n\tpidfile: \"\"\n\tdatabase: \"\"\n\tzonelistfile: %q\n\txfrdfile: %q\nremote-control:\n\tcontrol-enable: no\nzone:\n\tname: example.io.\n\tzonefile: child.zone\n",
		childNSD, d.dir, d.path("zone.list"), d.path("xfrd")))
	d.nsd = d.start(t, d.answers(t, childNSD, "www.example.io."), "nsd", "-d", "-c", d.path("nsd.conf"))
	return d
}

func (d *darkness) path(name string) string { return filepath.Join(d.dir, name) }

// registry is the TLD, with the zone delegated or without.
func (d *darkness) registry(serial int, delegated bool) string {
	text := fmt.Sprintf("$ORIGIN io.\n$TTL 1\n@ SOA ns x. %d 1800 900 604800 1\n@ NS ns\nns A %s\n", serial, darkTLD)
	if delegated {
		text += "example NS ns1.example\nexample NS ns2.example\nns1.example A " + childBIND + "\nns2.example A " + childNSD + "\n"
	}
	return text
}

func (d *darkness) contents(serial int, more string) string {
	return fmt.Sprintf("$ORIGIN example.io.\n$TTL 1\n@ SOA ns1 x. %d 1800 900 604800 1\n@ NS ns1\n@ NS ns2\nns1 A %s\nns2 A %s\nwww A 192.0.2.80\n%s", serial, childBIND, childNSD, more)
}

// named serves one zone at one address.
func (d *darkness) named(t *testing.T, address, zone, text string) *process {
	t.Helper()
	folder := d.path(address)
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(folder, "zone"), text)
	write(t, filepath.Join(folder, "named.conf"), fmt.Sprintf(`
options {
	directory %q;  pid-file none;  lock-file none;  session-keyfile "session.key";
	listen-on { %s; };  listen-on-v6 { none; };  recursion no;  dnssec-validation no;  notify no;
};
controls { };
zone %q { type primary; file "zone"; };
`, folder, address, zone))
	return d.start(t, d.answers(t, address, zone), "named", "-g", "-n", "1", "-c", filepath.Join(folder, "named.conf"))
}

// publish has the server at the address serve another edition of its zone.
func (d *darkness) publish(t *testing.T, address string, p *process, text string) {
	t.Helper()
	write(t, filepath.Join(d.path(address), "zone"), text)
	d.signal(t, p, syscall.SIGHUP)
}

func (d *darkness) signal(t *testing.T, p *process, s os.Signal) {
	t.Helper()
	if err := p.os.Signal(s); err != nil {
		t.Fatal(err)
	}
}

func (d *darkness) serve(t *testing.T, address, more string) *process {
	t.Helper()
	conf := d.path("sextant." + address)
	write(t, conf, fmt.Sprintf("listen: [\"%s:53\"]\ncontrol: { socket: %q, overrides: %q }\nresolver: { root-hints: root.hints, do-not-query: [], ipv6: false, timeout: 300ms }\ndnssec: { validate: false }\n%s",
		address, address+".sock", address+".json", more))
	return d.start(t, d.answers(t, address, "www.example.io."), sextant, "serve", "--config", conf)
}

// both waits until the guarded resolver and the bare one say that of the name.
func (d *darkness) both(t *testing.T, p *process, name, guarded, bare string) {
	t.Helper()
	for _, one := range []struct{ address, want string }{{guardedOne, guarded}, {bareOne, bare}} {
		p.until(t, func() error {
			if r := d.dig(t, "@"+one.address, name, "A", "+tries=1", "+time=9"); r.status != one.want {
				return errors.New(one.address + ": want " + one.want + ", got\n" + r.text)
			}
			return nil
		})
	}
}

// A registry drops a zone, and then falls silent. Three lines of configuration keep the zone
// alive, with what is new in it, and so does an operator's command where there were none.
func TestThreeLinesOutliveTheRegistry(t *testing.T) {
	needs(t, "root", "ip", "named", "nsd", "dig")
	t.Parallel()
	d := newDarkness(t)
	guarded := d.serve(t, guardedOne, threeLines)
	bare := d.serve(t, bareOne, "")
	d.both(t, bare, "www.example.io", "NOERROR", "NOERROR")

	// The registry holds the name: its servers deny the zone, and with authority.
	d.publish(t, darkTLD, d.tld, d.registry(2, false))
	d.both(t, bare, "www.example.io", "NOERROR", "NXDOMAIN")
	answered := func(n int) {
		t.Helper()
		for range n {
			r := d.dig(t, "@"+guardedOne, "www.example.io", "A")
			expect(t, r, "NOERROR", "www.example.io. A 192.0.2.80")
			expectFlag(t, r, "-aa")
			expect(t, d.dig(t, "@"+guardedOne, "nobody.example.io", "A"), "NXDOMAIN")
		}
	}
	answered(20)
	// What is new is there, too, and other names of the TLD are denied as ever.
	d.publish(t, childBIND, d.child, d.contents(2, "new A 192.0.2.81\n"))
	write(t, d.path("child.zone"), d.contents(2, "new A 192.0.2.81\n"))
	d.signal(t, d.nsd, syscall.SIGHUP)
	d.both(t, guarded, "new.example.io", "NOERROR", "NXDOMAIN")
	expect(t, d.dig(t, "@"+guardedOne, "other.io", "A"), "NXDOMAIN")

	// An operator says the same to the resolver that has no such lines.
	run := func(args ...string) string {
		return d.run(t, append([]string{sextant, "override"}, append(args, "--socket", d.path(bareOne+".sock"))...)...)
	}
	run("add", "example.io", "--servers", childBIND+","+childNSD, "--when", "outage", "--for", "1h")
	expect(t, d.dig(t, "@"+bareOne, "new.example.io", "A"), "NOERROR", "new.example.io. A 192.0.2.81")
	if code := bare.stop(t, syscall.SIGTERM); code != 0 {
		t.Errorf("sextant ended with exit code %d", code)
	}
	bare = d.serve(t, bareOne, "") // it has not forgotten
	expect(t, d.dig(t, "@"+bareOne, "new.example.io", "A"), "NOERROR", "new.example.io. A 192.0.2.81")
	if out := run("list"); !strings.Contains(out, "servers "+childBIND+","+childNSD+"  outage  all    ready") {
		t.Errorf("got\n%s", out)
	}
	run("remove", "example.io")
	expect(t, d.dig(t, "@"+bareOne, "new.example.io", "A"), "NXDOMAIN")

	// Now the registry is silent.
	d.signal(t, d.tld, syscall.SIGSTOP)
	defer d.tld.os.Signal(syscall.SIGCONT)
	d.both(t, bare, "www.example.io", "NOERROR", "SERVFAIL")
	answered(20)

	// And comes back.
	d.signal(t, d.tld, syscall.SIGCONT)
	d.publish(t, darkTLD, d.tld, d.registry(3, true))
	d.both(t, bare, "www.example.io", "NOERROR", "NOERROR")
	answered(5)
}
