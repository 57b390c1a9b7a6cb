package server

import (
	"sync/atomic"
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

// Stats is a snapshot of what a Server has done since it was made. The numbers
// are read one after the other while queries go on, so sums may be off by the
// few that came in between.
type Stats struct {
	Queries []QueryCount // those that were replied to, zero counts left out, in a fixed order
	Packets PacketStats
	Slow    Histogram       // time from arrival to answer of what no packet answered
	Waiting int             // UDP queries that wait for a resolver now
	Drops   map[Drop]uint64 // messages without a reply; has every reason
	Panics  uint64          // of resolvers; each was answered with SERVFAIL
	TCP     ConnectionStats

	Transfers map[TransferCount]uint64 // of zones to others
	Limited   []LimitCount             // replies that a rate limit has replaced; has every kind and sanction, in a fixed order
	Cookies   CookieStats
}

// LimitCount counts replies that a rate limit has replaced.
type LimitCount struct {
	Kind     Kind
	Sanction Sanction
	Count    uint64
}

// CookieStats counts queries with a COOKIE option (RFC 7873).
type CookieStats struct {
	New  uint64 // with a cookie of the client's alone
	Good uint64 // with one of ours, too
	Bad  uint64 // with something else that is not of our making, or too old
}

// QueryCount counts queries of one kind.
type QueryCount struct {
	Proto Proto
	Type  lookup.Type  // lookup.TypeNone stands for all types that are not counted apart
	Rcode lookup.Rcode // of the reply; 31 stands for that and all above
	Count uint64
}

// PacketStats tells how well the packet cache does.
type PacketStats struct {
	Hits, Misses uint64
	Entries      int   // packets that are remembered now
	Bytes        int64 // of memory that they take
}

// ConnectionStats counts TCP connections.
type ConnectionStats struct {
	Accepted uint64
	Refused  uint64 // closed at once: the client has too many, or all are busy
	Evicted  uint64 // closed while idle to make room
	Open     int    // now
}

// Histogram counts durations.
type Histogram struct {
	Bounds []time.Duration // upper bounds, inclusive, ascending
	Counts []uint64        // one for each bound, not summed up, and one for all above
	Sum    time.Duration
}

// Drop is a reason for not replying.
type Drop uint8

// The reasons.
const (
	DropShort    Drop = iota // shorter than a header
	DropResponse             // a response (LoopDoS)
	DropPort                 // from a UDP port that no client has
	DropOverload             // too many queries wait for a resolver
	DropGreedy               // too many queries of this client do
	DropLate                 // the answer came when nobody waits any more (DNSBomb)
	DropSend                 // the system would not send the reply
	DropLimit                // a rate limit withholds the reply
	drops
)

// String is the reason in one lower-case word.
func (d Drop) String() string {
	return [...]string{"short", "response", "port", "overload", "greedy", "late", "send", "limit"}[d]
}

const maxRcode = 31

// counted are the types that have counts of their own.
var counted = [...]lookup.Type{
	lookup.TypeNone, lookup.TypeA, lookup.TypeNS, lookup.TypeCNAME, lookup.TypeSOA, lookup.TypePTR, lookup.TypeMX,
	lookup.TypeTXT, lookup.TypeAAAA, lookup.TypeSRV, 35 /* NAPTR */, lookup.TypeDS, lookup.TypeRRSIG, lookup.TypeNSEC,
	lookup.TypeDNSKEY, 52 /* TLSA */, lookup.TypeSVCB, lookup.TypeHTTPS, lookup.TypeIXFR, lookup.TypeAXFR, lookup.TypeANY, 257, /* CAA */
}

// slot is where a type stands in counted.
func slot(t lookup.Type) int {
	for i, c := range counted {
		if c == t {
			return i
		}
	}
	return 0
}

// tally is one part of the server's counters. Each UDP reader has its own, so
// that readers do not fight for the cache lines that they are counted in.
type tally struct {
	queries [protos][len(counted)][maxRcode + 1]atomic.Uint64
	hits    atomic.Uint64
	misses  atomic.Uint64
	turns   atomic.Uint64 // of addresses in answers
	dropped [drops]atomic.Uint64
	panics  atomic.Uint64
	slow    histogram
	cookies [goodCookie + 1]atomic.Uint64
	limited [kinds][sanctions]atomic.Uint64
	slips   atomic.Uint64 // replies that a rate limit was to replace
}

func (t *tally) reply(q *query) {
	t.queries[q.proto][slot(q.Type)][min(q.rcode, maxRcode)].Add(1)
}

func (t *tally) drop(why Drop) { t.dropped[why].Add(1) }

// bounds are the upper bounds of the histogram's buckets.
var bounds = [...]time.Duration{
	time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond,
	10 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second,
}

type histogram struct {
	counts [len(bounds) + 1]atomic.Uint64
	sum    atomic.Int64
}

func (h *histogram) observe(d time.Duration) {
	i := 0
	for i < len(bounds) && d > bounds[i] {
		i++
	}
	h.counts[i].Add(1)
	h.sum.Add(int64(max(d, 0)))
}

// Stats is a snapshot of the counters.
func (s *Server) Stats() Stats {
	st := Stats{
		Slow:    Histogram{Bounds: append([]time.Duration(nil), bounds[:]...), Counts: make([]uint64, len(bounds)+1)},
		Waiting: s.queue.len(),
		Drops:   make(map[Drop]uint64, drops),
		TCP:     s.crowd.stats(),

		Transfers: s.transfers.counted(),
	}
	st.Packets.Entries, st.Packets.Bytes = s.generation.Load().packets.held()
	tallies := s.tallies()
	for _, t := range tallies {
		st.Packets.Hits += t.hits.Load()
		st.Packets.Misses += t.misses.Load()
		st.Panics += t.panics.Load()
		for why := range drops {
			st.Drops[why] += t.dropped[why].Load()
		}
		for i := range t.slow.counts {
			st.Slow.Counts[i] += t.slow.counts[i].Load()
		}
		st.Slow.Sum += time.Duration(t.slow.sum.Load())
	}
	st.Limited, st.Cookies = edgeStats(tallies)
	for proto := range protos {
		for i, qtype := range counted {
			for rcode := range maxRcode + 1 {
				n := uint64(0)
				for _, t := range tallies {
					n += t.queries[proto][i][rcode].Load()
				}
				if n > 0 {
					st.Queries = append(st.Queries, QueryCount{proto, qtype, lookup.Rcode(rcode), n})
				}
			}
		}
	}
	return st
}

// edgeStats is what cookies and rate limits have done.
func edgeStats(tallies []*tally) (limited []LimitCount, cookies CookieStats) {
	for kind := range kinds {
		for sanction := range sanctions {
			n := uint64(0)
			for _, t := range tallies {
				n += t.limited[kind][sanction].Load()
			}
			limited = append(limited, LimitCount{kind, sanction, n})
		}
	}
	for _, t := range tallies {
		cookies.New += t.cookies[clientCookie].Load()
		cookies.Bad += t.cookies[badCookie].Load()
		cookies.Good += t.cookies[oldCookie].Load() + t.cookies[goodCookie].Load()
	}
	return limited, cookies
}
