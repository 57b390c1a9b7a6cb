package dns64

import (
	"sync/atomic"

	"github.com/sextant-dns/sextant/lookup"
)

// Stats counts what became of the queries. Each query is counted once.
type Stats struct {
	Standard uint64 // AAAA synthesized in standard mode
	Forced   uint64 // AAAA synthesized in forced mode
	Denied   uint64 // AAAA answered NODATA, as HideNative or Exclude want it
	Filtered uint64 // answers that lost some of their RRs
	Hidden   uint64 // A answered NODATA
	Withheld uint64 // HTTPS and SVCB answered NODATA
	Reverse  uint64 // PTR led to in-addr.arpa
	Local    uint64 // ipv4only.arpa and its reverse names
	Passed   uint64 // everything else: the next resolver's outcome as it was
}

// Stats is a snapshot of the counters since New.
func (d *DNS64) Stats() Stats {
	c := &d.count
	return Stats{
		Standard: c.standard.Load(),
		Forced:   c.forced.Load(),
		Denied:   c.denied.Load(),
		Filtered: c.filtered.Load(),
		Hidden:   c.hidden.Load(),
		Withheld: c.withheld.Load(),
		Reverse:  c.reverse.Load(),
		Local:    c.local.Load(),
		Passed:   c.passed.Load(),
	}
}

type counters struct {
	standard, forced, denied, filtered, hidden, withheld, reverse, local, passed atomic.Uint64
}

// decided counts the end of an AAAA question.
func (c *counters) decided(m Mode, a Action) {
	switch {
	case a == Synthesize && m == Forced:
		c.forced.Add(1)
	case a == Synthesize:
		c.standard.Add(1)
	case a == Filter:
		c.filtered.Add(1)
	case a == Deny:
		c.denied.Add(1)
	default:
		c.passed.Add(1)
	}
}

// hid counts a question of type t whose answer the rule hides.
func (c *counters) hid(t lookup.Type) {
	if isService(t) {
		c.withheld.Add(1)
		return
	}
	c.hidden.Add(1)
}
