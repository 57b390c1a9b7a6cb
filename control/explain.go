package control

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

// ExplainRequest is a query, and who is to be taken to ask it.
type ExplainRequest struct {
	Name string `json:"name"`
	Type string `json:"type,omitempty"` // default: A

	View   string `json:"view,omitempty"`   // "": the one that Client is in
	Client string `json:"client,omitempty"` // address; default: 127.0.0.1
	Subnet string `json:"subnet,omitempty"` // EDNS Client Subnet, address/length

	// From is where somebody is who asks for a name of our zones: an address, a network,
	// a country or another selector of places, the number of an AS. It takes the place of
	// Client and Subnet.
	From string `json:"from,omitempty"`

	Fresh     bool `json:"fresh,omitempty"` // ask servers, whatever is remembered
	DO        bool `json:"do,omitempty"`
	CD        bool `json:"cd,omitempty"`
	NoRecurse bool `json:"norecurse,omitempty"` // RD is not set
}

// Explanation is the answer to a query, and how it came about.
type Explanation struct {
	Question string   `json:"question"`
	View     string   `json:"view,omitempty"`
	Client   string   `json:"client,omitempty"`
	Subnet   string   `json:"subnet,omitempty"`
	Flags    []string `json:"flags,omitempty"` // of the query: fresh, do, cd, norecurse

	Place *Place `json:"place,omitempty"` // why, by where the client is; for From

	Steps []Step `json:"steps"`
	Lost  int    `json:"lost,omitempty"` // steps for which there was no room

	Error      string   `json:"error,omitempty"` // then there is no answer, and clients hear SERVFAIL
	Rcode      string   `json:"rcode"`
	AA         bool     `json:"aa,omitempty"`
	Security   string   `json:"security,omitempty"` // secure or insecure; "": not validated
	EDE        []string `json:"ede,omitempty"`
	Answer     []string `json:"answer,omitempty"` // RRs in the form of master files
	Authority  []string `json:"authority,omitempty"`
	Additional []string `json:"additional,omitempty"`
	Scope      string   `json:"scope,omitempty"` // the network that it is for; "": everyone
	TTL        uint32   `json:"ttl"`             // for which it may be cached

	Took float64 `json:"took_ms"`
	Used Used    `json:"used"`
}

// Step is an Event of a lookup.Trace.
type Step struct {
	At    float64 `json:"at_ms"` // since the query began
	Depth int     `json:"depth"`
	Kind  string  `json:"kind"` // a word of lookup.EventKind
	Text  string  `json:"text"` // for people

	// For programs, what of it the kind of step has.
	Name   string  `json:"name,omitempty"`
	Type   string  `json:"type,omitempty"`
	Target string  `json:"target,omitempty"`
	Server string  `json:"server,omitempty"`
	Rcode  string  `json:"rcode,omitempty"`
	Took   float64 `json:"took_ms,omitempty"`
	TTL    int64   `json:"ttl,omitempty"`
	Error  string  `json:"error,omitempty"`
}

// Used is what a query has used up of what it may.
type Used struct {
	Messages      int `json:"messages"` // to other servers
	MostMessages  int `json:"most_messages"`
	Aliases       int `json:"aliases"`
	MostAliases   int `json:"most_aliases"`
	Signatures    int `json:"signatures"`
	MostSignature int `json:"most_signatures"`
}

// Explain has r answer q and tells how. Its Trace and Budget are set here; a Trace
// that q already has is taken, so that the caller's own steps come first, and
// limits are those of the Budget. A nil r refuses.
func Explain(ctx context.Context, r lookup.Resolver, q lookup.Query, limits lookup.Limits) Explanation {
	if q.Trace == nil {
		q.Trace = lookup.NewTrace(nil)
	}
	q.Budget = lookup.NewBudget(limits)
	var response *lookup.Response
	var err error
	if r == nil {
		response = &lookup.Response{Rcode: lookup.REFUSED, EDE: []lookup.EDE{{Code: lookup.EDEProhibited}}}
	} else {
		response, err = r.Resolve(ctx, q)
	}
	e := Explanation{Question: q.Name.String() + " " + q.Type.String(), Took: milliseconds(q.Trace.Elapsed())}
	e.asked(q)
	e.answered(q, response, err)
	e.traced(q.Trace)
	e.spent(q.Budget)
	return e
}

func (e *Explanation) asked(q lookup.Query) {
	if q.Client.IsValid() {
		e.Client = q.Client.String()
	}
	if q.Subnet.IsValid() {
		e.Subnet = q.Subnet.String()
	}
	for _, f := range []struct {
		set  bool
		name string
	}{{q.Fresh, "fresh"}, {q.DO, "do"}, {q.CD, "cd"}, {!q.RD, "norecurse"}} {
		if f.set {
			e.Flags = append(e.Flags, f.name)
		}
	}
}

func (e *Explanation) answered(q lookup.Query, r *lookup.Response, err error) {
	if err != nil {
		e.Error, e.Rcode = err.Error(), lookup.SERVFAIL.String()
		e.EDE = []string{lookup.EDEOf(err).String()}
		return
	}
	e.Rcode, e.AA, e.TTL = r.Rcode.String(), r.AA, r.TTL()
	e.Security = Security(r.Security)
	heard := func(section []lookup.RRset, answer bool) []string {
		if !q.DO {
			section = plain(section, answer, q.Type)
		}
		return RRs(section)
	}
	e.Answer, e.Authority, e.Additional = heard(r.Answer, true), heard(r.Authority, false), heard(r.Additional, false)
	for _, ede := range r.EDE {
		e.EDE = append(e.EDE, ede.String())
	}
	if r.Scope.IsValid() {
		e.Scope = r.Scope.String()
	}
}

// plain is what clients hear of a section who have not set DO (RFC 4035 3.2.1).
func plain(section []lookup.RRset, answer bool, asked lookup.Type) []lookup.RRset {
	var left []lookup.RRset
	for _, s := range section {
		s.Sigs = ""
		switch s.Type {
		case lookup.TypeRRSIG, lookup.TypeNSEC, lookup.TypeNSEC3, lookup.TypeDS:
			if !answer && s.Type != asked {
				continue
			}
		}
		left = append(left, s)
	}
	return left
}

// Security is the word for s; "" when nobody has validated.
func Security(s lookup.Security) string {
	switch s {
	case lookup.Insecure:
		return "insecure"
	case lookup.Secure:
		return "secure"
	}
	return ""
}

// RRs are the RRs of a section, each in the form of master files.
func RRs(section []lookup.RRset) (rrs []string) {
	for _, s := range section {
		rrs = append(rrs, strings.Split(s.String(), "\n")...)
	}
	return rrs
}

func (e *Explanation) traced(t *lookup.Trace) {
	events, lost := t.Events()
	e.Lost = lost
	known := map[string]bool{} // a validator comes back to what it knows of a zone again and again
	for _, event := range events {
		if event.Kind == lookup.EventSecurity && event.Name == "" && event.TTL > 0 {
			again := string(event.Target) + event.Text
			if known[again] {
				continue
			}
			known[again] = true
		}
		e.Steps = append(e.Steps, step(event))
	}
}

func step(e lookup.Event) Step {
	s := Step{At: milliseconds(e.At), Depth: e.Depth, Kind: e.Kind.String(), Text: e.String(), Took: milliseconds(e.Took), TTL: int64(e.TTL / time.Second)}
	if e.Name != "" {
		s.Name = e.Name.String()
	}
	if e.Type != lookup.TypeNone {
		s.Type = e.Type.String()
	}
	if e.Target != "" {
		s.Target = e.Target.String()
	}
	if e.Server.IsValid() {
		s.Server = e.Server.String()
	}
	switch e.Kind {
	case lookup.EventExchange, lookup.EventVerdict, lookup.EventHit, lookup.EventStale, lookup.EventZone, lookup.EventSpecial:
		s.Rcode = e.Rcode.String()
	}
	if e.Err != nil {
		s.Error, s.Rcode = e.Err.Error(), ""
	}
	return s
}

func (e *Explanation) spent(b *lookup.Budget) {
	l := b.Limits()
	e.Used = Used{b.Sent(), l.Upstream, b.Followed(), l.Aliases, b.Checked(), l.Signatures}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// String is a Used in a line.
func (u Used) String() string {
	text := fmt.Sprintf("%d of %d messages, %d of %d aliases", u.Messages, u.MostMessages, u.Aliases, u.MostAliases)
	if u.Signatures > 0 {
		text += fmt.Sprintf(", %d of %d signatures", u.Signatures, u.MostSignature)
	}
	return text
}
