package server

import (
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/message"
	"github.com/sextant-dns/sextant/tsig"
)

// FuzzRespond says for every message whatever: no panic, no reply to a response,
// nothing longer than the client takes, a reply that can be read and belongs to
// the query; and the same again from the packet cache.
func FuzzRespond(f *testing.F) {
	for _, m := range []*dns.Msg{
		ask("www.example. A"),
		ask("large.example. TXT", edns(700, true)),
		ask("client.example. TXT", edns(4096, false, option(8, "\x00\x01\x18\x00\xc0\x00\x02"), option(10, "12345678"), option(3, ""), option(11, ""))),
		ask("version.bind. TXT", func(m *dns.Msg) { m.Question[0].Qclass = 3 }),
		ask("fails.example. A", edns(512, false)),
		ask("example. AXFR", func(m *dns.Msg) { m.Opcode = 4 }),
		notify("example."), ixfr(3), ask("example. AXFR"),
		ask("www.example. A", edns(512, false), func(m *dns.Msg) { m.SetTsig("key.", "hmac-sha256.", 300, 1_800_000_000) }),
	} {
		for _, tcp := range []bool{false, true} {
			f.Add(packed(f, m), tcp)
		}
	}
	signed, _ := tsig.Ask(packed(f, ask("www.example. A")), testKey(), time.Now())
	f.Add(signed, false)
	s := New(Options{Views: everyone(new(world)), NSID: "ns1", Version: "v", Zones: &registry{addresses: 3}})
	from := addrPort(somebody)
	f.Fuzz(func(t *testing.T, msg []byte, tcp bool) {
		proto := UDP
		if tcp {
			proto = TCP
		}
		reply := s.Respond(nil, msg, from, proto)
		if len(msg) < 12 || msg[2]&0x80 != 0 {
			if reply != nil {
				t.Fatalf("replied with %x", reply)
			}
			return
		}
		if reply == nil {
			t.Fatal("silence")
		}
		limit := 65535
		if !tcp {
			limit = clientLimit(msg)
		}
		if len(reply) > limit {
			t.Fatalf("%d octets, the client takes %d", len(reply), limit)
		}
		if reply[0] != msg[0] || reply[1] != msg[1] || reply[2]&0xf9 != msg[2]&0xf9|0x80 && reply[2]&0xf8 != msg[2]&0x78|0x80 {
			t.Fatalf("header %x for %x", reply[:4], msg[:4])
		}
		if _, err := message.Decode(reply); err != nil {
			t.Fatalf("the reply cannot be read: %v\n%x", err, reply)
		}
		again := s.Respond(nil, msg, from, proto)
		if len(again) != len(reply) {
			t.Fatalf("first  %x\nsecond %x", reply, again)
		}
	})
}

// clientLimit is what the client takes over UDP, as the library understands its
// OPT; the most we ever send if it does not.
func clientLimit(msg []byte) int {
	m := new(dns.Msg)
	if m.Unpack(msg) != nil {
		return 1232
	}
	o := m.IsEdns0()
	if o == nil {
		return 512
	}
	return min(max(int(o.UDPSize()), 512), 1232)
}
