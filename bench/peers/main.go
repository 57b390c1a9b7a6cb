package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// options are the command line.
type options struct {
	sextant  string // path of the binary
	network  netip.Prefix
	seconds  int // of cached answers, for each server and round
	rounds   int
	edns     bool
	only     []string // experiments; all when empty
	peers    []string // servers; all when empty
	deadline time.Duration
	results  string // file; "": none
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is main without the process: the exit code is 0 when the table has been
// printed, 1 when it could not be had, 2 when the command line is wrong.
func run(ctx context.Context, args []string, out, errOut io.Writer) int {
	o, err := parseOptions(args, errOut)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintf(errOut, "peers: %v\n", err)
		return 2
	}
	ctx, cancel := context.WithTimeoutCause(ctx, o.deadline, fmt.Errorf("not done after %v", o.deadline))
	defer cancel()
	var printed bytes.Buffer
	err = bench(ctx, o, io.MultiWriter(out, &printed), errOut)
	if err == nil {
		printLoad(io.MultiWriter(out, &printed))
	}
	if err == nil && o.results != "" {
		err = writeResults(o.results, printed.Bytes())
	}
	if err != nil {
		fmt.Fprintf(errOut, "peers: %v\n", err)
		return 1
	}
	return 0
}

func parseOptions(args []string, errOut io.Writer) (options, error) {
	var o options
	var network, only, peers string
	f := flag.NewFlagSet("peers", flag.ContinueOnError)
	f.SetOutput(errOut)
	f.StringVar(&o.sextant, "sextant", "bin/sextant", "Sextant's `binary`")
	f.StringVar(&network, "network", "127.0.53.0/24", "loopback `network` of 24 bits that everything listens in")
	f.IntVar(&o.seconds, "seconds", 5, "`seconds` of cached answers, for each server and round; 1 to 600")
	f.IntVar(&o.rounds, "rounds", 2, "how often each server is measured, in turn; 1 to 20")
	f.BoolVar(&o.edns, "edns", false, "ask with EDNS")
	f.StringVar(&only, "only", "", "the `experiments` to do, of "+strings.Join(experimentKeys(), ","))
	f.StringVar(&peers, "peers", "", "the `servers` to measure, of "+strings.Join(serverNames(), ","))
	f.StringVar(&o.results, "results", "", "write what is printed into this `file`, too")
	f.DurationVar(&o.deadline, "deadline", 40*time.Minute, "give up after this `time`")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	var err error
	if o.network, err = netip.ParsePrefix(network); err != nil {
		return o, err
	}
	loopback := netip.MustParsePrefix("127.0.0.0/8")
	switch {
	case f.NArg() > 0:
		return o, fmt.Errorf("what is %q?", f.Arg(0))
	case o.network.Bits() != 24 || o.network != o.network.Masked() || !loopback.Contains(o.network.Addr()):
		return o, fmt.Errorf("-network %s: want 24 bits inside %s", network, loopback)
	case o.seconds < 1 || o.seconds > 600:
		return o, fmt.Errorf("-seconds %d: want 1 to 600", o.seconds)
	case o.rounds < 1 || o.rounds > 20:
		return o, fmt.Errorf("-rounds %d: want 1 to 20", o.rounds)
	}
	if o.only, err = choose(only, experimentKeys()); err != nil {
		return o, fmt.Errorf("-only: %w", err)
	}
	if o.peers, err = choose(peers, serverNames()); err != nil {
		return o, fmt.Errorf("-peers: %w", err)
	}
	return o, nil
}

// choose reads a list with commas, each part of which must be one of the keys. No
// list is all of them.
func choose(list string, keys []string) ([]string, error) {
	if list == "" {
		return keys, nil
	}
	chosen := strings.Split(list, ",")
	for _, c := range chosen {
		if !slices.Contains(keys, c) {
			return nil, fmt.Errorf("there is no %q; want some of %s", c, strings.Join(keys, ","))
		}
	}
	return chosen, nil
}

// bench does everything, and cleans up after itself however it ends.
func bench(ctx context.Context, o options, out, errOut io.Writer) error {
	if err := possible(); err != nil {
		return err
	}
	servers, missing, err := findServers(o)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "sextant-peers-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	printMachine(out, o, servers, missing)
	if more, err := benchApart(ctx, o, out, errOut); err != nil || !more {
		return err
	}

	l := &laboratory{options: o, dir: dir, progress: errOut}
	defer l.stop()
	if err := l.start(ctx); err != nil {
		return err
	}
	if err := l.prepare(servers); err != nil {
		return err
	}
	printCommands(out, l, servers)
	for _, e := range experiments() {
		if !slices.Contains(o.only, e.key) {
			continue
		}
		results, err := l.do(ctx, e, servers)
		if err != nil {
			return fmt.Errorf("%s: %w", e.title, reason(ctx, err))
		}
		printResults(out, e, servers, results)
	}
	return nil
}

// apart are the experiments that have their own servers and ways.
func apart() []struct {
	key string
	do  func(ctx context.Context, o options, out, progress io.Writer) error
} {
	return []struct {
		key string
		do  func(ctx context.Context, o options, out, progress io.Writer) error
	}{{saturationKey, saturation}, {scalingKey, scaling}, {driverKey, atTheDriver}, {millionKey, million}, {geoKey, geoBench}}
}

// benchApart does those of them that are wanted; more tells whether others are, too.
func benchApart(ctx context.Context, o options, out, progress io.Writer) (more bool, err error) {
	done := 0
	for _, a := range apart() {
		if !slices.Contains(o.only, a.key) {
			continue
		}
		done++
		if err := a.do(ctx, o, out, progress); err != nil {
			return false, fmt.Errorf("%s: %w", a.key, reason(ctx, err))
		}
	}
	return done < len(o.only), nil
}

// start starts what the chosen experiments need.
func (l *laboratory) start(ctx context.Context) (err error) {
	if l.internet, err = startInternet(ctx, l.dir, l.network, nil); err != nil {
		return err
	}
	if !slices.ContainsFunc(experiments(), func(e experiment) bool { return e.signed && slices.Contains(l.only, e.key) }) {
		return nil
	}
	keys, err := newSigner(time.Now())
	if err != nil {
		return err
	}
	l.signed, err = startInternet(ctx, l.dir, l.network, keys)
	return err
}

// stop ends what start has started.
func (l *laboratory) stop() {
	for _, n := range []*internet{l.internet, l.signed} {
		if n != nil {
			n.stop()
		}
	}
}

// reason is why the work was interrupted, if it was; else err.
func reason(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// possible says what the machine lacks.
func possible() error {
	if runtime.GOOS != "linux" {
		return fmt.Errorf("this needs Linux: it reads /proc")
	}
	if os.Geteuid() != 0 {
		return errors.New("this needs root: the authoritative servers listen on port 53 of loopback addresses")
	}
	if runtime.NumCPU() < 2 {
		return errors.New("this needs two cores: one for the server, one for who asks")
	}
	for _, tool := range []string{"nsd", "nsd-control", "dnsperf", "taskset"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("this needs %s (Debian packages nsd, dnsperf, util-linux): %w", tool, err)
		}
	}
	return nil
}
