package main

import (
	"runtime"
	"testing"
	"time"

	"github.com/sextant-dns/sextant/config"
)

func TestTheEnvironmentsMemoryLimitWins(t *testing.T) {
	t.Parallel()
	for told, want := range map[bool]int64{false: (1536 + 128) << 20, true: 0} {
		got := int64(0)
		limitMemory(1<<30, func(key string) (string, bool) { return "64MiB", told && key == "GOMEMLIMIT" }, func(limit int64) int64 {
			got = limit
			return 0
		})
		if got != want {
			t.Errorf("told by the environment %v: the limit is set to %d, want %d", told, got, want)
		}
	}
}

func TestCachesShareTheirMemory(t *testing.T) {
	t.Parallel()
	c := config.Default()
	c.Cache.Memory = 100 << 20
	if s := new(parts).serverOptions(&state{config: c}); s.PacketBytes != 40<<20 {
		t.Errorf("packets get %d octets", s.PacketBytes)
	}
	c.Cache.Packets = 0
	if s := new(parts).serverOptions(&state{config: c}); s.PacketBytes != 0 || s.Packets >= 0 {
		t.Errorf("no packets get %d octets, for %d of them", s.PacketBytes, s.Packets)
	}
}

func TestNoGarbageIsCollectedBelowTheFloor(t *testing.T) {
	t.Parallel()
	const floor = 64 << 20
	for _, c := range []struct {
		live, roots uint64
		percent     int
	}{
		{0, 0, 1600}, // of 4 MiB
		{1 << 20, 1 << 20, 1600},
		{4 << 20, 4 << 20, 750},
		{16 << 20, 0, 300},
		{32 << 20, 0, 100},
		{31 << 20, 2 << 20, 100},
		{63 << 20, 1 << 20, 100},
		{floor, 0, 100},
		{1 << 30, 1 << 20, 100},
	} {
		got := percentOf(floor, c.live, c.roots)
		if got != c.percent {
			t.Errorf("%d MiB in use: %d %%, want %d", c.live>>20, got, c.percent)
		}
		// By the runtime's rule (https://tip.golang.org/doc/gc-guide#GOGC) that is where the floor
		// is, or where it would be at 100 %.
		goal := max(c.live+(c.live+c.roots)*uint64(got)/100, smallestHeap*uint64(got)/100)
		if usual := 2*c.live + c.roots; goal > max(floor, usual) {
			t.Errorf("%d MiB in use: collected at %d MiB", c.live>>20, goal>>20)
		}
	}
}

// The pace follows what is in use, from one collection to the next, until it is stopped.
func TestThePaceFollowsWhatIsInUse(t *testing.T) {
	told := make(chan int, 100)
	stop := collectFrom(heapFloor(1<<30), func(string) (string, bool) { return "", false }, func(percent int) int {
		told <- percent
		return 100
	})
	if got := <-told; got != 1400 { // of 4 MiB
		t.Errorf("it begins with %d %%", got)
	}
	held := make([]byte, 20<<20)
	for deadline := time.Now().Add(time.Minute); ; runtime.GC() {
		if time.Now().After(deadline) {
			t.Fatal("nothing follows")
		}
		select {
		case got := <-told:
			if got >= 100 && got < 400 { // (56 - 20) / 20, and less for what else is in use
				runtime.KeepAlive(held)
				stop()
				for len(told) > 1 {
					<-told
				}
				if got := <-told; got != 100 {
					t.Errorf("it ends with %d %%", got)
				}
				runtime.GC()
				return
			}
		default:
		}
	}
}

func TestTheEnvironmentsPaceWins(t *testing.T) {
	t.Parallel()
	set := func(percent int) int { t.Errorf("set to %d", percent); return 100 }
	collectFrom(heapFloor(1<<30), func(key string) (string, bool) { return "50", key == "GOGC" }, set)()
	collectFrom(heapFloor(1<<20), func(string) (string, bool) { return "", false }, set)() // whose floor is lower than the runtime's
}
