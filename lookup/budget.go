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
	// What has been asked to be paid for: more than the limits, once it was refused. A
	// ledger that begins with nothing in it costs nothing to lay out.
	upstream, aliases             atomic.Int32
	signatures, forgeries, hashes atomic.Int32
	limits                        Limits
	messages                      *Budget // pays for messages and aliases in the place of this one; nil: this one does
}

// NewBudget is a full ledger.
func NewBudget(l Limits) *Budget {
	return &Budget{limits: Limits{
		Upstream:   cmp.Or(l.Upstream, 100),
		Aliases:    cmp.Or(l.Aliases, 11),
		Signatures: cmp.Or(l.Signatures, 32),
		Forgeries:  cmp.Or(l.Forgeries, 4),
		Hashes:     cmp.Or(l.Hashes, 32),
	}}
}

// Aside is a ledger for a second way to the same answer, so that what does not validate on
// one does not use up what the other may compute: messages and aliases are paid from b, and
// of all else it has as much as b began with. There is one second way: that of an Aside is
// itself.
func (b *Budget) Aside() *Budget {
	if b.messages != nil {
		return b
	}
	aside := NewBudget(b.limits)
	aside.messages = b
	return aside
}

// purse is who pays for messages and aliases.
func (b *Budget) purse() *Budget {
	if b.messages != nil {
		return b.messages
	}
	return b
}

// Upstream pays for one message to another server; false when nothing is left.
func (b *Budget) Upstream() bool { return pay(&b.purse().upstream, b.limits.Upstream) }

// Alias pays for following one CNAME or DNAME; false when nothing is left.
func (b *Budget) Alias() bool { return pay(&b.purse().aliases, b.limits.Aliases) }

// Signature pays for one check of a signature; false when nothing is left, or
// when too many have turned out bad already.
func (b *Budget) Signature() bool {
	return int(b.forgeries.Load()) < b.limits.Forgeries && pay(&b.signatures, b.limits.Signatures)
}

// Forgery notes that a signature that was paid for is bad.
func (b *Budget) Forgery() { b.forgeries.Add(1) }

// Hash pays for hashing one name as NSEC3 does (RFC 5155 5); false when nothing
// is left.
func (b *Budget) Hash() bool { return pay(&b.hashes, b.limits.Hashes) }

// pay notes one more, and tells whether there was one left.
func pay(asked *atomic.Int32, limit int) bool { return int(asked.Add(1)) <= limit }

// paid is how many there were.
func paid(asked *atomic.Int32, limit int) int { return min(int(asked.Load()), max(limit, 0)) }

// Sent is how many messages to other servers have been paid for.
func (b *Budget) Sent() int { return paid(&b.purse().upstream, b.limits.Upstream) }

// Followed is how many aliases have been paid for.
func (b *Budget) Followed() int { return paid(&b.purse().aliases, b.limits.Aliases) }

// Limits are those that the ledger began with, defaults filled in.
func (b *Budget) Limits() Limits { return b.limits }

// Hashed is how many NSEC3 names have been paid for.
func (b *Budget) Hashed() int { return paid(&b.hashes, b.limits.Hashes) }

// Checked is how many signatures have been paid for.
func (b *Budget) Checked() int { return paid(&b.signatures, b.limits.Signatures) }
