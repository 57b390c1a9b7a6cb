package control

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
)

// OverridesRequest asks which overrides there are.
type OverridesRequest struct{}

// AddOverrideRequest puts an override in force: by exactly one of Servers, Pin, Mirror,
// File and Primaries.
type AddOverrideRequest struct {
	Zone      string   `json:"zone"`
	When      string   `json:"when,omitempty"`      // always, outage or manual; "": always
	Views     []string `json:"views,omitempty"`     // empty: all
	Servers   []string `json:"servers,omitempty"`   // addresses, each with a port or without
	Pin       []string `json:"pin,omitempty"`       // name servers with an address each: ns1.example.io=192.0.2.53
	DS        []string `json:"ds,omitempty"`        // rdata in presentation form
	Mirror    string   `json:"mirror,omitempty"`    // a zone
	File      string   `json:"file,omitempty"`      // as the server sees it
	Primaries []string `json:"primaries,omitempty"` // addresses, each with a port or without
	Key       string   `json:"key,omitempty"`       // one of the configured ones, for all Primaries; "": none
	Absent    string   `json:"absent,omitempty"`    // deny or continue; "": deny

	By  string `json:"by,omitempty"`
	For int64  `json:"for,omitempty"` // seconds; 0: for good
}

// RemoveOverrideRequest takes away what was added.
type RemoveOverrideRequest struct {
	Zone string `json:"zone"`
	When string `json:"when,omitempty"` // "": all
	By   string `json:"by,omitempty"`
}

// SwitchOverrideRequest has the manual overrides of a zone count, or not.
type SwitchOverrideRequest struct {
	Zone string `json:"zone"`
	On   bool   `json:"on"`
	By   string `json:"by,omitempty"`
	For  int64  `json:"for,omitempty"` // seconds; 0: until it is switched off
}

// Overrides are all that there are, those that were added first.
type Overrides struct {
	Overrides []Override `json:"overrides"`
	Kept      bool       `json:"kept"` // those that are added outlive a restart
}

// Override is a zone whose names are answered otherwise than by the public delegation.
type Override struct {
	Zone    string   `json:"zone"`
	Kind    string   `json:"kind"` // servers, local, mirror or pin
	Target  string   `json:"target"`
	When    string   `json:"when"`            // always, outage or manual
	Views   []string `json:"views,omitempty"` // empty: all
	InForce bool     `json:"in_force"`
	Problem string   `json:"problem,omitempty"` // why it cannot be in force

	Configured bool      `json:"configured"`
	By         string    `json:"by,omitempty"` // who has added or switched it
	Since      time.Time `json:"since,omitzero"`
	Until      time.Time `json:"until,omitzero"`
	Answers    uint64    `json:"answers"`
	Answered   time.Time `json:"answered,omitzero"` // when it last did
}

// String is a table for people.
func (o Overrides) String() string {
	if len(o.Overrides) == 0 {
		return "there are no overrides\n"
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ZONE\tBY\tWHEN\tVIEWS\tSTATE\tFROM\tUNTIL\tANSWERS")
	added := false
	for _, one := range o.Overrides {
		views, from, until := "all", "configuration", "for good"
		if len(one.Views) > 0 {
			views = strings.Join(one.Views, ",")
		}
		if one.By != "" {
			from = one.By + " " + one.Since.Format(time.RFC3339)
		}
		if !one.Until.IsZero() {
			until = one.Until.Format(time.RFC3339)
		}
		added = added || !one.Configured
		fmt.Fprintf(w, "%s\t%s %s\t%s\t%s\t%s\t%s\t%s\t%d\n", one.Zone, one.Kind, one.Target, one.When, views, one.state(), from, until, one.Answers)
	}
	_ = w.Flush() // to memory
	if added && !o.Kept {
		b.WriteString("what was added ends with the server: control.overrides names no file\n")
	}
	return b.String()
}

func (o Override) state() string {
	switch {
	case o.Problem != "":
		return "broken: " + o.Problem
	case !o.InForce:
		return "off"
	case o.When == "outage":
		return "ready"
	}
	return "on"
}
