package message

import (
	"slices"
	"testing"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

// RFC 2136 2.4 and 2.5: an RR without rdata stands for an RRset or a name, in an UPDATE
// and nowhere else.
func TestDecodeUpdate(t *testing.T) {
	t.Parallel()
	m := new(dns.Msg).SetUpdate("example.")
	a, err := dns.NewRR("www.example. 0 A 192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	m.RRsetUsed([]dns.RR{a})
	m.RemoveName([]dns.RR{a})
	m.RemoveRRset([]dns.RR{a})
	m.Remove([]dns.RR{a})
	packed, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeUpdate(packed)
	if err != nil {
		t.Fatal(err)
	}
	www := lookup.MustName("www.example.")
	want := []Record{
		{Name: www, Type: lookup.TypeANY, Class: lookup.ClassANY},
		{Name: www, Type: lookup.TypeA, Class: lookup.ClassANY},
		{Name: www, Type: lookup.TypeA, Class: lookup.ClassNONE, Data: "\xc0\x00\x02\x01"},
	}
	if len(got.Answer) != 1 || got.Answer[0] != want[1] || !slices.Equal(got.Authority, want) {
		t.Errorf("got %v and %v", got.Answer, got.Authority)
	}
	if _, err := DecodeRecords(packed); err == nil {
		t.Error("an A without an address was taken")
	}
}

func TestSameRdata(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		typ  lookup.Type
		a, b string
		want bool
	}{
		{lookup.TypeNS, "\x01a\x00", "\x01A\x00", true},
		{lookup.TypeMX, "\x00\x01\x01a\x00", "\x00\x01\x01A\x00", true},
		{lookup.TypeMX, "\x00a\x01a\x00", "\x00A\x01a\x00", false},
		{lookup.TypeTXT, "\x01a", "\x01A", false},
		{lookup.TypeSVCB, "\x00\x01\x01a\x00\x00\x01\x00\x01a", "\x00\x01\x01A\x00\x00\x01\x00\x01a", true},
		{lookup.TypeSVCB, "\x00\x01\x01a\x00\x00\x01\x00\x01a", "\x00\x01\x01a\x00\x00\x01\x00\x01A", false},
		{lookup.TypeNS, "\x01a\x00", "\x01a\x00\x00", false},
		{lookup.TypeNS, "\x01", "\x02", false},
		{65280, "a", "A", false},
	} {
		if got := SameRdata(c.typ, c.a, c.b); got != c.want {
			t.Errorf("%s %q %q: got %t", c.typ, c.a, c.b, got)
		}
	}
}
