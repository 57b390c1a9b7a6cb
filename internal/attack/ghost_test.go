package attack_test

import (
	"testing"
	"testing/synctest"

	"github.com/sextant-dns/sextant/internal/attack"
	"github.com/sextant-dns/sextant/resolver"
)

// What a parent has withdrawn is gone when the last delegation that it gave has
// expired, whatever the zone and its clients do.
func TestGhostsEndWithTheirDelegation(t *testing.T) {
	t.Parallel()
	for _, g := range []attack.Ghost{attack.GhostDomain(), attack.GhostByNS(), attack.PhoenixT1(), attack.PhoenixT2(100)} {
		for _, heir := range []bool{false, true} {
			name := g.Name
			if heir {
				name += ", with an heir"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					haunted := attack.Haunt(g, heir, resolver.Options{})
					t.Logf("asked until %v after it was withdrawn", haunted)
					if haunted == 0 {
						t.Error("it was never there")
					}
					if haunted > attack.GhostTTL {
						t.Errorf("want at most %v", attack.GhostTTL)
					}
				})
			})
		}
	}
}
