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
	Version   string     `json:"version"`
	PID       int        `json:"pid"`
	Started   time.Time  `json:"started"`
	Config    string     `json:"config,omitempty"`  // the file; "": none
	Reloaded  time.Time  `json:"reloaded,omitzero"` // when it was read again last with success
	Listen    []string   `json:"listen"`            // addresses with ports
	Validates Validation `json:"validation"`
	Views     []string   `json:"views"`            // in the order in which they are tried
	Zones     []string   `json:"zones,omitempty"`  // that are held
	Copies    []Copy     `json:"copies,omitempty"` // of zones of others
	Catalogs  []Catalog  `json:"catalogs,omitempty"`
	Negative  int        `json:"negative_anchors"`   // in force, see Anchors
	Queries   uint64     `json:"queries"`            // that were replied to
	Hits      uint64     `json:"packet_hits"`        // of them, those from the packet cache
	Waiting   int        `json:"waiting"`            // queries that wait for a resolver now
	Upstream  uint64     `json:"upstream_exchanges"` // with other servers
	Timeouts  uint64     `json:"upstream_timeouts"`
	Packets   int        `json:"packets"` // remembered
	Answers   int        `json:"answers"`
	Cuts      int        `json:"delegations"`
	Memory    uint64     `json:"memory_octets"` // that the Go runtime has from the system
	Uptime    float64    `json:"uptime_seconds"`
	PerSecond float64    `json:"queries_per_second"` // since the start
}

// Copy is how a copy of a zone of somebody else is.
type Copy struct {
	Zone      string    `json:"zone"`
	State     string    `json:"state"`              // missing, current, overdue or expired
	Serial    uint32    `json:"serial,omitempty"`   // of the copy that there is, used or not
	Source    string    `json:"source,omitempty"`   // where it came from
	Confirmed time.Time `json:"confirmed,omitzero"` // when it was last known to be what the primary has
	Expires   time.Time `json:"expires,omitzero"`   // when it ceases to be used, if nothing confirms it
	Next      time.Time `json:"next,omitzero"`      // when it is refreshed next
	Reason    string    `json:"reason,omitempty"`   // why it is not used, or not current
}

func (c Copy) String() string {
	s := c.Zone + " " + c.State
	if c.Serial != 0 {
		s += fmt.Sprintf(", serial %d from %s, confirmed %s, good until %s", c.Serial, c.Source,
			c.Confirmed.Format(time.RFC3339), c.Expires.Format(time.RFC3339))
	}
	if c.Reason != "" {
		s += ": " + c.Reason
	}
	return s
}

// Catalog is how a catalog zone is.
type Catalog struct {
	Zone     string `json:"zone"`
	Produced bool   `json:"produced"`         // it is made of our zones; false: it is a copy, see Copies
	Serial   uint32 `json:"serial,omitempty"` // of one that is produced
	Members  int    `json:"members"`          // that are served, or listed
	Refused  int    `json:"refused,omitempty"`
	Reason   string `json:"reason,omitempty"` // why it is not used
}

func (c Catalog) String() string {
	s := c.Zone + " consumed, " + plural(c.Members, "member")
	if c.Produced {
		s = fmt.Sprintf("%s produced, serial %d, %s", c.Zone, c.Serial, plural(c.Members, "member"))
	}
	if c.Refused > 0 {
		s += fmt.Sprintf(", %d refused as their names are taken", c.Refused)
	}
	if c.Reason != "" {
		s += "; not used: " + c.Reason
	}
	return s
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
	for _, c := range s.Catalogs {
		line("catalog", "%s", c)
	}
	for _, c := range s.Copies {
		line("copy", "%s", c)
	}
	validation := string(s.Validates)
	if s.Negative > 0 {
		validation += ", but for what is below " + plural(s.Negative, "negative trust anchor")
	}
	line("validation", "%s", validation)
	share := 0.0
	if s.Queries > 0 {
		share = 100 * float64(s.Hits) / float64(s.Queries)
	}
	line("queries", "%d (%.1f a second), %.0f %% from the packet cache, %d wait", s.Queries, s.PerSecond, share, s.Waiting)
	line("upstream", "%d exchanges, %d timeouts", s.Upstream, s.Timeouts)
	line("remembered", "%d packets, %d answers, %d delegations; %d MiB", s.Packets, s.Answers, s.Cuts, s.Memory>>20)
	return b.String()
}

func plural(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
