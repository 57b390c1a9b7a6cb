//go:build e2e

package e2e_test

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// An internet is the network of a test: six hosts, each a network namespace,
// around one router. The client has IPv6 only; the servers that matter to it have
// IPv4 only.
//
//	                                        +-- web   IPv4: a web site
//	cli ---- rtr: Sextant, the resolver ----+-- six   IPv6: the same site's other face
//	IPv6     TAYGA, the NAT64               +-- root  IPv4: BIND, the root zone
//	                                        +-- tld   IPv4: NSD, example. and the reverse zone
//
// Sextant resolves from BIND and NSD over IPv4 and gives the client addresses
// inside the NAT64 prefix; TAYGA turns packets to those into IPv4 packets that
// come from an address of its pool.
type internet struct {
	plan
	cli, rtr, web, six, root, tld host

	bind, tayga *process
	dir         string // for hints, TAYGA's data and the like
}

// A plan is the addresses that differ between one test and another. Each IPv4
// address lies in a network of its own, of 24 bits, in which the router is .1.
type plan struct {
	prefix         string // of the NAT64, 96 bits
	web, root, tld string
}

const (
	clientAddress = "fd00:64::2"
	sextantAddr   = "fd00:64::1" // the router's, on the client's side
	sixAddress    = "2001:db8:6::80"
	pool          = "192.168.255.0/24" // TAYGA's: what IPv4 hosts see instead of the client
)

// networkSpecific is a prefix that a site takes from its own addresses.
func networkSpecific() plan {
	return plan{"2001:db8:64::", "198.51.100.80", "192.0.2.53", "203.0.113.53"}
}

// wellKnown is the prefix of RFC 6052 2.1. By section 3.1 it stands for global
// IPv4 addresses only, and TAYGA drops the rest, the documentation networks
// among them. So the hosts pretend; nothing leaves the namespaces.
func wellKnown() plan {
	return plan{"64:ff9b::", "93.184.215.80", "198.41.0.4", "192.5.6.30"}
}

// through is the address that stands for an IPv4 address behind the NAT64.
func (p plan) through(v4 string) string {
	a, b := netip.MustParseAddr(p.prefix).As16(), netip.MustParseAddr(v4).As4()
	copy(a[12:], b[:])
	return netip.AddrFrom16(a).String()
}

// newInternet builds the network and starts the authoritative servers. The test
// starts the rest: TAYGA, the sites, and Sextant with serve.
func newInternet(t *testing.T, p plan) *internet {
	t.Helper()
	n := &internet{plan: p, dir: t.TempDir()}
	for name, h := range map[string]*host{
		"cli": &n.cli, "rtr": &n.rtr, "web": &n.web, "six": &n.six, "root": &n.root, "tld": &n.tld,
	} {
		*h = newHost(t, name)
	}
	n.rtr.connect(t, n.cli, "cli", clientAddress+"/64")
	n.rtr.connect(t, n.web, "web", p.web+"/24")
	n.rtr.connect(t, n.six, "six", sixAddress+"/64")
	n.rtr.connect(t, n.root, "root", p.root+"/24")
	n.rtr.connect(t, n.tld, "tld", p.tld+"/24")
	n.rtr.run(t, "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
	n.cli.nameserver(t, sextantAddr)

	n.startBIND(t)
	n.startNSD(t)
	return n
}

// startBIND serves the root zone, which delegates to NSD.
func (n *internet) startBIND(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "root.zone"), fmt.Sprintf(`$TTL 86400
.                           SOA a.root-servers.net. nobody.invalid. 1 1800 900 604800 60
.                           NS  a.root-servers.net.
a.root-servers.net.         A   %[1]s
example.                    NS  ns.nic.example.
%[3]s NS  ns.nic.example.
ns.nic.example.             A   %[2]s
`, n.plan.root, n.plan.tld, reverseZone(n.plan.web)))
	write(t, filepath.Join(dir, "named.conf"), fmt.Sprintf(`
options {
	directory %[1]q;  pid-file none;  lock-file none;  session-keyfile "session.key";
	listen-on { %[2]s; };  listen-on-v6 { none; };
	recursion no;  dnssec-validation no;  notify no;
};
controls { };
zone "." { type primary; file "root.zone"; };
`, dir, n.plan.root))
	n.bind = n.root.start(t, n.root.answers(t, n.plan.root, "."), "named", "-g", "-n", "1", "-c", filepath.Join(dir, "named.conf"))
}

// startNSD serves example. and the reverse zone of the web site's network.
func (n *internet) startNSD(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	reverse, octet := reverseZone(n.plan.web), n.plan.web[strings.LastIndexByte(n.plan.web, '.')+1:]
	write(t, filepath.Join(dir, "example.zone"), fmt.Sprintf(`$TTL 300
@       SOA   ns.nic nobody.invalid. 1 1800 900 604800 60
@       NS    ns.nic
ns.nic  A     %[1]s
v4only  A     %[2]s
dual    A     %[2]s
dual    AAAA  %[3]s
v6only  AAAA  %[3]s
www     CNAME dual
later   A     %[2]s
large   TXT   %[4]s
`, n.plan.tld, n.plan.web, sixAddress, strings.Repeat(` "`+strings.Repeat("large ", 40)+`"`, 8)))
	write(t, filepath.Join(dir, "reverse.zone"), fmt.Sprintf(`$TTL 300
@  SOA ns.nic.example. nobody.invalid. 1 1800 900 604800 60
@  NS  ns.nic.example.
%s PTR v4only.example.
`, octet))
	write(t, filepath.Join(dir, "nsd.conf"), fmt.Sprintf(`
server:
	ip-address: %[2]s
	server-count: 1
	username: ""
	zonesdir: %[1]q
	pidfile: ""
	database: ""
	xfrdfile: ""
	xfrdir: %[1]q
	zonelistfile: "%[1]s/zone.list"
remote-control:
	control-enable: no
zone:
	name: example.
	zonefile: example.zone
zone:
	name: %[3]s
	zonefile: reverse.zone
`, dir, n.plan.tld, reverse))
	n.tld.start(t, n.tld.answers(t, n.plan.tld, reverse), "nsd", "-d", "-c", filepath.Join(dir, "nsd.conf"))
}

// startTAYGA puts the NAT64 on the router, behind the tun device nat64.
func (n *internet) startTAYGA(t *testing.T) {
	t.Helper()
	conf := filepath.Join(n.dir, "tayga.conf")
	write(t, conf, fmt.Sprintf(`
tun-device nat64
ipv4-addr 192.168.255.1
ipv6-addr 2001:db8:ff::2
prefix %s/96
dynamic-pool %s
data-dir %s
`, n.prefix, pool, n.dir))
	n.rtr.run(t, "tayga", "-c", conf, "--mktun")
	n.rtr.ip(t, "link set up dev nat64")
	n.rtr.ip(t, "address add 192.168.255.254/32 dev nat64")
	n.rtr.ip(t, "address add 2001:db8:ff::1/128 dev nat64")
	n.rtr.ip(t, "route add "+pool+" dev nat64")
	n.rtr.ip(t, "route add "+n.prefix+"/96 dev nat64")
	attached := func(*process) error {
		link := host{}.run(t, "ip", "-n", n.rtr.namespace, "link", "show", "nat64")
		if !strings.Contains(link, "LOWER_UP") {
			return fmt.Errorf("nobody reads from the tun device: %s", link)
		}
		return nil
	}
	n.tayga = n.rtr.start(t, attached, "tayga", "-c", conf, "-d")
}

// serve starts Sextant on the router, in a mode of DNS64.
func (n *internet) serve(t *testing.T, mode string) *process {
	t.Helper()
	conf := n.configure(t, mode)
	return n.rtr.start(t, n.cli.answers(t, sextantAddr, "."), sextant, "serve", "--config", conf)
}

// configure writes Sextant's configuration: it serves the client's network and
// the web site's. The reverse zone of that one may be one of those that a resolver
// does not ask the Internet for (RFC 6303 4.2); here it is a zone like others.
func (n *internet) configure(t *testing.T, mode string) (path string) {
	t.Helper()
	hints, conf := filepath.Join(n.dir, "root.hints"), filepath.Join(n.dir, "sextant.yaml")
	write(t, hints, fmt.Sprintf(". 3600000 NS a.root-servers.net.\na.root-servers.net. 3600000 A %s\n", n.plan.root))
	web := netip.MustParsePrefix(n.plan.web + "/24").Masked()
	write(t, conf, fmt.Sprintf(`
listen: ["[%s]:53", "%s:53"]
allow: ["fd00:64::/64", "%s"]
metrics: 127.0.0.1:9153
resolver:
  root-hints: %s
dnssec: {validate: false} # nobody signs in this Internet
# Addresses for documentation have no reverse zone on the Internet, but here (RFC 6303).
special-names: {except: [%s]}
dns64:
  mode: %s
  prefixes: ["%s/96"]
`, sextantAddr, web.Addr().Next(), web, hints, reverseZone(n.plan.web), mode, n.prefix))
	return conf
}

// answers returns a check whether a DNS server gives a SOA of the name, or says
// that there is none.
func (h host) answers(t *testing.T, server, name string) func(*process) error {
	return func(*process) error {
		out, err := h.try(t, "dig", "@"+server, name, "SOA", "+tries=1", "+time=1")
		if err == nil && !strings.Contains(out, "status: NOERROR") {
			err = fmt.Errorf("dig: %s", out)
		}
		return err
	}
}

// site starts a web server on the host. It is this test binary once more, in
// serveSite.
func (h host) site(t *testing.T, address, name string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + net.JoinHostPort(address, "80")
	ready := func(*process) error {
		_, err := h.try(t, "curl", "--silent", "--noproxy", "*", "--head", url)
		return err
	}
	return h.start(t, ready, self, "site", net.JoinHostPort(address, "80"), name)
}

// serveSite is the web server: it tells visitors its name and notes who they are.
func serveSite(address, name string) {
	err := http.ListenAndServe(address, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			return // somebody tries whether we are up
		}
		peer, _, _ := net.SplitHostPort(r.RemoteAddr)
		fmt.Println("visit", r.Host, peer)
		fmt.Fprintln(w, name)
	}))
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// A visit is what a site noted: which name was asked for, and by which address.
type visit struct{ name, by string }

func (p *process) visits() []visit {
	var all []visit
	for line := range strings.Lines(p.out.String()) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "visit" {
			all = append(all, visit{f[1], f[2]})
		}
	}
	return all
}

// reverseZone is the zone of the PTRs of an address's /24.
func reverseZone(v4 string) string {
	a := netip.MustParseAddr(v4).As4()
	return fmt.Sprintf("%d.%d.%d.in-addr.arpa.", a[2], a[1], a[0])
}
