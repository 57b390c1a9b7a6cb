package control

import (
	"fmt"
	"strings"
)

// Types of a dump, and kinds of records.
const (
	Answers     = "answers"
	Delegations = "delegations"
	Failures    = "failures"
	Packets     = "packets"

	KindAnswer     = "answer"
	KindDenial     = "denial"
	KindDelegation = "delegation"
	KindFailure    = "failure"
	KindPacket     = "packet"
)

// Types are all types of a dump, in its order.
func Types() []string { return []string{Answers, Delegations, Failures, Packets} }

// DumpRequest asks for what is remembered. Without Types it is everything but the
// packets, which say the same once more.
type DumpRequest struct {
	Types []string `json:"types,omitempty"`
}

// Record is one thing that a server remembers.
type Record struct {
	Kind  string   `json:"kind"`
	Name  string   `json:"name"`
	Type  string   `json:"type,omitempty"`  // "": all types of the name
	TTL   int64    `json:"ttl"`             // seconds that are left; below 0 since it has expired
	Age   int64    `json:"age,omitempty"`   // seconds since it was learned
	Scope string   `json:"scope,omitempty"` // the network that it is for; "": everyone
	Rcode string   `json:"rcode,omitempty"`
	RRs   []string `json:"rrs,omitempty"` // in the form of master files, with the TTL that is left

	Security string `json:"security,omitempty"` // secure, insecure or bogus; "": not validated
	Note     string `json:"note,omitempty"`     // what else there is to say

	// Of packets: who hears it.
	View  string   `json:"view,omitempty"`
	Flags []string `json:"flags,omitempty"` // rd, cd, do
	Size  int      `json:"size,omitempty"`  // octets
}

// String is the record as it stands in a master file: its RRs, with all else in
// comments. What has expired, and what has no RRs, is all comment.
func (r Record) String() string {
	var b strings.Builder
	if len(r.RRs) == 0 || r.TTL < 0 {
		fmt.Fprintf(&b, "; %s", r.Name)
		if r.Type != "" {
			fmt.Fprintf(&b, " %s", r.Type)
		}
		fmt.Fprintf(&b, ": %s\n", r.comment())
	}
	for i, rr := range r.RRs {
		switch {
		case r.TTL < 0:
			fmt.Fprintf(&b, ";   %s\n", rr)
		case i == 0:
			fmt.Fprintf(&b, "%s ; %s\n", rr, r.comment())
		default:
			fmt.Fprintf(&b, "%s\n", rr)
		}
	}
	return b.String()
}

// comment is all that the RRs do not say.
func (r Record) comment() string {
	said := []string{r.Kind}
	if r.Rcode != "" {
		said[0] += " " + r.Rcode
	}
	if len(r.RRs) == 0 || r.TTL < 0 {
		said = append(said, left(r.TTL))
	}
	if r.Age > 0 {
		said = append(said, fmt.Sprintf("%d s old", r.Age))
	}
	if r.Scope != "" {
		said = append(said, "for "+r.Scope)
	}
	if r.Security != "" {
		said = append(said, r.Security)
	}
	if r.View != "" {
		said = append(said, strings.Join(append([]string{"view", r.View}, r.Flags...), " "))
	}
	if r.Size > 0 {
		said = append(said, fmt.Sprintf("%d octets", r.Size))
	}
	if r.Note != "" {
		said = append(said, r.Note)
	}
	return strings.Join(said, ", ")
}

func left(ttl int64) string {
	if ttl < 0 {
		return fmt.Sprintf("expired %d s ago", -ttl)
	}
	return fmt.Sprintf("%d s left", ttl)
}

// LookupRequest asks what is known at a name.
type LookupRequest struct {
	Name string `json:"name"`
	Type string `json:"type,omitempty"` // "": all
}

// Known is what a server knows at a name without asking anyone.
type Known struct {
	Name string `json:"name"`

	// Records are answers, denials, failures and packets at the very name, and
	// Above is what stands at names above it and decides for it, too.
	Records []Record `json:"records,omitempty"`
	Above   []Record `json:"above,omitempty"`

	// Zone is the closest zone cut, or configured zone: whoever has to be asked is
	// asked from there. Servers are the addresses of its name servers.
	Zone    Record     `json:"zone"`
	Servers []Endpoint `json:"servers,omitempty"`
}

// Endpoint is an address of a name server, and what is known of it.
type Endpoint struct {
	Name    string  `json:"name,omitempty"`   // "": the address is configured
	Address string  `json:"address"`          // with its port
	RTT     float64 `json:"rtt_ms,omitempty"` // smoothed; 0: unknown
	State   string  `json:"state"`            // for people
}

// String is all of it for people, in the form of a master file.
func (k Known) String() string {
	var b strings.Builder
	section := func(title string, records []Record) {
		if len(records) == 0 {
			return
		}
		fmt.Fprintf(&b, "; %s\n", title)
		for _, r := range records {
			b.WriteString(r.String())
		}
	}
	if len(k.Records) == 0 {
		fmt.Fprintf(&b, "; nothing is known of %s itself\n", k.Name)
	}
	section("at the name", k.Records)
	section("names above that decide for it", k.Above)
	section("who is asked for what is not known", []Record{k.Zone})
	if len(k.Servers) > 0 {
		fmt.Fprintf(&b, "; the servers of %s\n", k.Zone.Name)
	}
	for _, s := range k.Servers {
		rtt := "?"
		if s.RTT > 0 {
			rtt = fmt.Sprintf("%.1f ms", s.RTT)
		}
		fmt.Fprintf(&b, ";   %-26s %10s  %-28s %s\n", s.Address, rtt, s.Name, s.State)
	}
	return b.String()
}

// FlushRequest says what to forget. Without Name it is everything.
type FlushRequest struct {
	Name string `json:"name,omitempty"`
	Zone bool   `json:"zone,omitempty"` // the names below it, too
	Type string `json:"type,omitempty"` // "": all
}

// Flushed is what was forgotten, in numbers. Packets are always forgotten all: an
// alias may have brought the name into the answer for any other.
type Flushed struct {
	Answers     int `json:"answers"`
	Delegations int `json:"delegations"`
	Failures    int `json:"failures"`
	Packets     int `json:"packets"`

	// Above is what still decides for the name from above.
	Above []Record `json:"above,omitempty"`
}

// String is the numbers in a sentence, and what still stands.
func (f Flushed) String() string {
	text := fmt.Sprintf("forgotten: %d answers, %d delegations, %d failures; and %d packets\n", f.Answers, f.Delegations, f.Failures, f.Packets)
	for _, r := range f.Above {
		text += "still there, and decides for the name: " + r.String()
	}
	return text
}
