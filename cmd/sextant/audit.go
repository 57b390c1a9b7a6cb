package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/sextant-dns/sextant/config"
	"github.com/sextant-dns/sextant/control"
	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lifeline"
	"github.com/sextant-dns/sextant/lookup"
)

// auditTime is how long an audit may take: two roll-calls, and finding whom to ask.
const auditTime = 30 * time.Second

func auditCommand() *cobra.Command {
	var by explainer
	cmd := &cobra.Command{
		Use:   "audit ZONE [@RESOLVER]",
		Short: "Ask every server of a zone, and of the zone above, and tell what is wrong",
		Long: `Ask every server of the zone above who serves the zone, and each of these servers for the zone: who is
silent, lame, behind, denies what exists, or disagrees with the others; whether glue is right, and
whether what the zone above says is signed and fits the zone's keys. No server has to run. Who these servers
are is found from the root, or, with @RESOLVER, by asking it. The exit code is 1 when anything is wrong.`,
		Example: "  sextant audit example.io\n  sextant audit example.io @9.9.9.9",
		Args:    cobra.RangeArgs(1, 2),
	}
	asJSON := jsonFlag(cmd)
	cmd.Flags().StringVarP(&by.file, "config", "c", "", "ask as a server with this configuration file would (root hints, port, trust anchors)")
	cmd.Flags().BoolVar(&by.lab, "lab", false, "ask in the lab's Internet")
	var from auditSource
	cmd.Flags().StringVar(&from.hints, "hints", "", "master file with the root servers, in place of those that are built in or configured")
	cmd.Flags().Uint16Var(&from.port, "port", 0, "port of all servers (53)")
	cmd.MarkFlagsMutuallyExclusive("lab", "hints")
	by.change = from.into
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		args, err := from.resolver(cmd.Context(), args)
		if err != nil {
			return err
		}
		zone, err := lookup.ParseName(args[0])
		if err != nil {
			return err
		}
		if zone == lookup.Root {
			return fmt.Errorf("there is no zone above the root")
		}
		p, err := by.build(cmd.ErrOrStderr())
		if err != nil {
			return err
		}
		a, err := p.audit(cmd.Context(), zone)
		if err != nil {
			return failure{err}
		}
		told := auditOf(a)
		if err := tell(cmd, told, *asJSON, nil); err != nil {
			return err
		}
		if len(told.Problems) > 0 {
			return exitCode(exitFailed)
		}
		return nil
	}
	return cmd
}

// auditSource is from where an audit begins.
type auditSource struct {
	hints string
	port  uint16
	by    netip.AddrPort // a resolver; not valid: none
}

// resolver takes @RESOLVER out of the arguments, and leaves one.
func (s *auditSource) resolver(ctx context.Context, args []string) (rest []string, err error) {
	for _, arg := range args {
		server, is := strings.CutPrefix(arg, "@")
		if !is {
			rest = append(rest, arg)
			continue
		}
		if s.by, err = (&asking{port: 53}).address(ctx, server); err != nil {
			return nil, err
		}
	}
	if len(rest) != 1 {
		return nil, fmt.Errorf("one ZONE and at most one @RESOLVER, not %s", strings.Join(args, " "))
	}
	return rest, nil
}

// into makes it what is configured.
func (s *auditSource) into(c *config.Config) {
	if s.hints != "" {
		c.Resolver.RootHints = s.hints
	}
	if s.port != 0 {
		c.Resolver.Port = s.port
	}
	if s.by.IsValid() {
		c.Pinned = []config.Pinned{{Name: lookup.Root, Servers: []netip.AddrPort{s.by}, Forward: true}}
	}
}

// forwarded is the zone above a zone as a resolver tells.
func (p *parts) forwarded(ctx context.Context, zone lookup.Name) (lifeline.Parent, error) {
	above, err := p.zoneAbove(ctx, zone)
	if err != nil {
		return lifeline.Parent{}, err
	}
	parent := lifeline.Parent{Zone: above}
	r, err := p.ask(ctx, above, lookup.TypeNS)
	if err != nil {
		return parent, err
	}
	set, _ := lookup.Find(r.Answer, above, lookup.TypeNS)
	for rdata := range set.Data.All() {
		host, _, err := lookup.NameFromWire(rdata)
		if err != nil {
			continue
		}
		h := lifeline.Host{Name: host, Addrs: p.addresses(ctx, p.recurse, host)}
		h.Addrs = slices.DeleteFunc(h.Addrs, p.unaskable)
		parent.Hosts = append(parent.Hosts, h)
	}
	if len(parent.Hosts) == 0 {
		return parent, fmt.Errorf("the resolver knows no servers of %s", above)
	}
	p.learnParent(ctx, &parent)
	return parent, nil
}

// audit asks everybody. Nothing of the parts runs for it.
func (p *parts) audit(ctx context.Context, zone lookup.Name) (lifeline.Audit, error) {
	ctx, cancel := context.WithTimeout(ctx, auditTime)
	defer cancel()
	find := p.parentOf
	if c := p.state.Load().config; slices.ContainsFunc(c.Pinned, func(z config.Pinned) bool { return z.Forward && z.Name == lookup.Root }) {
		find = p.forwarded
	}
	parent, err := find(ctx, zone)
	if err != nil {
		return lifeline.Audit{}, fmt.Errorf("who serves the zone above %s: %w", zone, err)
	}
	c := lifeline.Caller{Exchanger: p.options.Exchanger, Port: p.options.Port, Policy: p.options.Validation.Policy}
	return c.Audit(ctx, zone, parent, func(ctx context.Context, host lookup.Name) []netip.Addr {
		return p.addresses(ctx, p.recurse, host)
	}), nil
}

// auditText is an audit as it is printed.
type auditText struct {
	Zone     string                     `json:"zone"`
	Parent   string                     `json:"parent"`
	Known    control.LifelineDelegation `json:"delegation"`
	Parents  []control.LifelineVote     `json:"parents"`
	Children []auditChild               `json:"children"`
	Problems []string                   `json:"problems"`
}

type auditChild struct {
	Server  string   `json:"server"`
	Address string   `json:"address"`
	Glue    bool     `json:"glue"` // the parent gives the address
	Says    string   `json:"says"` // authoritative, lame or silent
	Serial  *uint32  `json:"serial,omitempty"`
	NS      []string `json:"ns,omitempty"`
	DNSSEC  string   `json:"dnssec"`
	EDNS    bool     `json:"edns"`
	TCP     bool     `json:"tcp"`
	RTT     float64  `json:"rtt_ms,omitempty"`
	Problem string   `json:"problem,omitempty"`
}

func auditOf(a lifeline.Audit) auditText {
	told := auditText{Zone: a.Zone.String(), Parent: a.Parent.String(), Known: lifelineDelegation(a.Delegation), Problems: a.Problems}
	if told.Problems == nil {
		told.Problems = []string{}
	}
	for _, v := range a.Ballot.Votes {
		told.Parents = append(told.Parents, lifelineVote(v, a.Delegation))
	}
	for _, c := range a.Children {
		child := auditChild{
			Server: c.Name.String(), Address: c.Server.String(), Glue: c.Glue, Says: "silent", DNSSEC: "unsigned", EDNS: c.EDNS, TCP: c.TCP,
			RTT: float64(c.RTT) / float64(time.Millisecond), Problem: c.Err,
		}
		switch {
		case c.AA && c.HasSOA:
			child.Says, child.Serial = "authoritative", &c.Serial
		case c.Replied:
			child.Says = "lame"
		}
		if len(a.Delegation.DS) > 0 {
			child.DNSSEC = map[bool]string{true: "secure", false: "bogus"}[c.Keys == dnssec.Secure]
		}
		for _, n := range c.NS {
			child.NS = append(child.NS, n.String())
		}
		told.Children = append(told.Children, child)
	}
	return told
}

// String is two tables, and what is wrong.
func (a auditText) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, as %s has it:\n", a.Zone, a.Parent)
	table(&b, "SERVER\tADDRESS\tSAYS\tDELEGATION\tSERIAL\tRTT", func(row func(format string, args ...any)) {
		for _, v := range a.Parents {
			row("%s\t%s\t%s\t%s\t%s\t%s", v.Server, v.Address, v.Finding, cmp.Or(v.ID, "-"), serial(v.Serial), rtt(v.RTT))
		}
	})
	if len(a.Children) > 0 {
		fmt.Fprintf(&b, "\nits own servers:\n")
		table(&b, "SERVER\tADDRESS\tSAYS\tSERIAL\tDNSSEC\tEDNS\tTCP\tRTT", func(row func(format string, args ...any)) {
			for _, c := range a.Children {
				dnssec := c.DNSSEC
				if c.Says != "authoritative" {
					dnssec = "-"
				}
				row("%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s", c.Server, c.Address, c.Says, serial(c.Serial), dnssec, yes(c.EDNS), yes(c.TCP), rtt(c.RTT))
			}
		})
	}
	fmt.Fprintln(&b)
	if len(a.Problems) == 0 {
		fmt.Fprintln(&b, "nothing is wrong")
	}
	for _, p := range a.Problems {
		fmt.Fprintln(&b, "! "+p)
	}
	return b.String()
}

func table(out io.Writer, head string, fill func(row func(format string, args ...any))) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, head)
	fill(func(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) })
	_ = w.Flush() // to memory
}

func serial(s *uint32) string {
	if s == nil {
		return "-"
	}
	return fmt.Sprint(*s)
}

func rtt(ms float64) string {
	if ms == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f ms", ms)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
