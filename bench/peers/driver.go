package main

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"strings"
)

// driverKey is the experiment with authoritative servers that take questions from the
// network driver (AF_XDP), and get more of them than they can answer. It is in the
// network of the experiment saturation.
const driverKey = "xdp"

// driverAuthorities are the servers, and Sextant over sockets, which shows what it is for.
func driverAuthorities(sextant string) []authority {
	all := authorities(sextant)
	ours, knot := all[0], all[1]
	atDriver, sockets, theirs := ours, ours, knot
	atDriver.name, theirs.name, sockets.name = "sextant-xdp", "knot-xdp", "sextant"
	atDriver.config = func(at netip.AddrPort, dir string) string {
		return strings.Replace(sextantAuthority(at, dir), `"]`, `", "xdp:`+saturationInside+`"]`, 1)
	}
	theirs.config = func(at netip.AddrPort, dir string) string {
		return knotAuthority(at, dir) + fmt.Sprintf("xdp:\n    listen: %s@%d\n", saturationInside, at.Port())
	}
	return []authority{atDriver, theirs, sockets}
}

// driverOffered are the questions/s that a server gets, in turn.
func driverOffered() []int { return []int{200_000, 300_000, 400_000, 600_000} }

func atTheDriver(ctx context.Context, o options, out, progress io.Writer) error {
	return overVeth(ctx, driverKey, o, out, func(dir, sextant string) error {
		fmt.Fprintf(out, "\n%d names, A, AAAA and NODATA, one core, overloaded over veth, at the driver: the most answers/s and CPU of an answer, with %v questions/s\n", saturationNames, driverOffered())
		fmt.Fprint(out, floodCommands())
		for round := range o.rounds {
			first := flood{}
			for _, a := range driverAuthorities(sextant) {
				fmt.Fprintf(progress, "%s: round %d: %s\n", driverKey, round+1, a.name)
				if !installed(out, a.name, a.args("")[0]) {
					continue
				}
				most, all, err := a.flood(ctx, dir, driverOffered())
				if err != nil {
					return fmt.Errorf("%s: %w", a.name, err)
				}
				if first.answers == 0 {
					first = most
				}
				fmt.Fprintf(out, "  round %d %-11s %d answers/s (%.2f), %.2f µs (%.2f) of %v\n", round+1, a.name,
					most.answers, quotient(float64(first.answers), float64(most.answers)),
					most.cpu.Seconds()*1e6, quotient(first.cpu.Seconds(), most.cpu.Seconds()), all)
			}
		}
		fmt.Fprintln(out, "  in parentheses: the first server's figure divided by this one's")
		return nil
	})
}
