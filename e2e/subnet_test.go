//go:build e2e

package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Two authorities that answer by network, Knot and gdnsd, and two resolvers that
// tell them of it, Unbound and Sextant, side by side.
func TestSubnetsBesideUnbound(t *testing.T) {
	needs(t, "root", "ip", "knotd", "gdnsd", "unbound", "dig")
	t.Parallel()
	alone, dir := newHost(t, "subnet"), t.TempDir()
	const knot, gdnsd, unbound, ours = "15301", "15302", "15303", "15304"
	ready := func(port, zone string) func(*process) error {
		return func(*process) error {
			_, err := alone.try(t, "dig", "@127.0.0.1", "-p", port, "+tries=1", "+time=1", zone, "SOA")
			return err
		}
	}
	startKnot(t, alone, filepath.Join(dir, "knot"), knot, ready(knot, "geo.test"))
	startGdnsd(t, alone, filepath.Join(dir, "gdnsd"), gdnsd, ready(gdnsd, "dyn.test"))

	write(t, filepath.Join(dir, "unbound.conf"), fmt.Sprintf(`
server:
	interface: 127.0.0.1@%s
	do-not-query-localhost: no
	module-config: "subnetcache iterator"
	send-client-subnet: 127.0.0.1
	client-subnet-always-forward: yes
	local-zone: "test." nodefault
	directory: %q
	chroot: ""
	username: ""
	pidfile: ""
	use-syslog: no
	num-threads: 1
stub-zone:
	name: geo.test
	stub-addr: 127.0.0.1@%s
stub-zone:
	name: dyn.test
	stub-addr: 127.0.0.1@%s
`, unbound, dir, knot, gdnsd))
	alone.start(t, ready(unbound, "geo.test"), "unbound", "-d", "-c", filepath.Join(dir, "unbound.conf"))
	write(t, filepath.Join(dir, "sextant.yaml"), fmt.Sprintf(`
listen: [127.0.0.1:%s]
ecs: { send: option }
dnssec: { validate: false }
resolver: { priming: false }
stub:
  - { name: geo.test, servers: ["127.0.0.1:%s"] }
  - { name: dyn.test, servers: ["127.0.0.1:%s"] }
`, ours, knot, gdnsd))
	alone.start(t, ready(ours, "geo.test"), sextant, "serve", "--config", filepath.Join(dir, "sextant.yaml"))

	ask := func(port, question, subnet string) (answer, scope string) {
		t.Helper()
		args := append([]string{"@127.0.0.1", "-p", port}, strings.Fields(question)...)
		if subnet != "" {
			args = append(args, "+subnet="+subnet)
		}
		r := alone.dig(t, args...)
		if m := regexp.MustCompile(`CLIENT-SUBNET: (\S+)`).FindStringSubmatch(r.text); m != nil {
			scope = m[1]
		}
		return r.status + " " + strings.Join(r.answer, ", "), scope
	}
	// The default of Knot's module is last: it says that it is for everyone, although
	// there are networks with other answers, and then it is.
	for _, c := range []struct{ question, subnet, scope string }{
		{"www.geo.test A", "9.8.7.0/24", "9.8.7.0/24/16"},
		{"www.geo.test A", "9.8.1.0/24", "9.8.1.0/24/16"}, // from memory
		{"www.geo.test A", "9.9.9.0/24", "9.9.9.0/24/24"},
		{"www.geo.test A", "2600:1:2::/56", "2600:1:2::/56/32"},
		{"www.dyn.test A", "9.8.7.0/24", "9.8.7.0/24/16"},
		{"www.dyn.test A", "9.9.9.0/24", "9.9.9.0/24/24"},
		{"www.dyn.test A", "9.9.8.0/24", "9.9.8.0/24/24"},
		{"www.dyn.test A", "9.8.0.0/14", "9.8.0.0/14/16"}, // more bits are wanted than there are
		{"www.dyn.test A", "2600:1:2::/56", "2600:1:2::/56/32"},
		{"www.dyn.test A", "0.0.0.0/0", "0.0.0.0/0/0"},
		{"plain.geo.test A", "9.8.7.0/24", "9.8.7.0/24/0"},
		{"plain.dyn.test A", "9.8.7.0/24", "9.8.7.0/24/0"},
		{"none.geo.test A", "9.8.7.0/24", "9.8.7.0/24/0"},
		{"www.geo.test TXT", "9.8.7.0/24", "9.8.7.0/24/0"},
		{"plain.geo.test A", "", ""},
		{"www.geo.test A", "9.9.8.0/24", "9.9.8.0/24/0"},
	} {
		authority := knot
		if strings.Contains(c.question, "dyn.") {
			authority = gdnsd
		}
		truth, _ := ask(authority, c.question, c.subnet)
		theirs, theirScope := ask(unbound, c.question, c.subnet)
		answer, scope := ask(ours, c.question, c.subnet)
		if answer != truth || scope != c.scope {
			t.Errorf("%s of %s: %q for %s, want %q for %s", c.question, c.subnet, answer, scope, truth, c.scope)
		}
		if theirs != answer || theirScope != scope {
			t.Logf("%s of %s: Unbound says %q for %q, we say %q for %q", c.question, c.subnet, theirs, theirScope, answer, scope)
		}
		if theirs != answer && theirs == truth {
			t.Errorf("%s of %s: Unbound is right and we are not", c.question, c.subnet)
		}
	}
}

func folder(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(path, 0o755); err != nil {
		t.Fatal(err)
	}
}

// startKnot serves geo.test with the module geoip: by network.
func startKnot(t *testing.T, h host, dir, port string, ready func(*process) error) {
	t.Helper()
	folder(t, dir)
	write(t, filepath.Join(dir, "geo.conf"), `
www.geo.test:
  - net: 9.8.0.0/16
    A: 192.0.2.1
  - net: 9.9.9.0/24
    A: 192.0.2.2
  - net: 2600:1::/32
    A: 192.0.2.6
`)
	write(t, filepath.Join(dir, "geo.zone"), `$ORIGIN geo.test.
$TTL 300
@     SOA ns nobody.invalid. 1 1800 900 604800 60
@     NS  ns
ns    A   127.0.0.1
www   A   192.0.2.99
plain A   192.0.2.50
`)
	write(t, filepath.Join(dir, "knot.conf"), strings.ReplaceAll(strings.ReplaceAll(`
server:
  listen: 127.0.0.1@PORT
  rundir: "DIR"
  edns-client-subnet: on
database:
  storage: "DIR/db"
mod-geoip:
  - id: geo
    config-file: "DIR/geo.conf"
    ttl: 300
    mode: subnet
zone:
  - domain: geo.test
    file: "DIR/geo.zone"
    module: mod-geoip/geo
log:
  - target: stderr
    any: info
`, "DIR", dir), "PORT", port))
	h.start(t, ready, "knotd", "-c", filepath.Join(dir, "knot.conf"))
}

// startGdnsd serves dyn.test with the plugin geoip: by network, without a database.
func startGdnsd(t *testing.T, h host, dir, port string, ready func(*process) error) {
	t.Helper()
	for _, sub := range []string{"zones", "run", "state"} {
		folder(t, filepath.Join(dir, sub))
	}
	write(t, filepath.Join(dir, "zones", "dyn.test"), `@ SOA ns nobody 1 1800 900 604800 60
@ NS ns
ns A 127.0.0.1
www 60 DYNA geoip!www
plain 60 A 192.0.2.50
`)
	write(t, filepath.Join(dir, "config"), fmt.Sprintf(`
options => { listen => 127.0.0.1:%s, run_dir => %q, state_dir => %q, edns_client_subnet => true }
plugins => { geoip => {
  maps => { m => { datacenters => [west, east], nets => { 9.8.0.0/16 => [west], 9.9.9.0/24 => [east], 2600:1::/32 => [east] } } }
  resources => { www => { map => m, dcmap => { west => 192.0.2.1, east => 192.0.2.2 } } }
} }
`, port, filepath.Join(dir, "run"), filepath.Join(dir, "state")))
	h.start(t, ready, "gdnsd", "-c", dir, "start")
}
