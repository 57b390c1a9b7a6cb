//go:build e2e

package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// A signed Internet on the loopback addresses of one host: BIND signs and serves the
// root and two top-level domains by dnssec-policy, NSD serves what was signed by
// hand, well and badly.
const (
	signedBIND    = "127.0.0.2" // the root
	signedTLDs    = "127.0.0.3" // p256. and ed.
	signedNSD     = "127.0.0.4" // children of p256.
	signedSextant = "127.0.0.1"
)

type signedInternet struct {
	host host
	dir  string
	root string // the root's DNSKEY, for a trust anchor
}

// policies are what BIND signs by: ECDSA with NSEC, and Ed25519 with NSEC3.
const policies = `
dnssec-policy "p256" { keys { csk lifetime unlimited algorithm ecdsap256sha256; }; };
dnssec-policy "ed" { keys { csk lifetime unlimited algorithm ed25519; }; nsec3param iterations 0 optout no salt-length 8; };
`

func newSignedInternet(t *testing.T) *signedInternet {
	t.Helper()
	n := &signedInternet{host: newHost(t, "signed"), dir: t.TempDir()}
	for _, a := range []string{signedBIND, signedTLDs, signedNSD} {
		n.host.ip(t, "addr add "+a+"/8 dev lo") // BIND listens on addresses that it finds on interfaces
	}
	write(t, filepath.Join(n.dir, "policies.conf"), policies)
	children := n.signChildren(t)
	tld := func(apex, policy, more string) string {
		n.zoneFile(t, apex, signedTLDs, fmt.Sprintf("www A 192.0.2.1\n*.wild A 192.0.2.2\nalias CNAME www.p256.\nent.below TXT here\n%s", more))
		return n.key(t, apex, policy)
	}
	delegations := ""
	for _, d := range []struct{ apex, ds string }{{"p256.", tld("p256.", "p256", children)}, {"ed.", tld("ed.", "ed", "plain NS ns.plain\nns.plain A "+signedNSD+"\n")}} {
		delegations += fmt.Sprintf("%s NS ns.%s\nns.%s A %s\n%s\n", d.apex, d.apex, d.apex, signedTLDs, d.ds)
	}
	n.zoneFile(t, ".", signedBIND, delegations)
	n.key(t, ".", "p256")
	keys, err := filepath.Glob(filepath.Join(n.dir, "K.+*.key"))
	if err != nil || len(keys) != 1 {
		t.Fatal(keys, err)
	}
	n.root = n.read(t, keys[0])
	n.startSignedBIND(t)
	n.startSignedNSD(t)
	return n
}

// zoneFile writes an unsigned zone with one name server.
func (n *signedInternet) zoneFile(t *testing.T, apex, server, records string) (path string) {
	t.Helper()
	path = filepath.Join(n.dir, strings.TrimSuffix(apex, ".")+".zone")
	ns := "ns." + strings.TrimPrefix(apex, ".")
	write(t, path, fmt.Sprintf("$ORIGIN %s\n$TTL 300\n@ SOA %s hostmaster.invalid. 1 3600 900 604800 60\n@ NS %s\n%s A %s\n%s\n", apex, ns, ns, ns, server, records))
	return path
}

// key makes the key that BIND will sign a zone with, and returns its DS.
func (n *signedInternet) key(t *testing.T, apex, policy string) (ds string) {
	t.Helper()
	n.host.run(t, "dnssec-keygen", "-q", "-K", n.dir, "-k", policy, "-l", filepath.Join(n.dir, "policies.conf"), apex)
	return n.ds(t, apex)
}

func (n *signedInternet) ds(t *testing.T, apex string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(n.dir, "K"+apex+"+*.key"))
	if err != nil || len(files) == 0 {
		t.Fatal(apex, files, err)
	}
	return n.host.run(t, "dnssec-dsfromkey", "-2", files[0])
}

func (n *signedInternet) read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// child is a zone below p256. and what is done to it.
type child struct {
	name    string
	signed  bool
	options []string                   // of dnssec-signzone
	ds      func(ds string) string     // what p256. gets to know; nil: the truth
	spoil   func(signed string) string // the signed zone; nil: nothing
	nsec3   bool
}

func signedChildren() []child {
	none := func(string) string { return "" }
	return []child{
		{name: "good", signed: true},
		{name: "good3", signed: true, nsec3: true},
		{name: "plain", ds: none},
		{name: "islet", signed: true, ds: none}, // the DS is missing: insecure
		{name: "expired", signed: true, options: []string{"-s", "20200101000000", "-e", "20200201000000"}},
		{name: "early", signed: true, options: []string{"-s", "20900101000000", "-e", "20900201000000"}},
		{name: "wrongkey", signed: true, ds: func(ds string) string {
			return regexp.MustCompile(`[0-9A-F]{8}\s*$`).ReplaceAllString(strings.TrimSpace(ds), "00000000") + "\n"
		}},
		{name: "stripped", signed: true, spoil: func(zone string) string { // of www only
			return regexp.MustCompile(`(?m)^www\.\S+\s+\d+\s+IN\s+RRSIG\s+A .*\n`).ReplaceAllString(zone, "")
		}},
		{name: "unsigned", ds: func(string) string {
			return "unsigned DS 12345 13 2 49FD46E6C4B45C55D4AC69CBD3CD34AC1AFE51DE49FD46E6C4B45C55D4AC69CB\n"
		}},
		{name: "badnsec3", signed: true, nsec3: true, spoil: func(zone string) string { // one that is needed is of another name
			return regexp.MustCompile(`(?m)^[0-9A-V]{4}([0-9A-V]{28}\.badnsec3\.p256\.)`).ReplaceAllString(zone, "0000$1")
		}},
	}
}

// signChildren makes the zones below p256. and returns what p256. says of them.
func (n *signedInternet) signChildren(t *testing.T) (delegations string) {
	t.Helper()
	for _, c := range signedChildren() {
		apex := c.name + ".p256."
		path := n.zoneFile(t, apex, signedNSD, "www A 192.0.2.80\nwww AAAA 2001:db8::80\nv4 A 192.0.2.81\n*.wild A 192.0.2.82\nout CNAME www.ed.\n")
		ds := ""
		if c.signed {
			n.host.run(t, "dnssec-keygen", "-q", "-K", n.dir, "-a", "ecdsap256sha256", "-f", "KSK", apex)
			ds = n.ds(t, apex)
			args := append([]string{"dnssec-signzone", "-P", "-z", "-d", n.dir, "-O", "full", "-K", n.dir, "-S", "-N", "keep", "-o", apex, "-f", path + ".signed"}, c.options...)
			if c.nsec3 {
				args = append(args, "-3", "a1b2c3d4", "-H", "2")
			}
			n.host.run(t, append(args, path)...)
			text := n.read(t, path+".signed")
			if c.spoil != nil {
				spoiled := c.spoil(text)
				if spoiled == text {
					t.Fatalf("%s was not spoiled", apex)
				}
				text = spoiled
			}
			write(t, path, text)
		}
		if c.ds != nil {
			ds = c.ds(ds)
		}
		delegations += fmt.Sprintf("%s NS ns.%s\nns.%s A %s\n%s", c.name, c.name, c.name, signedNSD, ds)
	}
	return delegations
}

func (n *signedInternet) startSignedBIND(t *testing.T) {
	t.Helper()
	var zones strings.Builder
	for _, z := range []struct{ apex, policy string }{{".", "p256"}, {"p256.", "p256"}, {"ed.", "ed"}} {
		fmt.Fprintf(&zones, "zone %q { type primary; file %q; dnssec-policy %q; inline-signing yes; };\n",
			z.apex, filepath.Join(n.dir, strings.TrimSuffix(z.apex, ".")+".zone"), z.policy)
	}
	conf := filepath.Join(n.dir, "named.conf")
	write(t, conf, fmt.Sprintf(`
options {
	directory %[1]q;  key-directory %[1]q;  pid-file none;  lock-file none;  session-keyfile "session.key";
	listen-on { %[2]s; %[3]s; };  listen-on-v6 { none; };
	recursion no;  dnssec-validation no;  notify no;
};
controls { };
%[4]s
%[5]s`, n.dir, signedBIND, signedTLDs, policies, zones.String()))
	signed := func(*process) error {
		for server, name := range map[string]string{signedBIND: ".", signedTLDs: "www.ed"} {
			out, err := n.host.try(t, "dig", "@"+server, name, "A", "+dnssec", "+tries=1", "+time=1")
			if err != nil || !strings.Contains(out, "RRSIG") {
				return fmt.Errorf("%s is not signed yet: %v %s", name, err, out)
			}
		}
		out, err := n.host.try(t, "dig", "@"+signedTLDs, "none.ed", "A", "+dnssec", "+tries=1", "+time=1")
		if err != nil || !strings.Contains(out, "NSEC3") {
			return fmt.Errorf("ed. has no NSEC3 yet: %v %s", err, out)
		}
		return nil
	}
	n.host.start(t, signed, "named", "-g", "-n", "1", "-c", conf)
}

func (n *signedInternet) startSignedNSD(t *testing.T) {
	t.Helper()
	var zones strings.Builder
	for _, c := range signedChildren() {
		fmt.Fprintf(&zones, "zone:\n\tname: %s.p256.\n\tzonefile: %s\n", c.name, filepath.Join(n.dir, c.name+".p256.zone"))
	}
	n.zoneFile(t, "plain.ed.", signedNSD, "www A 192.0.2.83\nv4 A 192.0.2.84\n")
	fmt.Fprintf(&zones, "zone:\n\tname: plain.ed.\n\tzonefile: %s\n", filepath.Join(n.dir, "plain.ed.zone"))
	conf := filepath.Join(n.dir, "nsd.conf")
	write(t, conf, fmt.Sprintf(`
server:
	ip-address: %[1]s
	server-count: 1
	zonesdir: %[2]s
	database: ""
	pidfile: %[2]s/nsd.pid
	xfrdfile: %[2]s/xfrd.state
	zonelistfile: %[2]s/zone.list
	username: ""
remote-control:
	control-enable: no
%[3]s`, signedNSD, n.dir, zones.String()))
	n.host.start(t, n.host.answers(t, signedNSD, "good.p256."), "nsd", "-d", "-c", conf)
}

// serveValidating starts Sextant with the root's key as its only trust anchor.
func (n *signedInternet) serveValidating(t *testing.T, more string) *process {
	t.Helper()
	hints, conf, anchor := filepath.Join(n.dir, "root.hints"), filepath.Join(n.dir, "sextant.yaml"), filepath.Join(n.dir, "root.key")
	write(t, hints, fmt.Sprintf(". 3600000 NS ns.\nns. 3600000 A %s\n", signedBIND))
	write(t, anchor, n.root)
	write(t, conf, fmt.Sprintf(`
listen: ["%s:53"]
resolver: {root-hints: %s, do-not-query: [], ipv6: false}
dnssec: {builtin-anchor: false, trust-anchor-files: [%s]}
%s`, signedSextant, hints, anchor, more))
	return n.host.start(t, n.host.answers(t, signedSextant, "."), sextant, "serve", "--config", conf)
}

// BIND and NSD serve zones that are signed in all the usual ways, and some that are
// broken in all the usual ways.
func TestValidation(t *testing.T) {
	needs(t, "root", "ip", "named", "nsd", "dig", "delv", "dnssec-keygen", "dnssec-signzone", "dnssec-dsfromkey")
	t.Parallel()
	n := newSignedInternet(t)
	n.serveValidating(t, "")
	const secure, insecure = "ad", "-ad"
	for _, c := range []struct{ name, qtype, flag, status string }{
		{".", "SOA", secure, "NOERROR"},
		{"www.p256", "A", secure, "NOERROR"},
		{"www.ed", "A", secure, "NOERROR"},
		{"alias.ed", "A", secure, "NOERROR"},
		{"x.wild.p256", "A", secure, "NOERROR"},
		{"x.wild.ed", "A", secure, "NOERROR"},
		{"www.p256", "TXT", secure, "NOERROR"},
		{"www.ed", "TXT", secure, "NOERROR"},
		{"x.wild.ed", "TXT", secure, "NOERROR"},
		{"below.p256", "A", secure, "NOERROR"}, // an empty non-terminal
		{"below.ed", "A", secure, "NOERROR"},
		{"none.p256", "A", secure, "NXDOMAIN"},
		{"a.none.ed", "A", secure, "NXDOMAIN"},
		{"absent", "A", secure, "NXDOMAIN"},
		{"ed", "DNSKEY", secure, "NOERROR"},
		{"ed", "DS", secure, "NOERROR"},
		{"plain.p256", "DS", secure, "NOERROR"},
		{"plain.ed", "DS", secure, "NOERROR"},
		{"www.good.p256", "A", secure, "NOERROR"},
		{"www.good3.p256", "A", secure, "NOERROR"},
		{"x.wild.good3.p256", "A", secure, "NOERROR"},
		{"none.good.p256", "A", secure, "NXDOMAIN"},
		{"none.good3.p256", "A", secure, "NXDOMAIN"},
		{"v4.good3.p256", "AAAA", secure, "NOERROR"},
		{"out.good.p256", "A", secure, "NOERROR"},
		{"www.plain.p256", "A", insecure, "NOERROR"},
		{"none.plain.p256", "A", insecure, "NXDOMAIN"},
		{"www.plain.ed", "A", insecure, "NOERROR"},
		{"www.islet.p256", "A", insecure, "NOERROR"},
		{"out.plain.p256", "A", insecure, "NOERROR"},
	} {
		r := n.host.dig(t, "@"+signedSextant, c.name, c.qtype, "+dnssec")
		if r.status != c.status {
			t.Errorf("want %s, got\n%s", c.status, r.text)
		}
		expectFlag(t, r, c.flag)
	}

	// What BIND's validator thinks of the same.
	anchor := filepath.Join(n.dir, "delv.key")
	f := strings.Fields(regexp.MustCompile(`(?m)^;.*\n`).ReplaceAllString(n.root, ""))
	i := 0
	for f[i] != "DNSKEY" {
		i++
	}
	write(t, anchor, fmt.Sprintf("trust-anchors { \".\" static-key %s %s %s %q; };\n", f[i+1], f[i+2], f[i+3], strings.Join(f[i+4:], "")))
	for _, c := range []struct{ name, qtype, want string }{
		{"www.good.p256", "A", "; fully validated"},
		{"none.good3.p256", "A", "; negative response, fully validated"},
		{"x.wild.ed", "A", "; fully validated"},
		{"www.plain.p256", "A", "; unsigned answer"},
	} {
		if out := n.host.run(t, "delv", "@"+signedSextant, "-a", anchor, "+root=.", c.name, c.qtype); !strings.Contains(out, c.want) {
			t.Errorf("delv %s %s: want %q in\n%s", c.name, c.qtype, c.want, out)
		}
	}
}

// Whatever is broken is a SERVFAIL that says in which way (RFC 8914 4.6-4.13), and
// with CD the client gets what there is (RFC 4035 3.2.2).
func TestBogusZones(t *testing.T) {
	needs(t, "root", "ip", "named", "nsd", "dig", "delv", "dnssec-keygen", "dnssec-signzone", "dnssec-dsfromkey")
	t.Parallel()
	n := newSignedInternet(t)
	n.serveValidating(t, "")
	for _, c := range []struct{ name, qtype, ede, withCD string }{
		{"www.expired.p256", "A", "7", "NOERROR"},
		{"www.early.p256", "A", "8", "NOERROR"},
		{"www.wrongkey.p256", "A", "9", "NOERROR"},
		{"www.stripped.p256", "A", "10", "NOERROR"},
		{"www.unsigned.p256", "A", "9", "NOERROR"},
		{"none.badnsec3.p256", "A", "12", "NXDOMAIN"},
	} {
		begin := time.Now()
		for range 2 { // the second from memory
			r := n.host.dig(t, "@"+signedSextant, c.name, c.qtype, "+dnssec")
			if r.status != "SERVFAIL" || r.ede != c.ede {
				t.Errorf("want SERVFAIL with EDE %s, got\n%s", c.ede, r.text)
			}
			expectFlag(t, r, "-ad")
		}
		t.Logf("%s took %v", c.name, time.Since(begin).Round(time.Millisecond))
		if r := n.host.dig(t, "@"+signedSextant, c.name, c.qtype, "+cd"); r.status != c.withCD {
			t.Errorf("with CD: want %s, got\n%s", c.withCD, r.text)
		}
	}
	// Its neighbours have nothing to suffer from it.
	for _, name := range []string{"www.good.p256", "v4.stripped.p256", "www.badnsec3.p256"} {
		r := n.host.dig(t, "@"+signedSextant, name, "A", "+dnssec")
		expectFlag(t, r, "ad")
	}
}
