package main

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/sextant-dns/sextant/authoritative"
	"github.com/sextant-dns/sextant/control"
	"github.com/sextant-dns/sextant/geo"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/overlay"
	"github.com/sextant-dns/sextant/tailor"
	"github.com/sextant-dns/sextant/zones"
)

// whence is who is supposed to ask: somebody at an address, or somebody of whom nothing is
// known but a selector.
type whence struct {
	at       netip.Prefix
	selector geo.Selector
}

// parseWhence reads an address, a network, the number of an autonomous system, or a
// selector as zones write it.
func parseWhence(text string) (w whence, err error) {
	if p, err := addressOrPrefix(text); err == nil {
		return whence{at: p}, nil
	}
	if strings.Trim(text, "0123456789") == "" {
		text = "as" + text
	}
	if w.selector, err = geo.ParseSelector(text); err != nil {
		return w, fmt.Errorf("from: %w; or an address", err)
	}
	if w.selector.Kind >= geo.Network {
		return w, fmt.Errorf("from: %s is no place; want an address, a country, an AS or another selector of places", text)
	}
	return w, nil
}

// viewOf is the view of that name or, without a name, that of the client, and of somebody
// of whom no address is known the first that is for the whole Internet, or else the last.
func (p *parts) viewOf(name string, w whence) (ours, error) {
	s := p.state.Load()
	if name == "" && w.at.IsValid() {
		v, _, err := p.viewFor("", w.at.Addr())
		if err != nil || v.Name == "" {
			return ours{}, fmt.Errorf("no view has the client %s", w.at.Addr())
		}
		name = v.Name
	}
	for _, v := range p.server.Views() {
		if name == "" && slices.ContainsFunc(v.Clients, func(c netip.Prefix) bool { return c.Bits() == 0 }) {
			name = v.Name
		}
	}
	if name == "" {
		name = s.ours[len(s.ours)-1].view
	}
	for _, o := range s.ours {
		if o.view == name {
			return o, nil
		}
	}
	_, _, err := p.viewFor(name, netip.Addr{})
	return ours{}, err
}

// explainPlace tells what somebody somewhere hears of a name of ours, and why. held is
// false when the name is in none of our zones.
func (p *parts) explainPlace(ctx context.Context, r control.ExplainRequest) (e control.Explanation, held bool, err error) {
	name, t, err := question(r.Name, r.Type, lookup.TypeA)
	if err != nil {
		return e, true, err
	}
	from, err := parseWhence(r.From)
	if err != nil {
		return e, true, err
	}
	o, err := p.viewOf(r.View, from)
	if err != nil {
		return e, true, err
	}
	base, held := o.authority.Zone(name)
	if !held {
		return e, false, nil
	}
	q := lookup.Query{Question: lookup.Question{Name: name, Type: t, Class: lookup.ClassIN, DO: r.DO}}
	authority, zone := o.authority, p.tailored(o.view, base)
	var spread tailor.Spread
	switch {
	case !from.at.IsValid():
		if zone != nil {
			spread = zone.Find(name, t, tailor.Client{}).Because.Explain().Spread
			zone = zone.Supposing(from.selector)
			authority = authoritative.New(nil)
			tree, err := zones.NewTree(base)
			if err != nil {
				return e, true, err
			}
			authority.Serve(authoritative.Data{Tree: tree, Tailored: map[lookup.Name]*tailor.Zone{base.Apex(): zone}, Aliases: o.aliases})
		}
	case from.at.IsSingleIP():
		q.Client = from.at.Addr()
	default:
		q.Client, q.Subnet = from.at.Addr(), from.at
	}
	e = control.Explain(ctx, authority, q, limits(p.state.Load().config))
	e.View = o.view
	if !from.at.IsValid() {
		e.Client = "somebody in " + from.selector.String()
	}
	e.Place = &control.Place{Decision: "base", In: []string{}}
	if zone != nil {
		found := zone.Find(name, t, tailor.ClientOf(q.Client, q.Subnet))
		told := found.Because.Explain()
		if !from.at.IsValid() {
			told.Spread = spread
		}
		*e.Place = placeOf(told)
	}
	e.Place.Supposed = !from.at.IsValid()
	return e, true, nil
}

// tailored is a zone as a view has it; nil when all hear the same of it.
func (p *parts) tailored(view string, base *zones.Zone) *tailor.Zone {
	p.mutable.Lock()
	defer p.mutable.Unlock()
	located := p.state.Load().located
	return p.places.zones[tailoring{view, base, located.overlays[base.Apex()], located.atlas}]
}

// placeOf is an explanation in the words of package control.
func placeOf(e tailor.Explanation) control.Place {
	told := control.Place{
		Decision: e.What, In: []string{}, Pick: e.Pick,
		Slots4: e.Prefixes4, Slots6: e.Prefixes6, Longest4: e.Longest4, Longest6: e.Longest6,
	}
	if e.At != (overlay.Position{}) {
		told.At, told.When = fmt.Sprintf("%s:%d", e.At.File, e.At.Line), e.When.String()
	}
	for _, s := range e.Place {
		told.In = append(told.In, s.String())
	}
	for _, s := range e.Sites {
		state := "down"
		switch {
		case s.Up && s.Drain:
			state = "drain"
		case s.Up:
			state = "up"
		}
		told.Sites = append(told.Sites, control.PlaceSite{Name: s.Name, Weight: s.Weight, State: state})
	}
	if len(e.Sites) > 0 {
		told.Down = [...]string{overlay.DownBase: "base", overlay.DownAll: "all", overlay.DownNone: "none"}[e.Down]
	}
	if e.Around.IsValid() {
		told.Around = e.Around.String()
	}
	if e.Beside.IsValid() {
		told.Beside = e.Beside.String()
	}
	return told
}
