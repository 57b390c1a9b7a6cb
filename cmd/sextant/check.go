package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/sextant-dns/sextant/config"
)

func checkCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check FILE",
		Short: "Say what is wrong with a configuration file, all of it at once",
		Long: `Read a configuration file and everything that it names: zones, overlays, databases, root hints.
Prints every problem with file, line and column, and warns of what is unwise. Exit code 0 when there is none, 2 otherwise.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := load(args[0], cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			c.DNSSEC.State = ""      // which is the server's to write
			c.Control.Overrides = "" // and so is this
			p, err := build(c, wiring{})
			if err == nil {
				err = errors.Join(checkLocalRoot(c.Resolver.LocalRoot, p.root), checkStores(c), checkJournals(c))
			}
			if err != nil {
				fmt.Fprintln(cmd.ErrOrStderr(), err)
				return exitCode(exitUsage)
			}
			for _, problem := range p.state.Load().lint() {
				fmt.Fprintf(cmd.ErrOrStderr(), "warning: %v\n", problem)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: good: %s\n", args[0], summary(c))
			return nil
		},
	}
}

// load reads the file at path, or takes the defaults when path is empty. What is
// wrong goes to errOut.
func load(path string, errOut io.Writer) (*config.Config, error) {
	if path == "" {
		return config.Default(), nil
	}
	c, err := config.Load(path)
	if err != nil {
		fmt.Fprintln(errOut, err)
		return nil, exitCode(exitUsage)
	}
	return c, nil
}

// summary is a configuration in one line.
func summary(c *config.Config) string {
	return fmt.Sprintf("%d listen addresses, %d views, %d zones", len(c.Listen), len(c.Views), len(c.Zones))
}
