package health

import (
	"testing"
	"time"
)

// What a reader pays for one target among a thousand.
func BenchmarkStatus(b *testing.B) {
	m := New(Options{})
	all := many(1000)
	m.Watch(all)
	now := time.Now()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		s := m.Snapshot().Status(all[i%len(all)])
		if s.TTL(60, now) == 0 {
			b.Fatal("no TTL")
		}
	}
}

// What the outcome of a check costs when nothing changes, and when everything is held.
func BenchmarkNote(b *testing.B) {
	for name, result := range map[string]Result{"passed": Passed, "held": Failed} {
		b.Run(name, func(b *testing.B) {
			m := New(Options{MaxTargets: 4096, Hold: 1000 * time.Hour})
			m.Watch(many(4096))
			now := time.Now()
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				now = now.Add(time.Microsecond)
				m.update(func(time.Time) { m.note(m.order[i%4096], Outcome{Result: result}, now, now) })
			}
		})
	}
}
