package dnssec

import (
	"cmp"
	"strconv"
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

// Policy says what a validator puts up with. The zero value is the policy for
// production.
type Policy struct {
	// SHA1 accepts the signature algorithms 5 and 7, which are otherwise
	// unsupported and make a zone insecure (RFC 9905 2).
	SHA1 bool

	// MinRSA is the size in bits below which an RSA key is unsupported; default
	// 1024. Go itself refuses keys below 1024 bits unless GODEBUG says
	// rsa1024min=0, so a lower value serves tests alone.
	MinRSA int

	// MaxIterations is the number of additional NSEC3 iterations above which a
	// zone's denials are insecure (RFC 9276 3.2); default 50.
	MaxIterations int

	// Skew is how far our clock and the signer's may disagree. 0 stands for a
	// tenth of a signature's validity, at least an hour and at most a day; a
	// negative value for not at all.
	Skew time.Duration

	// AnyTime leaves inception and expiration unchecked; for tests.
	AnyTime bool

	// Presume, for tests, takes a signature of an algorithm for which it returns
	// true as good without arithmetic, after everything else about it has been
	// checked and when it is not empty. Such an algorithm counts as supported.
	Presume func(Algorithm) bool
}

func (p Policy) minRSA() int { return cmp.Or(p.MinRSA, 1024) }

func (p Policy) maxIterations() int { return cmp.Or(p.MaxIterations, 50) }

// Algorithm is a DNSSEC algorithm number (RFC 4034 A.1 and its IANA registry).
type Algorithm uint8

// The algorithms that can be verified.
const (
	RSASHA1         Algorithm = 5  // RFC 3110; by policy
	RSASHA1NSEC3    Algorithm = 7  // RFC 5155 2; by policy
	RSASHA256       Algorithm = 8  // RFC 5702
	RSASHA512       Algorithm = 10 // RFC 5702
	ECDSAP256SHA256 Algorithm = 13 // RFC 6605
	ECDSAP384SHA384 Algorithm = 14 // RFC 6605
	ED25519         Algorithm = 15 // RFC 8080
	ED448           Algorithm = 16 // RFC 8080
)

// DigestType is the digest algorithm of a DS (RFC 4034 5.1.3).
type DigestType uint8

// The digests that can be computed.
const (
	SHA1   DigestType = 1 // RFC 4034 A.2
	SHA256 DigestType = 2 // RFC 4509
	SHA384 DigestType = 4 // RFC 6605 2
)

// String is the algorithm's mnemonic, or its number.
func (a Algorithm) String() string {
	switch a {
	case RSASHA1:
		return "RSASHA1"
	case RSASHA1NSEC3:
		return "RSASHA1-NSEC3-SHA1"
	case RSASHA256:
		return "RSASHA256"
	case RSASHA512:
		return "RSASHA512"
	case ECDSAP256SHA256:
		return "ECDSAP256SHA256"
	case ECDSAP384SHA384:
		return "ECDSAP384SHA384"
	case ED25519:
		return "ED25519"
	case ED448:
		return "ED448"
	}
	return strconv.Itoa(int(a))
}

// Supports tells whether signatures of a can be verified under this policy.
func (p Policy) Supports(a Algorithm) bool {
	switch a {
	case RSASHA1, RSASHA1NSEC3:
		return p.SHA1 || p.presumes(a)
	case RSASHA256, RSASHA512, ECDSAP256SHA256, ECDSAP384SHA384, ED25519, ED448:
		return true
	}
	return p.presumes(a)
}

func (p Policy) presumes(a Algorithm) bool { return p.Presume != nil && p.Presume(a) }

// Status is what a check says of data. The zero value is the careful one.
type Status uint8

// The states of RFC 4035 4.3; what cannot be decided here, because nothing was
// found that speaks about it, is Bogus, too.
const (
	Bogus    Status = iota // should be provable and is not
	Insecure               // nothing that this validator can check vouches for it
	Secure                 // checked
)

// String is the state's name.
func (s Status) String() string {
	switch s {
	case Secure:
		return "secure"
	case Insecure:
		return "insecure"
	}
	return "bogus"
}

// Result is what a check of signatures found.
type Result struct {
	Status Status
	EDE    lookup.EDE // why Status is not Secure; the zero value when it is

	// TTL is how long a secure RRset may be kept, in seconds: the lowest of its
	// own TTL, the signed original TTL, and what is left of the signature's
	// validity (RFC 4035 5.3.3).
	TTL uint32
	// Expires is when the validity of a secure RRset's signature ends; zero under
	// Policy.AnyTime.
	Expires time.Time
	// Encloser is the name below which a wildcard was expanded to make this
	// RRset, "" when none was. The RRset then needs a proof that nothing closer
	// exists: Denial.Expansion.
	Encloser lookup.Name
	// Algorithm and Tag name the key that verified a secure RRset.
	Algorithm Algorithm
	Tag       uint16

	// Spent says that the budget ended first: another query might find Secure.
	Spent bool
}

// Verifier checks what belongs to one client query: it knows the time, the
// policy, and what may still be spent. It is not safe for concurrent use.
type Verifier struct {
	Policy Policy
	Now    time.Time
	Budget *lookup.Budget // must not be nil

	Checked int // signatures until now, good or bad, each paid for from Budget

	canon canon // memory, used again from check to check
}
