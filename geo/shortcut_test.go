package geo

import (
	"math/rand/v2"
	"net/netip"
	"sync"
	"testing"
)

// drawn is a network in one of few first octets, so that networks nest and stand side by side.
func drawn(r *rand.Rand, most int) netip.Prefix {
	a := netip.AddrFrom4([4]byte{byte(10 + r.IntN(4)), byte(r.IntN(256)), byte(r.IntN(256)), byte(r.IntN(256))})
	return netip.PrefixFrom(a, most-r.IntN(20)).Masked()
}

// mapOf is a Map of so many networks that drawn makes.
func mapOf(t *testing.T, r *rand.Rand, networks int) *Map {
	t.Helper()
	var all []Selector
	for range networks {
		all = append(all, Selector{Kind: Network, Value: drawn(r, 24).String()})
	}
	m, err := Compile(all, Sources{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// grouped is an Equivalence with so many groups.
func grouped(m *Map, groups uint32) *Equivalence {
	return m.Equivalence(func(c Class) uint32 { return uint32(c) * 2654435761 >> 16 % groups })
}

// Whoever goes along a shortcut comes where steps from the root lead: class and scope are the
// same.
func TestShortcutsLeadWhereStepsLead(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 1))
	for _, networks := range []int{0, 1, 10, 300, 3000, 20_000} {
		m := mapOf(t, r, networks)
		for _, groups := range []uint32{1, 2, 7} {
			short, steps := grouped(m, groups), grouped(m, groups)
			m.tables.give(short)
			kinds := map[shortcut]int{}
			for range 20_000 {
				p := drawn(r, 32)
				class, scope := short.Locate(p)
				want, whole := steps.Locate(p)
				if class != want || scope != whole {
					t.Fatalf("%d networks, %d groups, %v: %d for %v, not %d for %v", networks, groups, p, class, scope, want, whole)
				}
			}
			for i := range short.shortcuts.Load() {
				kinds[shortcut(short.shortcuts.Load()[i].Load()).kind()]++
			}
			if kinds[ended] == 0 || networks >= 300 && groups > 1 && (kinds[shortcut(branch)] == 0 || kinds[shortcut(chain)] == 0) {
				t.Errorf("%d networks, %d groups: shortcuts of the kinds %v", networks, groups, kinds)
			}
			if steps.shortcuts.Load() != nil {
				t.Error("nothing was compared with steps")
			}
		}
	}
}

// Shortcuts are for those who are asked often, and there is a bound to them: who got them first
// loses them first, and gets them again in time. Nobody hears anything else for it.
func TestShortcutsAreForThoseAskedOften(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(2, 2))
	m := mapOf(t, r, 300)
	if m.tables.most != 1 {
		t.Fatalf("shortcuts for %d", m.tables.most)
	}
	p := netip.MustParsePrefix("10.1.2.0/24")
	ask := func(e *Equivalence, times int) {
		for range times {
			e.Locate(p)
		}
	}
	first, second := grouped(m, 2), grouped(m, 3)
	class, scope := first.Locate(p)
	has := func(of string, e *Equivalence, want bool) {
		t.Helper()
		if got := e.shortcuts.Load() != nil; got != want {
			t.Errorf("%s: shortcuts: %v", of, got)
		}
	}
	ask(first, often-2)
	has("the first, not yet often", first, false)
	ask(first, 1)
	has("the first", first, true)
	ask(second, often)
	has("the second", second, true)
	has("the first after the second", first, false)
	ask(first, often)
	has("the first again", first, true)
	has("the second, whose turn is over", second, false)
	if again, same := first.Locate(p); again != class || same != scope {
		t.Errorf("%d for %v, not %d for %v", again, same, class, scope)
	}
}

// Shortcuts come and go while others use them.
func TestShortcutsAreForManyAtOnce(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 3))
	m := mapOf(t, r, 300)
	e, steps := grouped(m, 3), grouped(m, 3)
	var asked []netip.Prefix
	for range 500 {
		asked = append(asked, drawn(r, 32))
	}
	var running sync.WaitGroup
	for range 4 {
		running.Go(func() {
			for range 4 {
				e.Warm(asked)
				for _, p := range asked {
					class, scope := e.Locate(p)
					if want, whole := steps.Locate(p); class != want || scope != whole {
						t.Errorf("%v: %d for %v, not %d for %v", p, class, scope, want, whole)
					}
				}
			}
		})
	}
	for range 20 {
		m.tables.give(e)
		m.tables.give(grouped(m, 2))
	}
	running.Wait()
}

// How many Equivalences have shortcuts depends on the Map: none where there are no numbers for
// its slots or classes.
func TestShortcutsTakeNoMoreThanTheMap(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ slots, classes, want int }{
		{1, 1, 1}, {652_435, 13, 39}, {indices, indices, 2048}, {indices + 1, 2, 0}, {1, indices + 1, 0},
	} {
		if most := newTables(c.slots, c.classes).most; most != c.want {
			t.Errorf("%+v: %d", c, most)
		}
	}
}
