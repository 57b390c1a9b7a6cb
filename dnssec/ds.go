package dnssec

import (
	"github.com/sextant-dns/sextant/lookup"
)

// DS is one RR of a DS RRset, or a trust anchor in that form (RFC 4034 5).
type DS struct {
	Tag       uint16
	Algorithm Algorithm
	Type      DigestType
	Digest    string // octets
}

// MaxDS is how many RRs of a DS RRset are looked at.
const MaxDS = 8

// ParseDS reads a DS RRset. RRs that are malformed, or whose digest has not the
// length that its type demands, are left out; at most MaxDS are read.
func ParseDS(set lookup.RRset) []DS { return nil }

// DSOf is the DS that names key (RFC 4034 5.1.4); ok is false when the digest is
// not supported. It is also how a trust anchor in the form of a DNSKEY becomes
// one in the form of a DS.
func DSOf(key Key, digest DigestType) (ds DS, ok bool) { return DS{}, false }

// Usable are those of ds that can be checked: with a supported algorithm and
// digest, and without SHA-1 when a stronger digest is there (RFC 4509 3). When
// none is left, the zone is insecure and why says which EDE fits. Whether a
// key's size is supported shows only once the DNSKEY RRset is there.
func (p Policy) Usable(ds []DS) (usable []DS, why lookup.EDE) { return nil, lookup.EDE{} }
