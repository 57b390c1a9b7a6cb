package server

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

// hosts are the last octets of the addresses in an answer, in order.
func hosts(m *dns.Msg) string {
	var b strings.Builder
	for _, rr := range m.Answer {
		switch rr := rr.(type) {
		case *dns.A:
			fmt.Fprint(&b, rr.A[len(rr.A)-1], " ")
		case *dns.AAAA:
			fmt.Fprint(&b, rr.AAAA[15], " ")
		default:
			fmt.Fprint(&b, dns.TypeToString[rr.Header().Rrtype], " ")
		}
	}
	return strings.TrimSpace(b.String())
}

func TestAddressesChangePlacesAsTheOrderSays(t *testing.T) {
	t.Parallel()
	const (
		three  = "a. 60 A 192.0.2.1\na. 60 A 192.0.2.2\na. 60 A 192.0.2.3"
		alias  = "a. 60 CNAME b.c.\nb.c. 60 A 192.0.2.1\nb.c. 60 A 192.0.2.2"
		signed = three + "\na. 60 RRSIG A 13 1 60 20300101000000 20200101000000 1 a. AAAA"
		wide   = "a. 60 AAAA 2001:db8::1\na. 60 AAAA 2001:db8::2"
		mixed  = "a. 60 MX 1 a.\na. 60 MX 2 b.\n"
	)
	numbers := func(n int) int { return n - 1 }
	for _, c := range []struct {
		what, answer string
		order        Order
		do           bool
		want         [4]string
	}{
		{"fixed", three, OrderFixed, false, [4]string{"1 2 3", "1 2 3", "1 2 3", "1 2 3"}},
		{"cyclic", three, OrderCyclic, false, [4]string{"2 3 1", "3 1 2", "1 2 3", "2 3 1"}},
		{"random", three, OrderRandom, false, [4]string{"3 1 2", "3 1 2", "3 1 2", "3 1 2"}},
		{"behind an alias", alias, OrderCyclic, false, [4]string{"CNAME 2 1", "CNAME 1 2", "CNAME 2 1", "CNAME 1 2"}},
		{"behind a signed alias", "x. 60 CNAME a.\nx. 60 RRSIG CNAME 13 1 60 20300101000000 20200101000000 1 x. AAAA\n" + signed, OrderCyclic, true, [4]string{"CNAME RRSIG 2 3 1 RRSIG", "CNAME RRSIG 3 1 2 RRSIG", "CNAME RRSIG 1 2 3 RRSIG", "CNAME RRSIG 2 3 1 RRSIG"}},
		{"signed", signed, OrderCyclic, true, [4]string{"2 3 1 RRSIG", "3 1 2 RRSIG", "1 2 3 RRSIG", "2 3 1 RRSIG"}},
		{"AAAA", wide, OrderCyclic, false, [4]string{"2 1", "1 2", "2 1", "1 2"}},
		{"one address", "a. 60 A 192.0.2.1", OrderCyclic, false, [4]string{"1", "1", "1", "1"}},
		{"other types", mixed, OrderRandom, false, [4]string{"MX MX", "MX MX", "MX MX", "MX MX"}},
	} {
		clock := newClock()
		s := New(Options{Order: c.order, IntN: numbers, Now: clock.now, Views: everyone(always(&lookup.Response{Answer: lookup.MustRRsets(c.answer)}))})
		for i, want := range c.want {
			reply := talk(t, s, ask("a. A", edns(1232, c.do)))
			if got := hosts(reply); got != want {
				t.Errorf("%s, answer %d: %s, want %s", c.what, i, got, want)
			}
			if got := ttls(reply); int(got[0]) != 60-10*i {
				t.Errorf("%s, answer %d: TTLs %d", c.what, i, got)
			}
			clock.advance(10 * time.Second)
		}
	}
}

// What does not fit is left out whole, whatever the order; and a set with more RRs
// than a ring can have stays as it is.
func TestTheOrderMindsTheEdges(t *testing.T) {
	t.Parallel()
	var many strings.Builder
	for i := range 400 {
		fmt.Fprintf(&many, "a. 60 A %v\n", netip.AddrFrom4([4]byte{192, 0, byte(i >> 8), byte(i)}))
	}
	s := New(Options{Order: OrderCyclic, Views: everyone(always(&lookup.Response{Answer: lookup.MustRRsets(many.String())}))})
	for range 3 {
		if m := talk(t, s, ask("a. A")); !m.Truncated || len(m.Answer) != 0 {
			t.Errorf("%s", brief(m))
		}
		m := tell(t, s, packed(t, ask("a. A")), TCP, somebody)
		if first := m.Answer[0].(*dns.A).A.String(); len(m.Answer) != 400 || first != "192.0.0.0" {
			t.Errorf("%d addresses, %s first", len(m.Answer), first)
		}
	}
	few := &lookup.Response{
		Answer:     lookup.MustRRsets("a. 60 A 192.0.2.1\na. 60 A 192.0.2.2"),
		Additional: lookup.MustRRsets(large("b.", 20)),
	}
	s = New(Options{Order: OrderCyclic, Views: everyone(always(few))})
	for _, want := range []string{"2 1", "1 2"} {
		if m := talk(t, s, ask("a. A")); hosts(m) != want || len(m.Extra) != 0 {
			t.Errorf("%s, want %s; %s", hosts(m), want, brief(m))
		}
	}
}
