package server

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/tsig"
)

// optionOf is the data of an option of m in raw form.
func optionOf(m *dns.Msg, code uint16) (data string, ok bool) {
	if o := m.IsEdns0(); o != nil {
		for _, option := range o.Option {
			if option.Option() == code {
				raw := new(dns.Msg)
				raw.SetEdns0(512, false)
				raw.IsEdns0().Option = []dns.EDNS0{option}
				b, _ := raw.Pack()
				return string(b[12+11+4:]), true
			}
		}
	}
	return "", false
}

// RFC 7830 4 and 6, RFC 8467 4.1: who pads is padded, where nobody can look in, to a
// multiple of 468 octets, whatever else is in the reply.
func TestPadding(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	s := New(Options{Views: everyone(new(world)), NSID: "ns1", Zones: &registry{}, Now: func() time.Time { return now }})
	for _, c := range []struct {
		what  string
		query *dns.Msg
		proto Proto
		want  int // octets of the reply; 0: without padding
	}{
		{"asked for, over TLS", ask("www.example. A", edns(1232, false, option(12, "\x00\x00\x00"))), TLS, 468},
		{"asked for by an empty option", ask("www.example. A", edns(1232, false, option(12, ""))), TLS, 468},
		{"of a larger reply", ask("large.example. TXT", edns(1232, false, option(12, ""))), TLS, 7 * 468},
		{"of an error", ask("fails.example. A", edns(1232, false, option(12, ""))), TLS, 468},
		{"beside others", ask("www.example. A", edns(1232, true, option(12, ""), option(3, ""), option(10, "12345678"))), TLS, 468},
		{"not asked for", ask("www.example. A", edns(1232, false)), TLS, 0},
		{"over TCP", ask("www.example. A", edns(1232, false, option(12, "\x00\x00\x00"))), TCP, 0},
		{"over UDP", ask("www.example. A", edns(1232, false, option(12, "\x00\x00\x00"))), UDP, 0},
	} {
		reply := s.Respond(nil, packed(t, c.query), addrPort(somebody), c.proto)
		m := read(t, reply)
		data, padded := optionOf(m, 12)
		switch {
		case padded != (c.want > 0):
			t.Errorf("%s: padded %v", c.what, padded)
		case padded && len(reply) != c.want:
			t.Errorf("%s: %d octets, want %d", c.what, len(reply), c.want)
		case strings.Trim(data, "\x00") != "":
			t.Errorf("%s: padded with %x", c.what, data) // RFC 7830 3
		}
		if o := m.IsEdns0().Option; padded && o[len(o)-1].Option() != 12 {
			t.Errorf("%s: padding is not the last option", c.what)
		}
	}
	// A signature, which is as long for all, comes on top.
	var lengths []int
	for _, question := range []string{"www.example. A", "nx.example. A"} {
		signed, _ := tsig.Ask(packed(t, ask(question, edns(1232, false, option(12, "")))), testKey(), now)
		lengths = append(lengths, len(s.Respond(nil, signed, addrPort(somebody), TLS)))
	}
	if lengths[0] != lengths[1] || lengths[0] <= padBlock {
		t.Errorf("signed replies of %d octets", lengths)
	}
}

// RFC 7830 4: padding never makes a message too long.
func TestPaddingStopsAtTheLimit(t *testing.T) {
	t.Parallel()
	for length := 65535 - 2*padBlock; length <= 65535; length++ {
		got := pad(make([]byte, length), 0, 65535)
		switch n := len(got) - length; {
		case len(got) > 65535:
			t.Fatalf("%d octets become %d", length, len(got))
		case n > 0 && len(got) != 65535 && len(got)%padBlock != 0:
			t.Fatalf("%d octets become %d", length, len(got))
		case n == 0 && length <= 65535-optionFrame:
			t.Fatalf("%d octets are not padded", length)
		}
	}
}

// RFC 7314 3: for how long a zone is good, told to those who ask for its SOA or for all
// of it, and for it.
func TestExpire(t *testing.T) {
	t.Parallel()
	expire := func(zone lookup.Name) (uint32, bool) { return 86_400, zone != lookup.MustName("other.") }
	authority := lookup.Func(func(_ context.Context, q lookup.Query) (*lookup.Response, error) {
		if q.Type == lookup.TypeSOA {
			return &lookup.Response{AA: q.Name != lookup.MustName("learned."), Answer: lookup.MustRRsets(q.Name.String() + " 60 IN SOA ns.example. host.example. 1 2 3 4 5")}, nil
		}
		return &lookup.Response{AA: true, Rcode: lookup.NXDOMAIN}, nil
	})
	s := New(Options{Views: []View{{Authoritative: authority}}, Zones: &registry{addresses: 20_000}, Expire: expire})
	none := New(Options{Views: []View{{Authoritative: authority}}})
	wants := edns(1232, false, option(9, ""))
	for _, c := range []struct {
		what  string
		s     *Server
		query *dns.Msg
		want  bool
	}{
		{"SOA", s, ask("example. SOA", wants), true},
		{"SOA again, from the cache", s, ask("example. SOA", wants), true},
		{"IXFR over UDP", s, func() *dns.Msg { m := ixfr(3); wants(m); return m }(), true},
		{"not asked for", s, ask("example. SOA", edns(1232, false)), false},
		{"another type", s, ask("example. A", wants), false},
		{"another zone", s, ask("other. SOA", wants), false},
		{"not authoritative", s, ask("learned. SOA", wants), false},
		{"a server that knows nothing of it", none, ask("example. SOA", wants), false},
	} {
		data, ok := optionOf(talk(t, c.s, c.query), 9)
		if ok != c.want || ok && data != "\x00\x01\x51\x80" {
			t.Errorf("%s: got %x, %v", c.what, data, ok)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		l := connect(t, t.Context(), s, somebody)
		l.say(framed(t, ask("example. AXFR", edns(1232, false, option(9, ""), option(10, "12345678")))))
		b, err := l.hearRaw()
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := optionOf(read(t, b), 10); !ok || len(b) < 65_000 {
			t.Errorf("%d octets, with a cookie: %v", len(b), ok)
		}
		if data, _ := optionOf(read(t, b), 9); len(data) != 4 || binary.BigEndian.Uint32([]byte(data)) != 86_400 {
			t.Errorf("AXFR: got %x", data)
		}
		l.Close()
		<-l.ended
	})
}

// Options have the room that they need, whatever the answer's length: it is the answer that
// goes, and the reply is never longer than the client takes.
func TestOptionsHaveTheirRoom(t *testing.T) {
	t.Parallel()
	for length := 1; length <= 255; length++ {
		text := fmt.Sprintf("example. 60 IN SOA %s.example. host.%s. 1 2 3 4 5\n", strings.Repeat("n", min(length, 63)), strings.Repeat("h.", max(length-63, 0)/2)+"example")
		r := &lookup.Response{AA: true, Answer: append(lookup.MustRRsets(text), lookup.MustRRsets("a.example. 60 IN TXT "+strings.Repeat("\""+strings.Repeat("x", 127)+"\" ", 2))...)}
		s := New(Options{Views: []View{{Authoritative: always(r)}}, NSID: "ns1", Expire: func(lookup.Name) (uint32, bool) { return 1, true }})
		query := packed(t, ask("example. SOA", edns(512, false, option(3, ""), option(9, ""), option(10, "12345678"), option(8, "\x00\x01\x00\x00"))))
		reply := s.Respond(nil, query, addrPort(somebody), UDP)
		m := read(t, reply)
		if len(reply) > 512 || len(m.IsEdns0().Option) != 4 || m.Truncated != (len(m.Answer) == 0) {
			t.Errorf("%d: %d octets, %s", length, len(reply), brief(m))
		}
	}
}
