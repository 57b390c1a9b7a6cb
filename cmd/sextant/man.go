package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// manCommand writes manual pages from what --help says, so that they never differ. It is
// for packagers, and not in the list of commands.
func manCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "man DIRECTORY",
		Short:  "Write a manual page for each command",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return failure{err}
			}
			if err := writeManuals(cmd.Root(), args[0]); err != nil {
				return failure{err}
			}
			return nil
		},
	}
}

// documented says whether a command has a page.
func documented(c *cobra.Command) bool { return !c.Hidden && c.Name() != "help" }

func writeManuals(c *cobra.Command, dir string) error {
	name := strings.ReplaceAll(c.CommandPath(), " ", "-")
	f, err := os.Create(filepath.Join(dir, name+".1"))
	if err != nil {
		return err
	}
	manual(f, c)
	if err := f.Close(); err != nil {
		return err
	}
	for _, sub := range c.Commands() {
		if documented(sub) {
			if err := writeManuals(sub, dir); err != nil {
				return err
			}
		}
	}
	return nil
}

// manual writes one page with the macros of man(7).
func manual(out io.Writer, c *cobra.Command) {
	page := strings.ReplaceAll(c.CommandPath(), " ", "-")
	fmt.Fprintf(out, ".TH %s 1 \"\" \"Sextant %s\" \"Sextant\"\n", strings.ToUpper(roff(page)), version)
	fmt.Fprintf(out, ".SH NAME\n%s \\- %s\n", roff(page), roff(c.Short))
	fmt.Fprintf(out, ".SH SYNOPSIS\n.B %s\n", roff(c.UseLine()))
	text := c.Long
	if text == "" {
		text = c.Short + "."
	}
	fmt.Fprintf(out, ".SH DESCRIPTION\n%s\n", paragraphs(text))
	if c.LocalFlags().HasAvailableFlags() {
		fmt.Fprint(out, ".SH OPTIONS\n")
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden {
				manualFlag(out, f)
			}
		})
	}
	if c.Example != "" {
		fmt.Fprintf(out, ".SH EXAMPLES\n.nf\n%s\n.fi\n", roff(c.Example))
	}
	var others []string
	if c.HasParent() {
		others = append(others, roff(strings.ReplaceAll(c.Parent().CommandPath(), " ", "-"))+"(1)")
	}
	for _, sub := range c.Commands() {
		if documented(sub) {
			others = append(others, roff(strings.ReplaceAll(sub.CommandPath(), " ", "-"))+"(1)")
		}
	}
	if len(others) > 0 {
		fmt.Fprintf(out, ".SH SEE ALSO\n%s\n", strings.Join(others, ",\n"))
	}
}

func manualFlag(out io.Writer, f *pflag.Flag) {
	kind, usage := pflag.UnquoteUsage(f)
	name := "--" + f.Name
	if f.Shorthand != "" {
		name = "-" + f.Shorthand + ", " + name
	}
	fmt.Fprintf(out, ".TP\n\\fB%s\\fR", roff(name))
	if kind != "" {
		fmt.Fprintf(out, " \\fI%s\\fR", roff(kind))
	}
	if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "[]" && f.DefValue != "0" {
		usage += " (default " + f.DefValue + ")"
	}
	fmt.Fprintf(out, "\n%s\n", roff(usage))
}

// paragraphs is a text whose paragraphs are apart by empty lines.
func paragraphs(text string) string {
	return strings.ReplaceAll(roff(text), "\n\n", "\n.PP\n")
}

// roff escapes what troff takes for its own: backslashes, hyphens that are to be copied,
// and dots and quotes at the beginning of a line.
func roff(text string) string {
	lines := strings.Split(strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
