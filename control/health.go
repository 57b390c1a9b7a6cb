package control

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
)

// HealthRequest asks how the sites are.
type HealthRequest struct {
	Site string `json:"site,omitempty"` // "": all of them
}

// SetHealthRequest has a site, or one address of it, be something whatever its checks
// say.
type SetHealthRequest struct {
	Site    string `json:"site"`
	Address string `json:"address,omitempty"` // "": all of them
	State   string `json:"state"`             // up, down, drain; auto takes away what was set
	For     int64  `json:"for,omitempty"`     // seconds; 0: until auto
}

// Health is how sites are.
type Health struct {
	Targets []HealthTarget `json:"targets"`
	Held    []string       `json:"held,omitempty"` // address families whose states are held, as nothing there answers
	Refused int            `json:"refused,omitempty"`
}

// HealthTarget is one address of a site, and how it is.
type HealthTarget struct {
	Site    string    `json:"site"`
	Address string    `json:"address"`
	Check   string    `json:"check"`
	State   string    `json:"state"`          // what answers go by: unknown, up, down or drain
	Since   time.Time `json:"since,omitzero"` // when it came to that
	Checked string    `json:"checked"`        // what the checks alone say
	Admin   string    `json:"admin"`          // what people say: auto, up, down or drain
	Until   time.Time `json:"until,omitzero"` // when that ends

	Failures  int  `json:"failures"` // in a row
	Successes int  `json:"successes"`
	Threshold int  `json:"threshold"` // results in a row that change the state
	Held      bool `json:"held,omitempty"`

	Result string    `json:"result"` // of the last check: unchecked, passed, failed, drained or blind
	Reason string    `json:"reason,omitempty"`
	RTT    float64   `json:"rtt_ms,omitempty"`
	At     time.Time `json:"at,omitzero"`
	Next   time.Time `json:"next,omitzero"`
}

// String is a table for people.
func (h Health) String() string {
	if len(h.Targets) == 0 {
		return "nothing is checked\n"
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SITE\tADDRESS\tSTATE\tSINCE\tCHECK\tLAST")
	for _, t := range h.Targets {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", t.Site, t.Address, strings.ToUpper(t.State), t.Since.Format(time.RFC3339), t.Check, t.last())
	}
	_ = w.Flush() // to memory
	for _, family := range h.Held {
		fmt.Fprintf(&b, "the states of %s targets are held: nothing there answers, and the uplink here is taken to be lost\n", family)
	}
	if h.Refused > 0 {
		fmt.Fprintf(&b, "%s not checked, as there are too many\n", plural(h.Refused, "target"))
	}
	return b.String()
}

// last is what is known of the target beside its state.
func (t HealthTarget) last() string {
	said := []string{t.Result}
	if t.RTT > 0 {
		said[0] += fmt.Sprintf(" in %.1f ms", t.RTT)
	}
	if t.Reason != "" {
		said[0] += ": " + t.Reason
	}
	switch {
	case t.Threshold == 0: // nothing is checked
	case t.Checked == "down" && t.Successes > 0:
		said = append(said, fmt.Sprintf("%d of %d to come up", t.Successes, t.Threshold))
	case t.Checked != "down" && t.Failures > 0:
		said = append(said, fmt.Sprintf("%d of %d to go down", t.Failures, t.Threshold))
	}
	if t.Held {
		said = append(said, "held")
	}
	if t.Admin != "auto" {
		forced := fmt.Sprintf("forced %s, checks say %s", t.Admin, t.Checked)
		if !t.Until.IsZero() {
			forced += ", until " + t.Until.Format(time.RFC3339)
		}
		said = append(said, forced)
	}
	return strings.Join(said, "; ")
}
