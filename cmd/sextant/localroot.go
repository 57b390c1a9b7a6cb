package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/sextant-dns/sextant/anchors"
	"github.com/sextant-dns/sextant/authoritative"
	"github.com/sextant-dns/sextant/config"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
	"github.com/sextant-dns/sextant/secondary"
	"github.com/sextant-dns/sextant/zones"
)

// newLocalRoot makes the copy of the root zone, nil when none is wanted.
func newLocalRoot(c *config.Config, trusted func() *anchors.Set, log *slog.Logger) *secondary.Copy {
	if !c.Resolver.LocalRoot.Use {
		return nil
	}
	o := localRootOptions(c.Resolver, log)
	o.Verify = newZONEMD(c.DNSSEC, trusted).verify
	return secondary.New(o)
}

func localRootOptions(r config.Resolver, log *slog.Logger) secondary.Options {
	l := r.LocalRoot
	o := secondary.Options{
		Zone:      lookup.Root,
		Primaries: l.Primaries,
		File:      l.File,
		Store:     l.Store,
		Dial:      dialer("tcp", r.SourceAddresses),
		Observe:   func(e secondary.Event) { logCopy(log, e) },
	}
	if len(o.Primaries) == 0 {
		o.Primaries = slices.DeleteFunc(secondary.RootPrimaries(), func(a netip.AddrPort) bool {
			return a.Addr().Is4() && !r.IPv4 || a.Addr().Is6() && !r.IPv6
		})
	}
	switch l.ZONEMD {
	case config.ZONEMDRequire:
		o.Digest = secondary.RequireDigest
	case config.ZONEMDIgnore:
		o.Digest = secondary.IgnoreDigest
	}
	return o
}

// dialer connects over tcp or udp from the first of the sources that is of the right family; nil,
// which leaves that to the system, without any.
func dialer(network string, sources []netip.Addr) func(context.Context, netip.AddrPort) (net.Conn, error) {
	if len(sources) == 0 {
		return nil
	}
	return func(ctx context.Context, primary netip.AddrPort) (net.Conn, error) {
		var d net.Dialer
		for _, s := range sources {
			if s.Is4() != primary.Addr().Is4() {
				continue
			}
			if d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(s, 0)); network == "udp" {
				d.LocalAddr = net.UDPAddrFromAddrPort(netip.AddrPortFrom(s, 0))
			}
			break
		}
		return d.DialContext(ctx, network, primary.String())
	}
}

// logCopy is a Copy's Observe.
func logCopy(log *slog.Logger, e secondary.Event) {
	level, args := slog.LevelInfo, []any{"zone", e.Zone}
	switch e.Kind {
	case secondary.Confirmed:
		level = slog.LevelDebug
	case secondary.Failed:
		level = slog.LevelWarn
	case secondary.Ended, secondary.NotStored:
		level = slog.LevelError
	}
	if e.Serial != 0 {
		args = append(args, "serial", e.Serial)
	}
	if e.Source != "" {
		args = append(args, "source", e.Source)
	}
	if e.Kind == secondary.Transferred {
		args = append(args, "incremental", e.Incremental, "took", e.Took)
	}
	if e.Err != nil {
		args = append(args, "reason", strings.ReplaceAll(e.Err.Error(), "\n", "; "))
	}
	log.Log(context.Background(), level, "copy "+e.Kind.String(), args...)
}

// localZone is the copy as the resolver asks it: like an authority, which is made
// anew only when the zone is another one.
func localZone(c *secondary.Copy) resolver.Zone {
	type answering struct {
		zone *zones.Zone
		by   lookup.Resolver
	}
	var latest atomic.Pointer[answering]
	return resolver.Zone{Name: lookup.Root, Local: func() (lookup.Resolver, bool) {
		zone, ok := c.Zone()
		if !ok {
			return nil, false
		}
		if a := latest.Load(); a != nil && a.zone == zone {
			return a.by, true
		}
		tree, err := zones.NewTree(zone)
		if err != nil {
			return nil, false // a tree of one zone has no two of one name
		}
		a := &answering{zone, authoritative.New(tree)}
		latest.Store(a)
		return a.by, true
	}}
}

// checkLocalRoot says what is wrong with the files of the copy of the root, when
// that can be told without asking anybody.
func checkLocalRoot(l config.LocalRoot, c *secondary.Copy) error {
	switch {
	case c == nil:
		return nil
	case l.File != "":
		if err := c.Load(); err != nil {
			return fmt.Errorf("local root: %w", err)
		}
	case l.Store != "":
		if err := checkFolder(filepath.Dir(l.Store)); err != nil {
			return fmt.Errorf("local root: store: %w", err)
		}
	}
	return nil
}

// checkFolder says when there is no such folder.
func checkFolder(path string) error {
	info, err := os.Stat(path)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is no folder", path)
	}
	return err
}
