package control

import (
	"fmt"
	"io"
	"strings"
)

// Paint colours a text for a terminal; it may leave it as it is.
type Paint func(colour Colour, text string) string

// Colour is what a text means.
type Colour string

// The colours, as what stands between ESC [ and m (ECMA-48 8.3.117).
const (
	Good  Colour = "32" // green
	Bad   Colour = "31" // red
	Faint Colour = "2"
	Bold  Colour = "1"
)

// Plain paints nothing.
func Plain(_ Colour, text string) string { return text }

// ANSI paints for a terminal.
func ANSI(c Colour, text string) string { return "\x1b[" + string(c) + "m" + text + "\x1b[0m" }

// Print writes the explanation for people: a line for each step, with the
// milliseconds since the beginning, indented under what it was done for; then the
// answer, and what was used up.
func (e Explanation) Print(w io.Writer, paint Paint) error {
	if e.Place != nil {
		_, err := io.WriteString(w, e.placed(paint))
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", paint(Bold, e.title()))
	for _, s := range e.Steps {
		fmt.Fprintf(&b, "%s %s%s\n", paint(Faint, fmt.Sprintf("%8.1f", s.At)), strings.Repeat("   ", s.Depth), s.line(paint))
	}
	if e.Lost > 0 {
		fmt.Fprintf(&b, "%8s %d more steps, for which there was no room\n", "", e.Lost)
	}
	fmt.Fprintf(&b, "%s\n", e.outcome(paint))
	for _, section := range []struct {
		name string
		rrs  []string
	}{{"answer", e.Answer}, {"authority", e.Authority}, {"additional", e.Additional}} {
		for i, rr := range section.rrs {
			if i > 0 {
				section.name = ""
			}
			fmt.Fprintf(&b, "%-11s%s\n", section.name, rr)
		}
	}
	for _, ede := range e.EDE {
		fmt.Fprintf(&b, "%-11s%s\n", "EDE", ede)
	}
	if e.Scope != "" {
		fmt.Fprintf(&b, "%-11s%s\n", "valid for", e.Scope)
	}
	fmt.Fprintf(&b, "%-11s%s\n", "used", e.Used)
	_, err := io.WriteString(w, b.String())
	return err
}

// title says who asks what.
func (e Explanation) title() string {
	text := e.Question
	if e.View != "" {
		text += ", view " + e.View
	}
	if e.Client != "" {
		text += ", asked by " + e.Client
	}
	if e.Subnet != "" {
		text += " for " + e.Subnet
	}
	if len(e.Flags) > 0 {
		text += ", " + strings.Join(e.Flags, " ")
	}
	return text
}

// line is the step with a mark that tells what it is from afar.
func (s Step) line(paint Paint) string {
	switch s.Kind {
	case "server":
		return "-> " + s.Text
	case "exchange":
		if s.Error != "" {
			return paint(Bad, "<- "+s.Text)
		}
		return "<- " + s.Text
	case "verdict":
		if strings.HasPrefix(s.Text, "lame") {
			return paint(Bad, "   "+s.Text)
		}
		return "   " + s.Text
	case "hit":
		return paint(Good, "*  "+s.Text)
	case "stale":
		return paint(Good, "*  "+s.Text)
	case "security":
		if s.Error != "" {
			return paint(Bad, "!  "+s.Text)
		}
		return "   " + s.Text
	case "dead", "failure", "budget":
		return paint(Bad, "!  "+s.Text)
	}
	return "   " + s.Text
}

// outcome is what came of it all, in a line.
func (e Explanation) outcome(paint Paint) string {
	text, colour := e.Rcode, Good
	switch {
	case e.Error != "":
		text, colour = "no answer, clients hear SERVFAIL", Bad
	case e.Rcode != "NOERROR":
		colour = Bold
	case len(e.Answer) == 0:
		text, colour = "NOERROR, but no such type (NODATA)", Bold
	}
	if e.AA {
		text += ", authoritative"
	}
	if e.Security != "" {
		text += ", " + e.Security
	}
	return paint(colour, fmt.Sprintf("%8.1f %s", e.Took, text))
}
