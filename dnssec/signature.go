package dnssec

import (
	"github.com/sextant-dns/sextant/lookup"
)

// Signature is the rdata of an RRSIG (RFC 4034 3.1).
type Signature struct {
	Covered     lookup.Type
	Algorithm   Algorithm
	Labels      uint8
	OriginalTTL uint32
	Expiration  uint32 // seconds since 1970 in serial arithmetic (RFC 4034 3.1.5)
	Inception   uint32
	Tag         uint16
	Signer      lookup.Name
	Octets      string
}

// ParseSignature reads RRSIG rdata; ok is false when it is malformed.
func ParseSignature(rdata string) (s Signature, ok bool) { return Signature{}, false }

// SignerOf is the zone that claims to have signed set: the signer of its first
// well-formed RRSIG that encloses the set's owner; ok is false when there is none.
func SignerOf(set lookup.RRset) (zone lookup.Name, ok bool) { return "", false }

// MaxSignatures is how many RRSIGs of an RRset are tried.
const MaxSignatures = 4

// Verify checks that one of keys, the keys of zone, signed set. The result is
// Secure or Bogus: whether a zone is signed in a way that can be checked at all
// was decided by Keys. Checks stop at the first good signature.
func (v *Verifier) Verify(set lookup.RRset, zone lookup.Name, keys []Key) Result { return Result{} }
