package resolver

import (
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sextant-dns/sextant/cache"
	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
)

const (
	// emptyTTL is how long an entirely empty response stands for a denial, in
	// seconds.
	emptyTTL = 5
	// maxKept is the largest hop, in octets, that is remembered: a few names must
	// not fill the memory (CVE-2024-25590). setCost is what a set takes beside its
	// name and data.
	maxKept = 16 << 10
	setCost = 100
	// maxRRs is of how many RRs a set may be to be remembered (CVE-2024-1737).
	maxRRs = 256
	// shortLife is that of hops which are not worth while to be refreshed.
	shortLife = 10 * time.Second
	// maxSigs is how many RRSIGs of one set are taken (KeyTrap, CVE-2023-50387).
	maxSigs = 8
)

// hop is all that there is to know about one name and type: an answer, a denial,
// or an alias. It is immutable.
type hop struct {
	response *lookup.Response
	absence  dnssec.Cut  // see verdict.absence; it is not kept
	age      uint32      // seconds since it was learned that have been taken off the TTLs of response
	next     lookup.Name // where the alias leads; "" when it is none
	expires  time.Time
	life     time.Duration // until then, from when it was learned
	cut      *cut          // of a step only: where it led; then there is no response
	trust    *trust        // of a step of a chain of trust only; then there is nothing else
}

// fresh is how many whole seconds of the first nine tenths of the life of h are
// left: when there are none, it is time to refresh it. It never is for hops that
// live too short for that. Seconds, because who keeps the answer in front of us
// counts in them, and comes back in time only if we begin with the last one.
func (h *hop) fresh(now time.Time) (seconds uint32, ends bool) {
	if h.life < shortLife {
		return 0, false
	}
	return uint32(max(0, h.life/10*9-h.old(now)) / time.Second), true
}

// aged is the response as it is at the time now.
func (h *hop) aged(now time.Time) *lookup.Response {
	return h.response.Aged(uint32(max(0, h.old(now)-time.Duration(h.age)*time.Second) / time.Second))
}

// learned is when h was.
func (h *hop) learned() time.Time { return h.expires.Add(-h.life) }

// old is how long ago that was at the time now. Time.Sub would take ten times as long,
// for the sake of times that are centuries apart.
func (h *hop) old(now time.Time) time.Duration {
	return h.life - time.Duration(h.expires.UnixNano()-now.UnixNano())
}

// answers remembers hops. Under the type that was asked for stand answers and
// denials of that type; an alias stands under CNAME or DNAME and the denial of a
// name under nonexistent, because they hold for every type.
type answers struct {
	cache               *cache.Cache[lookup.Question, packedHop]
	pins                pins
	nxdomainCut         bool
	validated           bool
	maxTTL, maxNegative uint32
	minTTL, minNegative uint32
	hash                func(lookup.Question) uint64

	// moved has a mark for each name that a DNAME has been remembered of, where its hash
	// says. Few names have one, and each name has some above it that would be looked for.
	moved [1 << 16 / 64]atomic.Uint64
}

// nonexistent is the type under which NXDOMAIN is kept (RFC 2308 5). No RR has it.
const nonexistent = lookup.TypeNone

func newAnswers(o Options, pins pins) *answers {
	hash := questionHash()
	return &answers{
		cache: cache.New[lookup.Question, packedHop](cache.Options[lookup.Question, packedHop]{
			Entries: o.Cache,
			Bytes:   o.CacheBytes / 12 * answerShare,
			Size:    hopSize,
			Hash:    hash,
		}),
		hash:        hash,
		pins:        pins,
		nxdomainCut: o.NXDomainCut,
		validated:   o.Validation.Anchor != nil,
		maxTTL:      o.MaxTTL,
		maxNegative: o.MaxNegativeTTL,
		minTTL:      min(o.MinTTL, o.MaxTTL),
		minNegative: min(o.MinNegativeTTL, o.MaxNegativeTTL),
	}
}

// get is the hop under name and t for client, with the TTLs of now. It is the
// caller's own, and so is that of recall.
func (a *answers) get(name lookup.Name, t lookup.Type, client netip.Prefix, now time.Time) (*hop, bool) {
	p, _, expires, ok := a.cache.GetStale(hopQuestion(name, t), client, now)
	if !ok || !expires.After(now) {
		return nil, false
	}
	return p.unpack(expires, now), true
}

// recall finds what answers q for client, see task.asks.
func (a *answers) recall(q lookup.Question, client netip.Prefix, now time.Time) (*hop, bool) {
	if h, ok := a.get(q.Name, q.Type, client, now); ok {
		return h, true
	}
	if h, ok := a.get(q.Name, nonexistent, client, now); ok {
		return h, true
	}
	if h, ok := a.get(q.Name, lookup.TypeCNAME, client, now); ok && h.next != "" && followsAlias(q.Type) {
		return h, true
	}
	if h := a.cutOff(q.Name, client, now); h != nil {
		return h, true
	}
	if q.Type == lookup.TypeANY {
		return nil, false
	}
	h := a.redirected(q.Name, func(above lookup.Name) *hop {
		h, _ := a.get(above, lookup.TypeDNAME, client, now)
		return h
	})
	return h, h != nil
}

// cutOff finds the word that a name above does not exist (RFC 8020 2), or nil.
// Without proof it is taken only if that was chosen.
func (a *answers) cutOff(name lookup.Name, client netip.Prefix, now time.Time) *hop {
	if !a.nxdomainCut && !a.validated {
		return nil
	}
	apex, _ := a.pins.find(name)
	for above, ok := name.Parent(); ok && above.IsSubdomainOf(apex); above, ok = above.Parent() {
		if h, ok := a.get(above, nonexistent, client, now); ok && (a.nxdomainCut || h.response.Security == lookup.Secure) {
			return h
		}
	}
	return nil
}

// exists takes back that name does not exist.
func (a *answers) exists(name lookup.Name) { a.cache.Remove(hopQuestion(name, nonexistent)) }

// redirected finds the DNAME above name that moves it (RFC 6672 3.4.1), or nil.
func (a *answers) redirected(name lookup.Name, dname func(above lookup.Name) *hop) *hop {
	apex, _ := a.pins.find(name) // nothing above it has a say below it
	for above, ok := name.Parent(); ok && above.IsSubdomainOf(apex); above, ok = above.Parent() {
		if !a.mayMove(above) {
			continue
		}
		if h := dname(above); h != nil && len(h.response.Answer) > 0 {
			v := redirect(name, h.response.Answer[0])
			v.proof, v.security, v.ede, v.scope = h.response.Authority, h.response.Security, h.response.EDE, h.scope()
			return &hop{response: v.response(), age: h.age, next: v.next, expires: h.expires, life: h.life}
		}
	}
	return nil
}

// mark is where in moved it stands that name has had a DNAME.
func (a *answers) mark(name lookup.Name) (word *atomic.Uint64, bit uint64) {
	h := a.hash(hopQuestion(name, lookup.TypeDNAME)) >> 48
	return &a.moved[h/64], 1 << (h % 64)
}

// mayMove tells whether a DNAME of name may be remembered.
func (a *answers) mayMove(name lookup.Name) bool {
	word, bit := a.mark(name)
	return word.Load()&bit != 0
}

// keep makes a hop of what a server said about q and remembers it for as long as
// it may live. What lives for 0 seconds serves those who wait for it now
// (RFC 1035 3.2.1).
func (a *answers) keep(q lookup.Question, v verdict, now time.Time) *hop {
	v = a.capped(v)
	h := &hop{response: v.response(), absence: v.absence, next: v.next, expires: now}
	if v.kind == empty {
		h.response.Keep = emptyTTL
	}
	h.response.Uncacheable = v.passing
	ttl := h.response.TTL()
	if v.soa.Type == lookup.TypeSOA && !isSigned(v.soa) {
		ttl = v.soa.TTL // which may be above its MINIMUM now
	}
	if v.passing {
		ttl = 0
	}
	key := q
	switch v.kind {
	case alias:
		key.Type = a.general(q, lookup.TypeCNAME)
	case redirection:
		// The DNAME alone is kept: every name below it can be had from that.
		key.Name, key.Type = v.sets[0].Name, lookup.TypeDNAME
		dname := &lookup.Response{Answer: v.sets[:1], Authority: v.proof, Security: v.security, EDE: v.ede}
		a.put(q, key, &hop{response: scoped(dname, v.scope, false), expires: now}, ttl)
		return h
	case nameError:
		key.Type = a.general(q, nonexistent)
	}
	a.put(q, key, h, ttl)
	return h
}

// general is the type under which to keep what was said about q and holds for all
// types. About a configured zone its parent is asked for DS only, and what it says
// must not hide the zone.
func (a *answers) general(q lookup.Question, t lookup.Type) lookup.Type {
	if q.Type == lookup.TypeDS && a.pins.isApex(q.Name) {
		return q.Type
	}
	return t
}

// put remembers h, which was said about q, under key for ttl seconds.
func (a *answers) put(q, key lookup.Question, h *hop, ttl uint32) {
	a.displace(q, key, h.response.Scope, ttl)
	size := 0
	for _, s := range h.response.Answer {
		size += setCost + len(s.Name) + len(s.Data) + len(s.Sigs)
	}
	crowded := func(s lookup.RRset) bool { return s.Data.Len() > maxRRs }
	if ttl > 0 && size <= maxKept && !slices.ContainsFunc(h.response.Answer, crowded) {
		h.life = time.Duration(ttl) * time.Second
		h.expires = h.expires.Add(h.life)
		p := packHop(key.Name, h)
		key.Name = p.name()
		if key.Type == lookup.TypeDNAME {
			word, bit := a.mark(key.Name)
			word.Or(bit)
		}
		put := a.cache.Put
		if h.scope().Exact() {
			put = a.cache.PutExact
		}
		put(key, h.response.Scope, p, h.expires)
	}
}

// displace forgets what q was answered with before, if putting key does not: it is
// no longer true, not even as a stale answer.
func (a *answers) displace(q, key lookup.Question, scope netip.Prefix, ttl uint32) {
	if scope.IsValid() {
		return // for others it may be true
	}
	if q.Type == lookup.TypeDS {
		return // this may be the word of another zone than that of other types
	}
	for _, t := range [...]lookup.Type{q.Type, nonexistent, lookup.TypeCNAME} {
		if before := hopQuestion(q.Name, t); before != key || ttl == 0 {
			a.cache.Remove(before)
		}
	}
}

// capped is v with the TTLs that it may have here.
func (a *answers) capped(v verdict) verdict {
	sets := make([]lookup.RRset, len(v.sets))
	signed := slices.ContainsFunc(v.sets, isSigned)
	for i, s := range v.sets {
		ttl := s.TTL
		if !signed && s.Type != lookup.TypeNS {
			ttl = max(ttl, a.minTTL)
		}
		sets[i] = trimmed(s).WithTTL(min(ttl, a.maxTTL))
	}
	v.sets = sets
	if v.soa.Type == lookup.TypeSOA {
		ttl := lookup.NegativeTTL(v.soa)
		if !isSigned(v.soa) {
			ttl = max(ttl, a.minNegative)
		}
		v.soa = trimmed(v.soa).WithTTL(min(ttl, a.maxNegative))
	}
	if len(v.proof) > 0 {
		proof := make([]lookup.RRset, len(v.proof))
		for i, s := range v.proof {
			proof[i] = trimmed(s).WithTTL(min(s.TTL, a.maxTTL))
		}
		v.proof = proof
	}
	return v
}

// isSigned tells whether the TTL of s may not be raised: validators let no RRset
// live longer than its RRSIG says (RFC 4035 5.3.3).
func isSigned(s lookup.RRset) bool { return s.Sigs != "" }

// trimmed is s with as many signatures as are taken.
func trimmed(s lookup.RRset) lookup.RRset {
	if s.Sigs.Len() > maxSigs {
		s.Sigs = lookup.PackRdata(slices.Collect(s.Sigs.All())[:maxSigs]...)
	}
	return s
}

// compact is s trimmed and without the message around it, whose memory its strings
// share.
func compact(s lookup.RRset) lookup.RRset {
	s = trimmed(s)
	s.Name, s.Data, s.Sigs = owned(s.Name), owned(s.Data), owned(s.Sigs)
	return s
}

// owned is s in memory of its own.
func owned[T ~string](s T) T { return T(strings.Clone(string(s))) }
