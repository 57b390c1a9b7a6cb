package server

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

// The vectors of the paper: the key 00 01 02 ..., messages of 0, 1, 7, 8, 15 and 16
// octets 00 01 02 ....
func TestSipHash(t *testing.T) {
	t.Parallel()
	var key [16]byte
	var msg [64]byte
	for i := range msg {
		msg[i] = byte(i)
	}
	copy(key[:], msg[:16])
	for n, want := range map[int]uint64{
		0: 0x726fdb47dd0e0e31, 1: 0x74f839c593dc67fd, 7: 0xab0200f58b01d137, 8: 0x93f5f5799a932462, 15: 0xa129ca6149be45e5, 16: 0x3f2acc7f57c29bdb,
	} {
		if got := sipHash24(&key, msg[:n]); got != want {
			t.Errorf("%d octets: %016x, want %016x", n, got, want)
		}
	}
}

func secretOf(t testing.TB, text string) CookieSecret {
	t.Helper()
	octets, err := hex.DecodeString(text)
	if err != nil || len(octets) != len(CookieSecret{}) {
		t.Fatalf("%s is no secret", text)
	}
	return CookieSecret(octets)
}

// cookieIn is the COOKIE option of a message in hexadecimal, "" when there is none.
func cookieIn(m *dns.Msg) string {
	if o := m.IsEdns0(); o != nil {
		for _, option := range o.Option {
			if c, ok := option.(*dns.EDNS0_COOKIE); ok {
				return c.Cookie
			}
		}
	}
	return ""
}

func withCookie(t testing.TB, text string) func(*dns.Msg) {
	t.Helper()
	octets, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return edns(1232, false, option(10, string(octets)))
}

const (
	secretA = "e5e973e5a6b2a43f48e7dc849e37bfcf"
	oldA4   = "dd3bdf9344b678b185a6f5cb60fca715"
	newA4   = "445536bcd2513298075a5d379663c962"
)

// RFC 9018 appendix A, and what is beyond the times of its 4.3.
func TestCookiesOfRFC9018(t *testing.T) {
	t.Parallel()
	const client6 = "[2001:db8:220:1:59de:d0f4:8769:82b8]:5000"
	for _, c := range []struct {
		what    string
		secrets []string
		from    string
		now     int64
		query   string
		reply   string
	}{
		{"A.1 a new one", []string{secretA}, "198.51.100.100:5000", 1559731985,
			"2464c4abcf10c957", "2464c4abcf10c957010000005cf79f111f8130c3eee29480"},
		{"A.2 a renewed one", []string{secretA}, "198.51.100.100:5000", 1559734385,
			"2464c4abcf10c957010000005cf79f111f8130c3eee29480", "2464c4abcf10c957010000005cf7a871d4a564a1442aca77"},
		{"A.3 reserved octets that are set, and count as they came", []string{secretA}, "203.0.113.203:5000", 1559727985 + 60,
			"fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5", "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5"},
		{"A.3 in its own time, when the cookie is older than an hour", []string{secretA}, "203.0.113.203:5000", 1559734700,
			"fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5", "fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e"},
		{"A.4 a secret that is rolled", []string{newA4, oldA4}, client6, 1559741961,
			"22681ab97d52c298010000005cf7c57926556bd0934c72f8", "22681ab97d52c298010000005cf7c609a6bb79d16625507a"},
		{"one that is fresh comes back", []string{secretA}, "198.51.100.100:5000", 1559731985 + 1800,
			"2464c4abcf10c957010000005cf79f111f8130c3eee29480", "2464c4abcf10c957010000005cf79f111f8130c3eee29480"},
		{"one that a server whose clock is ahead has made comes back", []string{secretA}, "198.51.100.100:5000", 1559731985 - 300,
			"2464c4abcf10c957010000005cf79f111f8130c3eee29480", "2464c4abcf10c957010000005cf79f111f8130c3eee29480"},
	} {
		now := time.Unix(c.now, 0)
		o := CookieOptions{Require: RequireAlways}
		for _, secret := range c.secrets {
			o.Secrets = append(o.Secrets, secretOf(t, secret))
		}
		s := New(Options{Views: everyone(new(world)), Cookies: o, Now: func() time.Time { return now }})
		reply := tell(t, s, packed(t, ask("www.example. A", withCookie(t, c.query))), UDP, c.from)
		if got := cookieIn(reply); got != c.reply {
			t.Errorf("%s: got %s, want %s", c.what, got, c.reply)
		}
		want := "NOERROR"
		if len(c.query) == 16 || strings.HasSuffix(c.what, "older than an hour") {
			want = "BADCOOKIE"
		}
		if got := brief(reply); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s, want %s", c.what, got, want)
		}
	}
}

// Which cookies are believed (RFC 9018 4.3 and 4.4), and what becomes of the others.
func TestWhichCookiesAreBelieved(t *testing.T) {
	t.Parallel()
	const good, made = "2464c4abcf10c957010000005cf79f111f8130c3eee29480", 1559731985
	for _, c := range []struct {
		what, cookie, from string
		now                int64
		believed           bool
	}{
		{"right", good, "198.51.100.100:5000", made, true},
		{"from another port", good, "198.51.100.100:6000", made, true},
		{"mapped into IPv6", good, "[::ffff:198.51.100.100]:5000", made, true},
		{"from another address", good, "198.51.100.101:5000", made, false},
		{"an hour old", good, "198.51.100.100:5000", made + 3600, true},
		{"older than an hour", good, "198.51.100.100:5000", made + 3601, false},
		{"of five minutes from now", good, "198.51.100.100:5000", made - 300, true},
		{"of more than five minutes from now", good, "198.51.100.100:5000", made - 301, false},
		{"of an octet less", good[:len(good)-2], "198.51.100.100:5000", made, false},
		{"of 32 octets", good + strings.Repeat("00", 16), "198.51.100.100:5000", made, false},
		{"of version 2", good[:16] + "02" + good[18:], "198.51.100.100:5000", made, false},
		{"with another hash", good[:len(good)-2] + "81", "198.51.100.100:5000", made, false},
		{"with another client cookie", "25" + good[2:], "198.51.100.100:5000", made, false},
	} {
		now := time.Unix(c.now, 0)
		s := New(Options{Views: everyone(new(world)), Now: func() time.Time { return now },
			Cookies: CookieOptions{Secrets: []CookieSecret{secretOf(t, secretA)}, Require: RequireAlways}})
		reply := tell(t, s, packed(t, ask("www.example. A", withCookie(t, c.cookie))), UDP, c.from)
		if believed := !strings.HasPrefix(brief(reply), "BADCOOKIE"); believed != c.believed {
			t.Errorf("%s: believed %v", c.what, believed)
		}
		if len(cookieIn(reply)) != 48 {
			t.Errorf("%s: told %q", c.what, cookieIn(reply))
		}
		// What was told is believed, whatever came.
		again := tell(t, s, packed(t, ask("www.example. A", withCookie(t, cookieIn(reply)))), UDP, c.from)
		if got := brief(again); !strings.HasPrefix(got, "NOERROR") {
			t.Errorf("%s: with what it was told: %s", c.what, got)
		}
	}
}

// The times wrap around (RFC 9018 4.3: serial number arithmetic).
func TestCookieTimesWrapAround(t *testing.T) {
	t.Parallel()
	var now time.Time
	s := New(Options{Views: everyone(new(world)), Cookies: CookieOptions{Require: RequireAlways}, Now: func() time.Time { return now }})
	now = time.Unix(1<<32-100, 0)
	cookie := cookieIn(talk(t, s, ask("www.example. A", withCookie(t, "0102030405060708"))))
	now = time.Unix(1<<32+100, 0)
	if got := brief(talk(t, s, ask("www.example. A", withCookie(t, cookie)))); !strings.HasPrefix(got, "NOERROR") {
		t.Errorf("got %s", got)
	}
}

// Secrets roll (RFC 9018 5): first all servers check with the new one, then they make
// with it, then the old one goes.
func TestCookieSecretsRoll(t *testing.T) {
	t.Parallel()
	older, newer := secretOf(t, oldA4), secretOf(t, newA4)
	s := New(Options{Views: everyone(new(world)), Cookies: CookieOptions{Secrets: []CookieSecret{older}, Require: RequireAlways}})
	believed := func(cookie string) bool {
		return !strings.HasPrefix(brief(talk(t, s, ask("www.example. A", withCookie(t, cookie)))), "BADCOOKIE")
	}
	give := func() string { return cookieIn(talk(t, s, ask("www.example. A", withCookie(t, "0102030405060708")))) }
	first := give()
	s.SetCookieSecrets([]CookieSecret{older, newer})
	if !believed(first) {
		t.Error("the old secret's cookie does not outlive the first step")
	}
	s.SetCookieSecrets([]CookieSecret{newer, older})
	second := give()
	if !believed(first) || !believed(second) {
		t.Error("a cookie does not outlive the second step")
	}
	s.SetCookieSecrets([]CookieSecret{newer})
	if believed(first) || !believed(second) {
		t.Error("after the third step it is not the new secret alone that counts")
	}
	s.SetCookieSecrets(nil)
	if !believed(second) {
		t.Error("no secrets are taken for secrets")
	}
}

// forged is a cookie of ours with another last digit.
func forged(told string) string {
	last := "0"
	if strings.HasSuffix(told, last) {
		last = "1"
	}
	return told[:len(told)-1] + last
}

// RFC 7873 5.4: a query without question is there for its cookie.
func TestQueriesForACookieAlone(t *testing.T) {
	t.Parallel()
	empty := func(m *dns.Msg) { m.Question = nil }
	s := New(Options{Views: []View{{Clients: prefixes("10.0.0.0/8"), Recursive: new(world)}}})
	told := cookieIn(talk(t, s, ask("example. A", withCookie(t, "0102030405060708"), empty)))
	if len(told) != 48 {
		t.Fatalf("told %q", told)
	}
	off := New(Options{Views: everyone(new(world)), Cookies: CookieOptions{Off: true}})
	for _, c := range []struct {
		what  string
		s     *Server
		query *dns.Msg
		want  string
	}{
		{"with the client's alone", s, ask("example. A", withCookie(t, "0102030405060708"), empty), "NOERROR rd 0/0/0/0 edns0:1232 option10"},
		{"with ours", s, ask("example. A", withCookie(t, told), empty), "NOERROR rd 0/0/0/0 edns0:1232 option10"},
		{"with one that is not ours", s, ask("example. A", withCookie(t, forged(told)), empty), "BADCOOKIE rd 0/0/0/0 edns0:1232 option10"},
		{"without one", s, ask("example. A", edns(1232, false), empty), "FORMERR rd 0/0/0/0 edns0:1232"},
		{"with one of impossible length", s, ask("example. A", withCookie(t, "01"), empty), "FORMERR rd 0/0/0/0 edns0:1232"},
		{"of EDNS 1", s, ask("example. A", withCookie(t, told), empty, func(m *dns.Msg) { m.IsEdns0().SetVersion(1) }), "BADVERS rd 0/0/0/0 edns0:1232"},
		{"of a NOTIFY", s, ask("example. A", withCookie(t, told), empty, func(m *dns.Msg) { m.Opcode = 4 }), "NOTIMP rd 0/0/0/0 edns0:1232 option10"},
		{"of an opcode that nobody has", s, ask("example. A", withCookie(t, told), func(m *dns.Msg) { m.Opcode = 15 }), "NOTIMP rd 1/0/0/0 edns0:1232 option10"},
		{"of such an opcode, with one of impossible length", s, ask("example. A", withCookie(t, "01"), func(m *dns.Msg) { m.Opcode = 15 }), "NOTIMP rd 1/0/0/0 edns0:1232"},
		{"of such an opcode and EDNS 1", s, ask("example. A", withCookie(t, told), func(m *dns.Msg) { m.Opcode = 15; m.IsEdns0().SetVersion(1) }), "NOTIMP rd 1/0/0/0 edns0:1232"},
		{"beside an RR", s, ask("example. A", withCookie(t, told), empty, func(m *dns.Msg) {
			m.Extra = append(m.Extra, &dns.A{Hdr: dns.RR_Header{Name: "a.", Rrtype: 1, Class: 1}, A: []byte{1, 2, 3, 4}})
		}), "FORMERR rd 0/0/0/0 edns0:1232"},
		{"to a server that does not care", off, ask("example. A", withCookie(t, told), empty), "FORMERR rd 0/0/0/0 edns0:1232"},
	} {
		for _, proto := range []Proto{UDP, TCP} {
			if got := brief(tell(t, c.s, packed(t, c.query), proto, somebody)); !strings.HasPrefix(got, c.want) || strings.Contains(got, "option10") != strings.Contains(c.want, "option10") {
				t.Errorf("%s over %v: got %s, want %s", c.what, proto, got, c.want)
			}
		}
	}
}

// Who has to bring a cookie, and over what.
func TestCookiesAreRequired(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		policy CookiePolicy
		proto  Proto
		cookie string
		want   string
	}{
		{RequireNever, UDP, "0102030405060708", "NOERROR"},
		{RequireOverLimit, UDP, "0102030405060708", "NOERROR"}, // there is no limit
		{RequireAlways, UDP, "0102030405060708", "BADCOOKIE"},
		{RequireAlways, UDP, "01020304050607080000000000000000", "BADCOOKIE"},
		{RequireAlways, UDP, "", "NOERROR"},                 // RFC 7873 5.2.1
		{RequireAlways, TCP, "0102030405060708", "NOERROR"}, // RFC 7873 5.2.3
	} {
		w := new(world)
		s := New(Options{Views: everyone(w), Cookies: CookieOptions{Require: c.policy}})
		change := edns(1232, false)
		if c.cookie != "" {
			change = withCookie(t, c.cookie)
		}
		reply := tell(t, s, packed(t, ask("www.example. A", change)), c.proto, somebody)
		if got := brief(reply); !strings.HasPrefix(got, c.want) {
			t.Errorf("policy %d, %v, %q: got %s, want %s", c.policy, c.proto, c.cookie, got, c.want)
		}
		if c.want == "BADCOOKIE" && (w.asked.Load() > 0 || len(reply.Answer) > 0 || len(reply.Question) != 1) {
			t.Errorf("policy %d, %v, %q: somebody was asked, or something answered", c.policy, c.proto, c.cookie)
		}
	}
}

func TestCookiesAreCounted(t *testing.T) {
	t.Parallel()
	s := New(Options{Views: everyone(new(world))})
	told := cookieIn(talk(t, s, ask("www.example. A", withCookie(t, "0102030405060708"))))
	talk(t, s, ask("www.example. A", withCookie(t, told)))
	talk(t, s, ask("www.example. A", withCookie(t, told)))
	talk(t, s, ask("www.example. A", withCookie(t, "01020304050607080000000000000000")))
	talk(t, s, ask("www.example. A"))
	if got, want := s.Stats().Cookies, (CookieStats{New: 1, Good: 2, Bad: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// Nobody guesses: of the cookies that a stranger makes up none is believed, and those of
// two servers with random secrets are not each other's.
func TestCookiesAreNotGuessed(t *testing.T) {
	t.Parallel()
	s := New(Options{Views: everyone(new(world)), Cookies: CookieOptions{Require: RequireAlways}})
	other := New(Options{Views: everyone(new(world))})
	theirs := cookieIn(talk(t, other, ask("www.example. A", withCookie(t, "0102030405060708"))))
	tries := []string{theirs, theirs[:32] + strings.Repeat("0", 16)}
	for range 1000 {
		tries = append(tries, theirs[:32]+fmt.Sprintf("%016x", rand.Uint64()))
	}
	for _, cookie := range tries {
		if got := talk(t, s, ask("www.example. A", withCookie(t, cookie))); got.Rcode&0xf|int(got.IsEdns0().ExtendedRcode())&^0xf != int(lookup.BADCOOKIE) {
			t.Fatalf("%s is believed", cookie)
		}
	}
}
