package control

import (
	"fmt"
	"strings"
	"time"
)

// GeoRequest asks what is known of places.
type GeoRequest struct{}

// RollbackGeoRequest has the places before the present ones be used again.
type RollbackGeoRequest struct{}

// Geo is what is known of places: the Map of where networks are, for all zones.
type Geo struct {
	Used      bool      `json:"used"` // false: no zone asks for it
	Compiled  time.Time `json:"compiled,omitzero"`
	Selectors int       `json:"selectors"`
	Classes   int       `json:"classes"` // of networks that no zone tells apart
	Nodes     int       `json:"nodes"`
	Bytes     int       `json:"bytes"`

	Accepted uint64 `json:"accepted"`         // Maps of files that have changed
	Refused  uint64 `json:"refused"`          // those that were not taken
	Reason   string `json:"reason,omitempty"` // why the last was refused; "": it was not
}

// String is for people.
func (g Geo) String() string {
	if !g.Used {
		return "no zone answers by location\n"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "compiled  %s\n", g.Compiled.UTC().Format(time.RFC3339))
	fmt.Fprintf(&b, "map       %s, %s, %s, %d octets\n", plural(g.Selectors, "selector"), several(g.Classes, "class", "classes"), plural(g.Nodes, "node"), g.Bytes)
	fmt.Fprintf(&b, "changes   %d accepted, %d refused\n", g.Accepted, g.Refused)
	if g.Reason != "" {
		fmt.Fprintf(&b, "refused   %s\n", strings.ReplaceAll(g.Reason, "\n", "\n          "))
	}
	return b.String()
}

func several(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
