package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/sextant-dns/sextant/dig"
	"github.com/sextant-dns/sextant/geo"
)

func digCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "dig [@server] [name] [type] [class] [-x addr] [+option...]",
		Short: "Ask a question, in dig's grammar and with dig's output",
		// dig's grammar is its own: +short, @server, -p 5300 in any place.
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runDig(cmd.Context(), cmd, args)
		},
	}
}

func runDig(ctx context.Context, cmd *cobra.Command, args []string) error {
	out := cmd.OutOrStdout()
	code := dig.Run(ctx, args, out, cmd.ErrOrStderr(), dig.Options{
		Version:  version,
		Locate:   networkOf,
		Geo:      filepath.SplitList(os.Getenv("SEXTANT_GEO")),
		Terminal: isTerminal(out),
		Colour:   colourful(out),
	})
	if code != exitOK {
		return exitCode(code)
	}
	return nil
}

// networkOf is a network in a place that GeoIP databases know: of the widest that
// is wholly there the first /24, or /56 when there is no IPv4, which is as much as
// a resolver tells of a client (RFC 7871 11.1).
func networkOf(files []string, place string) (netip.Prefix, error) {
	selector, err := geo.ParseSelector(place)
	if err != nil {
		return netip.Prefix{}, err
	}
	if len(files) == 0 {
		return netip.Prefix{}, errors.New("where that is says a GeoIP database, +geo=FILE or SEXTANT_GEO")
	}
	var from geo.Sources
	for _, name := range files {
		d, err := geo.Open(name, nil)
		if err != nil {
			return netip.Prefix{}, err
		}
		from.Databases = append(from.Databases, d)
	}
	m, err := geo.Compile([]geo.Selector{selector}, from)
	if err != nil {
		return netip.Prefix{}, err
	}
	there := m.Equivalence(func(c geo.Class) uint32 {
		if m.Has(c, selector) {
			return 1
		}
		return 0
	})
	best := netip.Prefix{}
	for p, class := range there.Prefixes() {
		if m.Has(class, selector) && wider(p, best) {
			best = p
		}
	}
	if !best.IsValid() {
		return best, fmt.Errorf("no network is in %s", selector)
	}
	if most := map[bool]int{true: 24, false: 56}[best.Addr().Is4()]; best.Bits() < most {
		best = netip.PrefixFrom(best.Addr(), most)
	}
	return best, nil
}

// wider tells whether p is the better example: IPv4 before IPv6, then wide before
// narrow, then whatever was there first.
func wider(p, than netip.Prefix) bool {
	switch {
	case !than.IsValid():
		return true
	case p.Addr().Is4() != than.Addr().Is4():
		return p.Addr().Is4()
	}
	return p.Bits() < than.Bits()
}
