package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"

	"github.com/spf13/cobra"

	"github.com/sextant-dns/sextant/config"
	"github.com/sextant-dns/sextant/control"
)

// socketFlag adds the flag that says which server a command is for.
func socketFlag(cmd *cobra.Command) *string {
	return cmd.Flags().StringP("socket", "s", config.DefaultSocket, "control socket of the server")
}

func statusCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status",
		Short: "How the running server is",
		Args:  cobra.NoArgs,
	}
	socket, asJSON := socketFlag(cmd), jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		s, err := control.NewClient(*socket).Status(cmd.Context())
		return tell(cmd, s, *asJSON, err)
	}
	return cmd
}

func jsonFlag(cmd *cobra.Command) *bool {
	return cmd.Flags().Bool("json", false, "print JSON")
}

// tell prints what a call has brought.
func tell(cmd *cobra.Command, reply fmt.Stringer, asJSON bool, err error) error {
	if err != nil {
		return failure{err}
	}
	if asJSON {
		return writeJSON(cmd.OutOrStdout(), reply)
	}
	if _, err := io.WriteString(cmd.OutOrStdout(), reply.String()); err != nil {
		return failure{err}
	}
	return nil
}

func writeJSON(w io.Writer, v any) error {
	if err := json.NewEncoder(w).Encode(v); err != nil {
		return failure{err}
	}
	return nil
}

func cacheCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cache",
		Short: "What the running server remembers: dump it, look things up in it, flush it",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(dumpCommand(), lookupCommand(), flushCommand())
	return cmd
}

func dumpCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dump",
		Short: "Print all that is remembered, in the form of a master file",
		Long: `Print all that is remembered, in the form of a master file with the TTLs that are left. What is no
RR, such as a denial, and what has expired stands in comments. Without --type: answers, delegations
and failures.`,
		Args: cobra.NoArgs,
	}
	socket, asJSON := socketFlag(cmd), jsonFlag(cmd)
	types := cmd.Flags().StringSlice("type", nil, "what to dump: answers, delegations, failures or packets")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		out := cmd.OutOrStdout()
		for r, err := range control.NewClient(*socket).Dump(cmd.Context(), control.DumpRequest{Types: *types}) {
			switch {
			case err != nil:
			case *asJSON:
				err = writeJSON(out, r)
			default:
				_, err = io.WriteString(out, r.String())
			}
			if err != nil {
				return failure{err}
			}
		}
		return nil
	}
	return cmd
}

func lookupCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "lookup NAME [TYPE]",
		Short: "Print all that is known at a name, and who would be asked for the rest",
		Args:  cobra.RangeArgs(1, 2),
	}
	socket, asJSON := socketFlag(cmd), jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		k, err := control.NewClient(*socket).Lookup(cmd.Context(), control.LookupRequest{Name: args[0], Type: second(args)})
		return tell(cmd, k, *asJSON, err)
	}
	return cmd
}

func second(args []string) string {
	if len(args) < 2 {
		return ""
	}
	return args[1]
}

func flushCommand() *cobra.Command {
	var r control.FlushRequest
	cmd := &cobra.Command{
		Use:   "flush [NAME]",
		Short: "Forget what is known at a name, at all names below it, or everything",
		Long: `Forget what is known at a name: answers, denials, the delegation if it is a zone's, failures. Without
a name everything is forgotten. Packets, which are answers ready to send, are forgotten all in any
case. Queries that are under way end with what they began with, and that is not remembered.`,
		Args: cobra.MaximumNArgs(1),
	}
	socket, asJSON := socketFlag(cmd), jsonFlag(cmd)
	cmd.Flags().StringVar(&r.Type, "type", "", "forget this RR type only")
	cmd.Flags().BoolVar(&r.Zone, "zone", false, "forget all names below the name, too")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			r.Name = args[0]
		}
		f, err := control.NewClient(*socket).Flush(cmd.Context(), r)
		return tell(cmd, f, *asJSON, err)
	}
	return cmd
}

func explainCommand() *cobra.Command {
	var r control.ExplainRequest
	var file string
	var inLab bool
	cmd := &cobra.Command{
		Use:   "explain NAME [TYPE]",
		Short: "Resolve a name and tell the way: views, policies, cuts, servers, replies, cache hits",
		Long: `Have the running server resolve a name and tell, step by step, why the answer is what it is. The type
is A unless one is given. What the answer teaches the server it remembers, as with any query; the
packet cache alone is left out. When no server runs, or with --config or --lab, the name is resolved
here, by a server made for the purpose with nothing in its memory.

  ->  a server is asked      *  it was in memory
  <-  and has replied        !  the way ended here`,
		Args: cobra.RangeArgs(1, 2),
	}
	socket, asJSON := socketFlag(cmd), jsonFlag(cmd)
	flags := cmd.Flags()
	flags.StringVar(&r.View, "view", "", "as a client of this view hears it")
	flags.StringVar(&r.Client, "client", "", "as the client at this address hears it (127.0.0.1)")
	flags.StringVar(&r.Subnet, "subnet", "", "with this EDNS Client Subnet, such as 192.0.2.0/24")
	flags.StringVar(&r.From, "from", "", "of a name of our zones, as somebody there hears it, and why: an address, a network, a country, an AS")
	flags.BoolVar(&r.Fresh, "fresh", false, "ask from the root down, whatever is remembered, and replace that")
	flags.BoolVar(&r.DO, "do", false, "with the DO bit: DNSSEC records, please")
	flags.BoolVar(&r.CD, "cd", false, "with the CD bit: do not validate")
	flags.BoolVar(&r.NoRecurse, "norecurse", false, "without the RD bit")
	flags.StringVarP(&file, "config", "c", "", "resolve here, with this configuration file")
	flags.BoolVar(&inLab, "lab", false, "resolve here, in the lab's Internet")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		r.Name, r.Type = args[0], second(args)
		e, err := explain(cmd, r, explainer{socket: *socket, file: file, lab: inLab})
		if err != nil {
			return err
		}
		if *asJSON {
			return writeJSON(cmd.OutOrStdout(), e)
		}
		if err := e.Print(cmd.OutOrStdout(), painter(cmd.OutOrStdout())); err != nil {
			return failure{err}
		}
		return nil
	}
	return cmd
}

// explainer is who explains: the server at a socket, or one that is made here.
type explainer struct {
	socket, file string
	lab          bool
	change       func(*config.Config) // of what is configured; nil: nothing
}

func explain(cmd *cobra.Command, r control.ExplainRequest, by explainer) (control.Explanation, error) {
	if by.file == "" && !by.lab {
		e, err := control.NewClient(by.socket).Explain(cmd.Context(), r)
		switch {
		case err == nil:
			return e, nil
		case !errors.Is(err, control.ErrNoServer) || cmd.Flags().Changed("socket"):
			return e, failure{err}
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "%v: resolving here, with the default configuration (see --socket, --config)\n", err)
	}
	p, err := by.build(cmd.ErrOrStderr())
	if err != nil {
		return control.Explanation{}, err
	}
	e, err := p.explain(cmd.Context(), r)
	if err != nil {
		return e, failure{err}
	}
	return e, nil
}

// build makes a server that explains and does nothing else: it opens no socket.
func (by explainer) build(errOut io.Writer) (*parts, error) {
	c, err := load(by.file, errOut)
	if err != nil {
		return nil, err
	}
	if by.change != nil {
		by.change(c)
	}
	w := wiring{log: slog.New(slog.NewTextHandler(errOut, &slog.HandlerOptions{Level: slog.LevelWarn}))}
	if by.lab {
		if w, err = labWiring(w.log); err != nil {
			return nil, failure{err}
		}
		if by.file == "" {
			if c, err = labConfig("127.0.0.1:0", "", config.ModeForced); err != nil {
				return nil, failure{err}
			}
			// Who is supposed to ask may be anywhere; nobody can ask from there.
			c.Views[0].Clients = []netip.Prefix{netip.PrefixFrom(netip.IPv4Unspecified(), 0), netip.PrefixFrom(netip.IPv6Unspecified(), 0)}
			if w, err = w.labPlaces(); err != nil {
				return nil, failure{err}
			}
		}
	}
	p, err := build(c, w)
	if err != nil {
		fmt.Fprintln(errOut, err)
		return nil, exitCode(exitUsage)
	}
	if p.root != nil {
		_ = p.root.Load() // what is on disk; it is told what is wrong with it
	}
	p.copies.load()
	p.renew()
	return p, nil
}

// painter paints for a terminal whose user does not mind (https://no-color.org).
func painter(out io.Writer) control.Paint {
	if !colourful(out) {
		return control.Plain
	}
	return control.ANSI
}

// colourful tells whether out shows colours, and somebody likes them.
func colourful(out io.Writer) bool {
	return isTerminal(out) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

func isTerminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
