package dnssec

import (
	"crypto"
	"errors"
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

// Signer signs RRsets with one key of a zone.
type Signer struct {
	Key     Key
	private crypto.Signer
}

// NewSigner makes a Signer of zone out of a private key: *rsa.PrivateKey,
// *ecdsa.PrivateKey or ed25519.PrivateKey, as algorithm demands.
func NewSigner(zone lookup.Name, algorithm Algorithm, flags uint16, private crypto.Signer) (Signer, error) {
	return Signer{}, errors.ErrUnsupported
}

// GenerateKey makes a Signer with a fresh key; RSA keys have 2048 bits.
func GenerateKey(zone lookup.Name, algorithm Algorithm, flags uint16) (Signer, error) {
	return Signer{}, errors.ErrUnsupported
}

// Sign is set with one more RRSIG, valid in the time given.
func (s Signer) Sign(set lookup.RRset, inception, expiration time.Time) (lookup.RRset, error) {
	return lookup.RRset{}, errors.ErrUnsupported
}

// SignAs is the rdata of an RRSIG over set whose fields are those of fields, right
// or wrong; only the signature's octets are computed. It is for tests and for
// signers that know better.
func (s Signer) SignAs(set lookup.RRset, fields Signature) (string, error) {
	return "", errors.ErrUnsupported
}
