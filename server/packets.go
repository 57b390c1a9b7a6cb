package server

import (
	"hash/maphash"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"sync/atomic"
	"time"

	"github.com/sextant-dns/sextant/cache"
	"github.com/sextant-dns/sextant/ecs"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/server/internal/wire"
)

const (
	// maxKept is the longest body that is kept: a few names must not fill the
	// memory (CVE-2024-25590).
	maxKept = 16 << 10
)

// packets remembers packed responses until their TTL has run out. It makes the
// server fast and nothing else: without this file, and the lines of respond.go
// that say get and put, every query would be a miss and the replies the same. A
// nil *packets remembers nothing.
type packets struct {
	seed  maphash.Seed
	cache *cache.Cache[uint64, packet]

	// asked are marks of questions about zones of ours that were asked lately, each
	// where the lowest bits of its key say. What is for everyone and asked once, as in a
	// flood of random names, is not worth a place in the cache: our zones answer at once.
	asked [1 << 16]atomic.Uint32
}

// newPackets makes room for that many packets in so many octets; 0 is any number
// of one of them.
func newPackets(entries int, bytes int64) *packets {
	if entries < 0 || entries == 0 && bytes == 0 {
		return nil
	}
	return &packets{
		seed: maphash.MakeSeed(),
		cache: cache.New[uint64, packet](cache.Options[uint64, packet]{
			Entries: entries,
			Bytes:   bytes,
			Size:    packetSize,
			Hash:    func(key uint64) uint64 { return key },
		}),
	}
}

// packetSize is what a packet takes beside itself.
func packetSize(_ uint64, p packet) int64 {
	n := cache.Allocated(len(p.image))
	if p.rare != nil {
		n += cache.Allocated(int(reflect.TypeFor[rare]().Size())) + cache.Allocated(cap(p.rare.ede)*int(reflect.TypeFor[lookup.EDE]().Size()))
		if p.rare.chosen != nil {
			n += cache.Allocated(int(reflect.TypeFor[chosen]().Size()))
		}
		for _, e := range p.rare.ede {
			n += cache.Allocated(len(e.Text))
		}
	}
	return n
}

// variant is what beside question and audience decides about an answer: the
// view, and the bits that resolvers see.
type variant uint32

func (q *query) variant() variant {
	v := variant(q.view) << 3
	if q.Flags&wire.RD != 0 {
		v |= 1
	}
	if q.Flags&wire.CD != 0 {
		v |= 2
	}
	if q.DO {
		v |= 4
	}
	return v
}

// key is the hash of the question, with a seed that nobody can guess.
func (ps *packets) key(q *query) uint64 {
	if ps == nil {
		return 0
	}
	return maphash.Bytes(ps.seed, q.Key()) + uint64(q.variant())*0x9e3779b97f4a7c15
}

// warm has what is under the keys fetched, for find.
func (ps *packets) warm(keys []uint64) {
	if ps != nil {
		ps.cache.Warm(keys)
	}
}

// get is a packet that answers q.
func (ps *packets) get(q *query) (p packet, ok bool) {
	q.key = ps.key(q)
	var k kept
	ps.find(q, &k)
	k.place(q)
	ok = ps.fits(&k, q)
	return k.packet, ok
}

// kept is what there is under the key of a query.
type kept struct {
	packet
	ok     bool  // there is something, and nothing that has been looked at speaks against it
	number int   // of the answer that is wanted, where there are several
	reach  reach // whom that is for
}

// find looks for what there is under the key of q, and puts it into k, which was empty.
func (ps *packets) find(q *query, k *kept) {
	if ps != nil {
		k.reach.limits, k.ok = ps.cache.Find(q.key, q.audience(), q.arrived, &k.packet)
	}
}

// place finds out which of several answers is for q, and for whom that is. Two questions may
// have one key, so the packet is asked first for the question that it answers.
func (k *kept) place(q *query) {
	if k.ok = k.ok && k.answers(q) && !k.isPlaced(k.reach.limits, q); !k.ok {
		return
	}
	if c := k.choice(); c != nil {
		k.number, k.reach.limits, k.reach.wanted, k.ok = c.Of(clientOf(q.from), q.subnet)
		return
	}
	k.reach.wanted = k.packet.wanted()
}

// fits tells whether k, which has been placed, answers q. It is then the one of several
// answers that does.
func (ps *packets) fits(k *kept, q *query) bool {
	if c := k.choice(); k.ok && c != nil && c.number != k.number {
		k.ok = ps.beside(q, c.Choice, k.number, &k.packet)
	}
	if k.ok {
		q.reach = k.reach
	}
	return k.ok
}

// answers tells whether the packet is for the question of q.
func (p *packet) answers(q *query) bool {
	return p.variant == q.variant() && p.asked() == string(q.Key())
}

// at puts into p a packet for q that is kept under key, if there is one.
func (ps *packets) at(key uint64, q *query, p *packet) (ok bool) {
	_, ok = ps.cache.Find(key, q.audience(), q.arrived, p)
	return ok && p.answers(q)
}

// isPlaced tells that the answer depends on where its audience is, while q says a subnet
// that is nowhere: then who asks decides (RFC 7871 10), and not what others around that
// subnet hear. What is for the whole block of such addresses is for q, unless zones of ours
// have chosen it, by the address of somebody in there.
func (p *packet) isPlaced(scope netip.Prefix, q *query) bool {
	if !scope.IsValid() || !q.subnet.IsValid() {
		return false
	}
	block, nobodys := ecs.Nobodys(q.subnet)
	return nobodys && (p.flags&wire.AA != 0 || scope.Bits() < block.Bits())
}

// again tells whether the question was asked lately, and notes that it has been.
func (ps *packets) again(q *query) bool {
	if ps == nil {
		return false
	}
	if q.key == 0 { // what is signed is not looked for before
		q.key = ps.key(q)
	}
	at, mark := &ps.asked[q.key%uint64(len(ps.asked))], uint32(q.key>>32)|1
	switch before := at.Load(); {
	case before == mark:
		return true
	case before == 0 || rand.Uint32()&1 == 0: // two that are asked in turn must not drive each other out for ever
		at.Store(mark)
	}
	return false
}

// put remembers p, which was made for q and is for the clients of scope, for ttl seconds.
func (ps *packets) put(q *query, p packet, scope netip.Prefix, ttl uint32) {
	if ps == nil || ttl == 0 || len(p.body()) > maxKept {
		return
	}
	p.variant = q.variant()
	put := ps.cache.Put
	if p.wanted() > 0 {
		put = ps.cache.PutExact // RFC 7871 7.3.1
	}
	put(ps.key(q), scope, p, time.Unix(0, p.born).Add(time.Duration(ttl)*time.Second))
}

// held is how many packets are remembered, and what they take.
func (ps *packets) held() (entries int, bytes int64) {
	if ps == nil {
		return 0, 0
	}
	return ps.cache.Len(), ps.cache.Bytes()
}
