package lookup

import "sync/atomic"

// Limits are the bounds of a Budget. A zero field takes the default.
type Limits struct {
	Upstream int // messages sent to other servers; default 100
	Aliases  int // CNAMEs and DNAMEs followed, from cache or network; default 11
}

// Budget is the ledger of one client query: every sub-query, alias and retry
// that it causes is paid from here, and nothing refills it. It is safe for
// concurrent use.
type Budget struct {
	upstream, aliases atomic.Int32
	limits            Limits
}

// NewBudget is a full ledger.
func NewBudget(l Limits) *Budget {
	if l.Upstream == 0 {
		l.Upstream = 100
	}
	if l.Aliases == 0 {
		l.Aliases = 11
	}
	b := &Budget{limits: l}
	b.upstream.Store(int32(l.Upstream))
	b.aliases.Store(int32(l.Aliases))
	return b
}

// Upstream pays for one message to another server; false when nothing is left.
func (b *Budget) Upstream() bool { return b.upstream.Add(-1) >= 0 }

// Alias pays for following one CNAME or DNAME; false when nothing is left.
func (b *Budget) Alias() bool { return b.aliases.Add(-1) >= 0 }

// Sent is how many messages to other servers have been paid for.
func (b *Budget) Sent() int { return b.limits.Upstream - int(max(b.upstream.Load(), 0)) }
