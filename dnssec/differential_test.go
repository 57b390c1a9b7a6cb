package dnssec_test

import (
	"crypto"
	"encoding/base64"
	"math/rand/v2"
	"testing"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
)

// rrsOf are a set's RRs, its RRSIGs apart, as the library has them.
func rrsOf(t *testing.T, set lookup.RRset) (rrs []dns.RR, sigs []*dns.RRSIG) {
	t.Helper()
	for rdata := range set.Data.All() {
		rr, err := lookup.UnpackRR(set.Name, set.Type, set.TTL, rdata)
		if err != nil {
			t.Fatal(err)
		}
		rrs = append(rrs, rr)
	}
	for rdata := range set.Sigs.All() {
		rr, err := lookup.UnpackRR(set.Name, lookup.TypeRRSIG, set.TTL, rdata)
		if err != nil {
			t.Fatal(err)
		}
		sigs = append(sigs, rr.(*dns.RRSIG))
	}
	return rrs, sigs
}

// What we sign, miekg/dns verifies, tag and DS included; and the other way round.
func TestAgreesWithTheLibrary(t *testing.T) {
	t.Parallel()
	sets := rrsets(t, `
		example. 300 IN SOA NS1.example. Admin.Example. 1 2 3 4 5
		a.b.example. 300 IN A 192.0.2.2
		a.b.example. 300 IN A 192.0.2.1
		*.w.example. 300 IN TXT "x" "y"
		*.w.example. 300 IN TXT "longer"
		mx.example. 300 IN MX 10 MX.example.
		mx.example. 300 IN MX 5 aMX.example.
		naptr.example. 300 IN NAPTR 1 2 "U" "X" "!a!B!" Repl.Example.
		px.example. 300 IN PX 1 A.example. B.example.
		https.example. 300 IN HTTPS 1 Svc.Example. alpn=h2
		n.example. 300 IN NSEC O.example. A NSEC RRSIG`)
	for _, a := range []dnssec.Algorithm{dnssec.RSASHA1, dnssec.RSASHA256, dnssec.RSASHA512, dnssec.ECDSAP256SHA256, dnssec.ECDSAP384SHA384, dnssec.ED25519} {
		s := key(t, "example.", a, dnssec.FlagZone|dnssec.FlagSEP)
		dnskey := dnssec.DNSKEY(300, s)
		rrs, _ := rrsOf(t, dnskey)
		theirKey := rrs[0].(*dns.DNSKEY)
		if theirKey.KeyTag() != s.Key.Tag {
			t.Errorf("%s: tag %d, theirs %d", a, s.Key.Tag, theirKey.KeyTag())
		}
		for _, digest := range []dnssec.DigestType{dnssec.SHA1, dnssec.SHA256, dnssec.SHA384} {
			theirs, err := lookup.PackRR(theirKey.ToDS(uint8(digest)))
			if ours := ds(t, s, digest); err != nil || theirs != ours.Rdata() {
				t.Errorf("%s: DS %x, theirs %x", a, ours.Rdata(), theirs)
			}
		}
		v := verifier()
		v.Policy.SHA1 = true
		for _, set := range sets {
			signed := sign(t, set, s)
			rrs, sigs := rrsOf(t, signed)
			if err := sigs[0].Verify(theirKey, rrs); err != nil {
				t.Errorf("%s %s %s: the library says %v", a, set.Name, set.Type, err)
			}
			if r := v.Verify(signed, name("example."), []dnssec.Key{s.Key}); r.Status != dnssec.Secure {
				t.Errorf("%s %s %s: %+v", a, set.Name, set.Type, r)
			}
		}
	}
}

func TestVerifiesWhatTheLibrarySigns(t *testing.T) {
	t.Parallel()
	for _, a := range []uint8{dns.RSASHA256, dns.RSASHA512, dns.ECDSAP256SHA256, dns.ECDSAP384SHA384, dns.ED25519} {
		k := &dns.DNSKEY{Hdr: dns.RR_Header{Name: "example.", Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: 300},
			Flags: 256, Protocol: 3, Algorithm: a}
		bits := map[uint8]int{dns.RSASHA256: 1024, dns.RSASHA512: 1280, dns.ECDSAP256SHA256: 256, dns.ECDSAP384SHA384: 384, dns.ED25519: 256}[a]
		private, err := k.Generate(bits)
		if err != nil {
			t.Fatal(err)
		}
		sets, err := lookup.FromRRs([]dns.RR{k})
		if err != nil {
			t.Fatal(err)
		}
		keys := dnssec.ParseKeys(sets[0])
		for i := range 20 {
			set := randomSet(t, rand.New(rand.NewPCG(uint64(a), uint64(i))))
			rrs, _ := rrsOf(t, set)
			sig := &dns.RRSIG{Algorithm: a, KeyTag: k.KeyTag(), SignerName: "example.", OrigTtl: set.TTL,
				Inception: uint32(inception.Unix()), Expiration: uint32(expiration.Unix())}
			if err := sig.Sign(private.(crypto.Signer), rrs); err != nil {
				t.Fatal(err)
			}
			rdata, err := lookup.PackRR(sig)
			if err != nil {
				t.Fatal(err)
			}
			set.Sigs = lookup.PackRdata(rdata)
			if r := verifier().Verify(set, name("example."), keys); r.Status != dnssec.Secure {
				t.Errorf("algorithm %d, %s: %+v", a, set, r)
			}
			raw, _ := base64.StdEncoding.DecodeString(sig.Signature)
			raw[i%len(raw)] ^= 1 << (i % 8)
			sig.Signature = base64.StdEncoding.EncodeToString(raw)
			if rdata, err = lookup.PackRR(sig); err != nil {
				t.Fatal(err)
			}
			set.Sigs = lookup.PackRdata(rdata)
			if r := verifier().Verify(set, name("example."), keys); r.Status != dnssec.Bogus {
				t.Errorf("algorithm %d, a wrong bit: %+v", a, r)
			}
		}
	}
}

// randomSet is an A, TXT or MX RRset of a few RRs.
func randomSet(t *testing.T, r *rand.Rand) lookup.RRset {
	t.Helper()
	set := lookup.RRset{Name: name([]string{"example.", "a.example.", "b.c.example.", "*.example."}[r.IntN(4)]), TTL: r.Uint32N(1 << 20)}
	set.Type = []lookup.Type{lookup.TypeA, lookup.TypeTXT, lookup.TypeMX}[r.IntN(3)]
	var rrs []string
	for range 1 + r.IntN(8) {
		octet := byte(r.IntN(4))
		switch set.Type {
		case lookup.TypeA:
			rrs = append(rrs, string([]byte{192, 0, 2, octet}))
		case lookup.TypeTXT:
			rrs = append(rrs, string(append([]byte{octet}, "abcd"[:octet]...)))
		case lookup.TypeMX:
			rrs = append(rrs, string([]byte{0, octet, 2, 'A' + octet, 'b', 0}))
		}
	}
	set.Data = lookup.PackRdata(rrs...)
	return set
}
