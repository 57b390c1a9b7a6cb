package resolver_test

import (
	"maps"
	"testing"

	"github.com/sextant-dns/sextant/ecs"
)

func TestWhatIsToldOfClientsIsCounted(t *testing.T) {
	t.Parallel()
	c := newCDN(t, 24)
	base := c.resolver()
	r := base.With(policyOf(t, ecs.Options{Send: ecs.SendAddress}))
	from(t, r, "www.example.com. A", "9.8.7.6", "")
	from(t, r, "www.example.com. A", "9.9.9.9", "")
	from(t, r, "www.example.com. A", "9.9.9.8", "")           // from memory
	from(t, r, "other.example.com. A", "10.1.1.1", "")        // private
	from(t, r, "short.example.com. A", "9.8.7.6", "::/0")     // opt-out
	from(t, r, "www.example.com. A", "9.8.7.6", "9.9.9.0/24") // somebody else's: refused
	s := base.Stats().Subnets
	want := map[ecs.Reason]uint64{ecs.BecauseDelegating: 2, ecs.BecausePrivate: 1, ecs.BecauseOptOut: 1}
	if s.Sent != 2 || s.Refused != 1 || s.Kept != 2 || s.Unkept != 0 || s.Confirms != 0 || !maps.Equal(s.Withheld, want) {
		t.Errorf("%+v", s)
	}
	if s := c.resolver().Stats().Subnets; s.Sent != 0 || len(s.Withheld) != 0 {
		t.Errorf("off: %+v", s)
	}
}
