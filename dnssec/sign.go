package dnssec

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/cloudflare/circl/sign/ed448"

	"github.com/sextant-dns/sextant/lookup"
)

// Signer signs RRsets with one key of a zone. It is safe for concurrent use when
// its private key is, as those of the standard library are.
type Signer struct {
	Key     Key
	private crypto.Signer
}

var errKeyKind = errors.New("private key is not of the algorithm's kind")

// NewSigner makes a Signer of zone out of a private key: *rsa.PrivateKey,
// *ecdsa.PrivateKey, ed25519.PrivateKey or the ed448.PrivateKey of cloudflare/circl,
// or whatever keeps such a key elsewhere.
func NewSigner(zone lookup.Name, algorithm Algorithm, flags uint16, private crypto.Signer) (Signer, error) {
	field, err := publicField(private.Public())
	if err != nil {
		return Signer{}, err
	}
	rdata := string([]byte{byte(flags >> 8), byte(flags), 3, byte(algorithm)}) + field
	k, _ := parseKey(zone, rdata)
	switch {
	case k.fault != "":
		return Signer{}, fmt.Errorf("%s: the key %s", algorithm, k.fault)
	case k.public == nil:
		return Signer{}, fmt.Errorf("algorithm %s: %w", algorithm, errors.ErrUnsupported)
	}
	if public, ok := k.public.(interface{ Equal(crypto.PublicKey) bool }); !ok || !public.Equal(private.Public()) {
		return Signer{}, errKeyKind
	}
	return Signer{Key: k, private: private}, nil
}

// publicField is the public key as a DNSKEY has it.
func publicField(public crypto.PublicKey) (string, error) {
	switch key := public.(type) {
	case *rsa.PublicKey: // RFC 3110 2; no exponent that is in use needs the long form
		e := big.NewInt(int64(key.E)).Bytes()
		return string([]byte{byte(len(e))}) + string(e) + string(key.N.Bytes()), nil
	case *ecdsa.PublicKey: // RFC 6605 4
		point, err := key.Bytes()
		if err != nil {
			return "", err
		}
		return string(point[1:]), nil
	case ed25519.PublicKey:
		return string(key), nil
	case ed448.PublicKey:
		return string(key), nil
	}
	return "", errKeyKind
}

// GenerateKey makes a Signer of zone with a fresh key; RSA keys have 2048 bits.
func GenerateKey(zone lookup.Name, algorithm Algorithm, flags uint16) (Signer, error) {
	var private crypto.Signer
	var err error
	switch algorithm {
	case RSASHA1, RSASHA1NSEC3, RSASHA256, RSASHA512:
		private, err = rsa.GenerateKey(rand.Reader, 2048)
	case ECDSAP256SHA256:
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case ECDSAP384SHA384:
		private, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case ED25519:
		_, private, err = ed25519.GenerateKey(rand.Reader)
	case ED448:
		_, private, err = ed448.GenerateKey(rand.Reader)
	default:
		err = fmt.Errorf("algorithm %s: %w", algorithm, errors.ErrUnsupported)
	}
	if err != nil {
		return Signer{}, err
	}
	return NewSigner(zone, algorithm, flags, private)
}

// Fields are those of the RRSIG that Sign makes, without the signature.
func (s Signer) Fields(set lookup.RRset, inception, expiration time.Time) Signature {
	return Signature{
		Covered:     set.Type,
		Algorithm:   s.Key.Algorithm,
		Labels:      uint8(labelsOf(set.Name)),
		OriginalTTL: set.TTL,
		Expiration:  uint32(expiration.Unix()),
		Inception:   uint32(inception.Unix()),
		Tag:         s.Key.Tag,
		Signer:      s.Key.Owner,
	}
}

// Sign is set with one more RRSIG, valid in the time given (RFC 4035 2.2). set must
// belong to the signer's zone.
func (s Signer) Sign(set lookup.RRset, inception, expiration time.Time) (lookup.RRset, error) {
	if !set.Name.IsSubdomainOf(s.Key.Owner) || set.Data == "" {
		return lookup.RRset{}, fmt.Errorf("%s %s is no data of %s", set.Name, set.Type, s.Key.Owner)
	}
	rdata, err := s.SignAs(set, s.Fields(set, inception, expiration))
	if err != nil {
		return lookup.RRset{}, err
	}
	set.Sigs += lookup.PackRdata(rdata)
	return set, nil
}

// SignAs is the rdata of an RRSIG over set whose fields are those of fields, right
// or wrong; only the signature is computed. It is for tests, and for whoever signs
// what a wildcard stands for.
func (s Signer) SignAs(set lookup.RRset, fields Signature) (string, error) {
	var c canon
	c.load(set.Type, set.Data)
	octets, err := s.signature(c.signed(fields, set.Name, set.Type))
	if err != nil {
		return "", err
	}
	fields.Octets = string(octets)
	return fields.Rdata(), nil
}

func (s Signer) signature(message []byte) ([]byte, error) {
	switch s.Key.Algorithm {
	case ED25519, ED448:
		return s.private.Sign(rand.Reader, message, crypto.Hash(0))
	}
	hash, digest := digestFor(s.Key.Algorithm, message)
	octets, err := s.private.Sign(rand.Reader, digest, hash)
	curve, isECDSA := s.Key.public.(*ecdsa.PublicKey)
	if err != nil || !isECDSA {
		return octets, err
	}
	var rs struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(octets, &rs); err != nil {
		return nil, err
	}
	half := (curve.Curve.Params().BitSize + 7) / 8
	raw := make([]byte, 2*half)
	rs.R.FillBytes(raw[:half])
	rs.S.FillBytes(raw[half:])
	return raw, nil
}

// DNSKEY is the DNSKEY RRset of these signers' zone, in their order.
func DNSKEY(ttl uint32, signers ...Signer) lookup.RRset {
	set := lookup.RRset{Type: lookup.TypeDNSKEY, TTL: ttl}
	for _, s := range signers {
		set.Name = s.Key.Owner
		set.Data += lookup.PackRdata(s.Key.Rdata)
	}
	return set
}

// NSEC3Hash is the hash of name that is its NSEC3 owner's first label (RFC 5155 5),
// in base32hex and lower case. It costs no budget: it is for signers.
func NSEC3Hash(name lookup.Name, iterations uint16, salt string) string {
	h := hashName(name, int(iterations), salt)
	return base32hex.EncodeToString(h[:])
}

// Bitmap is the Type Bit Maps field of NSEC and NSEC3 for types in any order
// (RFC 4034 4.1.2).
func Bitmap(types ...lookup.Type) string {
	var windows [256][]byte
	for _, t := range types {
		w, at := t>>8, int(t&0xff)/8
		for len(windows[w]) <= at {
			windows[w] = append(windows[w], 0)
		}
		windows[w][at] |= 0x80 >> (t & 7)
	}
	var b []byte
	for w, bits := range windows {
		if len(bits) > 0 {
			b = append(binary.BigEndian.AppendUint16(b, uint16(w)<<8|uint16(len(bits))), bits...)
		}
	}
	return string(b)
}
