package server

import (
	"testing"
)

// A hit costs no allocation, whatever common shape the query has.
func TestHitsAllocateNothing(t *testing.T) {
	s := New(Options{Order: OrderRandom, Views: []View{{Clients: prefixes("10.0.0.0/8")}, {Recursive: new(world)}}})
	dst := make([]byte, 0, 4096)
	for _, c := range []struct {
		what string
		msg  []byte
	}{
		{"plain", packed(t, ask("wWw.example. A"))},
		{"EDNS", packed(t, ask("www.example. A", edns(1232, true)))},
		{"cookie", packed(t, ask("www.example. A", edns(1232, false, option(10, "12345678"))))},
		{"subnet", packed(t, ask("www.example. A", edns(1232, false, option(8, "\x00\x01\x18\x00\xc0\x00\x02"))))},
		{"IPv6 subnet", packed(t, ask("www.example. A", edns(1232, false, option(8, "\x00\x02\x38\x00\x20\x01\x0d\xb8\x00\x01\x02"))))},
		{"scoped", packed(t, ask("client.example. TXT", edns(1232, false, option(8, "\x00\x01\x18\x00\xc0\x00\x02"))))},
		{"NXDOMAIN", packed(t, ask("nx.example. A"))},
		{"several addresses", packed(t, ask("many.example. A"))},
		{"truncated", packed(t, ask("large.example. TXT"))},
	} {
		for _, from := range []string{somebody, "[2001:db8::1]:5353", "[::ffff:192.0.2.1]:5353"} {
			from := addrPort(from)
			s.Respond(dst, c.msg, from, UDP)
			hits := s.Stats().Packets.Hits
			if n := testing.AllocsPerRun(100, func() { s.Respond(dst, c.msg, from, UDP) }); n != 0 {
				t.Errorf("%s from %v: %v allocations", c.what, from, n)
			}
			if got := s.Stats().Packets.Hits - hits; got != 101 {
				t.Errorf("%s from %v: %d hits of 101", c.what, from, got)
			}
		}
	}
}

func BenchmarkRespondHit(b *testing.B) {
	for _, c := range []struct {
		name string
		msg  []byte
	}{
		{"plain", packed(b, ask("www.example. A"))},
		{"edns", packed(b, ask("www.example. A", edns(1232, false, option(10, "12345678"))))},
		{"subnet", packed(b, ask("www.example. A", edns(1232, false, option(8, "\x00\x01\x18\x00\xc0\x00\x02"))))},
	} {
		b.Run(c.name, func(b *testing.B) {
			s := New(Options{Views: everyone(new(world))})
			dst, from := make([]byte, 0, 1232), addrPort(somebody)
			b.ReportAllocs()
			for b.Loop() {
				s.Respond(dst, c.msg, from, UDP)
			}
		})
	}
}

func BenchmarkRespondMissStub(b *testing.B) {
	answer, _ := new(world).Resolve(b.Context(), lookupQuery("www.example."))
	s := New(Options{Packets: -1, Views: everyone(always(answer))})
	msg := packed(b, ask("www.example. A", edns(1232, false)))
	dst, from := make([]byte, 0, 1232), addrPort(somebody)
	b.ReportAllocs()
	for b.Loop() {
		s.Respond(dst, msg, from, UDP)
	}
}
