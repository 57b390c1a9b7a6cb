package tailor

import (
	"math"
	"net/netip"
	"slices"

	"github.com/sextant-dns/sextant/lookup"
)

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
			f.Counter = a.shares[best].counter
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
