package cache

import (
	"iter"
	"math"
	"net/netip"
	"sync/atomic"
)

const (
	// none is no place; the place of that number is the ends of the list by use.
	none = 0
	// chunk is how many places are allocated at once. With 256, a chunk of places of
	// nearly any size is of a size that the runtime allocates, and little is lost.
	chunk = 256
	// first is how many places there are at first, for caches that hold little.
	first = 8
	// nobody is when a value expires that there is not.
	nobody = math.MinInt64
)

// place is a key and all that is kept for it. The value for everyone stands in the
// open; only a key with networks has a table of them.
type place[K comparable, V any] struct {
	hash         uint32 // first, and written atomically: see view
	next         uint32 // of the same bucket, or of those that are free
	older, newer uint32 // by use

	key      K
	value    V
	expires  int64 // of value, in nanoseconds of Unix time, or nobody
	networks *networks[V]
}

// become makes the place one for the key that has no value yet.
func (p *place[K, V]) become(key K, hash uint32) {
	var none V
	atomic.StoreUint32(&p.hash, hash)
	p.next, p.key, p.value, p.expires, p.networks = 0, key, none, nobody, nil
}

func (p *place[K, V]) everyone() bool { return p.expires != nobody }

// len is how many audiences there are.
func (p *place[K, V]) len() int {
	n := p.networks.len()
	if p.everyone() {
		n++
	}
	return n
}

// find puts the value that serves client best into v: one that is alive at the time now
// before one that is not, then that of the longest network, everyone's last.
func (p *place[K, V]) find(client netip.Prefix, now int64, v *V) (scope netip.Prefix, expires int64, ok bool) {
	if p.networks != nil {
		if s, in := p.networks.find(client, now); in {
			*v, scope, expires, ok = s.value, s.scope, s.expires, true
		}
	}
	if p.everyone() && (!ok || expires <= now && p.expires > now) {
		*v = p.value
		return netip.Prefix{}, p.expires, true
	}
	return scope, expires, ok
}

// table is a hash table of places that also stand in a list by use. Places are
// numbered and refer to each other by number: a cache is mostly overhead, and a
// number is half a pointer, and nothing that a garbage collector follows. The zero
// table is empty and takes no memory.
type table[K comparable, V any] struct {
	chunks  [][]place[K, V] // of chunk places each; a single one may have fewer
	buckets []uint32        // the first place of each; as many as a power of 2
	used    uint32          // places that have been handed out, free ones included
	free    uint32          // the first place that is free again
	len     int
	view    atomic.Pointer[view[K, V]] // nil while the table is empty
}

func (t *table[K, V]) at(i uint32) *place[K, V] { return &t.chunks[i/chunk][i%chunk] }

func (t *table[K, V]) bucket(hash uint32) *uint32 { return &t.buckets[hash&uint32(len(t.buckets)-1)] }

// short is the part of the hash that places keep. Shards are chosen by the rest.
func short(hash uint64) uint32 { return uint32(hash >> 32) }

func (t *table[K, V]) find(hash uint64, key K) uint32 {
	if t.len == 0 {
		return none
	}
	h := short(hash)
	for i := *t.bucket(h); i != none; {
		p := t.at(i)
		if p.hash == h && p.key == key {
			return i
		}
		i = p.next
	}
	return none
}

// add makes an empty place for a key that has none, as the latest in use.
func (t *table[K, V]) add(hash uint64, key K) uint32 {
	i := t.free
	if i != none {
		t.free = t.at(i).next
	} else {
		t.grow()
		i = t.used
		t.used++
	}
	if t.len++; t.len > len(t.buckets) {
		t.rehash()
	}
	t.at(i).become(key, short(hash))
	t.chain(i)
	t.link(i)
	return i
}

// grow makes room for one more place.
func (t *table[K, V]) grow() {
	switch n := int(t.used); {
	case n == 0:
		t.chunks = [][]place[K, V]{make([]place[K, V], first)}
		t.used = none + 1
	case n%chunk == 0:
		t.chunks = append(t.chunks, make([]place[K, V], chunk))
	case n == len(t.chunks[0]):
		t.chunks = [][]place[K, V]{append(t.chunks[0], make([]place[K, V], n)...)}
	default:
		return
	}
	t.show()
}

// rehash doubles the number of buckets.
func (t *table[K, V]) rehash() {
	t.buckets = make([]uint32, max(8, 2*len(t.buckets)))
	for i := range t.all() {
		t.chain(i)
	}
	t.show()
}

// clear forgets everything.
func (t *table[K, V]) clear() {
	t.view.Store(nil)
	t.chunks, t.buckets, t.used, t.free, t.len = nil, nil, none, none, 0
}

// chain puts a place into its bucket.
func (t *table[K, V]) chain(i uint32) {
	p := t.at(i)
	head := t.bucket(p.hash)
	p.next = *head
	atomic.StoreUint32(head, i)
}

func (t *table[K, V]) remove(i uint32) {
	p := t.at(i)
	link := t.bucket(p.hash)
	for *link != i {
		link = &t.at(*link).next
	}
	atomic.StoreUint32(link, p.next)
	t.unlink(i)
	var nothing K
	p.become(nothing, 0) // what it referred to may go
	p.next, t.free = t.free, i
	t.len--
}

// link makes i the latest in use.
func (t *table[K, V]) link(i uint32) {
	ends := t.at(none)
	latest := ends.older
	t.at(i).older, t.at(i).newer = latest, none
	t.at(latest).newer, ends.older = i, i
}

func (t *table[K, V]) unlink(i uint32) {
	p := t.at(i)
	t.at(p.older).newer, t.at(p.newer).older = p.newer, p.older
}

// touch notes that i is in use.
func (t *table[K, V]) touch(i uint32) {
	if t.at(none).older != i {
		t.unlink(i)
		t.link(i)
	}
}

// oldest is the place that nobody has used for the longest time, or none.
func (t *table[K, V]) oldest() uint32 {
	if t.len == 0 {
		return none
	}
	return t.at(none).newer
}

// all yields the places, the latest in use first.
func (t *table[K, V]) all() iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		if t.len == 0 {
			return
		}
		for i := t.at(none).older; i != none; i = t.at(i).older {
			if !yield(i) {
				return
			}
		}
	}
}
