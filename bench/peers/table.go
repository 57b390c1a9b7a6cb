package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"text/tabwriter"
)

// printMachine says where, and between whom.
func printMachine(out io.Writer, o options, servers []server, missing []string) {
	cpu := "unknown processor"
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, after, ok := strings.Cut(string(b), "model name\t: "); ok {
			cpu, _, _ = strings.Cut(after, "\n")
		}
	}
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	busy, _ := os.ReadFile("/proc/loadavg")
	fmt.Fprintf(out, "machine: %s, %d cores, Linux %s, load before the start %s", cpu, runtime.NumCPU(), strings.TrimSpace(string(kernel)), busy)
	fmt.Fprintf(out, "rounds: %d, %d s of cached answers in each\n", o.rounds, o.seconds)
	for _, s := range servers {
		fmt.Fprintf(out, "%s: %s\n", s.name, s.says())
	}
	fmt.Fprintf(out, "authoritative: %s\nclient: dnsperf %s\n", firstLine("nsd", "-v"), dnsperfVersion())
	for _, m := range missing {
		fmt.Fprintln(out, m)
	}
}

// printLoad says how busy the machine has been: the last minute, 5 minutes and 15
// minutes (proc_loadavg(5)). What is measured makes for 2, more or less.
func printLoad(out io.Writer) {
	busy, _ := os.ReadFile("/proc/loadavg")
	fmt.Fprintf(out, "\nload at the end: %s", busy)
}

// dnsperfVersion is in what it prints before it does anything, here nothing.
func dnsperfVersion() string {
	out, _ := exec.Command("dnsperf", "-h").CombinedOutput()
	if _, after, ok := strings.Cut(string(out), "Version "); ok {
		version, _, _ := strings.Cut(after, "\n")
		return version
	}
	return "of unknown version"
}

// printCommands says what is run; what the configurations are, servers.go and
// namespace.go say. Files are named from where we are, or from the laboratory's DIR.
func printCommands(out io.Writer, l *laboratory, servers []server) {
	here, _ := os.Getwd()
	short := strings.NewReplacer(l.dir, "DIR", here+"/", "")
	for _, n := range []*internet{l.internet, l.signed} {
		if n == nil {
			continue
		}
		for _, config := range n.configs {
			fmt.Fprintf(out, "$ taskset -c 1 nsd -d -c %s\n", short.Replace(config))
		}
	}
	for _, s := range servers {
		line := append(append([]string{}, s.env...), "taskset", "-c", "0")
		line = append(line, s.command(l.path(s.configFile(experiment{})))...)
		fmt.Fprintf(out, "$ %s\n", short.Replace(strings.Join(line, " ")))
	}
	fmt.Fprintln(out, "$ taskset -c 1 dnsperf -c 8 -T 1 -q 100 -t 10 -d QUESTIONS [-n 1 | -l SECONDS -t 1]")
}

// printResults prints an experiment's part of the table: for each server its
// figures, the mean of the rounds; and what the first server's are of each
// other's, of all rounds and, in parentheses, of each.
func printResults(out io.Writer, e experiment, servers []server, results [][]sample) {
	fmt.Fprintf(out, "\n%s\n", e.title)
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	defer table.Flush()
	for i, s := range servers {
		fmt.Fprintf(table, "\t%s", s.name)
		if i > 0 {
			fmt.Fprintf(table, "\t%s/%s (each round)", servers[0].name, s.name)
		}
	}
	fmt.Fprintln(table)
	for _, f := range e.figures {
		fmt.Fprintf(table, "  %s", f.label)
		for i := range servers {
			fmt.Fprintf(table, "\t"+f.format, mean(f, results[i]))
			if i > 0 {
				fmt.Fprintf(table, "\t%s", ratio(f, results[0], results[i]))
			}
		}
		fmt.Fprintln(table)
	}
}

func mean(f figure, samples []sample) float64 {
	sum := 0.0
	for _, s := range samples {
		sum += f.value(s)
	}
	return sum / float64(max(1, len(samples)))
}

// ratio is empty for a figure that is not compared.
func ratio(f figure, ours, theirs []sample) string {
	if !f.ratio {
		return ""
	}
	var rounds []string
	for i := range ours {
		rounds = append(rounds, fmt.Sprintf("%.2f", quotient(f.value(ours[i]), f.value(theirs[i]))))
	}
	return fmt.Sprintf("%.2f (%s)", quotient(mean(f, ours), mean(f, theirs)), strings.Join(rounds, " "))
}

// quotient of something that was too small to be measured is 0.
func quotient(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}
