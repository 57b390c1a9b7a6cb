package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/spf13/cobra"

	"github.com/sextant-dns/sextant/control"
	"github.com/sextant-dns/sextant/health"
	"github.com/sextant-dns/sextant/metrics"
)

// logHealth has operators read what has become of a site.
func logHealth(log *slog.Logger, e health.Event) {
	level := slog.LevelWarn
	if e.Kind == health.HoldEnded || e.Kind == health.Changed && e.To.Preferred() {
		level = slog.LevelInfo
	}
	log.Log(context.Background(), level, "health", "event", e.String())
}

// healthChanged forgets the packets of sites as they were.
func (p *parts) healthChanged() {
	if p.server != nil { // it is made after the first sites
		p.server.Flush()
	}
}

// listHealth tells operators how the sites are.
func (p *parts) listHealth(_ context.Context, r control.HealthRequest) (control.Health, error) {
	stats := p.health.Stats()
	told := control.Health{Targets: []control.HealthTarget{}, Refused: stats.Unwatched}
	for i, family := range [...]string{"IPv4", "IPv6"} {
		if stats.Held[i] {
			told.Held = append(told.Held, family)
		}
	}
	for t, s := range p.health.Snapshot().All() {
		if r.Site == "" || r.Site == t.Site {
			told.Targets = append(told.Targets, healthTarget(t, s))
		}
	}
	if r.Site != "" && len(told.Targets) == 0 {
		return told, fmt.Errorf("there is no site %q", r.Site)
	}
	return told, nil
}

func healthTarget(t health.Target, s health.Status) control.HealthTarget {
	return control.HealthTarget{
		Site: t.Site, Address: t.Addr.String(), Check: t.Check,
		State: s.State.String(), Since: s.Since, Checked: s.Checked.String(), Admin: s.Admin.String(), Until: s.Until,
		Failures: s.Failures, Successes: s.Successes, Threshold: s.Threshold, Held: s.Held,
		Result: s.Last.Result.String(), Reason: s.Last.Reason, RTT: float64(s.Last.RTT) / float64(time.Millisecond), At: s.At, Next: s.Next,
	}
}

// setHealth has a site be what an operator says.
func (p *parts) setHealth(ctx context.Context, r control.SetHealthRequest) (control.Health, error) {
	if r.Site == "" {
		return control.Health{}, errors.New("there is no name of a site")
	}
	admin, err := health.ParseAdmin(r.State)
	if err != nil {
		return control.Health{}, fmt.Errorf("state: %w", err)
	}
	var addr netip.Addr
	if r.Address != "" {
		if addr, err = netip.ParseAddr(r.Address); err != nil {
			return control.Health{}, err
		}
	}
	// What is too long for a Duration is too long for this, too.
	lasts := time.Duration(max(-1, min(r.For, int64(2*health.MaxAdmin/time.Second)))) * time.Second
	if _, err := p.health.Force(r.Site, addr, admin, lasts); err != nil {
		return control.Health{}, err
	}
	return p.listHealth(ctx, control.HealthRequest{Site: r.Site})
}

// healthCounts is how the sites are, for the metrics. While nothing is checked there
// is nothing to tell.
func healthCounts(m *health.Monitor) (told metrics.Health) {
	snapshot := m.Snapshot()
	if snapshot.Len() == 0 {
		return told
	}
	stats := m.Stats()
	told.Took = metrics.Histogram(stats.Took)
	told.Held = map[string]bool{"ipv4": stats.Held[0], "ipv6": stats.Held[1]}
	for t, s := range snapshot.All() {
		told.Targets = append(told.Targets, metrics.HealthTarget{
			Site: t.Site, Address: t.Addr.String(), Check: t.Check, Usable: s.State.Preferred(), Changes: s.Counts.Changes,
			Results: map[string]uint64{"passed": s.Counts.Passed, "failed": s.Counts.Failed, "blind": s.Counts.Blind},
		})
	}
	return told
}

func healthCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "health [SITE]",
		Short: "How the sites are that answers may name, and what their checks say",
		Long: `Print how each address of each site is: up, down, drain (it works, and is for new answers only if
there is nothing else) or unknown, which counts as up; since when; and what the last check has found.`,
		Args: cobra.MaximumNArgs(1),
	}
	socket, asJSON := socketFlag(cmd), jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var r control.HealthRequest
		if len(args) > 0 {
			r.Site = args[0]
		}
		h, err := control.NewClient(*socket).Health(cmd.Context(), r)
		return tell(cmd, h, *asJSON, err)
	}
	cmd.AddCommand(setHealthCommand())
	return cmd
}

func setHealthCommand() *cobra.Command {
	var r control.SetHealthRequest
	var lasts time.Duration
	cmd := &cobra.Command{
		Use:   "set SITE up|down|drain|auto",
		Short: "Have a site be up, down or drained, whatever its checks say",
		Long: `Have a site, or one address of it, be up, down or drained, whatever its checks and its zone say, until
auto takes that away or the time of --for is over. The checks go on. It is forgotten at a restart.`,
		Args: cobra.ExactArgs(2),
	}
	socket, asJSON := socketFlag(cmd), jsonFlag(cmd)
	cmd.Flags().StringVar(&r.Address, "address", "", "this address of the site only")
	cmd.Flags().DurationVar(&lasts, "for", 0, "how long, such as 30m or 48h; without it, until auto")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if cmd.Flags().Changed("for") && lasts < time.Second {
			return fmt.Errorf("--for: %s; want a second at least", lasts)
		}
		if _, err := health.ParseAdmin(args[1]); err != nil {
			return err
		}
		r.Site, r.State, r.For = args[0], args[1], int64(lasts/time.Second)
		h, err := control.NewClient(*socket).SetHealth(cmd.Context(), r)
		return tell(cmd, h, *asJSON, err)
	}
	return cmd
}
