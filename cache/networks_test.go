package cache

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"slices"
	"testing"
	"time"
)

// RFC 7871 7.3.1: an answer to fewer bits than the authority wanted to know serves
// those alone who tell as few.
func TestAnExactNetworkServesThoseOfItsLength(t *testing.T) {
	t.Parallel()
	c := New[string, string](Options[string, string]{})
	c.Put("k", net("10.0.0.0/8"), "around", at(60))
	c.PutExact("k", net("10.1.0.0/16"), "exact", at(60))
	for client, want := range map[string]string{
		"10.1.0.0/16": "exact", "10.1.2.0/24": "around", "10.1.2.3/32": "around", "10.0.0.0/15": "around", "10.2.0.0/16": "around", "10.0.0.0/7": "",
	} {
		if v, _, _ := c.Get("k", net(client), at(0)); v != want {
			t.Errorf("%s: got %q, want %q", client, v, want)
		}
	}
	c.Put("k", net("10.1.0.0/16"), "all", at(60))
	if v, _, _ := c.Get("k", net("10.1.2.0/24"), at(0)); v != "all" || c.Len() != 2 {
		t.Errorf("got %q of %d: what comes later takes the place", v, c.Len())
	}
}

// list is networks as a slice that is searched from end to end.
type list []slot[int]

func (l *list) put(s slot[int]) {
	*l = append(slices.DeleteFunc(*l, func(o slot[int]) bool { return o.scope == s.scope }), s)
}

func (l list) find(client netip.Prefix, now int64) (best slot[int], ok bool) {
	rank := func(s slot[int]) int {
		if s.expires > now {
			return 1000 + s.scope.Bits()
		}
		return s.scope.Bits()
	}
	for _, s := range l {
		fits := client.IsValid() && s.scope.Addr().Is4() == client.Addr().Is4() && s.scope.Bits() <= client.Bits() &&
			netip.PrefixFrom(client.Addr(), s.scope.Bits()).Masked() == s.scope &&
			(s.scope.Bits() == client.Bits() || s.scope.Bits() > 0 && !s.exact)
		if fits && (!ok || rank(s) > rank(best)) {
			best, ok = s, true
		}
	}
	return best, ok
}

// shrink is the rule in one sentence: the dead before the living, of these the most
// specific, of those the one that expires first.
func (l *list) shrink(keep netip.Prefix, now int64) {
	if len(*l) < 2 {
		return
	}
	order := func(s slot[int]) [3]int64 {
		bits := int64(s.scope.Bits())
		if s.scope.Addr().Is4() {
			bits *= 2
		}
		if s.expires <= now {
			return [3]int64{0, 0, s.expires}
		}
		return [3]int64{1, -bits, s.expires}
	}
	var all list
	for _, s := range *l {
		if s.scope != keep {
			all = append(all, s)
		}
	}
	worst := slices.MinFunc(all, func(a, b slot[int]) int {
		x, y := order(a), order(b)
		return slices.Compare(x[:], y[:])
	})
	*l = slices.DeleteFunc(*l, func(o slot[int]) bool { return o.scope == worst.scope })
}

// Random networks, clients and times; expiries are all different, so that there is
// one network to drop and not one of several.
func TestNetworksAreAsAListThatIsSearchedFromEndToEnd(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 11))
		var n networks[int]
		var l list
		most := 1 + r.IntN(60)
		for step := range 1000 {
			now := int64(step) * 1000
			if p := prefix(r); p.IsValid() && r.IntN(2) == 0 {
				s := slot[int]{value: step, scope: p.Masked(), exact: r.IntN(4) == 0, expires: now + int64(r.IntN(100))*1000 - 20_000 + int64(step%1000)}
				n.put(s, most+1)
				l.put(s)
				if cap(n.slots) > most+1 {
					t.Fatalf("seed %d step %d: room for %d networks, of which there are never more than %d", seed, step, cap(n.slots), most+1)
				}
				if n.len() > most {
					n.shrink(s.scope, now)
					l.shrink(s.scope, now)
				}
			}
			client := prefix(r)
			got, ok := n.find(client, now)
			if want, found := l.find(client, now); got != want || ok != found {
				t.Fatalf("seed %d step %d, %v: got %+v %v, want %+v %v", seed, step, client, got, ok, want, found)
			}
			if n.len() != len(l) {
				t.Fatalf("seed %d step %d: %d networks, want %d", seed, step, n.len(), len(l))
			}
		}
		if kept := slices.Collect(n.all()); !sameSlots(kept, l) {
			t.Fatalf("seed %d: holds %v, want %v", seed, kept, l)
		}
	}
}

func sameSlots(a, b []slot[int]) bool {
	order := func(x, y slot[int]) int { return x.scope.Compare(y.scope) }
	return slices.Equal(slices.SortedFunc(slices.Values(a), order), slices.SortedFunc(slices.Values(b), order))
}

// scattered is a cache with so many networks for each name, of 16 to 24 bits, and
// clients in them.
func scattered(names, networks int) (c *Cache[question, *int], keys []question, clients []netip.Prefix) {
	r := rand.New(rand.NewPCG(1, 2))
	o := Options[question, *int]{Entries: 2 * names * networks, Networks: networks}
	if names == 1 {
		o.Shards = 1 // all the places are that one's
	}
	c = New[question, *int](o)
	keys, clients = make([]question, 0, names), make([]netip.Prefix, 0, names*networks)
	v := new(int)
	for i := range names {
		keys = append(keys, question{fmt.Sprintf("www%d.example.", i), 1})
		for range networks {
			addr := netip.AddrFrom4([4]byte{byte(1 + r.IntN(223)), byte(r.IntN(256)), byte(r.IntN(256))})
			scope := netip.PrefixFrom(addr, 16+r.IntN(9)).Masked()
			clients = append(clients, netip.PrefixFrom(scope.Addr(), 24))
			c.Put(keys[i], scope, v, at(60))
		}
	}
	return c, keys, clients
}

// How long a hit takes with that many networks on one name.
func BenchmarkGetAmongNetworks(b *testing.B) {
	for _, networks := range []int{1, 5, 100, 10_000} {
		b.Run(fmt.Sprint(networks), func(b *testing.B) {
			c, keys, clients := scattered(1, networks)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, _, ok := c.Get(keys[0], clients[i%len(clients)], epoch); !ok {
					b.Fatal("a miss")
				}
			}
		})
	}
}

// The same in a million pairs of name and network, which do not fit into any
// processor's cache, and how much memory a pair takes.
func BenchmarkGetAmongAMillion(b *testing.B) {
	for _, networks := range []int{1, 5, 100} {
		b.Run(fmt.Sprint(networks), func(b *testing.B) {
			const pairs = 1_000_000
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			c, keys, clients := scattered(pairs/networks, networks)
			own := uint64(24+24)*uint64(cap(keys)) + 32*uint64(cap(clients)) // strings and slices
			runtime.GC()
			runtime.ReadMemStats(&after)
			r := rand.New(rand.NewPCG(3, 4))
			order := r.Perm(len(clients))
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				at := order[i%len(order)]
				if _, _, ok := c.Get(keys[at/networks], clients[at], epoch); !ok {
					b.Fatal("a miss")
				}
			}
			b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc-own)/float64(c.Len()), "bytes/pair")
		})
	}
}

// What it costs to learn one more network, when the oldest must go for it.
func BenchmarkPutAmongNetworks(b *testing.B) {
	for _, networks := range []int{5, 100, 10_000} {
		b.Run(fmt.Sprint(networks), func(b *testing.B) {
			c, keys, _ := scattered(1, networks)
			r, v := rand.New(rand.NewPCG(5, 6)), new(int)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				addr := netip.AddrFrom4([4]byte{byte(1 + r.IntN(223)), byte(r.IntN(256)), byte(r.IntN(256))})
				c.Put(keys[0], netip.PrefixFrom(addr, 24), v, epoch.Add(time.Duration(i)))
			}
		})
	}
}
