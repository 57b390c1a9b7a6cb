package main

import (
	"testing"

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
