package lab

import (
	"fmt"
	"io/fs"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/sextant-dns/sextant/authoritative"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/zones"
)

// Options are what can be chosen about an Internet. The zero value is one that is
// infinitely fast.
type Options struct {
	// Latency is how long a round trip to a server takes; nil: none.
	Latency func(server netip.Addr) time.Duration

	// Timeout is how long an attempt lasts when the Request does not say;
	// default 1.5 s.
	Timeout time.Duration

	// Instant: nobody waits. Replies tell the Latency all the same, and what would be
	// late is so at once. For worlds whose clock is not ours.
	Instant bool
}

// Internet is servers at addresses, each with its zones. It is safe for
// concurrent use.
type Internet struct {
	options Options
	tree    *zones.Tree // of all zones, whoever serves them
	servers map[netip.Addr]*authoritative.Authority

	mu     sync.RWMutex
	faults map[netip.Addr]Fault // under mu
}

// Server is a name server as a resolver's hints tell of it.
type Server struct {
	Name  lookup.Name
	Addrs []netip.Addr
}

// New makes an Internet of the master files *.zone at the top of files. Each zone
// is served at the addresses that the hosts of its own NS RRset have in these
// zones; a host without any is an error.
func New(files fs.FS, o Options) (*Internet, error) {
	if o.Timeout == 0 {
		o.Timeout = 1500 * time.Millisecond
	}
	tree, err := load(files)
	if err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	n := &Internet{options: o, tree: tree, faults: map[netip.Addr]Fault{}}
	served := map[netip.Addr][]*zones.Zone{}
	for zone := range tree.All() {
		for host := range zones.Hosts(zone.Find(zone.Apex(), lookup.TypeNS).Set) {
			addrs := n.Addrs(host)
			if len(addrs) == 0 {
				return nil, fmt.Errorf("lab: zone %s: its server %s has no address", zone.Apex(), host)
			}
			for _, a := range addrs {
				if !slices.Contains(served[a], zone) { // two of its hosts may be one
					served[a] = append(served[a], zone)
				}
			}
		}
	}
	if n.servers, err = serve(served); err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	return n, nil
}

// load loads all zones.
func load(files fs.FS) (*zones.Tree, error) {
	names, err := fs.Glob(files, "*.zone")
	if err != nil {
		return nil, err
	}
	var all []*zones.Zone
	for _, name := range names {
		f, err := files.Open(name)
		if err != nil {
			return nil, err
		}
		zone, err := zones.Load(f, name, zones.LoadOptions{})
		if err := f.Close(); err != nil {
			return nil, err
		}
		if err != nil {
			return nil, err
		}
		all = append(all, zone)
	}
	return zones.NewTree(all...)
}

// serve makes a server for each address.
func serve(served map[netip.Addr][]*zones.Zone) (map[netip.Addr]*authoritative.Authority, error) {
	servers := make(map[netip.Addr]*authoritative.Authority, len(served))
	for addr, its := range served {
		tree, err := zones.NewTree(its...)
		if err != nil {
			return nil, fmt.Errorf("server %s: %w", addr, err)
		}
		servers[addr] = authoritative.New(tree)
	}
	return servers, nil
}

// Addrs is the addresses of a host, IPv4 first, as the zone that it is in has
// them; nil when there are none.
func (n *Internet) Addrs(host lookup.Name) []netip.Addr {
	zone, ok := n.tree.Closest(host)
	if !ok {
		return nil
	}
	var addrs []netip.Addr
	for _, t := range []lookup.Type{lookup.TypeA, lookup.TypeAAAA} {
		if m := zone.Find(host, t); m.Kind == zones.Answer {
			for rdata := range m.Set.Data.All() {
				if a, ok := netip.AddrFromSlice([]byte(rdata)); ok {
					addrs = append(addrs, a)
				}
			}
		}
	}
	return addrs
}

// Roots is the servers of the root: the hints that a resolver starts with.
func (n *Internet) Roots() []Server {
	var roots []Server
	if root, ok := n.tree.Zone(lookup.Root); ok {
		for host := range zones.Hosts(root.Find(lookup.Root, lookup.TypeNS).Set) {
			roots = append(roots, Server{Name: host, Addrs: n.Addrs(host)})
		}
	}
	return roots
}
