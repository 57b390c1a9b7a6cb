package dnssec

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"slices"

	"github.com/sextant-dns/sextant/lookup"
)

// DS is one RR of a DS RRset, or a trust anchor in that form (RFC 4034 5).
type DS struct {
	Tag       uint16
	Algorithm Algorithm
	Type      DigestType
	Digest    string // octets
}

// MaxDS is how many RRs of a DS RRset are used; maxParsed how many are read.
const (
	MaxDS     = 8
	maxParsed = 64
)

// ParseDS reads a DS RRset. RRs too short to be a DS are left out; one whose digest
// has not the length of its type stays, and matches no key.
func ParseDS(set lookup.RRset) []DS {
	var ds []DS
	for rdata := range set.Data.All() {
		if len(rdata) >= 4 && len(ds) < maxParsed {
			ds = append(ds, DS{
				Tag:       uint16At(rdata, 0),
				Algorithm: Algorithm(rdata[2]),
				Type:      DigestType(rdata[3]),
				Digest:    rdata[4:],
			})
		}
	}
	return ds
}

// Rdata is the DS in wire form.
func (d DS) Rdata() string {
	return string([]byte{byte(d.Tag >> 8), byte(d.Tag), byte(d.Algorithm), byte(d.Type)}) + d.Digest
}

// DSOf is the DS that names key (RFC 4034 5.1.4); ok is false when the digest is
// not supported. It is also how a trust anchor in the form of a DNSKEY becomes
// one in the form of a DS.
func DSOf(key Key, digest DigestType) (ds DS, ok bool) {
	message := make([]byte, 0, 1024)
	message = append(append(message, key.Owner...), key.Rdata...)
	ds = DS{Tag: key.Tag, Algorithm: key.Algorithm, Type: digest}
	switch digest {
	case SHA1:
		h := sha1.Sum(message)
		ds.Digest = string(h[:])
	case SHA256:
		h := sha256.Sum256(message)
		ds.Digest = string(h[:])
	case SHA384:
		h := sha512.Sum384(message)
		ds.Digest = string(h[:])
	default:
		return DS{}, false
	}
	return ds, true
}

// Usable are those of ds that can be checked: with a supported algorithm and
// digest, and without SHA-1 when a stronger digest is there (RFC 4509 3); the first
// MaxDS of them. When none is left, the zone is insecure and why says which EDE
// fits. Whether a key's size is supported shows only once the DNSKEY RRset is there.
func (p Policy) Usable(ds []DS) (usable []DS, why lookup.EDE) {
	strong := false
	for _, d := range ds {
		switch {
		case !p.Supports(d.Algorithm): // RFC 4035 5.2; RFC 9905 2 for SHA-1
			why = lookup.EDE{Code: lookup.EDEUnsupportedAlgorithm, Text: fmt.Sprintf("DS of algorithm %s", d.Algorithm)}
		case d.Type != SHA1 && d.Type != SHA256 && d.Type != SHA384: // RFC 6840 5.2
			why = lookup.EDE{Code: lookup.EDEUnsupportedDigest, Text: fmt.Sprintf("DS of digest type %d", d.Type)}
		default:
			strong = strong || d.Type != SHA1
			usable = append(usable, d)
		}
	}
	if len(usable) > 0 {
		why = lookup.EDE{}
	}
	if strong {
		usable = slices.DeleteFunc(usable, func(d DS) bool { return d.Type == SHA1 })
	}
	return usable[:min(len(usable), MaxDS)], why
}
