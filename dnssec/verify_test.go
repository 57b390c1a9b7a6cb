package dnssec_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
)

func all() []dnssec.Algorithm {
	return []dnssec.Algorithm{dnssec.RSASHA256, dnssec.RSASHA512, dnssec.ECDSAP256SHA256, dnssec.ECDSAP384SHA384, dnssec.ED25519, dnssec.ED448}
}

func TestWhatIsSignedVerifies(t *testing.T) {
	t.Parallel()
	sets := rrsets(t, `
		example. 300 IN SOA NS1.example. Admin.Example. 1 2 3 4 5
		example. 300 IN NS b.example.
		example. 300 IN NS A.example.
		a.example. 300 IN A 192.0.2.2
		a.example. 300 IN A 192.0.2.1
		*.w.example. 300 IN TXT "x" "y"
		mx.example. 300 IN MX 10 MX.example.
		srv.example. 300 IN SRV 1 2 3 Host.Example.
		naptr.example. 300 IN NAPTR 1 2 "U" "X" "!a!B!" Repl.Example.
		dname.example. 300 IN DNAME Other.Example.
		https.example. 300 IN HTTPS 1 Svc.Example. alpn=h2
		caa.example. 300 IN CAA 0 issue "CA.example"
		a.example. 300 IN TYPE65400 \# 3 616263`)
	for _, a := range all() {
		s := key(t, "example.", a, dnssec.FlagZone)
		keys := dnssec.ParseKeys(dnssec.DNSKEY(300, s))
		for _, set := range sets {
			signed := sign(t, set, s)
			r := verifier().Verify(signed, name("example."), keys)
			if r.Status != dnssec.Secure || r.TTL != 300 || r.Tag != s.Key.Tag || !r.Expires.Equal(expiration) || r.Encloser != "" {
				t.Errorf("%s %s %s: %+v", a, set.Name, set.Type, r)
			}
		}
	}
}

// RFC 4034 6: neither order nor repetition nor letter case matters, except where
// RFC 6840 5.1 says so.
func TestCanonicalForm(t *testing.T) {
	t.Parallel()
	s := key(t, "example.", dnssec.ED25519, dnssec.FlagZone)
	for _, c := range []struct {
		signed, seen string
		want         dnssec.Status
	}{
		{"a.example. 9 IN A 192.0.2.1\na.example. 9 IN A 192.0.2.2", "A.EXAMPLE. 9 IN A 192.0.2.2\na.example. 9 IN A 192.0.2.1", dnssec.Secure},
		{"a.example. 9 IN A 192.0.2.1", "a.example. 9 IN A 192.0.2.1\na.example. 9 IN A 192.0.2.1", dnssec.Secure},
		{"a.example. 9 IN A 192.0.2.1", "a.example. 9 IN A 192.0.2.1\na.example. 9 IN A 192.0.2.2", dnssec.Bogus},
		{"a.example. 9 IN MX 1 mx.example.", "a.example. 9 IN MX 1 Mx.Example.", dnssec.Secure},
		{"a.example. 9 IN SOA n.example. r.example. 1 2 3 4 5", "a.example. 9 IN SOA N.example. R.Example. 1 2 3 4 5", dnssec.Secure},
		{"a.example. 9 IN SRV 1 2 3 h.example.", "a.example. 9 IN SRV 1 2 3 H.example.", dnssec.Secure},
		{`a.example. 9 IN NAPTR 1 2 "U" "X" "!a!B!" r.example.`, `a.example. 9 IN NAPTR 1 2 "U" "X" "!a!B!" R.example.`, dnssec.Secure},
		{`a.example. 9 IN NAPTR 1 2 "U" "X" "!a!B!" r.example.`, `a.example. 9 IN NAPTR 1 2 "u" "X" "!a!B!" r.example.`, dnssec.Bogus},
		{"a.example. 9 IN PX 1 a.example. b.example.", "a.example. 9 IN PX 1 A.example. B.example.", dnssec.Secure},
		{"a.example. 9 IN RP a.example. b.example.", "a.example. 9 IN RP A.example. B.example.", dnssec.Secure},
		{"a.example. 9 IN NSEC b.example. A", "a.example. 9 IN NSEC B.example. A", dnssec.Bogus},
		{"a.example. 9 IN SVCB 1 b.example.", "a.example. 9 IN SVCB 1 B.example.", dnssec.Bogus},
		{`a.example. 9 IN TXT "a"`, `a.example. 9 IN TXT "A"`, dnssec.Bogus},
		{"a.example. 9 IN TYPE65400 \\# 2 0161", "a.example. 9 IN TYPE65400 \\# 2 0141", dnssec.Bogus},
		{"*.example. 9 IN A 192.0.2.1", "*.example. 9 IN A 192.0.2.1", dnssec.Secure},
		{"a.example. 9 IN TYPE38 \\# 4 80016100", "a.example. 9 IN TYPE38 \\# 4 80014100", dnssec.Secure}, // A6
	} {
		signed, seen := sign(t, one(t, c.signed), s), one(t, c.seen)
		seen.Sigs = signed.Sigs
		if r := verifier().Verify(seen, name("example."), []dnssec.Key{s.Key}); r.Status != c.want {
			t.Errorf("%s\nseen as %s: %s, want %s", c.signed, c.seen, r.Status, c.want)
		}
	}
}

func TestWildcardExpansion(t *testing.T) {
	t.Parallel()
	s := key(t, "example.", dnssec.ED25519, dnssec.FlagZone)
	wild := sign(t, one(t, "*.w.example. 9 IN A 192.0.2.1"), s)
	for owner, encloser := range map[string]string{
		"*.w.example.": "", "a.w.example.": "w.example.", "b.a.w.example.": "w.example.", "*.a.w.example.": "w.example.",
	} {
		set := wild
		set.Name = name(owner)
		r := verifier().Verify(set, name("example."), []dnssec.Key{s.Key})
		if want := encloser; r.Status != dnssec.Secure || (r.Encloser == "") != (want == "") || want != "" && r.Encloser != name(want) {
			t.Errorf("%s: %+v", owner, r)
		}
	}
	for _, owner := range []string{"w.example.", "a.example.", "aw.example."} {
		set := wild
		set.Name = name(owner)
		if r := verifier().Verify(set, name("example."), []dnssec.Key{s.Key}); r.Status != dnssec.Bogus {
			t.Errorf("%s: %+v", owner, r)
		}
	}
}

// What a signature may lie about. Rows are those of the catalogue of attacks.
func TestHostileSignatures(t *testing.T) {
	t.Parallel()
	s := key(t, "evil.example.", dnssec.ED25519, dnssec.FlagZone)
	set := one(t, "www.evil.example. 9 IN A 192.0.2.1")
	noZone := key(t, "evil.example.", dnssec.ED25519, 0)
	revoked := key(t, "evil.example.", dnssec.ED25519, dnssec.FlagZone|dnssec.FlagRevoke)
	for _, c := range []struct {
		what   string
		signer dnssec.Signer
		owner  string
		change func(*dnssec.Signature)
		code   uint16
		text   string
	}{
		{"row 38: fewer labels than the signer has, a wildcard of the parent", s, "www.victim.example.",
			func(f *dnssec.Signature) { f.Labels = 1 }, lookup.EDEBogus, "does not enclose"},
		{"row 38: fewer labels than the signer has, below the signer", s, "", func(f *dnssec.Signature) { f.Labels = 1 }, lookup.EDEBogus, "fewer labels"},
		{"row 38: no labels at all", s, "", func(f *dnssec.Signature) { f.Labels = 0 }, lookup.EDEBogus, "fewer labels"},
		{"more labels than the owner", s, "", func(f *dnssec.Signature) { f.Labels = 4 }, lookup.EDEBogus, "more labels"},
		{"the * counts as a label", s, "*.evil.example.", func(f *dnssec.Signature) { f.Labels = 3 }, lookup.EDEBogus, "more labels"},
		{"row 38: signer is a suffix by octets only", s, "www.notevil.example.", nil, lookup.EDEBogus, "does not enclose"},
		{"signer is the parent", s, "", func(f *dnssec.Signature) { f.Signer = name("example.") }, lookup.EDEBogus, "signed by example."},
		{"signer is the owner", s, "", func(f *dnssec.Signature) { f.Signer = name("www.evil.example.") }, lookup.EDEBogus, "signed by www.evil"},
		{"covers another type", s, "", func(f *dnssec.Signature) { f.Covered = lookup.TypeAAAA }, lookup.EDEBogus, "covers another type"},
		{"another tag", s, "", func(f *dnssec.Signature) { f.Tag++ }, lookup.EDEDNSKEYMissing, "has tag"},
		{"another algorithm", s, "", func(f *dnssec.Signature) { f.Algorithm = dnssec.ED448 }, lookup.EDEDNSKEYMissing, "ED448"},
		{"unsupported algorithm", s, "", func(f *dnssec.Signature) { f.Algorithm = 3 }, lookup.EDEUnsupportedAlgorithm, "algorithm 3"},
		{"SHA-1 is not asked for", s, "", func(f *dnssec.Signature) { f.Algorithm = dnssec.RSASHA1 }, lookup.EDEUnsupportedAlgorithm, "RSASHA1"},
		{"key without the ZONE bit", noZone, "", nil, lookup.EDEDNSKEYMissing, "no DNSKEY"},
		{"revoked key", revoked, "", nil, lookup.EDEDNSKEYMissing, "no DNSKEY"},
		{"expired", s, "", func(f *dnssec.Signature) { f.Expiration = uint32(now.Unix()) - 3*86400 }, lookup.EDESignatureExpired, "2026-07-29"},
		{"not yet valid", s, "", func(f *dnssec.Signature) { f.Inception = uint32(now.Unix()) + 3*86400 }, lookup.EDESignatureNotYetValid, "2026-08-04"},
		{"expired before it was valid", s, "", func(f *dnssec.Signature) { f.Inception = f.Expiration + 1 }, lookup.EDESignatureExpiredEarlier, "inception"},
	} {
		signed := set
		if c.owner != "" {
			signed.Name = name(c.owner)
		}
		fields := c.signer.Fields(signed, inception, expiration)
		if c.change != nil {
			c.change(&fields)
		}
		rdata, err := c.signer.SignAs(signed, fields)
		if err != nil {
			t.Fatal(err)
		}
		signed.Sigs = lookup.PackRdata(rdata)
		r := verifier().Verify(signed, name("evil.example."), []dnssec.Key{c.signer.Key})
		if r.Status != dnssec.Bogus || r.EDE.Code != c.code || !strings.Contains(r.EDE.Text, c.text) {
			t.Errorf("%s: %+v, want EDE %d %s", c.what, r, c.code, c.text)
		}
	}
}

func TestMalformedSignatures(t *testing.T) {
	t.Parallel()
	s := key(t, "example.", dnssec.ED25519, dnssec.FlagZone)
	set := sign(t, one(t, "a.example. 9 IN A 192.0.2.1"), s)
	good := set.Sigs.First()
	empty, _ := dnssec.ParseSignature(good)
	empty.Octets = ""
	for what, c := range map[string]struct {
		sigs lookup.Rdata
		code uint16
		want dnssec.Status
	}{
		"none":                {"", lookup.EDERRSIGsMissing, dnssec.Bogus},
		"no signature in it":  {lookup.PackRdata(empty.Rdata()), lookup.EDEBogus, dnssec.Bogus},
		"cut short":           {lookup.PackRdata(good[:20]), lookup.EDEBogus, dnssec.Bogus},
		"nothing in it":       {lookup.PackRdata(""), lookup.EDEBogus, dnssec.Bogus},
		"an octet less":       {lookup.PackRdata(good[:len(good)-1]), lookup.EDEBogus, dnssec.Bogus},
		"an octet more":       {lookup.PackRdata(good + "\x00"), lookup.EDEBogus, dnssec.Bogus},
		"signer is a pointer": {lookup.PackRdata(good[:18] + "\xc0\x0c" + good[27:]), lookup.EDEBogus, dnssec.Bogus},
		"good after bad":      {lookup.PackRdata("", good[:20], empty.Rdata(), good+"\x00", good), 0, dnssec.Secure},
	} {
		set.Sigs = c.sigs
		if r := verifier().Verify(set, name("example."), []dnssec.Key{s.Key}); r.Status != c.want || r.EDE.Code != c.code {
			t.Errorf("%s: %+v", what, r)
		}
	}
	// Only the parent speaks about a zone's DS (RFC 4035 2.4).
	own := sign(t, one(t, "example. 9 IN DS 1 15 2 "+strings.Repeat("ab", 32)), s)
	if r := verifier().Verify(own, name("example."), []dnssec.Key{s.Key}); r.Status != dnssec.Bogus {
		t.Errorf("a zone's own DS: %+v", r)
	}
}

// RFC 6605 4: r and s have one length, and no other spelling is a signature.
func TestECDSAHasOneForm(t *testing.T) {
	t.Parallel()
	s := key(t, "example.", dnssec.ECDSAP256SHA256, dnssec.FlagZone)
	set := sign(t, one(t, "a.example. 9 IN A 192.0.2.1"), s)
	f, _ := dnssec.ParseSignature(set.Sigs.First())
	good := f.Octets
	for what, octets := range map[string]string{
		"zeros in front": "\x00" + good[:32] + "\x00" + good[32:], "r alone": good[:32], "zero": strings.Repeat("\x00", 64),
		"one octet": "\x00", "long": good + good, "s and r": good[32:] + good[:32],
	} {
		f.Octets = octets
		set.Sigs = lookup.PackRdata(f.Rdata())
		if r := verifier().Verify(set, name("example."), []dnssec.Key{s.Key}); r.Status != dnssec.Bogus {
			t.Errorf("%s: %+v", what, r)
		}
	}
}

func TestSignerOf(t *testing.T) {
	t.Parallel()
	sets := rrsets(t, `www.example. 9 IN A 192.0.2.1
		www.example. 9 IN RRSIG AAAA 13 2 9 20300101000000 20200101000000 1 example. AAAA
		www.example. 9 IN RRSIG A 13 2 9 20300101000000 20200101000000 1 ample. AAAA
		www.example. 9 IN RRSIG A 13 2 9 20300101000000 20200101000000 1 Example. AAAA
		www.example. 9 IN RRSIG A 13 2 9 20300101000000 20200101000000 1 . AAAA`)
	set := sets[0]
	set.Sigs = sets[1].Data + set.Sigs
	if zone, ok := dnssec.SignerOf(set); !ok || zone != name("example.") {
		t.Errorf("%s %t", zone, ok)
	}
	set.Sigs = ""
	if zone, ok := dnssec.SignerOf(set); ok {
		t.Errorf("%s", zone)
	}
}

// RFC 4035 5.3.3: neither the TTL on the way nor the signer's clock makes data live
// longer than was signed.
func TestTTL(t *testing.T) {
	t.Parallel()
	s := key(t, "example.", dnssec.ED25519, dnssec.FlagZone)
	for _, c := range []struct {
		what     string
		ttl, was uint32
		until    time.Duration
		skew     time.Duration
		want     uint32
	}{
		{"as signed", 300, 300, 24 * time.Hour, 0, 300},
		{"aged", 200, 300, 24 * time.Hour, 0, 200},
		{"larger than signed", 400, 300, 24 * time.Hour, 0, 300},
		{"larger than what is left", 300, 300, 100 * time.Second, 0, 100},
		{"the last second", 300, 300, 0, -1, 0},
		{"within the tolerance", 7200, 7200, -time.Minute, time.Hour, 3540},
	} {
		set := one(t, "a.example. 300 IN A 192.0.2.1").WithTTL(c.was)
		signed, err := s.Sign(set, now.Add(-time.Hour), now.Add(c.until))
		if err != nil {
			t.Fatal(err)
		}
		v := verifier()
		v.Policy.Skew = c.skew
		if r := v.Verify(signed.WithTTL(c.ttl), name("example."), []dnssec.Key{s.Key}); r.Status != dnssec.Secure || r.TTL != c.want {
			t.Errorf("%s: %+v, want %d s", c.what, r, c.want)
		}
	}
}

// The dates count in serial arithmetic (RFC 4034 3.1.5): 2106 is near.
func TestDatesWrapAround(t *testing.T) {
	t.Parallel()
	s := key(t, "example.", dnssec.ED25519, dnssec.FlagZone)
	wrap := time.Unix(1<<32, 0)
	for _, c := range []struct {
		from, to, at time.Time
		skew         time.Duration
		want         uint16
	}{
		{wrap.Add(-time.Hour), wrap.Add(time.Hour), wrap, -1, 0},
		{wrap.Add(-time.Hour), wrap.Add(time.Hour), wrap.Add(-time.Minute), -1, 0},
		{wrap.Add(-time.Hour), wrap.Add(time.Hour), wrap.Add(time.Minute), -1, 0},
		{wrap.Add(-time.Hour), wrap.Add(time.Hour), wrap.Add(2 * time.Hour), -1, lookup.EDESignatureExpired},
		{wrap.Add(-time.Hour), wrap.Add(time.Hour), wrap.Add(-2 * time.Hour), -1, lookup.EDESignatureNotYetValid},
		// The tolerance: a tenth of the lifetime, an hour at least and a day at most.
		{now, now.Add(2 * time.Hour), now.Add(3 * time.Hour), 0, 0},
		{now, now.Add(2 * time.Hour), now.Add(3*time.Hour + time.Second), 0, lookup.EDESignatureExpired},
		{now, now.Add(100 * time.Hour), now.Add(110 * time.Hour), 0, 0},
		{now, now.Add(100 * time.Hour), now.Add(110*time.Hour + time.Second), 0, lookup.EDESignatureExpired},
		{now, now.Add(1000 * time.Hour), now.Add(-24 * time.Hour), 0, 0},
		{now, now.Add(1000 * time.Hour), now.Add(-24*time.Hour - time.Second), 0, lookup.EDESignatureNotYetValid},
		{now, now.Add(2 * time.Hour), now.Add(2*time.Hour + time.Second), -1, lookup.EDESignatureExpired},
		{now, now.Add(2 * time.Hour), now.Add(2*time.Hour + 5*time.Second), 5 * time.Second, 0},
	} {
		signed, err := s.Sign(one(t, "a.example. 300 IN A 192.0.2.1"), c.from, c.to)
		if err != nil {
			t.Fatal(err)
		}
		v := verifier()
		v.Now, v.Policy.Skew = c.at, c.skew
		if r := v.Verify(signed, name("example."), []dnssec.Key{s.Key}); r.EDE.Code != c.want {
			t.Errorf("valid %s to %s, now %s: %+v, want EDE %d", c.from, c.to, c.at, r, c.want)
		}
		v.Policy.AnyTime = true
		if r := v.Verify(signed, name("example."), []dnssec.Key{s.Key}); r.Status != dnssec.Secure || r.TTL != 300 || !r.Expires.IsZero() {
			t.Errorf("at any time: %+v", r)
		}
	}
}

// The reason that came closest to success is told, whatever the order.
func TestTheBestReasonIsTold(t *testing.T) {
	t.Parallel()
	s, stranger := key(t, "example.", dnssec.ED25519, dnssec.FlagZone), key(t, "example.", dnssec.ED25519, dnssec.FlagZone)
	set := one(t, "a.example. 9 IN A 192.0.2.1")
	expired, err := s.Sign(set, inception, now.Add(-5*24*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	unknown := sign(t, set, stranger)
	for _, sigs := range []lookup.Rdata{expired.Sigs + unknown.Sigs, unknown.Sigs + expired.Sigs} {
		set.Sigs = sigs
		if r := verifier().Verify(set, name("example."), []dnssec.Key{s.Key}); r.EDE.Code != lookup.EDESignatureExpired {
			t.Errorf("%+v", r)
		}
	}
}

// Stories whose signatures are taken as good check everything but the arithmetic.
func TestPresumedSignatures(t *testing.T) {
	t.Parallel()
	dnskey := one(t, "example. 9 IN DNSKEY 256 3 3 AQID") // DSA, and no key at all
	k := dnssec.ParseKeys(dnskey)[0]
	v := verifier()
	set := one(t, "a.example. 9 IN A 192.0.2.1")
	s := dnssec.Signature{Covered: lookup.TypeA, Algorithm: 3, Labels: 2, OriginalTTL: 9, Tag: k.Tag, Signer: name("example."),
		Inception: uint32(inception.Unix()), Expiration: uint32(expiration.Unix()), Octets: "x"}
	set.Sigs = lookup.PackRdata(s.Rdata())
	check := func(what string, want dnssec.Status) {
		t.Helper()
		if r := v.Verify(set, name("example."), []dnssec.Key{k}); r.Status != want {
			t.Errorf("%s: %+v", what, r)
		}
	}
	check("without the presumption", dnssec.Bogus)
	v.Policy.Presume = func(a dnssec.Algorithm) bool { return a == 3 }
	check("with it", dnssec.Secure)
	d, _ := dnssec.DSOf(k, dnssec.SHA1)
	dnskey.Sigs = lookup.PackRdata(func() string { s := s; s.Covered, s.Labels = lookup.TypeDNSKEY, 1; return s.Rdata() }())
	if keys, r := v.Keys(dnskey, []dnssec.DS{d}); r.Status != dnssec.Secure || len(keys) != 1 {
		t.Errorf("keys: %+v", r)
	}
	s.Octets = ""
	set.Sigs = lookup.PackRdata(s.Rdata())
	check("an empty signature", dnssec.Bogus)
	s.Octets, s.Expiration = "x", uint32(now.Unix())-3*86400
	set.Sigs = lookup.PackRdata(s.Rdata())
	check("an old signature", dnssec.Bogus)
}
