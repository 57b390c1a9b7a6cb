package server

import (
	"strings"
	"testing"

	"github.com/sextant-dns/sextant/lookup"
)

// RFC 7871 6 and 7.2.1, and the rows E1 to E6 and E26 to E28 of our checklist.
func TestClientSubnetIsReadStrictlyAndEchoed(t *testing.T) {
	t.Parallel()
	const malformed = "FORMERR rd 1/0/0/0 edns0:1232"
	for _, c := range []struct {
		what    string
		options []string // data of Client Subnet options
		from    string
		want    string // of the reply to client.example. TXT
		subnet  string // that the resolver hears
	}{
		{"IPv4 /24", []string{"\x00\x01\x18\x00\xc0\x00\x02"}, somebody, "ecs:1/192.0.2.0/24/24", "192.0.2.0/24"},
		{"IPv4 /25", []string{"\x00\x01\x19\x00\xc0\x00\x02\x80"}, somebody, "ecs:1/192.0.2.128/25/25", "192.0.2.128/25"},
		{"IPv4 /32", []string{"\x00\x01\x20\x00\xc0\x00\x02\x81"}, somebody, "ecs:1/192.0.2.129/32/32", "192.0.2.129/32"},
		{"IPv6 /56", []string{"\x00\x02\x38\x00\x20\x01\x0d\xb8\x00\x01\x02"}, somebody, "ecs:2/2001:db8:1:200::/56/56", "2001:db8:1:200::/56"},
		{"IPv6 /128", []string{"\x00\x02\x80\x00\x20\x01\x0d\xb8" + strings.Repeat("\x00", 11) + "\x01"}, somebody, "ecs:2/2001:db8::1/128/128", "2001:db8::1/128"},
		{"SOURCE 0: tell nobody (RFC 7871 7.1.2)", []string{"\x00\x01\x00\x00"}, somebody, "ecs:1/0.0.0.0/0/0", "0.0.0.0/0"},
		{"IPv6 SOURCE 0", []string{"\x00\x02\x00\x00"}, somebody, "ecs:2/::/0/0", "::/0"},
		{"no family, no address, from IPv4", []string{"\x00\x00\x00\x00"}, somebody, "ecs:0/0.0.0.0/0/0", "0.0.0.0/0"},
		{"no family, no address, from IPv6", []string{"\x00\x00\x00\x00"}, "[2001:db8::9]:5555", "ecs:0/0.0.0.0/0/0", "::/0"},

		{"no family, but a length", []string{"\x00\x00\x08\x00\x0a"}, somebody, "", ""},
		{"an unknown family", []string{"\x00\x03\x08\x00\x0a"}, somebody, "", ""},
		{"a family that only ends like one", []string{"\x01\x01\x08\x00\x0a"}, somebody, "", ""},
		{"SCOPE in a query", []string{"\x00\x01\x18\x18\xc0\x00\x02"}, somebody, "", ""},
		{"IPv4 /33", []string{"\x00\x01\x21\x00\xc0\x00\x02\x00\x00"}, somebody, "", ""},
		{"IPv6 /129", []string{"\x00\x02\x81\x00" + strings.Repeat("\x00", 17)}, somebody, "", ""},
		{"an octet too few", []string{"\x00\x01\x18\x00\xc0\x00"}, somebody, "", ""},
		{"an octet too many", []string{"\x00\x01\x18\x00\xc0\x00\x02\x00"}, somebody, "", ""},
		{"bits beyond SOURCE", []string{"\x00\x01\x17\x00\xc0\x00\x03"}, somebody, "", ""},
		{"cut", []string{"\x00\x01\x00"}, somebody, "", ""},
		{"empty", []string{""}, somebody, "", ""},
		{"two", []string{"\x00\x01\x18\x00\xc0\x00\x02", "\x00\x01\x18\x00\xc0\x00\x02"}, somebody, "", ""},
	} {
		m := ask("client.example. TXT", edns(1232, false))
		o := m.IsEdns0()
		for _, data := range c.options {
			o.Option = append(o.Option, option(8, data))
		}
		s := New(Options{Views: everyone(new(world))})
		for _, turn := range []string{"first", "second"} {
			reply := s.Respond(nil, packed(t, m), addrPort(c.from), UDP)
			if c.want == "" {
				if got := brief(read(t, reply)); got != malformed {
					t.Errorf("%s, %s reply:\ngot  %s\nwant %s", c.what, turn, got, malformed)
				}
				continue
			}
			text := read(t, reply)
			if got, want := brief(text), "NOERROR rd ra 1/1/0/0 edns0:1232 "+c.want; got != want {
				t.Errorf("%s, %s reply:\ngot  %s\nwant %s", c.what, turn, got, want)
				continue
			}
			if got := text.Answer[0].String(); !strings.HasSuffix(got, `"`+c.subnet+`"`) {
				t.Errorf("%s: the resolver heard %s, want %s", c.what, got, c.subnet)
			}
		}
		if st := s.Stats().Packets; c.want != "" && st.Hits != 1 {
			t.Errorf("%s: %d hits", c.what, st.Hits)
		}
	}
}

// RFC 7871 7.2.1: the scope is 0 when the answer is the same for everyone, and
// there is no option when the query had none.
func TestScopeIsZeroForWhatIsForEveryone(t *testing.T) {
	t.Parallel()
	s := New(Options{Views: everyone(new(world))})
	if got := brief(talk(t, s, ask("www.example. A", edns(1232, false, option(8, "\x00\x01\x18\x00\xc0\x00\x02"))))); got != "NOERROR rd ra 1/2/0/0 edns0:1232 ecs:1/192.0.2.0/24/0" {
		t.Errorf("got %s", got)
	}
	if got := brief(talk(t, s, ask("client.example. TXT", edns(1232, false)))); got != "NOERROR rd ra 1/1/0/0 edns0:1232" {
		t.Errorf("got %s", got)
	}
}

func TestScopeOfAnotherFamilyIsNotTold(t *testing.T) {
	t.Parallel()
	v4, v6 := prefixes("192.0.2.0/24")[0], prefixes("2001:db8::/32")[0]
	if got := scopeFor(v4, reach{limits: v6}); got != 0 {
		t.Errorf("got %d", got)
	}
	if got := scopeFor(v6, reach{limits: v6}); got != 32 {
		t.Errorf("got %d", got)
	}
	if got := scopeFor(v6, reach{limits: v6, wanted: 40}); got != 40 {
		t.Errorf("got %d", got)
	}
}

func TestCookiesOfImpossibleLengthAreMalformed(t *testing.T) {
	t.Parallel()
	s := New(Options{Views: everyone(new(world))})
	for n := range 48 {
		want := lookup.FORMERR
		if n == 8 || n >= 16 && n <= 40 { // RFC 7873 5.2.2
			want = lookup.NOERROR
		}
		if got := talk(t, s, ask("www.example. A", edns(1232, false, option(10, strings.Repeat("c", n))))); got.Rcode != int(want) {
			t.Errorf("%d octets: rcode %d, want %v", n, got.Rcode, want)
		}
	}
	two := edns(1232, false, option(10, "12345678"), option(10, "bad")) // RFC 7873 5.2: the first counts
	if got := talk(t, s, ask("www.example. A", two)); got.Rcode != 0 {
		t.Errorf("two cookies: rcode %d", got.Rcode)
	}
}

func TestKeepaliveIsToldOverTCP(t *testing.T) {
	t.Parallel()
	s := New(Options{Views: everyone(new(world)), TCP: TCPOptions{Idle: 15e9}})
	reply := tell(t, s, packed(t, ask("www.example. A", edns(1232, false, option(11, "")))), TCP, somebody)
	if got := brief(reply); got != "NOERROR rd ra 1/2/0/0 edns0:1232 option11:use tcp keep-alive, timeout 15000ms" {
		t.Errorf("got %s", got)
	}
	if reply := tell(t, s, packed(t, ask("www.example. A", edns(1232, false))), TCP, somebody); len(reply.IsEdns0().Option) != 0 {
		t.Errorf("told without being asked: %s", brief(reply))
	}
}
