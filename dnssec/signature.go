package dnssec

import (
	"encoding/binary"
	"fmt"
	"time"

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
	Octets      string // the signature itself; may be empty
}

// ParseSignature reads RRSIG rdata; ok is false when it is malformed.
func ParseSignature(rdata string) (s Signature, ok bool) {
	if len(rdata) < 19 {
		return Signature{}, false
	}
	signer, n, err := lookup.NameFromWire(rdata[18:])
	if err != nil {
		return Signature{}, false
	}
	return Signature{
		Covered:     lookup.Type(uint16At(rdata, 0)),
		Algorithm:   Algorithm(rdata[2]),
		Labels:      rdata[3],
		OriginalTTL: uint32At(rdata, 4),
		Expiration:  uint32At(rdata, 8),
		Inception:   uint32At(rdata, 12),
		Tag:         uint16At(rdata, 16),
		Signer:      signer,
		Octets:      rdata[18+n:],
	}, true
}

func uint16At(s string, at int) uint16 { return uint16(s[at])<<8 | uint16(s[at+1]) }

func uint32At(s string, at int) uint32 {
	return uint32(uint16At(s, at))<<16 | uint32(uint16At(s, at+2))
}

// appendFields appends the rdata without the signature.
func (s Signature) appendFields(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(s.Covered))
	dst = append(dst, byte(s.Algorithm), s.Labels)
	dst = binary.BigEndian.AppendUint32(dst, s.OriginalTTL)
	dst = binary.BigEndian.AppendUint32(dst, s.Expiration)
	dst = binary.BigEndian.AppendUint32(dst, s.Inception)
	dst = binary.BigEndian.AppendUint16(dst, s.Tag)
	return append(dst, s.Signer...) // a Name is lower case: RFC 4034 3.1.8.1
}

// Rdata is the signature as RRSIG rdata.
func (s Signature) Rdata() string { return string(append(s.appendFields(nil), s.Octets...)) }

// SignerOf is the zone that claims to have signed set: the signer of its first
// well-formed RRSIG that covers the set's type and encloses its owner; ok is false
// when there is none.
func SignerOf(set lookup.RRset) (zone lookup.Name, ok bool) {
	for rdata := range set.Sigs.All() {
		if s, ok := ParseSignature(rdata); ok && s.Covered == set.Type && set.Name.IsSubdomainOf(s.Signer) {
			return s.Signer, true
		}
	}
	return "", false
}

// fits says what forbids s to be a signature of zone over set, "" when nothing does
// (RFC 4035 5.3.1).
func (s Signature) fits(set lookup.RRset, zone lookup.Name) string {
	switch {
	case s.Covered != set.Type:
		return "RRSIG covers another type"
	case s.Signer != zone:
		return "RRSIG is signed by " + s.Signer.String() + " instead of " + zone.String()
	case !set.Name.IsSubdomainOf(s.Signer): // by labels, not by octets
		return "RRSIG's signer does not enclose the owner"
	case s.Covered == lookup.TypeDS && set.Name == zone:
		return "a zone cannot vouch for its own DS" // RFC 4035 2.4: it is the parent's
	case int(s.Labels) > labelsOf(set.Name):
		return "RRSIG has more labels than the owner"
	case int(s.Labels) < s.Signer.Labels():
		// Otherwise a zone could sign a wildcard of its parent.
		return "RRSIG has fewer labels than its signer"
	case s.Octets == "":
		return "RRSIG without a signature"
	}
	return ""
}

// validity checks the dates of s at now; ede is the zero value when they are good.
// left is how many seconds the signature has yet to live.
func (s Signature) validity(now time.Time, p Policy) (left int64, ede lookup.EDE) {
	// RFC 4034 3.1.5, RFC 1982: differences count, not values.
	lifetime := int64(int32(s.Expiration - s.Inception))
	clock := uint32(now.Unix())
	left = int64(int32(s.Expiration - clock))
	age := int64(int32(clock - s.Inception))
	if p.AnyTime {
		return 0, lookup.EDE{}
	}
	skew := p.skew(lifetime)
	switch {
	case lifetime < 0:
		return 0, lookup.EDE{Code: lookup.EDESignatureExpiredEarlier, Text: "RRSIG expires before its inception"}
	case left+skew < 0:
		return 0, lookup.EDE{Code: lookup.EDESignatureExpired, Text: "RRSIG expired " + date(now, left)}
	case age+skew < 0:
		return 0, lookup.EDE{Code: lookup.EDESignatureNotYetValid, Text: "RRSIG is valid from " + date(now, -age)}
	case left <= 0:
		left += skew // within the tolerance
	}
	return left, lookup.EDE{}
}

func date(now time.Time, offset int64) string {
	return now.Add(time.Duration(offset) * time.Second).UTC().Format("2006-01-02T15:04:05Z")
}

// skew is how many seconds clocks may disagree about a signature of that lifetime.
func (p Policy) skew(lifetime int64) int64 {
	switch {
	case p.Skew < 0:
		return 0
	case p.Skew > 0:
		return int64(p.Skew / time.Second)
	}
	return min(max(lifetime/10, 3600), 86400)
}

// MaxSignatures is how many RRSIGs of an RRset are put to the test, MaxCollisions
// how many keys of the same tag and algorithm are tried for each (KeyTrap,
// CVE-2023-50387).
const (
	MaxSignatures = 4
	MaxCollisions = 2

	maxRRSIGs = 64 // that are looked at, at all
)

// Verify checks that one of keys, the keys of zone, signed set. The result is
// Secure or Bogus: whether a zone is signed in a way that can be checked at all
// was decided by Keys. Checks stop at the first good signature.
func (v *Verifier) Verify(set lookup.RRset, zone lookup.Name, keys []Key) Result {
	return v.verify(set, zone, keys, func(k Key) bool { return k.IsZone() && !k.IsRevoked() })
}

func (v *Verifier) verify(set lookup.RRset, zone lookup.Name, keys []Key, may func(Key) bool) Result {
	var f failure
	loaded, seen, tried := false, 0, 0
	for rdata := range set.Sigs.All() {
		if seen++; seen > maxRRSIGs || tried == MaxSignatures {
			break
		}
		s, ok := ParseSignature(rdata)
		if !ok {
			f.note(unfit, lookup.EDEBogus, "malformed RRSIG")
			continue
		}
		if why := s.fits(set, zone); why != "" {
			f.note(unfit, lookup.EDEBogus, why)
			continue
		}
		if !v.anyKey(s, keys, may, &f) {
			continue
		}
		left, ede := s.validity(v.Now, v.Policy)
		if ede.Code != 0 {
			f.note(untimely, ede.Code, ede.Text)
			continue
		}
		if !loaded {
			v.canon.load(set.Type, set.Data)
			loaded = true
		}
		tried++
		if v.try(s, set, keys, may, &f) {
			return v.secure(set, s, left)
		}
		if f.spent {
			break
		}
	}
	f.note(absent, lookup.EDERRSIGsMissing, "no RRSIG over "+set.Name.String()+" "+set.Type.String())
	return Result{EDE: f.ede, Spent: f.spent}
}

// anyKey tells whether a key may have made s.
func (v *Verifier) anyKey(s Signature, keys []Key, may func(Key) bool, f *failure) bool {
	if !v.Policy.Supports(s.Algorithm) {
		f.note(unsupported, lookup.EDEUnsupportedAlgorithm, fmt.Sprintf("RRSIG of algorithm %s", s.Algorithm))
		return false
	}
	for _, k := range keys {
		if k.Tag == s.Tag && k.Algorithm == s.Algorithm && may(k) {
			return true
		}
	}
	f.note(keyless, lookup.EDEDNSKEYMissing, fmt.Sprintf("no DNSKEY %s has tag %d and algorithm %s", s.Signer, s.Tag, s.Algorithm))
	return false
}

// try computes s with the keys that may have made it.
func (v *Verifier) try(s Signature, set lookup.RRset, keys []Key, may func(Key) bool, f *failure) bool {
	collisions := 0
	for _, k := range keys {
		if k.Tag != s.Tag || k.Algorithm != s.Algorithm || !may(k) {
			continue
		}
		if !k.supported(v.Policy) {
			f.note(unsupported, lookup.EDEUnsupportedAlgorithm, fmt.Sprintf("DNSKEY of %d bits", k.bits))
			continue
		}
		if collisions++; collisions > MaxCollisions {
			break
		}
		if !v.Budget.Signature() {
			f.spent = true
			f.note(exhausted, lookup.EDEBogus, "more signatures to check than a query may cost")
			return false
		}
		v.Checked++
		switch {
		case v.Policy.presumes(k.Algorithm):
			return true
		case k.fault != "":
			f.note(forged, lookup.EDEBogus, "DNSKEY "+k.fault) // and paid for: CVE-2025-8677
		case k.check(v.canon.signed(s, set.Name, set.Type), s.Octets):
			return true
		default:
			f.note(forged, lookup.EDEBogus, fmt.Sprintf("RRSIG of key %d over %s %s is wrong", s.Tag, set.Name, set.Type))
		}
		v.Budget.Forgery()
	}
	return false
}

// secure is the result for set, which s signed and which is valid for left seconds.
func (v *Verifier) secure(set lookup.RRset, s Signature, left int64) Result {
	r := Result{Status: Secure, TTL: min(set.TTL, s.OriginalTTL), Algorithm: s.Algorithm, Tag: s.Tag}
	if !v.Policy.AnyTime {
		r.TTL = uint32(min(int64(r.TTL), left)) // RFC 4035 5.3.3
		r.Expires = v.Now.Add(time.Duration(left) * time.Second)
	}
	if int(s.Labels) < labelsOf(set.Name) {
		r.Encloser = set.Name.Suffix(int(s.Labels))
	}
	return r
}

// failure remembers, of all the reasons why an RRset is not secure, the one that
// came closest to being good.
type failure struct {
	stage int
	ede   lookup.EDE
	spent bool
}

// The stages at which an RRSIG may fail.
const (
	absent = iota + 1
	unfit
	unsupported
	keyless
	untimely
	forged
	exhausted
)

func (f *failure) note(stage int, code uint16, text string) {
	if stage > f.stage {
		f.stage, f.ede = stage, lookup.EDE{Code: code, Text: text}
	}
}
