package tailor

import (
	"net/netip"

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
