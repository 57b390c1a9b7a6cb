package anchors

import (
	"context"
	"strings"

	"github.com/sextant-dns/sextant/lookup"
)

// Sentinel is the question that a query asks beside its own: is the key of the root
// with this tag a trust anchor here (RFC 8509)?
type Sentinel struct {
	Tag uint16
	Not bool // the query is to fail when it is, and not when it is not
}

// ParseSentinel reads the first label of a name that is asked for: five digits
// behind root-key-sentinel-is-ta- or root-key-sentinel-not-ta- (RFC 8509 2). ok is
// false for all other names. It does not allocate.
func ParseSentinel(name lookup.Name) (s Sentinel, ok bool) {
	digits, ok := strings.CutPrefix(name.Label(), "root-key-sentinel-is-ta-")
	if !ok {
		if digits, ok = strings.CutPrefix(name.Label(), "root-key-sentinel-not-ta-"); !ok {
			return Sentinel{}, false
		}
		s.Not = true
	}
	tag := 0
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return Sentinel{}, false
		}
		tag = tag*10 + int(digits[i]-'0')
	}
	if len(digits) != 5 || tag > 0xffff {
		return Sentinel{}, false
	}
	s.Tag = uint16(tag)
	return s, true
}

// Denies tells whether the answer to q, a client's own question and not that of an
// alias which it led to, is to be replaced by SERVFAIL because of a sentinel in its
// name. Only secure answers for addresses are, and not for clients that validate by
// themselves (RFC 8509 2.1). It does not allocate.
func (s *Set) Denies(q lookup.Question, security lookup.Security) bool {
	if security != lookup.Secure || q.CD || q.Class != lookup.ClassIN || q.Type != lookup.TypeA && q.Type != lookup.TypeAAAA {
		return false
	}
	sentinel, ok := ParseSentinel(q.Name)
	// RFC 8509 2.2: keys in the states AddPend and Revoked are not in the set.
	return ok && s.Trusts(lookup.Root, sentinel.Tag) == sentinel.Not
}

// Sentinels puts the answers of RFC 8509 in front of a resolver that validates: what
// it says to a sentinel's question about the keys in the set that counts then is
// replaced by a failure where the set denies it. Whatever stands in front of it may
// follow aliases by itself, but must hand in the client's own question.
func Sentinels(next lookup.Resolver, current func() *Set) lookup.Resolver {
	return lookup.Func(func(ctx context.Context, q lookup.Query) (*lookup.Response, error) {
		r, err := next.Resolve(ctx, q)
		if err != nil || !current().Denies(q.Question, r.Security) {
			return r, err
		}
		// RFC 8509 2.2: SERVFAIL, as if the answer were bogus.
		return nil, lookup.Fail(lookup.EDEBogus, "the sentinel's question about a key of the root is answered with no (RFC 8509)")
	})
}
