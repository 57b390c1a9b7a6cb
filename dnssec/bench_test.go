package dnssec_test

import (
	"strings"
	"testing"

	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
)

func BenchmarkVerify(b *testing.B) {
	set := one(b, "a.example. 9 IN A 192.0.2.1\na.example. 9 IN A 192.0.2.2")
	for _, a := range append(all(), dnssec.RSASHA1) {
		if a == dnssec.RSASHA512 {
			continue
		}
		s := key(b, "example.", a, dnssec.FlagZone)
		signed := sign(b, set, s)
		b.Run(a.String(), func(b *testing.B) {
			v := verifier()
			v.Policy.SHA1 = true
			v.Budget = lookup.NewBudget(lookup.Limits{Signatures: 1 << 30})
			b.ReportAllocs()
			for b.Loop() {
				if r := v.Verify(signed, name("example."), []dnssec.Key{s.Key}); r.Status != dnssec.Secure {
					b.Fatal(r)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "checks/s")
		})
	}
}

// What KeyTrap costs a query: all that it may spend.
func BenchmarkKeyTrap(b *testing.B) {
	s := key(b, "example.", dnssec.ECDSAP256SHA256, ksk)
	set := one(b, "a.example. 9 IN A 192.0.2.1")
	f := s.Fields(set, inception, expiration)
	f.Octets = strings.Repeat("x", 64)
	for range 64 {
		set.Sigs += lookup.PackRdata(f.Rdata())
	}
	for b.Loop() {
		v := verifier()
		for range 8 { // as many RRsets as the attacker likes
			v.Verify(set, name("example."), []dnssec.Key{s.Key, s.Key, s.Key, s.Key})
		}
	}
}

func BenchmarkNSEC3(b *testing.B) {
	z := zoneOf("example.", "example. SOA NS\na.example. A\nb.example. NS DS")
	for _, c := range []struct {
		what       string
		iterations uint16
		salt, name string
	}{
		{"usual", 0, "", "www.example."},
		{"worst", 50, strings.Repeat("s", 255), strings.Repeat("a.", 115) + "example."}, // spends the whole budget
	} {
		chain := z.nsec3(c.iterations, c.salt, false)
		b.Run(c.what, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				verifier().Denial(name("example."), chain).NXDOMAIN(name(c.name))
			}
		})
	}
}

func BenchmarkNSEC(b *testing.B) {
	chain := rfc4035().nsec()
	chain = []lookup.RRset{chain[0], chain[3]}
	b.ReportAllocs()
	for b.Loop() {
		verifier().Denial(name("example."), chain).NXDOMAIN(name("ml.example."))
	}
}

// Whoever checks many RRsets with one Verifier pays for memory once.
func TestVerifyAllocatesLittle(t *testing.T) {
	set := one(t, "a.example. 9 IN A 192.0.2.1\na.example. 9 IN A 192.0.2.2")
	for _, c := range []struct {
		a   dnssec.Algorithm
		max float64
	}{{dnssec.ED25519, 2}, {dnssec.ECDSAP256SHA256, 13}} {
		s := key(t, "example.", c.a, dnssec.FlagZone)
		signed, keys := sign(t, set, s), []dnssec.Key{s.Key}
		v := verifier()
		v.Budget = lookup.NewBudget(lookup.Limits{Signatures: 1 << 30})
		zone := name("example.")
		if n := testing.AllocsPerRun(100, func() { v.Verify(signed, zone, keys) }); n > c.max {
			t.Errorf("%s: %v allocations", c.a, n)
		}
	}
}
