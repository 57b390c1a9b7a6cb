package tailor

import (
	"encoding/hex"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/sextant-dns/sextant/geo"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/overlay"
	"github.com/sextant-dns/sextant/zones"
)

// Judge holds what o expects of base against what clients would hear with m, and says
// which expectations fail. Sites are up but for those that an expectation takes to be
// down, and those that are being drained. Where chance decides, one of the answers that
// it can give has to be the one expected. A limit of scopes without an address is one
// of all IPv4 scopes, and of those of IPv6, too, where it is above 32.
//
// m may be nil, which knows nothing of places. Aliases that lead out of the zone cannot
// be judged, and expectations of their data fail.
func Judge(base *zones.Zone, o *overlay.Overlay, m *geo.Map) (failed []overlay.Problem) {
	j := judge{base: base, overlay: o, world: NewAtlas(func() *geo.Map { return m }), views: map[string]*Zone{}}
	for _, e := range o.Expectations {
		if wrong := j.hold(e); wrong != "" {
			failed = append(failed, overlay.Problem{Position: e.At, Text: "$EXPECT fails: " + wrong, Hint: e.Text})
		}
	}
	return failed
}

type judge struct {
	base    *zones.Zone
	overlay *overlay.Overlay
	world   *Atlas
	views   map[string]*Zone
	assumed assumed
	drawn   int
}

// assumed is a Health in which some sites are down.
type assumed struct {
	down  []string
	sites written
	epoch atomic.Uint64
}

func (a *assumed) Usable(site string, _ netip.Addr) (up, drain bool) {
	s := a.sites[site]
	return !slices.Contains(a.down, site), s != nil && s.State == "drain"
}

func (a *assumed) TTL(_ string, _ netip.Addr, most uint32) uint32 { return most }

func (a *assumed) Epoch() uint64 { return a.epoch.Load() }

// zone is the zone as an expectation supposes it to be.
func (j *judge) zone(e overlay.Expectation) *Zone {
	z := j.views[e.View]
	if z == nil {
		z = New(j.base, j.overlay, Options{View: e.View, Atlas: j.world, Health: &j.assumed, Chance: j.chance})
		j.views[e.View], j.assumed.sites = z, z.sites
	}
	j.assumed.down = e.Down
	j.assumed.epoch.Add(1)
	if e.Selector == (geo.Selector{}) {
		return z
	}
	return z.Supposing(e.Selector)
}

// chance gives numbers that are spread evenly over [0, 1).
func (j *judge) chance() float64 {
	j.drawn++
	_, part := math.Modf(float64(j.drawn) * math.Phi)
	return part
}

// hold tells what is wrong with an expectation, or "".
func (j *judge) hold(e overlay.Expectation) string {
	z := j.zone(e)
	client := Client{At: e.From}
	f := z.Find(e.Owner, e.Type, client)
	if wrong := holdScope(e, f, client); wrong != "" {
		return wrong
	}
	if e.Data == nil && !e.Nothing {
		return ""
	}
	got := ""
	const draws = 64
	for range draws {
		data, sure, err := z.data(e.Owner, e.Type, client)
		switch {
		case err != "":
			return err
		case len(data) == 0 && e.Nothing, len(data) > 0 && slices.Equal(data, e.Data):
			return ""
		}
		if got = presentation(e.Type, data); sure {
			break
		}
	}
	return "the answer is " + got
}

// holdScope judges what an expectation says of scopes.
func holdScope(e overlay.Expectation, f Finding, client Client) string {
	if e.Scope < 0 && e.Prefixes == 0 {
		return ""
	}
	s := Spread{}
	if f.Because.memo != nil {
		s = f.Because.memo.spread()
	}
	if n := s.Prefixes4 + s.Prefixes6; e.Prefixes > 0 && n >= e.Prefixes {
		return fmt.Sprintf("the world falls into %d prefixes", n)
	}
	longest := s.Longest4
	if e.Scope > 32 {
		longest = max(longest, s.Longest6)
	}
	if client.At.IsValid() {
		longest = max(0, f.Scope.Bits(), int(f.Wanted))
	}
	if e.Scope >= 0 && longest > e.Scope {
		return fmt.Sprintf("a scope has %d bits", longest)
	}
	return ""
}

// data is the rdata of the answer, sorted, at the end of all aliases within the zone. sure
// tells that chance took no part.
func (z *Zone) data(name lookup.Name, t lookup.Type, client Client) (data []string, sure bool, err string) {
	const most = 8
	sure = true
	for range most {
		f := z.Find(name, t, client)
		sure = sure && !f.Draw
		next, ok := lookup.Name(""), false
		switch {
		case f.Alias != nil:
			next, ok = f.Alias.Target, true
		case f.Kind == zones.CNAME:
			next, ok = f.Set.Target()
		case f.Kind == zones.Answer:
			return slices.Sorted(f.Set.Data.All()), sure, ""
		}
		if !ok {
			return nil, sure, ""
		}
		if !next.IsSubdomainOf(z.Apex()) {
			return nil, sure, "the answer is that of " + next.String() + ", which is not in this zone and cannot be judged"
		}
		name = next
	}
	return nil, sure, "the aliases behind the name are too many"
}

// presentation is rdata as master files have it.
func presentation(t lookup.Type, data []string) string {
	if len(data) == 0 {
		return "none"
	}
	var all []string
	for _, rdata := range data {
		rr, err := lookup.UnpackRR(lookup.Root, t, 0, rdata)
		if err != nil {
			all = append(all, `\# `+hex.EncodeToString([]byte(rdata)))
			continue
		}
		all = append(all, strings.TrimPrefix(rr.String(), rr.Header().String()))
	}
	return strings.Join(all, ", ")
}
