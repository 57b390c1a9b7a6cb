package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/zones"
)

func zoneCommand() *cobra.Command {
	command := &cobra.Command{Use: "zone", Short: "Look at zone files, and at the zones of the running server that clients update"}
	command.AddCommand(zoneCheckCommand(), zoneStatusCommand(), zoneSyncCommand())
	return command
}

func zoneCheckCommand() *cobra.Command {
	var origin string
	var asJSON, strict bool
	command := &cobra.Command{
		Use:   "check FILE...",
		Short: "Say what is wrong with master files, and what is unwise",
		Long: `Read zones as serve does, several at a time, and print every problem with file, line and column: first
what is wrong, which serve refuses, else what is unwise. Then a line for each zone: its serial, how many
records, names and RRsets it has, whether it is signed, and whether its ZONEMD is right. Exit code 0 when
nothing is wrong, 1 otherwise.`,
		Example: "  sextant zone check --origin example.com example.com.zone",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			apex, err := apexOf(origin, len(args))
			if err != nil {
				return err
			}
			all := checkZones(args, apex)
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
