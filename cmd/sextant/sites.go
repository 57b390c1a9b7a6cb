package main

import (
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/sextant-dns/sextant/health"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/overlay"
	"github.com/sextant-dns/sextant/tailor"
)

// sites are those of one overlay, and what is checked of them.
type sites struct {
	states  map[string]health.Admin // what the file says, by site
	targets map[siteAddress]health.Target
	order   []health.Target
}

type siteAddress struct {
	site string
	addr netip.Addr
}

// newSites reads the settings of the checks of an overlay's sites. Those of an overlay that
// is not local, but came from another machine, may not have this one run commands or read
// files.
func newSites(o *overlay.Overlay, local bool) (*sites, error) {
	s := &sites{states: map[string]health.Admin{}, targets: map[siteAddress]health.Target{}}
	var wrong []error
	for i := range o.Sites {
		site := &o.Sites[i]
		settings, err := siteSettings(site, local)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		s.states[site.Name] = settings.State
		for _, addr := range addressesOf(site) {
			t := settings.Target(site.Name, addr)
			s.targets[siteAddress{site.Name, addr}] = t
			s.order = append(s.order, t)
		}
	}
	return s, errors.Join(wrong...)
}

// siteSettings are those of one site; errors say where in the file they are.
func siteSettings(site *overlay.Site, local bool) (health.Settings, error) {
	pairs := make([]health.Pair, 0, len(site.Checks)+1)
	at := make([]overlay.Position, 0, len(site.Checks)+1)
	checked := site.At
	for _, c := range site.Checks {
		if c.Key == "check" {
			checked = c.At
		}
		pairs, at = append(pairs, health.Pair{Key: c.Key, Value: c.Value}), append(at, c.At)
	}
	if site.State != "" {
		pairs, at = append(pairs, health.Pair{Key: "state", Value: site.State}), append(at, site.At)
	}
	settings, err := health.ParseSettings(pairs)
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, err := range several.Unwrap() {
			if wrong, ok := errors.AsType[*health.PairError](err); ok {
				all = append(all, overlay.Problem{Position: at[wrong.Index], Text: "site " + site.Name + ": " + wrong.Error()})
			}
		}
		return settings, errors.Join(all...)
	}
	if err == nil && !local && settings.Check.Local() {
		err = overlay.Problem{Position: checked, Text: "site " + site.Name + ": check: a zone of another server may not have commands run or files read here",
			Hint: "tcp, http, https (without ca=) and icmp are checked wherever the zone comes from"}
	}
	return settings, err
}

// addressesOf are those that a site serves under any name, each once, in order.
func addressesOf(site *overlay.Site) (all []netip.Addr) {
	for owner, set := range site.Sets {
		if owner.Type != lookup.TypeA && owner.Type != lookup.TypeAAAA {
			continue
		}
		for rdata := range set.Data.All() {
			if addr, ok := netip.AddrFromSlice([]byte(rdata)); ok {
				all = append(all, addr)
			}
		}
	}
	slices.SortFunc(all, netip.Addr.Compare)
	return slices.Compact(all)
}

// siteHealth is how the sites of an overlay are, by what a Monitor knows.
type siteHealth struct {
	*sites
	monitor *health.Monitor
}

var _ tailor.Health = siteHealth{}

// Usable tells how an address of a site is.
func (h siteHealth) Usable(site string, addr netip.Addr) (up, drain bool) {
	t, ok := h.targets[siteAddress{site, addr}]
	if !ok {
		t = health.Target{State: h.states[site]}
	}
	state := h.monitor.Snapshot().Status(t).State
	return state != health.Down, state == health.Drain
}

// TTL is shorter than most while the state may be about to change.
func (h siteHealth) TTL(site string, addr netip.Addr, most uint32) uint32 {
	t, ok := h.targets[siteAddress{site, addr}]
	if !ok {
		return most
	}
	return h.monitor.Snapshot().Status(t).TTL(most, time.Now())
}

// Epoch is another number whenever a site has another state.
func (h siteHealth) Epoch() uint64 { return h.monitor.Snapshot().Epoch() }
