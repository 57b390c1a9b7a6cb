package dnssec

import (
	"crypto"

	"github.com/sextant-dns/sextant/lookup"
)

// Key is one RR of a DNSKEY RRset (RFC 4034 2).
type Key struct {
	Owner     lookup.Name
	Flags     uint16
	Protocol  uint8
	Algorithm Algorithm
	Tag       uint16 // RFC 4034 B
	Rdata     string // all of it

	public crypto.PublicKey // nil when the algorithm is unknown or the key malformed
	bits   int              // RSA: of the modulus
	fault  string           // what is malformed about the public key
}

// The flags of a DNSKEY.
const (
	FlagZone   uint16 = 0x0100 // RFC 4034 2.1.1
	FlagRevoke uint16 = 0x0080 // RFC 5011 7
	FlagSEP    uint16 = 0x0001 // RFC 4034 2.1.1; tells a signer something, a validator nothing
)

// IsZone tells whether the key may sign the zone's data (RFC 4034 2.1.1, 2.1.2).
func (k Key) IsZone() bool { return k.Flags&FlagZone != 0 && k.Protocol == 3 }

// IsRevoked tells whether the REVOKE bit is set (RFC 5011 2.1).
func (k Key) IsRevoked() bool { return k.Flags&FlagRevoke != 0 }

// Fault says what is malformed about the public key, "" when nothing is or when
// the algorithm is unknown.
func (k Key) Fault() string { return k.fault }

// MaxKeys is how many RRs of a DNSKEY RRset are looked at; a larger set is bogus.
const MaxKeys = 32

// ParseKeys reads a DNSKEY RRset. RRs too short to be a DNSKEY are left out;
// a key whose public part is malformed stays, with its Fault, since a signature
// that names it has to be paid for (CVE-2025-8677). At most MaxKeys are read.
func ParseKeys(set lookup.RRset) []Key { return nil }

// Keys checks the DNSKEY RRset of a zone against what the parent zone, or a trust
// anchor, says of it, and returns the keys that may sign the zone's data.
//
//   - Secure: a key that one of ds names has signed the set (RFC 4035 5.2).
//   - Insecure: ds is not empty, and nothing in it is of an algorithm, a digest
//     and a key size that the policy supports (RFC 4035 5.2, RFC 6840 5.2, 5.11).
//   - Bogus: everything else, an empty ds and an empty set included.
//
// No keys are returned unless the result is Secure.
func (v *Verifier) Keys(dnskey lookup.RRset, ds []DS) ([]Key, Result) { return nil, Result{} }

// Revoked are the keys of a DNSKEY RRset that are revoked and have signed the set
// themselves (RFC 5011 2.1).
func (v *Verifier) Revoked(dnskey lookup.RRset) []Key { return nil }
