package control

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
)

// DrillRequest asks what clients would hear if a zone's parent was in trouble.
type DrillRequest struct {
	Zone  string   `json:"zone"`
	Fault string   `json:"fault"`           // silent, nx, bogus, lag, hijack or empty
	For   int64    `json:"for,omitempty"`   // seconds that it lasts, in the drill's own time; 0: 300
	Names []string `json:"names,omitempty"` // to ask for, beside those that are in memory
}

// Drill is what clients would have heard.
type Drill struct {
	Zone     string      `json:"zone"`
	Parent   string      `json:"parent"`
	Fault    string      `json:"fault"`
	For      int64       `json:"for"`
	Names    []DrillName `json:"names"`
	Skipped  []string    `json:"skipped,omitempty"` // that had no answer before it began, and why
	Moves    []DrillMove `json:"moves"`
	Without  DrillCount  `json:"without"`            // a lifeline
	With     DrillCount  `json:"with"`               // one
	State    string      `json:"state"`              // at the end
	Recovery int64       `json:"recovery,omitempty"` // seconds from the end of the fault until the zone was normal; -1: it was not, for an hour
	Took     float64     `json:"took"`               // seconds, of ours
}

// DrillName is how one question fared.
type DrillName struct {
	Name    string `json:"name"`
	Type    string `json:"type"`
	Asked   int    `json:"asked"`
	Without int    `json:"without"` // right answers
	With    int    `json:"with"`
}

// DrillMove is a change of the zone's state.
type DrillMove struct {
	At     int64  `json:"at"` // seconds since the fault began
	From   string `json:"from"`
	To     string `json:"to"`
	Reason string `json:"reason"`
}

// DrillCount counts what clients have heard.
type DrillCount struct {
	Queries  int `json:"queries"`
	NXDomain int `json:"nxdomain"` // there is no such name, or no such data
	ServFail int `json:"servfail"`
	Wrong    int `json:"wrong"` // an address that is not the zone's
}

// Failed is how many were not as they should have been.
func (c DrillCount) Failed() int { return c.NXDomain + c.ServFail + c.Wrong }

// seems says a fault in words, of the servers of the parent.
func (d Drill) seems() string {
	if what, ok := map[string]string{
		"silent": "do not reply",
		"nx":     "say that there is no " + d.Zone + ", without a proof",
		"bogus":  "have signatures that do not validate",
		"lag":    "have a zone without " + d.Zone + " and an older serial, every other one",
		"hijack": "refer to somebody else's servers for " + d.Zone,
		"empty":  "have a zone with nothing in it, unsigned",
	}[d.Fault]; ok {
		return what
	}
	return d.Fault
}

// String is the drill in words and tables.
func (d Drill) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "a drill, which nobody else sees: for %v, the servers of %s %s\n\n", time.Duration(d.For)*time.Second, d.Parent, d.seems())
	for _, m := range d.Moves {
		fmt.Fprintf(&b, "%8s  %s -> %s: %s\n", "+"+(time.Duration(m.At)*time.Second).String(), m.From, m.To, m.Reason)
	}
	if len(d.Moves) == 0 {
		fmt.Fprintf(&b, "the zone stays %s\n", d.State)
	}
	fmt.Fprintln(&b)
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "RIGHT ANSWERS\tTYPE\tASKED\tWITHOUT LIFELINE\tWITH")
	for _, n := range d.Names {
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\n", n.Name, n.Type, n.Asked, n.Without, n.With)
	}
	_ = w.Flush() // to memory
	fmt.Fprintln(&b)
	fmt.Fprintln(w, "\tQUERIES\tFAILED\tNXDOMAIN\tSERVFAIL\tWRONG")
	for _, row := range []struct {
		who string
		DrillCount
	}{{"without lifeline", d.Without}, {"with it", d.With}} {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\n", row.who, row.Queries, row.Failed(), row.NXDomain, row.ServFail, row.Wrong)
	}
	_ = w.Flush()
	fmt.Fprintln(&b)
	for _, s := range d.Skipped {
		fmt.Fprintf(&b, "left out: %s\n", s)
	}
	switch {
	case d.Recovery < 0:
		fmt.Fprintf(&b, "an hour after the end of the fault the zone is still %s\n", d.State)
	case d.Recovery > 0:
		fmt.Fprintf(&b, "normal %v after the end of the fault\n", time.Duration(d.Recovery)*time.Second)
	}
	if n := d.With.Failed(); n > 0 {
		fmt.Fprintf(&b, "! %d of %d queries would have failed\n", n, d.With.Queries)
	} else {
		fmt.Fprintf(&b, "no client would have noticed\n")
	}
	return b.String()
}
