package cache

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"
)

var epoch = time.Unix(1_700_000_000, 0)

func at(seconds int) time.Time { return epoch.Add(time.Duration(seconds) * time.Second) }

func net(s string) netip.Prefix {
	if s == "" {
		return netip.Prefix{}
	}
	return netip.MustParsePrefix(s)
}

func TestTheLongestNetworkAroundTheClientServesIt(t *testing.T) {
	t.Parallel()
	c := New[string, string](Options[string, string]{})
	for _, scope := range []string{"", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "2001:db8::/32", "2001:db8:1::/48"} {
		c.Put("k", net(scope), scope, at(60))
	}
	for _, test := range []struct{ client, want string }{
		{"10.1.2.3/32", "10.1.2.0/24"},
		{"10.1.2.0/24", "10.1.2.0/24"},
		{"10.1.2.0/23", "10.1.0.0/16"}, // tells too little for the /24
		{"10.1.3.0/24", "10.1.0.0/16"},
		{"10.2.0.0/24", "10.0.0.0/8"},
		{"10.0.0.0/7", ""},
		{"11.0.0.0/24", ""},
		{"9.255.255.255/32", ""},
		{"2001:db8:1:2::/64", "2001:db8:1::/48"},
		{"2001:db8:2::/56", "2001:db8::/32"},
		{"2001:db9::/56", ""},
		{"", ""},
	} {
		v, scope, ok := c.Get("k", net(test.client), at(0))
		if !ok || v != test.want || scope != net(test.want) {
			t.Errorf("%s: got %q for %v, want %q", test.client, v, scope, test.want)
		}
	}
}

// RFC 7871 7.3.1: an answer to SOURCE 0 is for those who ask with SOURCE 0; an
// answer with SCOPE 0 is for everyone.
func TestAnAnswerToNobodyIsNotAnAnswerForEveryone(t *testing.T) {
	t.Parallel()
	c := New[string, string](Options[string, string]{})
	c.Put("k", net("0.0.0.0/0"), "nobody", at(60))
	for client, want := range map[string]bool{
		"0.0.0.0/0": true, "::/0": false, "": false, "192.0.2.0/24": false, "128.0.0.0/1": false,
	} {
		if _, _, ok := c.Get("k", net(client), at(0)); ok != want {
			t.Errorf("%q: found %v, want %v", client, ok, want)
		}
	}
	c.Put("k", netip.Prefix{}, "everyone", at(60))
	for client, want := range map[string]string{
		"0.0.0.0/0": "nobody", "::/0": "everyone", "": "everyone", "192.0.2.0/24": "everyone",
	} {
		if v, _, _ := c.Get("k", net(client), at(0)); v != want {
			t.Errorf("%q: got %q, want %q", client, v, want)
		}
	}
}

func TestWhatHasExpiredIsFoundOnlyByThoseWhoDoNotMind(t *testing.T) {
	t.Parallel()
	c := New[string, int](Options[string, int]{})
	c.Put("k", netip.Prefix{}, 1, at(10))
	if _, _, ok := c.Get("k", netip.Prefix{}, at(9)); !ok {
		t.Error("not found a second before it expires")
	}
	if _, _, ok := c.Get("k", netip.Prefix{}, at(10)); ok {
		t.Error("found when it expires")
	}
	v, _, expires, ok := c.GetStale("k", netip.Prefix{}, at(1000))
	if !ok || v != 1 || !expires.Equal(at(10)) {
		t.Errorf("stale: %v %v %v", v, expires, ok)
	}
	c.Put("k", net("10.0.0.0/8"), 2, at(20))
	if v, _, _, _ := c.GetStale("k", net("10.1.0.0/16"), at(15)); v != 2 {
		t.Errorf("got %d; what is alive goes before what is stale", v)
	}
	c.Put("k", net("10.1.0.0/16"), 3, at(12))
	if v, _, _ := c.Get("k", net("10.1.0.0/16"), at(15)); v != 2 {
		t.Errorf("got %d; a wider network that is alive goes before a longer one that is not", v)
	}
	if v, _, _, _ := c.GetStale("k", net("10.1.0.0/16"), at(25)); v != 3 {
		t.Errorf("got %d; among the dead the longest network counts", v)
	}
	if _, _, _, ok := c.GetStale("other", netip.Prefix{}, at(0)); ok {
		t.Error("found what was never put")
	}
}

func TestPutReplacesTheSameAudienceOnly(t *testing.T) {
	t.Parallel()
	c := New[string, int](Options[string, int]{})
	c.Put("k", net("10.0.0.0/8"), 1, at(10))
	c.Put("k", netip.MustParsePrefix("10.9.9.9/8"), 2, at(10)) // bits behind the length do not count
	c.Put("k", netip.Prefix{}, 3, at(10))
	c.Put("k", netip.Prefix{}, 4, at(10))
	if c.Len() != 2 {
		t.Errorf("Len %d, want 2", c.Len())
	}
	if v, _, _ := c.Get("k", net("10.1.1.1/32"), at(0)); v != 2 {
		t.Errorf("got %d", v)
	}
	if !c.Remove("k") || c.Remove("k") || c.Len() != 0 {
		t.Errorf("Remove leaves %d", c.Len())
	}
}

func TestTooManyNetworksOfAKeyCostTheExpiredThenTheMostSpecific(t *testing.T) {
	t.Parallel()
	c := New[string, int](Options[string, int]{Networks: 3})
	c.Put("k", netip.Prefix{}, 0, at(60))
	put := func(scope string, expires int) { c.Put("k", net(scope), 0, at(expires)) }
	want := func(scopes ...string) {
		t.Helper()
		var have []string
		for e := range c.All() {
			if e.Scope.IsValid() {
				have = append(have, e.Scope.String())
			}
		}
		slices.Sort(have)
		slices.Sort(scopes)
		if !slices.Equal(have, scopes) {
			t.Errorf("have %v, want %v", have, scopes)
		}
	}
	put("10.0.0.0/8", 10)
	put("10.1.0.0/16", 60)
	put("10.1.1.0/24", 60)
	put("10.1.1.1/32", 60) // the new one stays: it was wanted just now
	want("10.0.0.0/8", "10.1.0.0/16", "10.1.1.1/32")
	put("2001:db8::/40", 60) // IPv4 /16 counts as IPv6 /32
	want("10.0.0.0/8", "10.1.0.0/16", "2001:db8::/40")
	c.Get("k", net("10.1.1.1/32"), at(20)) // now it is 20 s later, and the /8 is dead
	put("10.2.0.0/16", 60)
	want("10.1.0.0/16", "10.2.0.0/16", "2001:db8::/40")
	if _, _, ok := c.Get("k", netip.Prefix{}, at(20)); !ok {
		t.Error("everyone was counted as a network")
	}
}

func TestTheBoundCountsPairsAndTheLeastUsedKeyGoesFirst(t *testing.T) {
	t.Parallel()
	c := New[int, int](Options[int, int]{Entries: 6, Networks: 4, Shards: 1})
	for key := range 6 {
		c.Put(key, netip.Prefix{}, key, at(60))
	}
	c.Get(0, netip.Prefix{}, at(0)) // 0 is in use
	for _, scope := range []string{"10.0.0.0/8", "11.0.0.0/8", "12.0.0.0/8"} {
		c.Put(9, net(scope), 9, at(60))
	}
	if c.Len() != 6 {
		t.Errorf("Len %d, want 6", c.Len())
	}
	for key, want := range map[int]bool{0: true, 1: false, 2: false, 3: false, 4: true, 5: true} {
		if _, _, ok := c.Get(key, netip.Prefix{}, at(0)); ok != want {
			t.Errorf("key %d: found %v, want %v", key, ok, want)
		}
	}
	c.Purge()
	if c.Len() != 0 {
		t.Errorf("%d left after Purge", c.Len())
	}
}

func TestTheSmallestCacheHolds(t *testing.T) {
	t.Parallel()
	c := New[int, int](Options[int, int]{Entries: 1, Shards: 50})
	for key := range 20 {
		c.Put(key, netip.Prefix{}, key, at(60))
		c.Put(key, net("10.0.0.0/8"), key, at(60))
		c.Put(key, net("11.0.0.0/8"), key, at(60))
		if c.Len() > 2 {
			t.Fatalf("Len %d", c.Len())
		}
		if v, _, ok := c.Get(key, net("11.0.0.0/8"), at(0)); !ok || v != key {
			t.Fatalf("what was put last is not there: %v %v", v, ok)
		}
	}
}

// golden is the cache as a list that is searched from end to end.
type golden struct{ entries []Entry[int, int] }

func (g *golden) put(e Entry[int, int]) {
	g.entries = slices.DeleteFunc(g.entries, func(o Entry[int, int]) bool { return o.Key == e.Key && o.Scope == e.Scope })
	g.entries = append(g.entries, e)
}

func (g *golden) find(key int, client netip.Prefix, now time.Time) (best Entry[int, int], ok bool) {
	rank := func(e Entry[int, int]) int {
		r := e.Scope.Bits() // -1 for everyone
		if e.Expires.After(now) {
			r += 1000
		}
		return r
	}
	for _, e := range g.entries {
		s := e.Scope
		fits := !s.IsValid() ||
			client.IsValid() && s.Addr().Is4() == client.Addr().Is4() && s.Bits() <= client.Bits() &&
				(s.Bits() > 0 || client.Bits() == 0) &&
				netip.PrefixFrom(client.Addr(), s.Bits()).Masked() == s
		if e.Key == key && fits && (!ok || rank(e) > rank(best)) {
			best, ok = e, true
		}
	}
	return best, ok
}

// prefix draws from few addresses and many lengths, so that networks nest often.
func prefix(r *rand.Rand) netip.Prefix {
	bit := func() byte { return byte(r.IntN(2)) * 0x81 }
	switch r.IntN(7) {
	case 0:
		return netip.Prefix{}
	case 1, 2, 3:
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, bit(), bit(), bit()}), r.IntN(33))
	default:
		a := [16]byte{0x20, 0x01, bit(), bit(), bit(), bit(), 15: bit()}
		return netip.PrefixFrom(netip.AddrFrom16(a), r.IntN(129))
	}
}

func TestItFindsWhatASearchFromEndToEndFinds(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		c := New[int, int](Options[int, int]{Networks: 10_000})
		var g golden
		for step := range 1500 {
			now := at(step / 10)
			if r.IntN(3) == 0 {
				e := Entry[int, int]{Key: r.IntN(3), Scope: prefix(r).Masked(), Value: step, Expires: now.Add(time.Duration(r.IntN(40)) * time.Second)}
				g.put(e)
				c.Put(e.Key, e.Scope, e.Value, e.Expires)
			}
			key, client := r.IntN(3), prefix(r)
			want, found := g.find(key, client, now)
			v, scope, expires, ok := c.GetStale(key, client, now)
			if ok != found || ok && (v != want.Value || scope != want.Scope || !expires.Equal(want.Expires)) {
				t.Fatalf("seed %d step %d, stale %d %v: got %d %v %v, want %+v %v", seed, step, key, client, v, scope, ok, want, found)
			}
			alive := found && want.Expires.After(now)
			if v, scope, ok := c.Get(key, client, now); ok != alive || ok && (v != want.Value || scope != want.Scope) {
				t.Fatalf("seed %d step %d, %d %v: got %d %v %v, want %+v %v", seed, step, key, client, v, scope, ok, want, alive)
			}
		}
		if c.Len() != len(g.entries) {
			t.Fatalf("seed %d: Len %d, want %d", seed, c.Len(), len(g.entries))
		}
	}
}

func TestItHoldsItsBoundsWhateverIsPut(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 7))
	c := New[int, int](Options[int, int]{Entries: 50, Networks: 5, Shards: 3})
	for step := range 5000 {
		key, scope := r.IntN(30), prefix(r)
		c.Put(key, scope, step, at(step))
		if v, _, ok := c.Get(key, scope, at(step-1)); !ok || v != step {
			t.Fatalf("step %d: what was put last is not there", step)
		}
		if r.IntN(50) == 0 {
			c.Remove(r.IntN(30))
		}
		networks, pairs := map[int]int{}, 0
		for e := range c.All() {
			pairs++
			if e.Scope.IsValid() {
				networks[e.Key]++
			}
			if networks[e.Key] > 5 {
				t.Fatalf("step %d: key %d has %d networks", step, e.Key, networks[e.Key])
			}
		}
		if pairs > 50 || pairs != c.Len() {
			t.Fatalf("step %d: %d pairs, Len %d", step, pairs, c.Len())
		}
	}
}

func TestManyMayUseItAtOnce(t *testing.T) {
	t.Parallel()
	c := New[int, int](Options[int, int]{Entries: 100, Networks: 4})
	var wg sync.WaitGroup
	for worker := range uint64(8) {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(worker, 3))
			for range 2000 {
				key := r.IntN(200)
				c.Warm([]int{key, r.IntN(200), r.IntN(200)})
				c.Put(key, prefix(r), key, at(60))
				if v, _, ok := c.Get(key, prefix(r), at(0)); ok && v != key {
					t.Errorf("key %d has the value of %d", key, v)
				}
				switch r.IntN(100) {
				case 0:
					c.Purge()
				case 1:
					c.Remove(key)
				case 2:
					for range c.All() {
						break
					}
				}
			}
		})
	}
	wg.Wait()
}

type question struct {
	name string
	kind uint16
}

func filled(networks int) (c *Cache[question, *int], key question, client netip.Prefix) {
	c, key = New[question, *int](Options[question, *int]{Networks: 1000}), question{"www.example.", 1}
	c.Put(key, netip.Prefix{}, new(int), at(60))
	for i := range networks {
		c.Put(key, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i)}), 24), new(int), at(60))
	}
	return c, key, net("10.0.70.0/24")
}

func TestGetDoesNotAllocate(t *testing.T) {
	for _, networks := range []int{0, 1, 100, 10_000} {
		c, keys, clients := scattered(1, max(1, networks))
		key, client := keys[0], clients[0]
		if networks == 0 {
			c, key, client = filled(0)
			keys = []question{key}
		}
		if n := testing.AllocsPerRun(100, func() {
			c.Warm(keys)
			if _, _, ok := c.Get(key, client, at(0)); !ok {
				t.Fatal("a miss")
			}
		}); n != 0 {
			t.Errorf("%d networks: %v allocations", networks, n)
		}
	}
}

func BenchmarkGet(b *testing.B) {
	for _, networks := range []int{0, 1, 100} {
		b.Run(fmt.Sprintf("networks=%d", networks), func(b *testing.B) {
			c, key, client := filled(networks)
			b.ReportAllocs()
			for b.Loop() {
				c.Get(key, client, epoch)
			}
		})
	}
}

func BenchmarkPutForEveryone(b *testing.B) {
	c := New[int, *int](Options[int, *int]{})
	v := new(int)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		c.Put(i, netip.Prefix{}, v, epoch)
	}
}

// Whoever looks for what there is not, or is no more, is left with nothing.
func TestFindLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	c := New[int, string](Options[int, string]{})
	c.Put(1, netip.Prefix{}, "old", at(10))
	for key, now := range map[int]time.Time{1: at(10), 2: at(0)} {
		v := "before"
		if scope, ok := c.Find(key, netip.Prefix{}, now, &v); ok || v != "" || scope.IsValid() {
			t.Errorf("key %d: %q for %v, %v", key, v, scope, ok)
		}
	}
	v := ""
	if _, ok := c.Find(1, netip.Prefix{}, at(9), &v); !ok || v != "old" {
		t.Errorf("%q, %v", v, ok)
	}
}
