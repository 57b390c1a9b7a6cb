package cache

import "reflect"

// shape is what places of a cache take, in octets.
type shape[K comparable, V any] struct {
	place    int64 // with its share of the buckets
	slot     int64 // a network
	networks int64 // the head of a table
	size     func(K, V) int64
}

func newShape[K comparable, V any](size func(K, V) int64) *shape[K, V] {
	const bucket = 6 // octets; it has one or half a place
	if size == nil {
		size = func(K, V) int64 { return 0 }
	}
	return &shape[K, V]{
		place:    int64(reflect.TypeFor[place[K, V]]().Size()) + bucket,
		slot:     int64(reflect.TypeFor[network[V]]().Size()),
		networks: int64(reflect.TypeFor[networks[V]]().Size()),
		size:     size,
	}
}

// refers is what a key and a value refer to, with an eighth for what the allocator
// cannot make use of between objects: measured with 100 000 names that were resolved
// in one go, with the garbage of that around them.
func (s *shape[K, V]) refers(key K, v V) int64 { return s.size(key, v) * 9 / 8 }

// least is what a key with one value takes.
func (s *shape[K, V]) least(key K, v V) int64 { return s.place + s.refers(key, v) }

// cost is what a place and all that it holds take.
func (s *shape[K, V]) cost(p *place[K, V]) int64 {
	n := s.place
	if p.everyone() {
		n += s.refers(p.key, p.value)
	}
	if p.networks == nil {
		return n
	}
	return n + s.networks + s.slot*int64(cap(p.networks.slots)) + p.networks.refers
}

// Allocated is how many octets the Go runtime sets aside for an object of so many
// octets that has memory of its own; for functions that are an Options.Size. Where
// its classes are far apart (runtime/sizeclasses.go) it is off by a tenth or so.
func Allocated(octets int) int64 {
	n, step := int64(octets), int64(8)
	switch {
	case n == 0:
		return 0
	case n > 1024:
		step = n / 8 // the classes are an eighth apart, more or less
		step -= step % 128
	case n > 512:
		step = 64
	case n > 256:
		step = 32
	case n > 32:
		step = 16
	}
	return (n + step - 1) / step * step
}
