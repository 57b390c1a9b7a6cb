package resolver

import (
	"sync/atomic"
	"time"

	"github.com/sextant-dns/sextant/ecs"
)

// SubnetStats is what servers were told of clients (RFC 7871). All is 0 as long as no
// policy tells anything.
type SubnetStats struct {
	Sent     uint64                // messages to servers with an option
	Withheld map[ecs.Reason]uint64 // those without one, by why
	Confirms uint64                // those over TCP that made sure that an answer is for everyone (RFC 7871 11.2)

	Refused uint64 // queries of clients whose option may not be passed on
	Unkept  uint64 // answers that were not remembered, as their zone or client had its share
	Kept    int    // answers for a network that are remembered and alive
}

// withheld are the reasons for which nothing is told, in the order of their counters.
func withheld() [12]ecs.Reason {
	return [...]ecs.Reason{
		ecs.BecauseOff, ecs.BecauseType, ecs.BecauseOptOut, ecs.BecauseNobody, ecs.BecauseNoOption, ecs.BecauseNetwork,
		ecs.BecausePrivate, ecs.BecauseForeign, ecs.BecauseDelegating, ecs.BecauseServer, ecs.BecauseNoSupport, ecs.BecauseRetry,
	}
}

type subnetCounters struct {
	sent, confirms, refused, unkept atomic.Uint64
	withheld                        [12]atomic.Uint64
}

// withhold counts a message that tells nothing.
func (c *subnetCounters) withhold(why ecs.Reason) {
	for i, reason := range withheld() {
		if reason == why {
			c.withheld[i].Add(1)
		}
	}
}

func (r *Resolver) subnetStats(now time.Time) SubnetStats {
	c := &r.counters.subnets
	s := SubnetStats{
		Sent:     c.sent.Load(),
		Withheld: map[ecs.Reason]uint64{},
		Confirms: c.confirms.Load(),
		Refused:  c.refused.Load(),
		Unkept:   c.unkept.Load(),
		Kept:     r.subnets.quota.Alive(now),
	}
	for i, reason := range withheld() {
		if n := c.withheld[i].Load(); n > 0 {
			s.Withheld[reason] = n
		}
	}
	return s
}
