package lifeline

import (
	"fmt"
	"maps"
	"slices"

	"github.com/sextant-dns/sextant/lookup"
)

// Shadow makes a Keeper of one zone of k, for a drill: it begins with what k knows of the
// zone and with k's policy, and from then on what happens to one does not happen to the
// other. Of the options, Zones and Records do not count: nothing is kept.
func (k *Keeper) Shadow(zone lookup.Name, o Options) (*Keeper, error) {
	z := k.zones[zone]
	if z == nil {
		return nil, fmt.Errorf("%s is not protected", zone)
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	o.Records, o.Zones = nil, []Protected{{Zone: zone, Policy: z.m.policy}}
	shadow, err := New(o)
	if err != nil {
		return nil, err
	}
	s := shadow.zones[zone]
	s.m = NewMachine(z.m.policy, z.m.Snapshot, slices.Clone(z.m.Previous), shadow.o.Now())
	s.m.Gone, s.m.Pinned = z.m.Gone, z.m.Pinned
	s.parent, s.ages = z.parent, maps.Clone(z.ages)
	return shadow, nil
}

// ParentOf is the zone above a protected zone, and who serves it, as the last roll-call had
// it; false: there was none yet.
func (k *Keeper) ParentOf(zone lookup.Name) (Parent, bool) {
	z := k.zones[zone]
	if z == nil {
		return Parent{}, false
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	return z.parent, len(z.parent.Hosts) > 0
}
