//go:build e2e

package e2e_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Servers for `sextant lint` and `sextant dns64 audit` to look at, all of them on the
// loopback addresses of one host. BIND at linted("Internet") is also the root and all that
// the resolvers are to find; its delegation of probe.example.com leads to the command itself.
const (
	lintInternet = "127.0.0.2"
	lintWitness  = "127.0.0.9"
)

// A linted is a server that is looked at.
type linted struct {
	name, address string
	version       string // of upstream
	resolver      bool
	start         func(*testing.T, *lintHost, linted)
	command       []string // that tells the version
}

// lintHost is the host with all of them.
type lintHost struct {
	host
	dir string
}

func lintedServers() []linted {
	return []linted{
		{name: "BIND", address: "127.0.1.1", command: []string{"named", "-V"}, start: lintBIND},
		{name: "NSD", address: "127.0.1.2", command: []string{"nsd", "-v"}, start: lintNSD},
		{name: "Knot", address: "127.0.1.3", command: []string{"knotd", "-V"}, start: lintKnot},
		{name: "gdnsd", address: "127.0.1.4", command: []string{"gdnsd", "version"}, start: lintGdnsd},
		{name: "PowerDNS", address: "127.0.1.5", command: []string{"pdns_server", "--version"}, start: lintPowerDNS},
		{name: "Sextant", address: "127.0.1.6", start: lintSextant},
		{name: "BIND resolver", address: "127.0.2.1", command: []string{"named", "-V"}, start: lintBINDResolver, resolver: true},
		{name: "Unbound", address: "127.0.2.2", command: []string{"unbound", "-V"}, start: lintUnbound("subnetcache iterator"), resolver: true},
		{name: "Unbound with DNS64", address: "127.0.2.5", command: []string{"unbound", "-V"}, start: lintUnbound("dns64 iterator"), resolver: true},
		{name: "PowerDNS Recursor", address: "127.0.2.3", command: []string{"pdns_recursor", "--version"}, start: lintRecursor, resolver: true},
		{name: "Sextant resolver", address: "127.0.2.4", start: lintSextantResolver, resolver: true},
	}
}

// newLintHost starts all of them, and fills in their versions.
func newLintHost(t *testing.T) (*lintHost, []linted) {
	t.Helper()
	h := &lintHost{newHost(t, "lint"), t.TempDir()}
	all := lintedServers()
	for _, a := range append([]linted{{address: lintInternet}, {address: lintWitness}}, all...) {
		h.ip(t, "addr add "+a.address+"/32 dev lo") // BIND listens on addresses that it finds on interfaces
	}
	h.zones(t)
	for i, s := range all {
		folder(t, h.file(s, ""))
		if s.command != nil {
			out, _ := h.try(t, s.command...) // some end with an exit code
			all[i].version = regexp.MustCompile(`\d+\.\d+\.\d+`).FindString(out)
		}
		s.start(t, h, s)
	}
	return h, all
}

// file is a file of a server.
func (h *lintHost) file(s linted, name string) string {
	return filepath.Join(h.dir, strings.ReplaceAll(s.name, " ", "-"), name)
}

// serve starts a server with a configuration in which DIR, HOST, ADDRESS and INTERNET
// stand for what they are.
func (h *lintHost) serve(t *testing.T, s linted, zone, conf, text string, command ...string) {
	t.Helper()
	fill := strings.NewReplacer("DIR", h.file(s, ""), "HOST", h.dir, "ADDRESS", s.address, "INTERNET", lintInternet)
	write(t, h.file(s, conf), fill.Replace(text))
	for i := range command {
		command[i] = fill.Replace(command[i])
	}
	h.start(t, h.answers(t, s.address, zone), command...)
}

const lintSOA = "$TTL 300\n@ SOA ns hostmaster 1 7200 900 1209600 60\n@ NS ns\n"

// zones writes the master files that several read.
func (h *lintHost) zones(t *testing.T) {
	t.Helper()
	example := lintSOA + "ns A 127.0.0.1\nplain A 192.0.2.50\n"
	write(t, filepath.Join(h.dir, "example.zone"), example+"www A 192.0.2.99\n")
	write(t, filepath.Join(h.dir, "without-www.zone"), example)
	// Those who know a whole TLD by one NXDOMAIN of the root are not led astray.
	root := "$TTL 300\n. SOA a.root-servers.net. hostmaster.invalid. 1 7200 900 1209600 60\n. NS a.root-servers.net.\na.root-servers.net. A " + lintInternet + "\n"
	others := strings.ReplaceAll(lintSOA, "NS ns", "NS a.root-servers.net.")
	for tld, below := range map[string][]string{"com": {"example"}, "arpa": {"ipv4only", "7.8.9.in-addr"}} {
		root += tld + ". NS a.root-servers.net.\n"
		zone := others
		for _, label := range below {
			zone += label + " NS a.root-servers.net.\n"
		}
		write(t, filepath.Join(h.dir, tld+".zone"), zone)
	}
	write(t, filepath.Join(h.dir, "root.zone"), root)
	write(t, filepath.Join(h.dir, "root.hints"), ". 3600000 NS a.root-servers.net.\na.root-servers.net. 3600000 A "+lintInternet+"\n")
	// Addresses for documentation are special to some servers. Nothing leaves the namespace.
	write(t, filepath.Join(h.dir, "example.com.zone"), others+`v4only A 9.8.7.1
v6only AAAA 2600:1::6
dual A 9.8.7.3
dual AAAA 2600:1::80
chain CNAME v4only
mapped A 9.8.7.2
mapped AAAA ::ffff:9.8.7.2
private A 10.1.2.3
probe NS ns.probe
ns.probe A `+lintWitness+"\n")
	write(t, filepath.Join(h.dir, "ipv4only.arpa.zone"), others+"@ A 192.0.0.170\n@ A 192.0.0.171\n")
	write(t, filepath.Join(h.dir, "7.8.9.in-addr.arpa.zone"), others+"1 PTR v4only.example.com.\n")
}

func lintBIND(t *testing.T, h *lintHost, s linted) {
	zones := `zone "." { type primary; file "HOST/root.zone"; };` + "\n"
	for _, apex := range []string{"com", "arpa", "example.com", "ipv4only.arpa", "7.8.9.in-addr.arpa", "example"} {
		zones += fmt.Sprintf("zone %q { type primary; file \"HOST/%s.zone\"; };\n", apex, apex)
	}
	h.serve(t, s, "example", "named.conf", `
options {
	directory "DIR";  pid-file none;  lock-file none;  session-keyfile "session.key";
	listen-on { ADDRESS; INTERNET; };  listen-on-v6 { none; };
	recursion no;  dnssec-validation no;  notify no;  empty-zones-enable no;
};
controls { };
`+zones, "named", "-g", "-n", "1", "-c", "DIR/named.conf")
}

func lintNSD(t *testing.T, h *lintHost, s linted) {
	h.serve(t, s, "example", "nsd.conf", `
server:
	ip-address: ADDRESS
	username: ""
	chroot: ""
	zonesdir: "HOST"
	pidfile: "DIR/nsd.pid"
	zonelistfile: "DIR/zone.list"
	xfrdfile: "DIR/xfrd.state"
	xfrdir: "DIR"
	database: ""
	server-count: 1
	rrl-ratelimit: 0
remote-control:
	control-enable: no
zone:
	name: example
	zonefile: example.zone
`, "nsd", "-d", "-c", "DIR/nsd.conf")
}

func lintKnot(t *testing.T, h *lintHost, s linted) {
	write(t, h.file(s, "geo.conf"), "www.example:\n  - net: 9.8.0.0/16\n    A: 192.0.2.1\n  - net: 9.9.9.0/24\n    A: 192.0.2.2\n")
	h.serve(t, s, "example", "knot.conf", `
server:
  listen: ADDRESS@53
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
  - domain: example
    file: "HOST/example.zone"
    module: mod-geoip/geo
log:
  - target: stderr
    any: info
`, "knotd", "-c", "DIR/knot.conf")
}

func lintGdnsd(t *testing.T, h *lintHost, s linted) {
	for _, sub := range []string{"zones", "run", "state"} {
		folder(t, h.file(s, sub))
	}
	write(t, h.file(s, "zones/example"), lintSOA+"ns A 127.0.0.1\nplain A 192.0.2.50\nwww 60 DYNA geoip!www\n")
	h.serve(t, s, "example", "config", `
options => { listen => ADDRESS, run_dir => "DIR/run", state_dir => "DIR/state", edns_client_subnet => true }
plugins => { geoip => {
  maps => { m => { datacenters => [west, east], nets => { 9.8.0.0/16 => [west], 9.9.9.0/24 => [east] } } }
  resources => { www => { map => m, dcmap => { west => 192.0.2.1, east => 192.0.2.2 } } }
} }
`, "gdnsd", "-c", "DIR", "start")
}

// PowerDNS has records that a program writes, and takes the longest network that the
// program has looked at for the scope.
func lintPowerDNS(t *testing.T, h *lintHost, s linted) {
	write(t, h.file(s, "example.zone"), lintSOA+"ns A 127.0.0.1\nplain A 192.0.2.50\n"+
		`www LUA A ";if(netmask({'9.8.0.0/16'})) then return '192.0.2.1' elseif(netmask({'9.9.9.0/24'})) then return '192.0.2.2' else return '192.0.2.99' end"`+"\n")
	write(t, h.file(s, "bind.conf"), fmt.Sprintf("zone \"example\" { type master; file %q; };\n", h.file(s, "example.zone")))
	h.serve(t, s, "example", "pdns.conf", `
launch=bind
bind-config=DIR/bind.conf
local-address=ADDRESS
local-port=53
socket-dir=DIR
daemon=no
guardian=no
setuid=
setgid=
enable-lua-records=yes
edns-subnet-processing=yes
`, "pdns_server", "--config-dir=DIR")
}

func lintSextant(t *testing.T, h *lintHost, s linted) {
	write(t, h.file(s, "example.geo"), "$WHEN 9.8.0.0/16\nwww A 192.0.2.1\n$WHEN 9.9.9.0/24\nwww A 192.0.2.2\n")
	h.serve(t, s, "example", "sextant.yaml", `
listen: ["ADDRESS:53"]
control: { socket: "off" }
views: [{ name: all, clients: [0.0.0.0/0], recursion: false }]
zones: [{ name: example, file: HOST/example.zone, overlay: DIR/example.geo }]
`, sextant, "serve", "--config", "DIR/sextant.yaml")
}

func lintBINDResolver(t *testing.T, h *lintHost, s linted) {
	h.serve(t, s, "example.com", "named.conf", `
options {
	directory "DIR";  pid-file none;  lock-file none;  session-keyfile "session.key";
	listen-on { ADDRESS; };  listen-on-v6 { none; };  query-source address ADDRESS;
	recursion yes;  dnssec-validation no;
	dns64 2600:64::/96 { clients { any; }; };
};
controls { };
zone "." { type hint; file "HOST/root.hints"; };
`, "named", "-g", "-n", "1", "-c", "DIR/named.conf")
}

// lintUnbound has one Unbound for Client Subnet and another for DNS64: no example of its
// documentation has both.
func lintUnbound(modules string) func(*testing.T, *lintHost, linted) {
	return func(t *testing.T, h *lintHost, s linted) {
		h.serve(t, s, "example.com", "unbound.conf", fmt.Sprintf(lintUnboundConf, modules), "unbound", "-d", "-c", "DIR/unbound.conf")
	}
}

const lintUnboundConf = `
server:
	interface: ADDRESS
	outgoing-interface: ADDRESS
	access-control: 127.0.0.0/8 allow
	do-not-query-localhost: no
	module-config: %q
	dns64-prefix: 2600:64::/96
	send-client-subnet: 127.0.0.9
	client-subnet-always-forward: yes
	root-hints: "HOST/root.hints"
	directory: "DIR"
	chroot: ""
	username: ""
	pidfile: ""
	use-syslog: no
	num-threads: 1
remote-control:
	control-enable: no
`

func lintRecursor(t *testing.T, h *lintHost, s linted) {
	h.serve(t, s, "example.com", "recursor.conf", `
local-address=ADDRESS
query-local-address=ADDRESS
allow-from=127.0.0.0/8
dont-query=
hint-file=HOST/root.hints
dnssec=process-no-validate
dns64-prefix=2600:64::/96
edns-subnet-allow-list=probe.example.com
use-incoming-edns-subnet=yes
security-poll-suffix=
socket-dir=DIR
daemon=no
setuid=
setgid=
threads=1
`, "pdns_recursor", "--config-dir=DIR")
}

func lintSextantResolver(t *testing.T, h *lintHost, s linted) {
	h.serve(t, s, "example.com", "sextant.yaml", `
listen: ["ADDRESS:53"]
control: { socket: "off" }
resolver: { root-hints: HOST/root.hints, do-not-query: [] }
dnssec: { validate: false }
dns64: { mode: standard, prefixes: ["2600:64::/96"] }
ecs: { send: option }
`, sextant, "serve", "--config", "DIR/sextant.yaml")
}
