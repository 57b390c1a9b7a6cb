package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
)

// missesBeside is how many names that are not in the cache are asked for in each second
// while cached answers are timed.
const missesBeside = 2000

// serviceExperiments are about how a server serves, and not only about what it costs.
func serviceExperiments(cached []figure) []experiment {
	waits := []figure{
		{"µs until half of the answers are there", func(s sample) float64 { return micros(s.waits.median) }, "%.0f", true},
		{"µs until 99 % are", func(s sample) float64 { return micros(s.waits.p99) }, "%.0f", true},
		{"µs until 99.9 % are", func(s sample) float64 { return micros(s.waits.p999) }, "%.0f", true},
		{"µs until the last one is", func(s sample) float64 { return micros(s.waits.worst) }, "%.0f", false},
		{"answers/s", sample.rate, "%.0f", false},
	}
	return []experiment{
		{key: "tcp", title: "10 000 names, A, cached, over 8 TCP connections, 100 questions at a time", do: doTCP, figures: append([]figure{
			{"answers/s", sample.rate, "%.0f", true},
		}, cached...)},
		{key: "wait", title: "10 000 names, A, cached, at half of the rate that the server is capable of", do: doWait, figures: waits},
		{key: "garbage", title: fmt.Sprintf("the same, while %d other names/s are resolved", missesBeside), misses: true, do: doWait, figures: append([]figure{
			{"garbage collections meanwhile", func(s sample) float64 { return float64(s.collections) }, "%.0f", false},
		}, waits...)},
		{key: "cores", title: "10 000 names, A, cached, with two threads on two cores", cores: 2, do: doCores, figures: []figure{
			{"CPU, µs for an answer, one thread", func(s sample) float64 { return micros(s.alone) }, "%.2f", true},
			{"CPU, µs for an answer, two threads", func(s sample) float64 { return micros(s.perQuery()) }, "%.2f", true},
			{"twice the first divided by the second", func(s sample) float64 { return 2 * quotient(micros(s.alone), micros(s.perQuery())) }, "%.2f", true},
		}},
	}
}

// doTCP is doCached over TCP.
func doTCP(ctx context.Context, l *laboratory, s subject) (sample, error) {
	return doCached(ctx, l, s, "-m", "tcp")
}

// doCores is doCached with more clients, so that the kernel gives each thread some.
func doCores(ctx context.Context, l *laboratory, s subject) (sample, error) {
	return doCached(ctx, l, s, "-c", "64")
}

// waits are how long answers take.
type waits struct{ median, p99, p999, worst time.Duration }

// doWait finds out what the server is capable of, and times answers at half of that.
func doWait(ctx context.Context, l *laboratory, s subject) (sample, error) {
	full, err := doCached(ctx, l, s)
	if err != nil {
		return sample{}, err
	}
	before, err := s.collections()
	if err != nil {
		return sample{}, err
	}
	beside := make(chan error, 1)
	go func() {
		if !s.misses {
			beside <- nil
			return
		}
		_, err := load(ctx, s.at, l.flags("-d", l.path("all.questions"), "-n", "1", "-l", strconv.Itoa(l.seconds), "-Q", strconv.Itoa(missesBeside))...)
		beside <- err
	}()
	half := strconv.Itoa(int(full.rate() / 2))
	measured, err := l.time(ctx, s, l.flags("-d", s.questions, "-l", strconv.Itoa(l.seconds), "-Q", half)...)
	if err := cmp.Or(err, <-beside); err != nil {
		return sample{}, err
	}
	after, err := s.collections()
	measured.collections = after - before
	return measured, err
}

// time runs dnsperf and has it tell how long each answer took.
func (l *laboratory) time(ctx context.Context, s subject, args ...string) (sample, error) {
	file, err := os.CreateTemp(l.dir, "waits-")
	if err != nil {
		return sample{}, err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	c := exec.CommandContext(ctx, "taskset", dnsperf(s.at, append(args, "-v")...)...)
	c.Stdout, c.Stderr = file, file
	if err := c.Run(); err != nil {
		return sample{}, fmt.Errorf("dnsperf: %w", err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return sample{}, err
	}
	return parseWaits(file)
}

// parseWaits reads what dnsperf -v prints: of each question a line that begins with ">",
// and ends with the seconds that the answer took.
func parseWaits(out io.Reader) (sample, error) {
	var rest strings.Builder
	var took []time.Duration
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		line := lines.Text()
		if !strings.HasPrefix(line, "> ") {
			rest.WriteString(line + "\n")
			continue
		}
		seconds, err := strconv.ParseFloat(line[strings.LastIndexByte(line, ' ')+1:], 64)
		if err != nil {
			continue // "> T NAME TYPE": there was no answer, as the totals say, too
		}
		took = append(took, time.Duration(seconds*float64(time.Second)))
	}
	if err := lines.Err(); err != nil {
		return sample{}, err
	}
	s, err := parseDnsperf(rest.String())
	if err == nil && len(took) == 0 {
		err = fmt.Errorf("dnsperf does not say how long answers took:\n%s", rest.String())
	}
	if err != nil {
		return s, err
	}
	slices.Sort(took)
	at := func(share float64) time.Duration { return took[int(share*float64(len(took)-1))] }
	s.waits = waits{at(0.5), at(0.99), at(0.999), at(1)}
	return s, nil
}

// collections is how often a garbage collector has run since the server started, of which
// Go's runtime prints a line each when it is told to (GODEBUG=gctrace=1).
func (p *process) collections() (int, error) {
	log, err := os.ReadFile(p.log)
	return strings.Count("\n"+string(log), "\ngc "), err
}
