package resolver

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sextant-dns/sextant/crew"
	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/ecs"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/transport"
)

// Exchanger sends one message to one server and brings back its reply. It is
// safe for concurrent use and returns when ctx ends.
type Exchanger interface {
	Exchange(ctx context.Context, r transport.Request) (*transport.Reply, error)
}

// Options are what can be chosen about a Resolver. Exchanger is required; the
// zero value of all else is a good choice.
type Options struct {
	Exchanger Exchanger

	Within         lookup.Name // aliases that lead out of this name are not followed: the response ends with them; "": all are
	Zones          []Zone      // for which it is configured whom to ask
	Hints          []Server    // where to find the root; default BuiltinHints()
	Port           uint16      // that all servers listen on; default 53
	NoIPv4, NoIPv6 bool        // do not ask servers over this family

	// DoNotQuery is where no server is looked for, whatever delegations and glue
	// say; Zones and Hints are exempt. nil: where nobody but this host, or nobody
	// at all, can be; an empty list that is not nil: nowhere.
	DoNotQuery []netip.Prefix

	NoPriming bool // trust the hints for ever and never ask for the root servers
	// NoHardenGlue: servers are believed about addresses outside their own zone, so that
	// those of one zone can give away the servers of another. It helps in labs only.
	NoHardenGlue bool

	NoMinimise bool // show all servers on the way the whole question (RFC 9156 is off)

	Cache          int           // hops to remember; default 100000, or any number when there is CacheBytes
	CacheBytes     int64         // octets that all that is remembered may take, but for what is known of servers; default any number
	MaxTTL         uint32        // longest life of anything remembered, in seconds; default 86400
	MaxNegativeTTL uint32        // the same for denials; default 900
	MinTTL         uint32        // shortest life of an answer, in seconds, but of delegations and of what is signed; default 0: as its zone says
	MinNegativeTTL uint32        // the same for denials that have an SOA
	Limits         lookup.Limits // of queries that bring no budget of their own
	PerZone        int           // questions that are put to the servers of one zone at once; others fail at once; default 200, below 0 any number
	Waiting        int           // clients that may wait for one name and type at once; others fail at once; default 100
	Prefetch       bool          // refresh answers that are asked for in the last tenth of their life; Response.Keep sees to it that we hear of that
	Complete       bool          // give the name servers of the zone that an answer is from, too, if they are in memory; responses are minimal otherwise
	Any            Any           // what becomes of queries for ANY; default AnyFull
	Snoop          bool          // answer queries without RD from memory, and do not refuse them (RFC 1034 4.3.2)
	NXDomainCut    bool          // take the word that a name does not exist for all names below it (RFC 8020), though unsigned
	// Grace is how long after it has expired a delegation may be used while nothing but
	// silence, errors and what does not validate comes from the zone above; default 0:
	// not at all.
	Grace time.Duration
	Stale Stale // when to give answers that have expired

	Validation Validation // of answers (RFC 4035)

	Timeout  time.Duration // wait for one attempt; at most three times that for a slow server, see patience; default 1.5 s
	Deadline time.Duration // longest wait of a client; default 6 s

	Crew     *crew.Crew       // who works; nil: one of its own, of which nobody waits when there is no work
	Now      func() time.Time // default time.Now; timers always take real time
	IntN     func(n int) int  // a random number from 0 to n-1, safe for concurrent use; default rand.IntN
	Observe  func(Exchange)   // told of every exchange with a server as it ends; must not block
	Referred func(Referral)   // told of where servers refer to, before anybody is asked there, and of who answers; must not block
}

func (o Options) withDefaults() Options {
	if o.Hints == nil {
		o.Hints = BuiltinHints()
	}
	if o.Port == 0 {
		o.Port = 53
	}
	if o.Cache == 0 && o.CacheBytes == 0 {
		o.Cache = 100_000
	}
	if o.MaxTTL == 0 {
		o.MaxTTL = 86400
	}
	if o.MaxNegativeTTL == 0 {
		o.MaxNegativeTTL = 900
	}
	if o.PerZone == 0 {
		o.PerZone = 200
	}
	if o.Waiting == 0 {
		o.Waiting = 100
	}
	o.Stale = o.Stale.withDefaults()
	if o.DoNotQuery == nil {
		o.DoNotQuery = DefaultDoNotQuery()
	}
	if o.Timeout == 0 {
		o.Timeout = 1500 * time.Millisecond
	}
	if o.Deadline == 0 {
		o.Deadline = 6 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Validation.Now == nil {
		o.Validation.Now = o.Now
	}
	if o.Validation.Turns == nil {
		o.Validation.Turns = NewTurns(0)
	}
	if o.IntN == nil {
		o.IntN = rand.IntN
	}
	if o.Crew == nil {
		o.Crew = new(crew.Crew)
	}
	if o.Observe == nil {
		o.Observe = func(Exchange) {}
	}
	if o.Referred == nil {
		o.Referred = func(Referral) {}
	}
	return o
}

// Resolver is an iterative resolver with its memory. It is a lookup.Resolver.
type Resolver struct {
	options  Options
	pins     pins
	locals   locals
	root     atomic.Pointer[cut] // nil until it is first needed
	cuts     *cuts
	trusts   *trusts
	ranges   atomic.Pointer[dnssec.Ranges]
	answers  *answers
	failures *failures
	health   *health
	flights  *flights
	traffic  traffic
	counters counters
	epoch    atomic.Uint64 // how often something was flushed

	subnets     subnets
	outstanding outstanding
	polls       sync.Pool // of *poll that are over, for their memory
}

var _ lookup.Resolver = (*Resolver)(nil)

// New makes a Resolver with an empty memory. It starts nothing and sends nothing.
func New(o Options) *Resolver {
	o = o.withDefaults()
	pins := newPins(o.Zones)
	o.NoPriming = o.NoPriming || pins[lookup.Root] != nil
	r := &Resolver{
		options:  o,
		pins:     pins,
		locals:   newLocals(o.Zones),
		cuts:     newCuts(o),
		trusts:   newTrusts(o),
		answers:  newAnswers(o, pins),
		failures: newFailures(o),
		health:   newHealth(o),
		flights:  newFlights(o.Waiting, o.Crew),
		traffic:  traffic{most: o.PerZone, in: map[lookup.Name]int{}},

		subnets:     subnets{memory: ecs.NewMemory(ecs.MemoryOptions{}), quota: ecs.NewQuota(ecs.QuotaOptions{Total: max(1, o.Cache/2)})},
		outstanding: outstanding{underway: map[messageKey]*message{}},
	}
	r.flights.width = r.width
	r.ranges.Store(dnssec.NewRanges(0, o.Validation.Policy))
	return r
}

// Resolve answers q from memory or by asking servers. The answer section holds
// the alias chain in order and what stands at its end; the authority section holds
// the SOA of a denial and what proves it, and what proves that a wildcard made an
// answer; RRSIGs stand with what they cover. What is bogus is given to queries with CD
// alone (RFC 4035 3.2.2), others get a *lookup.Failure that says why.
//
// When no answer is found before the deadline the error is a *lookup.Failure; the
// work goes on for a little longer, for the sake of those who ask again. When ctx
// is cancelled the error is the context's, and work that nobody else waits for
// ends.
func (r *Resolver) Resolve(ctx context.Context, q lookup.Query) (*lookup.Response, error) {
	return r.resolve(ctx, q, nil, nil)
}

func (r *Resolver) resolve(ctx context.Context, q lookup.Query, policy *ecs.Policy, leave func(lookup.Name) bool) (*lookup.Response, error) {
	if refusal := r.refuse(q); refusal != nil {
		return refusal, nil
	}
	if q.Budget == nil {
		q.Budget = lookup.NewBudget(r.options.Limits)
	}
	who, asked := r.asker(q, policy), hopQuestion(q.Name, q.Type)
	if refusal := who.refusesOption(asked); refusal != nil {
		r.counters.subnets.refused.Add(1)
		return refusal, nil
	}
	t := task{
		budget: q.Budget, held: &held{}, snoop: !q.RD, proof: r.proof(q.CD), trace: q.Trace,
		renew: q.Fresh, cold: q.Fresh, epoch: r.epoch.Load(), who: who, leave: leave,
	}
	response, err := r.follow(ctx, t, asked)
	r.counters.judged(response, err)
	if err != nil {
		r.counters.failed(err)
		return nil, err
	}
	if asked.Type == lookup.TypeANY && r.options.Any == AnyMinimal {
		response = single(response)
	}
	if r.options.Complete {
		response = r.complete(t, response)
	}
	return response, nil
}

// proof is what it takes to believe something, for those who validate for themselves
// and for others.
func (r *Resolver) proof(cd bool) proof {
	if cd || !r.validates() {
		return nil
	}
	if r.options.Validation.Permissive {
		return r.tolerate
	}
	return r.vet
}

// refuse is the response to what this resolver does not do, or nil.
func (r *Resolver) refuse(q lookup.Query) *lookup.Response {
	switch {
	case !q.RD && !r.options.Snoop:
		return refusal(lookup.REFUSED, lookup.EDENotAuthoritative, "recursion not desired")
	case q.Class != lookup.ClassIN:
		return refusal(lookup.REFUSED, lookup.EDENotSupported, "class "+q.Class.String())
	case q.Type == lookup.TypeANY && r.options.Any == AnyRefuse:
		return refusal(lookup.REFUSED, lookup.EDENotSupported, "type ANY")
	case isMeta(q.Type):
		return refusal(lookup.NOTIMP, lookup.EDEInvalidQueryType, "type "+q.Type.String())
	}
	return nil
}

func refusal(rcode lookup.Rcode, code uint16, text string) *lookup.Response {
	return &lookup.Response{Rcode: rcode, EDE: []lookup.EDE{{Code: code, Text: text}}}
}

// isMeta tells whether t can stand in no zone and is not ANY (RFC 6895 3.1).
func isMeta(t lookup.Type) bool {
	return t == lookup.TypeNone || t == lookup.TypeOPT || t >= 128 && t <= 255 && t != lookup.TypeANY
}

// hopQuestion is the form in which hops are asked for and remembered: DO and CD
// make no difference here, see wireQuestion.
func hopQuestion(name lookup.Name, t lookup.Type) lookup.Question {
	return lookup.Question{Name: name, Type: t, Class: lookup.ClassIN}
}

// follow answers q by joining hop to hop for as long as there are aliases.
func (r *Resolver) follow(ctx context.Context, t task, q lookup.Question) (*lookup.Response, error) {
	chain := aliases{first: q, whole: t.budget.Followed() == 0}
	confess := func(whole *lookup.Response) *lookup.Response { return whole }
	for {
		now := r.options.Now()
		h, stale, err := r.find(ctx, t, q, now)
		if err != nil {
			return nil, err
		}
		if h == nil {
			return chain.before(r.referral(t, q, now)), nil
		}
		here := h.aged(now)
		if stale {
			r.counters.stale.Add(1)
			here, confess = r.staled(h), confessed
		}
		chain.narrow(t.who.tellOf(q, h), h.response.Uncacheable)
		chain.keep = lookup.LeastKeep(chain.keep, lookup.LeastKeep(here.Keep, r.unseen(t, h, now)))
		if h.next == "" || !followsAlias(q.Type) || r.leaves(h.next) {
			return confess(chain.before(here)), nil
		}
		if t.leave != nil && t.leave(h.next) {
			return confess(chain.before(here)), nil
		}
		t.tell(lookup.Event{Kind: lookup.EventAlias, Name: q.Name, Type: q.Type, Target: h.next})
		if err := r.advance(t, &chain, here, h.next); err != nil {
			return nil, err
		}
		q.Name = h.next
	}
}

// find gets the hop of q from memory or, unless t is to make do with that, from
// servers; nil when there is none in memory.
func (r *Resolver) find(ctx context.Context, t task, q lookup.Question, now time.Time) (h *hop, stale bool, err error) {
	if h, ok := r.recall(t, q, now); ok && !t.cold && (t.proof == nil || r.settled(h)) {
		r.counters.hits.Add(1)
		t.tellHit(q, h, now)
		if r.prefetches(t) {
			r.prefetch(t, q, h, now)
		}
		return h, false, nil
	}
	if h := r.infer(t, q, now); h != nil {
		t.tellHit(q, h, now)
		return h, false, nil
	}
	r.counters.misses.Add(1)
	if t.snoop {
		if err := r.refused(t, q); errors.Is(err, errBogus) {
			return nil, false, err
		}
		if h = r.expired(t, q); h != nil && r.options.Stale.ClientTimer < 0 {
			r.refresh(t, q)
		}
		return h, h != nil, nil
	}
	return r.obtain(ctx, t.begun(r.options.Deadline), q)
}

// leaves tells whether to find name is the business of whoever has asked.
func (r *Resolver) leaves(name lookup.Name) bool {
	return r.options.Within != "" && !name.IsSubdomainOf(r.options.Within)
}

// followsAlias tells whether a CNAME is a step towards t and not the answer
// (RFC 1034 3.6.2).
func followsAlias(t lookup.Type) bool { return t != lookup.TypeCNAME && t != lookup.TypeANY }

// isOwner tells whether name has a CNAME in chain.
func isOwner(chain []lookup.RRset, name lookup.Name) bool {
	return slices.ContainsFunc(chain, func(s lookup.RRset) bool { return s.Name == name && s.Type == lookup.TypeCNAME })
}
