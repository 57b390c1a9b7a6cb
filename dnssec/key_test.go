package dnssec_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"strings"
	"testing"

	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
)

const ksk = dnssec.FlagZone | dnssec.FlagSEP

// shortRSA is a signer with a key of that many bits.
func shortRSA(t *testing.T, zone string, bits int, flags uint16) dnssec.Signer {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	s, err := dnssec.NewSigner(name(zone), dnssec.RSASHA256, flags, private)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestKeys(t *testing.T) {
	t.Parallel()
	sep, zsk := key(t, "example.", dnssec.ECDSAP256SHA256, ksk), key(t, "example.", dnssec.ECDSAP256SHA256, dnssec.FlagZone)
	other, ed := key(t, "example.", dnssec.ECDSAP256SHA256, ksk), key(t, "example.", dnssec.ED25519, ksk)
	noZone, revoked := key(t, "example.", dnssec.ED25519, dnssec.FlagSEP), key(t, "example.", dnssec.ED25519, ksk|dnssec.FlagRevoke)
	smallRevoked := shortRSA(t, "example.", 512, ksk|dnssec.FlagRevoke)
	small, smaller := shortRSA(t, "example.", 512, ksk), shortRSA(t, "example.", 768, dnssec.FlagZone)
	sha1 := key(t, "example.", dnssec.RSASHA1, ksk)
	unknown := func(d dnssec.DS) dnssec.DS { d.Algorithm = 200; return d }
	gost := func(d dnssec.DS) dnssec.DS { d.Type = 3; return d }
	wrong := func(d dnssec.DS) dnssec.DS { d.Digest = strings.Repeat("x", len(d.Digest)); return d }
	short := func(d dnssec.DS) dnssec.DS { d.Digest = d.Digest[:8]; return d }
	of := func(s dnssec.Signer) dnssec.DS { return ds(t, s, dnssec.SHA256) }
	type signers = []dnssec.Signer
	for _, c := range []struct {
		what   string
		keys   signers
		signed signers
		ds     []dnssec.DS
		want   dnssec.Status
		code   uint16
		n      int
	}{
		{"a KSK and a ZSK", signers{zsk, sep}, signers{sep}, []dnssec.DS{of(sep)}, dnssec.Secure, 0, 2},
		{"one key for all", signers{zsk}, signers{zsk}, []dnssec.DS{of(zsk)}, dnssec.Secure, 0, 1},
		{"signed by the other key only", signers{zsk, sep}, signers{zsk}, []dnssec.DS{of(sep)}, dnssec.Bogus, lookup.EDEDNSKEYMissing, 0},
		{"SHA-384", signers{sep}, signers{sep}, []dnssec.DS{ds(t, sep, dnssec.SHA384)}, dnssec.Secure, 0, 1},
		{"SHA-1 digest alone", signers{sep}, signers{sep}, []dnssec.DS{ds(t, sep, dnssec.SHA1)}, dnssec.Secure, 0, 1},
		{"RFC 4509 3: SHA-1 beside SHA-256 is ignored", signers{sep}, signers{sep}, []dnssec.DS{ds(t, sep, dnssec.SHA1), wrong(of(sep))}, dnssec.Bogus, lookup.EDEDNSKEYMissing, 0},
		{"a DS of a key to come", signers{sep}, signers{sep}, []dnssec.DS{of(other), of(sep)}, dnssec.Secure, 0, 1},
		{"two algorithms, one of them unknown", signers{sep}, signers{sep}, []dnssec.DS{unknown(of(sep)), of(sep)}, dnssec.Secure, 0, 1},
		{"RFC 6840 5.11: one algorithm is enough", signers{sep, ed}, signers{ed}, []dnssec.DS{of(sep), of(ed)}, dnssec.Secure, 0, 2},
		{"no DS at all", signers{sep}, signers{sep}, nil, dnssec.Bogus, lookup.EDEDNSKEYMissing, 0},
		{"no key", nil, nil, []dnssec.DS{of(sep)}, dnssec.Bogus, lookup.EDEDNSKEYMissing, 0},
		{"not signed", signers{sep}, nil, []dnssec.DS{of(sep)}, dnssec.Bogus, lookup.EDERRSIGsMissing, 0},
		{"wrong digest", signers{sep}, signers{sep}, []dnssec.DS{wrong(of(sep))}, dnssec.Bogus, lookup.EDEDNSKEYMissing, 0},
		{"digest cut short", signers{sep}, signers{sep}, []dnssec.DS{short(of(sep))}, dnssec.Bogus, lookup.EDEDNSKEYMissing, 0},
		{"another key", signers{other}, signers{other}, []dnssec.DS{of(sep)}, dnssec.Bogus, lookup.EDEDNSKEYMissing, 0},
		{"unknown algorithm", signers{sep}, signers{sep}, []dnssec.DS{unknown(of(sep))}, dnssec.Insecure, lookup.EDEUnsupportedAlgorithm, 0},
		{"unknown digest", signers{sep}, signers{sep}, []dnssec.DS{gost(of(sep))}, dnssec.Insecure, lookup.EDEUnsupportedDigest, 0},
		{"nothing known, and no key either", nil, nil, []dnssec.DS{gost(of(sep)), unknown(of(sep))}, dnssec.Insecure, lookup.EDEUnsupportedAlgorithm, 0},
		{"RFC 9905: RSA/SHA-1", signers{sha1}, signers{sha1}, []dnssec.DS{of(sha1)}, dnssec.Insecure, lookup.EDEUnsupportedAlgorithm, 0},
		{"not a zone key", signers{noZone}, signers{noZone}, []dnssec.DS{of(noZone)}, dnssec.Bogus, lookup.EDENoZoneKey, 0},
		{"revoked", signers{revoked}, signers{revoked}, []dnssec.DS{of(revoked)}, dnssec.Bogus, lookup.EDEDNSKEYMissing, 0},
		{"a revoked key beside", signers{revoked, sep}, signers{revoked, sep}, []dnssec.DS{of(sep)}, dnssec.Secure, 0, 1},
		{"RSA of 512 bits", signers{small}, signers{small}, []dnssec.DS{of(small)}, dnssec.Insecure, lookup.EDEUnsupportedAlgorithm, 0},
		{"a revoked one of 512 bits", signers{smallRevoked}, signers{smallRevoked}, []dnssec.DS{of(smallRevoked)}, dnssec.Bogus, lookup.EDEDNSKEYMissing, 0},
		{"RSA of 512 bits in place of what another DS names", signers{small}, signers{small}, []dnssec.DS{of(small), of(sep)}, dnssec.Bogus, lookup.EDEDNSKEYMissing, 0},
		{"a good KSK and a ZSK of 768 bits", signers{sep, smaller}, signers{sep}, []dnssec.DS{of(sep)}, dnssec.Insecure, lookup.EDEUnsupportedAlgorithm, 0},
		{"a good KSK, a good ZSK and one of 768 bits", signers{sep, smaller, zsk}, signers{sep}, []dnssec.DS{of(sep)}, dnssec.Secure, 0, 3},
	} {
		dnskey := sign(t, func() lookup.RRset {
			set := dnssec.DNSKEY(300, c.keys...)
			set.Name = name("example.")
			if set.Data == "" { // sign needs something
				set.Data = lookup.PackRdata("")
			}
			return set
		}(), c.signed...)
		if len(c.keys) == 0 {
			dnskey.Data = ""
		}
		keys, r := verifier().Keys(dnskey, c.ds)
		if r.Status != c.want || r.EDE.Code != c.code || len(keys) != c.n {
			t.Errorf("%s: %d keys, %+v, want %s, EDE %d", c.what, len(keys), r, c.want, c.code)
		}
		if (r.EDE.Text == "") != (c.want == dnssec.Secure) {
			t.Errorf("%s: says %q", c.what, r.EDE.Text)
		}
	}
}

// What a policy lets through that production does not.
func TestPolicies(t *testing.T) {
	t.Parallel()
	sha1, small := key(t, "example.", dnssec.RSASHA1NSEC3, ksk), shortRSA(t, "example.", 512, ksk)
	for _, c := range []struct {
		signer dnssec.Signer
		policy dnssec.Policy
		want   dnssec.Status
	}{
		{sha1, dnssec.Policy{}, dnssec.Insecure},
		{sha1, dnssec.Policy{SHA1: true}, dnssec.Secure},
		{small, dnssec.Policy{}, dnssec.Insecure},
		{small, dnssec.Policy{MinRSA: 513}, dnssec.Insecure},
		{small, dnssec.Policy{MinRSA: 512}, dnssec.Secure},
	} {
		v := verifier()
		v.Policy = c.policy
		if _, r := v.Keys(sign(t, dnssec.DNSKEY(9, c.signer), c.signer), []dnssec.DS{ds(t, c.signer, dnssec.SHA256)}); r.Status != c.want {
			t.Errorf("%s, %+v: %+v", c.signer.Key.Algorithm, c.policy, r)
		}
	}
}

func TestTooManyKeysAreBogus(t *testing.T) {
	t.Parallel()
	s := key(t, "example.", dnssec.ED25519, ksk)
	set := dnssec.DNSKEY(9, s)
	for i := range dnssec.MaxKeys {
		set.Data += lookup.PackRdata("\x01\x00\x03\x0f" + strings.Repeat(string(rune(i)), 32))
	}
	_, r := verifier().Keys(sign(t, set, s), []dnssec.DS{ds(t, s, dnssec.SHA256)})
	if r.Status != dnssec.Bogus || !strings.Contains(r.EDE.Text, "more than 32") {
		t.Errorf("%+v", r)
	}
	if n := len(dnssec.ParseKeys(set)); n != dnssec.MaxKeys {
		t.Errorf("%d keys", n)
	}
}

// RFC 5011 2.1: a key is revoked when the bit is set and the key itself says so.
func TestRevoked(t *testing.T) {
	t.Parallel()
	sep, gone := key(t, "example.", dnssec.ED25519, ksk), key(t, "example.", dnssec.ED25519, ksk|dnssec.FlagRevoke)
	set := dnssec.DNSKEY(9, sep, gone)
	if r := verifier().Revoked(sign(t, set, sep)); len(r) != 0 {
		t.Errorf("without its signature: %d", len(r))
	}
	if r := verifier().Revoked(sign(t, set, sep, gone)); len(r) != 1 || r[0].Tag != gone.Key.Tag {
		t.Errorf("with it: %d", len(r))
	}
	if r := verifier().Revoked(sign(t, dnssec.DNSKEY(9, sep), sep)); len(r) != 0 {
		t.Errorf("without the bit: %d", len(r))
	}
}

// rdata of a DNSKEY 256 3 with that public key.
func dnskey(a dnssec.Algorithm, public string) string {
	return string([]byte{1, 0, 3, byte(a)}) + public
}

// Rows 32 and CVE-2025-8677: keys that nobody can use, or that cost too much.
func TestFaultyKeys(t *testing.T) {
	t.Parallel()
	modulus := func(octets int) string { return "\xc1" + strings.Repeat("\x55", octets-1) }
	for _, c := range []struct {
		what, rdata, fault string
	}{
		{"good RSA", dnskey(dnssec.RSASHA256, "\x03\x01\x00\x01"+modulus(128)), ""},
		{"good RSA, 4096 bits", dnskey(dnssec.RSASHA256, "\x03\x01\x00\x01"+modulus(512)), ""},
		{"good RSA, long form", dnskey(dnssec.RSASHA256, "\x00\x00\x03\x01\x00\x01"+modulus(128)), ""},
		{"good RSA, exponent 3", dnskey(dnssec.RSASHA512, "\x01\x03"+modulus(128)), ""},
		{"more than 4096 bits", dnskey(dnssec.RSASHA256, "\x03\x01\x00\x01"+modulus(513)), "modulus of 513"},
		{"exponent beyond 2^32", dnskey(dnssec.RSASHA256, "\x05\x01\x00\x00\x00\x01"+modulus(128)), "31 bits"},
		{"exponent of 32 bits", dnskey(dnssec.RSASHA256, "\x04\xff\xff\xff\xff"+modulus(128)), "31 bits"},
		{"exponent of 2000 octets", dnskey(dnssec.RSASHA256, "\x00\x07\xd0"+strings.Repeat("\xff", 2000)+modulus(128)), "31 bits"},
		{"even exponent", dnskey(dnssec.RSASHA256, "\x01\x04"+modulus(128)), "even"},
		{"exponent 1", dnskey(dnssec.RSASHA256, "\x01\x01"+modulus(128)), "exponent 1"},
		{"even modulus", dnskey(dnssec.RSASHA256, "\x01\x03"+strings.Repeat("\x54", 128)), "even"},
		{"no modulus", dnskey(dnssec.RSASHA256, "\x03\x01\x00\x01"), "without"},
		{"exponent of no octets", dnskey(dnssec.RSASHA256, "\x00\x00\x00"+modulus(128)), "without"},
		{"exponent longer than all", dnskey(dnssec.RSASHA256, "\xff\x01\x00\x01"), "without"},
		{"nearly nothing", dnskey(dnssec.RSASHA256, "\x03"), "too short"},
		{"nothing", dnskey(dnssec.RSASHA1, ""), "too short"},
		{"P-256 not on the curve", dnskey(dnssec.ECDSAP256SHA256, strings.Repeat("\x01", 64)), "no point"},
		{"P-256 at infinity", dnskey(dnssec.ECDSAP256SHA256, strings.Repeat("\x00", 64)), "no point"},
		{"P-256 too short", dnskey(dnssec.ECDSAP256SHA256, strings.Repeat("\x01", 63)), "no point"},
		{"P-384 too long", dnskey(dnssec.ECDSAP384SHA384, strings.Repeat("\x01", 97)), "no point"},
		{"Ed25519 too short", dnskey(dnssec.ED25519, strings.Repeat("\x01", 31)), "31 octets"},
		{"Ed448 too long", dnskey(dnssec.ED448, strings.Repeat("\x01", 58)), "58 octets"},
		{"unknown algorithm", dnskey(200, ""), ""},
	} {
		keys := dnssec.ParseKeys(lookup.RRset{Name: name("example."), Type: lookup.TypeDNSKEY, Data: lookup.PackRdata("", "\x01\x00\x03", c.rdata)})
		if len(keys) != 1 {
			t.Errorf("%s: %d keys", c.what, len(keys))
			continue
		}
		if f := keys[0].Fault(); (f == "") != (c.fault == "") || !strings.Contains(f, c.fault) {
			t.Errorf("%s: %q, want %q", c.what, f, c.fault)
		}
	}
}

// A protocol other than 3 makes a key none (RFC 4034 2.1.2).
func TestProtocol(t *testing.T) {
	t.Parallel()
	s := key(t, "example.", dnssec.ED25519, ksk)
	rdata := s.Key.Rdata[:2] + "\x02" + s.Key.Rdata[3:]
	set := lookup.RRset{Name: name("example."), Type: lookup.TypeDNSKEY, TTL: 9, Data: lookup.PackRdata(rdata)}
	k := dnssec.ParseKeys(set)[0]
	fields := s.Fields(set, inception, expiration)
	fields.Tag = k.Tag
	sig, err := s.SignAs(set, fields)
	if err != nil {
		t.Fatal(err)
	}
	set.Sigs = lookup.PackRdata(sig)
	d, _ := dnssec.DSOf(k, dnssec.SHA256)
	if _, r := verifier().Keys(set, []dnssec.DS{d}); r.Status != dnssec.Bogus || r.EDE.Code != lookup.EDENoZoneKey {
		t.Errorf("%+v", r)
	}
}

func TestUsable(t *testing.T) {
	t.Parallel()
	set := one(t, `example. 9 IN DS 1 13 1 `+strings.Repeat("ab", 20)+`
		example. 9 IN DS 2 13 2 `+strings.Repeat("ab", 32)+`
		example. 9 IN DS 3 8 4 `+strings.Repeat("ab", 48)+`
		example. 9 IN DS 4 5 2 `+strings.Repeat("ab", 32)+`
		example. 9 IN DS 5 13 3 `+strings.Repeat("ab", 32))
	set.Data += lookup.PackRdata("\x00\x01\x0d")
	all := dnssec.ParseDS(set)
	usable, why := dnssec.Policy{}.Usable(all)
	if len(all) != 5 || len(usable) != 2 || usable[0].Tag != 2 || usable[1].Tag != 3 || why.Code != 0 {
		t.Errorf("%d, %v, %v", len(all), usable, why)
	}
	var many []dnssec.DS
	for range 70 {
		many = append(many, usable[0])
		set.Data += lookup.PackRdata(usable[0].Rdata())
	}
	if usable, _ := (dnssec.Policy{}).Usable(many); len(usable) != dnssec.MaxDS {
		t.Errorf("%d of 70 DS are used", len(usable))
	}
	if n := len(dnssec.ParseDS(set)); n != 64 {
		t.Errorf("%d of 75 DS are read", n)
	}
}

func TestSignersThatDoNotFit(t *testing.T) {
	t.Parallel()
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		a       dnssec.Algorithm
		private crypto.Signer
	}{{dnssec.ECDSAP256SHA256, p384}, {dnssec.RSASHA256, p384}, {dnssec.ED25519, p384}, {200, p384}} {
		if _, err := dnssec.NewSigner(name("example."), c.a, 256, c.private); err == nil {
			t.Errorf("%s took a P-384 key", c.a)
		}
	}
	if _, err := dnssec.GenerateKey(name("example."), 3, 256); !errors.Is(err, errors.ErrUnsupported) {
		t.Error(err)
	}
	s := key(t, "example.", dnssec.ED25519, 256)
	if _, err := s.Sign(one(t, "a.notexample. 9 IN A 192.0.2.1"), inception, expiration); err == nil {
		t.Error("signed another zone's data")
	}
}
