package main

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/user"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sextant-dns/sextant/control"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/override"
)

func addrPort(a netip.Addr, port uint16) netip.AddrPort {
	return netip.AddrPortFrom(a, cmp.Or(port, 53))
}

// listOverrides tells operators which overrides there are.
func (p *parts) listOverrides(context.Context, control.OverridesRequest) (control.Overrides, error) {
	return p.overridesOf(""), nil
}

// overridesOf is the overrides of a zone, or all for "".
func (p *parts) overridesOf(zone lookup.Name) control.Overrides {
	told := control.Overrides{Overrides: []control.Override{}, Kept: p.state.Load().config.Control.Overrides != ""}
	for _, s := range p.overrides.List() {
		if zone != "" && s.Zone != zone {
			continue
		}
		one := control.Override{
			Zone: s.Zone.String(), Kind: string(s.Kind), Target: s.Target(), When: string(s.When), Views: s.Views, InForce: s.InForce,
			Configured: s.By == "", By: s.By, Since: s.Since, Until: s.Until, Answers: s.Answers, Answered: s.Answered,
		}
		if s.Problem != nil {
			one.Problem = s.Problem.Error()
		}
		if s.Switch != nil {
			one.By, one.Since, one.Until = s.Switch.By, s.Switch.Since, s.Switch.Until
		}
		told.Overrides = append(told.Overrides, one)
	}
	return told
}

// overridesFor is the overrides in force that are closest to a name, in any view.
func (p *parts) overridesFor(name lookup.Name) (all []control.Override) {
	for {
		for _, o := range p.overridesOf(name).Overrides {
			if o.InForce {
				all = append(all, o)
			}
		}
		above, ok := name.Parent()
		if len(all) > 0 || !ok || above == lookup.Root {
			return all
		}
		name = above
	}
}

// lasting is seconds as a Duration. What is too long for one is for good.
func lasting(seconds int64) time.Duration {
	const longest = int64(1<<63-1) / int64(time.Second)
	if seconds > longest {
		return 0
	}
	return time.Duration(max(-1, seconds)) * time.Second
}

func (p *parts) addOverride(_ context.Context, r control.AddOverrideRequest) (control.Overrides, error) {
	o, err := requested(r)
	if err != nil {
		return control.Overrides{}, err
	}
	c := p.state.Load().config
	for _, v := range o.Views {
		if _, _, err := p.viewFor(v, netip.Addr{}); err != nil {
			return control.Overrides{}, err
		}
	}
	for _, key := range o.Keys {
		if _, ok := p.primary.Key(key); !ok {
			return control.Overrides{}, fmt.Errorf("no key %s is configured", key)
		}
	}
	for _, z := range c.Zones {
		if z.Name == o.Zone {
			return control.Overrides{}, fmt.Errorf("%s is a zone of ours, which nothing overrides", o.Zone)
		}
	}
	if err := p.overrides.Add(o, cmp.Or(r.By, "somebody"), lasting(r.For)); err != nil {
		return control.Overrides{}, err
	}
	return p.overridesOf(o.Zone), nil
}

// requested is the override of a request.
func requested(r control.AddOverrideRequest) (o override.Override, err error) {
	o = override.Override{When: cmp.Or(override.When(r.When), override.Always), Views: r.Views, DS: r.DS, File: r.File}
	if o.Zone, err = lookup.ParseName(r.Zone); err != nil {
		return o, err
	}
	if r.Mirror != "" {
		if o.Mirror, err = lookup.ParseName(r.Mirror); err != nil {
			return o, fmt.Errorf("mirror: %w", err)
		}
	}
	if o.Servers, err = endpoints(r.Servers); err != nil {
		return o, fmt.Errorf("servers: %w", err)
	}
	if o.Primaries, err = endpoints(r.Primaries); err != nil {
		return o, fmt.Errorf("primaries: %w", err)
	}
	if r.Key != "" {
		key, err := lookup.ParseName(r.Key)
		if err != nil {
			return o, fmt.Errorf("key: %w", err)
		}
		o.Keys = slices.Repeat([]lookup.Name{key}, max(1, len(o.Primaries))) // beside none it is told of
	}
	for _, text := range r.Pin {
		if err := pinHost(&o, text); err != nil {
			return o, fmt.Errorf("pin: %w", err)
		}
	}
	o.Kind, o.Absent = kindOf(o), override.Absent(r.Absent)
	if o.Kind == override.Local {
		o.MaxHold = override.DefaultHold
	}
	return o, o.Check()
}

func endpoints(texts []string) (all []netip.AddrPort, err error) {
	for _, text := range texts {
		if a, err := netip.ParseAddr(text); err == nil {
			all = append(all, addrPort(a, 53))
			continue
		}
		a, err := netip.ParseAddrPort(text)
		if err != nil {
			return nil, fmt.Errorf("%q is no address, with or without a port", text)
		}
		all = append(all, a)
	}
	return all, nil
}

// pinHost adds a name server such as ns1.example.io=192.0.2.53.
func pinHost(o *override.Override, text string) error {
	host, address, ok := strings.Cut(text, "=")
	if !ok {
		return fmt.Errorf("%q; want a name server and its address, such as ns1.example.io=192.0.2.53", text)
	}
	name, err := lookup.ParseName(host)
	if err != nil {
		return err
	}
	a, err := netip.ParseAddr(address)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(o.Pin, func(h override.Host) bool { return h.Name == name })
	if i < 0 {
		o.Pin = append(o.Pin, override.Host{Name: name})
		i = len(o.Pin) - 1
	}
	o.Pin[i].Addrs = append(o.Pin[i].Addrs, a)
	return nil
}

func (p *parts) removeOverride(_ context.Context, r control.RemoveOverrideRequest) (control.Overrides, error) {
	zone, err := lookup.ParseName(r.Zone)
	if err != nil {
		return control.Overrides{}, err
	}
	if _, err := p.overrides.Remove(zone, override.When(r.When), r.By); err != nil {
		return control.Overrides{}, err
	}
	return p.overridesOf(zone), nil
}

func (p *parts) switchOverride(_ context.Context, r control.SwitchOverrideRequest) (control.Overrides, error) {
	zone, err := lookup.ParseName(r.Zone)
	if err != nil {
		return control.Overrides{}, err
	}
	if r.On {
		err = p.overrides.SwitchOn(zone, cmp.Or(r.By, "somebody"), lasting(r.For))
	} else {
		err = p.overrides.SwitchOff(zone, r.By)
	}
	if err != nil {
		return control.Overrides{}, err
	}
	return p.overridesOf(zone), nil
}

func overrideCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "override",
		Short: "Answer the names of a zone otherwise than by its public delegation: list, add, remove, on, off",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	list := &cobra.Command{Use: "list", Short: "Print all overrides: by what, when, for whom, by whom and until when", Args: cobra.NoArgs}
	socket, asJSON := socketFlag(list), jsonFlag(list)
	list.RunE = func(cmd *cobra.Command, _ []string) error {
		o, err := control.NewClient(*socket).Overrides(cmd.Context())
		return tell(cmd, o, *asJSON, err)
	}
	cmd.AddCommand(list, addOverrideCommand(), removeOverrideCommand(), switchCommand("on", true), switchCommand("off", false))
	return cmd
}

// spanFlags add the flags that say for how long something counts.
func spanFlags(cmd *cobra.Command) func() (seconds int64, err error) {
	lasts := cmd.Flags().Duration("for", override.DefaultFor, "how long, such as 30m or 72h")
	forever := cmd.Flags().Bool("forever", false, "until somebody ends it")
	cmd.MarkFlagsMutuallyExclusive("for", "forever")
	return func() (int64, error) {
		switch {
		case *forever:
			return 0, nil
		case *lasts < time.Second:
			return 0, fmt.Errorf("--for: %s; want a second at least", *lasts)
		}
		return int64(*lasts / time.Second), nil
	}
}

// operator is who runs the command.
func operator() string {
	if name := os.Getenv("SUDO_USER"); name != "" {
		return name
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return ""
}

func addOverrideCommand() *cobra.Command {
	var r control.AddOverrideRequest
	cmd := &cobra.Command{
		Use:   "add ZONE --servers ADDRESS,...|--pin HOST=ADDRESS,...|--mirror ZONE|--file FILE|--primaries ADDRESS,...",
		Short: "Answer the names of a zone otherwise than by its public delegation, from now on",
		Long: `Answer the names of a zone otherwise than by its public delegation: by servers that are authorities for
it, by a delegation that is written down, from a zone with the same content, or from the zone itself,
as a file has it or primaries transfer it. It is in force at once, for a day unless --for or --forever
says otherwise, and survives a restart if control.overrides names a file. It counts more than what is
configured for the zone, and takes the place of what was added for the same --when before.`,
		Example: "  sextant override add example.io --servers 192.0.2.53,2001:db8::53 --when outage --for 72h\n" +
			"  sextant override add example.jp --mirror example.io",
		Args: cobra.ExactArgs(1),
	}
	socket, asJSON := socketFlag(cmd), jsonFlag(cmd)
	flags, span := cmd.Flags(), spanFlags(cmd)
	flags.StringSliceVar(&r.Servers, "servers", nil, "addresses of authorities for the zone")
	flags.StringSliceVar(&r.Pin, "pin", nil, "name servers, each with an address: ns1.example.io=192.0.2.53")
	flags.StringArrayVar(&r.DS, "ds", nil, "rdata of a DS by which what servers say is validated, such as \"12345 13 2 0A1B...\"")
	flags.StringVar(&r.Mirror, "mirror", "", "zone with the same content")
	flags.StringVar(&r.File, "file", "", "master file, by its absolute path as the server sees it")
	flags.StringSliceVar(&r.Primaries, "primaries", nil, "addresses from which the zone is copied")
	flags.StringVar(&r.Key, "key", "", "one of the server's keys, with which primaries are asked")
	flags.StringVar(&r.When, "when", string(override.Always), "always, outage (when the public delegation fails) or manual (while it is on)")
	flags.StringSliceVar(&r.Views, "view", nil, "views whose clients it is for; all without it")
	flags.StringVar(&r.Absent, "absent", "", "what becomes of names that a file or copy does not have: deny (as a rule) or continue")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var err error
		if r.For, err = span(); err != nil {
			return err
		}
		r.Zone, r.By = args[0], operator()
		if _, err := requested(r); err != nil {
			return err
		}
		o, err := control.NewClient(*socket).AddOverride(cmd.Context(), r)
		return tell(cmd, o, *asJSON, err)
	}
	return cmd
}

func removeOverrideCommand() *cobra.Command {
	r := control.RemoveOverrideRequest{}
	cmd := &cobra.Command{
		Use:   "remove ZONE",
		Short: "Take away what add has put there; what is configured stays",
		Args:  cobra.ExactArgs(1),
	}
	socket, asJSON := socketFlag(cmd), jsonFlag(cmd)
	cmd.Flags().StringVar(&r.When, "when", "", "only the one for that time: always, outage or manual")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		r.Zone, r.By = args[0], operator()
		o, err := control.NewClient(*socket).RemoveOverride(cmd.Context(), r)
		return tell(cmd, o, *asJSON, err)
	}
	return cmd
}

func switchCommand(word string, on bool) *cobra.Command {
	cmd := &cobra.Command{
		Use:   word + " ZONE",
		Short: "Have the manual overrides of a zone count, for a day or as long as --for says",
		Args:  cobra.ExactArgs(1),
	}
	span := func() (int64, error) { return 0, nil }
	if on {
		span = spanFlags(cmd)
	} else {
		cmd.Short = "Have the manual overrides of a zone not count any more"
	}
	socket, asJSON := socketFlag(cmd), jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		lasts, err := span()
		if err != nil {
			return err
		}
		r := control.SwitchOverrideRequest{Zone: args[0], On: on, By: operator(), For: lasts}
		o, err := control.NewClient(*socket).SwitchOverride(cmd.Context(), r)
		return tell(cmd, o, *asJSON, err)
	}
	return cmd
}
