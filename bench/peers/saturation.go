package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// saturationKey is the experiment with authoritative servers that get more questions
// than they can answer. They are in a network namespace, behind a pair of interfaces,
// and asked by kxdpgun, which sends with XDP: so the client is not what limits them.
const saturationKey = "saturation"

const (
	saturationNames     = 10_000
	saturationNamespace = "sxpeers"
	saturationOutside   = "sxpeers0"
	saturationInside    = "sxpeers1"
)

// Addresses for such measurements (RFC 2544 C.2.2).
var (
	saturationClient = netip.MustParsePrefix("198.18.53.1/24")
	saturationServer = netip.MustParsePrefix("198.18.53.2/24")
)

// offered are the questions/s that a server gets, in turn.
func offered() []int { return []int{100_000, 150_000, 200_000, 300_000, 400_000} }

func saturation(ctx context.Context, o options, out, progress io.Writer) error {
	return overVeth(ctx, saturationKey, o, out, func(dir, sextant string) error {
		fmt.Fprintf(out, "\n%d names, A, AAAA and NODATA, one core, overloaded over veth: the most answers/s, with %v questions/s\n", saturationNames, offered())
		fmt.Fprint(out, floodCommands())
		for round := range o.rounds {
			first := 0
			for _, a := range authorities(sextant) {
				fmt.Fprintf(progress, "%s: round %d: %s\n", saturationKey, round+1, a.name)
				if !installed(out, a.name, a.args("")[0]) {
					continue
				}
				most, all, err := a.flood(ctx, dir, offered())
				if err != nil {
					return fmt.Errorf("%s: %w", a.name, err)
				}
				if first == 0 {
					first = most.answers
				}
				fmt.Fprintf(out, "  round %d %-8s %d answers/s (%.2f) of %v\n", round+1, a.name, most.answers, quotient(float64(first), float64(most.answers)), all)
			}
		}
		fmt.Fprintln(out, "  in parentheses: the first server's figure divided by this one's")
		return nil
	})
}

// overVeth runs an experiment whose servers are behind a pair of interfaces, with a folder
// that has their zone and the questions, and the path of Sextant.
func overVeth(ctx context.Context, key string, o options, out io.Writer, experiment func(dir, sextant string) error) error {
	if _, err := exec.LookPath("kxdpgun"); err != nil {
		fmt.Fprintf(out, "\n%s is left out: %v (Debian package knot-dnsutils)\n", key, err)
		return nil
	}
	dir, err := os.MkdirTemp("", "sextant-"+key+"-")
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
	return experiment(dir, sextant)
}

// floodCommands are what server and client are started with, for whoever reads the results.
func floodCommands() string {
	return fmt.Sprintf("$ ip netns exec %s taskset -c 0 SERVER\n$ kxdpgun -F 1 -t 2 -Q OFFERED -i QUESTIONS -I %s %s\n", saturationNamespace, saturationOutside, saturationServer.Addr())
}

// prepareSaturation writes a zone under the name that the configurations of million.go
// have for theirs, and questions for A, AAAA and for what is not there.
func prepareSaturation(dir string) error {
	var zone, questions strings.Builder
	zone.WriteString("$ORIGIN example.\n$TTL 3600\n@ SOA ns hostmaster 1 7200 900 1209600 300\n@ NS ns\nns A 192.0.2.53\n")
	for i := range saturationNames {
		name := fmt.Sprintf("h%d", i*7919%saturationNames)
		fmt.Fprintf(&zone, "%s A 192.0.2.%d\n%[1]s AAAA 2001:db8::%x\n", name, 1+i%250, i)
		for _, t := range []string{"A", "AAAA", "MX"} {
			fmt.Fprintf(&questions, "%s.example. %s\n", name, t)
		}
	}
	return errors.Join(os.WriteFile(filepath.Join(dir, "million.zone"), []byte(zone.String()), 0o644),
		os.WriteFile(filepath.Join(dir, "questions"), []byte(questions.String()), 0o644))
}

func addVeth(ctx context.Context) error {
	removeVeth() // of a run that was killed
	for _, line := range []string{
		"netns add " + saturationNamespace,
		"link add " + saturationOutside + " type veth peer name " + saturationInside,
		"link set " + saturationInside + " netns " + saturationNamespace,
		"addr add " + saturationClient.String() + " dev " + saturationOutside,
		"link set " + saturationOutside + " up",
		"-n " + saturationNamespace + " addr add " + saturationServer.String() + " dev " + saturationInside,
		"-n " + saturationNamespace + " link set " + saturationInside + " up",
		"-n " + saturationNamespace + " link set lo up",
	} {
		if err := ip(ctx, line); err != nil {
			return err
		}
	}
	return nil
}

// inNamespace is what a command has to begin with to run in there.
func inNamespace() []string { return []string{"ip", "netns", "exec", saturationNamespace} }

// removeVeth removes what addVeth has made; there may be nothing.
func removeVeth() {
	_ = ip(context.Background(), "link del "+saturationOutside)
	_ = ip(context.Background(), "netns del "+saturationNamespace)
}

func ip(ctx context.Context, line string) error {
	out, err := exec.CommandContext(ctx, "ip", strings.Fields(line)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s", line, err, out)
	}
	return nil
}

// flood is what a server made of questions at one rate.
type flood struct {
	answers int           // a second
	cpu     time.Duration // for each
}

// flood starts the server and overloads it more and more; most is the best of all.
func (a authority) flood(ctx context.Context, dir string, offered []int) (most flood, all []int, err error) {
	at := netip.AddrPortFrom(saturationServer.Addr(), 53)
	config := filepath.Join(dir, a.name+".conf")
	if err := os.WriteFile(config, []byte(a.config(at, dir)), 0o644); err != nil {
		return most, nil, err
	}
	// Knot DNS leaves its program on the interface when it ends, and nobody else could have it.
	if err := ip(ctx, "-n "+saturationNamespace+" link set dev "+saturationInside+" xdp off"); err != nil {
		return most, nil, err
	}
	p, err := startOn(dir, a.cores(), a.env, append(inNamespace(), a.args(config)...)...)
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
	for _, rate := range offered {
		before, _, err := p.cpu()
		if err != nil {
			return most, nil, err
		}
		answers, err := kxdpgun(ctx, "-t", strconv.Itoa(seconds), "-Q", strconv.Itoa(rate), "-p", "53",
			"-i", filepath.Join(dir, "questions"), "-I", saturationOutside, at.Addr().String())
		if err != nil {
			return most, nil, err
		}
		after, _, err := p.cpu()
		if err != nil {
			return most, nil, err
		}
		if all = append(all, answers); answers > most.answers {
			most = flood{answers, (after - before) / time.Duration(answers*seconds)}
		}
	}
	return most, all, nil
}

// kxdpgun overloads a server and says how many replies/s there were. The kernel needs some
// time to give back what the last one that ran had of the interface.
func kxdpgun(ctx context.Context, args ...string) (int, error) {
	for tries := 1; ; tries++ {
		// -F: its thread chooses a processor itself, the first one if it is not told.
		out, err := exec.CommandContext(ctx, "kxdpgun", append([]string{"-F", "1"}, args...)...).CombinedOutput()
		if strings.Contains(string(out), "requested resource is busy") && tries < 5 && ctx.Err() == nil {
			time.Sleep(time.Second)
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("kxdpgun: %w\n%s", err, out)
		}
		return parseKxdpgun(string(out))
	}
}

// parseKxdpgun is how many replies/s there were.
func parseKxdpgun(out string) (int, error) {
	m := regexp.MustCompile(`total replies:.*\((\d+) pps\)`).FindStringSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("kxdpgun does not say how many replies there were:\n%s", out)
	}
	return strconv.Atoi(m[1])
}
