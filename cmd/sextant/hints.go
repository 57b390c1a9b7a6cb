package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// helpful has commands say what may have been meant by a word that they do not know.
func helpful(command *cobra.Command) {
	command.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		unknown, ok := strings.CutPrefix(err.Error(), "unknown flag: --")
		if !ok {
			return err
		}
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		return fmt.Errorf("%w%s", err, meant("--", unknown, names))
	})
	for _, sub := range command.Commands() {
		helpful(sub)
	}
	if !command.HasSubCommands() || command.RunE != nil || command.Run != nil || !command.HasParent() {
		return
	}
	// A group of commands prints its help; what follows it must be one of them.
	command.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		var names []string
		for _, sub := range cmd.Commands() {
			names = append(names, sub.Name())
		}
		return fmt.Errorf("unknown command %q for %q%s", args[0], cmd.CommandPath(), meant("", args[0], names))
	}
}

// meant asks whether the nearest of names was meant; "" when none is near.
func meant(prefix, word string, names []string) string {
	best := slices.MinFunc(append(names, ""), func(a, b string) int {
		return cmp.Compare(slips(word, a), slips(word, b))
	})
	if n := slips(word, best); best == "" || n > 2 && !strings.HasPrefix(best, word) || n >= len(word) && !strings.HasPrefix(best, word) {
		return ""
	}
	return "; did you mean " + prefix + best + "?"
}

// slips is how many letters have to be inserted, removed or replaced to make b of a; what
// begins b is one slip away from it, and so are two letters in the wrong order.
func slips(a, b string) int {
	if len(a) > 1 && strings.HasPrefix(b, a) {
		return 1
	}
	for i := 1; i < len(a) && len(a) == len(b); i++ {
		if a[:i-1]+a[i:i+1]+a[i-1:i]+a[i+1:] == b {
			return 1
		}
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			replace := diagonal
			if a[i-1] != b[j-1] {
				replace++
			}
			diagonal = row[j]
			row[j] = min(row[j]+1, row[j-1]+1, replace)
		}
	}
	return row[len(b)]
}
