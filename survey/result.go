package survey

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

func sortRegions(all []*Region) {
	slices.SortFunc(all, func(a, b *Region) int { return compare(a.Network, b.Network) })
}

// Answer is a region's answer in a line: its data, or what there is instead.
func (r *Region) Answer() string {
	switch {
	case len(r.Answers) > 0:
		return strings.Join(r.Answers, " ")
	case r.Rcode != 0:
		return dns.RcodeToString[r.Rcode&0xf]
	}
	return "NODATA"
}

// A Joined network is a network in which all that is known is one answer.
type Joined struct {
	Network netip.Prefix
	Answer  string
	Scopes  int // how many regions it is made of
	Depth   int // in how many other networks of the list it lies: 0 unless scopes overlap
	Wants   bool
}

// Joined is the regions, neighbours with the same answer made one network where they fill
// it, in the order of their addresses.
func (r *Result) Joined() []Joined {
	var list []Joined
	for _, region := range r.Regions {
		j := Joined{Network: region.Network, Answer: region.Answer(), Scopes: 1, Wants: region.Wants()}
		for len(list) > 0 {
			left := list[len(list)-1]
			if left.Network.Bits() == 0 || left.Network.Bits() != j.Network.Bits() || left.Answer != j.Answer || left.Wants != j.Wants || sibling(left.Network) != j.Network {
				break
			}
			list = list[:len(list)-1]
			j.Network, j.Scopes = parent(left.Network), left.Scopes+j.Scopes
		}
		list = append(list, j)
	}
	var around []netip.Prefix
	for i := range list {
		for len(around) > 0 && !around[len(around)-1].Overlaps(list[i].Network) {
			around = around[:len(around)-1]
		}
		list[i].Depth = len(around)
		around = append(around, list[i].Network)
	}
	return list
}

// Place is where an address is, as far as anybody knows.
type Place struct {
	Country   string // ISO 3166-1 alpha-2; ""
	AS        string // "AS64500"; ""
	Lat, Long float64
	Located   bool // Lat and Long are known
}

// Count is a value with how often there is one.
type Count struct {
	Value string `json:"value"`
	N     int    `json:"networks"`
}

// Summary is one distinct answer.
type Summary struct {
	Answer    string
	Answers   []string
	Networks  int     // regions that it holds in
	Share     float64 // of the address space that is known, 0 to 1; of IPv4 if there is any
	Countries []Count // of the networks that it was asked as, the most frequent first
	ASes      []Count
}

// Summaries are the distinct answers, the one for most addresses first. where may be nil.
func (r *Result) Summaries(where func(netip.Addr) Place) []Summary {
	four := slices.ContainsFunc(r.Regions, func(g *Region) bool { return g.Network.Addr().Is4() })
	index := map[string]int{}
	var all []Summary
	var countries, systems []map[string]int
	total := 0.0
	for _, region := range r.Regions {
		text := region.Answer()
		i, known := index[text]
		if !known {
			i, index[text] = len(all), len(all)
			all = append(all, Summary{Answer: text, Answers: region.Answers})
			countries, systems = append(countries, map[string]int{}), append(systems, map[string]int{})
		}
		all[i].Networks++
		if region.Network.Addr().Is4() == four {
			part := 1 / float64(uint64(1)<<min(region.Network.Bits(), 63))
			all[i].Share, total = all[i].Share+part, total+part
		}
		if where == nil {
			continue
		}
		place := where(region.Source.Addr())
		if place.Country != "" {
			countries[i][place.Country]++
		}
		if place.AS != "" {
			systems[i][place.AS]++
		}
	}
	for i := range all {
		all[i].Share /= cmp.Or(total, 1)
		all[i].Countries, all[i].ASes = counts(countries[i]), counts(systems[i])
	}
	slices.SortStableFunc(all, func(a, b Summary) int {
		return cmp.Or(cmp.Compare(b.Share, a.Share), cmp.Compare(b.Networks, a.Networks), cmp.Compare(a.Answer, b.Answer))
	})
	return all
}

func counts(m map[string]int) (all []Count) {
	for value, n := range m {
		all = append(all, Count{value, n})
	}
	slices.SortFunc(all, func(a, b Count) int { return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Value, b.Value)) })
	return all
}

// Without is the networks that are left of all when others are taken out, in the order of
// all and then of their addresses.
func Without(all, others []netip.Prefix) (left []netip.Prefix) {
	for _, p := range all {
		left = append(left, without(p, others)...)
	}
	return left
}

func without(p netip.Prefix, others []netip.Prefix) []netip.Prefix {
	hit := false
	for _, o := range others {
		if o.Overlaps(p) {
			if o.Bits() <= p.Bits() {
				return nil
			}
			hit = true
		}
	}
	if !hit {
		return []netip.Prefix{p}
	}
	low := netip.PrefixFrom(p.Addr(), p.Bits()+1)
	return append(without(low, others), without(sibling(low), others)...)
}
