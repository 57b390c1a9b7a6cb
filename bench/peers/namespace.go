package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// The namespace: 10 TLDs t0 to t9, 10 000 sites z0.t0 z1.t1 ... with two name
// servers and glue each, 10 hosts h0 to h9 in each site. So the first hosts of all
// sites are 10 000 names whose resolution asks a TLD and a site each, and all hosts
// are 100 000 names.
const (
	tlds  = 10
	sites = 10_000
	hosts = 10
	// siteServers have different addresses, so that a resolver has servers to choose
	// from and to remember.
	siteServers = 16
)

// internet is the three NSDs that serve the namespace, a level each. One NSD for
// all would answer from the deepest zone that it has, whichever level is asked.
type internet struct {
	network netip.Prefix
	dir     string  // of the configurations
	keys    *signer // nil: no zone is signed
	levels  []*process
	configs []string
}

// address is host n of the network.
func address(network netip.Prefix, n int) netip.Addr {
	a := network.Addr().As4()
	a[3] = byte(n)
	return netip.AddrFrom4(a)
}

// Who has which address: 1 and 2 the root, 10 to 19 the TLDs, 32 to 47 the
// sites; 100 more where zones are signed; 200 and up the resolvers.
func (n *internet) root(i int) netip.Addr { return n.server(1 + i%2) }
func (n *internet) tld(i int) netip.Addr  { return n.server(10 + i%tlds) }
func (n *internet) site(i int) netip.Addr { return n.server(32 + i%siteServers) }

func (n *internet) server(i int) netip.Addr {
	if n.keys != nil {
		i += 100
	}
	return address(n.network, i)
}

// kind is the prefix of the names of its files.
func (n *internet) kind() string {
	if n.keys != nil {
		return "signed-"
	}
	return ""
}

func siteName(i int) string { return fmt.Sprintf("z%d.t%d.", i, i%tlds) }

// hostAddress is the A record of host h of every site.
func hostAddress(h int) netip.Addr { return netip.AddrFrom4([4]byte{198, 51, 100, byte(1 + h)}) }

// startInternet writes the zones, signed if there are keys, and has them served.
func startInternet(ctx context.Context, dir string, network netip.Prefix, keys *signer) (*internet, error) {
	n := &internet{network: network, dir: dir, keys: keys}
	for _, level := range []func() error{n.writeRoot, n.writeTLDs, n.writeSites} {
		if err := level(); err != nil {
			return nil, err
		}
	}
	probes := []struct {
		at   netip.Addr
		name string
	}{{n.root(0), "."}, {n.tld(0), "t0."}, {n.site(0), siteName(0)}}
	for i, config := range n.configs {
		if err := n.startLevel(ctx, config, netip.AddrPortFrom(probes[i].at, 53), probes[i].name); err != nil {
			n.stop()
			return nil, err
		}
	}
	return n, nil
}

func (n *internet) startLevel(ctx context.Context, config string, at netip.AddrPort, zone string) error {
	if err := free(at); err != nil {
		return err
	}
	p, err := start(n.dir, 1, nil, "nsd", "-d", "-c", config)
	if err != nil {
		return err
	}
	n.levels = append(n.levels, p)
	return p.until(ctx, func() error { return soa(ctx, at, zone) })
}

func (n *internet) stop() {
	for _, p := range n.levels {
		p.stop()
	}
}

// queries is how many messages the name servers have been asked since they
// started, UDP and TCP.
func (n *internet) queries(ctx context.Context) (int, error) {
	total := 0
	for _, config := range n.configs {
		out, err := exec.CommandContext(ctx, "nsd-control", "-c", config, "stats_noreset").CombinedOutput()
		if err != nil {
			return 0, fmt.Errorf("nsd-control: %w: %s", err, out)
		}
		for line := range strings.Lines(string(out)) {
			if v, ok := strings.CutPrefix(strings.TrimSpace(line), "num.queries="); ok {
				count, err := strconv.Atoi(v)
				if err != nil {
					return 0, fmt.Errorf("nsd-control: %w", err)
				}
				total += count
			}
		}
	}
	if total == 0 {
		return 0, errors.New("nsd-control: no num.queries in the statistics")
	}
	return total, nil
}

const apex = `$TTL 86400
@ SOA ns nobody.invalid. 1 1800 900 604800 3600
`

func (n *internet) writeRoot() error {
	var z strings.Builder
	z.WriteString(apex)
	for i := range 2 {
		fmt.Fprintf(&z, "@ NS ns%[1]d.root.\nns%[1]d.root. A %[2]s\n", i, n.root(i))
	}
	for i := range tlds {
		for j := range 2 {
			fmt.Fprintf(&z, "t%[1]d. NS ns%[2]d.nic.t%[1]d.\nns%[2]d.nic.t%[1]d. A %[3]s\n", i, j, n.tld(i+j))
		}
		z.WriteString(n.keys.ds(fmt.Sprintf("t%d.", i)))
	}
	var hints strings.Builder
	for i := range 2 {
		fmt.Fprintf(&hints, ". 3600000 NS ns%[1]d.root.\nns%[1]d.root. 3600000 A %[2]s\n", i, n.root(i))
	}
	if err := n.write("root.hints", hints.String()); err != nil {
		return err
	}
	file, err := n.writeZone("root.zone", ".", z.String())
	if err != nil {
		return err
	}
	return n.writeConfig("root", []netip.Addr{n.root(0), n.root(1)}, "zone:\n name: .\n zonefile: "+file+"\n")
}

func (n *internet) writeTLDs() error {
	var zones strings.Builder
	var at []netip.Addr
	for t := range tlds {
		var z strings.Builder
		z.WriteString(apex)
		for j := range 2 {
			fmt.Fprintf(&z, "@ NS ns%[1]d.nic\nns%[1]d.nic A %[2]s\n", j, n.tld(t+j))
		}
		for i := t; i < sites; i += tlds {
			for j := range 2 {
				fmt.Fprintf(&z, "z%[1]d NS ns%[2]d.z%[1]d\nns%[2]d.z%[1]d A %[3]s\n", i, j, n.site(i+j))
			}
			z.WriteString(n.keys.ds(siteName(i)))
		}
		file, err := n.writeZone(fmt.Sprintf("t%d.zone", t), fmt.Sprintf("t%d.", t), z.String())
		if err != nil {
			return err
		}
		fmt.Fprintf(&zones, "zone:\n name: t%d.\n zonefile: %s\n", t, file)
		at = append(at, n.tld(t))
	}
	return n.writeConfig("tlds", at, zones.String())
}

// writeSites writes one master file for all the sites that have the same name
// servers: all names in it are relative. What is signed cannot be shared so; each
// such site has a file of its own.
func (n *internet) writeSites() error {
	var zones strings.Builder
	var at []netip.Addr
	files := make([]string, siteServers)
	for s := range siteServers {
		at = append(at, n.site(s))
		if n.keys != nil {
			continue
		}
		var err error
		if files[s], err = n.writeZone(fmt.Sprintf("site%d.zone", s), "", n.siteZone(s, hosts)); err != nil {
			return err
		}
	}
	for i := range sites {
		file := files[i%siteServers]
		if n.keys != nil {
			var err error
			if file, err = n.writeZone(siteName(i)+"zone", siteName(i), n.siteZone(i, 1)); err != nil {
				return err
			}
		}
		fmt.Fprintf(&zones, "zone:\n name: %s\n zonefile: %s\n", siteName(i), file)
	}
	return n.writeConfig("sites", at, zones.String())
}

// siteZone is the zone of site i with its first hosts.
func (n *internet) siteZone(i, hosts int) string {
	var z strings.Builder
	z.WriteString(apex)
	for j := range 2 {
		fmt.Fprintf(&z, "@ NS ns%[1]d\nns%[1]d A %[2]s\n", j, n.site(i+j))
	}
	for h := range hosts {
		// The AAAA is there to be ignored by forced DNS64.
		fmt.Fprintf(&z, "h%[1]d A %[2]s\nh%[1]d AAAA 2001:db8:f::%[1]d\n", h, hostAddress(h))
	}
	return z.String()
}

// writeZone writes a zone, signed if there are keys, and tells the file's name.
func (n *internet) writeZone(file, origin, text string) (string, error) {
	if n.keys != nil {
		var err error
		if text, err = n.keys.sign(origin, text); err != nil {
			return "", fmt.Errorf("%s: %w", origin, err)
		}
	}
	return n.kind() + file, n.write(file, text)
}

// writeConfig writes an NSD's. Without rrl-*: 0 it would drop most of what a
// resolver that is loaded asks it.
func (n *internet) writeConfig(level string, at []netip.Addr, zones string) error {
	var c strings.Builder
	fmt.Fprintf(&c, `server:
 server-count: 1
 username: ""
 zonesdir: %[1]q
 pidfile: ""
 database: ""
 xfrdfile: ""
 xfrdir: %[1]q
 zonelistfile: "%[1]s/%[3]s%[2]s.list"
 rrl-ratelimit: 0
 rrl-whitelist-ratelimit: 0
 verbosity: 0
`, n.dir, level, n.kind())
	for _, a := range at {
		fmt.Fprintf(&c, " ip-address: %s@53\n", a)
	}
	fmt.Fprintf(&c, "remote-control:\n control-enable: yes\n control-interface: \"%s/%s%s.control\"\n", n.dir, n.kind(), level)
	c.WriteString(zones)
	n.configs = append(n.configs, n.path(level+".conf"))
	return n.write(level+".conf", c.String())
}

func (n *internet) path(file string) string { return filepath.Join(n.dir, n.kind()+file) }

func (n *internet) write(file, text string) error {
	return os.WriteFile(n.path(file), []byte(text), 0o644)
}

// writeQuestions writes a dnsperf file that asks for the first hosts of all sites,
// in an order that is the same in each run, and that no server profits from.
func writeQuestions(path, qtype string, hostsOfEach int) error {
	lines := make([]string, 0, sites*hostsOfEach)
	for i := range sites {
		for h := range hostsOfEach {
			lines = append(lines, fmt.Sprintf("h%d.%s %s\n", h, siteName(i), qtype))
		}
	}
	order := rand.New(rand.NewPCG(1, 2))
	order.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	return os.WriteFile(path, []byte(strings.Join(lines, "")), 0o644)
}
