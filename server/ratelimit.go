package server

import (
	"cmp"
	"hash/maphash"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/server/internal/wire"
)

// RateLimit bounds how many replies over UDP one network gets, so that who forges the
// addresses of queries cannot have us flood it. Clients that have our cookie, sign, or
// come over TCP are who they say, and not limited. The zero value limits nothing.
type RateLimit struct {
	// Responses is how many replies of one kind, about one name, a network gets a
	// second, in views that ask for it. 0: any number.
	Responses int
	// Errors is how many replies with an error it gets, whatever the view; of
	// SERVFAIL that is so in views alone that ask for it. 0: any number.
	Errors int

	// Window is for how long a network that goes on asking is held to have used up its
	// share; default 15 s. A flood has to end for that long before all is as before.
	Window time.Duration
	// Slip is how many of the replies that are withheld come to one that says in a few
	// octets to come again over TCP, or with a cookie; negative: none does. Default 2.
	// Errors, as short as that themselves, are withheld altogether.
	Slip int

	IPv4Bits, IPv6Bits int            // that a network has in common; default 24 and 56
	Exempt             []netip.Prefix // networks that nothing is withheld from

	Table int // networks and names that are counted apart; default 100000
}

func (r RateLimit) filled() RateLimit {
	r.Responses, r.Errors = min(r.Responses, maxRate), min(r.Errors, maxRate)
	r.Window = min(max(cmp.Or(r.Window, 15*time.Second), time.Second), maxWindow)
	r.Slip = cmp.Or(r.Slip, 2)
	r.IPv4Bits, r.IPv6Bits = min(max(cmp.Or(r.IPv4Bits, 24), 1), 32), min(max(cmp.Or(r.IPv6Bits, 56), 1), 128)
	r.Table = cmp.Or(r.Table, 100_000)
	r.Exempt = slices.Clone(r.Exempt)
	for i := range r.Exempt {
		r.Exempt[i] = unmapped(r.Exempt[i])
	}
	return r
}

// What a balance holds bounds these.
const (
	maxRate   = 10_000
	maxWindow = 5 * time.Minute
)

// Kind is what replies have in common that are counted together.
type Kind uint8

// The kinds.
const (
	KindAnswer   Kind = iota // by the name, or the wildcard or DNAME that has made it
	KindNoData               // by the name
	KindNXDomain             // by the zone
	KindReferral             // by the zone cut
	KindError                // all together
	kinds
)

// String is the kind in one lower-case word.
func (k Kind) String() string {
	return [...]string{"answer", "nodata", "nxdomain", "referral", "error"}[k]
}

// Sanction is what a network got in place of a reply.
type Sanction uint8

// The sanctions.
const (
	Withheld  Sanction = iota // nothing
	Truncated                 // a reply without anything, and TC
	Cookie                    // BADCOOKIE, and the cookie to come again with
	sanctions
)

// String is the sanction in one lower-case word.
func (s Sanction) String() string { return [...]string{"withheld", "truncated", "badcookie"}[s] }

// limiter counts replies. It is safe for concurrent use, never grows, and takes no lock:
// a bucket is one word, which is replaced as a whole.
type limiter struct {
	options RateLimit
	seed    maphash.Seed
	buckets []atomic.Uint64 // in sets of bucketWays; their number is a power of two
	logged  atomic.Int64    // the second in which something was logged last
}

// A bucket holds whose it is, when it was last used, and its balance: how many replies
// there may be yet, below zero how many too many there have been.
const (
	bucketWays  = 4
	balanceBits = 24
	secondBits  = 20 // twelve days
	tagBits     = 64 - balanceBits - secondBits

	secondMask = 1<<secondBits - 1
	clockSlack = 5 // seconds that two readers may be apart
)

// newLimiter is nil when nothing is limited.
func newLimiter(r RateLimit) *limiter {
	if r.Responses <= 0 && r.Errors <= 0 {
		return nil
	}
	r = r.filled()
	size := bucketWays
	for size < r.Table {
		size *= 2
	}
	return &limiter{options: r, seed: maphash.MakeSeed(), buckets: make([]atomic.Uint64, size)}
}

// debit takes one reply from the balance of key, which grows by rate a second up to
// rate, and tells what is left. It does not fall below floor.
func (l *limiter) debit(key, second uint64, rate, floor int64) int64 {
	set := l.buckets[int(key)&(len(l.buckets)-1)&^(bucketWays-1):][:bucketWays]
	tag := key >> (64 - tagBits)
	second &= secondMask
	for {
		b, was := find(set, tag, second)
		balance, now := rate, second
		if was>>(64-tagBits) == tag {
			balance = int64(was<<(64-balanceBits)) >> (64 - balanceBits) // with its sign
			if elapsed := (second - was>>balanceBits) & secondMask; elapsed < secondMask-clockSlack {
				balance = min(balance+int64(elapsed)*rate, rate)
			} else {
				now = was >> balanceBits & secondMask // another reader's clock is ahead
			}
		}
		balance = max(balance-1, floor)
		is := tag<<(64-tagBits) | now<<balanceBits | uint64(balance)&(1<<balanceBits-1)
		if b.CompareAndSwap(was, is) {
			return balance
		}
	}
}

// find is the bucket of a set for tag: its own, or the one that has not been used for
// longest, which it then takes over.
func find(set []atomic.Uint64, tag, second uint64) (b *atomic.Uint64, holds uint64) {
	longest := uint64(0)
	for i := range set {
		v := set[i].Load()
		if v>>(64-tagBits) == tag {
			return &set[i], v
		}
		idle := (second - v>>balanceBits) & secondMask
		if idle > secondMask-clockSlack {
			idle = 0
		}
		if b == nil || idle > longest {
			b, holds, longest = &set[i], v, idle
		}
	}
	return b, holds
}

// kind is the kind of a reply.
func (p *packet) kind() Kind {
	switch {
	case p.rcode == lookup.NXDOMAIN:
		return KindNXDomain
	case p.rcode != lookup.NOERROR && p.rcode != lookup.YXDOMAIN:
		return KindError
	case p.counts[0] > 0 || p.rcode == lookup.YXDOMAIN:
		return KindAnswer
	case p.flags&wire.AA == 0 && p.counts[1] > 0:
		return KindReferral
	}
	return KindNoData
}

// judge counts the reply p to q and tells whether q may have it; if not, what instead.
// There are limits, and q has come over UDP without our cookie.
func (s *Server) judge(q *query, p *packet) (what Sanction, may bool) {
	l := s.limiter
	if q.signed != nil && p.rcode != lookup.NOTAUTH || q.Flags.Opcode() != 0 && p.rcode == lookup.NOERROR {
		return 0, true // a server for a zone of ours
	}
	kind, rate := p.kind(), l.options.Responses
	listed := q.view >= 0 && q.generation.views[q.view].RateLimit
	if kind == KindError {
		rate = l.options.Errors
		listed = listed || p.rcode != lookup.SERVFAIL
	}
	if rate <= 0 || !listed {
		return 0, true
	}
	floor := -int64(rate) * int64(l.options.Window/time.Second)
	balance := l.debit(l.key(q, kind, int(p.shared)), uint64(q.arrived.Unix()), int64(rate), floor)
	if balance >= 0 || l.exempts(clientOf(q.from)) {
		return 0, true
	}
	if balance == -1 {
		s.logLimit(q, kind)
	}
	what = s.sanction(q, kind)
	q.tally.limited[kind][what].Add(1)
	return what, false
}

// sanction is what q gets in place of a reply.
func (s *Server) sanction(q *query, kind Kind) Sanction {
	slip := s.limiter.options.Slip
	switch {
	case kind == KindError || slip < 0 || q.tally.slips.Add(1)%uint64(slip) != 0:
		return Withheld
	case s.cookies != nil && s.cookies.policy != RequireNever && q.options.trust.mayLearn():
		return Cookie
	}
	return Truncated
}

// key is the hash of what replies to q are counted by: the network, the kind, and of
// the name what it shares with others, without so many octets at its front.
func (l *limiter) key(q *query, kind Kind, shared int) uint64 {
	client := clientOf(q.from)
	bits := l.options.IPv6Bits
	if client.Is4() {
		bits = l.options.IPv4Bits
	}
	network, _ := client.Prefix(bits) // which an address of the family has
	var input [16 + 2 + 255]byte      // names have at most so many octets (RFC 1035 2.3.4)
	addr := network.Addr().As16()
	n := copy(input[:], addr[:])
	input[n] = byte(kind)
	if shared > 0 {
		input[n+1] = 1 // the name itself is counted apart
	}
	n += 2
	if key := q.Key(); kind != KindError && len(key) >= shared+4 {
		n += copy(input[n:], key[shared:len(key)-4])
	}
	return maphash.Bytes(l.seed, input[:n])
}

func (l *limiter) exempts(client netip.Addr) bool {
	return slices.ContainsFunc(l.options.Exempt, func(p netip.Prefix) bool { return p.Contains(client) })
}

// logLimit tells that replies are withheld from now on, once a second at most.
func (s *Server) logLimit(q *query, kind Kind) {
	now := q.arrived.Unix()
	if was := s.limiter.logged.Load(); was == now || !s.limiter.logged.CompareAndSwap(was, now) {
		return
	}
	s.options.Log.Info("rate limit: replies are withheld", "client", clientOf(q.from), "kind", kind, "name", q.Name(), "type", q.Type)
}

// shares is how many octets at the front of name do not count when replies r about it
// are counted: those that somebody could vary at will and get the same reply.
func shares(name lookup.Name, r *lookup.Response) uint8 {
	owner := r.Synthesized
	if r.Rcode == lookup.NXDOMAIN {
		if soa, ok := r.Denial(); ok {
			owner = soa.Name
		}
	} else if !r.AA && len(r.Answer) == 0 && len(r.Authority) > 0 {
		owner = r.Authority[0].Name
	}
	if owner == "" || !name.IsSubdomainOf(owner) {
		return 0
	}
	return uint8(len(name) - len(owner))
}
