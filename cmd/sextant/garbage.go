package main

import "github.com/sextant-dns/sextant/config"

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

// giveBack returns to the system what reading zones of files has taken beside the zones
// themselves, which is more than they take; left alone, the runtime would do so in the
// course of minutes. It costs one garbage collection.
func (p *parts) giveBack(free func()) {
	if len(p.state.Load().files) > 0 {
		free()
	}
}
