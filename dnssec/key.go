package dnssec

import (
	"crypto"
	"fmt"

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

// supported tells whether signatures of k can be checked under p; a malformed key
// counts as supported, because its signatures are bogus and not insecure.
func (k Key) supported(p Policy) bool {
	return p.Supports(k.Algorithm) &&
		(!isRSA(k.Algorithm) || k.fault != "" || k.bits >= p.minRSA() || p.presumes(k.Algorithm))
}

// MaxKeys is how many RRs of a DNSKEY RRset are looked at; a larger set is bogus.
const MaxKeys = 32

// ParseKeys reads a DNSKEY RRset. RRs too short to be a DNSKEY are left out;
// a key whose public part is malformed stays, with its Fault, since a signature
// that names it has to be paid for (CVE-2025-8677). At most MaxKeys are read.
func ParseKeys(set lookup.RRset) []Key {
	var keys []Key
	for rdata := range set.Data.All() {
		if len(keys) == MaxKeys {
			break
		}
		if k, ok := parseKey(set.Name, rdata); ok {
			keys = append(keys, k)
		}
	}
	return keys
}

func parseKey(owner lookup.Name, rdata string) (Key, bool) {
	if len(rdata) < 4 {
		return Key{}, false
	}
	k := Key{
		Owner:     owner,
		Flags:     uint16At(rdata, 0),
		Protocol:  rdata[2],
		Algorithm: Algorithm(rdata[3]),
		Tag:       tagOf(rdata),
		Rdata:     rdata,
	}
	k.public, k.bits, k.fault = parsePublic(k.Algorithm, rdata[4:])
	return k, true
}

// tagOf is the key tag of DNSKEY rdata (RFC 4034 B).
func tagOf(rdata string) uint16 {
	sum := uint32(0)
	for i := range len(rdata) {
		sum += uint32(rdata[i]) << (8 * (1 - i&1))
	}
	return uint16(sum + sum>>16)
}

// Keys checks the DNSKEY RRset of a zone against what the parent zone, or a trust
// anchor, says of it, and returns the keys that may sign the zone's data.
//
//   - Secure: a key that one of ds names has signed the set (RFC 4035 5.2).
//   - Insecure: ds is not empty, and nothing in it is of an algorithm, a digest
//     and a key size that the policy supports (RFC 4035 5.2, RFC 6840 5.2, 5.11);
//     or the zone's data is signed with RSA keys that are too small.
//   - Bogus: everything else, an empty ds and an empty set included.
//
// No keys are returned unless the result is Secure.
func (v *Verifier) Keys(dnskey lookup.RRset, ds []DS) ([]Key, Result) {
	bogus := func(code uint16, format string, args ...any) ([]Key, Result) {
		return nil, Result{EDE: lookup.EDE{Code: code, Text: fmt.Sprintf(format, args...)}}
	}
	if len(ds) == 0 {
		return bogus(lookup.EDEDNSKEYMissing, "no DS names a key of %s", dnskey.Name)
	}
	usable, why := v.Policy.Usable(ds)
	if len(usable) == 0 {
		return nil, Result{Status: Insecure, EDE: why}
	}
	keys := ParseKeys(dnskey)
	if len(keys) == 0 || dnskey.Type != lookup.TypeDNSKEY {
		return bogus(lookup.EDEDNSKEYMissing, "no DNSKEY at %s", dnskey.Name)
	}
	if dnskey.Data.Len() > MaxKeys {
		return bogus(lookup.EDEBogus, "more than %d DNSKEYs at %s", MaxKeys, dnskey.Name)
	}
	entries, small, spent := v.entries(keys, usable)
	if small == len(usable) { // every DS names a key that is too small
		return nil, Result{Status: Insecure, EDE: tooSmall(dnskey.Name)}
	}
	if len(entries) == 0 {
		_, r := bogus(lookup.EDEDNSKEYMissing, "no DNSKEY of %s matches its DS", dnskey.Name)
		if !anyZone(keys) {
			r.EDE = lookup.EDE{Code: lookup.EDENoZoneKey, Text: "no DNSKEY of " + dnskey.Name.String() + " is a zone key"}
		}
		r.Spent = spent
		return nil, r
	}
	r := v.Verify(dnskey, dnskey.Name, entries)
	if r.Status != Secure {
		return nil, r
	}
	signing, weak := v.signing(keys, entries)
	if weak {
		return nil, Result{Status: Insecure, EDE: tooSmall(dnskey.Name)}
	}
	return signing, r
}

func tooSmall(zone lookup.Name) lookup.EDE {
	return lookup.EDE{Code: lookup.EDEUnsupportedAlgorithm, Text: "RSA keys of " + zone.String() + " are too small"}
}

func anyZone(keys []Key) bool {
	for _, k := range keys {
		if k.IsZone() {
			return true
		}
	}
	return false
}

// entries are the keys that ds names: the secure entry points. small counts the DS
// that name a key of a size that is not supported.
func (v *Verifier) entries(keys []Key, ds []DS) (entries []Key, small int, spent bool) {
	for _, d := range ds {
		tries := 0
		for _, k := range keys {
			if k.Tag != d.Tag || k.Algorithm != d.Algorithm || !k.IsZone() || k.IsRevoked() {
				continue
			}
			if tries++; tries > MaxCollisions {
				break
			}
			if k.fault != "" && !v.Policy.presumes(k.Algorithm) {
				// CVE-2025-8677: what cannot be computed costs as much as what fails.
				spent = spent || !v.Budget.Signature()
				v.Budget.Forgery()
				continue
			}
			if named, ok := DSOf(k, d.Type); !ok || named.Digest != d.Digest {
				continue
			}
			if k.supported(v.Policy) {
				entries = append(entries, k)
			} else {
				small++
			}
			break
		}
	}
	return entries, small, spent
}

// signing are the keys that may sign the zone's data. weak is true when the zone has
// keys for that beside its entry points, and all are RSA keys that are too small.
func (v *Verifier) signing(keys, entries []Key) (signing []Key, weak bool) {
	isEntry := func(k Key) bool {
		for _, e := range entries {
			if e.Rdata == k.Rdata {
				return true
			}
		}
		return false
	}
	small, good := 0, 0
	for _, k := range keys {
		if !k.IsZone() || k.IsRevoked() {
			continue
		}
		signing = append(signing, k)
		switch {
		case isEntry(k) || !v.Policy.Supports(k.Algorithm):
		case k.supported(v.Policy):
			good++
		default:
			small++
		}
	}
	return signing, small > 0 && good == 0
}

// Revoked are the keys of a DNSKEY RRset that are revoked and have signed the set
// themselves (RFC 5011 2.1). Others with the REVOKE bit prove nothing.
func (v *Verifier) Revoked(dnskey lookup.RRset) []Key {
	var revoked []Key
	for _, k := range ParseKeys(dnskey) {
		if !k.IsZone() || !k.IsRevoked() {
			continue
		}
		if r := v.verify(dnskey, dnskey.Name, []Key{k}, Key.IsZone); r.Status == Secure {
			revoked = append(revoked, k)
		}
	}
	return revoked
}
