package tsig

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"hash"

	"github.com/sextant-dns/sextant/lookup"
)

// Algorithm is the name of an algorithm, such as hmac-sha256.
type Algorithm string

// The algorithms (RFC 8945 6). The names with a second number stand for the first
// so many bits of the MAC. HMAC-SHA1 is for peers that have nothing better.
const (
	HMACSHA1       Algorithm = "hmac-sha1"
	HMACSHA224     Algorithm = "hmac-sha224"
	HMACSHA256     Algorithm = "hmac-sha256"
	HMACSHA256_128 Algorithm = "hmac-sha256-128"
	HMACSHA384     Algorithm = "hmac-sha384"
	HMACSHA384_192 Algorithm = "hmac-sha384-192"
	HMACSHA512     Algorithm = "hmac-sha512"
	HMACSHA512_256 Algorithm = "hmac-sha512-256"
)

// Key is a secret that two servers share.
type Key struct {
	Name      lookup.Name
	Algorithm Algorithm
	Secret    []byte // must not be changed

	// Least is how many octets of a MAC must be there at least: a MAC may be sent
	// shorter than it is (RFC 8945 5.2.2.1). 0: all of it.
	Least int
}

// Check tells what is wrong with a key.
func (k Key) Check() error {
	_, size, ok := k.Algorithm.hash()
	switch {
	case k.Name == "":
		return fmt.Errorf("a key without a name")
	case !ok:
		return fmt.Errorf("key %s: no algorithm %q", k.Name, string(k.Algorithm))
	case len(k.Secret) == 0:
		return fmt.Errorf("key %s: no secret", k.Name)
	case k.Least < 0 || k.Least > size:
		return fmt.Errorf("key %s: a MAC of %s has %d octets", k.Name, k.Algorithm, size)
	}
	return nil
}

// hash is the hash of the algorithm and how many octets its MACs have.
func (a Algorithm) hash() (h func() hash.Hash, size int, ok bool) {
	switch a {
	case HMACSHA1:
		return sha1.New, sha1.Size, true
	case HMACSHA224:
		return sha256.New224, sha256.Size224, true
	case HMACSHA256:
		return sha256.New, sha256.Size, true
	case HMACSHA256_128:
		return sha256.New, 16, true
	case HMACSHA384:
		return sha512.New384, sha512.Size384, true
	case HMACSHA384_192:
		return sha512.New384, 24, true
	case HMACSHA512:
		return sha512.New, sha512.Size, true
	case HMACSHA512_256:
		return sha512.New, 32, true
	}
	return nil, 0, false
}

// wire is the algorithm's name as it stands in messages.
func (a Algorithm) wire() lookup.Name {
	return lookup.Name(append(append([]byte{byte(len(a))}, a...), 0))
}

// size is how many octets the key's MACs have.
func (k Key) size() int {
	_, size, _ := k.Algorithm.hash()
	return size
}

// mac begins a MAC. The key must be good.
func (k Key) mac() hash.Hash {
	h, _, _ := k.Algorithm.hash()
	return hmac.New(h, k.Secret)
}

// least is the shortest MAC that the key's owner takes.
func (k Key) least() int {
	if k.Least > 0 {
		return k.Least
	}
	return k.size()
}

// shortest is the shortest MAC that anybody may take (RFC 8945 5.2.2.1): ten
// octets, and half of what the hash gives.
func (k Key) shortest() int {
	h, _, _ := k.Algorithm.hash()
	return max(10, h().Size()/2)
}
