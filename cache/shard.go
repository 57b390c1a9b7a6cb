package cache

import (
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// slot is a value for one audience.
type slot[V any] struct {
	value   V
	scope   netip.Prefix // masked; the zero Prefix is everyone
	expires int64        // nanoseconds of Unix time
}

// audiences is all that is kept for one key. The value for everyone stands in
// the open; only a key with networks has a table of them.
type audiences[V any] struct {
	value    V
	expires  int64
	everyone bool // value and expires are set
	networks *networks[V]
}

func (a audiences[V]) len() int {
	n := a.networks.len()
	if a.everyone {
		n++
	}
	return n
}

// find is the slot that serves client best: one that is alive at the time now
// before one that is not, then the longest network, everyone last.
func (a audiences[V]) find(client netip.Prefix, now int64) (found slot[V], ok bool) {
	found, ok = a.networks.find(client, now)
	if a.everyone && (!ok || found.expires <= now && a.expires > now) {
		return slot[V]{value: a.value, expires: a.expires}, true
	}
	return found, ok
}

// shard is a part of the keys behind one lock.
type shard[K comparable, V any] struct {
	mu       sync.Mutex
	keys     *simplelru.LRU[K, audiences[V]]
	pairs    int   // of key and audience
	places   int   // most pairs
	networks int   // most networks of one key
	now      int64 // the latest time that anyone has told
}

func (s *shard[K, V]) open(places, networks int) {
	s.places, s.networks = places, min(networks, places-1)
	s.keys, _ = simplelru.NewLRU[K, audiences[V]](places, s.dropped) // fails for a size below 1 only
}

// dropped is told of every key that leaves.
func (s *shard[K, V]) dropped(_ K, a audiences[V]) { s.pairs -= a.len() }

func (s *shard[K, V]) find(key K, client netip.Prefix, now int64) (slot[V], bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = max(s.now, now)
	a, ok := s.keys.Get(key)
	if !ok {
		return slot[V]{}, false
	}
	return a.find(client, now)
}

func (s *shard[K, V]) put(key K, new slot[V]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, _ := s.keys.Peek(key)
	before := a.len()
	if new.scope.IsValid() {
		if a.networks == nil {
			a.networks = &networks[V]{}
		}
		a.networks.put(new)
		if a.networks.len() > s.networks {
			a.networks.shrink(new.scope, s.now)
		}
	} else {
		a.value, a.expires, a.everyone = new.value, new.expires, true
	}
	// A new key may push out an old one here, and dropped counts it.
	s.pairs += a.len() - before
	s.keys.Add(key, a)
	for s.pairs > s.places { // ends before key is reached, which has fewer pairs than there are places
		s.keys.RemoveOldest()
	}
}

func (s *shard[K, V]) remove(key K) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keys.Remove(key)
}

func (s *shard[K, V]) purge() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys.Purge()
}

func (s *shard[K, V]) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pairs
}

// entries copies what is there, so that nobody has to be called under the lock.
func (s *shard[K, V]) entries() []Entry[K, V] {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Entry[K, V], 0, s.pairs)
	for _, key := range s.keys.Keys() {
		a, _ := s.keys.Peek(key)
		if a.everyone {
			all = append(all, Entry[K, V]{Key: key, Value: a.value, Expires: time.Unix(0, a.expires)})
		}
		for n := range a.networks.all() {
			all = append(all, Entry[K, V]{Key: key, Scope: n.scope, Value: n.value, Expires: time.Unix(0, n.expires)})
		}
	}
	return all
}
