//go:build e2e

package e2e_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// Where the servers of one zone listen, and where they speak from.
const (
	ourAddr  = "127.0.0.1"
	bindAddr = "127.0.0.2"
	knotAddr = "127.0.0.3"
)

const (
	goodKey  = "c2l4dGVlbiBvY3RldHMgYW5kIGFzIG1hbnkgbW9yZSE="
	wrongKey = "c2l4dGVlbiBvY3RldHMgYW5kIGFzIG1hbnkgbGVzcyE="
)

// family is the servers of one zone, on one host.
type family struct {
	host
	dir     string
	sextant *process
	extra   string // options of BIND
}

func newFamily(t *testing.T) *family {
	t.Helper()
	f := &family{host: newHost(t, "family"), dir: t.TempDir()}
	for _, a := range []string{bindAddr, knotAddr} {
		f.ip(t, "address add "+a+"/8 dev lo") // BIND listens on addresses of interfaces only
	}
	return f
}

// path is a file of the test.
func (f *family) path(name string) string { return filepath.Join(f.dir, name) }

func (f *family) signal(t *testing.T, p *process) {
	t.Helper()
	if err := p.os.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
}

// edition writes a zone, large enough for several messages; each edition has one host
// more, and another address for it.
func (f *family) edition(t *testing.T, zone string, serial, expire int) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "$ORIGIN %s.\n$TTL 300\n@ SOA ns host %d 3600 600 %d 60\n@ NS ns\nns A 127.0.0.1\n", zone, serial, expire)
	fmt.Fprintf(&b, "changes A 192.0.2.%d\nserial%d A 192.0.2.1\n", serial, serial)
	fmt.Fprintf(&b, "sub NS ns.sub\nns.sub A 192.0.2.53\na.b.ent TXT deep\n*.wild MX 10 ns\nodd TYPE65280 \\# 3 abcdef\nsvc HTTPS 1 . alpn=h2\n")
	for i := range 1500 {
		fmt.Fprintf(&b, "n%d TXT \"%0100d\"\n", i, i)
	}
	write(t, f.path(zone+".new"), b.String())
	if err := os.Rename(f.path(zone+".new"), f.path(zone+".zone")); err != nil {
		t.Fatal(err)
	}
}

// whole is a zone as the server at the address transfers it, sorted, one RR a line.
func (f *family) whole(t *testing.T, address, zone string, args ...string) []string {
	t.Helper()
	out, _ := f.try(t, append([]string{"dig", "@" + address, zone, "AXFR", "+noall", "+answer", "+nocrypto"}, args...)...)
	var lines []string
	for line := range strings.Lines(out) {
		if line = strings.Join(strings.Fields(line), " "); line != "" && !strings.HasPrefix(line, ";") {
			lines = append(lines, line)
		}
	}
	slices.Sort(lines)
	return slices.Compact(lines) // the SOA stands twice
}

func withKey(secret string) []string { return []string{"-y", "hmac-sha256:transfer.key:" + secret} }

// reaches waits until the server at the address has that edition of the zone.
func (f *family) reaches(t *testing.T, p *process, address, zone string, serial int) {
	t.Helper()
	p.until(t, func() error {
		r := f.dig(t, "@"+address, fmt.Sprintf("serial%d.%s.", serial, zone), "A", "+norecurse")
		if r.status != "NOERROR" || len(r.answer) != 1 {
			return errors.New(r.text)
		}
		return nil
	})
}

// says waits until Sextant has logged a line with all of these words.
func (f *family) says(t *testing.T, words string) {
	t.Helper()
	(&rootless{host: f.host, sextant: f.sextant}).says(t, words)
}

func (f *family) named(t *testing.T, zones string) *process {
	t.Helper()
	write(t, f.path("named.conf"), fmt.Sprintf(`
options {
	directory %q;  pid-file none;  lock-file none;  session-keyfile "session.key";
	listen-on { %s; };  listen-on-v6 { none; };  transfer-source %[2]s;  notify-source %[2]s;
	recursion no;  dnssec-validation no;  notify explicit;  allow-transfer { 127.0.0.0/8; };  max-ixfr-ratio unlimited;
	startup-notify-rate 100;  notify-delay 0;
	%[5]s
};
controls { };
key "transfer.key" { algorithm hmac-sha256; secret %[3]q; };
zone "bind.own" { type primary; file "own.zone"; };
%[4]s`, f.dir, bindAddr, goodKey, zones, f.extra))
	write(t, f.path("own.zone"), "$TTL 60\n@ SOA ns host 1 1 1 1 1\n@ NS ns\nns A 127.0.0.2\n")
	return f.start(t, f.answers(t, bindAddr, "bind.own."), "named", "-g", "-n", "1", "-c", f.path("named.conf"))
}

func (f *family) knot(t *testing.T, template string) *process {
	t.Helper()
	dir := t.TempDir()
	write(t, f.path("knot.conf"), fmt.Sprintf(`
server:
    listen: %[2]s@53
    rundir: %[1]q
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: %[1]q
key:
  - id: transfer.key
    algorithm: hmac-sha256
    secret: %[3]s
remote:
  - id: sextant
    address: %[4]s@53
    via: %[2]s
    key: transfer.key
acl:
  - id: from-sextant
    address: 127.0.0.0/8
    key: transfer.key
    action: [notify, transfer]
  - id: anybody
    address: 127.0.0.0/8
    action: [transfer]
template:
  - id: default
    storage: %[1]q
  - id: member
    storage: %[1]q
    master: sextant
    acl: from-sextant
zone:
  - domain: knot.own.
    file: %[5]q
%[6]s
`, dir, knotAddr, goodKey, ourAddr, f.path("own.zone"), template))
	write(t, f.path("own.zone"), "$TTL 60\n@ SOA ns host 1 1 1 1 1\n@ NS ns\nns A 127.0.0.2\n")
	return f.start(t, f.answers(t, knotAddr, "knot.own."), "knotd", "-c", f.path("knot.conf"))
}

func (f *family) serve(t *testing.T, zones string) {
	t.Helper()
	write(t, f.path("own.zone"), "$TTL 60\n@ SOA ns host 1 1 1 1 1\n@ NS ns\nns A 127.0.0.2\n")
	write(t, f.path("sextant.yaml"), fmt.Sprintf(`
listen: ["%s:53"]
control: { socket: control.sock }
dnssec: { validate: false }
keys: [{ name: transfer.key, secret: %s }, { name: wrong.key, secret: %s }, { name: host.key, secret: %[2]s }]
zones:
  - { name: sextant.own, file: own.zone }
%[4]s`, ourAddr, goodKey, wrongKey, zones))
	f.sextant = f.start(t, f.answers(t, ourAddr, "sextant.own."), sextant, "serve", "--config", f.path("sextant.yaml"))
}

// BIND and Knot copy a zone from Sextant, signed: all of it at first, and after an edit
// what has changed, as soon as Sextant tells them.
func TestPrimaryOfBINDAndKnot(t *testing.T) {
	needs(t, "root", "ip", "named", "knotd", "dig", "named-checkzone", "ldns-compare-zones")
	t.Parallel()
	f := newFamily(t)
	f.edition(t, "corp.example", 1, 604800)
	f.serve(t, fmt.Sprintf(`
  - name: corp.example
    file: corp.example.zone
    allow-transfer: [{ key: transfer.key }]
    notify: [{ address: %s, key: transfer.key }, { address: %s, key: transfer.key }]
`, bindAddr, knotAddr))
	bind := f.named(t, fmt.Sprintf(`
zone "corp.example" { type secondary; file "bind.copy"; masterfile-format text; primaries { %s key transfer.key; }; request-ixfr yes; };
`, ourAddr))
	knot := f.knot(t, fmt.Sprintf("  - domain: corp.example.\n    file: %q\n    master: sextant\n    acl: [from-sextant, anybody]\n    zonefile-sync: 0\n", f.path("knot.copy")))
	f.reaches(t, bind, bindAddr, "corp.example", 1)
	f.reaches(t, knot, knotAddr, "corp.example", 1)
	f.says(t, "transferred zone=corp.example. type=AXFR key=transfer.key")

	f.edition(t, "corp.example", 2, 604800)
	f.signal(t, f.sextant)
	f.reaches(t, bind, bindAddr, "corp.example", 2)
	f.reaches(t, knot, knotAddr, "corp.example", 2)
	f.says(t, "transferred type=IXFR client="+bindAddr+" records=8 messages=1")
	f.says(t, "transferred type=IXFR client="+knotAddr+" records=8 messages=1")
	f.says(t, "notify: sent peer="+bindAddr)
	f.says(t, "notify: sent peer="+knotAddr)

	ours := f.whole(t, ourAddr, "corp.example", withKey(goodKey)...)
	if len(ours) < 1500 {
		t.Fatalf("only %d RRs", len(ours))
	}
	for who, address := range map[string]string{"BIND": bindAddr, "Knot": knotAddr} {
		if theirs := f.whole(t, address, "corp.example"); !slices.Equal(ours, theirs) {
			t.Errorf("%s has %d RRs, we have %d", who, len(theirs), len(ours))
		}
	}
	write(t, f.path("arrived"), strings.Join(ours, "\n")+"\n")
	f.run(t, "named-checkzone", "corp.example", f.path("arrived"))
	if out := f.run(t, "ldns-compare-zones", "-a", f.path("arrived"), f.path("corp.example.zone")); !strings.Contains(out, "+0") || !strings.Contains(out, "~0") {
		t.Errorf("what arrived is not what the file has: %s", out)
	}

	t.Run("others are refused", func(t *testing.T) {
		for args, want := range map[string]string{
			"": "Transfer failed",
			"-y hmac-sha256:transfer.key:" + wrongKey: "BADSIG",
			"-y hmac-sha256:other.key:" + goodKey:     "BADKEY",
			"-y hmac-sha512:transfer.key:" + goodKey:  "BADKEY",
		} {
			out, _ := f.try(t, append([]string{"dig", "@" + ourAddr, "corp.example", "AXFR"}, strings.Fields(args)...)...)
			if !strings.Contains(out, want) || strings.Contains(out, "n100.corp.example") {
				t.Errorf("%s: want %s, got\n%s", args, want, out)
			}
		}
		f.try(t, "dig", "@"+ourAddr, "corp.example", "IXFR=1", "+notcp")
		f.says(t, "transfer refused type=IXFR rcode=REFUSED")
	})
	t.Run("over UDP the SOA says what there is", func(t *testing.T) {
		out := f.run(t, append([]string{"dig", "@" + ourAddr, "corp.example", "IXFR=1", "+notcp"}, withKey(goodKey)...)...)
		if strings.Count(out, "\tSOA\t") != 1 || !strings.Contains(out, " 2 3600 ") {
			t.Errorf("want one SOA, got\n%s", out)
		}
	})
	t.Run("who has it all hears nothing new", func(t *testing.T) {
		out := f.run(t, append([]string{"dig", "@" + ourAddr, "corp.example", "IXFR=2", "+tcp"}, withKey(goodKey)...)...)
		if strings.Count(out, "\tSOA\t") != 1 {
			t.Errorf("want one SOA, got\n%s", out)
		}
	})
	t.Run("a signed question has a signed answer", func(t *testing.T) {
		out := f.run(t, append([]string{"dig", "@" + ourAddr, "changes.corp.example", "A"}, withKey(goodKey)...)...)
		if !strings.Contains(out, "192.0.2.2") || !strings.Contains(out, "TSIG PSEUDOSECTION") || strings.Contains(out, "WARNING") {
			t.Errorf("got\n%s", out)
		}
	})
}

// Sextant copies zones from BIND and Knot, signed: at once when they say that there is
// something new, from disk after a restart, and not beyond their time.
func TestSecondaryOfBINDAndKnot(t *testing.T) {
	needs(t, "root", "ip", "named", "knotd", "dig")
	t.Parallel()
	f := newFamily(t)
	for _, zone := range []string{"bind.example", "knot.example"} {
		f.edition(t, zone, 1, 604800)
	}
	bind := f.named(t, fmt.Sprintf(`
server %s { keys transfer.key; };
zone "bind.example" { type primary; file "bind.example.zone"; ixfr-from-differences yes; journal "bind.journal";
	allow-transfer { key transfer.key; 127.0.0.3; }; also-notify { %[1]s key transfer.key; }; };
`, ourAddr))
	knot := f.knot(t, fmt.Sprintf("  - domain: knot.example.\n    file: %q\n    acl: [from-sextant]\n    notify: sextant\n    zonefile-load: difference\n    zonefile-sync: -1\n    journal-content: changes\n", f.path("knot.example.zone")))
	f.serve(t, fmt.Sprintf(`
  - { name: bind.example, primaries: [{ address: %s, key: transfer.key }], store: bind.store, allow-transfer: [127.0.0.0/8] }
  - { name: knot.example, primaries: [{ address: %s, key: transfer.key }], store: knot.store, allow-transfer: [127.0.0.0/8] }
`, bindAddr, knotAddr))
	peers := []struct {
		zone, address string
		p             *process
	}{{"bind.example", bindAddr, bind}, {"knot.example", knotAddr, knot}}
	for _, c := range peers {
		f.reaches(t, f.sextant, ourAddr, c.zone, 1)
		f.edition(t, c.zone, 2, 604800)
		f.signal(t, c.p)
		f.reaches(t, f.sextant, ourAddr, c.zone, 2)
		f.says(t, "notify: received zone="+c.zone+". peer="+c.address)
		f.says(t, "copy transferred zone="+c.zone+". serial=2 incremental=true")
		expect(t, f.dig(t, "@"+ourAddr, "changes."+c.zone, "A"), "NOERROR", "changes."+c.zone+". A 192.0.2.2")
		expectFlag(t, f.dig(t, "@"+ourAddr, c.zone, "SOA"), "aa")
		if theirs, ours := f.whole(t, c.address, c.zone, withKey(goodKey)...), f.whole(t, ourAddr, c.zone); len(ours) < 1500 || !slices.Equal(theirs, ours) {
			t.Errorf("%s: they have %d RRs, we have %d", c.zone, len(theirs), len(ours))
		}
	}
	if out := f.run(t, sextant, "status", "--socket", f.path("control.sock")); !strings.Contains(out, "bind.example. current, serial 2 from "+bindAddr+":53") {
		t.Errorf("got\n%s", out)
	}

	t.Run("NOTIFY of others is refused", func(t *testing.T) {
		for server, want := range map[string]string{"knot.example": "REFUSED", "nosuch.example": "NOTAUTH"} {
			out := f.run(t, "dig", "@"+ourAddr, server, "SOA", "+opcode=NOTIFY", "+norecurse")
			if !strings.Contains(out, "status: "+want) {
				t.Errorf("%s: want %s, got\n%s", server, want, out)
			}
		}
	})

	// Nobody is there any more, and a copy's time comes to its end.
	f.edition(t, "bind.example", 3, 4)
	f.signal(t, bind)
	f.reaches(t, f.sextant, ourAddr, "bind.example", 3)
	bind.end()
	knot.end()
	f.sextant.until(t, func() error {
		if r := f.dig(t, "@"+ourAddr, "changes.bind.example.", "A"); r.status != "SERVFAIL" || r.ede != "24" {
			return errors.New(r.text)
		}
		return nil
	})
	if code := f.sextant.stop(t, syscall.SIGTERM); code != 0 {
		t.Errorf("sextant ended with exit code %d", code)
	}
	f.sextant = f.start(t, f.answers(t, ourAddr, "sextant.own."), sextant, "serve", "--config", f.path("sextant.yaml"))
	expect(t, f.dig(t, "@"+ourAddr, "changes.knot.example", "A"), "NOERROR", "changes.knot.example. A 192.0.2.2")
	expect(t, f.dig(t, "@"+ourAddr, "changes.bind.example", "A"), "SERVFAIL")
}

// With another secret nothing comes, and the log says why.
func TestSecondaryWithTheWrongKey(t *testing.T) {
	needs(t, "root", "ip", "named", "knotd", "dig")
	t.Parallel()
	f := newFamily(t)
	f.edition(t, "bind.example", 1, 604800)
	f.edition(t, "knot.example", 1, 604800)
	f.named(t, `zone "bind.example" { type primary; file "bind.example.zone"; allow-transfer { key transfer.key; }; };`)
	f.knot(t, fmt.Sprintf("  - domain: knot.example.\n    file: %q\n    acl: [from-sextant]\n", f.path("knot.example.zone")))
	f.serve(t, fmt.Sprintf(`
  - { name: bind.example, primaries: [{ address: %s, key: wrong.key }] }
  - { name: knot.example, primaries: [{ address: %s, key: wrong.key }] }
`, bindAddr, knotAddr))
	for _, zone := range []string{"bind.example", "knot.example"} {
		f.says(t, "copy failed zone="+zone+". BADKEY")
		r := f.dig(t, "@"+ourAddr, zone, "SOA")
		expect(t, r, "SERVFAIL")
		if r.ede != "14" { // it has never come; one that has expired is 24
			t.Errorf("want EDE 14, got\n%s", r.text)
		}
	}
	conf, err := os.ReadFile(f.path("sextant.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(conf), "key: wrong.key", "key: transfer.key")
	write(t, f.path("sextant.yaml"), strings.Replace(text, goodKey, wrongKey, 1))
	f.signal(t, f.sextant)
	f.says(t, "copy failed zone=bind.example. BADSIG")
	f.says(t, "copy failed zone=knot.example. BADSIG")
	write(t, f.path("sextant.yaml"), text)
	f.signal(t, f.sextant) // the key is another one now, and the copies are the same
	f.reaches(t, f.sextant, ourAddr, "bind.example", 1)
	f.reaches(t, f.sextant, ourAddr, "knot.example", 1)
}
