package dnssec

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"math/big"

	"github.com/cloudflare/circl/sign/ed448"
)

const maxRSA = 4096 // bits (RFC 3110 2, RFC 5702 2)

// parsePublic reads the public key field of a DNSKEY. fault says what is malformed
// about it; an unknown algorithm gives neither a key nor a fault.
func parsePublic(a Algorithm, field string) (key crypto.PublicKey, bits int, fault string) {
	switch a {
	case RSASHA1, RSASHA1NSEC3, RSASHA256, RSASHA512:
		return parseRSA(field)
	case ECDSAP256SHA256:
		return parseECDSA(elliptic.P256(), field)
	case ECDSAP384SHA384:
		return parseECDSA(elliptic.P384(), field)
	case ED25519: // RFC 8080 3
		if len(field) != ed25519.PublicKeySize {
			return nil, 0, fmt.Sprintf("has an Ed25519 key of %d octets", len(field))
		}
		return ed25519.PublicKey(field), 0, ""
	case ED448: // RFC 8080 3
		if len(field) != ed448.PublicKeySize {
			return nil, 0, fmt.Sprintf("has an Ed448 key of %d octets", len(field))
		}
		return ed448.PublicKey(field), 0, ""
	}
	return nil, 0, ""
}

// parseRSA reads an RSA key (RFC 3110 2): the exponent's length in one octet, or a
// zero and two octets; the exponent; the modulus.
func parseRSA(field string) (crypto.PublicKey, int, string) {
	if len(field) < 3 {
		return nil, 0, "has an RSA key that is too short"
	}
	size, at := int(field[0]), 1
	if size == 0 {
		size, at = int(uint16At(field, 1)), 3
	}
	if size == 0 || at+size >= len(field) {
		return nil, 0, "has an RSA key without exponent or modulus"
	}
	exponent := new(big.Int).SetBytes([]byte(field[at : at+min(size, maxRSA/8)]))
	modulus := field[at+size:]
	if len(modulus) > maxRSA/8 {
		return nil, 0, fmt.Sprintf("has an RSA modulus of %d octets", len(modulus))
	}
	n := new(big.Int).SetBytes([]byte(modulus))
	switch {
	// A verifier's work grows with the exponent, and crypto/rsa takes 31 bits.
	case exponent.BitLen() > 31:
		return nil, n.BitLen(), "has an RSA exponent of more than 31 bits"
	case exponent.Bit(0) == 0 || exponent.BitLen() < 2 || n.Bit(0) == 0:
		return nil, n.BitLen(), "has an even RSA exponent or modulus, or the exponent 1"
	}
	return &rsa.PublicKey{N: n, E: int(exponent.Int64())}, n.BitLen(), ""
}

// parseECDSA reads a point: both coordinates, no prefix (RFC 6605 4).
func parseECDSA(curve elliptic.Curve, field string) (crypto.PublicKey, int, string) {
	key, err := ecdsa.ParseUncompressedPublicKey(curve, append([]byte{4}, field...))
	if err != nil {
		return nil, 0, "has an ECDSA key that is no point of " + curve.Params().Name
	}
	return key, 0, ""
}

// isRSA tells whether the size of a's keys varies.
func isRSA(a Algorithm) bool {
	return a == RSASHA1 || a == RSASHA1NSEC3 || a == RSASHA256 || a == RSASHA512
}

// check tells whether signature is the key's over message.
func (k Key) check(message []byte, signature string) bool {
	switch key := k.public.(type) {
	case *rsa.PublicKey:
		hash, digest := digestFor(k.Algorithm, message)
		return rsa.VerifyPKCS1v15(key, hash, digest, []byte(signature)) == nil
	case *ecdsa.PublicKey: // RFC 6605 4: r and s, each as long as the curve's order
		if len(signature) != 2*((key.Curve.Params().BitSize+7)/8) {
			return false
		}
		_, digest := digestFor(k.Algorithm, message)
		return ecdsa.VerifyASN1(key, digest, appendASN1(make([]byte, 0, 112), signature))
	case ed25519.PublicKey:
		return ed25519.Verify(key, message, []byte(signature))
	case ed448.PublicKey: // RFC 8080 4: no context
		return ed448.Verify(key, message, []byte(signature), "")
	}
	return false
}

// digestFor hashes message as a's signatures do.
func digestFor(a Algorithm, message []byte) (crypto.Hash, []byte) {
	switch a {
	case RSASHA1, RSASHA1NSEC3:
		h := sha1.Sum(message)
		return crypto.SHA1, h[:]
	case RSASHA512:
		h := sha512.Sum512(message)
		return crypto.SHA512, h[:]
	case ECDSAP384SHA384:
		h := sha512.Sum384(message)
		return crypto.SHA384, h[:]
	}
	h := sha256.Sum256(message)
	return crypto.SHA256, h[:]
}

// appendASN1 turns r and s, one after the other, into the SEQUENCE of two INTEGERs
// that crypto/ecdsa reads.
func appendASN1(dst []byte, signature string) []byte {
	dst = append(dst, 0x30, 0)
	half := len(signature) / 2
	for _, number := range [...]string{signature[:half], signature[half:]} {
		for len(number) > 1 && number[0] == 0 {
			number = number[1:]
		}
		pad := int(number[0] >> 7) // an INTEGER is signed
		dst = append(dst, 0x02, byte(len(number)+pad))
		if pad == 1 {
			dst = append(dst, 0)
		}
		dst = append(dst, number...)
	}
	dst[1] = byte(len(dst) - 2)
	return dst
}
