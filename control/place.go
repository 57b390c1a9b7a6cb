package control

import (
	"fmt"
	"strings"
)

// Place is why a client at a place hears what it hears of a name of our zones.
type Place struct {
	Decision string   `json:"decision"`       // route, rule, alias, base (what the zone file has), or nothing
	At       string   `json:"at,omitempty"`   // file:line of the overlay
	When     string   `json:"when,omitempty"` // the condition that won
	In       []string `json:"in"`             // of what zones ask, what is true of the client

	Sites []PlaceSite `json:"sites,omitempty"` // of a route's choice, in its order
	Pick  int         `json:"pick,omitempty"`  // how many of them answer
	Down  string      `json:"down,omitempty"`  // what if all are down: base, all or none

	Around string `json:"around,omitempty"` // the widest network that hears the same; "": everyone
	Beside string `json:"beside,omitempty"` // the largest network beside it that hears something else

	Supposed bool `json:"supposed,omitempty"` // nothing is known of the client but a selector

	// Into how many prefixes the world falls, a slot of a resolver's cache for each, and
	// how long the longest are; 0: there is one answer for everyone.
	Slots4   int `json:"slots_ipv4"`
	Slots6   int `json:"slots_ipv6"`
	Longest4 int `json:"longest_ipv4"`
	Longest6 int `json:"longest_ipv6"`
}

// PlaceSite is a site of a choice.
type PlaceSite struct {
	Name   string `json:"name"`
	Weight uint32 `json:"weight,omitempty"`
	State  string `json:"state"` // up, down or drain
}

// lines are the place for people, each a word and what there is to say.
func (p Place) lines(e Explanation) (all [][2]string) {
	because := "view " + e.View
	switch p.Decision {
	case "base":
		because += " > the zone file: nothing in the overlay is for this client"
	case "nothing":
		because += " > the overlay takes the place of all that the name has"
	default:
		because += fmt.Sprintf(" > %s (%s) > %s", p.Decision, p.At, p.When)
	}
	all = append(all, [2]string{"because", because})
	if len(p.In) > 0 {
		all = append(all, [2]string{"place", strings.Join(p.In, " ")})
	}
	if len(p.Sites) > 0 {
		var sites []string
		for _, s := range p.Sites {
			name := s.Name
			if s.Weight > 0 {
				name += fmt.Sprintf(":%d", s.Weight)
			}
			sites = append(sites, name+" "+strings.ToUpper(s.State))
		}
		all = append(all, [2]string{"sites", fmt.Sprintf("%s   pick=%d down=%s", strings.Join(sites, " · "), p.Pick, p.Down)})
	}
	scope := "everyone in the view hears this"
	if p.Supposed {
		scope = "whoever that is true of hears this, if nothing more specific is"
	} else if p.Around != "" {
		scope = "all of " + p.Around + " hears this"
		if p.Beside != "" {
			scope += "; " + p.Beside + " does not"
		}
	}
	all = append(all, [2]string{"scope", scope})
	if p.Slots4+p.Slots6 > 0 {
		all = append(all, [2]string{"costs", fmt.Sprintf("%s for IPv4 (longest /%d), %d for IPv6 (longest /%d)", plural(p.Slots4, "cache slot"), p.Longest4, p.Slots6, p.Longest6)})
	}
	return all
}

// placed is an explanation by place, for people.
func (e Explanation) placed(paint Paint) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", paint(Bold, e.title()))
	line := func(word, text string) { fmt.Fprintf(&b, "%-9s%s\n", word, text) }
	switch {
	case e.Error != "":
		line("answer", paint(Bad, e.Error))
	case len(e.Answer) == 0:
		line("answer", e.Rcode+", no data")
	}
	for i, rr := range e.Answer {
		line([]string{"answer", ""}[min(i, 1)], strings.ReplaceAll(rr, "\t", " "))
	}
	for _, l := range e.Place.lines(e) {
		line(l[0], l[1])
	}
	return b.String()
}
