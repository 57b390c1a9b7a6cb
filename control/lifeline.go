package control

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// LifelineRequest asks how protected zones are.
type LifelineRequest struct {
	Name string `json:"name,omitempty"` // the zone that it is in; "": all zones
	Call bool   `json:"call,omitempty"` // after asking the servers of the parent now; needs a name
}

// SetLifelineRequest is an operator's will about a protected zone.
type SetLifelineRequest struct {
	Zone string `json:"zone"`
	Do   string `json:"do"` // ack, release, pin or unpin
}

// Lifeline is how protected zones are.
type Lifeline struct {
	Zones []LifelineZone `json:"zones"`
}

// LifelineZone is how one protected zone is.
type LifelineZone struct {
	Zone      string    `json:"zone"`
	Parent    string    `json:"parent,omitempty"`
	State     string    `json:"state"` // normal, suspect, emergency or recovering
	Since     time.Time `json:"since"`
	Reason    string    `json:"reason,omitempty"`
	Path      string    `json:"path"`               // how names are found now: parent, both, known
	Standing  string    `json:"standing"`           // unknown, insecure or secure
	Ready     bool      `json:"ready"`              // names could be found without the parent
	Released  bool      `json:"released,omitempty"` // the parent's word counts, whatever it is
	Pinned    bool      `json:"pinned,omitempty"`
	First     time.Time `json:"first,omitzero"`     // when the delegation was seen first
	Confirmed time.Time `json:"confirmed,omitzero"` // and last
	Epoch     uint64    `json:"epoch,omitempty"`
	Next      time.Time `json:"next,omitzero"` // roll-call

	// Overrides are those in force for the name that was asked for, of all views.
	Overrides []Override `json:"overrides,omitempty"`

	Known   LifelineDelegation  `json:"known"`
	Pending *LifelineDelegation `json:"pending,omitempty"` // a change that waits; without Servers: that the zone is gone
	Waiting string              `json:"waiting,omitempty"` // since when, and for what

	Called  time.Time         `json:"called,omitzero"` // the last roll-call
	Ballot  string            `json:"ballot,omitempty"`
	Votes   []LifelineVote    `json:"votes,omitempty"`
	Answers map[string]uint64 `json:"answers,omitempty"` // by path
}

// LifelineDelegation is who serves a zone, as a parent says.
type LifelineDelegation struct {
	ID      string           `json:"id,omitempty"` // short, for comparing
	Servers []LifelineServer `json:"servers,omitempty"`
	DS      []string         `json:"ds,omitempty"` // in presentation form
}

// LifelineServer is a name server with its addresses.
type LifelineServer struct {
	Name      string   `json:"name"`
	Addresses []string `json:"addresses,omitempty"`
}

// LifelineVote is what one server of a parent says.
type LifelineVote struct {
	Server  string  `json:"server"`
	Address string  `json:"address"`
	Finding string  `json:"finding"`
	ID      string  `json:"id,omitempty"` // of the delegation that it refers to
	Same    bool    `json:"same,omitempty"`
	Secure  bool    `json:"secure,omitempty"`
	Young   bool    `json:"young,omitempty"`
	Serial  *uint32 `json:"serial,omitempty"` // of the parent
	RTT     float64 `json:"rtt_ms,omitempty"`
	Error   string  `json:"error,omitempty"`
}

// String is a table for people.
func (l Lifeline) String() string {
	if len(l.Zones) == 0 {
		return "no zone is protected\n"
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ZONE\tSTATE\tSINCE\tPATH\tKNOWN\tCONFIRMED\tSERVERS SAY")
	for _, z := range l.Zones {
		known, confirmed := "nothing", "never"
		if z.Known.ID != "" {
			known, confirmed = z.Known.ID+" "+z.Standing, z.Confirmed.Format(time.RFC3339)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", z.Zone, strings.ToUpper(z.State), z.Since.Format(time.RFC3339), z.Path, known, confirmed, cmp.Or(z.Ballot, "-"))
	}
	_ = w.Flush() // to memory
	for _, z := range l.Zones {
		for _, line := range z.remarks() {
			fmt.Fprintf(&b, "%s: %s\n", z.Zone, line)
		}
	}
	return b.String()
}

// remarks are what an operator should know of the zone beside its state.
func (z LifelineZone) remarks() (all []string) {
	if z.Reason != "" && z.State != "normal" {
		all = append(all, z.Reason)
	}
	if z.Known.ID != "" && !z.Ready {
		all = append(all, "nothing could be answered without its parent yet: it is not known for long enough whether it is signed")
	}
	if z.Pinned {
		all = append(all, "pinned by the operator: the known delegation is used, whatever the parent says")
	}
	if z.Released {
		all = append(all, "released: the parent's word counts, until a server of it confirms what is known: `sextant lifeline votes "+z.Zone+" --call` asks them")
	}
	if z.Waiting != "" {
		all = append(all, z.Waiting)
	}
	return all
}

// Said is a table of what each server of the parent says.
func (z LifelineZone) Said() string {
	var b strings.Builder
	if len(z.Votes) == 0 {
		return z.Zone + ": there was no roll-call yet\n"
	}
	fmt.Fprintf(&b, "%s: %s\n", z.Called.Format(time.RFC3339), z.Ballot)
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SERVER\tADDRESS\tSAYS\tDELEGATION\tSERIAL\tRTT\tREMARK")
	for _, v := range z.Votes {
		serial, rtt := "-", "-"
		if v.Serial != nil {
			serial = fmt.Sprint(*v.Serial)
		}
		if v.RTT > 0 {
			rtt = fmt.Sprintf("%.1f ms", v.RTT)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", v.Server, v.Address, v.Finding, cmp.Or(v.ID, "-"), serial, rtt, v.remark())
	}
	_ = w.Flush() // to memory
	return b.String()
}

func (v LifelineVote) remark() string {
	var all []string
	switch {
	case v.Same && v.Secure:
		all = append(all, "as known, validated")
	case v.Same:
		all = append(all, "as known")
	case v.ID != "":
		all = append(all, "not what is known")
	}
	if v.Young {
		all = append(all, "new at the parent, has no vote for a day")
	}
	if v.Error != "" {
		all = append(all, v.Error)
	}
	return strings.Join(all, "; ")
}

// Records is a delegation in the form of a master file.
func (d LifelineDelegation) Records(zone string, ttl uint32) string {
	var b strings.Builder
	for _, s := range d.Servers {
		fmt.Fprintf(&b, "%s\t%d\tIN\tNS\t%s\n", zone, ttl, s.Name)
	}
	for _, ds := range d.DS {
		fmt.Fprintf(&b, "%s\t%d\tIN\tDS\t%s\n", zone, ttl, ds)
	}
	for _, s := range d.Servers {
		for _, a := range s.Addresses {
			kind := "A"
			if strings.Contains(a, ":") {
				kind = "AAAA"
			}
			fmt.Fprintf(&b, "%s\t%d\tIN\t%s\t%s\n", s.Name, ttl, kind, a)
		}
	}
	return b.String()
}

// Diff is in what the change that is pending differs from what is known, as lines of a
// master file that begin with - (known) and + (said).
func (z LifelineZone) Diff() string {
	if z.Pending == nil {
		return "no change is pending\n"
	}
	was, is := lines(z.Known.Records(z.Zone, 0)), lines(z.Pending.Records(z.Zone, 0))
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", z.Waiting)
	for _, side := range []struct {
		sign      string
		own, that []string
	}{{"-", was, is}, {"+", is, was}} {
		for _, line := range side.own {
			if line != "" && !slices.Contains(side.that, line) {
				fmt.Fprintf(&b, "%s %s\n", side.sign, strings.ReplaceAll(line, "\t0\tIN\t", "\t"))
			}
		}
	}
	return b.String()
}

func lines(text string) []string { return strings.Split(strings.TrimSuffix(text, "\n"), "\n") }
