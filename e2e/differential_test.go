//go:build e2e

package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

// One machine, four servers, the same zones and the same questions: where Sextant
// answers otherwise than BIND, NSD or Knot, a rule says why, and each rule is
// needed. The rules are a page of the documentation (differences_test.go).
func TestDifferences(t *testing.T) {
	needs(t, "named", "nsd", "knotd", "dnssec-keygen", "dnssec-signzone")
	t.Parallel()
	text, err := os.ReadFile(differencesFile)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := readDifferences(string(text))
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(2026, 11))
	dir := t.TempDir()
	all := writeZones(t, dir, r)
	servers := []peerServer{peerSextant(t, dir, all), peerBIND(t, dir, all), peerNSD(t, dir, all), peerKnot(t, dir, all)}

	queries := queriesAbout(all, 10000, r)
	outcomes := askServers(servers, queries)
	var again []peerQuery // what did not fit into UDP
	for i, q := range queries {
		if !q.tcp && slices.ContainsFunc(outcomes, func(o []outcome) bool { return o[i].tc }) {
			q.tcp = true
			again = append(again, q)
		}
	}
	for i, more := range askServers(servers, again) {
		outcomes[i] = append(outcomes[i], more...)
	}
	queries = append(queries, again...)
	c := comparison{rules: rules, used: make([]int, len(rules))}
	for i, q := range queries {
		ours := outcomes[0][i]
		var theirs []outcome
		for _, o := range outcomes[1:] {
			theirs = append(theirs, o[i])
		}
		c.compare(t, strings.ToLower(q.name)+strings.TrimPrefix(q.String(), q.name)+ours.traits(all, q), ours, theirs)
	}
	c.report(t, len(queries), len(again))
}

// askServers puts the queries to all servers at once.
func askServers(servers []peerServer, queries []peerQuery) [][]outcome {
	outcomes := make([][]outcome, len(servers))
	var wait sync.WaitGroup
	for i, s := range servers {
		wait.Go(func() { outcomes[i] = s.askAll(queries) })
	}
	wait.Wait()
	return outcomes
}

// peers are whom we are compared with, in the order in which they are asked.
var peerNames = []string{"bind", "nsd", "knot"}

// comparison holds outcomes against the rules.
type comparison struct {
	rules     []difference
	used      []int // how many items each rule has explained
	identical int   // queries that all answer alike
	same      [3]int
	alone     int // queries in which all peers agree against us
	unruled   int
}

// compare takes a query as text.
func (c *comparison) compare(t *testing.T, q string, ours outcome, theirs []outcome) {
	t.Helper()
	items := make([][]string, len(theirs))
	different := 0
	for i := range theirs {
		items[i] = differences(ours, theirs[i])
		if len(items[i]) == 0 {
			c.same[i]++
		} else {
			different++
		}
	}
	if different == 0 {
		c.identical++
		return
	}
	if different == len(theirs) && slices.Equal(items[0], items[1]) && slices.Equal(items[1], items[2]) {
		c.alone++
	}
	for i := range items {
		for _, item := range items[i] {
			everybody := !slices.ContainsFunc(items, func(others []string) bool { return !slices.Contains(others, item) })
			if !c.explained(peerNames[i], q, item, everybody) {
				c.unruled++
				if c.unruled <= 100 {
					t.Errorf("%s: %s: no rule for %s (all agree against us: %v)", q, peerNames[i], item, everybody)
				}
			}
		}
	}
}

// explained tells whether a rule explains the item, and has a decision where it
// needs one. The first that does is used.
func (c *comparison) explained(peer, query, item string, everybody bool) bool {
	for i, d := range c.rules {
		if d.explains(peer, query, item) && (!everybody || d.decision != "") {
			c.used[i]++
			return true
		}
	}
	return false
}

func (c *comparison) report(t *testing.T, queries, truncated int) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "%d queries, %d of them over TCP because one server truncated\n", queries, truncated)
	fmt.Fprintf(&b, "%6d answered alike by all four\n%6d where the three agree against Sextant\n", c.identical, c.alone)
	for i, name := range peerNames {
		fmt.Fprintf(&b, "%6d answered alike by Sextant and %s\n", c.same[i], name)
	}
	b.WriteString("items that each rule explains:\n")
	for i, d := range c.rules {
		fmt.Fprintf(&b, "%6d %s (%s)\n", c.used[i], d.name, strings.Join(d.peers, ", "))
		if c.used[i] == 0 {
			t.Errorf("rule %q matched nothing", d.name)
		}
	}
	if c.unruled > 0 {
		t.Errorf("%d items without a rule", c.unruled)
	}
	t.Log(b.String())
}

// portFor is a port of 127.0.0.1 that nobody uses, over UDP and TCP.
func portFor(t *testing.T) int {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		port := l.Addr().(*net.TCPAddr).Port
		if u, err := net.ListenPacket("udp", l.Addr().String()); err == nil {
			u.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

// peerReady starts a server and waits until it answers for the last of the zones.
func peerReady(t *testing.T, name string, port int, all []peerZone, args ...string) peerServer {
	t.Helper()
	address := fmt.Sprintf("127.0.0.1:%d", port)
	host{}.start(t, func(*process) error {
		for _, z := range all {
			m := new(dns.Msg).SetQuestion(z.name+".", dns.TypeSOA)
			in, err := dns.Exchange(m, address)
			if err != nil {
				return err
			}
			if len(in.Answer) != 1 {
				return fmt.Errorf("zone %s is not served: %s", z.name, dns.RcodeToString[in.Rcode])
			}
		}
		return nil
	}, args...)
	return peerServer{name: name, address: address}
}

func peerSextant(t *testing.T, dir string, all []peerZone) peerServer {
	t.Helper()
	port := portFor(t)
	var b strings.Builder
	for _, z := range all {
		fmt.Fprintf(&b, "  - { name: %s, file: %q }\n", z.name, z.file)
	}
	conf := filepath.Join(dir, "sextant.yaml")
	write(t, conf, fmt.Sprintf("listen: [\"127.0.0.1:%d\"]\ncontrol: { socket: \"off\" }\ndnssec: { validate: false }\nrate-limit: { errors-per-second: 0 }\nzones:\n%sviews: [{ name: all, clients: [0.0.0.0/0, \"::/0\"], recursion: false }]\n", port, b.String()))
	return peerReady(t, "sextant", port, all, sextant, "serve", "--config", conf)
}

func peerBIND(t *testing.T, dir string, all []peerZone) peerServer {
	t.Helper()
	port := portFor(t)
	var b strings.Builder
	for _, z := range all {
		fmt.Fprintf(&b, "zone %q { type primary; file %q; check-names ignore; check-integrity no; };\n", z.name, z.file)
	}
	conf := filepath.Join(dir, "named.conf")
	write(t, conf, fmt.Sprintf(`options {
	directory %q; pid-file none; lock-file none; session-keyfile none;
	listen-on port %d { 127.0.0.1; }; listen-on-v6 { none; };
	recursion no; dnssec-validation no; zero-no-soa-ttl no; notify no; minimal-responses no-auth; minimal-any yes; edns-udp-size 1232; max-udp-size 1232;
	answer-cookie no; allow-transfer { none; }; check-sibling no; rrset-order { order none; };
};
controls { };
%s`, dir, port, b.String()))
	return peerReady(t, "bind", port, all, "named", "-g", "-n", "1", "-c", conf)
}

func peerNSD(t *testing.T, dir string, all []peerZone) peerServer {
	t.Helper()
	port := portFor(t)
	var b strings.Builder
	for _, z := range all {
		fmt.Fprintf(&b, "zone:\n\tname: %q\n\tzonefile: %q\n", z.name, z.file)
	}
	conf := filepath.Join(dir, "nsd.conf")
	write(t, conf, fmt.Sprintf(`server:
	ip-address: 127.0.0.1@%d
	username: ""
	chroot: ""
	zonesdir: %[2]q
	database: ""
	zonelistfile: "%[2]s/zone.list"
	xfrdfile: "%[2]s/xfrd.state"
	xfrdir: %[2]q
	pidfile: ""
	server-count: 1
	rrl-ratelimit: 0
	rrl-whitelist-ratelimit: 0
	minimal-responses: yes
	refuse-any: yes
	round-robin: no
remote-control:
	control-enable: no
%[3]s`, port, dir, b.String()))
	return peerReady(t, "nsd", port, all, "nsd", "-d", "-c", conf)
}

func peerKnot(t *testing.T, dir string, all []peerZone) peerServer {
	t.Helper()
	port := portFor(t)
	var b strings.Builder
	for _, z := range all {
		fmt.Fprintf(&b, "  - domain: %s.\n    file: %q\n    semantic-checks: off\n", z.name, z.file)
	}
	conf, run := filepath.Join(dir, "knot.conf"), t.TempDir()
	write(t, conf, fmt.Sprintf(`server:
    listen: 127.0.0.1@%d
    rundir: %[2]q
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
    udp-max-payload: 1232
database:
    storage: %[2]q
zone:
%[3]s`, port, run, b.String()))
	return peerReady(t, "knot", port, all, "knotd", "-c", conf)
}
