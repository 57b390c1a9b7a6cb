package geo_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/sextant-dns/sextant/geo"
)

// An oracle knows where addresses are by looking at every rule for every address. It
// shares no code with the trie and knows nothing of bits below a prefix length: the
// space is cut where a rule begins or ends, and whatever is between two cuts is one.
type oracle struct {
	rules    []rule
	embedded []netip.Prefix // where IPv6 addresses are where an IPv4 address is: nowhere
	cuts     []netip.Addr   // ascending, of one family, the first address included
}

type rule struct {
	selector string
	network  netip.Prefix
}

func newOracle(all []rule, v4 bool) *oracle {
	o := &oracle{cuts: []netip.Addr{netip.IPv6Unspecified()}}
	if v4 {
		o.cuts[0] = netip.IPv4Unspecified()
	} else {
		o.embedded = prefixes("::ffff:0:0/96", "64:ff9b::/96", "2002::/16", "2001::/32")
	}
	for _, r := range all {
		if r.network.Addr().Is4() == v4 {
			o.rules = append(o.rules, r)
			o.cut(r.network)
		}
	}
	for _, p := range o.embedded {
		o.cut(p)
	}
	slices.SortFunc(o.cuts, netip.Addr.Compare)
	o.cuts = slices.Compact(o.cuts)
	return o
}

func (o *oracle) cut(p netip.Prefix) {
	o.cuts = append(o.cuts, p.Addr())
	if after := last(p).Next(); after.IsValid() {
		o.cuts = append(o.cuts, after)
	}
}

func prefixes(texts ...string) (all []netip.Prefix) {
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

func last(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < 8*len(b); i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// at is which selectors are true of an address, as text.
func (o *oracle) at(a netip.Addr) string {
	var said []string
	if slices.ContainsFunc(o.embedded, func(p netip.Prefix) bool { return p.Contains(a) }) {
		return "[]"
	}
	for _, r := range o.rules {
		if r.network.Contains(a) {
			said = append(said, r.selector)
		}
	}
	slices.Sort(said)
	return fmt.Sprint(slices.Compact(said))
}

// in is the answers of a prefix, each with how many addresses get it.
func (o *oracle) in(p netip.Prefix, answer func(netip.Addr) string) map[string]float64 {
	from, to := p.Addr(), last(p)
	counts := map[string]float64{}
	for from.Compare(to) <= 0 {
		i, _ := slices.BinarySearchFunc(o.cuts, from, func(cut, a netip.Addr) int { return cmp.Or(cut.Compare(a), -1) })
		end := to
		if i < len(o.cuts) && o.cuts[i].Compare(to) <= 0 {
			end = o.cuts[i].Prev()
		}
		counts[answer(from)] += distance(from, end) + 1
		if from = end.Next(); !from.IsValid() {
			break
		}
	}
	return counts
}

func distance(a, b netip.Addr) (d float64) {
	x, y := a.AsSlice(), b.AsSlice()
	for i := range x {
		d = d*256 + float64(y[i]) - float64(x[i])
	}
	return d
}

func parent(p netip.Prefix) netip.Prefix {
	return netip.PrefixFrom(p.Addr(), p.Bits()-1).Masked()
}

// check holds one Locate to the first two properties: every address of the scope
// gets the answer, and in a scope one bit wider there is another one.
func (o *oracle) check(t *testing.T, asked, scope netip.Prefix, got string, answer func(string) string) {
	t.Helper()
	o.checkWith(t, asked, scope, got, func(a netip.Addr) string { return answer(o.at(a)) })
}

func (o *oracle) checkWith(t *testing.T, asked, scope netip.Prefix, got string, answer func(netip.Addr) string) {
	t.Helper()
	inside := o.in(scope, answer)
	if _, constant := inside[got]; !constant || len(inside) != 1 {
		t.Fatalf("%s: %s is said to be answered %q, and is answered %v", asked, scope, got, inside)
	}
	if scope.Bits() > 0 {
		if around := o.in(parent(scope), answer); len(around) == 1 {
			t.Fatalf("%s: the scope %s could be wider: all of %s is answered %q", asked, scope, parent(scope), got)
		}
	}
	switch {
	case scope.Bits() <= asked.Bits():
		if !scope.Contains(asked.Addr()) {
			t.Fatalf("%s: the scope is elsewhere: %s", asked, scope)
		}
	case !asked.Contains(scope.Addr()):
		t.Fatalf("%s: the scope %s is not within what was asked", asked, scope)
	}
}

// checkMajority holds an answer to a coarse prefix to be that of most addresses.
func (o *oracle) checkMajority(t *testing.T, asked netip.Prefix, got string, answer func(netip.Addr) string) {
	t.Helper()
	most := 0.0
	counts := o.in(asked, answer)
	for _, n := range counts {
		most = max(most, n)
	}
	if counts[got] < most {
		t.Fatalf("%s: answered %s, as %v of its addresses are; another answer has %v", asked, got, counts[got], most)
	}
}

// world is random rules that nest, touch and repeat, with many near each other.
func world(r *rand.Rand, v4 bool) (all []rule) {
	names := []string{"net:a", "net:b", "net:c", "net:d", "net:e"}
	for range 1 + r.IntN(24) {
		all = append(all, rule{names[r.IntN(len(names))], network(r, v4)})
	}
	return all
}

// network is a random prefix, mostly in a corner where others are, too.
func network(r *rand.Rand, v4 bool) netip.Prefix {
	if v4 {
		a := [4]byte{203, 0, byte(112 + r.IntN(16)), byte(r.IntN(256))}
		if r.IntN(4) == 0 {
			a = [4]byte{byte(r.IntN(256)), byte(r.IntN(256))}
		}
		return netip.PrefixFrom(netip.AddrFrom4(a), r.IntN(33)).Masked()
	}
	a := [16]byte{0x20, 0x01, 0x0d, 0xb8, 0, byte(r.IntN(4)), 0, byte(r.IntN(256)), byte(r.IntN(256)), 15: byte(r.IntN(256))}
	if r.IntN(4) == 0 {
		a[0] = byte(0x28 + r.IntN(0x30))
	}
	return netip.PrefixFrom(netip.AddrFrom16(a), 16+r.IntN(113)).Masked()
}

func compileRules(t testing.TB, rules []rule) *geo.Map {
	t.Helper()
	from := geo.Sources{Sets: map[string][]netip.Prefix{}}
	var used []string
	for _, r := range rules {
		name := r.selector[len("net:"):]
		from.Sets[name] = append(from.Sets[name], r.network)
		used = append(used, r.selector)
	}
	return compile(t, from, used...)
}

// said is the selectors of a class as the oracle writes them.
func said(m *geo.Map, c geo.Class) string {
	var texts []string
	for _, s := range m.Selectors(c) {
		texts = append(texts, s.String())
	}
	slices.Sort(texts)
	return fmt.Sprint(texts)
}

func asked(r *rand.Rand, v4 bool, rules []rule) netip.Prefix {
	p := network(r, v4)
	if r.IntN(2) == 0 {
		p = rules[r.IntN(len(rules))].network
		length := min(p.Addr().BitLen(), p.Bits()+r.IntN(9))
		p = netip.PrefixFrom(p.Addr(), length).Masked()
	}
	return p
}

// antichain remembers scopes and finds two that overlap without being equal.
type antichain map[netip.Prefix]bool

func (seen antichain) add(t *testing.T, p netip.Prefix) {
	t.Helper()
	for other := range seen {
		if other != p && other.Overlaps(p) {
			t.Fatalf("two scopes overlap: %s and %s", other, p)
		}
	}
	seen[p] = true
}

// Properties (i) to (v): constant, minimal, an antichain, as the oracle says, and all
// of that again after each change of health, in one Map.
func TestScopesAreAsTheOracleSays(t *testing.T) {
	t.Parallel()
	for seed := range uint64(120) {
		r := rand.New(rand.NewPCG(seed, 7))
		v4 := seed%3 != 0
		rules := world(r, v4)
		m := compileRules(t, rules)
		o := newOracle(rules, v4)
		identity := func(where string) string { return where }
		scopes := antichain{}
		for range 60 {
			p := asked(r, v4, rules)
			class, scope := m.Locate(p)
			o.check(t, p, scope, said(m, class), identity)
			scopes.add(t, scope)
			if scope.Bits() > p.Bits() {
				o.checkMajority(t, p, said(m, class), o.at)
			}
		}
		for range 4 {
			flip(t, r, m, o, rules, v4)
		}
	}
}

// flip is a new state of health: classes are answered alike that were not, and not
// those that were.
func flip(t *testing.T, r *rand.Rand, m *geo.Map, o *oracle, rules []rule, v4 bool) {
	t.Helper()
	sites := map[string]string{}
	answer := func(where string) string {
		if sites[where] == "" {
			sites[where] = fmt.Sprint("site ", r.IntN(2))
		}
		return sites[where]
	}
	e := m.Equivalence(func(c geo.Class) uint32 {
		if answer(said(m, c)) == "site 0" {
			return 0
		}
		return 1
	})
	scopes := antichain{}
	for range 40 {
		p := asked(r, v4, rules)
		class, scope := e.Locate(p)
		o.check(t, p, scope, answer(said(m, class)), answer)
		scopes.add(t, scope)
		if again, same := e.Locate(p); again != class || same != scope {
			t.Fatalf("%s: what is remembered differs: %s, then %s", p, scope, same)
		}
		if scope.Bits() > p.Bits() {
			where := func(a netip.Addr) string { return answer(o.at(a)) }
			o.checkMajority(t, p, answer(said(m, class)), where)
		}
	}
}

// The prefixes that are counted cover the family once, and are those that clients get.
func TestPrefixesTileTheSpace(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 11))
		m := compileRules(t, world(r, true))
		e := m.Equivalence(func(c geo.Class) uint32 { return uint32(c) % 2 })
		next := netip.IPv4Unspecified()
		for p, class := range e.Prefixes() {
			if !p.Addr().Is4() { // without what embeds IPv4 addresses: no tiling
				if _, scope := e.Locate(p); scope != p {
					t.Fatalf("%s is located in %s", p, scope)
				}
				continue
			}
			if p.Addr() != next {
				t.Fatalf("after %s comes %s", next, p)
			}
			got, scope := e.Locate(p)
			if scope != p || got%2 != class%2 {
				t.Fatalf("%s in %d is located in %s, %d", p, class, scope, got)
			}
			next = last(p).Next()
		}
		if next.IsValid() {
			t.Fatalf("nothing comes after %s", next)
		}
	}
}
