package cache

import (
	"net/netip"
	"sync"
	"time"
)

// slot is a value for one audience.
type slot[V any] struct {
	value   V
	scope   netip.Prefix // masked; the zero Prefix is everyone
	exact   bool         // for clients of just that length
	expires int64        // nanoseconds of Unix time
}

// shard is a part of the keys behind one lock.
type shard[K comparable, V any] struct {
	mu    sync.Mutex
	table table[K, V]
	pairs int   // of key and audience
	bytes int64 // that they take, by the reckoning of costs
	now   int64 // the latest time that anyone has told
	shape *shape[K, V]
	bound bound
}

// bound is what one shard may hold.
type bound struct {
	places   int   // most pairs
	bytes    int64 // most octets; 0: any number
	networks int   // most networks of one key
}

// open makes the shard ready for use; it has to be called once.
func (s *shard[K, V]) open(b bound, shape *shape[K, V]) {
	b.networks = min(b.networks, b.places-1)
	s.bound, s.shape = b, shape
}

// find puts into v what serves client best, and tells whom it is kept for and until when.
func (s *shard[K, V]) find(hash uint64, key K, client netip.Prefix, now int64, v *V) (scope netip.Prefix, expires int64, ok bool) {
	s.mu.Lock()
	s.now = max(s.now, now)
	if i := s.table.find(hash, key); i != none {
		s.table.touch(i)
		scope, expires, ok = s.table.at(i).find(client, now, v)
	}
	s.mu.Unlock()
	return scope, expires, ok
}

func (s *shard[K, V]) put(hash uint64, key K, new slot[V]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.table.find(hash, key)
	if s.bound.bytes > 0 && s.shape.least(key, new.value) > s.bound.bytes { // all else would have to go for it
		if i != none {
			s.drop(i)
		}
		return
	}
	if i == none {
		i = s.table.add(hash, key)
	} else {
		s.count(i, -1)
		s.table.touch(i)
	}
	p := s.table.at(i)
	p.key = key // it may share memory with the value, and the one before with another
	if new.scope.IsValid() {
		s.scope(p, new)
	} else {
		p.value, p.expires = new.value, new.expires
	}
	s.count(i, 1)
	for s.full() && s.table.oldest() != i {
		s.drop(s.table.oldest())
	}
}

// scope puts new among the networks of p, and leaves out what is too much for one
// key.
func (s *shard[K, V]) scope(p *place[K, V], new slot[V]) {
	if p.networks == nil {
		p.networks = &networks[V]{}
	}
	p.networks.refers += s.shape.refers(p.key, new.value)
	// One more than there may be, since what is too much leaves afterwards.
	if old, replaced := p.networks.put(new, s.bound.networks+1); replaced {
		p.networks.refers -= s.shape.refers(p.key, old)
	}
	tooMuch := func() bool {
		return p.networks.len() > s.bound.networks || s.bound.bytes > 0 && s.shape.cost(p) > s.bound.bytes
	}
	for p.networks.len() > 1 && tooMuch() {
		p.networks.refers -= s.shape.refers(p.key, p.networks.shrink(new.scope, s.now))
	}
}

// full tells whether something has to go.
func (s *shard[K, V]) full() bool {
	return s.pairs > s.bound.places || s.bound.bytes > 0 && s.bytes > s.bound.bytes
}

// count enters place i into the books, or takes it out of them.
func (s *shard[K, V]) count(i uint32, sign int) {
	p := s.table.at(i)
	s.pairs += sign * p.len()
	s.bytes += int64(sign) * s.shape.cost(p)
}

// drop forgets place i.
func (s *shard[K, V]) drop(i uint32) {
	s.count(i, -1)
	s.table.remove(i)
}

func (s *shard[K, V]) remove(hash uint64, key K) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.table.find(hash, key)
	if i == none {
		return false
	}
	s.drop(i)
	return true
}

func (s *shard[K, V]) purge() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pairs, s.bytes = 0, 0
	s.table.clear()
}

func (s *shard[K, V]) held() (pairs int, bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pairs, s.bytes
}

// entries copies what is there, so that nobody has to be called under the lock.
func (s *shard[K, V]) entries() []Entry[K, V] {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Entry[K, V], 0, s.pairs)
	for i := range s.table.all() {
		p := s.table.at(i)
		if p.everyone() {
			all = append(all, Entry[K, V]{Key: p.key, Value: p.value, Expires: time.Unix(0, p.expires)})
		}
		for n := range p.networks.all() {
			all = append(all, Entry[K, V]{Key: p.key, Scope: n.scope, Value: n.value, Expires: time.Unix(0, n.expires)})
		}
	}
	return all
}
