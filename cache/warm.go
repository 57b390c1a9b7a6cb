package cache

import "sync/atomic"

// warmed is how many keys are warmed at a time. A processor waits for a dozen or two
// pieces of memory at once.
const warmed = 16

// Warm has the processor fetch the memory that Get of these keys will look at, and of all
// keys at once: one Get after the other would wait for it each time, as each takes a lock,
// before which a processor finishes all that it has begun. It changes nothing, takes no
// lock and does not allocate.
func (c *Cache[K, V]) Warm(keys []K) {
	for len(keys) > 0 {
		n := min(len(keys), warmed)
		c.warm(keys[:n])
		keys = keys[n:]
	}
}

// warm takes at most warmed keys. None of the steps of one of its loops waits for another.
func (c *Cache[K, V]) warm(keys []K) {
	var views [warmed]*view[K, V]
	var places [warmed]uint32
	for i, key := range keys {
		s, hash := c.shard(key)
		if v := s.table.view.Load(); v != nil {
			views[i], places[i] = v, v.first(short(hash))
		}
	}
	for i, v := range views[:len(keys)] {
		if places[i] != none {
			v.touch(places[i])
		}
	}
}

// view is what of a table can be looked at without its lock: where the buckets stand, and
// the places. The table has another one when these move. Of what is in there, the buckets
// and the hashes of places are written atomically, and so may be read.
type view[K comparable, V any] struct {
	chunks  [][]place[K, V]
	buckets []uint32
}

// show lets the table be looked at as it is now.
func (t *table[K, V]) show() {
	if len(t.buckets) > 0 {
		t.view.Store(&view[K, V]{t.chunks, t.buckets})
	}
}

// first is the first place of the bucket for a hash, at some time since the view was made.
func (v *view[K, V]) first(hash uint32) uint32 {
	return atomic.LoadUint32(&v.buckets[hash&uint32(len(v.buckets)-1)])
}

// touch reads where the place begins and where the one behind it does, which is where it
// ends.
func (v *view[K, V]) touch(i uint32) {
	if int(i/chunk) >= len(v.chunks) {
		return // it is newer than the view
	}
	places := v.chunks[i/chunk]
	for j := int(i % chunk); j <= int(i%chunk)+1 && j < len(places); j++ {
		atomic.LoadUint32(&places[j].hash)
	}
}
