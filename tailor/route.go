package tailor

import (
	"math"
	"net/netip"
	"slices"
	"strings"

	"github.com/sextant-dns/sextant/geo"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/overlay"
)

// service is what a site serves under a name.
type service struct {
	site  *overlay.Site
	types []lookup.Type
}

// serving is who serves each name that the sites of o have, in the order of the file.
func serving(o *overlay.Overlay) map[lookup.Name][]service {
	if len(o.Routes) == 0 {
		return nil
	}
	all := map[lookup.Name][]service{}
	for i := range o.Sites {
		site := &o.Sites[i]
		for owner := range site.Sets {
			at := all[owner.Name]
			if len(at) == 0 || at[len(at)-1].site != site {
				at = append(at, service{site: site})
			}
			last := &at[len(at)-1]
			last.types = append(last.types, owner.Type)
			all[owner.Name] = at
		}
	}
	return all
}

// lead is where a route leads to. All of its choices speak of all types that any of its
// sites serves, so that the types of a name are one decision.
func lead(r *overlay.Route, served map[lookup.Name][]service) (all []candidate) {
	var types []lookup.Type
	for i := range r.Choices {
		c := candidate{route: r, choice: &r.Choices[i]}
		for _, s := range served[r.Owner] {
			switch {
			case c.choice.Nearest == 0 && names(c.choice, s.site.Name):
				types = append(types, s.types...)
			case c.choice.Nearest > 0 && s.site.Placed && len(c.near) < math.MaxUint8:
				types = append(types, s.types...)
				c.near = append(c.near, s.site)
			}
		}
		if len(c.near) > 0 {
			c.ranking = rankingName(c.places())
		}
		all = append(all, c)
	}
	slices.Sort(types)
	types = slices.Compact(types)
	for i := range all {
		all[i].types = types
	}
	return all
}

// names tells whether a choice says a site.
func names(c *overlay.Choice, site string) bool {
	return slices.ContainsFunc(c.Sites, func(s overlay.Share) bool { return s.Site == site })
}

// places is what the geo.Map has to rank.
func (c candidate) places() geo.Ranking {
	r := geo.Ranking{Depth: c.choice.Nearest}
	for _, s := range c.near {
		r.Places = append(r.Places, s.Place)
	}
	return r
}

// Rankings are what a geo.Map has to know for the nearest: choices of o: names of its
// Sources.Rankings, which are the same for the same places in every zone.
func Rankings(o *overlay.Overlay) map[string]geo.Ranking {
	all := map[string]geo.Ranking{}
	served := serving(o)
	for i := range o.Routes {
		for _, c := range lead(&o.Routes[i], served) {
			if c.ranking != "" {
				all[c.ranking] = c.places()
			}
		}
	}
	return all
}

// order is the nearest sites for the clients of a class, as indices of the candidate's; ""
// where nobody knows, and for choices that say the sites.
func (b *builder) order(c candidate, class geo.Class) string {
	switch {
	case c.ranking == "":
		return ""
	case b.chart.nearest != nil:
		return b.chart.nearest(c)
	case b.chart.m == nil:
		return ""
	}
	return string(b.chart.m.Ranking(class, c.ranking))
}

// stop is a site that a choice may send clients to.
type stop struct {
	site   *overlay.Site
	weight uint32
}

// stops are the sites of a choice in their order; order is that of the nearest ones.
func (z *Zone) stops(c candidate, order string) (all []stop) {
	if c.choice.Nearest == 0 {
		for _, s := range c.choice.Sites {
			if site := z.sites[s.Site]; site != nil {
				all = append(all, stop{site, s.Weight})
			}
		}
		return all
	}
	if order == "" { // nobody knows where such clients are
		for _, s := range c.near[:min(len(c.near), c.choice.Nearest)] {
			all = append(all, stop{s, 0})
		}
	}
	for _, i := range []byte(order) {
		if int(i) < len(c.near) {
			all = append(all, stop{c.near[i], 0})
		}
	}
	return all
}

// serve is what a site has of type t for owner: of addresses those that are up, unless
// open says that they are given without asking.
func (z *Zone) serve(site *overlay.Site, owner lookup.Name, t lookup.Type, open bool) (set lookup.RRset, ok bool) {
	set, ok = site.Sets[overlay.Owner{Name: owner, Type: t}]
	if !ok || t != lookup.TypeA && t != lookup.TypeAAAA {
		return set, ok
	}
	health := z.health()
	var up []string
	for rdata := range set.Data.All() {
		addr, _ := netip.AddrFromSlice([]byte(rdata))
		if works, _ := health.Usable(site.Name, addr); works || open {
			up = append(up, rdata)
		}
	}
	if len(up) > 0 && len(up) < set.Data.Len() {
		set.Data = lookup.PackRdata(up...)
	}
	return set, true
}

// choose is what the clients of a choice hear of type t.
func (z *Zone) choose(n *node, c candidate, t lookup.Type, order string) answer {
	stops := z.stops(c, order)
	use, open := z.usable(n.name, stops, c.route.Down)
	pick := max(c.route.Pick, 1)
	if len(use) == 0 {
		a := answer{kind: fromBase, by: witnesses(stops, n.name)}
		if c.route.Down == overlay.DownNone {
			a.kind = nothing
		}
		return a
	}
	if use[0].weight > 0 && len(use) > pick {
		return z.share(n, c, t, stops, use, open)
	}
	use = use[:min(pick, len(use))]
	a := answer{kind: sets, by: witnesses(preferred(stops, use), n.name)}
	var found []lookup.RRset
	for _, s := range use {
		if set, ok := z.serve(s.site, n.name, t, open); ok {
			found = append(found, set)
			a.sites = append(a.sites, s.site.Name)
		}
	}
	if len(found) == 0 {
		a.kind = fromBase
		return a
	}
	a.set = union(found)
	return a
}

// preferred is those of the stops that were looked at before all of use were found, use
// included.
func preferred(stops, use []stop) []stop {
	left := len(use)
	for i, s := range stops {
		if slices.Contains(use, s) {
			left--
		}
		if left == 0 && use[0].weight == 0 {
			return stops[:i+1]
		}
	}
	return stops
}

// share is choose where chance picks among use.
func (z *Zone) share(n *node, c candidate, t lookup.Type, stops, use []stop, open bool) answer {
	a := answer{kind: chance, pick: max(c.route.Pick, 1), v4: c.route.StickyV4, v6: c.route.StickyV6}
	served := false
	for _, s := range use {
		set, ok := z.serve(s.site, n.name, t, open)
		served = served || ok
		a.shares = append(a.shares, share{site: s.site.Name, weight: s.weight, set: set})
	}
	a.by = witnesses(stops, n.name)
	if !served {
		a.kind, a.shares = fromBase, nil
	}
	return a
}

// union is all RRs of sets of one name and type, each once.
func union(all []lookup.RRset) lookup.RRset {
	set := all[0]
	if len(all) == 1 {
		return set
	}
	var rdata []string
	for _, s := range all {
		set.TTL = min(set.TTL, s.TTL) // RFC 2181 5.2
		for r := range s.Data.All() {
			if !slices.Contains(rdata, r) {
				rdata = append(rdata, r)
			}
		}
	}
	set.Data, set.Sigs = lookup.PackRdata(rdata...), ""
	return set
}

// rankingName is the same for the same places.
func rankingName(r geo.Ranking) string {
	var b strings.Builder
	b.WriteString("nearest:" + itoa(r.Depth))
	for _, p := range r.Places {
		b.WriteString(" " + ftoa(p.Lat) + "," + ftoa(p.Long))
	}
	return b.String()
}
