package control

import (
	"fmt"
	"strings"
	"time"
)

// Validation is whether answers are validated.
type Validation string

// The values of Validation.
const (
	ValidationOn         Validation = "on"
	ValidationPermissive Validation = "permissive" // what is bogus is answered all the same, with the EDE
	ValidationOff        Validation = "off"
)

// AnchorsRequest asks for the trust anchors, positive and negative.
type AnchorsRequest struct{}

// Anchors is where validation begins and where it ends.
type Anchors struct {
	Validation Validation       `json:"validation"`
	Anchors    []Anchor         `json:"anchors,omitempty"`
	Managed    []TrustPoint     `json:"managed,omitempty"` // of Anchors, those that are kept up to date (RFC 5011)
	Negative   []NegativeAnchor `json:"negative,omitempty"`
	Warnings   []string         `json:"warnings,omitempty"` // of anchors that are legal and have no effect
}

// Anchor is a name with trust anchors.
type Anchor struct {
	Zone   string   `json:"zone"`
	DS     []string `json:"ds"`     // each as in a master file
	Counts bool     `json:"counts"` // validation begins here
	Why    string   `json:"why,omitempty"`
}

// TrustPoint is a zone whose trust anchors are kept up to date.
type TrustPoint struct {
	Zone   string     `json:"zone"`
	Keys   []TrustKey `json:"keys"`
	Asked  time.Time  `json:"asked,omitzero"` // when its keys were last heard
	Signed time.Time  `json:"signed,omitzero"`
	Next   time.Time  `json:"next,omitzero"`   // when it is asked next
	Failed int        `json:"failed,omitzero"` // how often in a row that has led to nothing
}

// TrustKey is a key of a TrustPoint.
type TrustKey struct {
	Tag         uint16    `json:"tag"`
	Algorithm   string    `json:"algorithm"`
	State       string    `json:"state"`                 // of RFC 5011 4.2, in lower case
	Since       time.Time `json:"since,omitzero"`        // when it came to that state
	TrustedFrom time.Time `json:"trusted_from,omitzero"` // of one that waits: when it is trusted, if it is there then
	Seen        bool      `json:"seen"`                  // false: it is configured as a DS, and has not been seen yet
}

// NegativeAnchor is a name below which nothing is validated (RFC 7646).
type NegativeAnchor struct {
	Zone       string    `json:"zone"`
	Until      time.Time `json:"until,omitzero"` // zero: no end
	Configured bool      `json:"configured,omitempty"`
}

// AddNegativeRequest puts a negative anchor in force, or gives it another end.
type AddNegativeRequest struct {
	Name string `json:"name"`
	For  int64  `json:"for,omitempty"` // seconds; 0: an hour
}

// RemoveNegativeRequest takes a negative anchor away that came at run time.
type RemoveNegativeRequest struct {
	Name string `json:"name"`
}

// RemovedNegative is what was taken away.
type RemovedNegative struct {
	Zone string `json:"zone"`
}

// String is all of it for people, a line for each matter.
func (a Anchors) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-12s%s\n", "validation", a.Validation)
	section(&b, "anchor", a.Anchors)
	section(&b, "managed", a.Managed)
	section(&b, "negative", a.Negative)
	for _, w := range a.Warnings {
		fmt.Fprintf(&b, "%-12s%s\n", "warning", w)
	}
	return b.String()
}

// section writes things of a kind, under one title.
func section[T fmt.Stringer](b *strings.Builder, title string, things []T) {
	for _, thing := range things {
		for line := range strings.Lines(thing.String()) {
			fmt.Fprintf(b, "%-12s%s", title, line)
			title = ""
		}
	}
}

// String is the anchors in the form of a master file, with what there is to say in
// comments.
func (a Anchor) String() string {
	var b strings.Builder
	for _, ds := range a.DS {
		fmt.Fprintf(&b, "%s DS %s", a.Zone, ds)
		if !a.Counts {
			b.WriteString(" ; does not count: " + a.Why)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// String is the trust point with a line for each key.
func (p TrustPoint) String() string {
	text := p.Zone + " "
	switch {
	case p.Asked.IsZero():
		text += "was not asked for its keys yet"
	case p.Asked.Equal(p.Signed):
		text += "has shown its keys " + p.Asked.Format(time.RFC3339)
	case p.Signed.IsZero():
		text += "has shown keys that no trust anchor vouches for " + p.Asked.Format(time.RFC3339)
	default:
		text += "has shown good keys " + p.Signed.Format(time.RFC3339) + ", and others since"
	}
	if p.Failed > 0 {
		text += fmt.Sprintf(", was asked in vain %d times", p.Failed)
	}
	if !p.Next.IsZero() {
		text += ", is asked " + p.Next.Format(time.RFC3339)
	}
	text += "\n"
	for _, k := range p.Keys {
		text += "  " + k.String()
	}
	return text
}

// String is the key in a line.
func (k TrustKey) String() string {
	text := fmt.Sprintf("key %d %s: %s", k.Tag, k.Algorithm, k.State)
	if !k.Since.IsZero() {
		text += " since " + k.Since.Format(time.RFC3339)
	}
	if !k.TrustedFrom.IsZero() {
		text += ", trusted from " + k.TrustedFrom.Format(time.RFC3339) + " if it is still there then"
	}
	if !k.Seen {
		text += ", not seen yet"
	}
	return text + "\n"
}

// String is a sentence.
func (n NegativeAnchor) String() string {
	text := n.Zone + " is not validated"
	if !n.Until.IsZero() {
		text += " until " + n.Until.Format(time.RFC3339)
	}
	if n.Configured {
		text += " (configured)"
	}
	return text + "\n"
}

// String is a sentence.
func (r RemovedNegative) String() string { return r.Zone + " is validated again\n" }

// Negatives are negative anchors.
type Negatives []NegativeAnchor

// String is a line for each.
func (ns Negatives) String() string {
	var b strings.Builder
	for _, n := range ns {
		b.WriteString(n.String())
	}
	return b.String()
}
