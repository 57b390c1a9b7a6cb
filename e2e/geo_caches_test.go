//go:build e2e

package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Three programs that tell an authority of their clients' networks (RFC 7871) in front of a
// zone of ours that answers by network: each client hears what is for its network, and what
// was kept serves, with the authority gone, everybody in the scope that it came with, and
// nobody else.
func TestAnswersByLocationThroughCaches(t *testing.T) {
	needs(t, "root", "ip", "dig", "dnsmasq", "unbound")
	t.Parallel()
	g := newGeoCaches(t)
	heard := func(client, data string) [3]string {
		return [3]string{"www.geo.test", client, "www.geo.test. A " + data}
	}
	shared := func(client string) [3]string {
		return [3]string{"plain.geo.test", client, "plain.geo.test. A 192.0.2.50"}
	}
	first := [][3]string{
		heard("81.2.3.4", "192.0.2.1"), heard("133.1.2.3", "192.0.2.2"), heard("9.9.9.9", "192.0.2.80"),
		heard("133.1.9.9", "192.0.2.2"), heard("81.2.3.4", "192.0.2.1"), shared("81.2.3.4"),
	}
	for _, name := range []string{"dnsmasq", "unbound", "sextant"} {
		g.check(t, name, first)
	}
	g.authority.stop(t, os.Interrupt)
	// 81.0.0.0/10, 133.1.0.0/16 and 0.0.0.0/2 were told; what is for everyone has scope 0.
	kept := [][3]string{
		heard("81.3.9.9", "192.0.2.1"), heard("133.1.200.1", "192.0.2.2"), heard("8.8.8.8", "192.0.2.80"),
		shared("133.1.2.3"), shared("200.1.1.1"),
		{"www.geo.test", "200.1.1.1", ""}, {"www.geo.test", "133.2.1.1", ""},
	}
	for _, name := range []string{"unbound", "sextant"} {
		g.check(t, name, kept)
	}
	// dnsmasq keeps nothing that it has told a network for (dnsmasq(8), --add-subnet).
	g.check(t, "dnsmasq", [][3]string{{"www.geo.test", "81.2.3.4", ""}})
}

// geoCaches are an authority and what is in front of it, on a host that has the addresses of
// all clients as well.
type geoCaches struct {
	host      host
	authority *process
	ports     map[string]string
}

func newGeoCaches(t *testing.T) *geoCaches {
	t.Helper()
	g := &geoCaches{host: newHost(t, "geocaches"), ports: map[string]string{"dnsmasq": "15302", "unbound": "15303", "sextant": "15304"}}
	for _, client := range []string{"81.2.3.4", "81.3.9.9", "133.1.2.3", "133.1.9.9", "133.1.200.1", "133.2.1.1", "9.9.9.9", "8.8.8.8", "200.1.1.1"} {
		g.host.ip(t, "address add "+client+"/32 dev lo")
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "geo.zone"), `$ORIGIN geo.test.
$TTL 300
@     SOA ns nobody.invalid. 1 1800 900 604800 60
@     NS  ns
ns    A   127.0.0.1
www   A   192.0.2.80
plain A   192.0.2.50
`)
	write(t, filepath.Join(dir, "geo.geo"), "$WHEN 81.0.0.0/10\nwww A 192.0.2.1\n$WHEN 133.1.0.0/16\nwww A 192.0.2.2\n")
	write(t, filepath.Join(dir, "authority.yaml"), fmt.Sprintf(`
listen: [127.0.0.1:15301]
control: { socket: "off" }
zones: [{ name: geo.test, file: %[1]s/geo.zone, overlay: %[1]s/geo.geo }]
views: [{ name: all, clients: [0.0.0.0/0], recursion: false, zones: [geo.test] }]
`, dir))
	g.authority = g.host.start(t, g.answers(t, "15301"), sextant, "serve", "--config", filepath.Join(dir, "authority.yaml"))
	g.startCaches(t, dir)
	return g
}

func (g *geoCaches) answers(t *testing.T, port string) func(*process) error {
	return func(*process) error {
		_, err := g.host.try(t, "dig", "@127.0.0.1", "-p", port, "+tries=1", "+time=1", "geo.test", "SOA")
		return err
	}
}

func (g *geoCaches) startCaches(t *testing.T, dir string) {
	t.Helper()
	g.host.start(t, g.answers(t, g.ports["dnsmasq"]), "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
		"--user=root", "--pid-file=", "--port="+g.ports["dnsmasq"], "--listen-address=127.0.0.1", "--bind-interfaces", "--add-subnet=24,56", "--server=127.0.0.1#15301")
	write(t, filepath.Join(dir, "unbound.conf"), fmt.Sprintf(`
server:
	interface: 127.0.0.1@%s
	access-control: 0.0.0.0/0 allow
	do-not-query-localhost: no
	module-config: "subnetcache iterator"
	send-client-subnet: 127.0.0.1
	client-subnet-zone: geo.test
	local-zone: "test." nodefault
	directory: %q
	chroot: ""
	username: ""
	pidfile: ""
	use-syslog: no
	num-threads: 1
stub-zone:
	name: geo.test
	stub-addr: 127.0.0.1@15301
`, g.ports["unbound"], dir))
	g.host.start(t, g.answers(t, g.ports["unbound"]), "unbound", "-d", "-c", filepath.Join(dir, "unbound.conf"))
	write(t, filepath.Join(dir, "sextant.yaml"), fmt.Sprintf(`
listen: [127.0.0.1:%s]
control: { socket: "off" }
ecs: { send: client }
dnssec: { validate: false }
resolver: { priming: false }
stub: [{ name: geo.test, servers: ["127.0.0.1:15301"] }]
views: [{ name: all, clients: [0.0.0.0/0] }]
`, g.ports["sextant"]))
	g.host.start(t, g.answers(t, g.ports["sextant"]), sextant, "serve", "--config", filepath.Join(dir, "sextant.yaml"))
}

// check asks a cache names as clients, and wants what each is to hear: "" for no answer.
func (g *geoCaches) check(t *testing.T, cache string, questions [][3]string) {
	t.Helper()
	for _, q := range questions {
		question, client, want := q[0], q[1], q[2]
		out, _ := g.host.try(t, "dig", "-b", client, "@127.0.0.1", "-p", g.ports[cache], "+tries=1", "+time=2", question, "A")
		if got := strings.Join(slices.Compact(parseDig(out).answer), ", "); got != want {
			t.Errorf("%s, %s of %s: %q, want %q\n%s", cache, question, client, got, want, out)
		}
	}
}
