package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"runtime"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/geo"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/overlay"
	"github.com/sextant-dns/sextant/tailor"
	"github.com/sextant-dns/sextant/zones"
)

func zoneCommand() *cobra.Command {
	command := &cobra.Command{Use: "zone", Short: "Look at zone files, and at the zones of the running server that clients update"}
	command.AddCommand(zoneCheckCommand(), zoneStatusCommand(), zoneSyncCommand())
	return command
}

func zoneCheckCommand() *cobra.Command {
	var origin, overlaid string
	var databases []string
	var asJSON, strict bool
	command := &cobra.Command{
		Use:   "check FILE...",
		Short: "Say what is wrong with master files, and what is unwise",
		Long: `Read zones as serve does, several at a time, and print every problem with file, line and column: first
what is wrong, which serve refuses, else what is unwise. Then a line for each zone: its serial, how many
records, names and RRsets it has, whether it is signed, and whether its ZONEMD is right. Exit code 0 when
nothing is wrong, 1 otherwise. With --overlay, and the databases that it needs, also what is wrong with
that, and what it expects and does not hold; views and sets may have any names, and sets no networks.`,
		Example: "  sextant zone check --origin example.com example.com.zone",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			apex, err := apexOf(origin, len(args))
			if err != nil {
				return err
			}
			if overlaid == "" && len(databases) > 0 || overlaid != "" && len(args) > 1 {
				return errors.New("--mmdb goes with --overlay, and --overlay with one FILE")
			}
			all := checkZones(args, apex)
			if overlaid != "" && all[0].Good {
				all[0].checkOverlay(overlaid, databases)
			}
			print := printZones
			if asJSON {
				print = printZonesJSON
			}
			if err := print(cmd.OutOrStdout(), all); err != nil {
				return failure{err}
			}
			for _, z := range all {
				if !z.Good || strict && len(z.Problems) > 0 {
					return exitCode(exitFailed)
				}
			}
			return nil
		},
	}
	command.Flags().StringVar(&origin, "origin", "", "name of the zone; without it, the owner of the first SOA (one FILE only)")
	command.Flags().StringVar(&overlaid, "overlay", "", "the .geo overlay of the zone (one FILE only)")
	command.Flags().StringArrayVar(&databases, "mmdb", nil, "a database of places; repeat it for more, the first to have a kind of value counts")
	command.Flags().BoolVar(&asJSON, "json", false, "print a list of objects")
	command.Flags().BoolVar(&strict, "strict", false, "what is unwise is as bad as what is wrong")
	return command
}

// apexOf is the name that --origin gives; "" when it is not given.
func apexOf(origin string, files int) (lookup.Name, error) {
	switch {
	case origin == "":
		return "", nil
	case files > 1:
		return "", errors.New("--origin names one zone, and there are several files")
	}
	return lookup.ParseName(origin)
}

// checkedZone is what is found out about a file.
type checkedZone struct {
	File     string        `json:"file"`
	Good     bool          `json:"good"` // serve would take it
	Zone     string        `json:"zone,omitempty"`
	Serial   uint32        `json:"serial"`
	Records  int           `json:"records"`
	Names    int           `json:"names"`
	RRsets   int           `json:"rrsets"`
	Signed   string        `json:"signed"` // "no", or by what it denies: NSEC, NSEC3
	ZONEMD   string        `json:"zonemd"` // "none", "right", or what is wrong with it
	Problems []zoneProblem `json:"problems"`

	zone *zones.Zone
}

type zoneProblem struct {
	Severity string `json:"severity"` // error or warning
	File     string `json:"file,omitempty"`
	Line     int    `json:"line,omitempty"`
	Column   int    `json:"column,omitempty"`
	Text     string `json:"text"`

	zones.Problem `json:"-"`
}

// checkZones reads files, as many at a time as there are processors.
func checkZones(files []string, apex lookup.Name) []checkedZone {
	all := make([]checkedZone, len(files))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, file := range files {
		group.Go(func() error {
			all[i] = checkZone(file, apex)
			if len(files) > 1 {
				all[i].zone = nil // an overlay is of one zone, and a thousand zones are large
			}
			return nil
		})
	}
	_ = group.Wait() // what is wrong is in all
	return all
}

func checkZone(file string, apex lookup.Name) checkedZone {
	c := checkedZone{File: file, Signed: "no", ZONEMD: "none", Problems: []zoneProblem{}}
	zone, err := zones.LoadFile(file, apex)
	if err != nil {
		c.tell("error", zones.Problems(err)...)
		return c
	}
	c.zone = zone
	c.Good, c.Zone, c.Serial = true, zone.Apex().String(), zone.Serial()
	c.Names, c.RRsets = zone.Names(), zone.Len()
	for range zone.Records() {
		c.Records++
	}
	if t := zone.Denial(); t != lookup.TypeNone {
		c.Signed = t.String()
	}
	c.tell("warning", zone.Lint()...)
	switch err := dnssec.CheckZONEMD(zone.Apex(), zone.All()); {
	case err == nil:
		c.ZONEMD = "right"
	case errors.Is(err, dnssec.ErrZONEMDMismatch):
		c.Good, c.ZONEMD = false, "wrong"
		c.tell("error", zones.Problem{File: file, Text: err.Error()})
	case errors.Is(err, dnssec.ErrZONEMDUnsupported):
		c.ZONEMD = "unknown"
		c.tell("warning", zones.Problem{File: file, Text: err.Error()})
	}
	return c
}

// checkOverlay looks at the overlay of the zone, and judges what it expects.
func (c *checkedZone) checkOverlay(file string, databases []string) {
	wrong := func(err error) {
		c.Good = false
		for _, err := range unjoined(err) {
			p, ok := errors.AsType[overlay.Problem](err)
			if !ok {
				p = overlay.Problem{Position: overlay.Position{File: file}, Text: err.Error()}
			}
			c.tell("error", overlaid(p))
		}
	}
	o, err := overlay.LoadFile(file, overlay.Options{Base: c.zone})
	if err != nil {
		wrong(err)
		return
	}
	if _, err = newSites(o, true); err != nil {
		wrong(err)
	}
	for _, p := range o.Lint {
		c.tell("warning", overlaid(p))
	}
	from := geo.Sources{Sets: map[string][]netip.Prefix{}, Rankings: tailor.Rankings(o)}
	for _, s := range o.Selectors() {
		if s.Kind == geo.Set {
			from.Sets[s.Value] = nil
		}
	}
	var files []geo.File
	for _, name := range databases {
		files = append(files, geo.File{Name: name})
	}
	if from.Databases, err = loadDatabases(files); err == nil {
		err = unlocatable(o, from.Databases)
	}
	if err != nil {
		wrong(err)
		return
	}
	m, err := geo.Compile(o.Selectors(), from)
	if err != nil {
		wrong(err)
		return
	}
	for _, p := range tailor.Judge(c.zone, o, m) {
		wrong(p)
	}
}

// overlaid is a problem of an overlay as one of a zone.
func overlaid(p overlay.Problem) zones.Problem {
	if p.Hint != "" {
		p.Text += "; " + p.Hint
	}
	return zones.Problem{File: p.File, Line: p.Line, Column: p.Column, Text: p.Text}
}

// unjoined is the errors that are joined in one.
func unjoined(err error) (all []error) {
	several, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	for _, e := range several.Unwrap() {
		all = append(all, unjoined(e)...)
	}
	return all
}

func (c *checkedZone) tell(severity string, problems ...zones.Problem) {
	for _, p := range problems {
		c.Problems = append(c.Problems, zoneProblem{severity, p.File, p.Line, p.Column, p.Text, p})
	}
}

// printZones prints problems and a line for each zone.
func printZones(out io.Writer, all []checkedZone) error {
	for _, c := range all {
		for _, p := range c.Problems {
			what := ""
			if p.Severity == "warning" {
				what = "warning: "
			}
			p.Problem.Text = what + p.Problem.Text
			if _, err := fmt.Fprintln(out, p.Problem); err != nil {
				return err
			}
		}
		if !c.Good {
			fmt.Fprintf(out, "%s: bad\n", c.File)
			continue
		}
		fmt.Fprintf(out, "%s: good: %s serial %d: %d records, %d names, %d RRsets; signed: %s; ZONEMD: %s\n",
			c.File, c.Zone, c.Serial, c.Records, c.Names, c.RRsets, c.Signed, c.ZONEMD)
	}
	return nil
}

func printZonesJSON(out io.Writer, all []checkedZone) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(all)
}
