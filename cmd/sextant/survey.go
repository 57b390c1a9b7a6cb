package main

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/miekg/dns"
	"github.com/spf13/cobra"

	"github.com/sextant-dns/sextant/ecs"
	"github.com/sextant-dns/sextant/geo"
	"github.com/sextant-dns/sextant/lint"
	"github.com/sextant-dns/sextant/survey"
)

// surveying is the flags of a survey.
type surveying struct {
	asking
	qtype                  string
	from, fromFiles, mmdb  []string
	adaptive, ipv6, no     bool
	most, parallel, checks int
	networks               int
	rtt, svg               string
	asJSON, asCSV, all     bool
}

func surveyCommand() *cobra.Command {
	var s surveying
	command := &cobra.Command{
		Use:   "survey NAME [@SERVER]",
		Short: "Ask for a name as if from many networks, and show which answer is for whom",
		Long: `Ask a server for a name with EDNS Client Subnet, from network after network, and leave out what the scope
of an earlier answer covers. Without --from, or with --adaptive, networks are divided until scopes cover
them: one query for each scope that there is. Then each answer is printed with how much of the address
space it is for, and each network with its answer. Of scopes that overlap, and of answers that are not the
same within a scope, it says so.`,
		Example: `  sextant survey www.example.com @192.0.2.53
  sextant survey www.example.com @192.0.2.53 --from jp,sg,gb --mmdb GeoLite2-City.mmdb --rtt tcp:443 --svg map.svg`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error { return s.run(cmd, args) },
	}
	s.flags(command)
	f := command.Flags()
	f.StringVarP(&s.qtype, "type", "t", "A", "type to ask for")
	f.StringSliceVar(&s.from, "from", nil, "networks to ask from: prefixes, or with --mmdb countries, AS numbers and other selectors, such as jp,as64500")
	f.StringArrayVar(&s.fromFiles, "from-file", nil, "file of prefixes, one on each line; repeatable")
	f.BoolVar(&s.adaptive, "adaptive", false, "divide the networks until scopes cover them; the default without --from")
	f.BoolVar(&s.ipv6, "ipv6", false, "without --from: all of IPv6 in place of all of IPv4")
	f.IntVar(&s.networks, "networks", 4, "how many networks stand for a country or the like, the largest first")
	f.IntVar(&s.most, "most", 500, "queries at most")
	f.IntVar(&s.parallel, "parallel", 8, "queries at the same time at most")
	f.IntVar(&s.checks, "checks", 16, "queries, of those, that see whether scopes are right")
	f.BoolVar(&s.no, "norecurse", false, "do not ask for recursion")
	f.StringArrayVar(&s.mmdb, "mmdb", nil, "database that says where addresses are; repeatable")
	f.StringVar(&s.rtt, "rtt", "", "also measure the time to each address that is an answer: tcp:PORT, how long it takes to connect, or icmp")
	f.StringVar(&s.svg, "svg", "", "file for a map of the world with the answers on it; needs --mmdb")
	f.BoolVar(&s.all, "all", false, "print each scope, and do not join neighbours with the same answer")
	f.BoolVar(&s.asJSON, "json", false, "print an object")
	f.BoolVar(&s.asCSV, "csv", false, "print a line for each scope, with commas")
	command.MarkFlagsMutuallyExclusive("json", "csv")
	_ = command.RegisterFlagCompletionFunc("rtt", cobra.FixedCompletions([]string{"tcp:443", "tcp:80", "icmp"}, cobra.ShellCompDirectiveNoFileComp)) // fails for flags that do not exist
	_ = command.RegisterFlagCompletionFunc("type", cobra.FixedCompletions([]string{"A", "AAAA", "CNAME", "HTTPS", "TXT"}, cobra.ShellCompDirectiveNoFileComp))
	return command
}

func (s *surveying) run(cmd *cobra.Command, args []string) error {
	ctx := cmd.Context()
	c, rest, err := s.client(ctx, args, true, 0)
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return fmt.Errorf("one NAME and one @SERVER, not %s", strings.Join(args, " "))
	}
	name, err := domainName(rest[0])
	if err != nil {
		return err
	}
	qtype, known := dns.StringToType[strings.ToUpper(s.qtype)]
	if !known {
		return fmt.Errorf("--type: there is no type %q", s.qtype)
	}
	reach, err := reacher(s.rtt)
	if err != nil {
		return err
	}
	if s.most <= 0 || s.checks < 0 || s.checks >= s.most {
		return errors.New("--most must be above 0, and above --checks")
	}
	if s.svg != "" && len(s.mmdb) == 0 {
		return errors.New("--svg needs a database that says where addresses are: --mmdb")
	}
	atlas, err := openAtlas(s.mmdb)
	if err != nil {
		return failure{err}
	}
	networks, err := s.sources(atlas)
	if err != nil {
		return err
	}
	bar := progress(cmd.ErrOrStderr())
	result, err := survey.Run(ctx, survey.Options{
		Ask: lint.Asker(c, name, qtype, !s.no), Networks: networks, Adaptive: s.adaptive || len(s.from)+len(s.fromFiles) == 0,
		Most: s.most, Parallel: s.parallel, Checks: s.checks, Progress: bar,
	})
	bar(0, 0)
	if err != nil && len(result.Regions) == 0 {
		return failure{err}
	}
	v := s.view(ctx, name+" "+dns.TypeToString[qtype], c.Server(), result, atlas, reach)
	return s.print(cmd, v)
}

// sources are the networks to ask from.
func (s *surveying) sources(atlas *geo.Atlas) (all []netip.Prefix, err error) {
	for _, text := range s.from {
		if p, err := addressOrPrefix(text); err == nil {
			all = append(all, p)
			continue
		}
		selector, err := geo.ParseSelector(text)
		if err != nil {
			return nil, fmt.Errorf("--from: %w", err)
		}
		if atlas == nil {
			return nil, fmt.Errorf("--from %s: only a database knows its networks: --mmdb", text)
		}
		found, err := atlas.Networks(selector, s.networks)
		if err != nil {
			return nil, failure{err}
		}
		for _, p := range found {
			if p.Addr().Is4() || s.ipv6 {
				all = append(all, narrow(p))
			}
		}
	}
	for _, file := range s.fromFiles {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, failure{err}
		}
		found, err := geo.ParseNetworks(file, content)
		if err != nil {
			return nil, failure{err}
		}
		all = append(all, found...)
	}
	if len(s.from)+len(s.fromFiles) > 0 {
		return all, nil
	}
	space := netip.MustParsePrefix("0.0.0.0/0")
	if s.ipv6 {
		space = netip.MustParsePrefix("2000::/3")
	}
	return survey.Without([]netip.Prefix{space}, ecs.SpecialPurpose()), nil
}

// narrow is a network as resolvers tell it: of a country's block the first /24 or /56.
func narrow(p netip.Prefix) netip.Prefix {
	most := 56
	if p.Addr().Is4() {
		most = 24
	}
	return netip.PrefixFrom(p.Addr(), max(p.Bits(), most))
}

// openAtlas reads databases; nil when there are none.
func openAtlas(files []string) (*geo.Atlas, error) {
	var all []*geo.Database
	for _, file := range files {
		d, err := geo.Open(file, nil)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	if len(all) == 0 {
		return nil, nil
	}
	return geo.NewAtlas(all...), nil
}

// whereabouts is what an atlas says of an address, for a survey.
func whereabouts(atlas *geo.Atlas) func(netip.Addr) survey.Place {
	if atlas == nil {
		return nil
	}
	return func(a netip.Addr) (p survey.Place) {
		said, at, located := atlas.Said(a)
		p.Lat, p.Long, p.Located = at.Lat, at.Long, located
		for _, s := range said {
			switch {
			case s.Kind == geo.Country && p.Country == "":
				p.Country = s.Value
			case s.Kind == geo.ASN && p.AS == "":
				p.AS = "AS" + s.Value
			}
		}
		return p
	}
}

// progress is a bar on a terminal, and nothing elsewhere. Of nothing it removes the bar.
func progress(out io.Writer) func(asked, most int) {
	if !isTerminal(out) {
		return func(int, int) {}
	}
	const width = 40
	begin := time.Now()
	return func(asked, most int) {
		if most == 0 {
			fmt.Fprintf(out, "\r%s\r", strings.Repeat(" ", width+50))
			return
		}
		done := width * asked / most
		fmt.Fprintf(out, "\r[%s%s] %d of %d queries at most, %v ", strings.Repeat("#", done), strings.Repeat(".", width-done), asked, most, time.Since(begin).Round(time.Second))
	}
}

// print prints a survey in the form that was asked for.
func (s *surveying) print(cmd *cobra.Command, v *surveyView) (err error) {
	out := cmd.OutOrStdout()
	switch {
	case s.asJSON:
		err = writeJSON(out, v)
	case s.asCSV:
		err = v.csv(out)
	default:
		err = v.text(out, painter(out))
	}
	if err == nil && s.svg != "" {
		err = v.svgFile(s.svg)
	}
	if err != nil {
		return failure{err}
	}
	return nil
}
