package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// version is what `sextant version` says and dig's banner carries.
const version = "0.1.0"

// Exit codes. dig has codes of its own.
const (
	exitOK     = 0
	exitFailed = 1 // it could not do what was asked
	exitUsage  = 2 // the command line or the configuration is wrong
)

func main() {
	// SIGHUP is not here: serve reloads on it.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// exitCode is an error that only carries the code to exit with; what went wrong
// has been printed.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// run is main without the process: args without the program's name, and the
// exit code as the result.
func run(ctx context.Context, args []string, out, errOut io.Writer) int {
	root := &cobra.Command{
		Use:           "sextant",
		Short:         "An authoritative and recursive DNS toolkit",
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(errOut)
	root.AddCommand(serveCommand(), labCommand(), checkCommand(), digCommand(),
		explainCommand(), cacheCommand(), anchorsCommand(), statusCommand(), healthCommand(), overrideCommand(), lifelineCommand(), auditCommand(), drillCommand(), geoCommand(), zoneCommand(),
		surveyCommand(), lintCommand(), dns64Command(), planCommand(), manCommand())
	helpful(root)
	completing(root)

	err := root.ExecuteContext(ctx)
	var code exitCode
	var failed failure
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &code):
		return int(code)
	case errors.As(err, &failed):
		fmt.Fprintf(errOut, "sextant: %v\n", failed.error)
		return exitFailed
	}
	fmt.Fprintf(errOut, "sextant: %v\nRun 'sextant --help' for usage.\n", err)
	return exitUsage
}

// failure is an error of the work itself, not of how it was asked for.
type failure struct{ error }

func (f failure) Unwrap() error { return f.error }
