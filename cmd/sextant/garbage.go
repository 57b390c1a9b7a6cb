package main

import (
	"runtime"
	"runtime/metrics"
	"sync"

	"github.com/sextant-dns/sextant/config"
)

// packetMemory is how much of the caches' memory is for packets. For one name they
// take about as much as what they are made of, but there are several of one answer:
// with DNSSEC and without, for each view.
func packetMemory(c config.Cache) int64 {
	if c.Packets == 0 {
		return 0
	}
	return c.Memory / 5 * 2
}

// memoryLimit is what the Go runtime shall keep its memory below when caches take
// so many octets: half as much for garbage, and room for queries that are at work,
// sockets, zones and the program itself.
func memoryLimit(caches int64) int64 { return caches + caches/2 + 128<<20 }

// limitMemory tells the garbage collector, by set, what the process may take, unless
// the environment has told it already. It works all the harder the closer the
// process comes to that, and below it at its own pace (GOGC).
func limitMemory(caches int64, environment func(string) (string, bool), set func(int64) int64) {
	if _, told := environment("GOMEMLIMIT"); !told {
		set(memoryLimit(caches))
	}
}

// heapFloor is the size of the heap below which no garbage is collected: a quarter of what
// caches may take, and no more than what 14 000 misses leave behind. With 8 MiB more, 100 000
// names in networks would take more memory than Unbound needs for them.
func heapFloor(caches int64) int64 { return min(caches/4, 56<<20) }

// A pacer has no garbage collected while the heap is smaller than its floor. Left alone the
// runtime collects whenever the heap is twice as large as what is in use, which is several
// times in a second when little is; and each time it reads all of that, and has
// goroutines that wait give back the stack that they will need again.
type pacer struct {
	floor uint64
	set   func(percent int) int

	mu      sync.Mutex
	percent int
	stopped bool
}

// collectFrom has garbage collected, by set, no earlier than when the heap has so many octets, from
// now until stop is called. The environment may have said otherwise (GOGC).
func collectFrom(floor int64, environment func(string) (string, bool), set func(percent int) int) (stop func()) {
	if _, told := environment("GOGC"); told || floor <= smallestHeap {
		return func() {}
	}
	p := &pacer{floor: uint64(floor), set: set}
	p.percent = percentOf(p.floor, 0, 0)
	before := set(p.percent)
	p.attend()
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.stopped = true
		set(before)
	}
}

// attend has follow called after the next collection.
func (p *pacer) attend() {
	type garbage struct{ of *pacer }
	runtime.SetFinalizer(&garbage{p}, func(g *garbage) { g.of.follow() })
}

// follow sets the pace up to the collection after the one that has just ended.
func (p *pacer) follow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return
	}
	samples := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"}}
	metrics.Read(samples)
	live, roots := samples[0].Value.Uint64(), samples[1].Value.Uint64()+samples[2].Value.Uint64()
	// Each change stops all goroutines for a moment.
	if percent := percentOf(p.floor, live, roots); percent*10 < p.percent*9 || percent*9 > p.percent*10 {
		p.percent = percent
		p.set(percent)
	}
	p.attend()
}

// smallestHeap is from where on the runtime collects garbage at 100 percent; it is larger
// by the percentage.
const smallestHeap = 4 << 20

// percentOf is the percentage with which garbage is collected when the heap has reached the
// floor, or is twice as large as what is in use if that is more: the runtime lets it grow by
// so much of live and roots.
func percentOf(floor, live, roots uint64) int {
	if live >= floor {
		return 100
	}
	return int(min(max(100, (floor-live)*100/max(1, live+roots)), floor*100/smallestHeap))
}

// giveBack returns to the system what reading zones of files has taken beside the zones
// themselves, which is more than they take; left alone, the runtime would do so in the
// course of minutes. It costs one garbage collection.
func (p *parts) giveBack(free func()) {
	if len(p.state.Load().files) > 0 {
		free()
	}
}
