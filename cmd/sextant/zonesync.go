package main

import (
	"github.com/spf13/cobra"

	"github.com/sextant-dns/sextant/control"
)

func zoneStatusCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status ZONE",
		Short: "Say which serial is served, and what the master file lacks",
		Args:  cobra.ExactArgs(1),
	}
	socket, asJSON := socketFlag(cmd), jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		s, err := control.NewClient(*socket).ZoneStatus(cmd.Context(), control.ZoneStatusRequest{Zone: args[0]})
		return tell(cmd, s, *asJSON, err)
	}
	return cmd
}

func zoneSyncCommand() *cobra.Command {
	var r control.SyncZoneRequest
	cmd := &cobra.Command{
		Use:   "sync ZONE",
		Short: "Write a zone with all updates into its master file",
		Long: `Write a zone with all updates into its master file, an RR a line. Comments, directives and the order of
the old file are lost; what it included is not read any more. After that the file can be edited and
reloaded. A file that was edited since it was read is not touched, unless you say which side to keep.`,
		Args: cobra.ExactArgs(1),
	}
	socket, asJSON := socketFlag(cmd), jsonFlag(cmd)
	cmd.Flags().BoolVar(&r.Overwrite, "overwrite", false, "keep the updates: whatever the file says is lost")
	cmd.Flags().BoolVar(&r.Discard, "discard", false, "keep the file: it is read, and all updates that it lacks are lost")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		r.Zone = args[0]
		s, err := control.NewClient(*socket).SyncZone(cmd.Context(), r)
		return tell(cmd, s, *asJSON, err)
	}
	return cmd
}
