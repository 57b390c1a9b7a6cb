package dnssec_test

import (
	"strings"
	"testing"

	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
)

// colliding makes n DNSKEYs that share tag and algorithm with s: the tag is a sum,
// so adding to one half of the key and taking from the other keeps it.
func colliding(t *testing.T, s dnssec.Signer, n int) []dnssec.Key {
	t.Helper()
	var keys []dnssec.Key
	for i := 0; len(keys) < n; i++ {
		rdata := []byte(s.Key.Rdata)
		a, b := 4+2*(i%15), 6+2*(i%15)
		if d := byte(1 + i/15); rdata[a] >= 128 && rdata[b] < 128 {
			rdata[a], rdata[b] = rdata[a]-d, rdata[b]+d
		} else {
			rdata[a], rdata[b] = rdata[a]+d, rdata[b]-d
		}
		set := lookup.RRset{Name: s.Key.Owner, Type: lookup.TypeDNSKEY, Data: lookup.PackRdata(string(rdata))}
		if k := dnssec.ParseKeys(set)[0]; k.Tag == s.Key.Tag {
			keys = append(keys, k)
		}
		if i > 10000 {
			t.Fatal("no collisions found")
		}
	}
	return keys
}

// forgeries are n RRSIGs over set that look right.
func forgeries(t *testing.T, s dnssec.Signer, set lookup.RRset, n int) lookup.Rdata {
	t.Helper()
	var sigs []string
	for i := range n {
		f := s.Fields(set, inception, expiration)
		f.Octets = strings.Repeat(string([]byte{byte(i)}), 64)
		sigs = append(sigs, f.Rdata())
	}
	return lookup.PackRdata(sigs...)
}

// Row 30, KeyTrap (CVE-2023-50387): keys of one tag times signatures over one RRset.
func TestKeyTrap(t *testing.T) {
	t.Parallel()
	s := key(t, "example.", dnssec.ED25519, ksk)
	trap := colliding(t, s, 30)
	set := one(t, "a.example. 9 IN A 192.0.2.1")
	for _, c := range []struct {
		what    string
		limits  lookup.Limits
		keys    []dnssec.Key
		sigs    lookup.Rdata
		want    dnssec.Status
		checked int
		spent   bool
	}{
		{"30 keys, 60 signatures, plenty to spend", lookup.Limits{Signatures: 10000, Forgeries: 10000}, trap, forgeries(t, s, set, 60),
			dnssec.Bogus, dnssec.MaxSignatures * dnssec.MaxCollisions, false},
		{"the same by the default", lookup.Limits{}, trap, forgeries(t, s, set, 60), dnssec.Bogus, 4, true},
		{"one key, 60 signatures", lookup.Limits{Forgeries: 10000}, []dnssec.Key{s.Key}, forgeries(t, s, set, 60), dnssec.Bogus, 4, false},
		{"the good one is the second of its tag", lookup.Limits{}, []dnssec.Key{trap[0], s.Key}, sign(t, set, s).Sigs, dnssec.Secure, 2, false},
		{"the good one is the third of its tag", lookup.Limits{}, []dnssec.Key{trap[0], trap[1], s.Key}, sign(t, set, s).Sigs, dnssec.Bogus, 2, false},
		{"the first signature is good", lookup.Limits{}, []dnssec.Key{s.Key}, sign(t, set, s).Sigs + forgeries(t, s, set, 60), dnssec.Secure, 1, false},
		{"the fourth signature is good", lookup.Limits{}, []dnssec.Key{s.Key}, forgeries(t, s, set, 3) + sign(t, set, s).Sigs, dnssec.Secure, 4, false},
		{"the fifth signature is good", lookup.Limits{Forgeries: 100}, []dnssec.Key{s.Key}, forgeries(t, s, set, 4) + sign(t, set, s).Sigs, dnssec.Bogus, 4, false},
	} {
		set.Sigs = c.sigs
		v := verifier()
		v.Budget = lookup.NewBudget(c.limits)
		r := v.Verify(set, name("example."), c.keys)
		if r.Status != c.want || v.Budget.Checked() != c.checked || r.Spent != c.spent {
			t.Errorf("%s: %d signatures checked, %+v", c.what, v.Budget.Checked(), r)
		}
	}
}

// Signatures that no key can have made, or of the wrong time, cost nothing.
func TestCheapFailuresAreFree(t *testing.T) {
	t.Parallel()
	s := key(t, "example.", dnssec.ED25519, ksk)
	set := one(t, "a.example. 9 IN A 192.0.2.1")
	for range 60 {
		f := s.Fields(set, inception, expiration)
		f.Octets, f.Tag = "x", f.Tag+1
		set.Sigs += lookup.PackRdata(f.Rdata())
	}
	set = sign(t, set, s)
	v := verifier()
	if r := v.Verify(set, name("example."), []dnssec.Key{s.Key}); r.Status != dnssec.Secure || v.Budget.Checked() != 1 {
		t.Errorf("%d signatures checked, %+v", v.Budget.Checked(), r)
	}
}

// The trap at the DNSKEY RRset itself: many DS, many keys of one tag.
func TestKeyTrapAtTheKeys(t *testing.T) {
	t.Parallel()
	s := key(t, "example.", dnssec.ED25519, ksk)
	set := dnssec.DNSKEY(9)
	set.Name = name("example.")
	var named []dnssec.DS
	for _, k := range colliding(t, s, 30) {
		set.Data += lookup.PackRdata(k.Rdata)
		d, _ := dnssec.DSOf(k, dnssec.SHA256)
		named = append(named, d)
	}
	set.Sigs = forgeries(t, s, set, 60)
	v := verifier()
	v.Budget = lookup.NewBudget(lookup.Limits{Signatures: 10000, Forgeries: 10000})
	if _, r := v.Keys(set, named); r.Status != dnssec.Bogus || v.Budget.Checked() > dnssec.MaxSignatures*dnssec.MaxCollisions {
		t.Errorf("%d signatures checked, %+v", v.Budget.Checked(), r)
	}
}

// CVE-2025-8677: keys that cannot be computed with are as dear as wrong ones.
func TestMalformedKeysArePaidFor(t *testing.T) {
	t.Parallel()
	var rrs []string
	for i := range 30 {
		rrs = append(rrs, "\x01\x01\x03\x0d"+strings.Repeat("\x00\x00", i)+"\x01\x02") // P-256 of odd sizes, one tag
	}
	set := lookup.RRset{Name: name("example."), Type: lookup.TypeDNSKEY, TTL: 9, Data: lookup.PackRdata(rrs...)}
	keys := dnssec.ParseKeys(set)
	for _, k := range keys {
		if k.Tag != keys[0].Tag || k.Fault() == "" {
			t.Fatalf("tag %d, fault %q", k.Tag, k.Fault())
		}
	}
	d, _ := dnssec.DSOf(keys[0], dnssec.SHA256)
	v := verifier()
	var last dnssec.Result
	for range 5 {
		_, last = v.Keys(set, []dnssec.DS{d, d, d})
	}
	if last.Status != dnssec.Bogus || !last.Spent || v.Budget.Checked() > 4 {
		t.Errorf("%d checked, %+v", v.Budget.Checked(), last)
	}

	s := key(t, "example.", dnssec.ECDSAP256SHA256, ksk)
	a := one(t, "a.example. 9 IN A 192.0.2.1")
	f := s.Fields(a, inception, expiration)
	f.Tag, f.Octets = keys[0].Tag, strings.Repeat("x", 64)
	a.Sigs = lookup.PackRdata(f.Rdata(), f.Rdata(), f.Rdata(), f.Rdata(), f.Rdata())
	v = verifier()
	if r := v.Verify(a, name("example."), keys); r.Status != dnssec.Bogus || !r.Spent || v.Budget.Checked() != 4 {
		t.Errorf("%d checked, %+v", v.Budget.Checked(), r)
	}
}

// An empty ledger is not a reason to believe or to forget: it says so.
func TestSpentBudget(t *testing.T) {
	t.Parallel()
	s := key(t, "example.", dnssec.ED25519, ksk)
	v := verifier()
	v.Budget = lookup.NewBudget(lookup.Limits{Signatures: 1})
	dnskey := sign(t, dnssec.DNSKEY(9, s), s)
	if _, r := v.Keys(dnskey, []dnssec.DS{ds(t, s, dnssec.SHA256)}); r.Status != dnssec.Secure {
		t.Fatalf("%+v", r)
	}
	if _, r := v.Keys(dnskey, []dnssec.DS{ds(t, s, dnssec.SHA256)}); r.Status != dnssec.Bogus || !r.Spent {
		t.Errorf("%+v", r)
	}
}
