package cache

import (
	"hash/maphash"
	"iter"
	"math"
	"net/netip"
	"time"
)

// Defaults of Options.
const (
	defaultEntries  = 100_000
	defaultNetworks = 100 // what Unbound keeps for one name, too
	defaultShards   = 16
	minShard        = 64        // by default; fewer places in a shard make a poor LRU
	minShardBytes   = 256 << 10 // by default; a shard allocates places by the chunk
	minPlaces       = 2         // in a shard: one for everyone and one for a network
)

// Options are the bounds of a Cache. A zero field takes the default.
type Options[K comparable, V any] struct {
	Entries  int // pairs of key and audience in all; default 100000, or any number when there is Bytes; at least 2
	Networks int // networks of one key, everyone not counted; default 100

	// Bytes is how many octets of memory keys and values may take in all, the
	// cache's own needs included; default any number. What takes more than a shard's
	// part of it is not kept.
	Bytes int64

	// Size is how many octets a key and its value take beside themselves: what they
	// refer to and keep from being freed, in the sizes that the runtime allocates
	// (see Allocated). It must not change while the value is kept. The default is
	// none.
	Size func(K, V) int64

	// Shards is over how many locks the keys are spread; default 16, and fewer
	// when Entries or Bytes is small.
	Shards int

	// Hash says where a key goes; equal keys must have equal hashes, which nobody
	// outside should be able to guess. All of its bits must be good. The default
	// works for every type of key.
	Hash func(K) uint64
}

func (o Options[K, V]) filled() Options[K, V] {
	if o.Entries <= 0 {
		o.Entries = defaultEntries
		if o.Bytes > 0 {
			o.Entries = math.MaxInt32
		}
	}
	o.Entries = max(o.Entries, minPlaces)
	if o.Networks <= 0 {
		o.Networks = defaultNetworks
	}
	if o.Shards <= 0 {
		o.Shards = min(defaultShards, max(1, o.Entries/minShard))
		if o.Bytes > 0 {
			o.Shards = min(o.Shards, int(max(1, o.Bytes/minShardBytes)))
		}
	}
	o.Shards = min(o.Shards, o.Entries/minPlaces)
	if o.Hash == nil {
		seed := maphash.MakeSeed()
		o.Hash = func(key K) uint64 { return maphash.Comparable(seed, key) }
	}
	return o
}

// Cache keeps values by key and audience. It is safe for concurrent use. Times
// are wall clock times: a machine that slept finds its values expired.
type Cache[K comparable, V any] struct {
	hash   func(K) uint64
	shards []shard[K, V]
}

// Entry is one pair of key and audience with what is kept for it.
type Entry[K comparable, V any] struct {
	Key     K
	Scope   netip.Prefix // the zero Prefix is everyone
	Value   V
	Expires time.Time
}

// New makes an empty Cache.
func New[K comparable, V any](o Options[K, V]) *Cache[K, V] {
	o = o.filled()
	c := &Cache[K, V]{hash: o.Hash, shards: make([]shard[K, V], o.Shards)}
	shape := newShape(o.Size)
	for i := range c.shards {
		b := bound{places: o.Entries / o.Shards, bytes: o.Bytes / int64(o.Shards), networks: o.Networks}
		if i < o.Entries%o.Shards {
			b.places++
		}
		c.shards[i].open(b, shape)
	}
	return c
}

func (c *Cache[K, V]) shard(key K) (s *shard[K, V], hash uint64) {
	hash = c.hash(key)
	return &c.shards[hash%uint64(len(c.shards))], hash
}

// Get finds the value that serves client at the time now, and the network that
// it is kept for: the longest that contains client, or everyone, which is the
// zero Prefix. The zero client is served only what is for everyone. A value whose
// network has length 0 serves only a client of length 0 and the same family
// (RFC 7871 7.3.1). What has expired is not found. Get does not allocate.
func (c *Cache[K, V]) Get(key K, client netip.Prefix, now time.Time) (v V, scope netip.Prefix, ok bool) {
	scope, ok = c.Find(key, client, now, &v)
	return v, scope, ok
}

// Find is Get that puts the value into v, for the sake of large ones: they are copied
// once. When there is none, v is the zero value.
func (c *Cache[K, V]) Find(key K, client netip.Prefix, now time.Time, v *V) (scope netip.Prefix, ok bool) {
	at := now.UnixNano()
	s, hash := c.shard(key)
	scope, expires, ok := s.find(hash, key, client, at, v)
	if !ok || expires <= at {
		var none V
		*v = none
		return netip.Prefix{}, false
	}
	return scope, true
}

// GetStale is Get that does not mind when a value has expired. One that has not
// is preferred to all that have.
func (c *Cache[K, V]) GetStale(key K, client netip.Prefix, now time.Time) (v V, scope netip.Prefix, expires time.Time, ok bool) {
	s, hash := c.shard(key)
	scope, at, ok := s.find(hash, key, client, now.UnixNano(), &v)
	if !ok {
		return v, netip.Prefix{}, time.Time{}, false
	}
	return v, scope, time.Unix(0, at), true
}

// Put keeps v for the clients of scope, the zero Prefix being everyone, until
// expires, in place of what was kept for the same key and scope. Bits behind the
// length of scope are ignored.
func (c *Cache[K, V]) Put(key K, scope netip.Prefix, v V, expires time.Time) {
	s, hash := c.shard(key)
	s.put(hash, key, slot[V]{value: v, scope: masked(scope), expires: expires.UnixNano()})
}

// PutExact is Put for those clients alone who tell just as many bits as scope has,
// which must be valid (RFC 7871 7.3.1).
func (c *Cache[K, V]) PutExact(key K, scope netip.Prefix, v V, expires time.Time) {
	s, hash := c.shard(key)
	s.put(hash, key, slot[V]{value: v, scope: masked(scope), exact: true, expires: expires.UnixNano()})
}

// masked is scope without the bits behind its length. What is for everyone is the
// usual case, for which Masked would make an error.
func masked(scope netip.Prefix) netip.Prefix {
	if !scope.IsValid() {
		return netip.Prefix{}
	}
	return scope.Masked()
}

// Remove forgets key for all audiences and tells whether there was anything.
func (c *Cache[K, V]) Remove(key K) bool {
	s, hash := c.shard(key)
	return s.remove(hash, key)
}

// Purge forgets everything.
func (c *Cache[K, V]) Purge() {
	for i := range c.shards {
		c.shards[i].purge()
	}
}

// Len is the number of pairs of key and audience, expired ones included.
func (c *Cache[K, V]) Len() int {
	n := 0
	for i := range c.shards {
		pairs, _ := c.shards[i].held()
		n += pairs
	}
	return n
}

// Bytes is how many octets of memory they take: what Options.Bytes bounds.
func (c *Cache[K, V]) Bytes() int64 {
	n := int64(0)
	for i := range c.shards {
		_, bytes := c.shards[i].held()
		n += bytes
	}
	return n
}

// All yields everything that is kept, expired or not, in no useful order. It
// sees each shard as it is at one moment and may be used while others change the
// cache.
func (c *Cache[K, V]) All() iter.Seq[Entry[K, V]] {
	return func(yield func(Entry[K, V]) bool) {
		for i := range c.shards {
			for _, e := range c.shards[i].entries() {
				if !yield(e) {
					return
				}
			}
		}
	}
}
