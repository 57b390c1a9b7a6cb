package lookup

import (
	"cmp"
	"sync/atomic"
)

// Limits are the bounds of a Budget. A zero field takes the default.
type Limits struct {
	Upstream int // messages sent to other servers; default 100
	Aliases  int // CNAMEs and DNAMEs followed, from cache or network; default 11

	// What validation may compute (KeyTrap, CVE-2023-50387; CVE-2023-50868).
	// A cold chain of four aliases in four signed zones checks about 20 signatures.
	Signatures int // checked, good or bad; default 32
	Forgeries  int // of these, those that were bad; default 4
	Hashes     int // of NSEC3 names; default 32
}

// Budget is the ledger of one client query: every sub-query, alias, retry and
// proof that it causes is paid from here, and nothing refills it. It is safe for
// concurrent use.
type Budget struct {
	upstream, aliases             atomic.Int32
	signatures, forgeries, hashes atomic.Int32
	limits                        Limits
}

// NewBudget is a full ledger.
func NewBudget(l Limits) *Budget {
	l.Upstream = cmp.Or(l.Upstream, 100)
	l.Aliases = cmp.Or(l.Aliases, 11)
	l.Signatures = cmp.Or(l.Signatures, 32)
	l.Forgeries = cmp.Or(l.Forgeries, 4)
	l.Hashes = cmp.Or(l.Hashes, 32)
	b := &Budget{limits: l}
	b.upstream.Store(int32(l.Upstream))
	b.aliases.Store(int32(l.Aliases))
	b.signatures.Store(int32(l.Signatures))
	b.forgeries.Store(int32(l.Forgeries))
	b.hashes.Store(int32(l.Hashes))
	return b
}

// Upstream pays for one message to another server; false when nothing is left.
func (b *Budget) Upstream() bool { return b.upstream.Add(-1) >= 0 }

// Alias pays for following one CNAME or DNAME; false when nothing is left.
func (b *Budget) Alias() bool { return b.aliases.Add(-1) >= 0 }

// Signature pays for one check of a signature; false when nothing is left, or
// when too many have turned out bad already.
func (b *Budget) Signature() bool { return b.forgeries.Load() > 0 && b.signatures.Add(-1) >= 0 }

// Forgery notes that a signature that was paid for is bad.
func (b *Budget) Forgery() { b.forgeries.Add(-1) }

// Hash pays for hashing one name as NSEC3 does (RFC 5155 5); false when nothing
// is left.
func (b *Budget) Hash() bool { return b.hashes.Add(-1) >= 0 }

// Sent is how many messages to other servers have been paid for.
func (b *Budget) Sent() int { return b.limits.Upstream - int(max(b.upstream.Load(), 0)) }

// Followed is how many aliases have been paid for.
func (b *Budget) Followed() int { return b.limits.Aliases - int(max(b.aliases.Load(), 0)) }

// Limits are those that the ledger began with, defaults filled in.
func (b *Budget) Limits() Limits { return b.limits }

// Hashed is how many NSEC3 names have been paid for.
func (b *Budget) Hashed() int { return b.limits.Hashes - int(max(b.hashes.Load(), 0)) }

// Checked is how many signatures have been paid for.
func (b *Budget) Checked() int { return b.limits.Signatures - int(max(b.signatures.Load(), 0)) }
