package geo

import (
	"math/rand/v2"
	"net/netip"
	"testing"
)

// Where a descent begins changes nothing: class and scope are those of one from the root.
func TestJumpsLeadWhereStepsLead(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 1))
	draw := func(most int) netip.Prefix {
		// Few first octets, so that networks nest and stand side by side.
		a := netip.AddrFrom4([4]byte{byte(10 + r.IntN(4)), byte(r.IntN(256)), byte(r.IntN(256)), byte(r.IntN(256))})
		return netip.PrefixFrom(a, most-r.IntN(16)).Masked()
	}
	for _, networks := range []int{10, 300, 3000, 20_000} {
		var all []Selector
		for range networks {
			all = append(all, Selector{Kind: Network, Value: draw(24).String()})
		}
		m, err := Compile(all, Sources{})
		if err != nil {
			t.Fatal(err)
		}
		steps := *m
		steps.jumps = nil
		if want := map[int]int{10: 0, 300: 1, 3000: 2, 20_000: 3}[networks]; len(m.jumps) != want {
			t.Errorf("%d networks: %d jumps, not %d, for %d slots", networks, len(m.jumps), want, len(m.slots))
		}
		for _, groups := range []uint32{0, 1, 2, 7} {
			var e, f *Equivalence // none: classes
			if groups > 0 {
				group := func(c Class) uint32 { return uint32(c) * 2654435761 >> 16 % groups }
				e, f = m.Equivalence(group), steps.Equivalence(group)
			}
			jumped := 0
			for range 5000 {
				p := draw(32)
				class, scope := m.locate(p, e)
				want, whole := steps.locate(p, f)
				if class != want || scope != whole {
					t.Fatalf("%d networks, %d groups, %v: %d for %v, not %d for %v", networks, groups, p, class, scope, want, whole)
				}
				if m.begin(place{ref: m.v4, addr: bits{hi: uint64(p.Addr().As4()[0]) << 56}, known: 8}, e).depth > 0 {
					jumped++
				}
			}
			if len(m.jumps) > 0 && groups != 1 && jumped == 0 {
				t.Errorf("%d networks, %d groups: nothing begins below the root", networks, groups)
			}
		}
	}
}
