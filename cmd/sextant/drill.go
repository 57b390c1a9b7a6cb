package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sextant-dns/sextant/control"
	"github.com/sextant-dns/sextant/lab"
	"github.com/sextant-dns/sextant/lifeline"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
)

// Bounds of a drill. Its time is its own: what takes five minutes takes a second.
const (
	drillLasts  = 5 * time.Minute
	drillLeast  = time.Minute
	drillMost   = 72 * time.Hour // as long as has ever happened, and some more
	drillAfter  = time.Hour      // that recovery may take
	drillNames  = 10             // that are asked for, of those in memory
	drillGiven  = 50             // that operators may name
	drillRounds = 50             // in which all of them are asked for, while the fault lasts
	drillTook   = time.Minute    // of ours
)

// drill finds out what clients would hear if the servers of a protected zone's parent were
// in trouble. It has a keeper, guards and resolvers of its own, in a time of its own, and
// an Exchanger by which the trouble is made up: nothing that serves is touched.
func (p *parts) drill(ctx context.Context, r control.DrillRequest) (control.Drill, error) {
	if !p.drilling.TryLock() {
		return control.Drill{}, errors.New("there is a drill already")
	}
	defer p.drilling.Unlock()
	ctx, cancel := context.WithTimeout(ctx, drillTook)
	defer cancel()
	d, err := p.newDrill(r)
	if err != nil {
		return control.Drill{}, err
	}
	began := time.Now()
	if err := d.run(ctx); err != nil {
		return control.Drill{}, fmt.Errorf("the drill has not ended: %w", err)
	}
	d.told.Took = time.Since(began).Seconds()
	return d.told, nil
}

// drill is one while it runs.
type drill struct {
	rehearsal
	real     *parts
	shadow   *parts             // with the keeper
	bare     *resolver.Resolver // without
	parent   lookup.Name
	pretence *lab.Pretence
	trouble  lab.Trouble
	lasts    time.Duration
	names    []lookup.Question
	given    []lookup.Name
	told     control.Drill
}

// memories are the resolvers, without the keeper.
func (d *drill) memories() [2]*resolver.Resolver {
	return [2]*resolver.Resolver{d.bare, d.shadow.recurse}
}

// newDrill checks a request, and makes what the drill needs.
func (p *parts) newDrill(r control.DrillRequest) (*drill, error) {
	if p.lifeline == nil {
		return nil, errUnprotected
	}
	zone, err := lookup.ParseName(r.Zone)
	if err != nil {
		return nil, err
	}
	d := &drill{real: p, trouble: lab.Trouble(r.Fault), lasts: drillLasts}
	if !slices.Contains(lab.Troubles(), d.trouble) {
		return nil, fmt.Errorf("there is no fault %q; want %s", r.Fault, troubleNames())
	}
	if r.For != 0 {
		d.lasts = time.Duration(min(max(r.For, 0), int64(drillMost/time.Second)+1)) * time.Second
	}
	if d.lasts < drillLeast || d.lasts > drillMost {
		return nil, fmt.Errorf("the fault lasts %v; want %v to %v", d.lasts, drillLeast, drillMost)
	}
	if len(r.Names) > drillGiven {
		return nil, fmt.Errorf("%d names; want %d at most", len(r.Names), drillGiven)
	}
	for _, text := range r.Names {
		name, err := lookup.ParseName(text)
		if err != nil {
			return nil, err
		}
		if !name.IsSubdomainOf(zone) {
			return nil, fmt.Errorf("%s is not in %s", name, zone)
		}
		d.given = append(d.given, name)
	}
	return d, d.shadows(zone)
}

// shadows makes the keeper and the resolvers of the drill, which begin with nothing in
// their memories but what is known of the zone.
func (d *drill) shadows(zone lookup.Name) error {
	p := d.real
	status, ok := p.lifeline.StatusOf(zone)
	parent, called := p.lifeline.ParentOf(zone)
	switch {
	case !ok || status.Zone != zone:
		return fmt.Errorf("%s is not protected", zone)
	case status.State != lifeline.Normal || status.Gone:
		return fmt.Errorf("%s is %s, which is no time for a drill: %s", zone, status.State, status.Reason)
	case !status.Snapshot.Known() || !called:
		return fmt.Errorf("nothing is known of %s yet", zone)
	case d.trouble == lab.Forgery && (p.anchors == nil || parent.Unsigned):
		return fmt.Errorf("nothing that the servers of %s say is validated here, and so nothing can be bogus", parent.Zone)
	}
	pretended := lab.PretenceOptions{Next: p.options.Exchanger, Parent: parent.Zone, Zone: zone, Serial: max(status.Snapshot.Serial, 2)}
	for _, h := range parent.Hosts {
		pretended.Servers = append(pretended.Servers, lab.Server(h))
	}
	d.pretence, d.clock, d.zone, d.parent = lab.NewPretence(pretended), &clock{now: time.Now()}, zone, parent.Zone
	o := p.options
	o.Exchanger, o.Now, o.Observe, o.Validation.Seen = d.pretence, d.clock.Now, nil, nil
	o.Cache, o.CacheBytes, o.Prefetch = 0, pathMemory, false
	o.DoNotQuery = slices.DeleteFunc(slices.Clone(o.DoNotQuery), func(n netip.Prefix) bool { return n.Contains(lab.Hijacker()) })
	o.Referred = nil
	without := o
	without.Grace = 0
	d.shadow = &parts{log: slog.New(slog.DiscardHandler), options: o, anchors: p.anchors}
	o.Referred = d.shadow.referred
	d.shadow.recurse = resolver.New(o)
	d.bare = resolver.New(without)
	transitions, observe := newTransitions()
	keeper, err := p.lifeline.Shadow(zone, lifeline.Options{
		Caller: &lifeline.Caller{Exchanger: d.pretence, Port: o.Port, Policy: o.Validation.Policy, Now: d.clock.Now},
		Parent: d.shadow.parentOf, Path: d.shadow.knownPath, Forget: d.shadow.forget, Observe: observe, Now: d.clock.Now, Jitter: func() float64 { return 0 },
	})
	if err != nil {
		return err
	}
	d.shadow.lifeline, d.keeper, d.transition = keeper, keeper, transitions
	d.plain, d.protected = d.bare, keeper.Guard(d.shadow.recurse, nil)
	d.told = control.Drill{Zone: zone.String(), Parent: parent.Zone.String(), Fault: string(d.trouble), For: int64(d.lasts / time.Second), Moves: []control.DrillMove{}}
	return nil
}

// run has all be well, then the fault, and then all be well again.
func (d *drill) run(ctx context.Context) error {
	if err := d.call(ctx); err != nil {
		return err
	}
	d.rehearse(ctx)
	if len(d.names) == 0 {
		return fmt.Errorf("no name in %s resolves without a fault, either: %s", d.zone, strings.Join(d.told.Skipped, "; "))
	}
	d.moved() // what was before is not the drill's
	d.pretence.Set(d.trouble)
	for _, r := range d.memories() { // as if the TTLs were over: this is when it shows
		r.Forget(resolver.Forget{Name: d.parent, Below: d.parent != lookup.Root})
		r.Forget(resolver.Forget{Name: d.zone, Below: true})
	}
	began := d.clock.Now()
	end := began.Add(d.lasts)
	every := max(tick, d.lasts/drillRounds/tick*tick)
	for now := began; now.Before(end.Add(drillAfter)); now = now.Add(tick) {
		d.clock.set(now)
		if now.Equal(end) || now.After(end) && now.Add(-tick).Before(end) {
			d.pretence.Set("")
		}
		if err := d.call(ctx); err != nil {
			return err
		}
		if now.Sub(began)%every == 0 && (now.Before(end) || now.Sub(end) < drillLasts) {
			d.round(ctx)
			if err := d.call(ctx); err != nil { // that a query has asked for
				return err
			}
		}
		d.note(began)
		if s, _ := d.keeper.StatusOf(d.zone); !now.Before(end) {
			d.told.State, d.told.Recovery = s.State.String(), -1
			if s.State == lifeline.Normal && now.Sub(end) >= drillLasts {
				break
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	d.recovered(end.Sub(began))
	return ctx.Err()
}

// recovered notes how long it took until the zone was normal again.
func (d *drill) recovered(lasted time.Duration) {
	if d.told.State != lifeline.Normal.String() {
		return
	}
	d.told.Recovery = 0
	if n := len(d.told.Moves); n > 0 {
		d.told.Recovery = max(0, d.told.Moves[n-1].At-int64(lasted/time.Second))
	}
}

// note takes down what has become of the zone.
func (d *drill) note(began time.Time) {
	for _, t := range d.moved() {
		if t.From != t.To {
			d.told.Moves = append(d.told.Moves, control.DrillMove{
				At: int64(t.At.Sub(began) / time.Second), From: t.From.String(), To: t.To.String(), Reason: t.Reason,
			})
		}
	}
}

// rehearse finds the names that have an answer while all is well. It does not go by the
// keeper, for which a cold memory may look like trouble.
func (d *drill) rehearse(ctx context.Context) {
	asked := d.remembered()
	for _, name := range d.given {
		q := lookup.Question{Name: name, Type: lookup.TypeA, Class: lookup.ClassIN}
		if judged(ctx, d.shadow.recurse, q, genuine) == right {
			asked = append(asked, q)
			continue
		}
		if q.Type = lookup.TypeAAAA; judged(ctx, d.shadow.recurse, q, genuine) == right {
			asked = append(asked, q)
			continue
		}
		d.told.Skipped = append(d.told.Skipped, fmt.Sprintf("%s: it has no address without a fault, either", name))
	}
	if len(asked)+len(d.given) == 0 { // that one there is
		asked = append(asked, lookup.Question{Name: d.zone, Type: lookup.TypeSOA, Class: lookup.ClassIN})
	}
	slices.SortFunc(asked, func(a, b lookup.Question) int {
		if c := a.Name.Compare(b.Name); c != 0 {
			return c
		}
		return int(a.Type) - int(b.Type)
	})
	for _, q := range slices.Compact(asked) {
		for _, r := range d.memories() {
			if v := judged(ctx, r, q, genuine); v != right {
				d.told.Skipped = append(d.told.Skipped, fmt.Sprintf("%s %s: it has no answer without a fault, either", q.Name, q.Type))
				break
			} else if r == d.shadow.recurse {
				d.names = append(d.names, q)
				d.told.Names = append(d.told.Names, control.DrillName{Name: q.Name.String(), Type: q.Type.String()})
			}
		}
	}
}

// remembered is questions for addresses in the zone that clients have asked lately.
func (d *drill) remembered() (all []lookup.Question) {
	for a := range d.real.recurse.Answers() {
		if a.Type != lookup.TypeA && a.Type != lookup.TypeAAAA || !a.Name.IsSubdomainOf(d.zone) {
			continue
		}
		if q := (lookup.Question{Name: a.Name, Type: a.Type, Class: lookup.ClassIN}); !slices.Contains(all, q) {
			all = append(all, q)
		}
		if len(all) == drillNames {
			break
		}
	}
	return all
}

// genuine tells whether an RRset is not the hijacker's.
func genuine(s lookup.RRset) bool {
	return s.Type != lookup.TypeA && s.Type != lookup.TypeAAAA || !lab.IsHijacked(s)
}

// round asks for all names, with a lifeline and without.
func (d *drill) round(ctx context.Context) {
	for i, q := range d.names {
		n := &d.told.Names[i]
		n.Asked++
		for _, side := range []struct {
			by    lookup.Resolver
			count *control.DrillCount
			good  *int
		}{{d.plain, &d.told.Without, &n.Without}, {d.protected, &d.told.With, &n.With}} {
			side.count.Queries++
			switch judged(ctx, side.by, q, genuine) {
			case right:
				*side.good++
			case denied:
				side.count.NXDomain++
			case unserved:
				side.count.ServFail++
			case wrong:
				side.count.Wrong++
			}
		}
	}
}

func troubleNames() string {
	var names []string
	for _, t := range lab.Troubles() {
		names = append(names, string(t))
	}
	return strings.Join(names, ", ")
}

func drillCommand() *cobra.Command {
	var r control.DrillRequest
	var lasts time.Duration
	cmd := &cobra.Command{
		Use:   "drill ZONE --fault " + strings.ReplaceAll(troubleNames(), ", ", "|"),
		Short: "What clients would hear if the zone above a protected zone was in trouble",
		Long: `Have the running server find out what its clients would hear if the servers of the zone above a
protected zone were in trouble: of the names that are in its memory, and of those that --name gives. The
trouble is made up, for this drill alone; it has resolvers and a time of its own, and nothing that
serves changes. Servers are asked what has to be asked once. The exit code is 1 when queries would
have failed.

  silent  they do not reply
  nx      they say that there is no such zone, without a proof
  bogus   none of their signatures is right
  lag     every other one has an older zone, in which this one is not there yet
  hijack  they refer to somebody else's servers
  empty   they have a zone with nothing in it, unsigned`,
		Args: cobra.ExactArgs(1),
	}
	socket, asJSON := socketFlag(cmd), jsonFlag(cmd)
	cmd.Flags().StringVar(&r.Fault, "fault", "", "what is the matter with them")
	cmd.Flags().DurationVar(&lasts, "for", drillLasts, "how long, such as 5m or 12h, in the drill's own time")
	cmd.Flags().StringSliceVar(&r.Names, "name", nil, "ask for this name, too")
	_ = cmd.MarkFlagRequired("fault") // it is there
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if lasts < drillLeast || lasts > drillMost {
			return fmt.Errorf("--for: %s; want %v to %v", lasts, drillLeast, drillMost)
		}
		r.Zone, r.For = args[0], int64(lasts/time.Second)
		d, err := control.NewClient(*socket).Drill(cmd.Context(), r)
		if err := tell(cmd, d, *asJSON, err); err != nil {
			return err
		}
		if d.With.Failed() > 0 {
			return exitCode(exitFailed)
		}
		return nil
	}
	return cmd
}
