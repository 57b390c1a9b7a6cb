package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net/netip"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// prefix64 is what DNS64 embeds addresses in. Not 64:ff9b::/96, which by RFC 6052
// 3.1 is not for the addresses that the hosts have.
func prefix64() netip.Prefix { return netip.MustParsePrefix("2001:db8:64::/96") }

// A server is a resolver that can be measured. Each is set up to do the same work:
// one thread, DNSSEC validation only where zones are signed, no IPv6 upstream, no
// access to be denied, room for everything in the cache; all else as it comes.
type server struct {
	name    string
	binary  string
	version []string // arguments; the first line of what it prints is its version
	// config is the configuration file.
	config func(setup) string
	env    []string
	args   func(config string) []string
	host   int // its address in the network
}

// A setup is what differs between one start of a server and another.
type setup struct {
	at      netip.AddrPort
	network netip.Prefix
	hints   string // path
	dir     string
	threads int
	dns64   bool   // forced
	anchor  string // the root's DS; "": nothing is validated

	authority netip.AddrPort // of subnetZone, which is told the clients' networks; zero: nobody is
}

func allServers(sextant string) []server {
	return []server{
		{
			name: "sextant", binary: sextant, host: 200,
			version: []string{"--version"},
			config:  sextantConfig,
			env:     []string{"GOMAXPROCS=1"},
			args:    func(config string) []string { return []string{"serve", "--config", config} },
		},
		{
			name: "unbound", binary: "unbound", host: 201,
			version: []string{"-V"},
			config:  unboundConfig,
			args:    func(config string) []string { return []string{"-d", "-p", "-c", config} },
		},
	}
}

func serverNames() []string {
	var names []string
	for _, s := range allServers("") {
		names = append(names, s.name)
	}
	return names
}

// findServers returns those that are wanted and can be run, and says of each other
// why not. Without Sextant there is nothing to compare with.
func findServers(o options) (found []server, missing []string, err error) {
	for _, s := range allServers(o.sextant) {
		if !slices.Contains(o.peers, s.name) {
			continue
		}
		path, err := exec.LookPath(s.binary)
		if err != nil {
			missing = append(missing, fmt.Sprintf("%s is left out: %v", s.name, err))
			continue
		}
		if s.binary, err = filepath.Abs(path); err != nil {
			return nil, nil, err
		}
		found = append(found, s)
	}
	if len(found) == 0 {
		return nil, nil, fmt.Errorf("no server can be measured: %s", strings.Join(missing, "; "))
	}
	return found, missing, nil
}

// says is what the server says that it is.
func (s server) says() string { return firstLine(s.binary, s.version...) }

func (s server) at(network netip.Prefix) netip.AddrPort {
	return netip.AddrPortFrom(address(network, s.host), 53)
}

// command is the command line for a configuration file.
func (s server) command(config string) []string {
	return append([]string{s.binary}, s.args(config)...)
}

// firstLine is the first line of what a command prints, without regard to how it
// ends: some think that to be asked for the version is an error.
func firstLine(name string, args ...string) string {
	out, _ := exec.Command(name, args...).CombinedOutput()
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Scan()
	return strings.TrimSpace(lines.Text())
}

// sextantConfig leaves case-0x20 and the rest as they come.
func sextantConfig(s setup) string {
	text := fmt.Sprintf(`listen: ["%s"]
allow: [%s, 127.0.0.0/24]
log: error
cache: { memory: 1GiB }
resolver:
  root-hints: %s
  ipv6: false
  do-not-query: [] # the whole namespace is on loopback addresses
`, s.at, s.network, s.hints)
	if s.anchor == "" {
		text += "dnssec: { validate: false }\n"
	} else {
		text += fmt.Sprintf("dnssec: { builtin-anchor: false, trust-anchors: [%q] }\n", s.anchor)
	}
	if s.authority.IsValid() {
		text += fmt.Sprintf("ecs: { send: option }\nstub:\n  - { name: %q, servers: [%q] }\n", subnetZone, s.authority)
	}
	if s.dns64 {
		text += fmt.Sprintf("dns64:\n  mode: forced\n  prefixes: [%q]\n", prefix64())
	}
	return text
}

// unboundConfig: by default Unbound has room for fewer than 100 networks of a name, as
// it counts the nodes that lie between them, too. The root servers and all others are on loopback addresses, which
// Unbound does not ask unless it is told to.
func unboundConfig(s setup) string {
	modules, more, stub, share := "iterator", "", "", "no"
	if s.threads > 1 {
		share = "yes"
	}
	if s.anchor != "" {
		modules = "validator iterator"
		more = fmt.Sprintf(" trust-anchor: %q\n", s.anchor)
	}
	if s.authority.IsValid() {
		modules = "subnetcache iterator"
		more = fmt.Sprintf(" send-client-subnet: %s\n client-subnet-always-forward: yes\n max-ecs-tree-size-ipv4: 400\n", s.authority.Addr())
		stub = fmt.Sprintf("stub-zone:\n name: %q\n stub-addr: %s@%d\n", subnetZone, s.authority.Addr(), s.authority.Port())
	}
	if s.dns64 {
		modules = "dns64 iterator"
		more = fmt.Sprintf(" dns64-prefix: %s\n dns64-synthall: yes\n", prefix64())
	}
	return fmt.Sprintf(`server:
 interface: %s@%d
 access-control: 127.0.0.0/8 allow
 num-threads: %d
 so-reuseport: %s
 module-config: %q
 root-hints: %q
 do-not-query-localhost: no
 do-ip6: no
 msg-cache-size: 512m
 rrset-cache-size: 1g
 infra-cache-numhosts: 200000
 directory: %q
 chroot: ""
 username: ""
 pidfile: ""
 use-syslog: no
 verbosity: 0
%sremote-control:
 control-enable: no
%s`, s.at.Addr(), s.at.Port(), max(1, s.threads), share, modules, s.hints, s.dir, more, stub)
}
