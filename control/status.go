package control

import (
	"fmt"
	"strings"
	"time"
)

// StatusRequest asks how a server is.
type StatusRequest struct{}

// Status is how a server is.
type Status struct {
	Version   string    `json:"version"`
	PID       int       `json:"pid"`
	Started   time.Time `json:"started"`
	Config    string    `json:"config,omitempty"`   // the file; "": none
	Reloaded  time.Time `json:"reloaded,omitzero"`  // when it was read again last with success
	Listen    []string  `json:"listen"`             // addresses with ports
	Views     []string  `json:"views"`              // in the order in which they are tried
	Zones     []string  `json:"zones,omitempty"`    // that are held
	Queries   uint64    `json:"queries"`            // that were replied to
	Hits      uint64    `json:"packet_hits"`        // of them, those from the packet cache
	Waiting   int       `json:"waiting"`            // queries that wait for a resolver now
	Upstream  uint64    `json:"upstream_exchanges"` // with other servers
	Timeouts  uint64    `json:"upstream_timeouts"`
	Packets   int       `json:"packets"` // remembered
	Answers   int       `json:"answers"`
	Cuts      int       `json:"delegations"`
	Memory    uint64    `json:"memory_octets"` // that the Go runtime has from the system
	Uptime    float64   `json:"uptime_seconds"`
	PerSecond float64   `json:"queries_per_second"` // since the start
}

// String is the status for people, a line for each matter.
func (s Status) String() string {
	var b strings.Builder
	line := func(what, format string, args ...any) {
		fmt.Fprintf(&b, "%-12s"+format+"\n", append([]any{what}, args...)...)
	}
	line("sextant", "%s, process %d, up %s", s.Version, s.PID, time.Duration(s.Uptime*float64(time.Second)).Round(time.Second))
	config := s.Config
	if config == "" {
		config = "none: defaults"
	}
	if !s.Reloaded.IsZero() {
		config += ", read again " + s.Reloaded.Format(time.RFC3339)
	}
	line("config", "%s", config)
	line("listen", "%s", strings.Join(s.Listen, " "))
	line("views", "%s", strings.Join(s.Views, " "))
	if len(s.Zones) > 0 {
		line("zones", "%s", strings.Join(s.Zones, " "))
	}
	share := 0.0
	if s.Queries > 0 {
		share = 100 * float64(s.Hits) / float64(s.Queries)
	}
	line("queries", "%d (%.1f a second), %.0f %% from the packet cache, %d wait", s.Queries, s.PerSecond, share, s.Waiting)
	line("upstream", "%d exchanges, %d timeouts", s.Upstream, s.Timeouts)
	line("remembered", "%d packets, %d answers, %d delegations; %d MiB", s.Packets, s.Answers, s.Cuts, s.Memory>>20)
	return b.String()
}
