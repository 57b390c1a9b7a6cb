package main

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sextant-dns/sextant/config"
	"github.com/sextant-dns/sextant/geo"
	"github.com/sextant-dns/sextant/lookup"
)

// planned is what to look at, as the flags have it.
type planned struct {
	config                string
	mmdb, zones, overlays []string
	queries               string
	json                  bool
}

// plan is what would become of answers.
type plan struct {
	IPv4    float64      `json:"ipv4_percent"` // of all addresses hear something else of one name at least
	IPv6    float64      `json:"ipv6_percent"` // of 2000::/3
	Changes []change     `json:"changes"`      // of what overlays decide about, the largest first
	Zones   []zoneChange `json:"zones"`
	Queries *loggedPlan  `json:"queries,omitempty"`
	Failed  []string     `json:"failed"` // expectations
}

// zoneChange is a zone file that is another one.
type zoneChange struct {
	Zone   string `json:"zone"`
	RRsets int    `json:"rrsets"` // that one version has and the other has not
}

// loggedPlan is what would become of the queries of a log.
type loggedPlan struct {
	Read    int `json:"read"`
	Changed int `json:"changed"`
}

func planCommand() *cobra.Command {
	var by planned
	cmd := &cobra.Command{
		Use:   "plan --config FILE [--mmdb NEW] [--zone NEW] [--geo NEW] [--queries LOG]",
		Short: "Say who would hear something else with another database, zone or overlay",
		Long: `Compare what everybody hears of our zones, by a configuration and its files, with what they would hear
with others in place of some of these: a share of the addresses for each name that overlays decide about, a
share of the queries of a log (lines of CLIENT NAME TYPE), and the $EXPECT that would fail. Sites are taken to
be as the overlay says. Nothing is changed. Exit code 1 when an $EXPECT fails, 2 when a file is no good.`,
		Example: "  sextant plan --config sextant.yaml --mmdb GeoLite2-City-new.mmdb --queries yesterday.log",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return by.run(cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&by.config, "config", "c", "", "configuration file")
	flags.StringArrayVar(&by.mmdb, "mmdb", nil, "this database in place of the one of its type, or OLD=NEW")
	flags.StringArrayVar(&by.zones, "zone", nil, "this zone file in place of the only one, or ZONE=NEW")
	flags.StringArrayVar(&by.overlays, "geo", nil, "this overlay in place of the only one, or ZONE=NEW")
	flags.StringVar(&by.queries, "queries", "", "log with CLIENT NAME TYPE on each line")
	flags.BoolVar(&by.json, "json", false, "print JSON")
	_ = cmd.MarkFlagRequired("config") // fails for flags that do not exist
	return cmd
}

func (by planned) run(out, errOut io.Writer) error {
	was, err := load(by.config, errOut)
	if err != nil {
		return err
	}
	is, err := by.changed(was)
	if err != nil {
		return err
	}
	var queries []askedQuery
	if by.queries != "" {
		f, err := os.Open(by.queries)
		if err != nil {
			return failure{err}
		}
		defer f.Close()
		if queries, err = readQueries(f, by.queries); err != nil {
			return err
		}
	}
	before, err := newOutlook(was)
	if err != nil {
		return fmt.Errorf("as it is now: %w", err)
	}
	after, err := newOutlook(is)
	if err != nil {
		return err
	}
	p := planOf(before, after, queries)
	if by.json {
		err = writeJSON(out, p)
	} else {
		_, err = io.WriteString(out, p.String())
	}
	if err == nil && len(p.Failed) > 0 {
		err = exitCode(exitFailed)
	}
	return err
}

// changed is the configuration with other files.
func (by planned) changed(c *config.Config) (*config.Config, error) {
	changed := *c
	changed.Zones, changed.Geo.Databases = slices.Clone(c.Zones), slices.Clone(c.Geo.Databases)
	if len(by.mmdb)+len(by.zones)+len(by.overlays) == 0 {
		return nil, errors.New("nothing is to change: want --mmdb, --zone or --geo")
	}
	for _, arg := range by.mmdb {
		if err := replaceDatabase(changed.Geo.Databases, arg); err != nil {
			return nil, fmt.Errorf("--mmdb: %w", err)
		}
	}
	for _, arg := range by.zones {
		z, file, err := zoneOf(changed.Zones, arg, func(z config.Zone) bool { return z.File != "" })
		if err != nil {
			return nil, fmt.Errorf("--zone: %w", err)
		}
		z.File = file
	}
	for _, arg := range by.overlays {
		z, file, err := zoneOf(changed.Zones, arg, func(z config.Zone) bool { return z.Overlay != "" })
		if err != nil {
			return nil, fmt.Errorf("--geo: %w", err)
		}
		z.Overlay = file
	}
	return &changed, nil
}

// zoneOf is the zone that ZONE=FILE names or, without one, the only one that is meant.
func zoneOf(all []config.Zone, arg string, meant func(config.Zone) bool) (z *config.Zone, file string, err error) {
	if name, file, ok := strings.Cut(arg, "="); ok {
		apex, err := lookup.ParseName(name)
		if err != nil {
			return nil, "", err
		}
		for i := range all {
			if all[i].Name == apex && all[i].File != "" {
				return &all[i], file, nil
			}
		}
		return nil, "", fmt.Errorf("no zone %s of a file is configured", apex)
	}
	for i := range all {
		if !meant(all[i]) {
			continue
		}
		if z != nil {
			return nil, "", fmt.Errorf("of which zone? Write ZONE=%s", arg)
		}
		z = &all[i]
	}
	if z == nil {
		return nil, "", errors.New("the configuration has none")
	}
	return z, arg, nil
}

// replaceDatabase puts a file in the place of the database that OLD=NEW names or, without
// that, of the one of the same type.
func replaceDatabase(all []config.GeoDatabase, arg string) error {
	old, file, named := strings.Cut(arg, "=")
	if !named {
		file = arg
	}
	d, err := geo.Open(file, nil)
	if err != nil {
		return err
	}
	found := -1
	for i := range all {
		same := all[i].File == old
		if !named {
			present, err := geo.Open(all[i].File, layout(all[i].Paths))
			same = err == nil && (present.Type == d.Type || len(all) == 1)
		}
		if same && found >= 0 {
			return fmt.Errorf("in place of which? Write OLD=%s", file)
		}
		if same {
			found = i
		}
	}
	if found < 0 {
		return fmt.Errorf("the configuration has no database of the type %s; write OLD=%s", d.Type, file)
	}
	all[found].File = file
	return nil
}

func planOf(was, is *outlook, queries []askedQuery) plan {
	p := plan{Changes: compare(was, is), Zones: []zoneChange{}, Failed: []string{}}
	byPart := func(a, b change) int {
		switch {
		case a.IPv4+a.IPv6 > b.IPv4+b.IPv6:
			return -1
		case a.IPv4+a.IPv6 < b.IPv4+b.IPv6:
			return 1
		}
		return 0
	}
	slices.SortStableFunc(p.Changes, byPart)
	if p.Changes == nil {
		p.Changes = []change{}
	}
	var changed []netip.Prefix
	for _, c := range p.Changes {
		changed = append(changed, c.changed...)
	}
	p.IPv4, p.IPv6 = shares(changed)
	for _, z := range is.config.Zones {
		if before := was.files[z.Name]; before != nil && is.files[z.Name] != nil {
			if n := different(before, is.files[z.Name]); n > 0 {
				p.Zones = append(p.Zones, zoneChange{z.Name.String(), n})
			}
		}
	}
	if queries != nil {
		p.Queries = &loggedPlan{Read: len(queries)}
		for _, q := range queries {
			if was.hears(q) != is.hears(q) {
				p.Queries.Changed++
			}
		}
	}
	if is.failed != nil {
		p.Failed = strings.Split(is.failed.Error(), "\n")
	}
	return p
}

// String is the plan for people.
func (p plan) String() string {
	const most = 40 // lines of names
	var b strings.Builder
	fmt.Fprintf(&b, "%s of IPv4 and %s of IPv6 addresses hear something else\n", share(p.IPv4), share(p.IPv6))
	for i, c := range p.Changes {
		if i == most {
			fmt.Fprintf(&b, "  and %d more names and types\n", len(p.Changes)-most)
			break
		}
		kind := c.Type
		if kind == "" {
			kind = "(other types)"
		}
		fmt.Fprintf(&b, "  %s %s in view %s: %s of IPv4, %s of IPv6, such as %s\n", c.Name, kind, c.View, share(c.IPv4), share(c.IPv6), c.Example)
	}
	for _, z := range p.Zones {
		fmt.Fprintf(&b, "zone file of %s: %d RRsets are others\n", z.Zone, z.RRsets)
	}
	if q := p.Queries; q != nil {
		part := 0.0
		if q.Read > 0 {
			part = 100 * float64(q.Changed) / float64(q.Read)
		}
		fmt.Fprintf(&b, "%s of %d logged queries are answered otherwise\n", share(part), q.Read)
	}
	for _, f := range p.Failed {
		fmt.Fprintf(&b, "%s\n", f)
	}
	if n := len(p.Failed); n > 0 {
		fmt.Fprintf(&b, "%d $EXPECT fail: this would be refused\n", n)
	}
	return b.String()
}

// share is a part of a hundred, with as many digits as tell something.
func share(part float64) string {
	if part > 0 && part < 0.01 {
		return "less than 0.01 %"
	}
	return fmt.Sprintf("%.2f %%", part)
}
