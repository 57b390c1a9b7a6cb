package main

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/sextant-dns/sextant/config"
	"github.com/sextant-dns/sextant/lab"
	"github.com/sextant-dns/sextant/lifeline"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
)

// The times of a replay.
const (
	replayBefore = time.Hour       // for which all is well
	replayAfter  = time.Hour       // after the end
	replayEvery  = 2 * time.Minute // a client asks
	replayRow    = 30              // answers of a line
)

// replay is an incident while it is told.
type replay struct {
	rehearsal
	incident *lab.Incident
	tld      *lab.TLD
	out      io.Writer
	pace     pace

	steps       []lab.Step // that are to come
	hasMoved    bool       // the zone has
	asked       int
	row         [2][]byte // of plain resolution, and of ours
	rowBegan    time.Time
	state       lifeline.State // at its end
	total       [2]tally
	first, last [2]time.Time // failures
}

// replayIncident tells an incident, and how it would have been.
func replayIncident(ctx context.Context, name string, speed float64, out io.Writer) error {
	incident, err := lab.FindIncident(name)
	if err != nil {
		return err
	}
	r, err := newReplay(incident, speed, out)
	if err != nil {
		return failure{err}
	}
	r.introduce()
	if err := r.run(ctx); interrupted(err) {
		fmt.Fprintln(out, "stopped")
		return nil
	} else if err != nil {
		return failure{err}
	}
	r.conclude()
	return nil
}

// newReplay makes the Internet of an incident, and two resolvers on it.
func newReplay(incident *lab.Incident, speed float64, out io.Writer) (*replay, error) {
	tld, err := incident.Play()
	if err != nil {
		return nil, err
	}
	r := &replay{incident: incident, tld: tld, out: out, pace: pace{speed}, steps: slices.Clone(incident.Steps), total: [2]tally{{}, {}}}
	r.clock, r.zone = &clock{now: incident.Began.Add(-replayBefore)}, tld.Zone()
	transitions, observe := newTransitions()
	r.transition = transitions
	for _, protects := range []bool{false, true} {
		p, err := r.resolver(protects, observe)
		if err != nil {
			return nil, err
		}
		heard := p.state.Load().served[0].Recursive
		if protects {
			r.protected, r.keeper = heard, p.lifeline
		} else {
			r.plain = heard
		}
	}
	return r, nil
}

// resolver is what a client hears who asks Sextant, or, without its lifeline, plain
// resolution.
func (r *replay) resolver(protects bool, observe func(lookup.Name, lifeline.Transition)) (*parts, error) {
	c := config.Default()
	c.Control.Socket = ""
	c.Resolver.Prefetch, c.Resolver.Priming = false, false // what is in the background is told at no fixed time
	c.DNSSEC.BuiltinAnchor, c.DNSSEC.TrustAnchors = false, []string{r.tld.Anchor()}
	c.DNSSEC.Aggressive = false
	c.Lifeline.GraceDelegation = 0
	if protects {
		c.Lifeline.GraceDelegation = config.Default().Lifeline.GraceDelegation
		c.Lifeline.Zones = []config.LifelineZone{{Zone: r.zone}}
	}
	var chance atomic.Uint64 // the same each time
	w := wiring{exchanger: r.tld, unsigned: !r.incident.Validates, now: r.clock.Now, moved: observe, intN: func(n int) int {
		return int(chance.Add(7) % uint64(n))
	}}
	for _, root := range r.tld.Roots() {
		w.hints = append(w.hints, resolver.Server(root))
	}
	return build(c, w)
}

// introduce tells what is known of the incident, and what is shown.
func (r *replay) introduce() {
	i := r.incident
	fmt.Fprintf(r.out, "%s  %s\n\n", i.Name, i.Title)
	for _, list := range []struct {
		title string
		lines []string
	}{{"Published:", i.Facts}, {"Source:", i.Sources}, {"Here:", i.Here}} {
		for n, line := range list.lines {
			fmt.Fprintf(r.out, "  %-10s %s\n", map[bool]string{true: list.title}[n == 0], line)
		}
	}
	validates := "Neither validates, as most did not then."
	if i.Validates {
		validates = "Both validate."
	}
	fmt.Fprintf(r.out, `
Every two minutes a client asks for a name in %[1]s, of two resolvers that begin alike: plain
resolution, which is Sextant without its lifeline, and Sextant, for which %[1]s is protected.
Others ask for other names in the TLD. %[2]s
Delegations live for an hour, addresses for a minute. Times are UTC.

  .  the right answer   N  no such name   S  SERVFAIL   W  an answer that is wrong

`, r.zone, validates)
	fmt.Fprintf(r.out, "%-14s%-*s%-*s%s\n", "", replayRow+2, "plain resolution", replayRow+2, "Sextant", "state")
}

// run plays the incident from an hour before it to an hour after.
func (r *replay) run(ctx context.Context) error {
	r.say("all servers are well")
	end := r.incident.Began.Add(r.incident.Lasted + replayAfter)
	for now := r.clock.Now(); now.Before(end); now = r.clock.Now() {
		for len(r.steps) > 0 && !r.incident.Began.Add(r.steps[0].After).After(now) {
			r.take(r.steps[0])
			r.steps = r.steps[1:]
		}
		if err := r.call(ctx); err != nil {
			return err
		}
		r.told()
		if now.Sub(r.incident.Began)%replayEvery == 0 {
			r.ask(ctx)
			if err := r.call(ctx); err != nil { // that a query has asked for
				return err
			}
			r.told()
		}
		if err := r.pace.pass(ctx, tick); err != nil {
			return err
		}
		r.clock.set(now.Add(tick))
	}
	r.flush()
	return nil
}

// tick is how exact the time of a replay is: as often as roll-calls are sent at most.
const tick = 30 * time.Second

func (r *replay) take(s lab.Step) {
	r.tld.Take(s)
	r.hasMoved = r.hasMoved || s.Moves
	r.say(s.Says)
}

// say tells something that happens.
func (r *replay) say(what string) {
	r.flush()
	fmt.Fprintf(r.out, "%s  %s\n", stamp(r.clock.Now()), what)
}

func stamp(t time.Time) string { return t.Format("Jan _2 15:04") }

// told tells what has become of the zone.
func (r *replay) told() {
	for _, t := range r.moved() {
		if t.From == t.To && t.Outcome != lifeline.Adopted && t.Outcome != lifeline.Released {
			continue
		}
		moved := t.To.String()
		if t.From == t.To {
			moved = "known"
		}
		r.say(fmt.Sprintf("  lifeline: %s: %s", moved, t.Reason))
	}
}

// ask has a client of each resolver ask for the next name. Others ask for other names of
// the TLD, so that its servers are known to the resolvers.
func (r *replay) ask(ctx context.Context) {
	parent, _ := r.zone.Parent()
	if other, err := parent.Child(fmt.Sprintf("other%d", r.asked)); err == nil {
		for _, by := range [2]lookup.Resolver{r.plain, r.protected} {
			judged(ctx, by, lookup.Question{Name: other, Type: lookup.TypeA, Class: lookup.ClassIN}, nil)
		}
	}
	names, truth := r.tld.Asked(r.hasMoved)
	name := names[r.asked%len(names)]
	r.asked++
	if len(r.row[0]) == 0 {
		r.rowBegan = r.clock.Now()
	}
	for i, by := range [2]lookup.Resolver{r.plain, r.protected} {
		v := judged(ctx, by, lookup.Question{Name: name, Type: lookup.TypeA, Class: lookup.ClassIN}, func(s lookup.RRset) bool {
			a, ok := netip.AddrFromSlice([]byte(s.Data.First()))
			return ok && a == truth[name]
		})
		r.row[i] = append(r.row[i], byte(v))
		r.total[i][v]++
		if v != right {
			if r.first[i].IsZero() {
				r.first[i] = r.clock.Now()
			}
			r.last[i] = r.clock.Now()
		}
	}
	s, _ := r.keeper.StatusOf(r.zone)
	r.state = s.State
	if len(r.row[0]) == replayRow {
		r.flush()
	}
}

// flush prints the answers that there are.
func (r *replay) flush() {
	if len(r.row[0]) == 0 {
		return
	}
	fmt.Fprintf(r.out, "%s  %-*s%-*s%s\n", stamp(r.rowBegan), replayRow+2, r.row[0], replayRow+2, r.row[1], r.state)
	r.row = [2][]byte{}
}

// conclude ends with a table.
func (r *replay) conclude() {
	fmt.Fprintln(r.out)
	w := tabwriter.NewWriter(r.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\tQUERIES\tFAILED\t\tNXDOMAIN\tSERVFAIL\tWRONG\tFIRST\tLAST")
	for i, who := range []string{"plain resolution", "Sextant"} {
		t := r.total[i]
		times := "-\t-"
		if t.failed() > 0 {
			times = stamp(r.first[i]) + "\t" + stamp(r.last[i])
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%s\t%d\t%d\t%d\t%s\n", who, t.queries(), t.failed(), percent(t.failed(), t.queries()), t[denied], t[unserved], t[wrong], times)
	}
	_ = w.Flush() // whoever does not read it does not need it
	s, _ := r.keeper.StatusOf(r.zone)
	fmt.Fprintf(r.out, "\nSextant: %d answers by the parent's delegation, %d by the one that was known; %s at the end.\n",
		s.Answers[lifeline.ByParent], s.Answers[lifeline.ByKnown], s.State)
}

// incidentNames are those that can be replayed.
func incidentNames() string {
	var names []string
	for _, i := range lab.Incidents() {
		names = append(names, i.Name)
	}
	return strings.Join(names, ", ")
}
