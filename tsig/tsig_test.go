package tsig

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

func now() time.Time { return time.Unix(1_800_000_000, 0) }

func key(a Algorithm) Key {
	return Key{Name: lookup.MustName("Key.Example."), Algorithm: a, Secret: []byte("0123456789abcdef0123456789abcdef")}
}

func secret(k Key) string { return base64.StdEncoding.EncodeToString(k.Secret) }

// ring knows these keys.
func ring(keys ...Key) func(lookup.Name) (Key, bool) {
	return func(n lookup.Name) (Key, bool) {
		i := slices.IndexFunc(keys, func(k Key) bool { return k.Name == n })
		if i < 0 {
			return Key{}, false
		}
		return keys[i], true
	}
}

func query(t testing.TB) []byte {
	t.Helper()
	m := new(dns.Msg).SetAxfr("example.")
	m.Id = 4711
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// message is the n-th message of a reply.
func message(t testing.TB, n int) []byte {
	t.Helper()
	m := new(dns.Msg).SetAxfr("example.")
	m.Id, m.Response = 4711, true
	for i := range 3 {
		rr, err := dns.NewRR(fmt.Sprintf("n%d-%d.example. 300 IN A 192.0.2.%d", n, i, i))
		if err != nil {
			t.Fatal(err)
		}
		m.Answer = append(m.Answer, rr)
	}
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// theirs signs like miekg's library.
func theirs(t testing.TB, msg []byte, k Key, prior string, later bool, at time.Time) ([]byte, string) {
	t.Helper()
	m := new(dns.Msg)
	if err := m.Unpack(msg); err != nil {
		t.Fatal(err)
	}
	m.SetTsig(k.Name.String(), string(k.Algorithm)+".", 300, at.Unix())
	b, mac, err := dns.TsigGenerate(m, secret(k), prior, later)
	if err != nil {
		t.Fatal(err)
	}
	return b, mac
}

func algorithms() []Algorithm { // those that the other library has
	return []Algorithm{HMACSHA1, HMACSHA224, HMACSHA256, HMACSHA384, HMACSHA512}
}

// What we sign, miekg's library believes, and the other way round: the request and
// three messages of its reply.
func TestAgreesWithAnotherImplementation(t *testing.T) {
	t.Parallel()
	for _, a := range algorithms() {
		k := key(a)
		asked, client := Ask(query(t), k, now())
		real := time.Now() // miekg's looks at the clock
		askedNow, _ := Ask(query(t), k, real)
		if err := dns.TsigVerify(slices.Clone(askedNow), secret(k), "", false); err != nil {
			t.Errorf("%s: our request: %v", a, err)
		}
		prior := macOf(t, askedNow)
		server, err := Accept(askedNow, ring(k), real)
		if err != nil {
			t.Fatalf("%s: %v", a, err)
		}
		for i := range 3 {
			b := server.Sign(message(t, i), real)
			if err := dns.TsigVerify(slices.Clone(b), secret(k), prior, i > 0); err != nil {
				t.Errorf("%s: our message %d: %v", a, i, err)
			}
			prior = macOf(t, b)
		}

		prior = macOf(t, asked)
		for i := range 3 {
			var b []byte
			b, prior = theirs(t, message(t, i), k, prior, i > 0, now())
			if err := client.Check(b, now()); err != nil {
				t.Errorf("%s: their message %d: %v", a, i, err)
			}
		}
		if err := client.Done(); err != nil {
			t.Error(err)
		}
		b, _ := theirs(t, query(t), k, "", false, now())
		if s, err := Accept(b, ring(k), now()); err != nil || s.Key() != k.Name {
			t.Errorf("%s: their request: %v", a, err)
		}
	}
}

func macOf(t testing.TB, msg []byte) string {
	t.Helper()
	r, there, err := find(msg)
	if err != nil || !there {
		t.Fatalf("no TSIG: %v", err)
	}
	return fmt.Sprintf("%x", r.mac)
}

func TestAllAlgorithmsAgreeWithThemselves(t *testing.T) {
	t.Parallel()
	for _, a := range append(algorithms(), HMACSHA256_128, HMACSHA384_192, HMACSHA512_256) {
		k := key(a)
		if err := k.Check(); err != nil {
			t.Error(err)
		}
		asked, client := Ask(query(t), k, now())
		server, err := Accept(asked, ring(k), now())
		if err != nil {
			t.Fatalf("%s: %v", a, err)
		}
		plain := message(t, 0)
		b := server.Sign(slices.Clone(plain), now())
		if n := len(b) - len(plain); n > server.Overhead() {
			t.Errorf("%s: %d octets more, and at most %d were promised", a, n, server.Overhead())
		}
		if err := client.Check(b, now()); err != nil {
			t.Errorf("%s: %v", a, err)
		}
	}
}

// Any octet that is changed on the way is noticed, but those that have no meaning.
func TestEveryOctetCounts(t *testing.T) {
	t.Parallel()
	k := key(HMACSHA256)
	asked, _ := Ask(query(t), k, now())
	for i := range asked {
		if i < 2 { // the message ID may change: the original one is signed (RFC 8945 4.2)
			continue
		}
		changed := slices.Clone(asked)
		changed[i] ^= 1
		if s, err := Accept(changed, ring(k), now()); err == nil && s != nil {
			t.Errorf("octet %d of %d was changed and nobody noticed", i, len(asked))
		}
	}
}

func TestRequestsThatAreNotBelieved(t *testing.T) {
	t.Parallel()
	k := key(HMACSHA256)
	other := k
	other.Secret = []byte("another secret")
	weaker := key(HMACSHA1)
	stranger := k
	stranger.Name = lookup.MustName("stranger.")
	lenient := k
	lenient.Least = 16
	cut := func(octets int) []byte { // a MAC that is shorter than it should be
		asked, _ := Ask(query(t), k, now())
		r, _, _ := find(asked)
		r.mac = r.mac[:octets]
		plain := slices.Clone(asked[:r.start])
		binary.BigEndian.PutUint16(plain[10:], 0)
		return r.append(plain)
	}
	sign := func(k Key) []byte { b, _ := Ask(query(t), k, now()); return b }
	for _, c := range []struct {
		what   string
		msg    []byte
		ring   Key
		at     time.Time
		want   Code
		signed bool
	}{
		{"right", sign(k), k, now(), 0, true},
		{"at the edge of the fudge", sign(k), k, now().Add(300 * time.Second), 0, true},
		{"another secret", sign(other), k, now(), BADSIG, false},
		{"another algorithm", sign(weaker), k, now(), BADKEY, false},
		{"an unknown key", sign(stranger), k, now(), BADKEY, false},
		{"too old", sign(k), k, now().Add(301 * time.Second), BADTIME, true},
		{"from the future", sign(k), k, now().Add(-301 * time.Second), BADTIME, true},
		{"cut to half, and all is wanted", cut(16), k, now(), BADTRUNC, true},
		{"cut to half, and that is enough", cut(16), lenient, now(), 0, true},
	} {
		s, err := Accept(c.msg, ring(c.ring), c.at)
		var told Error
		if c.want == 0 && err != nil || c.want != 0 && (!errors.As(err, &told) || told.Code != c.want) {
			t.Errorf("%s: got %v, want %v", c.what, err, c.want)
			continue
		}
		reply := s.Sign(message(t, 0), c.at)
		r, there, err := find(reply)
		if err != nil || !there || r.code != c.want || (len(r.mac) > 0) != c.signed || r.key != s.Key() {
			t.Errorf("%s: the reply says %v, signed %v, %v", c.what, r.code, len(r.mac) > 0, err)
		}
		ours := binary.BigEndian.AppendUint64(nil, uint64(c.at.Unix()))[2:] // RFC 8945 5.2.3: 48 bits
		if c.want == BADTIME && (!bytes.Equal(r.other, ours) || r.signed != seconds(now())) {
			t.Errorf("%s: the reply must have their time %d and ours, has %d and %x", c.what, seconds(now()), r.signed, r.other)
		}
	}
	// RFC 8945 5.2.2.1: shorter than anybody may take.
	if s, err := Accept(cut(15), ring(lenient), now()); !errors.Is(err, ErrMalformed) || s != nil {
		t.Errorf("15 octets of 32: %v", err)
	}
}

// Whoever asked hears what was wrong: the reply to BADTIME is signed with the time
// that the client had.
func TestClientHearsWhatIsWrong(t *testing.T) {
	t.Parallel()
	k := key(HMACSHA256)
	for _, c := range []struct {
		ring Key
		at   time.Time
		want Code
	}{
		{k, now().Add(time.Hour), BADTIME},
		{Key{Name: k.Name, Algorithm: k.Algorithm, Secret: []byte("x")}, now(), BADSIG},
		{key(HMACSHA512), now(), BADKEY},
	} {
		asked, client := Ask(query(t), k, now())
		server, _ := Accept(asked, ring(c.ring), c.at)
		var told Error
		if err := client.Check(server.Sign(message(t, 0), c.at), now()); !errors.As(err, &told) || told.Code != c.want || !told.Peer {
			t.Errorf("got %v, want %v from the other side", err, c.want)
		}
	}
}

// RFC 8945 5.3.1: not every message of a reply has to be signed, but the first, the
// last, and one in a hundred.
func TestUnsignedMessagesInBetween(t *testing.T) {
	t.Parallel()
	k := key(HMACSHA256)
	for _, c := range []struct {
		between int
		want    string
	}{{0, ""}, {1, ""}, {99, ""}, {100, "not signed"}} {
		asked, client := Ask(query(t), k, now())
		server, err := Accept(asked, ring(k), now())
		if err != nil {
			t.Fatal(err)
		}
		err = client.Check(server.Sign(message(t, 0), now()), now())
		var all [][]byte
		for i := range c.between {
			all = append(all, message(t, i))
			if err == nil {
				err = client.Check(all[i], now())
			}
		}
		if c.between > 0 && client.Done() == nil {
			t.Error("the end is not signed, and nobody noticed")
		}
		// The next signature is over all of them.
		last := message(t, c.between)
		r := server.fresh(last, now())
		h := server.begin()
		for _, m := range all {
			h.Write(m)
		}
		r.mac = server.sumLater(h, last, r)
		if err == nil {
			err = client.Check(r.append(last), now())
		}
		if err == nil {
			err = client.Done()
		}
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%d messages in between: %v", c.between, err)
		}
	}
}

func TestReplyThatIsNotSignedAtAll(t *testing.T) {
	t.Parallel()
	_, client := Ask(query(t), key(HMACSHA256), now())
	if err := client.Check(message(t, 0), now()); err == nil {
		t.Error("taken")
	}
	if client.Done() == nil {
		t.Error("done")
	}
}

// A message that was left out, or put in, is noticed at the next signature.
func TestMessageThatIsMissing(t *testing.T) {
	t.Parallel()
	k := key(HMACSHA256)
	asked, client := Ask(query(t), k, now())
	server, err := Accept(asked, ring(k), now())
	if err != nil {
		t.Fatal(err)
	}
	first, _, third := server.Sign(message(t, 0), now()), server.Sign(message(t, 1), now()), server.Sign(message(t, 2), now())
	if err := client.Check(first, now()); err != nil {
		t.Fatal(err)
	}
	if err := client.Check(third, now()); err == nil {
		t.Error("the second message is missing, and nobody noticed")
	}
}

func TestTSIGWhereItMustNotBe(t *testing.T) {
	t.Parallel()
	k := key(HMACSHA256)
	asked, _ := Ask(query(t), k, now())
	twice, _ := Ask(slices.Clone(asked), k, now())
	r, _, _ := find(asked)
	answer := slices.Clone(asked) // counted into the answer section
	answer[7], answer[11] = 1, 0
	class := slices.Clone(asked)
	at, _ := skipName(class, r.start)
	class[at+3] = 1
	for what, msg := range map[string][]byte{
		"two": twice, "in the answer": answer, "class IN": class,
		"cut off": asked[:len(asked)-1], "something behind it": append(slices.Clone(asked), 0), "no header": asked[:11],
	} {
		if s, err := Accept(msg, ring(k), now()); !errors.Is(err, ErrMalformed) || s != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if s, err := Accept(query(t), ring(k), now()); s != nil || err != nil {
		t.Errorf("a message without one: %v", err)
	}
}

func TestKeysThatAreNone(t *testing.T) {
	t.Parallel()
	good := key(HMACSHA256)
	for _, k := range []Key{
		{}, {Name: good.Name, Algorithm: "hmac-md5", Secret: good.Secret}, {Name: good.Name, Algorithm: HMACSHA256},
		{Name: good.Name, Algorithm: HMACSHA256, Secret: good.Secret, Least: 33},
	} {
		if k.Check() == nil {
			t.Errorf("%+v is taken", k)
		}
	}
}
