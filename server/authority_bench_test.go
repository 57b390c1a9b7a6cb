package server_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/authoritative"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/server"
	"github.com/sextant-dns/sextant/zones"
)

// serving is a server of one zone, and nothing else.
func serving(t testing.TB, text, apex string) *server.Server {
	t.Helper()
	z, err := zones.Load(strings.NewReader(text), apex, zones.LoadOptions{Origin: lookup.MustName(apex)})
	if err != nil {
		t.Fatal(err)
	}
	tree, err := zones.NewTree(z)
	if err != nil {
		t.Fatal(err)
	}
	return server.New(server.Options{Views: []server.View{{Authoritative: authoritative.New(tree)}}})
}

// What an authority's answer costs that no packet is ready for: names of a zone that are
// asked once (wide), and names that it does not have (flood).
func BenchmarkRespondAuthority(b *testing.B) {
	const names = 100_000
	var text strings.Builder
	text.WriteString("$ORIGIN wide.example.\n$TTL 300\n@ SOA ns host 1 1 1 1 300\n@ NS ns\nns A 192.0.2.1\n")
	for i := range names {
		fmt.Fprintf(&text, "n%d A 192.0.2.%d\n", i, i%250+1)
	}
	s := serving(b, text.String(), "wide.example.")
	from := netip.MustParseAddrPort("192.0.2.200:4242")
	for _, c := range []struct{ name, form string }{{"wide", "n%d.wide.example."}, {"flood", "x%d.wide.example."}} {
		b.Run(c.name, func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 2))
			queries := make([][]byte, 1<<16)
			for i := range queries {
				m := new(dns.Msg).SetQuestion(fmt.Sprintf(c.form, r.IntN(names)), dns.TypeA)
				m.RecursionDesired = false
				m.SetEdns0(1232, false)
				queries[i], _ = m.Pack()
			}
			dst := make([]byte, 0, 4096)
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				if reply := s.Respond(dst, queries[i%len(queries)], from, server.UDP); len(reply) < 12 {
					b.Fatal("no reply")
				}
				if i%len(queries) == len(queries)-1 {
					s.Flush() // what was asked twice by now
				}
			}
		})
	}
}

// A question that comes for the first time is answered without a packet, a second time by
// making one, and a third time from it: nobody can tell by the answer.
func TestAnswersOfOurZonesAreTheSameHoweverTheyAreMade(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("@ 300 SOA ns host 1 1 1 1 300\n@ 300 NS ns\nns 300 A 192.0.2.1\ncut 300 NS ns.cut\nns.cut 300 A 192.0.2.2\nalias 300 CNAME two\n")
	text.WriteString("two 300 A 192.0.2.3\ntwo 300 A 192.0.2.4\n*.wild 300 TXT w\n")
	for i := range 30 {
		fmt.Fprintf(&text, "large 300 TXT \"%040d\"\n", i)
	}
	z, err := zones.Load(strings.NewReader(text.String()), "small", zones.LoadOptions{Origin: lookup.MustName("example.")})
	if err != nil {
		t.Fatal(err)
	}
	tree, err := zones.NewTree(z)
	if err != nil {
		t.Fatal(err)
	}
	from := netip.MustParseAddrPort("192.0.2.200:4242")
	s := server.New(server.Options{Views: []server.View{{Authoritative: authoritative.New(tree)}}})
	for _, question := range []string{"ns A", "none A", "ns AAAA", "two A", "alias A", "x.cut A", "x.wild TXT", "large TXT", "elsewhere A"} {
		for _, size := range []uint16{0, 512, 1232} {
			for _, proto := range []server.Proto{server.UDP, server.TCP} {
				name, qtype, _ := strings.Cut(question, " ")
				m := new(dns.Msg).SetQuestion(name+".example.", dns.StringToType[qtype])
				if name == "elsewhere" {
					m.Question[0].Name = "elsewhere."
				}
				m.Id, m.RecursionDesired = 7, false
				if size > 0 {
					m.SetEdns0(size, false)
				}
				query, _ := m.Pack()
				s.Flush() // and nobody asked for it lately
				var replies [3]string
				for i := range replies {
					replies[i] = string(s.Respond(nil, query, from, proto))
				}
				if len(replies[0]) < 12 || replies[0] != replies[1] || replies[1] != replies[2] {
					t.Errorf("%s, %d octets, %s: %x, %x, %x", question, size, proto, replies[0], replies[1], replies[2])
				}
			}
		}
	}
}
