package dns64

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/sextant-dns/sextant/lookup"
)

// carryOut makes the reply that a final decision asks for. What is not passed
// as it came is a new Response; those of the outcomes are never changed.
func (p *Policy) carryOut(d Decision, q lookup.Query, aaaa, a Outcome) Outcome {
	switch d.Action {
	case Synthesize:
		return Outcome{Response: p.synthetic(d, q, aaaa, a.Response)}
	case Filter:
		return Outcome{Response: narrowed(filtered(aaaa.Response, d.AAAA), a)}
	case Deny:
		denied := marked(nodata(a.Response, q.Name, lookup.TypeA), p.Mode, d.Reason)
		return Outcome{Response: narrowed(denied, aaaa)}
	case PassA:
		return a
	}
	if aaaa.Response != nil {
		return Outcome{Response: narrowed(aaaa.Response, a)}
	}
	return aaaa
}

// synthetic is the A response with the synthetic RRset in place of A. Authority
// and Additional stay those of the A response (RFC 6147 5.3.2 and 5.4).
func (p *Policy) synthetic(d Decision, q lookup.Query, aaaa Outcome, a *lookup.Response) *lookup.Response {
	r := *a
	// RFC 6147 5.1.5 and 5.1.6: the alias chain, then AAAA; no A.
	r.Answer = append(without(a.Answer, lookup.TypeA), d.AAAA)
	r.Security = security(q, aaaa, a)
	r.EDE = append(slices.Clip(a.EDE), lookup.EDE{
		Code: lookup.EDESynthesized,
		Text: fmt.Sprintf("DNS64 %s, %s", p.Mode, join(d.Prefixes)),
	})
	return narrowed(&r, aaaa)
}

// security is how far a synthetic answer may be trusted (RFC 6147 5.5): Secure,
// which sets AD, only for DO=1 and when both the denial of AAAA and the A are.
func security(q lookup.Query, aaaa Outcome, a *lookup.Response) lookup.Security {
	if !q.DO || aaaa.Response == nil {
		return lookup.Unchecked
	}
	if found, _ := aaaa.find(q.Name, lookup.TypeAAAA); found != absent {
		return lookup.Unchecked
	}
	return min(aaaa.Response.Security, a.Security)
}

// filtered is r with set in place of the AAAA RRset of the same owner. It is no
// longer what was validated.
func filtered(r *lookup.Response, set lookup.RRset) *lookup.Response {
	f := *r
	f.Answer = slices.Clone(r.Answer)
	for i, s := range f.Answer {
		if s.Name == set.Name && s.Type == set.Type {
			f.Answer[i] = set
		}
	}
	f.Security = lookup.Unchecked
	return &f
}

// nodata is r as if the name that its alias chain ends at had no RRset of type
// t: r itself when that is so. Otherwise it has a made-up SOA, because nobody may
// cache a denial without one (RFC 2308 5).
func nodata(r *lookup.Response, name lookup.Name, t lookup.Type) *lookup.Response {
	_, end := r.Chase(name)
	hidden, ok := lookup.Find(r.Answer, end, t)
	if !ok {
		return r
	}
	n := *r
	n.Answer = without(r.Answer, t)
	n.Authority = []lookup.RRset{denialSOA(end, min(hidden.TTL, noSOATTL))}
	n.Additional = nil
	n.Security = lookup.Unchecked
	return &n
}

// marked is r with an EDE that says what was kept from the client, and why. It
// is not the answer to what was validated, if anything was.
func marked(r *lookup.Response, mode Mode, why string) *lookup.Response {
	m := *r
	m.Security = lookup.Unchecked
	m.EDE = append(slices.Clip(r.EDE), lookup.EDE{
		Code: lookup.EDEFiltered,
		Text: fmt.Sprintf("DNS64 %s: %s", mode, why),
	})
	return &m
}

// narrowed is r, valid only for whom and for as long as by is, too: by took part
// in the decision. A denial that r rests on holds no longer than by's.
func narrowed(r *lookup.Response, by Outcome) *lookup.Response {
	if by.Response == nil {
		return r
	}
	n := *r
	n.Scope, n.Wanted = narrower(r, by.Response)
	n.Uncacheable = r.Uncacheable || by.Response.Uncacheable
	n.Keep = lookup.LeastKeep(r.Keep, by.Response.Keep)
	if denial, ok := by.Response.Denial(); ok {
		n.Authority = capSOA(r.Authority, lookup.NegativeTTL(denial))
	}
	if n.Scope == r.Scope && n.Wanted == r.Wanted && n.Uncacheable == r.Uncacheable && n.Keep == r.Keep && slices.Equal(n.Authority, r.Authority) {
		return r
	}
	return &n
}

// capSOA is the section with the TTL of its SOA no higher than ttl.
func capSOA(authority []lookup.RRset, ttl uint32) []lookup.RRset {
	at := slices.IndexFunc(authority, func(s lookup.RRset) bool { return s.Type == lookup.TypeSOA })
	if at < 0 || authority[at].TTL <= ttl {
		return authority
	}
	capped := slices.Clone(authority)
	capped[at].TTL = ttl
	return capped
}

// narrower is whom two responses are both valid for, a's being the one that the
// answer is made of. Both were given to the same client, so of two networks of
// one family the longer lies in the other; no family is like no other.
func narrower(a, b *lookup.Response) (scope netip.Prefix, wanted uint8) {
	switch {
	case !a.Scope.IsValid():
		return b.Scope, b.Wanted
	case !b.Scope.IsValid() || a.Scope.Addr().Is4() != b.Scope.Addr().Is4() || b.Scope.Bits() < a.Scope.Bits():
		return a.Scope, a.Wanted
	case b.Scope.Bits() > a.Scope.Bits():
		return b.Scope, b.Wanted
	}
	return a.Scope, max(a.Wanted, b.Wanted)
}

// without is the section without the RRsets of type t.
func without(section []lookup.RRset, t lookup.Type) []lookup.RRset {
	kept := make([]lookup.RRset, 0, len(section)+1)
	for _, s := range section {
		if s.Type != t {
			kept = append(kept, s)
		}
	}
	return kept
}

func join(prefixes []netip.Prefix) string {
	texts := make([]string, len(prefixes))
	for i, p := range prefixes {
		texts[i] = p.String()
	}
	return strings.Join(texts, " ")
}
