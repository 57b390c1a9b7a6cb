package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sextant-dns/sextant/anchors"
	"github.com/sextant-dns/sextant/control"
	"github.com/sextant-dns/sextant/lookup"
)

var errNotValidating = errors.New("nothing is validated here: dnssec.validate is false")

// validation tells whether p validates.
func (p *parts) validation() control.Validation {
	switch {
	case p.anchors == nil:
		return control.ValidationOff
	case p.options.Validation.Permissive:
		return control.ValidationPermissive
	}
	return control.ValidationOn
}

// listAnchors tells operators which trust anchors there are.
func (p *parts) listAnchors(context.Context, control.AnchorsRequest) (control.Anchors, error) {
	told := control.Anchors{Validation: p.validation()}
	if p.anchors == nil {
		return told, nil
	}
	set := p.anchors.Set()
	told.Warnings = set.Warnings()
	for _, s := range set.Standings(time.Now()) {
		a := control.Anchor{Zone: s.Zone.String(), Counts: s.Counts()}
		for _, ds := range s.DS {
			a.DS = append(a.DS, fmt.Sprintf("%d %d %d %x", ds.Tag, ds.Algorithm, ds.Type, ds.Digest))
		}
		switch {
		case s.Negative:
			a.Why = "there is a negative one"
		case !s.Usable:
			a.Why = "it cannot be checked"
		}
		told.Anchors = append(told.Anchors, a)
	}
	for _, point := range p.anchors.Points() {
		told.Managed = append(told.Managed, trustPoint(point))
	}
	configured, added := p.anchors.NegativesBySource()
	for _, n := range configured {
		told.Negative = append(told.Negative, control.NegativeAnchor{Zone: n.Zone.String(), Until: n.Until, Configured: true})
	}
	for _, n := range added {
		told.Negative = append(told.Negative, control.NegativeAnchor{Zone: n.Zone.String(), Until: n.Until})
	}
	return told, nil
}

func trustPoint(p anchors.Point) control.TrustPoint {
	told := control.TrustPoint{Zone: p.Zone.String(), Asked: p.Queried, Signed: p.Succeeded, Next: p.Next, Failed: p.Failed}
	for _, k := range p.Keys {
		told.Keys = append(told.Keys, control.TrustKey{
			Tag: k.Tag(), Algorithm: k.Algorithm().String(), State: strings.ToLower(k.State.String()), Since: k.Changed,
			TrustedFrom: k.TrustedFrom(anchors.Timing{}), Seen: k.Type == lookup.TypeDNSKEY,
		})
	}
	return told
}

func (p *parts) addNegative(_ context.Context, r control.AddNegativeRequest) (control.NegativeAnchor, error) {
	name, err := p.negativeName(r.Name)
	if err != nil {
		return control.NegativeAnchor{}, err
	}
	// What is too long for a Duration is too long for a negative anchor, too.
	lasts := time.Duration(max(-1, min(r.For, int64(2*anchors.MaxNegative/time.Second)))) * time.Second
	if err := p.anchors.AddNegative(name, lasts); err != nil {
		return control.NegativeAnchor{}, err
	}
	told := control.NegativeAnchor{Zone: name.String()}
	_, added := p.anchors.NegativesBySource()
	for _, n := range added {
		if n.Zone == name {
			told.Until = n.Until
		}
	}
	return told, nil
}

func (p *parts) removeNegative(_ context.Context, r control.RemoveNegativeRequest) (control.RemovedNegative, error) {
	name, err := p.negativeName(r.Name)
	if err != nil {
		return control.RemovedNegative{}, err
	}
	removed := p.anchors.RemoveNegative(name)
	configured, _ := p.anchors.NegativesBySource()
	for _, n := range configured {
		if n.Zone == name {
			return control.RemovedNegative{}, fmt.Errorf("the negative trust anchor at %s is configured: take it out of dnssec.negative-anchors and start anew", name)
		}
	}
	if !removed {
		return control.RemovedNegative{}, fmt.Errorf("there is no negative trust anchor at %s", name)
	}
	return control.RemovedNegative{Zone: name.String()}, nil
}

// negativeName reads the name of a negative anchor.
func (p *parts) negativeName(text string) (lookup.Name, error) {
	if p.anchors == nil {
		return "", errNotValidating
	}
	return lookup.ParseName(text)
}

func anchorsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "anchors",
		Short: "Which trust anchors count in the running server, and what is not validated",
		Long: `Print where validation begins: the trust anchors, and of those that are kept up to date (RFC 5011)
the state of each key and when the zone is asked for them next; and where it ends: the negative
trust anchors (RFC 7646).`,
		Args: cobra.NoArgs,
	}
	socket, asJSON := socketFlag(cmd), jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		a, err := control.NewClient(*socket).Anchors(cmd.Context())
		return tell(cmd, a, *asJSON, err)
	}
	cmd.AddCommand(negativeCommand())
	return cmd
}

func negativeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "negative",
		Short: "Names that are not validated for a while: list them, add one, take one away",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(addNegativeCommand(), removeNegativeCommand(), listNegativeCommand())
	return cmd
}

func addNegativeCommand() *cobra.Command {
	var lasts time.Duration
	cmd := &cobra.Command{
		Use:   "add NAME",
		Short: "Validate nothing at a name and below it, for a while",
		Long: `Validate nothing at a name and below it, for an hour or as long as --for says, at most a week
(RFC 7646). It is in force at once and survives a restart if dnssec.state is set. Every five minutes
the zone is looked at, and when it is not bogus any more, the negative trust anchor goes by itself. Answers
come with EDE 33 meanwhile. A name that has one already gets the new end.`,
		Args: cobra.ExactArgs(1),
	}
	socket, asJSON := socketFlag(cmd), jsonFlag(cmd)
	cmd.Flags().DurationVar(&lasts, "for", anchors.DefaultNegative, "how long, such as 30m or 48h; at most 168h")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if lasts < time.Second {
			return fmt.Errorf("--for: %s; want a second at least", lasts)
		}
		r := control.AddNegativeRequest{Name: args[0], For: int64(lasts / time.Second)}
		n, err := control.NewClient(*socket).AddNegative(cmd.Context(), r)
		return tell(cmd, n, *asJSON, err)
	}
	return cmd
}

func removeNegativeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "remove NAME",
		Short: "Validate a name again that add has excepted",
		Args:  cobra.ExactArgs(1),
	}
	socket, asJSON := socketFlag(cmd), jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		n, err := control.NewClient(*socket).RemoveNegative(cmd.Context(), control.RemoveNegativeRequest{Name: args[0]})
		return tell(cmd, n, *asJSON, err)
	}
	return cmd
}

func listNegativeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "Print the names that are not validated, and until when",
		Args:  cobra.NoArgs,
	}
	socket, asJSON := socketFlag(cmd), jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		a, err := control.NewClient(*socket).Anchors(cmd.Context())
		return tell(cmd, append(control.Negatives{}, a.Negative...), *asJSON, err)
	}
	return cmd
}
