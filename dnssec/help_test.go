// 512-bit keys of RFC 5702 6 are used to check the arithmetic.
//
//go:debug rsa1024min=0

package dnssec_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
)

// When the tests take place, and the validity of what they sign.
var (
	now        = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	inception  = now.Add(-10 * 24 * time.Hour)
	expiration = now.Add(20 * 24 * time.Hour)
)

func name(s string) lookup.Name { return lookup.MustName(s) }

// rrsets are those of text, in which lines may be indented.
func rrsets(t testing.TB, text string) []lookup.RRset {
	t.Helper()
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	sets, err := lookup.ParseRRsets(strings.Join(lines, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	return sets
}

// one is the only RRset of text.
func one(t testing.TB, text string) lookup.RRset {
	t.Helper()
	sets := rrsets(t, text)
	if len(sets) != 1 {
		t.Fatalf("%d RRsets", len(sets))
	}
	return sets[0]
}

func verifier() *dnssec.Verifier {
	return &dnssec.Verifier{Now: now, Budget: lookup.NewBudget(lookup.Limits{})}
}

func key(t testing.TB, zone string, a dnssec.Algorithm, flags uint16) dnssec.Signer {
	t.Helper()
	s, err := dnssec.GenerateKey(name(zone), a, flags)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// sign is set signed by all signers.
func sign(t testing.TB, set lookup.RRset, signers ...dnssec.Signer) lookup.RRset {
	t.Helper()
	for _, s := range signers {
		var err error
		if set, err = s.Sign(set, inception, expiration); err != nil {
			t.Fatal(err)
		}
	}
	return set
}

// ds names a signer's key.
func ds(t testing.TB, s dnssec.Signer, digest dnssec.DigestType) dnssec.DS {
	t.Helper()
	d, ok := dnssec.DSOf(s.Key, digest)
	if !ok {
		t.Fatalf("digest %d", digest)
	}
	return d
}
