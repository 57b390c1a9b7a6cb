package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/sextant-dns/sextant/control"
	"github.com/sextant-dns/sextant/lint"
	"github.com/sextant-dns/sextant/probe"
)

func lintCommand() *cobra.Command {
	command := &cobra.Command{Use: "lint", Short: "Say what a server does that the RFCs say otherwise"}
	command.AddCommand(lintEDNSCommand(), lintECSCommand())
	return command
}

// reporting is the flags of commands that print a lint.Report.
type reporting struct {
	asking
	all, asJSON, strict bool
}

func (r *reporting) flags(cmd *cobra.Command) {
	r.asking.flags(cmd)
	cmd.Flags().BoolVarP(&r.all, "all", "a", false, "print what is right, too")
	cmd.Flags().BoolVar(&r.asJSON, "json", false, "print an object")
	cmd.Flags().BoolVar(&r.strict, "strict", false, "exit code 1 for warnings, too")
}

// finish prints a report and says what to exit with.
func (r *reporting) finish(cmd *cobra.Command, report *lint.Report, err error) error {
	if err != nil {
		return failure{err}
	}
	out := cmd.OutOrStdout()
	if r.asJSON {
		err = writeJSON(out, report)
	} else {
		err = printReport(out, report, r.all, painter(out))
	}
	if err != nil {
		return failure{err}
	}
	if worst := report.Worst(); worst == lint.Error || worst == lint.Warning && r.strict {
		return exitCode(exitFailed)
	}
	return nil
}

func lintEDNSCommand() *cobra.Command {
	var r reporting
	zone := "."
	command := &cobra.Command{
		Use:   "edns @SERVER [ZONE]",
		Short: "Send the queries of RFC 8906 to a server",
		Long: `Send the queries of RFC 8906 section 8 and two of RFC 6891 for the apex of a zone, and say which replies are
not as they must be. A server that is not authoritative for the zone is asked as a resolver; without ZONE
the root is asked for. Exit code 1 when something is wrong.`,
		Example: "  sextant lint edns @192.0.2.53 example.com",
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, rest, err := r.client(cmd.Context(), args, false, 0)
			if err != nil {
				return err
			}
			if len(rest) > 0 {
				if zone, err = domainName(rest[0]); err != nil {
					return err
				}
			}
			report, err := lint.EDNS(cmd.Context(), c, zone)
			return r.finish(cmd, report, err)
		},
	}
	r.flags(command)
	return command
}

func lintECSCommand() *cobra.Command {
	var r reporting
	var l witnessing
	queries := 64
	command := &cobra.Command{
		Use:   "ecs @SERVER [ZONE [NAME...]]",
		Short: "See how an authority or a resolver takes part in Client Subnet",
		Long: `With ZONE the server is looked at as the authority for it: what it echoes and refuses, and, for each NAME
whose addresses depend on who asks, whether its scopes overlap or say too much. Without ZONE it is looked
at as a resolver. What a resolver tells authorities, and what it keeps apart in its cache, only an
authority sees: with --zone this command serves a zone at --listen, to which the resolver has to be led
by a delegation or a stub zone. Exit code 1 when something is wrong.`,
		Example: `  sextant lint ecs @192.0.2.53 example.com www.example.com
  sextant lint ecs @127.0.0.1 --zone probe.example.com --listen 192.0.2.1:53`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, rest, err := r.client(cmd.Context(), args, false, 0)
			if err != nil {
				return err
			}
			for i := range rest {
				if rest[i], err = domainName(rest[i]); err != nil {
					return err
				}
			}
			switch {
			case len(rest) > 0 && l.zone != "":
				return errors.New("ZONE is for authorities, and --zone for resolvers")
			case len(rest) > 0:
				report, err := lint.ECSAuthority(cmd.Context(), c, lint.Authority{Zone: rest[0], Names: rest[1:], Queries: queries})
				return r.finish(cmd, report, err)
			}
			report, err := l.resolver(cmd.Context(), c)
			return r.finish(cmd, report, err)
		},
	}
	r.flags(command)
	command.Flags().IntVar(&queries, "queries", queries, "queries that find the scopes of a NAME, at most")
	command.Flags().StringVar(&l.zone, "zone", "", "zone to serve as the resolver's authority")
	command.Flags().StringVar(&l.listen, "listen", "127.0.0.1:5399", "address and port to serve it on, UDP and TCP")
	command.Flags().StringVar(&l.name, "name", ".", "without --zone: a name with an SOA")
	return command
}

// witnessing is how a resolver is looked at.
type witnessing struct{ zone, listen, name string }

func (l *witnessing) resolver(ctx context.Context, c *probe.Client) (*lint.Report, error) {
	o := lint.Resolver{Name: l.name, Nonce: strconv.FormatInt(time.Now().UnixNano(), 36)}
	if l.zone == "" {
		return lint.ECSResolver(ctx, c, o)
	}
	zone, err := domainName(l.zone)
	if err != nil {
		return nil, err
	}
	o.Witness = lint.NewWitness(zone)
	udp, err := net.ListenPacket("udp", l.listen)
	if err != nil {
		return nil, err
	}
	tcp, err := net.Listen("tcp", udp.LocalAddr().String())
	if err != nil {
		return nil, errors.Join(err, udp.Close())
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var report *lint.Report
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return o.Witness.Serve(ctx, udp, tcp) })
	group.Go(func() (err error) {
		defer cancel()
		report, err = lint.ECSResolver(ctx, c, o)
		return err
	})
	return report, group.Wait()
}

// printReport prints what is not right, or everything, and a line that counts.
func printReport(out io.Writer, r *lint.Report, all bool, paint control.Paint) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, c := range r.Checks {
		if !all && (c.Result == lint.OK || c.Result == lint.Skipped) {
			continue
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", c.Result, c.ID, c.RFC, c.What)
		for _, why := range c.Why {
			fmt.Fprintf(table, "\t\t\t- %s\n", why)
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	verdict, colour := "nothing is wrong", control.Good
	if r.Worst() == lint.Error {
		verdict, colour = "something is wrong", control.Bad
	}
	_, err := fmt.Fprintf(out, "%s of %s: %s: %s, %s, %d ok, %d skipped\n", r.Instrument, r.Server, paint(colour, verdict),
		counted(r.Count(lint.Error), "error", "errors"), counted(r.Count(lint.Warning), "warning", "warnings"), r.Count(lint.OK), r.Count(lint.Skipped))
	return err
}
