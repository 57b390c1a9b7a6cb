package transport_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/transport"
)

// cookieServer is a server that makes cookies as RFC 9018 4 does, in principle.
type cookieServer struct {
	*server
	mu      sync.Mutex
	require bool                        // BADCOOKIE for who does not bring its cookie
	off     bool                        // it has never heard of cookies
	mood    func(query []byte) [][]byte // what it does in place of all that; nil: the same
	udp     []string                    // the cookies that came over UDP, in hex; "-" for none
	tcp     []string
	sources []netip.Addr
}

func serveCookies(t *testing.T) *cookieServer {
	s := &cookieServer{}
	s.server = serveConn(t, "127.0.0.1", func(q []byte, from netip.AddrPort) [][]byte {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.sources = append(s.sources, from.Addr())
		s.udp = append(s.udp, cookieIn(q))
		if s.mood != nil {
			return s.mood(q)
		}
		return [][]byte{s.reply(q, overUDP, s.require)}
	}, func(conn net.Conn) {
		q, err := readFrame(conn)
		if err != nil {
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.tcp = append(s.tcp, cookieIn(q))
		_, _ = conn.Write(frame(s.reply(q, overTCP, false)))
	})
	return s
}

// reply is a good one, or BADCOOKIE.
func (s *cookieServer) reply(q []byte, address string, require bool) []byte {
	sent := cookieIn(q)
	if s.off || sent == "-" {
		return answer(q, address)
	}
	good := baked(sent[:16])
	return answer(q, address, withCookie(good), func(m *dns.Msg) {
		if require && sent != good {
			m.Rcode, m.Answer = dns.RcodeBadCookie, nil
		}
	})
}

// baked is a client cookie with the server's behind it.
func baked(client string) string {
	sum := sha256.Sum256([]byte("secret " + client))
	return client + hex.EncodeToString(sum[:16])
}

func withCookie(cookie string) func(*dns.Msg) {
	return func(m *dns.Msg) {
		m.IsEdns0().Option = append(m.IsEdns0().Option, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: cookie})
	}
}

// cookieIn is the cookie in a query, in hex; "-" without.
func cookieIn(q []byte) string {
	m := new(dns.Msg)
	if err := m.Unpack(q); err != nil {
		panic(err)
	}
	if m.IsEdns0() == nil {
		return "-"
	}
	for _, o := range m.IsEdns0().Option {
		if c, ok := o.(*dns.EDNS0_COOKIE); ok {
			return c.Cookie
		}
	}
	return "-"
}

// heard is the cookies that have come over UDP since the last time.
func (s *cookieServer) heard() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	cookies := s.udp
	s.udp = nil
	return cookies
}

func (s *cookieServer) be(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// exchange asks s and tells how that went: "UDP 1" for one message over UDP.
func exchange(t *testing.T, c *transport.Client, s *cookieServer, changes ...func(*transport.Request)) string {
	t.Helper()
	r := transport.Request{Server: s.addr, Question: question, Timeout: 20 * time.Second}
	for _, change := range changes {
		change(&r)
	}
	reply, err := c.Exchange(context.Background(), r)
	if err != nil {
		return err.Error()
	}
	how := "UDP"
	if reply.TCP {
		how = "TCP"
	}
	if reply.Rcode != lookup.NOERROR {
		how += " " + reply.Rcode.String()
	}
	return fmt.Sprintf("%s %d %v", how, reply.Sent, reply.Cookie)
}

func want(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAServersCookieIsBroughtBackToIt(t *testing.T) {
	t.Parallel()
	c, s, other := transport.New(transport.Options{}), serveCookies(t), serveCookies(t)
	for range 3 {
		want(t, exchange(t, c, s), "UDP 1 true")
	}
	cookies := s.heard()
	if len(cookies[0]) != 16 || cookies[1] != baked(cookies[0]) || cookies[2] != cookies[1] {
		t.Errorf("sent %v", cookies)
	}
	// RFC 9018 3: no server must know the cookie of another.
	want(t, exchange(t, c, other), "UDP 1 true")
	if got := other.heard(); got[0] == cookies[0] {
		t.Error("two servers got the same cookie")
	}
	want(t, exchange(t, c, s, func(r *transport.Request) { r.TCP = true }), "TCP 1 true")
	s.be(func() { want(t, s.tcp[0], cookies[1]) })
	want(t, exchange(t, c, s, func(r *transport.Request) { r.NoEDNS = true }), "UDP 1 false")
}

func TestAServerThatWantsItsCookieIsAskedAgainWithIt(t *testing.T) {
	t.Parallel()
	c, s := transport.New(transport.Options{}), serveCookies(t)
	s.be(func() { s.require = true })
	want(t, exchange(t, c, s), "UDP 2 true")
	want(t, exchange(t, c, s), "UDP 1 true")
	if cookies := s.heard(); len(cookies) != 3 || cookies[1] != baked(cookies[0]) {
		t.Errorf("sent %v", cookies)
	}
	// It forgets its secret, or it is many that have not the same.
	s.be(func() {
		s.mood = func(q []byte) [][]byte {
			return [][]byte{answer(q, overUDP, withCookie(cookieIn(q)[:16]+strings.Repeat("5e", 8+len(s.udp))), func(m *dns.Msg) { m.Rcode = dns.RcodeBadCookie })}
		}
	})
	want(t, exchange(t, c, s), "TCP 3 true")
}

func TestFromAServerThatHasSentACookieAllRepliesMustHaveOne(t *testing.T) {
	t.Parallel()
	for title, c := range map[string]struct {
		forged func(query []byte) []byte
		want   string
	}{
		"none leads to TCP":         {func(q []byte) []byte { return answer(q, "192.0.2.66") }, "TCP 2 true"},
		"no EDNS leads to TCP":      {func(q []byte) []byte { return answer(q, "192.0.2.66", func(m *dns.Msg) { m.Extra = nil }) }, "TCP 2 true"},
		"another cookie is dropped": {func(q []byte) []byte { return answer(q, "192.0.2.66", withCookie(strings.Repeat("66", 24))) }, "UDP 1 true"},
		"the first counts": {func(q []byte) []byte {
			return answer(q, "192.0.2.66", withCookie(strings.Repeat("66", 24)), withCookie(cookieIn(q)))
		}, "UDP 1 true"},
		"7 octets are dropped":  {cut(7), "UDP 1 true"},
		"9 octets are dropped":  {cut(9), "UDP 1 true"},
		"15 octets are dropped": {cut(15), "UDP 1 true"},
		"41 octets are dropped": {cut(41), "UDP 1 true"},
		"a forged BADCOOKIE is dropped": {func(q []byte) []byte {
			return answer(q, "192.0.2.66", withCookie(strings.Repeat("66", 24)), func(m *dns.Msg) { m.Rcode = dns.RcodeBadCookie })
		}, "UDP 1 true"},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			client, s := transport.New(transport.Options{}), serveCookies(t)
			want(t, exchange(t, client, s), "UDP 1 true")
			s.be(func() { s.mood = func(q []byte) [][]byte { return [][]byte{c.forged(q), s.reply(q, overUDP, false)} } })
			want(t, exchange(t, client, s), c.want)
			s.be(func() { s.mood = nil })
			s.heard()
			want(t, exchange(t, client, s), "UDP 1 true")
			if got := s.heard(); len(got[0]) != 48 {
				t.Errorf("the cookie was lost: sent %v", got)
			}
		})
	}
}

// cut makes an answer whose cookie has so many octets, of which those that there
// are are right.
func cut(octets int) func([]byte) []byte {
	return func(q []byte) []byte {
		whole := cookieIn(q) + strings.Repeat("00", 41)
		return answer(q, "192.0.2.66", withCookie(whole[:2*octets]))
	}
}

// RFC 9018 3: and it gets a new one after five minutes.
func TestAServerWithoutCookiesIsLeftInPeaceForFiveMinutes(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	var mu sync.Mutex
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	c, s := transport.New(transport.Options{Now: clock}), serveCookies(t)
	s.be(func() { s.off = true })
	for range 2 {
		want(t, exchange(t, c, s), "UDP 1 false")
	}
	first := s.heard()
	if len(first[0]) != 16 || first[1] != "-" {
		t.Errorf("sent %v", first)
	}
	mu.Lock()
	now = now.Add(5 * time.Minute)
	mu.Unlock()
	s.be(func() { s.off = false })
	want(t, exchange(t, c, s), "UDP 1 true")
	if got := s.heard(); len(got[0]) != 16 || got[0] == first[0] {
		t.Errorf("then sent %v", got)
	}
	// It has cookies now. When it gives them up, that is learned over TCP alone.
	s.be(func() { s.off = true })
	want(t, exchange(t, c, s), "TCP 2 false")
	want(t, exchange(t, c, s), "UDP 1 false")
}

func TestAServerThatChokesOnACookieIsAskedWithout(t *testing.T) {
	t.Parallel()
	for title, mood := range map[string]func(*cookieServer, []byte) [][]byte{
		"UDP 2 false": func(s *cookieServer, q []byte) [][]byte {
			return [][]byte{answer(q, overUDP, func(m *dns.Msg) { m.Rcode, m.Answer = dns.RcodeFormatError, nil })}
		},
		"no reply in time": func(*cookieServer, []byte) [][]byte { return nil },
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			c, s := transport.New(transport.Options{}), serveCookies(t)
			s.be(func() {
				s.mood = func(q []byte) [][]byte {
					if cookieIn(q) == "-" {
						return [][]byte{answer(q, overUDP)}
					}
					return mood(s, q)
				}
			})
			if got := exchange(t, c, s, func(r *transport.Request) { r.Timeout = 100 * time.Millisecond }); !strings.Contains(got, title) {
				t.Errorf("got %s, want %s", got, title)
			}
			want(t, exchange(t, c, s), "UDP 1 false")
		})
	}
}

// The way from where the cookie was heard may be gone, but not the knowledge that
// there has to be one.
func TestAfterSilenceThereIsANewCookie(t *testing.T) {
	t.Parallel()
	c, s := transport.New(transport.Options{}), serveCookies(t)
	want(t, exchange(t, c, s), "UDP 1 true")
	s.be(func() { s.mood = func([]byte) [][]byte { return nil } })
	_ = exchange(t, c, s, func(r *transport.Request) { r.Timeout = 50 * time.Millisecond })
	s.be(func() { s.mood = func(q []byte) [][]byte { return [][]byte{answer(q, "192.0.2.66")} } })
	want(t, exchange(t, c, s), "TCP 2 true")
	cookies := s.heard()
	if len(cookies) != 3 || len(cookies[2]) != 16 || cookies[2] == cookies[0] {
		t.Errorf("sent %v", cookies)
	}
}

func TestWithoutCookiesNoneIsSentOrTaken(t *testing.T) {
	t.Parallel()
	c, s := transport.New(transport.Options{NoCookies: true}), serveCookies(t)
	s.be(func() {
		s.mood = func(q []byte) [][]byte { return [][]byte{answer(q, overUDP, withCookie(strings.Repeat("11", 24)))} }
	})
	for range 2 {
		want(t, exchange(t, c, s), "UDP 1 false")
	}
	if got := s.heard(); got[0] != "-" || got[1] != "-" {
		t.Errorf("sent %v", got)
	}
}

// RFC 9018 3: a cookie goes out from the address that it was heard at, and from no
// other.
func TestACookieStaysAtItsAddress(t *testing.T) {
	t.Parallel()
	var sources []netip.Addr
	for i := range 20 {
		sources = append(sources, netip.AddrFrom4([4]byte{127, 0, 0, byte(10 + i)}))
	}
	c, s := transport.New(transport.Options{Sources4: sources}), serveCookies(t)
	for range 20 {
		want(t, exchange(t, c, s), "UDP 1 true")
	}
	s.be(func() {
		if seen := slices.Compact(s.sources); len(seen) != 1 || !slices.Contains(sources, seen[0]) {
			t.Errorf("sent from %v", seen)
		}
	})
}
