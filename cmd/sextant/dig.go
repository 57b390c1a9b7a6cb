package main

import (
	"github.com/spf13/cobra"

	"github.com/sextant-dns/sextant/dig"
)

func digCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "dig [@server] [name] [type] [class] [-x addr] [+option...]",
		Short: "Ask a question, in dig's grammar and with dig's output",
		// dig's grammar is its own: +short, @server, -p 5300 in any place.
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			code := dig.Run(cmd.Context(), args, cmd.OutOrStdout(), cmd.ErrOrStderr(), dig.Options{Version: version})
			if code != exitOK {
				return exitCode(code)
			}
			return nil
		},
	}
}
