package dnssec_test

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
)

// FuzzParseKeys: any DNSKEY rdata has the tag that the library gives it, and keys
// from strangers can be used without harm.
func FuzzParseKeys(f *testing.F) {
	for _, seed := range []string{"", "\x01\x01\x03", dnskey(dnssec.RSASHA256, "\x03\x01\x00\x01abc"), dnskey(dnssec.RSASHA512, "\x00\x00\x01\x03"),
		dnskey(dnssec.ECDSAP256SHA256, strings.Repeat("x", 64)), dnskey(dnssec.ED25519, strings.Repeat("x", 32)), dnskey(dnssec.ED448, strings.Repeat("x", 57))} {
		f.Add(seed, strings.Repeat("s", 64))
	}
	f.Fuzz(func(t *testing.T, rdata, octets string) {
		if len(rdata) > 65535 || len(octets) > 65535-64 {
			return
		}
		dnskeys := lookup.RRset{Name: name("example."), Type: lookup.TypeDNSKEY, TTL: 9, Data: lookup.PackRdata(rdata)}
		keys := dnssec.ParseKeys(dnskeys)
		if len(rdata) < 4 {
			if len(keys) != 0 {
				t.Fatal("a key of nothing")
			}
			return
		}
		k := keys[0]
		if rr, err := lookup.UnpackRR(dnskeys.Name, dnskeys.Type, 9, rdata); err == nil {
			if theirs := rr.(*dns.DNSKEY); theirs.Algorithm != dns.RSAMD5 && theirs.PublicKey != "" && theirs.KeyTag() != k.Tag {
				t.Errorf("tag %d, theirs %d", k.Tag, theirs.KeyTag())
			}
		}
		a := lookup.RRset{Name: name("a.example."), Type: lookup.TypeA, TTL: 9, Data: lookup.PackRdata("1234")}
		s := dnssec.Signature{Covered: lookup.TypeA, Algorithm: k.Algorithm, Labels: 2, OriginalTTL: 9, Tag: k.Tag, Signer: name("example."),
			Inception: uint32(inception.Unix()), Expiration: uint32(expiration.Unix()), Octets: octets}
		a.Sigs = lookup.PackRdata(s.Rdata())
		if r := verifier().Verify(a, name("example."), keys); r.Status != dnssec.Bogus {
			t.Errorf("%x verified %x", rdata, octets)
		}
		d, _ := dnssec.DSOf(k, dnssec.SHA256)
		if _, r := verifier().Keys(dnskeys, []dnssec.DS{d}); r.Status == dnssec.Secure {
			t.Error("unsigned keys are secure")
		}
	})
}

// FuzzSignature: RRSIG rdata that is understood is written back as it came, but
// for the signer's letter case; what is not understood verifies nothing.
func FuzzSignature(f *testing.F) {
	s, err := dnssec.GenerateKey(name("example."), dnssec.ED25519, 256)
	if err != nil {
		f.Fatal(err)
	}
	set := lookup.RRset{Name: name("a.example."), Type: lookup.TypeA, TTL: 9, Data: lookup.PackRdata("1234")}
	signed, err := s.Sign(set, inception, expiration)
	if err != nil {
		f.Fatal(err)
	}
	good := signed.Sigs.First()
	f.Add(good)
	f.Add(good[:18])
	f.Add(good[:27])
	f.Add(good[:18] + "\x07EXAMPLE\x00" + good[27:])
	f.Fuzz(func(t *testing.T, rdata string) {
		if len(rdata) > 65535 {
			return
		}
		parsed, ok := dnssec.ParseSignature(rdata)
		if ok && !strings.EqualFold(hex.EncodeToString([]byte(lower(rdata, 18))), hex.EncodeToString([]byte(lower(parsed.Rdata(), 18)))) {
			t.Errorf("%x became %x", rdata, parsed.Rdata())
		}
		set := set
		set.Sigs = lookup.PackRdata(rdata)
		r := verifier().Verify(set, name("example."), []dnssec.Key{s.Key})
		if r.Status == dnssec.Secure && parsed.Rdata() != good {
			t.Errorf("%x verified", rdata)
		}
	})
}

// lower is s with the ASCII letters from at on in lower case.
func lower(s string, at int) string {
	b := []byte(s)
	for i := min(at, len(b)); i < len(b); i++ {
		if b[i] >= 'A' && b[i] <= 'Z' {
			b[i] += 'a' - 'A'
		}
	}
	return string(b)
}

// FuzzDenial: NSEC and NSEC3 of any shape are read without harm, and what they
// prove they prove for a reason: the library reads the same types out of them.
func FuzzDenial(f *testing.F) {
	for _, s := range slices.Concat(rfc4035().nsec(), rfc5155().nsec3(1, "x", true)) {
		f.Add(s.Type == lookup.TypeNSEC3, string(s.Name), s.Data.First())
	}
	f.Fuzz(func(t *testing.T, hashed bool, owner, rdata string) {
		n, used, err := lookup.NameFromWire(owner)
		if err != nil || used != len(owner) || len(rdata) > 65535 {
			return
		}
		set := signedBy(name("example."), lookup.RRset{Name: n, Type: lookup.TypeNSEC, TTL: 9, Data: lookup.PackRdata(rdata)})
		if hashed {
			set.Type = lookup.TypeNSEC3
		}
		d := verifier().Denial(name("example."), []lookup.RRset{set})
		for _, q := range []string{"example.", "a.example.", "x.y.w.example.", "test."} {
			d.NXDOMAIN(name(q))
			d.NoDS(name(q))
			if p := d.NODATA(name(q), lookup.TypeA); p.Status == dnssec.Secure && name(q) == n {
				rr, err := lookup.UnpackRR(n, set.Type, 9, rdata)
				if err != nil {
					t.Fatalf("the library does not understand what proved something: %v", err)
				}
				if nsec, ok := rr.(*dns.NSEC); ok && slices.Contains(nsec.TypeBitMap, dns.TypeA) {
					t.Errorf("%s does not deny A", rr)
				}
			}
			if p := d.Expansion(name(q), name("example.")); p.Status != dnssec.Bogus && q == "test." {
				t.Errorf("%+v", p)
			}
		}
	})
}

// FuzzCanonical: whatever is in an RRset, it can be signed, and it verifies in any
// order and any number of repetitions.
func FuzzCanonical(f *testing.F) {
	s, err := dnssec.GenerateKey(name("example."), dnssec.ED25519, 256)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint16(2), "\x01a\x00", "\x01B\x00")
	f.Add(uint16(35), "\x00\x01\x00\x02\x01u\x00\x00\x01A\x00", "")
	f.Add(uint16(38), "\x40\x01\x02\x03\x04\x05\x06\x07\x08\x01A\x00", "\xff")
	f.Add(uint16(6), "\x01A\x01", "\x3f")
	f.Fuzz(func(t *testing.T, rrtype uint16, a, b string) {
		if len(a)+len(b) > 60000 {
			return
		}
		set := lookup.RRset{Name: name("a.example."), Type: lookup.Type(rrtype), TTL: 9, Data: lookup.PackRdata(a, b)}
		set = sign(t, set, s)
		set.Data = lookup.PackRdata(b, a, b, a)
		if r := verifier().Verify(set, name("example."), []dnssec.Key{s.Key}); r.Status != dnssec.Secure {
			t.Errorf("%+v", r)
		}
	})
}
