package geopeers

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A Setup is where a server finds what and listens where.
type Setup struct {
	Dir      string // its own, which exists
	At       netip.AddrPort
	Database string // path, in MaxMind's layout
}

// The functions below write all files of a server into Setup.Dir and return what starts
// it: a command that stays in the foreground.

// Sextant is for the binary under test.
func (p Plan) Sextant(s Setup, binary string) (command []string, err error) {
	config := fmt.Sprintf(`listen: [%q]
log: error
control: { socket: "off" }
geo: { databases: [{ file: %s }] }
zones: [{ name: %s, file: %s, overlay: %s }]
views: [{ name: all, clients: [0.0.0.0/0, "::/0"], recursion: false, zones: [%[3]s] }]
`, s.At, s.Database, Zone, s.path("geo.zone"), s.path("geo.geo"))
	return []string{binary, "serve", "--config", s.path("sextant.yaml")},
		s.write(map[string]string{"sextant.yaml": config, "geo.zone": p.ZoneFile(), "geo.geo": p.Overlay()})
}

// Gdnsd has the networks in the same map as the countries. Of a site that is down it
// knows by its service type.
func (p Plan) Gdnsd(s Setup) (command []string, err error) {
	var nets, tree, centres strings.Builder
	for _, r := range p.nets() {
		fmt.Fprintf(&nets, "    %s => [%s]\n", r.Network, strings.Join(r.Sites, ", "))
	}
	var fallback Rule
	continents := map[string][]Rule{}
	for _, r := range p.Rules {
		switch {
		case r.Network.IsValid():
		case r.Country != "":
			c := Continent(r.Country)
			continents[c] = append(continents[c], r)
		case r.Continent != "":
			continents[r.Continent] = append(continents[r.Continent], r)
		default:
			fallback = r
		}
	}
	for continent, rules := range continents {
		fmt.Fprintf(&tree, "    %s => {", continent)
		for _, r := range rules {
			key := r.Country
			if key == "" {
				key = "default"
			}
			fmt.Fprintf(&tree, " %s => [%s],", key, strings.Join(r.Sites, ", "))
		}
		tree.WriteString(" }\n")
	}
	var names []string
	for _, site := range p.Sites {
		names = append(names, site.Name)
		service := "up"
		if site.Down {
			service = "down"
		}
		fmt.Fprintf(&centres, "    %s => { plugin => multifo, service_types => %s, addrs_v4 => { a => %s } }\n", site.Name, service, site.Address)
	}
	config := fmt.Sprintf(`options => { listen => %s, run_dir => %q, state_dir => %q, edns_client_subnet => true, udp_threads => 1, tcp_threads => 1, max_edns_response => 1232 }
plugins => { geoip => {
  maps => { m => {
   geoip2_db => %q
   datacenters => [%s]
   map => {
%s    default => [%s]
   }
   nets => {
%s   }
  } }
  resources => { www => { map => m, dcmap => {
%s  } } }
} }
`, s.At, s.path("run"), s.path("state"), s.Database, strings.Join(names, ", "), tree.String(), strings.Join(fallback.Sites, ", "), nets.String(), centres.String())
	zone := strings.Replace(p.ZoneFile(), "$ORIGIN "+Zone+"\n", "", 1)
	zone = zone[:strings.Index(zone, "www A ")] + "www 300 DYNA geoip!www\n"
	for _, sub := range []string{"zones", "run", "state"} {
		if err := os.MkdirAll(s.path(sub), 0o755); err != nil {
			return nil, err
		}
	}
	return []string{"gdnsd", "-c", s.Dir, "start"},
		s.write(map[string]string{"config": config, filepath.Join("zones", strings.TrimSuffix(Zone, ".")): zone})
}

// Knot's module has either a database or networks, so networks are left out, and of sites
// the first counts.
func (p Plan) Knot(s Setup) (command []string, err error) {
	var b strings.Builder
	b.WriteString(Name + ":\n")
	for _, r := range p.Rules {
		switch {
		case r.Country != "":
			fmt.Fprintf(&b, "  - geo: \"%s;%s\"\n    A: %s\n", Continent(r.Country), r.Country, p.site(r.Sites[0]).Address)
		case r.Continent != "":
			fmt.Fprintf(&b, "  - geo: \"%s;*\"\n    A: %s\n", r.Continent, p.site(r.Sites[0]).Address)
		}
	}
	config := fmt.Sprintf(`server:
  listen: %s@%d
  rundir: %q
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
  edns-client-subnet: on
database:
  storage: %q
mod-geoip:
  - id: geo
    config-file: %q
    ttl: 300
    mode: geodb
    geodb-file: %q
    geodb-key: [ continent/code, country/iso_code ]
zone:
  - domain: %s
    file: %q
    module: mod-geoip/geo
log:
  - target: stderr
    any: warning
`, s.At.Addr(), s.At.Port(), s.Dir, s.path("db"), s.path("geo.conf"), s.Database, Zone, s.path("geo.zone"))
	return []string{"knotd", "-c", s.path("knot.conf")},
		s.write(map[string]string{"knot.conf": config, "geo.conf": b.String(), "geo.zone": p.ZoneFile()})
}

// PowerDNS' geoip backend takes the first of several names that exists; networks and sites
// after the first are left out.
func (p Plan) PowerDNS(s Setup) (command []string, err error) {
	zone := strings.TrimSuffix(Zone, ".")
	var b strings.Builder
	fmt.Fprintf(&b, "domains:\n- domain: %s\n  ttl: 300\n  records:\n    %s:\n      - soa: ns.%s nobody.invalid 1 1800 900 604800 60\n      - ns: ns.%s\n    plain.%s:\n      - a: 192.0.2.50\n", zone, zone, zone, zone, zone)
	for _, r := range p.Rules {
		label := "any"
		switch {
		case r.Network.IsValid():
			continue
		case r.Country != "":
			// Two letters of a continent may be those of a country.
			label = "cc-" + strings.ToLower(r.Country)
		case r.Continent != "":
			label = "c-" + strings.ToLower(r.Continent)
		}
		fmt.Fprintf(&b, "    %s.%s:\n      - a: %s\n", label, zone, p.site(r.Sites[0]).Address)
	}
	fmt.Fprintf(&b, "  services:\n    www.%s: [ 'cc-%%cc.%s', 'c-%%cn.%s', 'any.%s' ]\n", zone, zone, zone, zone)
	config := fmt.Sprintf("launch=geoip\ngeoip-zones-file=%s\ngeoip-database-files=mmdb:%s\nedns-subnet-processing=yes\nlocal-address=%s\nlocal-port=%d\nsocket-dir=%s\nreceiver-threads=1\ndistributor-threads=1\nguardian=no\ndaemon=no\nversion-string=anonymous\nloglevel=3\ndisable-syslog=yes\n",
		s.path("zones.yaml"), s.Database, s.At.Addr(), s.At.Port(), s.Dir)
	return []string{"pdns_server", "--config-dir=" + s.Dir}, s.write(map[string]string{"pdns.conf": config, "zones.yaml": b.String()})
}

func (s Setup) path(file string) string { return filepath.Join(s.Dir, file) }

// write writes files into the directory, each after the other in the order of names.
func (s Setup) write(files map[string]string) error {
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if err := os.WriteFile(s.path(name), []byte(files[name]), 0o644); err != nil {
			return err
		}
	}
	return nil
}
