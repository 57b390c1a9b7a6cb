package tailor_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/sextant-dns/sextant/geo"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/overlay"
	"github.com/sextant-dns/sextant/tailor"
	"github.com/sextant-dns/sextant/zones"
)

// A small world, in which nothing is finer than a /8: what is true of all addresses can be
// found out by asking 256 of them.
type world struct {
	d         *draft
	networks  map[netip.Prefix]string // the longest counts
	countries []string
	health    *states
	rng       *rand.Rand
}

func leaf(i int) netip.Addr { return netip.AddrFrom4([4]byte{byte(i), 0, 0, 1}) }

func newWorld(t testing.TB, rng *rand.Rand) *world {
	w := &world{d: lay(t), networks: map[netip.Prefix]string{}, countries: []string{"DE", "AT", "US", "CA", "BR"}, health: &states{}, rng: rng}
	for range 4 + rng.IntN(12) {
		w.networks[w.network(3)] = w.countries[rng.IntN(len(w.countries))]
	}
	for i, s := range []string{"fra", "iad", "sin", "gru"} {
		w.d.site(s, "", fmt.Sprintf("www 60 A 198.51.100.%d", 1+i/2), "www 60 AAAA 2001:db8::1") // two of them are alike
	}
	for i := range rng.IntN(4) {
		w.d.when(w.condition(), fmt.Sprintf("www 60 A 203.0.113.%d", 1+i%2))
	}
	var choices []string
	for range rng.IntN(4) {
		choices = append(choices, w.condition()+"="+w.sites())
	}
	if rng.IntN(3) > 0 {
		choices = append(choices, "*="+w.sites())
	}
	if len(choices) > 0 {
		w.d.route("www", func(r *overlay.Route) { r.Down, r.Pick = overlay.Down(rng.IntN(3)), 1+rng.IntN(2) }, choices...)
	}
	return w
}

func (w *world) network(shortest int) netip.Prefix {
	return netip.PrefixFrom(leaf(w.rng.IntN(256)), shortest+w.rng.IntN(9-shortest)).Masked()
}

func (w *world) condition() string {
	term := func() string {
		switch w.rng.IntN(4) {
		case 0:
			return w.network(2).String()
		case 1:
			return []string{"eu", "c:na"}[w.rng.IntN(2)]
		}
		return []string{"de", "at", "us", "ca"}[w.rng.IntN(4)]
	}
	switch w.rng.IntN(6) {
	case 0:
		return term() + "+" + term()
	case 1:
		return "!" + term()
	}
	return term()
}

func (w *world) sites() string {
	all := []string{"fra", "iad", "sin", "gru"}
	w.rng.Shuffle(4, func(i, j int) { all[i], all[j] = all[j], all[i] })
	text := all[0]
	for _, s := range all[1 : 1+w.rng.IntN(3)] {
		text += "," + s
	}
	return text
}

func (w *world) compile(t testing.TB) *geo.Map {
	lines := make([]string, 0, len(w.networks))
	for p, c := range w.networks {
		lines = append(lines, p.String()+" "+c)
	}
	// The writer gives the longest network its due only if it comes last.
	slices.SortFunc(lines, func(a, b string) int {
		return netip.MustParsePrefix(a[:len(a)-3]).Bits() - netip.MustParsePrefix(b[:len(b)-3]).Bits()
	})
	return compile(t, &w.d.Overlay, lines...)
}

// holds is whether a condition is true of an address, found out the long way.
func (w *world) holds(c overlay.Condition, a netip.Addr) bool {
	country, longest := "", -1
	for p, code := range w.networks {
		if p.Contains(a) && p.Bits() > longest {
			country, longest = code, p.Bits()
		}
	}
	continent := map[string]string{"DE": "EU", "AT": "EU", "US": "NA", "CA": "NA", "BR": "SA"}[country]
	for _, t := range c.Terms {
		is := false
		switch t.Selector.Kind {
		case geo.Country:
			is = t.Selector.Value == country
		case geo.Continent:
			is = t.Selector.Value == continent
		case geo.Network:
			is = netip.MustParsePrefix(t.Selector.Value).Contains(a)
		}
		if is == t.Not {
			return false
		}
	}
	return true
}

// answer is what an address is to hear, without any of what makes it quick.
func (w *world) answer(a netip.Addr) string {
	type option struct {
		when   overlay.Condition
		rule   *overlay.Rule
		choice *overlay.Choice
	}
	var best *option
	try := func(o option) {
		if w.holds(o.when, a) && (best == nil || overlay.Compare(o.when, best.when) < 0) {
			best = &o
		}
	}
	for i := range w.d.Rules {
		try(option{when: w.d.Rules[i].When, rule: &w.d.Rules[i]})
	}
	for i := range w.d.Routes {
		for j := range w.d.Routes[i].Choices {
			try(option{when: w.d.Routes[i].Choices[j].When, choice: &w.d.Routes[i].Choices[j]})
		}
	}
	const base = "192.0.2.80"
	switch {
	case best == nil:
		return base
	case best.rule != nil:
		return addresses(best.rule.Set.Data)
	}
	route := w.d.Routes[0]
	var use, all []string
	for _, s := range best.choice.Sites {
		all = append(all, s.Site)
		if !slices.Contains(w.health.down, s.Site) && !slices.Contains(w.health.drain, s.Site) {
			use = append(use, s.Site)
		}
	}
	if len(use) == 0 {
		for _, s := range all {
			if !slices.Contains(w.health.down, s) {
				use = append(use, s)
			}
		}
	}
	if len(use) == 0 {
		switch route.Down {
		case overlay.DownBase:
			return base
		case overlay.DownNone:
			return "NODATA"
		}
		use = all
	}
	var data []string
	for _, s := range use[:min(route.Pick, len(use))] {
		text := fmt.Sprintf("198.51.100.%d", 1+slices.Index([]string{"fra", "iad", "sin", "gru"}, s)/2)
		if !slices.Contains(data, text) {
			data = append(data, text)
		}
	}
	slices.Sort(data)
	return fmt.Sprint(data)
}

func addresses(data lookup.Rdata) string {
	var all []string
	for rdata := range data.All() {
		a, _ := netip.AddrFromSlice([]byte(rdata))
		all = append(all, a.String())
	}
	slices.Sort(all)
	if len(all) == 1 && !slices.Contains([]string{"198.51.100.1", "198.51.100.2"}, all[0]) {
		return all[0]
	}
	return fmt.Sprint(all)
}

// widest is the widest prefix around leaf i in which all hear the same.
func widest(heard *[256]string, i int) netip.Prefix {
	for bits := range 9 {
		p := netip.PrefixFrom(leaf(i), bits).Masked()
		same := true
		for j := range 256 {
			same = same && (!p.Contains(leaf(j)) || heard[j] == heard[i])
		}
		if same {
			return p
		}
	}
	return netip.PrefixFrom(leaf(i), 8).Masked()
}

// The five properties: all addresses in a scope hear the same; its sibling has somebody who
// hears something else; no two scopes overlap; an oracle agrees; and all of it stays so
// while sites come and go, with the same Map.
func TestE33ScopesAreExact(t *testing.T) {
	t.Parallel()
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 7))
		w := newWorld(t, rng)
		m := w.compile(t)
		z := tailor.New(base(t, "www A 192.0.2.80", "www HTTPS 1 . ipv4hint=192.0.2.80"), &w.d.Overlay, tailor.Options{Atlas: atlas(m), Health: w.health})
		for flip := range 5 {
			var heard [256]string
			for i := range heard {
				heard[i] = w.answer(leaf(i))
			}
			if err := agree(z, &heard); err != "" {
				t.Fatalf("seed %d, flip %d, down %v, drained %v: %s\nnetworks %v\nrules %v\nroutes %+v",
					seed, flip, w.health.down, w.health.drain, err, w.networks, w.d.Rules, w.d.Routes)
			}
			w.health.drain = nil
			var down []string
			for _, s := range []string{"fra", "iad", "sin", "gru"} {
				switch rng.IntN(4) {
				case 0:
					down = append(down, s)
				case 1:
					w.health.drain = append(w.health.drain, s)
				}
			}
			w.health.set(down...)
		}
	}
}

// agree says where z and the oracle differ.
func agree(z *tailor.Zone, heard *[256]string) string {
	var scopes []netip.Prefix
	numbered := map[int]string{}
	for i := range heard {
		f := z.Find(name("www"), lookup.TypeA, at(leaf(i).String()))
		if err := chosen(f, leaf(i), numbered); err != "" {
			return err
		}
		got := said(f)
		if f.Set.Data != "" {
			got = addresses(f.Set.Data)
		}
		if got != heard[i] {
			return fmt.Sprintf("%s hears %s, not %s", leaf(i), got, heard[i])
		}
		want := widest(heard, i)
		if err := hinted(z.Find(name("www"), lookup.TypeHTTPS, at(leaf(i).String())), got, want); err != "" {
			return leaf(i).String() + ": " + err
		}
		switch {
		case got == "NODATA": // RFC 7871 7.4
			if f.Scope.IsValid() {
				return fmt.Sprintf("%s: a denial for %s", leaf(i), f.Scope)
			}
			if want.Bits() > 0 && !f.Uncacheable {
				return fmt.Sprintf("%s: a denial that others do not get may be kept", leaf(i))
			}
			continue
		case want.Bits() == 0:
			if f.Scope.IsValid() && f.Scope.Bits() != 1 {
				return fmt.Sprintf("%s: all hear the same, and it is told for %s", leaf(i), f.Scope)
			}
			continue
		case f.Scope != want:
			return fmt.Sprintf("%s: scope %s, not %s", leaf(i), f.Scope, want)
		}
		scopes = append(scopes, f.Scope)
	}
	for i, p := range scopes {
		for _, q := range scopes[i+1:] {
			if p != q && p.Overlaps(q) {
				return fmt.Sprintf("%s and %s overlap", p, q)
			}
		}
	}
	return ""
}

// chosen says what is wrong with the Choice of a finding: it has to tell of all clients what
// Find tells, and gives one number to those alone who hear the same.
func chosen(f tailor.Finding, a netip.Addr, numbered map[int]string) string {
	if f.Choice == nil {
		if f.Scope.IsValid() && f.Kind == zones.Answer {
			return fmt.Sprintf("%s: an answer for %s without a choice", a, f.Scope)
		}
		return ""
	}
	number, scope, wanted, ok := f.Choice.Of(a, netip.Prefix{})
	if ok != (f.Kind == zones.Answer) {
		return fmt.Sprintf("%s: %s, and there is a choice: %v", a, f.Kind, ok)
	}
	if !ok {
		return ""
	}
	if scope != f.Scope || wanted != f.Wanted {
		return fmt.Sprintf("%s: scope %s, and by choice %s", a, f.Scope, scope)
	}
	if said, known := numbered[number]; known && said != string(f.Set.Data) {
		return fmt.Sprintf("%s: number %d has two answers", a, number)
	}
	numbered[number] = string(f.Set.Data)
	return ""
}

// hinted says what is wrong with an HTTPS record beside an A record, whose scope is known.
func hinted(f tailor.Finding, address string, scope netip.Prefix) string {
	rr := said(f)
	for a := range strings.FieldsSeq(strings.Trim(address, "[]")) {
		if a != "NODATA" && !strings.Contains(rr, a) {
			return fmt.Sprintf("%s beside %s", rr, address)
		}
	}
	if strings.Contains(rr, "ipv4hint") != (address != "NODATA") {
		return fmt.Sprintf("%s beside %s", rr, address)
	}
	if f.Scope != scope && (scope.Bits() > 0 || f.Scope.Bits() > 1) {
		return fmt.Sprintf("HTTPS for %s, A for %s", f.Scope, scope)
	}
	return ""
}

// Who tells too little hears what some there hear, for as much as was told, and how much
// more it takes.
func TestE30CoarseSourcesAreToldHowMuchMore(t *testing.T) {
	t.Parallel()
	d := worked(t)
	z := tailor.New(base(t), &d.Overlay, tailor.Options{Atlas: atlas(compile(t, &d.Overlay, worldOfFour()...))})
	f := z.Find(name("www"), lookup.TypeA, at("203.0.112.0/20"))
	if f.Scope.String() != "203.0.112.0/20" || f.Wanted != 21 {
		t.Errorf("scope %s, wanted %d", f.Scope, f.Wanted)
	}
	f = z.Find(name("www"), lookup.TypeA, at("203.0.112.0/21"))
	if f.Scope.String() != "203.0.112.0/21" || f.Wanted != 0 || said(f) != "203.0.113.80" {
		t.Errorf("scope %s, wanted %d: %s", f.Scope, f.Wanted, said(f))
	}
}
