package resolver

import (
	"net/netip"
	"strings"
	"time"

	"github.com/sextant-dns/sextant/cache"
	"github.com/sextant-dns/sextant/lookup"
)

const (
	// emptyTTL is how long an entirely empty response stands for a denial, in
	// seconds.
	emptyTTL = 5
	// maxKept is the largest hop, in octets of rdata, that is remembered: a few
	// names must not fill the memory (CVE-2024-25590).
	maxKept = 16 << 10
)

// hop is all that there is to know about one name and type: an answer, a denial,
// or an alias. It is immutable.
type hop struct {
	response *lookup.Response
	next     lookup.Name // where the alias leads; "" when it is none
	learned  time.Time
}

// aged is the response as it is at the time now.
func (h *hop) aged(now time.Time) *lookup.Response {
	return h.response.Aged(uint32(max(0, now.Sub(h.learned)) / time.Second))
}

// answers remembers hops. Under the type that was asked for stand answers and
// denials of that type; an alias stands under CNAME or DNAME and the denial of a
// name under nonexistent, because they hold for every type.
type answers struct {
	cache               *cache.Cache[lookup.Question, *hop]
	maxTTL, maxNegative uint32
}

// nonexistent is the type under which NXDOMAIN is kept (RFC 2308 5). No RR has it.
const nonexistent = lookup.TypeNone

func newAnswers(o Options) *answers {
	return &answers{
		cache:       cache.New[lookup.Question, *hop](cache.Options[lookup.Question]{Entries: o.Cache}),
		maxTTL:      o.MaxTTL,
		maxNegative: o.MaxNegativeTTL,
	}
}

func (a *answers) get(name lookup.Name, t lookup.Type, now time.Time) (*hop, bool) {
	h, _, ok := a.cache.Get(hopQuestion(name, t), netip.Prefix{}, now)
	return h, ok
}

// recall finds what answers q.
func (a *answers) recall(q lookup.Question, now time.Time) (*hop, bool) {
	if h, ok := a.get(q.Name, q.Type, now); ok {
		return h, true
	}
	if h, ok := a.get(q.Name, nonexistent, now); ok {
		return h, true
	}
	if !followsAlias(q.Type) {
		return nil, false
	}
	if h, ok := a.get(q.Name, lookup.TypeCNAME, now); ok && h.next != "" {
		return h, true
	}
	return a.redirected(q.Name, now)
}

// redirected finds the DNAME above name that moves it (RFC 6672 3.4.1).
func (a *answers) redirected(name lookup.Name, now time.Time) (*hop, bool) {
	for above, ok := name.Parent(); ok; above, ok = above.Parent() {
		h, found := a.get(above, lookup.TypeDNAME, now)
		if !found || len(h.response.Answer) == 0 {
			continue
		}
		v := redirect(name, h.response.Answer[0])
		return &hop{response: v.response(), next: v.next, learned: h.learned}, true
	}
	return nil, false
}

// keep makes a hop of what a server said about q and remembers it for as long as
// it may live. What lives for 0 seconds serves those who wait for it now
// (RFC 1035 3.2.1).
func (a *answers) keep(q lookup.Question, v verdict, now time.Time) *hop {
	v = a.capped(v)
	h := &hop{response: v.response(), next: v.next, learned: now}
	ttl := h.response.TTL()
	key := q
	switch v.kind {
	case alias:
		key.Type = lookup.TypeCNAME
	case redirection:
		// The DNAME alone is kept: every name below it can be had from that.
		key.Name, key.Type = v.sets[0].Name, lookup.TypeDNAME
		a.put(key, &hop{response: &lookup.Response{Answer: v.sets[:1]}, learned: now}, ttl)
		return h
	case nameError:
		key.Type = nonexistent
	case empty:
		ttl = emptyTTL
	}
	a.put(key, h, ttl)
	return h
}

func (a *answers) put(key lookup.Question, h *hop, ttl uint32) {
	size := 0
	for _, s := range h.response.Answer {
		size += len(s.Data) + len(s.Sigs)
	}
	if ttl > 0 && size <= maxKept {
		a.cache.Put(key, h.response.Scope, h, h.learned.Add(time.Duration(ttl)*time.Second))
	}
}

// capped is v with the TTLs that it may have here, in memory of its own.
func (a *answers) capped(v verdict) verdict {
	sets := make([]lookup.RRset, len(v.sets))
	for i, s := range v.sets {
		sets[i] = compact(s).WithTTL(min(s.TTL, a.maxTTL))
	}
	v.sets = sets
	if v.soa.Type == lookup.TypeSOA {
		v.soa = compact(v.soa).WithTTL(min(lookup.NegativeTTL(v.soa), a.maxNegative))
	}
	return v
}

// compact is s without the message around it, whose memory its strings share.
func compact(s lookup.RRset) lookup.RRset {
	s.Name, s.Data, s.Sigs = owned(s.Name), owned(s.Data), owned(s.Sigs)
	return s
}

// owned is s in memory of its own.
func owned[T ~string](s T) T { return T(strings.Clone(string(s))) }
