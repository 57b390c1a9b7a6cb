package resolver

import (
	"errors"
	"slices"
	"sync/atomic"

	"github.com/sextant-dns/sextant/lookup"
)

// Stats is what a Resolver has done since it was made, and what it holds now.
type Stats struct {
	Hits, Misses uint64 // hops that were in memory, and that were not
	Inferred     uint64 // hops that followed from proofs that other questions had brought (RFC 8198)
	Stale        uint64 // of the latter, those that were given although they had expired
	Prefetches   uint64 // of the former, those that were fetched anew because they were about to expire

	Local uint64 // questions that a local copy of a zone answered, see Zone.Local

	Exchanges     uint64 // with servers, those that failed included
	Timeouts      uint64 // of them, those with nothing but silence
	NetworkErrors uint64 // of them, those that failed in another way
	TCP           uint64 // of them, those over TCP in the end

	Subnets SubnetStats

	Failures Failures // queries without an answer

	// Answers, by what validation has made of them; those that nobody wanted to be
	// validated are unchecked. Bogus ones, which are failures but for
	// Validation.Permissive, are counted by the code that says why; those above 63 as 63.
	Secure, Insecure, Unchecked uint64
	Bogus                       map[uint16]uint64
	Signatures                  uint64 // that were checked, good or bad

	Answers, Cuts int   // remembered
	Bytes         int64 // of memory that they take, with chains of trust and failures
	Flights       int   // hops that are being fetched now
}

// Failures counts them by the Extended DNS Error that clients were told.
type Failures struct {
	Unreachable uint64 // 22, no reachable authority
	Network     uint64 // 23, network error
	Remembered  uint64 // 13, cached error
	Other       uint64
}

type counters struct {
	inferred atomic.Uint64
	subnets  subnetCounters

	hits, misses, stale, prefetches     atomic.Uint64
	local                               atomic.Uint64
	exchanges, timeouts, broken, tcp    atomic.Uint64
	unreachable, network, cached, other atomic.Uint64

	secure, insecure, unchecked, signatures atomic.Uint64
	bogus                                   [64]atomic.Uint64 // by EDE
}

func (c *counters) exchanged(e Exchange) {
	c.exchanges.Add(1)
	if e.TCP {
		c.tcp.Add(1)
	}
	switch {
	case e.Err == nil:
	case isTimeout(e.Err):
		c.timeouts.Add(1)
	default:
		c.broken.Add(1)
	}
}

func (c *counters) failed(err error) {
	switch lookup.EDEOf(err).Code {
	case lookup.EDENoReachableAuth:
		c.unreachable.Add(1)
	case lookup.EDENetworkError:
		c.network.Add(1)
	case lookup.EDECachedError:
		c.cached.Add(1)
	default:
		c.other.Add(1)
	}
}

// judged counts the answer, or the failure, that a query has ended with by what
// validation has made of it.
func (c *counters) judged(response *lookup.Response, err error) {
	switch {
	case err != nil:
		if errors.Is(err, errBogus) {
			c.bogus[min(int(lookup.EDEOf(err).Code), len(c.bogus)-1)].Add(1)
		}
	case response.Security == lookup.Secure:
		c.secure.Add(1)
	case response.Security == lookup.Unchecked:
		c.unchecked.Add(1)
	default:
		if i := slices.IndexFunc(response.EDE, tolerated); i >= 0 {
			c.bogus[response.EDE[i].Code].Add(1)
			return
		}
		c.insecure.Add(1)
	}
}

// tolerated tells whether e says that an answer is bogus: then it would have been a
// failure if that were not tolerated.
func tolerated(e lookup.EDE) bool { // RFC 8914 4.7-4.13
	return e.Code >= lookup.EDEBogus && e.Code <= lookup.EDENSECMissing || e.Code == lookup.EDESignatureExpiredEarlier
}

// Stats reads the counters. They are read one by one, so those of a busy Resolver
// need not fit together exactly.
func (r *Resolver) Stats() Stats {
	c := &r.counters
	bogus := map[uint16]uint64{}
	for code := range c.bogus {
		if n := c.bogus[code].Load(); n > 0 {
			bogus[uint16(code)] = n
		}
	}
	return Stats{
		Hits:          c.hits.Load(),
		Misses:        c.misses.Load(),
		Inferred:      c.inferred.Load(),
		Stale:         c.stale.Load(),
		Prefetches:    c.prefetches.Load(),
		Local:         c.local.Load(),
		Exchanges:     c.exchanges.Load(),
		Timeouts:      c.timeouts.Load(),
		NetworkErrors: c.broken.Load(),
		TCP:           c.tcp.Load(),
		Subnets:       r.subnetStats(r.options.Now()),
		Failures: Failures{
			Unreachable: c.unreachable.Load(),
			Network:     c.network.Load(),
			Remembered:  c.cached.Load(),
			Other:       c.other.Load(),
		},
		Secure:     c.secure.Load(),
		Insecure:   c.insecure.Load(),
		Unchecked:  c.unchecked.Load(),
		Bogus:      bogus,
		Signatures: c.signatures.Load(),

		Answers: r.answers.cache.Len(),
		Cuts:    r.cuts.cache.Len(),
		Bytes:   r.answers.cache.Bytes() + r.cuts.cache.Bytes() + r.trusts.cache.Bytes() + r.failures.cache.Bytes(),
		Flights: r.flights.len(),
	}
}
