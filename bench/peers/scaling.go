package main

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
)

// scalingKey is the experiment with authoritative servers of two threads on two cores, which
// get more questions than they can answer: so each thread finds as many waiting as one
// thread alone does, and takes as many with one system call.
const scalingKey = "scaling"

// overload is the questions/s that they get, in turn: more than two threads can do.
func overload() []int { return []int{400_000, 600_000} }

// cores are those of the server, as taskset wants them.
func (a authority) cores() string {
	if a.threads > 1 {
		return fmt.Sprintf("0-%d", a.threads-1)
	}
	return "0"
}

// with is the server with so many threads, each on a core.
func (a authority) with(threads int) authority {
	one, count := a.config, strconv.Itoa(threads)
	a.threads, a.env = threads, []string{"GOMAXPROCS=" + count}
	a.config = func(at netip.AddrPort, dir string) string {
		return strings.NewReplacer("udp-workers: 1", "udp-workers: "+count).Replace(one(at, dir))
	}
	return a
}

// scaling compares what an answer costs with one thread and with two. There is no core from
// which nobody else would be taken away, so it is not the answers that are compared.
func scaling(ctx context.Context, o options, out, progress io.Writer) error {
	return overVeth(ctx, scalingKey, o, out, func(dir, sextant string) error {
		fmt.Fprintf(out, "\n%d names, A, AAAA and NODATA, one thread and two, overloaded over veth: CPU of an answer, with %v questions/s\n", saturationNames, overload())
		fmt.Fprint(out, floodCommands())
		for round := range o.rounds {
			for _, a := range authorities(sextant)[:2] { // NSD has processes, of which not all that they use is seen
				fmt.Fprintf(progress, "%s: round %d: %s\n", scalingKey, round+1, a.name)
				if !installed(out, a.name, a.args("")[0]) {
					continue
				}
				one, _, err := a.flood(ctx, dir, overload())
				if err != nil {
					return fmt.Errorf("%s: %w", a.name, err)
				}
				two, _, err := a.with(2).flood(ctx, dir, overload())
				if err != nil {
					return fmt.Errorf("%s with two threads: %w", a.name, err)
				}
				fmt.Fprintf(out, "  round %d %-8s one %.2f µs, two %.2f µs: %.2f times as many answers from two cores\n",
					round+1, a.name, micros(one.cpu), micros(two.cpu), 2*quotient(micros(one.cpu), micros(two.cpu)))
			}
		}
		return nil
	})
}
