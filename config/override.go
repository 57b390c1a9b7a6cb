package config

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

// Override is a zone whose names are answered otherwise than by the public delegation:
// by one of Servers, File, Primaries, Mirror and Pin.
type Override struct {
	Zone  lookup.Name
	When  When
	Views []string // whose clients it is for; empty: those of all views with recursion

	Servers []netip.AddrPort
	Pin     []PinnedHost
	DS      []string // rdata in presentation form, by which what servers say is validated

	File      string // master file
	Primaries []Server
	Store     string        // where the copy is kept for the next start; "": nowhere
	MaxHold   time.Duration // for how long a copy that nobody confirms is served in an outage
	Absent    Absent

	Mirror lookup.Name // the zone with the same content
}

// PinnedHost is a name server with its addresses.
type PinnedHost struct {
	Name      lookup.Name
	Addresses []netip.Addr
}

// When is when an override counts.
type When string

// The times.
const (
	WhenAlways When = "always"
	WhenOutage When = "outage" // when the public delegation fails
	WhenManual When = "manual" // while an operator has it switched on
)

// Absent is what becomes of names that a zone held here does not have.
type Absent string

// The choices.
const (
	AbsentDeny     Absent = "deny"
	AbsentContinue Absent = "continue" // they are looked for as if there were no override
)

func overridden(o *Override) reader {
	o.When, o.Absent, o.MaxHold = WhenAlways, AbsentDeny, 7*24*time.Hour
	return object(o, o.keys(), "zone")
}

func (o *Override) keys() keys {
	return keys{
		"zone":      value(&o.Zone, name),
		"when":      value(&o.When, oneOf(WhenAlways, WhenOutage, WhenManual)),
		"views":     values(&o.Views, text(63)),
		"servers":   values(&o.Servers, endpoint(53)),
		"pin":       list(&o.Pin, func(h *PinnedHost) reader { return object(h, h.keys(), "name", "addresses") }),
		"ds":        values(&o.DS, text(8192)),
		"file":      value(&o.File, text(4096)),
		"primaries": list(&o.Primaries, server),
		"store":     value(&o.Store, text(4096)),
		"max-hold":  value(&o.MaxHold, duration(0, 90*24*time.Hour)),
		"absent":    value(&o.Absent, oneOf(AbsentDeny, AbsentContinue)),
		"mirror":    value(&o.Mirror, name),
	}
}

func (h *PinnedHost) keys() keys {
	return keys{
		"name":      value(&h.Name, name),
		"addresses": values(&h.Addresses, address),
	}
}

// maxOverrides is how many overrides may be configured.
const maxOverrides = 1000

// checkOverrides looks for what says nothing, and for what says two things at once.
func (doc *document) checkOverrides(d *decoder) {
	if len(doc.Overrides) > maxOverrides {
		d.report(&doc.Overrides, "%d overrides, expected at most %d", len(doc.Overrides), maxOverrides)
		return
	}
	for i := range doc.Overrides {
		o := &doc.Overrides[i]
		o.check(d)
		doc.checkOverrideViews(d, o)
		doc.checkKeys(d, keysOf([][]Server{o.Primaries}, nil))
		if o.Zone == "" {
			continue // it could not be read
		}
		for j := range doc.Overrides[:i] {
			doc.Overrides[j].beside(d, o)
		}
		doc.checkOwnedElsewhere(d, o)
	}
}

func (o *Override) check(d *decoder) {
	given := o.sources(d)
	switch {
	case len(given) == 0:
		d.report(o, `says nothing of who answers, expected one of "servers", "file", "primaries", "mirror" and "pin"`)
	case len(given) > 1:
		d.report(given[1], "is another source beside the one on line %s, expected one", d.line(given[0]))
	}
	if o.Zone == lookup.Root {
		d.report(&o.Zone, "the root is no zone to override, expected resolver.local-root or forward for that")
	}
	notEmpty(d, &o.Servers)
	notEmpty(d, &o.Primaries)
	notEmpty(d, &o.Pin)
	notEmpty(d, &o.Views)
	notEmpty(d, &o.DS)
	unique(d, o.Views, func(v *string) *string { return v })
	unique(d, o.Servers, func(a *netip.AddrPort) *netip.AddrPort { return a })
	unique(d, o.Primaries, func(s *Server) *netip.AddrPort { return &s.Address })
	unique(d, o.Pin, func(h *PinnedHost) *lookup.Name { return &h.Name })
	for i := range o.Pin {
		notEmpty(d, &o.Pin[i].Addresses)
	}
	local := d.given(&o.File) || d.given(&o.Primaries)
	for _, useless := range []struct {
		at     any
		unless bool
		beside string
	}{
		{&o.Absent, local, "file or primaries"},
		{&o.Store, d.given(&o.Primaries), "primaries"},
		{&o.MaxHold, d.given(&o.Primaries), "primaries"},
		{&o.DS, d.given(&o.Servers) || d.given(&o.Pin), "servers or pin"},
	} {
		if d.given(useless.at) && !useless.unless {
			d.report(useless.at, "says nothing there, expected %s beside it", useless.beside)
		}
	}
	if o.Mirror != "" && o.Zone != "" && (o.Mirror.IsSubdomainOf(o.Zone) || o.Zone.IsSubdomainOf(o.Mirror)) {
		d.report(&o.Mirror, "%s cannot be a mirror of %s, expected zones of which none is in the other", o.Zone, o.Mirror)
	}
}

// sources are the keys with which an override says who answers.
func (o *Override) sources(d *decoder) (given []any) {
	for _, at := range []any{&o.Servers, &o.File, &o.Primaries, &o.Mirror, &o.Pin} {
		if d.given(at) {
			given = append(given, at)
		}
	}
	slices.SortStableFunc(given, func(a, b any) int { return d.places[a].line - d.places[b].line })
	return given
}

func (doc *document) checkOverrideViews(d *decoder, o *Override) {
	for i := range o.Views {
		at := &o.Views[i]
		view := slices.IndexFunc(doc.Views, func(v View) bool { return v.Name == *at })
		switch {
		case *at == "" || len(doc.Views) == 0 && *at == "default":
		case view < 0:
			d.report(at, "no view %s is configured, expected one of those under views", quote(*at))
		case !doc.Views[view].Recursion:
			d.report(at, "view %s has no recursion, on line %s, and asks for nothing that could be overridden", quote(*at), d.line(&doc.Views[view]))
		}
	}
}

// beside tells of what an override cannot be beside an earlier one.
func (earlier *Override) beside(d *decoder, o *Override) {
	meet := len(earlier.Views) == 0 || len(o.Views) == 0 || slices.ContainsFunc(o.Views, func(v string) bool { return slices.Contains(earlier.Views, v) })
	switch {
	case !meet:
	case earlier.Zone == o.Zone && earlier.When == o.When:
		d.report(&o.Zone, "%s is overridden by line %s for the same clients at the same time (%s), expected one or the other", o.Zone, d.line(&earlier.Zone), o.When)
	case o.Mirror == "" || earlier.Mirror == "" || o.When == WhenOutage || earlier.When == WhenOutage:
	case o.Mirror.IsSubdomainOf(earlier.Zone) || earlier.Mirror.IsSubdomainOf(o.Zone):
		d.report(&o.Mirror, "nobody mirrors a mirror, and line %s makes one of %s, expected when: outage in one of them", d.line(&earlier.Mirror), earlier.Zone)
	}
}

// checkOwnedElsewhere looks for other places that say who answers for the zone.
func (doc *document) checkOwnedElsewhere(d *decoder, o *Override) {
	for _, pinned := range [][]Pinned{doc.Forward, doc.Stub} {
		for i := range pinned {
			if p := &pinned[i]; p.Name == o.Zone {
				d.report(&o.Zone, "%s is given servers by line %s, too, expected one or the other", o.Zone, d.line(&p.Name))
			}
		}
	}
	for i := range doc.Zones {
		z := &doc.Zones[i]
		if z.Name == o.Zone && doc.hears(o, z) {
			d.report(&o.Zone, "%s is a zone of ours by line %s, which nothing overrides, expected one or the other", o.Zone, d.line(&z.Name))
		}
	}
}

// hears tells whether clients that an override is for see a zone of ours.
func (doc *document) hears(o *Override, z *Zone) bool {
	if len(doc.Views) == 0 {
		return true
	}
	return slices.ContainsFunc(doc.Views, func(v View) bool {
		return v.Recursion && (len(o.Views) == 0 || slices.Contains(o.Views, v.Name)) && (v.Zones == nil || slices.Contains(v.Zones, z.Name))
	})
}

// line is the number of the line of what to points to, and the line.
func (d *decoder) line(to any) string {
	at, lines := d.places[to], strings.Split(d.text, "\n")
	if at.line < 1 || at.line > len(lines) {
		return "?"
	}
	return strconv.Itoa(at.line) + " (" + strings.TrimSpace(lines[at.line-1]) + ")"
}

// underFolder has the paths of files start where those of the document do.
func (o *Override) underFolder(folder func(path *string)) {
	folder(&o.File)
	folder(&o.Store)
}
