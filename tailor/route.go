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

// Health tells how the sites of a zone are. It must be safe for concurrent use and never
// wait.
type Health interface {
	// Usable tells whether an address of a site is up, what state= says of the site
	// included, and whether the site is being drained, so that it is to be used only
	// when no other is up. The zero Addr asks about a site that has no addresses under
	// the name.
	Usable(site string, addr netip.Addr) (up, drain bool)
	// TTL is for how long an answer may be kept that follows from how that address is, in
	// seconds, most at most: less than that while its state may be about to change. It
	// is asked for each answer and each address that was looked at for it.
	TTL(site string, addr netip.Addr, most uint32) uint32
	// Epoch is another number whenever Usable would answer otherwise than before. It is
	// asked for each answer.
	Epoch() uint64
}

// written is the Health of sites that nobody checks: what the file says.
type written map[string]*overlay.Site

func (w written) Usable(site string, _ netip.Addr) (up, drain bool) {
	state := ""
	if s := w[site]; s != nil {
		state = s.State
	}
	return state != "down", state == "drain"
}

func (w written) TTL(_ string, _ netip.Addr, most uint32) uint32 { return most }

func (w written) Epoch() uint64 { return 0 }

// health is that of the zone's sites.
func (z *Zone) health() Health {
	if z.options.Health == nil {
		return written(z.sites)
	}
	return z.options.Health
}

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
	if c.ranking == "" || b.chart.m == nil {
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

// usable is those of the stops that may be used, the drained ones only when there is
// nothing else. open tells that all are down and used all the same.
func (z *Zone) usable(owner lookup.Name, all []stop, down overlay.Down) (use []stop, open bool) {
	var spare []stop
	health := z.health()
	for _, s := range all {
		up, drain := usable(health, s.site, owner)
		switch {
		case up && !drain:
			use = append(use, s)
		case up:
			spare = append(spare, s)
		}
	}
	switch {
	case len(use) > 0:
		return use, false
	case len(spare) > 0:
		return spare, false
	case down == overlay.DownAll:
		return all, true
	}
	return nil, false
}

// usable tells whether in each family that a site serves a name in an address is up.
func usable(health Health, site *overlay.Site, owner lookup.Name) (up, drain bool) {
	up, any := true, false
	for _, t := range [...]lookup.Type{lookup.TypeA, lookup.TypeAAAA} {
		set, serves := site.Sets[overlay.Owner{Name: owner, Type: t}]
		if !serves {
			continue
		}
		any = true
		family := false
		for rdata := range set.Data.All() {
			if addr, ok := netip.AddrFromSlice([]byte(rdata)); ok {
				works, drains := health.Usable(site.Name, addr)
				family, drain = family || works, drain || drains
			}
		}
		up = up && family
	}
	if !any {
		return health.Usable(site.Name, netip.Addr{})
	}
	return up, drain
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

// witness is an address whose state an answer follows from, or a site without any.
type witness struct {
	site string
	addr netip.Addr
}

// witnesses are those of sites under a name.
func witnesses(stops []stop, owner lookup.Name) (all []witness) {
	for _, s := range stops {
		n := len(all)
		for _, t := range [...]lookup.Type{lookup.TypeA, lookup.TypeAAAA} {
			for rdata := range s.site.Sets[overlay.Owner{Name: owner, Type: t}].Data.All() {
				if addr, ok := netip.AddrFromSlice([]byte(rdata)); ok {
					all = append(all, witness{s.site.Name, addr})
				}
			}
		}
		if len(all) == n {
			all = append(all, witness{site: s.site.Name})
		}
	}
	return all
}

// bounded is a TTL as the state of those allows it that an answer follows from.
func (z *Zone) bounded(ttl uint32, by []witness) uint32 {
	if z.options.Health == nil {
		return ttl
	}
	for _, w := range by {
		ttl = min(ttl, z.options.Health.TTL(w.site, w.addr, ttl))
	}
	return ttl
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

// draw fills in f with what the client's network, or chance, gives of a, and returns
// around, or the network if that is longer.
func (z *Zone) draw(f *Finding, n *node, a *answer, around netip.Prefix) netip.Prefix {
	at := f.Because.at
	key, length := netip.Prefix{}, 0
	if at.IsValid() {
		key, length = network(at, a.v4, a.v6)
	}
	sticky := key.IsValid() && (key.Addr().Is4() && a.v4 > 0 || key.Addr().Is6() && a.v6 > 0)
	score := func(s *share) float64 {
		u := 0.0
		if sticky {
			u = luck(key, n.name, s.site)
		} else {
			u = z.options.Chance()
		}
		// Weighted rendezvous: the greatest of these is of s as often as its part of
		// the weights, and a site that goes, or comes, moves no other client.
		return -float64(s.weight) / math.Log(u)
	}
	f.Draw = !sticky
	if a.pick == 1 {
		best, most := 0, math.Inf(-1)
		for i := range a.shares {
			if s := score(&a.shares[i]); s > most {
				best, most = i, s
			}
		}
		if set := a.shares[best].set; set.Data != "" {
			f.Match = match(f.Match, set, f.Because.t)
		}
	} else if set := several(a, score); set.Data != "" {
		f.Match = match(f.Match, set, f.Because.t)
	}
	if sticky && (!around.IsValid() || around.Bits() < length) {
		around = netip.PrefixFrom(at.Addr(), length).Masked()
	}
	return around
}

// several is the union of the shares with the greatest scores.
func several(a *answer, score func(*share) float64) lookup.RRset {
	type scored struct {
		share *share
		score float64
	}
	all := make([]scored, len(a.shares))
	for i := range a.shares {
		all[i] = scored{&a.shares[i], score(&a.shares[i])}
	}
	slices.SortStableFunc(all, func(a, b scored) int {
		if a.score > b.score {
			return -1
		}
		return 1
	})
	var found []lookup.RRset
	for _, s := range all[:min(a.pick, len(all))] {
		if s.share.set.Data != "" {
			found = append(found, s.share.set)
		}
	}
	if len(found) == 0 {
		return lookup.RRset{}
	}
	return union(found)
}

// luck is a number above 0 and below 1 that a network has with a site of a name,
// whichever server is asked and whenever.
func luck(network netip.Prefix, owner lookup.Name, site string) float64 {
	const offset, prime = 14695981039346656037, 1099511628211 // FNV-1a
	h := uint64(offset)
	mix := func(b byte) { h = (h ^ uint64(b)) * prime }
	bytes := network.Addr().As16()
	for _, b := range bytes {
		mix(b)
	}
	mix(byte(network.Bits()))
	for i := range len(owner) {
		mix(owner[i])
	}
	for i := range len(site) {
		mix(site[i])
	}
	// FNV's upper bits are poor for short differences: stir as SplitMix64 does.
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	h ^= h >> 31
	return (float64(h>>11) + 0.5) / (1 << 53)
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
