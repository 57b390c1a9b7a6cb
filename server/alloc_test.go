package server

import (
	"encoding/hex"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

// A hit costs no allocation, whatever common shape the query has.
func TestHitsAllocateNothing(t *testing.T) {
	s := New(Options{Order: OrderRandom, Views: []View{{Clients: prefixes("10.0.0.0/8")}, {Recursive: new(world)}}, Zones: &registry{}})
	s.Seclude(lookup.MustName("catalog.example."))
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

// Nor do cookies, NSID and rate limits cost one, whether something is withheld or not, nor
// do the edge's own errors.
func TestTheEdgeAllocatesNothing(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	s := New(Options{
		Views: []View{{Clients: prefixes("198.51.100.0/24"), Authoritative: estate(), RateLimit: true}, {Clients: prefixes("192.0.2.0/24"), Recursive: new(world)}},
		NSID:  "ns1", Now: func() time.Time { return now }, RateLimit: RateLimit{Responses: 50, Errors: 50}, Cookies: CookieOptions{Require: RequireOverLimit},
		Expire: func(lookup.Name) (uint32, bool) { return 1, true },
	})
	told := cookieIn(talk(t, s, ask("www.example. A", withCookie(t, "0102030405060708"))))
	octets, _ := hex.DecodeString(told)
	dst := make([]byte, 0, 4096)
	for _, c := range []struct {
		what string
		from string
		msg  []byte
	}{
		{"everything that is not limited", somebody, packed(t, ask("www.example. A", edns(1232, true, option(3, ""), option(10, "12345678"))))},
		{"a cookie that is good", somebody, packed(t, ask("www.example. A", edns(1232, true, option(3, ""), option(10, string(octets)))))},
		{"a cookie that is bad", somebody, packed(t, ask("www.example. A", edns(1232, true, option(10, string(octets[:16])+"01234567"))))},
		{"a cookie alone", somebody, packed(t, ask("www.example. A", edns(1232, true, option(10, string(octets))), func(m *dns.Msg) { m.Question = nil }))},
		{"over the limit", "198.51.100.1:5000", packed(t, ask("www.example. A"))},
		{"over the limit, with a cookie", "198.51.100.1:5000", packed(t, ask("www.example. A", edns(1232, true, option(10, "12345678"))))},
		{"over the limit, NXDOMAIN", "198.51.100.1:5000", packed(t, ask("nx.example. A"))},
		{"FORMERR", "198.51.100.1:5000", packed(t, ask("www.example. A", edns(1232, true, option(10, "1"))))},
		{"NOTIMP", "198.51.100.1:5000", packed(t, ask("www.example. A", func(m *dns.Msg) { m.Opcode = 6 }))},
		{"a stranger", "203.0.113.1:5000", packed(t, ask("www.example. A", edns(1232, true)))},
	} {
		from := addrPort(c.from)
		s.Respond(dst, c.msg, from, UDP)
		if n := testing.AllocsPerRun(200, func() { s.Respond(dst, c.msg, from, UDP) }); n != 0 {
			t.Errorf("%s: %v allocations", c.what, n)
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

// What the edge adds to a hit.
func BenchmarkRespondEdge(b *testing.B) {
	for _, c := range []struct {
		name   string
		cookie bool
		limit  RateLimit
	}{
		{"plain", false, RateLimit{}},
		{"errors", false, RateLimit{Errors: 100}},
		{"limited", false, RateLimit{Responses: maxRate, Errors: 100}},
		{"over", false, RateLimit{Responses: 1, Errors: 100}},
		{"cookie", true, RateLimit{Responses: maxRate, Errors: 100}},
	} {
		b.Run(c.name, func(b *testing.B) {
			s := New(Options{Views: []View{{Authoritative: estate(), RateLimit: true}}, NSID: "ns1", RateLimit: c.limit})
			query := ask("www.example. A", edns(1232, false))
			if c.cookie {
				query = ask("www.example. A", withCookie(b, cookieIn(talk(b, s, ask("www.example. A", withCookie(b, "0102030405060708"))))))
			}
			msg, dst, from := packed(b, query), make([]byte, 0, 1232), addrPort(somebody)
			b.ReportAllocs()
			for b.Loop() {
				s.Respond(dst, msg, from, UDP)
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
