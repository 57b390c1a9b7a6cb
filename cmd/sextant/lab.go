package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/netip"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/sextant-dns/sextant"
	"github.com/sextant-dns/sextant/config"
	"github.com/sextant-dns/sextant/geo"
	"github.com/sextant-dns/sextant/lab"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
)

func labCommand() *cobra.Command {
	var listen, metricsAt, mode, socket, incident string
	var speed float64
	cmd := &cobra.Command{
		Use:   "lab",
		Short: "Serve a small Internet in memory, to try things on",
		Long: `Run the server in front of a small Internet that is all in memory: a root, some TLDs and a dozen
sites. It needs no network and no privilege. At the start it prints what to try. SIGINT ends it.

With --incident, no server is run: an outage of a TLD that has been is replayed from what was
published about it, plain resolution beside Sextant, and ends with a table. There are
` + incidentNames() + `.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if incident != "" {
				if speed < 0 {
					return fmt.Errorf("--speed: %g; want 0 or more", speed)
				}
				return replayIncident(cmd.Context(), incident, speed, cmd.OutOrStdout())
			}
			c, err := labConfig(listen, metricsAt, config.Mode(mode))
			if err != nil {
				return err
			}
			c.Control.Socket = socket
			return serveLab(cmd.Context(), c, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:5300", "address and port to serve on; port 0 is any free one")
	cmd.Flags().StringVar(&mode, "dns64", "forced", "what DNS64 does: forced, standard or off")
	cmd.Flags().StringVar(&metricsAt, "metrics", "", "address and port for Prometheus metrics; none by default")
	cmd.Flags().StringVar(&incident, "incident", "", "replay an outage of a TLD, such as io-2016, and serve nothing")
	cmd.Flags().Float64Var(&speed, "speed", 1800, "with --incident: how many times as fast; 0: as fast as it goes")
	cmd.Flags().StringVar(&socket, "socket", "", "control socket to make, for the commands status, cache and explain; none by default")
	return cmd
}

// labConfig is the default configuration but for what the flags say.
func labConfig(listen, metricsAt string, mode config.Mode) (*config.Config, error) {
	c := config.Default()
	at, err := netip.ParseAddrPort(listen)
	if err != nil {
		return nil, fmt.Errorf("--listen: %w; want an address and a port, such as 127.0.0.1:5300", err)
	}
	c.Listen, c.Control.Socket = []netip.AddrPort{at}, ""
	places := lookup.MustName("places.example.")
	c.Zones = []config.Zone{{Name: places, File: "places.example.zone", Overlay: "places.example.geo"}}
	c.Views[0].Zones = []lookup.Name{places}
	if metricsAt != "" {
		if c.Metrics, err = netip.ParseAddrPort(metricsAt); err != nil {
			return nil, fmt.Errorf("--metrics: %w; want an address and a port, such as 127.0.0.1:9153", err)
		}
	}
	switch mode {
	case config.ModeForced, config.ModeStandard, config.ModeOff:
		c.Views[0].DNS64.Mode = mode
	default:
		return nil, fmt.Errorf("--dns64: there is no mode %q; want forced, standard or off", mode)
	}
	return c, nil
}

// labWiring connects a configuration to the lab's Internet instead of the real one.
func labWiring(log *slog.Logger) (wiring, error) {
	net, err := lab.New(sextant.LabZones(), lab.Options{})
	if err != nil {
		return wiring{}, fmt.Errorf("lab: %w", err)
	}
	w := wiring{log: log, exchanger: net, unsigned: true}
	for _, root := range net.Roots() {
		w.hints = append(w.hints, resolver.Server(root))
	}
	return w, nil
}

// labPlaces adds what the lab's own configuration names: a zone that answers by location.
func (w wiring) labPlaces() (wiring, error) {
	const name = "toy-city.mmdb"
	w.files = sextant.LabPlaces()
	content, err := fs.ReadFile(w.files, name)
	if err != nil {
		return wiring{}, fmt.Errorf("lab: %w", err)
	}
	places, err := geo.Read(name, content, nil)
	if err != nil {
		return wiring{}, fmt.Errorf("lab: %w", err)
	}
	w.databases = []*geo.Database{places}
	return w, nil
}

func serveLab(ctx context.Context, c *config.Config, out, errOut io.Writer) error {
	log := slog.New(slog.NewTextHandler(errOut, &slog.HandlerOptions{Level: slog.LevelWarn}))
	w, err := labWiring(log)
	if err == nil {
		w, err = w.labPlaces()
	}
	if err != nil {
		return failure{err}
	}
	p, err := build(c, w)
	if err != nil {
		return failure{err}
	}
	if err := p.listen(); err != nil {
		return failure{err}
	}
	printTrials(out, p.server.Addrs()[0], c.Views[0].DNS64.Mode)
	if err := p.run(ctx); err != nil {
		return failure{err}
	}
	fmt.Fprintln(out, "stopped")
	return nil
}

// printTrials prints what to try at the address, and what comes out.
func printTrials(out io.Writer, at netip.AddrPort, mode config.Mode) {
	fmt.Fprintf(out, "A small Internet is being served on %s, UDP and TCP, with DNS64 %s. Try:\n\n", at, mode)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, t := range append(lab.Try(), lab.Places()...) {
		expect := t.Off
		switch mode {
		case config.ModeStandard:
			expect = t.Standard
		case config.ModeForced:
			expect = t.Forced
		}
		fmt.Fprintf(table, "dig @%s -p %d %s\t%s\t%s\n", at.Addr(), at.Port(), t.Dig, expect, t.Shows)
	}
	table.Flush()
	fmt.Fprint(out, "\n\"sextant dig\" can be typed in place of \"dig\". Ctrl-C ends the lab.\n")
}
