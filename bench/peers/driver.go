package main

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
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

// flood is what a server made of questions at one rate.
type flood struct {
	answers int           // a second
	cpu     time.Duration // for each
}

func atTheDriver(ctx context.Context, o options, out, progress io.Writer) error {
	if _, err := exec.LookPath("kxdpgun"); err != nil {
		fmt.Fprintf(out, "\nxdp is left out: %v (Debian package knot-dnsutils)\n", err)
		return nil
	}
	dir, err := os.MkdirTemp("", "sextant-xdp-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := prepareSaturation(dir); err != nil {
		return err
	}
	sextant, err := filepath.Abs(o.sextant)
	if err != nil {
		return err
	}
	defer removeVeth()
	if err := addVeth(ctx); err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%d names, A, AAAA and NODATA, one core, overloaded over veth, at the driver: the most answers/s and CPU of an answer, with %v questions/s\n", saturationNames, driverOffered())
	fmt.Fprintf(out, "$ ip netns exec %s taskset -c 0 SERVER\n$ kxdpgun -F 1 -t 2 -Q OFFERED -i QUESTIONS -I %s %s\n", saturationNamespace, saturationOutside, saturationServer.Addr())
	for round := range o.rounds {
		first := flood{}
		for _, a := range driverAuthorities(sextant) {
			fmt.Fprintf(progress, "%s: round %d: %s\n", driverKey, round+1, a.name)
			if _, err := exec.LookPath(a.args("")[0]); err != nil {
				fmt.Fprintf(out, "%s is left out: %v\n", a.name, err)
				continue
			}
			most, all, err := a.flood(ctx, dir)
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
}

// flood starts the server and overloads it more and more; most is the best of all.
func (a authority) flood(ctx context.Context, dir string) (most flood, all []int, err error) {
	at := netip.AddrPortFrom(saturationServer.Addr(), 53)
	config := filepath.Join(dir, a.name+".conf")
	if err := os.WriteFile(config, []byte(a.config(at, dir)), 0o644); err != nil {
		return most, nil, err
	}
	// Knot DNS leaves its program on the interface when it ends, and nobody else could have it.
	if err := ip(ctx, "-n "+saturationNamespace+" link set dev "+saturationInside+" xdp off"); err != nil {
		return most, nil, err
	}
	p, err := start(dir, 0, a.env, append([]string{"ip", "netns", "exec", saturationNamespace}, a.args(config)...)...)
	if err != nil {
		return most, nil, err
	}
	defer p.stop()
	if err := p.until(ctx, func() error { return has(ctx, at, "ns.example.") }); err != nil {
		return most, nil, err
	}
	if strings.HasSuffix(a.name, "-xdp") {
		link, err := exec.CommandContext(ctx, "ip", "-n", saturationNamespace, "link", "show", "dev", saturationInside).Output()
		if err != nil || !strings.Contains(string(link), "prog/xdp") {
			return most, nil, fmt.Errorf("it has no program on the interface (%v):\n%s%s", err, link, p.tail())
		}
	}
	const seconds = 2
	for _, rate := range driverOffered() {
		before, err := p.cpu()
		if err != nil {
			return most, nil, err
		}
		// -F: its thread chooses a processor itself, the first one if it is not told.
		c := exec.CommandContext(ctx, "kxdpgun", "-F", "1", "-t", strconv.Itoa(seconds), "-Q", strconv.Itoa(rate), "-p", "53",
			"-i", filepath.Join(dir, "questions"), "-I", saturationOutside, at.Addr().String())
		out, err := c.CombinedOutput()
		if err != nil {
			return most, nil, fmt.Errorf("kxdpgun: %w\n%s", err, out)
		}
		answers, err := parseKxdpgun(string(out))
		if err != nil {
			return most, nil, err
		}
		after, err := p.cpu()
		if err != nil {
			return most, nil, err
		}
		if all = append(all, answers); answers > most.answers {
			most = flood{answers, (after - before) / time.Duration(answers*seconds)}
		}
	}
	return most, all, nil
}
