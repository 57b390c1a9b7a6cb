package transport

import (
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

// Whatever comes over UDP: no panic, and what is accepted is a reply to just
// this query in the eyes of the library, too.
func FuzzReply(f *testing.F) {
	c := New(Options{Rand: strings.NewReader(strings.Repeat("\x12\x34\x56\x78", 1000))})
	r := Request{Question: lookup.Question{Name: lookup.MustName("www.example."), Type: lookup.TypeA, Class: lookup.ClassIN}}
	q, err := c.newQuery(r)
	if err != nil {
		f.Fatal(err)
	}
	reply := slices.Clone(q.message())
	reply[2] |= 0x80
	f.Add(reply)
	for _, change := range []struct {
		at int
		to byte
	}{{0, 0}, {2, 0x82}, {3, 5}, {5, 0}, {5, 2}, {13, 'w'}, {13, 'W'}, {13, 'x'}, {11, 0}} {
		b := slices.Clone(reply)
		b[change.at] = change.to
		f.Add(b)
	}
	var asked dns.Msg
	if err := asked.Unpack(q.message()); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v := q.judge(b)
		if v == accepted && !q.belongs(b) {
			t.Fatal("good enough over UDP and not over TCP")
		}
		q.tasted = ""
		got, err := q.read(b)
		if q.tasted != "" && (!strings.HasPrefix(q.tasted, q.cookie) || len(q.tasted) > largestCookie) {
			t.Fatalf("took the cookie %x", q.tasted)
		}
		if v != accepted || err != nil {
			return
		}
		var m dns.Msg
		if err := m.Unpack(b); err != nil {
			return // one bad RR is enough for it
		}
		if m.Id != q.id || !m.Response || m.Opcode != dns.OpcodeQuery || m.Truncated || !slices.Equal(m.Question, asked.Question) || got.Size != len(b) {
			t.Fatalf("accepted %v", &m)
		}
	})
}
