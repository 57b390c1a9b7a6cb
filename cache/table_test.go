package cache

import (
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// collisions is a hash that sends many keys into few buckets.
func collisions(key int) uint64 { return uint64(key%7) << 32 }

// The library's list is the judge of ours: after the same calls, the same keys are
// there, in the same order of use.
func TestItForgetsWhatTheLibraryForgets(t *testing.T) {
	t.Parallel()
	for name, hash := range map[string]func(int) uint64{"good hash": nil, "bad hash": collisions} {
		for seed := range uint64(10) {
			r := rand.New(rand.NewPCG(seed, 5))
			size := 2 + r.IntN(300)
			c := New[int, int](Options[int, int]{Entries: size, Shards: 1, Hash: hash})
			judge, err := simplelru.NewLRU[int, int](size, nil)
			if err != nil {
				t.Fatal(err)
			}
			for step := range 5000 {
				key := r.IntN(2 * size)
				switch r.IntN(10) {
				case 0, 1, 2, 3, 4:
					judge.Add(key, step)
					c.Put(key, netip.Prefix{}, step, at(60))
				case 5:
					if c.Remove(key) != judge.Remove(key) {
						t.Fatalf("%s, seed %d, step %d: Remove(%d)", name, seed, step, key)
					}
				default:
					want, found := judge.Get(key)
					if got, _, ok := c.Get(key, netip.Prefix{}, at(0)); ok != found || got != want {
						t.Fatalf("%s, seed %d, step %d: Get(%d) = %d %v, want %d %v", name, seed, step, key, got, ok, want, found)
					}
				}
				if r.IntN(2000) == 0 {
					judge.Purge()
					c.Purge()
				}
			}
			var keys []int
			for e := range c.All() {
				keys = append(keys, e.Key)
			}
			slices.Reverse(keys)
			if want := judge.Keys(); !slices.Equal(keys, want) {
				t.Fatalf("%s, seed %d: keys by use %v, want %v", name, seed, keys, want)
			}
		}
	}
}

func TestTheBoundInOctetsHolds(t *testing.T) {
	t.Parallel()
	const most = 100_000
	r := rand.New(rand.NewPCG(1, 1))
	c := New[int, []byte](Options[int, []byte]{
		Bytes:  most,
		Size:   func(_ int, v []byte) int64 { return Allocated(cap(v)) },
		Shards: 2,
	})
	for step := range 20_000 {
		key, v := r.IntN(500), make([]byte, r.IntN(3000))
		c.Put(key, prefix(r), v, at(step))
		if got := c.Bytes(); got > most {
			t.Fatalf("step %d: %d octets", step, got)
		}
		if _, _, ok := c.Get(key, netip.Prefix{}, at(0)); r.IntN(10) == 0 && c.Remove(key) != ok && ok {
			t.Fatalf("step %d: found, but not to be removed", step)
		}
		if step%1000 == 0 {
			want := int64(0)
			for i := range c.shards {
				s := &c.shards[i]
				for number := range s.table.all() {
					p := s.table.at(number)
					want += s.shape.place
					if p.everyone() {
						want += s.shape.refers(p.key, p.value)
					}
					if p.networks != nil {
						want += s.shape.networks + s.shape.slot*int64(cap(p.networks.slots))
						for n := range p.networks.all() {
							want += s.shape.refers(p.key, n.value)
						}
					}
				}
			}
			if got := c.Bytes(); got != want {
				t.Fatalf("step %d: the books say %d octets, and it is %d", step, got, want)
			}
		}
	}
	if got := c.Bytes(); got < most*8/10 {
		t.Errorf("%d octets are used of %d", got, most)
	}
	for e := range c.All() {
		c.Remove(e.Key)
	}
	if c.Bytes() != 0 || c.Len() != 0 {
		t.Errorf("an empty cache takes %d octets for %d pairs", c.Bytes(), c.Len())
	}
}

func TestWhatIsTooLargeForAShardIsNotKeptAndTakesNothingAway(t *testing.T) {
	t.Parallel()
	c := New[int, int](Options[int, int]{Bytes: 10_000, Shards: 1, Size: func(_ int, v int) int64 { return int64(v) }})
	for key := range 10 {
		c.Put(key, netip.Prefix{}, 100, at(60))
	}
	c.Put(3, netip.Prefix{}, 20_000, at(60))
	if _, _, ok := c.Get(3, netip.Prefix{}, at(0)); ok || c.Len() != 9 {
		t.Errorf("what it was to replace is still there, or others are gone: %d left", c.Len())
	}
}

// A key whose networks are too much together loses some of them, not all others.
func TestNetworksOfOneKeyDoNotPushOutTheRest(t *testing.T) {
	t.Parallel()
	c := New[int, int](Options[int, int]{Bytes: 10_000, Shards: 1, Size: func(_ int, v int) int64 { return int64(v) }})
	for i := range 100 {
		c.Put(1, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i)}), 16), 1000, at(60))
	}
	if n := c.Len(); n < 4 || n > 9 {
		t.Errorf("%d networks of 1000 octets in 10000", n)
	}
	if _, _, ok := c.Get(1, net("10.99.1.0/24"), at(0)); !ok {
		t.Error("the latest is not there")
	}
}

// The runtime tells by capacity what it has allocated.
func TestAllocatedIsAboutWhatTheRuntimeAllocates(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 32<<10; n++ {
		want := int64(cap(append([]byte(nil), make([]byte, n)...)))
		if got := Allocated(n); got < int64(n) || got > want*23/20 || got < want*17/20 {
			t.Fatalf("%d octets: %d, and the runtime allocates %d", n, got, want)
		}
	}
}

func TestPlacesAreReckonedAsTheyAre(t *testing.T) {
	everyone := func(int) netip.Prefix { return netip.Prefix{} }
	reckoned(t, 200_000, 1, everyone)
	reckoned(t, 2000, 100, func(n int) netip.Prefix {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(n)}), 16)
	})
}

// reckoned fills a cache with keys, for each of so many networks, and compares what it
// takes with what it says to take.
func reckoned(t *testing.T, keys uint64, networks int, network func(int) netip.Prefix) {
	t.Helper()
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	seed := maphash.MakeSeed()
	before := heap()
	c := New[uint64, string](Options[uint64, string]{
		Bytes: 1 << 30,
		Hash:  func(key uint64) uint64 { return maphash.Comparable(seed, key) },
		Size:  func(_ uint64, v string) int64 { return Allocated(len(v)) * 8 / 9 }, // nothing lies in between here
	})
	for key := range keys {
		for n := range networks {
			c.Put(key, network(n), fmt.Sprintf("%0*d", key%100, key), epoch.Add(time.Hour))
		}
	}
	taken, accounted, pairs := heap()-before, c.Bytes(), int64(c.Len())
	t.Logf("%d pairs: %d octets a pair, reckoned %d", pairs, taken/pairs, accounted/pairs)
	if taken > accounted*23/20 || taken < accounted*17/20 {
		t.Errorf("taken %d, reckoned %d", taken, accounted)
	}
	runtime.KeepAlive(c)
}
