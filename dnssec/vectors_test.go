package dnssec_test

import (
	"encoding/hex"
	"testing"
	"time"

	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
)

// The examples of the RFCs: a key, the DS that names it where one is given, and
// an RRset that it signed.
func TestSignaturesOfTheRFCs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rfc, key, ds, set string
		at                time.Time
		policy            dnssec.Policy
	}{
		{"RFC 5702 6.1", `example.net. 3600 IN DNSKEY 256 3 8 AwEAAcFcGsaxxdgiuuGmCkVImy4h99CqT7jwY3pexPGcnUFtR2Fh36BponcwtkZ4cAgtvd4Qs8PkxUdp6p/DlUmObdk=`, "",
			`www.example.net. 3600 IN A 192.0.2.91
			www.example.net. 3600 IN RRSIG A 8 3 3600 20300101000000 20000101000000 9033 example.net. kRCOH6u7l0QGy9qpC9l1sLncJcOKFLJ7GhiUOibu4teYp5VE9RncriShZNz85mwlMgNEacFYK/lPtPiVYP4bwg==`,
			now, dnssec.Policy{MinRSA: 512}},
		{"RFC 5702 6.2", `example.net. 3600 IN DNSKEY 256 3 10 AwEAAdHoNTOW+et86KuJOWRDp1pndvwb6Y83nSVXXyLA3DLroROUkN6X0O6pnWnjJQujX/AyhqFDxj13tOnD9u/1kTg7cV6rklMrZDtJCQ5PCl/D7QNPsgVsMu1J2Q8gpMpztNFLpPBz1bWXjDtaR7ZQBlZ3PFY12ZTSncorffcGmhOL`, "",
			`www.example.net. 3600 IN A 192.0.2.91
			www.example.net. 3600 IN RRSIG A 10 3 3600 20300101000000 20000101000000 3740 example.net. tsb4wnjRUDnB1BUi+t6TMTXThjVnG+eCkWqjvvjhzQL1d0YRoOe0CbxrVDYd0xDtsuJRaeUw1ep94PzEWzr0iGYgZBWm/zpq+9fOuagYJRfDqfReKBzMweOLDiNa8iP5g9vMhpuv6OPlvpXwm9Sa9ZXIbNl1MBGk0fthPgxdDLw=`,
			now, dnssec.Policy{}},
		{"RFC 6605 6.1", `example.net. 3600 IN DNSKEY 257 3 13 GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==`,
			`example.net. 3600 IN DS 55648 13 2 b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17`,
			`www.example.net. 3600 IN A 192.0.2.1
			www.example.net. 3600 IN RRSIG A 13 3 3600 20100909100439 20100812100439 55648 example.net. qx6wLYqmh+l9oCKTN6qIc+bw6ya+KJ8oMz0YP107epXAyGmt+3SNruPFKG7tZoLBLlUzGGus7ZwmwWep666VCw==`,
			time.Date(2010, 8, 20, 0, 0, 0, 0, time.UTC), dnssec.Policy{}},
		{"RFC 6605 6.2", `example.net. 3600 IN DNSKEY 257 3 14 xKYaNhWdGOfJ+nPrL8/arkwf2EY3MDJ+SErKivBVSum1w/egsXvSADtNJhyem5RCOpgQ6K8X1DRSEkrbYQ+OB+v8/uX45NBwY8rp65F6Glur8I/mlVNgF6W/qTI37m40`,
			`example.net. 3600 IN DS 10771 14 4 72d7b62976ce06438e9c0bf319013cf801f09ecc84b8d7e9495f27e305c6a9b0563a9b5f4d288405c3008a946df983d6`,
			`www.example.net. 3600 IN A 192.0.2.1
			www.example.net. 3600 IN RRSIG A 14 3 3600 20100909102025 20100812102025 10771 example.net. /L5hDKIvGDyI1fcARX3z65qrmPsVz73QD1Mr5CEqOiLP95hxQouuroGCeZOvzFaxsT8Glr74hbavRKayJNuydCuzWTSSPdz7wnqXL5bdcJzusdnI0RSMROxxwGipWcJm`,
			time.Date(2010, 8, 20, 0, 0, 0, 0, time.UTC), dnssec.Policy{}},
		{"RFC 8080 6.1", `example.com. 3600 IN DNSKEY 257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=`,
			`example.com. 3600 IN DS 3613 15 2 3aa5ab37efce57f737fc1627013fee07bdf241bd10f3b1964ab55c78e79a304b`,
			`example.com. 3600 IN MX 10 mail.example.com.
			example.com. 3600 IN RRSIG MX 15 2 3600 1440021600 1438207200 3613 example.com. oL9krJun7xfBOIWcGHi7mag5/hdZrKWw15jPGrHpjQeRAvTdszaPD+QLs3fx8A4M3e23mRZ9VrbpMngwcrqNAg==`,
			time.Date(2015, 8, 15, 0, 0, 0, 0, time.UTC), dnssec.Policy{}},
		{"RFC 8080 6.1, second", `example.com. 3600 IN DNSKEY 257 3 15 zPnZ/QwEe7S8C5SPz2OfS5RR40ATk2/rYnE9xHIEijs=`,
			`example.com. 3600 IN DS 35217 15 2 401781b934e392de492ec77ae2e15d70f6575a1c0bc59c5275c04ebe80c6614c`,
			`example.com. 3600 IN MX 10 mail.example.com.
			example.com. 3600 IN RRSIG MX 15 2 3600 1440021600 1438207200 35217 example.com. zXQ0bkYgQTEFyfLyi9QoiY6D8ZdYo4wyUhVioYZXFdT410QPRITQSqJSnzQoSm5poJ7gD7AQR0O7KuI5k2pcBg==`,
			time.Date(2015, 8, 15, 0, 0, 0, 0, time.UTC), dnssec.Policy{}},
		{"RFC 8080 6.2", `example.com. 3600 IN DNSKEY 257 3 16 3kgROaDjrh0H2iuixWBrc8g2EpBBLCdGzHmn+G2MpTPhpj/OiBVHHSfPodx1FYYUcJKm1MDpJtIA`,
			`example.com. 3600 IN DS 9713 16 2 6ccf18d5bc5d7fc2fceb1d59d17321402f2aa8d368048db93dd811f5cb2b19c7`,
			`example.com. 3600 IN MX 10 mail.example.com.
			example.com. 3600 IN RRSIG MX 16 2 3600 1440021600 1438207200 9713 example.com. 3cPAHkmlnxcDHMyg7vFC34l0blBhuG1qpwLmjInI8w1CMB29FkEAIJUA0amxWndkmnBZ6SKiwZSAxGILn/NBtOXft0+Gj7FSvOKxE/07+4RQvE581N3Aj/JtIyaiYVdnYtyMWbSNyGEY2213WKsJlwEA`,
			time.Date(2015, 8, 15, 0, 0, 0, 0, time.UTC), dnssec.Policy{}},
	} {
		keys := dnssec.ParseKeys(one(t, c.key))
		if c.ds != "" {
			want := dnssec.ParseDS(one(t, c.ds))[0]
			if got, ok := dnssec.DSOf(keys[0], want.Type); !ok || got != want {
				t.Errorf("%s: DS %v, want %v", c.rfc, got, want)
			}
		}
		set := one(t, c.set)
		v := verifier()
		v.Now, v.Policy = c.at, c.policy
		r := v.Verify(set, keys[0].Owner, keys)
		if r.Status != dnssec.Secure || r.Tag != keys[0].Tag || r.Algorithm != keys[0].Algorithm || r.TTL != 3600 {
			t.Errorf("%s: %+v", c.rfc, r)
		}
		set.Data = lookup.PackRdata(set.Data.First()[:3] + "\x5c")
		if r := v.Verify(set, keys[0].Owner, keys); r.Status != dnssec.Bogus || r.EDE.Code != lookup.EDEBogus {
			t.Errorf("%s with other data: %+v", c.rfc, r)
		}
	}
}

// RFC 4034 5.4 and RFC 4509 2.3, and the trust anchors of the root.
func TestDSOfKnownKeys(t *testing.T) {
	t.Parallel()
	const (
		dskey = `dskey.example.com. 86400 IN DNSKEY 256 3 5 AQOeiiR0GOMYkDshWoSKz9XzfwJr1AYtsmx3TGkJaNXVbfi/2pHm822aJ5iI9BMzNXxeYCmZDRD99WYwYqUSdjMmmAphXdvxegXd/M5+X7OrzKBaMbCVdFLUUh6DhweJBjEVv5f2wwjM9XzcnOf+EPbtG9DMBmADjFDc2w/rljwvFw==`
		root  = `. 172800 IN DNSKEY 257 3 8 AwEAAaz/tAm8yTn4Mfeh5eyI96WSVexTBAvkMgJzkKTOiW1vkIbzxeF3+/4RgWOq7HrxRixHlFlExOLAJr5emLvN7SWXgnLh4+B5xQlNVz8Og8kvArMtNROxVQuCaSnIDdD5LKyWbRd2n9WGe2R8PzgCmr3EgVLrjyBxWezF0jLHwVN8efS3rCj/EWgvIWgb9tarpVUDK/b58Da+sqqls3eNbuv7pr+eoZG+SrDK6nWeL3c6H5Apxz7LjVc1uTIdsIXxuOLYA4/ilBmSVIzuDWfdRUfhHdY6+cn8HFRm+2hM8AnXGXws9555KrUB5qihylGa8subX2Nn6UwNR1AkUTV74bU=`
	)
	for _, c := range []struct {
		key    string
		tag    uint16
		digest dnssec.DigestType
		want   string
	}{
		{dskey, 60485, dnssec.SHA1, "2bb183af5f22588179a53b0a98631fad1a292118"},
		{dskey, 60485, dnssec.SHA256, "d4b7d520e7bb5f0f67674a0cceb1e3e0614b93c4f9e99b8383f6a1e4469da50a"},
		{root, 20326, dnssec.SHA256, "e06d44b80b8f1d39a95c0b0d7c65d08458e880409bbc683457104237c7f8ec8d"},
	} {
		k := dnssec.ParseKeys(one(t, c.key))[0]
		d, ok := dnssec.DSOf(k, c.digest)
		if !ok || k.Tag != c.tag || d.Tag != c.tag || hex.EncodeToString([]byte(d.Digest)) != c.want || k.Fault() != "" {
			t.Errorf("key %d (%s): %x, want %s", k.Tag, k.Fault(), d.Digest, c.want)
		}
	}
	if _, ok := dnssec.DSOf(dnssec.ParseKeys(one(t, dskey))[0], 3); ok {
		t.Error("GOST was computed")
	}
}

// A whole zone as it was served.
func TestZoneOfTheWorld(t *testing.T) {
	t.Parallel()
	_, sets := zoneFile(t, "uri.arpa.zone")
	dnskey, _ := lookup.Find(sets, name("uri.arpa."), lookup.TypeDNSKEY)
	var anchors []dnssec.DS
	for _, k := range dnssec.ParseKeys(dnskey) {
		if k.Flags&dnssec.FlagSEP != 0 {
			d, _ := dnssec.DSOf(k, dnssec.SHA256)
			anchors = append(anchors, d)
		}
	}
	v := verifier()
	v.Now = time.Date(2018, 10, 18, 0, 0, 0, 0, time.UTC)
	keys, r := v.Keys(dnskey, anchors)
	if r.Status != dnssec.Secure || len(keys) != 3 {
		t.Fatalf("%d keys: %+v", len(keys), r)
	}
	checked := 0
	for _, s := range sets {
		if s.Type == lookup.TypeZONEMD {
			continue
		}
		if r := v.Verify(s, name("uri.arpa."), keys); r.Status != dnssec.Secure || r.TTL != s.TTL {
			t.Errorf("%s %s: %+v", s.Name, s.Type, r)
		}
		checked++
	}
	if checked != 13 {
		t.Errorf("%d RRsets", checked)
	}
}
