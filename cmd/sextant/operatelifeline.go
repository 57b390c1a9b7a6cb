package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sextant-dns/sextant/control"
	"github.com/sextant-dns/sextant/lifeline"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/metrics"
	"github.com/sextant-dns/sextant/override"
)

var errUnprotected = errors.New("no zone is protected (lifeline.zones)")

// listLifeline tells operators how the protected zones are.
func (p *parts) listLifeline(ctx context.Context, r control.LifelineRequest) (control.Lifeline, error) {
	told := control.Lifeline{Zones: []control.LifelineZone{}}
	if p.lifeline == nil {
		if r.Name != "" {
			return told, errUnprotected
		}
		return told, nil
	}
	if r.Name == "" {
		for _, s := range p.lifeline.Status() {
			told.Zones = append(told.Zones, p.lifelineZone(s))
		}
		return told, nil
	}
	name, err := lookup.ParseName(r.Name)
	if err != nil {
		return told, err
	}
	s, ok := p.lifeline.StatusOf(name)
	if !ok {
		return told, fmt.Errorf("%s is in no protected zone", name)
	}
	if r.Call {
		if _, err := p.lifeline.RollCall(ctx, s.Zone); err != nil {
			return told, err
		}
		s, _ = p.lifeline.StatusOf(name)
	}
	z := p.lifelineZone(s)
	z.Overrides = p.overridesFor(name)
	told.Zones = append(told.Zones, z)
	return told, nil
}

// setLifeline does an operator's will about a protected zone.
func (p *parts) setLifeline(ctx context.Context, r control.SetLifelineRequest) (control.Lifeline, error) {
	if p.lifeline == nil {
		return control.Lifeline{}, errUnprotected
	}
	zone, err := lookup.ParseName(r.Zone)
	if err != nil {
		return control.Lifeline{}, err
	}
	switch r.Do {
	case "ack":
		err = p.lifeline.Acknowledge(zone)
	case "release":
		err = p.lifeline.Release(zone)
	case "pin":
		err = p.lifeline.Pin(zone, true)
	case "unpin":
		err = p.lifeline.Pin(zone, false)
	default:
		err = fmt.Errorf("there is no %q to do; want ack, release, pin or unpin", r.Do)
	}
	if err != nil {
		return control.Lifeline{}, err
	}
	p.log.Warn("lifeline: the operator's word", "zone", zone, "do", r.Do)
	return p.listLifeline(ctx, control.LifelineRequest{Name: r.Zone, Call: r.Do == "ack"})
}

func (p *parts) lifelineZone(s lifeline.Status) control.LifelineZone {
	known := s.Snapshot
	z := control.LifelineZone{
		Zone: s.Zone.String(), State: s.State.String(), Since: s.Since, Reason: s.Reason, Path: [...]string{"parent", "both", "known"}[s.Stand],
		Standing: known.Standing.String(), Ready: known.Known() && (p.anchors == nil || !known.Unproven()), Released: s.Gone, Pinned: s.Pinned,
		First: known.First, Confirmed: known.Confirmed, Epoch: known.Epoch, Next: s.Next,
		Called: s.Last.At, Ballot: s.Last.String(), Answers: map[string]uint64{},
	}
	if known.Parent != "" {
		z.Parent = known.Parent.String()
	}
	if known.Known() {
		z.Known = lifelineDelegation(known.Delegation)
	}
	for rung, n := range s.Answers {
		z.Answers[rung.String()] = n
	}
	if s.Pending != nil {
		d := control.LifelineDelegation{}
		z.Waiting = "that it is gone"
		if len(s.Pending.Delegation.Hosts) > 0 {
			d = lifelineDelegation(s.Pending.Delegation)
			z.Waiting = "another delegation, " + d.ID + ","
		}
		z.Pending = &d
		z.Waiting = fmt.Sprintf("%s has a majority since %s: `sextant lifeline ack %s` agrees to it", z.Waiting, s.Pending.Since.Format(time.RFC3339), z.Zone)
	}
	for _, v := range s.Last.Votes {
		z.Votes = append(z.Votes, lifelineVote(v, known.Delegation))
	}
	return z
}

func lifelineVote(v lifeline.Vote, known lifeline.Delegation) control.LifelineVote {
	told := control.LifelineVote{
		Address: v.Server.String(), Finding: v.Finding.String(), Secure: v.Secure, Young: v.Young,
		RTT: float64(v.RTT) / float64(time.Millisecond), Error: v.Err,
	}
	if v.Name != "" {
		told.Server = v.Name.String()
	}
	if v.HasSOA {
		told.Serial = &v.Serial
	}
	if v.Finding == lifeline.Refers {
		told.ID, told.Same = v.Delegation.Fingerprint().String(), v.Delegation.Agrees(known)
	}
	return told
}

func lifelineDelegation(d lifeline.Delegation) control.LifelineDelegation {
	told := control.LifelineDelegation{ID: d.Fingerprint().String()}
	for _, h := range d.Hosts {
		s := control.LifelineServer{Name: h.Name.String()}
		for _, a := range h.Addrs {
			s.Addresses = append(s.Addresses, a.String())
		}
		told.Servers = append(told.Servers, s)
	}
	for _, rdata := range d.DS {
		if rr, err := lookup.UnpackRR(lookup.Root, lookup.TypeDS, 0, rdata); err == nil {
			fields := strings.Fields(rr.String())
			told.DS = append(told.DS, strings.Join(fields[4:], " "))
		}
	}
	return told
}

// lifelineCounts is how the protected zones are, for the metrics.
func (p *parts) lifelineCounts() (all []metrics.Protected) {
	if p.lifeline == nil {
		return nil
	}
	for _, s := range p.lifeline.Status() {
		z := metrics.Protected{
			Zone: s.Zone.String(), State: s.State.String(), Votes: map[string]int{}, Answers: map[string]uint64{}, Age: -1,
			Pending: s.Pending != nil, Activations: map[string]uint64{}, Unsaved: s.Unsaved,
		}
		if s.Snapshot.Known() {
			z.Age = time.Since(s.Snapshot.Confirmed)
		}
		for _, v := range s.Last.Votes {
			z.Votes[strings.ReplaceAll(v.Finding.String(), " ", "-")]++
		}
		for rung, n := range s.Answers {
			z.Answers[rung.String()] = n
		}
		for kind, n := range s.Activations {
			z.Activations[string(kind)] = n
		}
		all = append(all, z)
	}
	return all
}

func lifelineCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "lifeline",
		Short: "How the zones are that are to survive their TLD, and the operator's word about them",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	snapshot := &cobra.Command{Use: "snapshot", Short: "What is known of a zone", Args: cobra.NoArgs, RunE: cmd.RunE}
	snapshot.AddCommand(viewLifeline("export ZONE", "Print the delegation that is known, in the form of a master file", false, func(z control.LifelineZone) string {
		return fmt.Sprintf("; %s, epoch %d, first seen %s, confirmed %s, %s\n%s", z.Zone, z.Epoch, z.First.Format(time.RFC3339), z.Confirmed.Format(time.RFC3339), z.Standing, z.Known.Records(z.Zone, 3600))
	}))
	cmd.AddCommand(
		statusLifeline(),
		viewLifeline("votes ZONE", "What each server of the zone above says of a zone", true, control.LifelineZone.Said),
		viewLifeline("explain NAME", "How a name would be found now, and why", false, explained),
		viewLifeline("diff ZONE", "In what the change that waits differs from what is known", false, control.LifelineZone.Diff),
		setLifelineCommand("ack", "Agree to the change that a majority of the zone above shows"),
		setLifelineCommand("release", "Let the word of the zone above count, whatever it is"),
		pinCommand(), snapshot)
	return cmd
}

func statusLifeline() *cobra.Command {
	cmd := &cobra.Command{Use: "status", Short: "How all protected zones are", Args: cobra.NoArgs}
	socket, asJSON := socketFlag(cmd), jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		l, err := control.NewClient(*socket).Lifeline(cmd.Context(), control.LifelineRequest{})
		return tell(cmd, l, *asJSON, err)
	}
	return cmd
}

// oneZone is a protected zone and how it is to be printed.
type oneZone struct {
	control.LifelineZone
	text func(control.LifelineZone) string
}

func (o oneZone) String() string { return o.text(o.LifelineZone) }

// viewLifeline is a command that shows one side of a zone.
func viewLifeline(use, short string, calls bool, text func(control.LifelineZone) string) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: cobra.ExactArgs(1)}
	socket, asJSON := socketFlag(cmd), jsonFlag(cmd)
	var call bool
	if calls {
		cmd.Flags().BoolVar(&call, "call", false, "ask them all now")
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		l, err := control.NewClient(*socket).Lifeline(cmd.Context(), control.LifelineRequest{Name: args[0], Call: call})
		if err == nil && len(l.Zones) == 0 {
			err = errUnprotected
		}
		if err != nil {
			return failure{err}
		}
		return tell(cmd, oneZone{l.Zones[0], text}, *asJSON, nil)
	}
	return cmd
}

// explained is how names in a zone are found, in words.
func explained(z control.LifelineZone) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s is %s", z.Zone, z.State)
	if z.Reason != "" {
		fmt.Fprintf(&b, ": %s", z.Reason)
	}
	how := map[string]string{
		"parent": "as the zone above delegates; by the known delegation when that fails or is denied",
		"both":   "as the zone above delegates and by the known delegation, whichever has an answer that is not the zone above's denial",
		"known":  "by the known delegation first",
	}[z.Path]
	if z.Released || z.Known.ID == "" || !z.Ready {
		how = "as the zone above delegates, and in no other way"
	}
	fmt.Fprintf(&b, "\nnames are found %s\n", how)
	for _, o := range z.Overrides {
		fmt.Fprintf(&b, "%s\n", overrideOf(o, z.State == lifeline.Emergency.String()))
	}
	if z.Known.ID != "" {
		fmt.Fprintf(&b, "known since %s, confirmed %s, %s:\n%s", z.First.Format(time.RFC3339), z.Confirmed.Format(time.RFC3339), z.Standing, z.Known.Records(z.Zone, 3600))
	}
	if z.Waiting != "" {
		fmt.Fprintln(&b, z.Waiting)
	}
	var counts []string
	for _, path := range slices.Sorted(maps.Keys(z.Answers)) {
		counts = append(counts, fmt.Sprintf("%s %d", path, z.Answers[path]))
	}
	fmt.Fprintf(&b, "answers so far: %s\n", strings.Join(counts, ", "))
	return b.String()
}

// overrideOf is what an override does, in words.
func overrideOf(o control.Override, emergency bool) string {
	how := "before that"
	switch {
	case o.When != string(override.Outage):
		how = "in the place of that"
	case o.Kind == string(override.Mirror):
		how = "when that has nothing"
	case !emergency:
		how = "when that fails, is denied by a zone above or takes long"
	}
	views := "all views"
	if len(o.Views) > 0 {
		views = "views " + strings.Join(o.Views, ", ")
	}
	return fmt.Sprintf("%s, by the override of %s: %s %s (%s)", how, o.Zone, o.Kind, o.Target, views)
}

func setLifelineCommand(do, short string) *cobra.Command {
	cmd := &cobra.Command{Use: do + " ZONE", Short: short, Args: cobra.ExactArgs(1)}
	socket, asJSON := socketFlag(cmd), jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		l, err := control.NewClient(*socket).SetLifeline(cmd.Context(), control.SetLifelineRequest{Zone: args[0], Do: do})
		return tell(cmd, l, *asJSON, err)
	}
	return cmd
}

func pinCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "pin ZONE",
		Short: "Have names be found by the known delegation, whatever the zone above says, until --off",
		Args:  cobra.ExactArgs(1),
	}
	socket, asJSON := socketFlag(cmd), jsonFlag(cmd)
	off := cmd.Flags().Bool("off", false, "take it back")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		r := control.SetLifelineRequest{Zone: args[0], Do: "pin"}
		if *off {
			r.Do = "unpin"
		}
		l, err := control.NewClient(*socket).SetLifeline(cmd.Context(), r)
		return tell(cmd, l, *asJSON, err)
	}
	return cmd
}
