package anchors

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
)

// Keys that the tests speak of.
const (
	ksk2017 = ". IN DNSKEY 257 3 8 AwEAAaz/tAm8yTn4Mfeh5eyI96WSVexTBAvkMgJzkKTOiW1vkIbzxeF3+/4RgWOq7HrxRixHlFlExOLAJr5emLvN7SWXgnLh4+B5xQlNVz8Og8kvArMtNROxVQuCaSnIDdD5LKyWbRd2n9WGe2R8PzgCmr3EgVLrjyBxWezF0jLHwVN8efS3rCj/EWgvIWgb9tarpVUDK/b58Da+sqqls3eNbuv7pr+eoZG+SrDK6nWeL3c6H5Apxz7LjVc1uTIdsIXxuOLYA4/ilBmSVIzuDWfdRUfhHdY6+cn8HFRm+2hM8AnXGXws9555KrUB5qihylGa8subX2Nn6UwNR1AkUTV74bU="
	ksk2024 = ". IN DNSKEY 257 3 8 AwEAAa96jeuknZlaeSrvyAJj6ZHv28hhOKkx3rLGXVaC6rXTsDc449/cidltpkyGwCJNnOAlFNKF2jBosZBU5eeHspaQWOmOElZsjICMQMC3aeHbGiShvZsx4wMYSjH8e7Vrhbu6irwCzVBApESjbUdpWWmEnhathWu1jo+siFUiRAAxm9qyJNg/wOZqqzL/dL/q8PkcRU5oUKEpUge71M3ej2/7CPqpdVwuMoTvoB+ZOT4YeGyxMvHmbrxlFzGOHOijtzN+u1TQNatX2XBuzZNQ1K+s2CXkPIZo7s6JgZyvaBevYtxPvYLw4z9mR7K2vaF18UYH9Z9GNUUeayffKC73PYc="
)

// The digests that are built in are those of the keys that the root's operators
// publish.
func TestTheBuiltInAnchorsAreTheRootsKeys(t *testing.T) {
	t.Parallel()
	builtIn := mustSet(t, Root(), nil)
	keys := mustSet(t, lookup.MustRRsets(ksk2017+"\n"+ksk2024), nil)
	if got, want := builtIn.String(), keys.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, tag := range []uint16{20326, 38696} {
		if !builtIn.Trusts(lookup.Root, tag) {
			t.Errorf("%d is not trusted", tag)
		}
	}
	if builtIn.Trusts(lookup.Root, 19036) {
		t.Error("the key of 2010 is trusted")
	}
}

func mustSet(t testing.TB, positive []lookup.RRset, negative []Negative) *Set {
	t.Helper()
	s, err := NewSet(positive, negative, dnssec.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func name(s string) lookup.Name { return lookup.MustName(s) }

func dsOf(zone string, tag int) string {
	return fmt.Sprintf("%s DS %d 13 2 %064x\n", zone, tag, tag)
}

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func TestTheClosestAnchorCounts(t *testing.T) {
	t.Parallel()
	positive := lookup.MustRRsets(dsOf(".", 1) + dsOf("example.", 2) + dsOf("a.bad.example.", 3) + dsOf("both.example.", 4) +
		"old.example. DS 5 3 2 " + strings.Repeat("00", 32) + "\n")
	negative := []Negative{
		{Zone: name("bad.example.")},
		{Zone: name("both.example."), Until: noon.Add(time.Hour)},
		{Zone: name("b.a.bad.example.")},
	}
	s := mustSet(t, positive, negative)
	for _, c := range []struct {
		name string
		now  time.Time
		want string
	}{
		{".", noon, ". 1"},
		{"org.", noon, ". 1"},
		{"www.example.", noon, "example. 2"},
		{"xexample.", noon, ". 1"},
		// RFC 7646 2: an NTA holds for its name and below, and for nothing above it.
		{"bad.example.", noon, "bad.example. negative"},
		{"www.bad.example.", noon, "bad.example. negative"},
		{"notbad.example.", noon, "example. 2"},
		// A positive anchor below it secures anew, and so on.
		{"www.a.bad.example.", noon, "a.bad.example. 3"},
		{"www.b.a.bad.example.", noon, "b.a.bad.example. negative"},
		// RFC 7646 3: at one name the negative one takes precedence, as long as it lasts.
		{"www.both.example.", noon, "both.example. negative"},
		{"www.both.example.", noon.Add(time.Hour - 1), "both.example. negative"},
		{"www.both.example.", noon.Add(time.Hour), "both.example. 4"},
		// One that cannot be checked steps back.
		{"www.old.example.", noon, "example. 2"},
	} {
		if got := closest(s, c.name, c.now); got != c.want {
			t.Errorf("%s at %s: got %s, want %s", c.name, c.now.Format(time.TimeOnly), got, c.want)
		}
	}
	if got := closest(&Set{}, "example.", noon); got != "none" {
		t.Errorf("empty set: got %s", got)
	}
}

func closest(s *Set, of string, now time.Time) string {
	a, ok := s.Closest(name(of), now)
	switch {
	case !ok:
		return "none"
	case a.Negative:
		return a.Zone.String() + " negative"
	}
	out := a.Zone.String()
	for _, ds := range a.DS {
		out += fmt.Sprint(" ", ds.Tag)
	}
	return out
}

// RFC 4035 5.2, RFC 6840 5.2: without an algorithm and digest that can be checked a
// zone is insecure, and whoever runs it is told.
func TestWhatCannotBeCheckedIsWarnedOf(t *testing.T) {
	t.Parallel()
	zeros := strings.Repeat("00", 32)
	for _, c := range []struct {
		name, anchors, closest, warning string
	}{
		{"unknown algorithm", "a. DS 7 208 2 " + zeros, "a. 7", "a.: no trust anchor there can be checked (DS of algorithm"},
		{"unknown digest", "a. DS 7 13 99 0011", "a. 7", "a.: no trust anchor there can be checked (DS of digest type 99)"},
		{"SHA-1 by policy", "a. DS 7 5 2 " + zeros, "a. 7", "a.: no trust anchor there can be checked (DS of algorithm"},
		{"one of two", "a. DS 7 208 2 " + zeros + "\n" + dsOf("a.", 8), "a. 7 8", "a.: the trust anchor with tag 7 cannot be checked"},
		{"both of two", "a. DS 7 208 2 " + zeros + "\na. DS 8 209 2 " + zeros, "a. 7 8", "a.: no trust anchor"},
		{"a key of an unknown algorithm", "a. DNSKEY 257 3 200 AAECAwQ=", "a. 2765", "a.: no trust anchor"},
		{"nothing wrong", dsOf("a.", 8), "a. 8", ""},
	} {
		s := mustSet(t, lookup.MustRRsets(c.anchors), nil)
		if got := closest(s, "www.a.", noon); got != c.closest {
			t.Errorf("%s: got %s, want %s", c.name, got, c.closest)
		}
		if got := strings.Join(s.Warnings(), "\n"); !strings.HasPrefix(got, c.warning) || c.warning == "" && got != "" {
			t.Errorf("%s: warned %q, want %q", c.name, got, c.warning)
		}
	}
	both := mustSet(t, lookup.MustRRsets(dsOf("a.", 8)), []Negative{{Zone: name("a.")}})
	if got := strings.Join(both.Warnings(), "\n"); !strings.Contains(got, "out of force") { // RFC 7646 3
		t.Errorf("warned %q", got)
	}
}

func TestWhatIsMalformedIsAnError(t *testing.T) {
	t.Parallel()
	for want, anchors := range map[string]string{
		"not a DS or DNSKEY":                   "a. NS b.",
		"a digest of 3 octets":                 "a. DS 7 13 2 001122",
		"a digest of 32 octets, and type 4":    "a. DS 7 13 4 " + strings.Repeat("00", 32),
		"not a key of a zone":                  "a. DNSKEY 1 3 13 " + strings.Repeat("A", 86) + "==",
		"the protocol is not 3":                "a. DNSKEY 257 2 13 " + strings.Repeat("A", 86) + "==",
		"a key that its owner has revoked":     strings.Replace(ksk2017, "257", "385", 1),
		"the public key":                       "a. DNSKEY 257 3 8 AAAA",
		"trust anchor a. DNSKEY: the public k": "a. DNSKEY 257 3 15 AAAA",
	} {
		_, err := NewSet(lookup.MustRRsets(anchors), nil, dnssec.Policy{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", anchors, err, want)
		}
	}
	short := []lookup.RRset{{Name: name("a."), Type: lookup.TypeDS, Data: lookup.PackRdata("\x00\x01")}}
	if _, err := NewSet(short, nil, dnssec.Policy{}); err == nil {
		t.Error("two octets are a DS")
	}
	short[0].Type = lookup.TypeDNSKEY
	if _, err := NewSet(short, nil, dnssec.Policy{}); err == nil {
		t.Error("two octets are a DNSKEY")
	}
}

func TestWithoutANegativeAnchor(t *testing.T) {
	t.Parallel()
	s := mustSet(t, lookup.MustRRsets(dsOf(".", 1)), []Negative{{Zone: name("a.")}, {Zone: name("b.")}})
	w := s.Without(name("a."))
	if got := closest(w, "www.a.", noon) + ", " + closest(w, "b.", noon) + ", " + closest(s, "a.", noon); got != ". 1, b. negative, a. negative" {
		t.Errorf("got %s", got)
	}
	if s.Without(name("c.")) != s {
		t.Error("a copy without a need")
	}
}

func TestClosestDoesNotAllocate(t *testing.T) {
	s := mustSet(t, Root(), []Negative{{Zone: name("bad.example."), Until: noon}})
	long := name(strings.Repeat("a.", 100) + "bad.example.")
	if n := testing.AllocsPerRun(100, func() { s.Closest(long, noon) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	q := lookup.Question{Name: name("root-key-sentinel-is-ta-20326.example."), Type: lookup.TypeA, Class: lookup.ClassIN}
	if n := testing.AllocsPerRun(100, func() { s.Denies(q, lookup.Secure) }); n != 0 {
		t.Errorf("%v allocations for a sentinel", n)
	}
}

// slow is Closest without any cleverness: all that enclose a name, the longest first.
func slow(positive []lookup.RRset, negative []Negative, of lookup.Name, now time.Time) string {
	best, labels := "none", -1
	for _, p := range positive {
		if of.IsSubdomainOf(p.Name) && p.Name.Labels() > labels {
			best, labels = p.Name.String(), p.Name.Labels()
		}
	}
	for _, n := range negative {
		if of.IsSubdomainOf(n.Zone) && (n.Until.IsZero() || now.Before(n.Until)) && n.Zone.Labels() >= labels {
			best, labels = n.Zone.String()+" negative", n.Zone.Labels()
		}
	}
	return best
}

func TestClosestAgreesWithASlowOne(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	random := func() string {
		s := ""
		for range rnd.IntN(5) {
			s += string(rune('a'+rnd.IntN(2))) + "."
		}
		if s == "" {
			return "."
		}
		return s
	}
	for range 2000 {
		var positive []lookup.RRset
		var negative []Negative
		for range rnd.IntN(4) {
			positive = append(positive, lookup.MustRRsets(dsOf(random(), rnd.IntN(9)))...)
		}
		for range rnd.IntN(4) {
			n := Negative{Zone: name(random())}
			if rnd.IntN(2) == 0 {
				n.Until = noon.Add(time.Duration(rnd.IntN(3)-1) * time.Hour)
			}
			negative = append(negative, n)
		}
		s, of := mustSet(t, positive, negative), random()
		got := "none"
		if a, ok := s.Closest(name(of), noon); ok {
			if got = a.Zone.String(); a.Negative {
				got += " negative"
			}
		}
		if want := slow(positive, negative, name(of), noon); got != want {
			t.Fatalf("%s in\n%s\ngot %s, want %s", of, s, got, want)
		}
	}
}

func BenchmarkClosest(b *testing.B) {
	s := mustSet(b, Root(), nil)
	n := name("www.example.com.")
	for b.Loop() {
		s.Closest(n, noon)
	}
}
