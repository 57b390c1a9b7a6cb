package override

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

// Kind is by what an override answers.
type Kind string

// The kinds.
const (
	Servers Kind = "servers" // authorities for the zone are asked
	Local   Kind = "local"   // the zone is held here: from a file, or copied from primaries
	Mirror  Kind = "mirror"  // another zone has the same content
	Pin     Kind = "pin"     // a delegation that is written down
)

// When is when an override counts.
type When string

// The times.
const (
	Always When = "always" // in the place of the public delegation
	Outage When = "outage" // when that fails
	Manual When = "manual" // like Always, while an operator has it switched on
)

// Absent is what becomes of names that a zone held here does not have.
type Absent string

// The choices.
const (
	Deny     Absent = "deny"     // they do not exist
	Continue Absent = "continue" // they are looked for as if there were no override
)

// Override says how the names of a zone are answered. It is a plain value.
type Override struct {
	Zone  lookup.Name
	Kind  Kind
	When  When
	Views []string // whose clients it is for; empty: everybody

	Servers []netip.AddrPort // of Servers
	Pin     []Host           // of Pin
	DS      []string         // of Servers and Pin: DS rdata in presentation form by which answers are validated; empty: they are not

	Mirror lookup.Name // of Mirror: the zone that is asked

	// Of Local: File is a master file, Primaries transfer the zone in its place. Store is
	// where the copy is kept, "" nowhere. MaxHold is for how long since a primary has
	// confirmed it the copy is served in an outage.
	File      string
	Primaries []netip.AddrPort
	Keys      []lookup.Name // of Primaries, in their order: what they are asked is signed (RFC 8945); "" or missing: it is not
	Store     string
	MaxHold   time.Duration
	Absent    Absent
}

// Host is a name server with its addresses.
type Host struct {
	Name  lookup.Name
	Addrs []netip.Addr
}

// DefaultHold is how long a copy is served in an outage unless it is said.
const DefaultHold = 7 * 24 * time.Hour

// Check tells what makes no sense about an override that somebody has given by hand.
func (o Override) Check() error {
	switch o.Kind {
	case Servers, Local, Mirror, Pin:
	default:
		return fmt.Errorf("there is no kind %q of overrides; want servers, local, mirror or pin", o.Kind)
	}
	if !slices.Contains([]When{Always, Outage, Manual}, o.When) {
		return fmt.Errorf("when: there is no %q; want always, outage or manual", o.When)
	}
	if !slices.Contains([]Absent{Deny, Continue, ""}, o.Absent) {
		return fmt.Errorf("absent: there is no %q; want deny or continue", o.Absent)
	}
	if o.Zone == "" || o.Zone == lookup.Root {
		return errors.New("an override is for a zone below the root")
	}
	return o.checkKind()
}

func (o Override) checkKind() error {
	given := 0
	for _, set := range []bool{len(o.Servers) > 0, o.File != "", len(o.Primaries) > 0, o.Mirror != "", len(o.Pin) > 0} {
		if set {
			given++
		}
	}
	switch {
	case given != 1:
		return errors.New("want one of servers, a file, primaries, a mirror, or a pin")
	case o.Kind == Servers && len(o.Servers) == 0, o.Kind == Mirror && o.Mirror == "", o.Kind == Pin && len(o.Pin) == 0,
		o.Kind == Local && o.File == "" && len(o.Primaries) == 0:
		return fmt.Errorf("nothing is said of the %s", o.Kind)
	case o.Kind == Mirror && (o.Mirror.IsSubdomainOf(o.Zone) || o.Zone.IsSubdomainOf(o.Mirror)):
		return fmt.Errorf("%s cannot be a mirror of %s: one is in the other", o.Zone, o.Mirror)
	case o.Absent == Continue && o.Kind != Local:
		return errors.New("absent says nothing unless the zone is held here")
	case len(o.DS) > 0 && o.Kind != Servers && o.Kind != Pin:
		return errors.New("ds says nothing unless servers are asked")
	}
	if len(o.Keys) > len(o.Primaries) {
		return errors.New("a key says nothing without primaries")
	}
	for _, h := range o.Pin {
		if h.Name == "" || len(h.Addrs) == 0 {
			return errors.New("a name server of a pin has a name and addresses")
		}
	}
	return nil
}

// same tells whether what is behind two overrides is the same.
func (o Override) same(p Override) bool {
	return o.Kind == p.Kind && o.Zone == p.Zone && o.Mirror == p.Mirror && o.File == p.File && o.Store == p.Store && o.MaxHold == p.MaxHold &&
		slices.Equal(o.Servers, p.Servers) && slices.Equal(o.Primaries, p.Primaries) && slices.Equal(o.Keys, p.Keys) && slices.Equal(o.DS, p.DS) &&
		slices.EqualFunc(o.Pin, p.Pin, func(a, b Host) bool { return a.Name == b.Name && slices.Equal(a.Addrs, b.Addrs) })
}

// isFor tells whether an override is for a view.
func (o Override) isFor(view string) bool { return len(o.Views) == 0 || slices.Contains(o.Views, view) }

// meets tells whether two overrides have a view in common.
func (o Override) meets(p Override) bool {
	return len(o.Views) == 0 || len(p.Views) == 0 || slices.ContainsFunc(o.Views, p.isFor)
}

// Target is by whom, or from what, the override answers, for people.
func (o Override) Target() string {
	var all []string
	switch o.Kind {
	case Servers, Local:
		for _, s := range slices.Concat(o.Servers, o.Primaries) {
			all = append(all, address(s))
		}
		if o.File != "" {
			all = append(all, o.File)
		}
	case Mirror:
		all = append(all, o.Mirror.String())
	case Pin:
		for _, h := range o.Pin {
			for _, a := range h.Addrs {
				all = append(all, h.Name.String()+"="+a.String())
			}
		}
	}
	return strings.Join(all, ",")
}

func address(a netip.AddrPort) string {
	if a.Port() == 53 {
		return a.Addr().String()
	}
	return a.String()
}
