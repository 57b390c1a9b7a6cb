package main

import (
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sextant-dns/sextant/control"
	"github.com/sextant-dns/sextant/geo"
)

func geoCommand() *cobra.Command {
	command := &cobra.Command{Use: "geo", Short: "Where networks are, as answers by location see them"}
	command.AddCommand(geoLookupCommand(), geoStatusCommand(), geoRollbackCommand())
	return command
}

func geoStatusCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status",
		Short: "What the running server knows of places, and why a newer file was refused",
		Args:  cobra.NoArgs,
	}
	socket, asJSON := socketFlag(cmd), jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		g, err := control.NewClient(*socket).Geo(cmd.Context())
		return tell(cmd, g, *asJSON, err)
	}
	return cmd
}

func geoRollbackCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rollback",
		Short: "Have the places be as they were before their files changed last",
		Long: `Have the running server use again what it knew of places before the files changed last, at once. A
second rollback undoes the first. The files are not read again before they change again. After a reload that
asks for other selectors, and after a restart, there is nothing to go back to.`,
		Args: cobra.NoArgs,
	}
	socket, asJSON := socketFlag(cmd), jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		g, err := control.NewClient(*socket).RollbackGeo(cmd.Context())
		return tell(cmd, g, *asJSON, err)
	}
	return cmd
}

func geoLookupCommand() *cobra.Command {
	var file string
	var files, used []string
	command := &cobra.Command{
		Use:   "lookup ADDRESS|PREFIX (--mmdb FILE... | --config FILE)",
		Short: "Say what databases know of an address, and how wide an answer to it would hold",
		Long: `Print what each database says of an address, in the selectors that zones use, and the network of which
it says so. With --selectors also the class that they put the address into, and the scope: the widest
prefix in which every address is in that class. An IPv6 address that embeds an IPv4 address is where
that one is.`,
		Example: "  sextant geo lookup 203.0.113.9 --mmdb GeoLite2-City.mmdb --selectors eu,us,as64500",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := addressOrPrefix(args[0])
			if err != nil {
				return err
			}
			selectors, err := parseSelectors(used)
			if err != nil {
				return err
			}
			in, err := openPlaces(file, files, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			if err := in.lookup(cmd.OutOrStdout(), p, selectors); err != nil {
				return failure{err}
			}
			return nil
		},
	}
	command.Flags().StringVarP(&file, "config", "c", "", "in the databases and sets of this configuration file")
	command.Flags().StringArrayVar(&files, "mmdb", nil, "a database; repeat it for more, the first to have a kind of value counts")
	command.Flags().StringSliceVar(&used, "selectors", nil, "what zones would use, such as eu,de,us-ny,as64500,192.0.2.0/24")
	command.MarkFlagsOneRequired("mmdb", "config")
	return command
}

// placesIn is what says where addresses are, and what the databases are called.
type placesIn struct {
	names []string
	from  geo.Sources
}

// openPlaces opens databases: those of a configuration file, if there is one, and then files.
func openPlaces(config string, files []string, errOut io.Writer) (in placesIn, err error) {
	var all []geo.File
	if config != "" {
		c, err := load(config, errOut)
		if err != nil {
			return in, err
		}
		o := watchOptions(c.Geo)
		all, in.from = o.Files, o.Sources
		if in.from.Sets, err = loadSets(c.Geo); err != nil {
			return in, failure{err}
		}
		if len(all)+len(files) == 0 {
			return in, failure{fmt.Errorf("%s: geo.databases names no database", config)}
		}
	}
	for _, name := range files {
		all = append(all, geo.File{Name: name})
	}
	for _, f := range all {
		d, err := geo.Open(f.Name, f.Paths)
		if err != nil {
			return in, failure{err}
		}
		in.names, in.from.Databases = append(in.names, f.Name), append(in.from.Databases, d)
	}
	return in, nil
}

func addressOrPrefix(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return p, fmt.Errorf("%q is neither an address nor a prefix", text)
	}
	return p.Masked(), nil
}

func parseSelectors(texts []string) (all []geo.Selector, err error) {
	for _, text := range texts {
		s, err := geo.ParseSelector(text)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// lookup tells what all databases say of an address, and what follows for used.
func (in placesIn) lookup(out io.Writer, p netip.Prefix, used []geo.Selector) error {
	address := p.Addr()
	if v4, by, ok := geo.Embedded(address); ok {
		fmt.Fprintf(out, "%s is %s, embedded in %s\n", address, v4, by)
		address = v4
	}
	for i, d := range in.from.Databases {
		said, network, err := d.Lookup(address)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s (%s, %s): %s: %s\n", in.names[i], d.Type, d.Built.UTC().Format(time.DateOnly), network, list(said))
	}
	if len(used) == 0 {
		return nil
	}
	m, err := geo.Compile(used, in.from)
	if err != nil {
		return err
	}
	class, scope := m.Locate(p)
	fmt.Fprintf(out, "class: %s\nscope: %s\n", list(m.Selectors(class)), scope)
	if scope.Bits() > p.Bits() {
		fmt.Fprintf(out, "%s is of several classes; this is the one of most of its addresses\n", p)
	}
	return nil
}

func list(selectors []geo.Selector) string {
	if len(selectors) == 0 {
		return "nothing"
	}
	return strings.Trim(fmt.Sprint(selectors), "[]")
}
