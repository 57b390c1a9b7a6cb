package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/sextant-dns/sextant/config"
)

func serveCommand() *cobra.Command {
	var path, profile string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the server",
		Long: `Run the server until SIGINT or SIGTERM. SIGHUP reads the configuration again: what fails to load
changes nothing. Without --config it resolves from the built-in root hints and serves loopback and
private networks on 127.0.0.1 and ::1, port 5300.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := load(path, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			return profiled(profile, func() error { return serve(cmd.Context(), c, path, cmd.ErrOrStderr()) })
		},
	}
	cmd.Flags().StringVarP(&path, "config", "c", "", "configuration file")
	cmd.Flags().StringVar(&profile, "cpu-profile", "", "write where the processor's time went into this file, for go tool pprof, when it stops")
	return cmd
}

// serve runs what c describes until ctx ends. It reloads from path on SIGHUP.
func serve(ctx context.Context, c *config.Config, path string, errOut io.Writer) error {
	limitMemory(c.Cache.Memory, os.LookupEnv, debug.SetMemoryLimit)
	defer collectFrom(heapFloor(c.Cache.Memory), os.LookupEnv, debug.SetGCPercent)()
	log := slog.New(slog.NewTextHandler(errOut, &slog.HandlerOptions{Level: c.Log}))
	p, err := build(c, wiring{log: log})
	if err != nil {
		fmt.Fprintln(errOut, err)
		return exitCode(exitUsage)
	}
	p.state.Load().path = path
	p.giveBack(debug.FreeOSMemory)
	if err := p.listen(); err != nil {
		return failure{err}
	}
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)

	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return p.run(ctx) })
	group.Go(func() error {
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-hangup:
				p.reload(path)
				p.giveBack(debug.FreeOSMemory)
			}
		}
	})
	for _, a := range p.server.Addrs() {
		log.Info("serving", "address", a)
	}
	if err := group.Wait(); err != nil {
		return failure{err}
	}
	log.Info("stopped")
	return nil
}
