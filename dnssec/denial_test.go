package dnssec_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
)

// What a Denial proves is what is so, and with all of a zone's chain at hand it
// proves all that is so: NSEC, NSEC3 and NSEC3 with opt-out against a slow oracle.
func TestDenialAgainstTheOracle(t *testing.T) {
	t.Parallel()
	types := []lookup.Type{lookup.TypeA, lookup.TypeTXT, lookup.TypeDS, lookup.TypeNS, lookup.TypeSOA, lookup.TypeCNAME}
	for seed := range uint64(1500) {
		r := rand.New(rand.NewPCG(seed, 1))
		z := randomZone(r)
		chain, optOut := z.nsec(), false
		switch seed % 3 {
		case 1:
			chain = z.nsec3(uint16(r.IntN(3)), "salt"[:r.IntN(5)], false)
		case 2:
			optOut = true
			chain = z.nsec3(1, "", true)
		}
		whole := r.IntN(2) == 0
		if !whole {
			r.Shuffle(len(chain), func(i, j int) { chain[i], chain[j] = chain[j], chain[i] })
			chain = chain[:r.IntN(len(chain)+1)]
		}
		for range 30 {
			n, ty := randomName(r, "aabc*"), types[r.IntN(len(types))]
			if r.IntN(10) == 0 {
				n = z.apex
			}
			v := verifier()
			v.Budget = lookup.NewBudget(lookup.Limits{Hashes: 1000})
			d := v.Denial(z.apex, chain)
			check := func(what string, p dnssec.Proof, so, signedSo bool) {
				t.Helper()
				switch {
				case p.Status == dnssec.Secure && !so,
					// In an opt-out zone "it may be so" must hold for what is signed.
					p.Status == dnssec.Insecure && !(optOut && signedSo):
					t.Errorf("seed %d: %s %s %s is %s, and it is not so", seed, what, n, ty, p.Status)
				case p.Status == dnssec.Bogus && whole && so && !optOut:
					t.Errorf("seed %d: %s %s %s is not proven, and it is so: %s", seed, what, n, ty, p.EDE)
				case p.Status == dnssec.Bogus && whole && signedSo && optOut:
					t.Errorf("seed %d: %s %s %s is not even insecure: %s", seed, what, n, ty, p.EDE)
				}
			}
			s := z.signed()
			check("NXDOMAIN", d.NXDOMAIN(n), z.nxdomain(n), s.nxdomain(n))
			// Whatever is not signed may be an empty non-terminal above unsigned delegations.
			p := d.NODATA(n, ty)
			hidden := p.Status == dnssec.Insecure && !s.exists(n) && !s.cut(n)
			check("NODATA", p, z.nodata(n, ty), s.nodata(n, ty) || hidden)
			if n != z.apex {
				encloser := n.Suffix(1 + r.IntN(n.Labels()-1))
				// The encloser comes of a signature by this zone, so no cut is above its wildcard.
				if next := n.Suffix(encloser.Labels() + 1); !z.cut(child(encloser, "*")) {
					check("Expansion to "+encloser.String(), d.Expansion(n, encloser), !z.exists(next) && !z.cut(next), !s.exists(next) && !s.cut(next))
				}
			}
			p = d.NoDS(n)
			cut := z.cutAt(n)
			switch {
			case p.Status == dnssec.Bogus && whole && cut != dnssec.CutUnproven && !optOut:
				t.Errorf("seed %d: NoDS %s: %s, want %d", seed, n, p.EDE, cut)
			case p.Status == dnssec.Secure && (p.Cut != cut || cut == dnssec.CutUnproven):
				t.Errorf("seed %d: NoDS %s: %d, want %d", seed, n, p.Cut, cut)
			case p.Status == dnssec.Insecure && (!optOut || s.exists(n) || s.cut(n) || p.Cut != dnssec.CutInsecure):
				t.Errorf("seed %d: NoDS %s: %+v", seed, n, p)
			}
		}
	}
}

// The zone of RFC 4035 A.
func rfc4035() zone {
	return zoneOf("example.", `
		example. SOA NS MX DNSKEY
		a.example. NS DS
		ai.example. A HINFO AAAA
		b.example. NS
		ns1.example. A
		ns2.example. A
		*.w.example. MX
		x.w.example. MX
		x.y.w.example. MX
		xx.example. A HINFO AAAA`)
}

// pick are the sets of chain whose owners are named.
func pick(t *testing.T, chain []lookup.RRset, owners ...string) (sets []lookup.RRset) {
	t.Helper()
	for _, o := range owners {
		i := slices.IndexFunc(chain, func(s lookup.RRset) bool { return s.Name == name(o) })
		if i < 0 {
			t.Fatalf("no %s", o)
		}
		sets = append(sets, chain[i])
	}
	return sets
}

type claim struct {
	what     string
	sets     []lookup.RRset
	ask      func(*dnssec.Denial) dnssec.Proof
	want     dnssec.Status
	encloser string
	cut      dnssec.Cut
	code     uint16
}

func nxdomain(n string) func(*dnssec.Denial) dnssec.Proof {
	return func(d *dnssec.Denial) dnssec.Proof { return d.NXDOMAIN(name(n)) }
}

func nodata(n string, t lookup.Type) func(*dnssec.Denial) dnssec.Proof {
	return func(d *dnssec.Denial) dnssec.Proof { return d.NODATA(name(n), t) }
}

func expansion(n, encloser string) func(*dnssec.Denial) dnssec.Proof {
	return func(d *dnssec.Denial) dnssec.Proof { return d.Expansion(name(n), name(encloser)) }
}

func noDS(n string) func(*dnssec.Denial) dnssec.Proof {
	return func(d *dnssec.Denial) dnssec.Proof { return d.NoDS(name(n)) }
}

func judge(t *testing.T, apex string, claims []claim) {
	t.Helper()
	for _, c := range claims {
		p := c.ask(verifier().Denial(name(apex), c.sets))
		encloser := lookup.Name("")
		if c.encloser != "" {
			encloser = name(c.encloser)
		}
		if p.Status != c.want || p.Cut != c.cut || p.Encloser != encloser || p.EDE.Code != c.code {
			t.Errorf("%s: %+v, want %s, encloser %q, cut %d, EDE %d", c.what, p, c.want, c.encloser, c.cut, c.code)
		}
	}
}

// The responses of RFC 4035 B.
func TestDenialsOfRFC4035(t *testing.T) {
	t.Parallel()
	chain := rfc4035().nsec()
	judge(t, "example.", []claim{
		{"B.2 name error", pick(t, chain, "b.example.", "example."), nxdomain("ml.example."), dnssec.Secure, "example.", 0, 0},
		{"B.2 without the wildcard", pick(t, chain, "b.example."), nxdomain("ml.example."), dnssec.Bogus, "", 0, lookup.EDENSECMissing},
		{"B.2 without the name", pick(t, chain, "example."), nxdomain("ml.example."), dnssec.Bogus, "", 0, lookup.EDENSECMissing},
		{"B.3 no data", pick(t, chain, "ns1.example."), nodata("ns1.example.", lookup.TypeMX), dnssec.Secure, "", 0, 0},
		{"B.3 asked for what is there", pick(t, chain, "ns1.example."), nodata("ns1.example.", lookup.TypeA), dnssec.Bogus, "", 0, lookup.EDENSECMissing},
		{"B.5 referral to an unsigned zone", pick(t, chain, "b.example."), noDS("b.example."), dnssec.Secure, "", dnssec.CutInsecure, 0},
		{"B.5 a signed zone", pick(t, chain, "a.example."), noDS("a.example."), dnssec.Bogus, "", 0, lookup.EDENSECMissing},
		{"B.6 wildcard expansion", pick(t, chain, "x.y.w.example."), expansion("a.z.w.example.", "w.example."), dnssec.Secure, "w.example.", 0, 0},
		{"B.6 with a gap elsewhere", pick(t, chain, "x.w.example."), expansion("a.z.w.example.", "w.example."), dnssec.Bogus, "", 0, lookup.EDENSECMissing},
		{"B.7 wildcard no data", pick(t, chain, "x.y.w.example.", "*.w.example."), nodata("a.z.w.example.", lookup.TypeAAAA), dnssec.Secure, "w.example.", 0, 0},
		{"B.7 the wildcard has it", pick(t, chain, "x.y.w.example.", "*.w.example."), nodata("a.z.w.example.", lookup.TypeMX), dnssec.Bogus, "", 0, lookup.EDENSECMissing},
		{"B.8 DS at the child", pick(t, chain, "example."), nodata("example.", lookup.TypeDS), dnssec.Bogus, "", 0, lookup.EDENSECMissing},
		{"B.8 by NoDS", pick(t, chain, "example."), noDS("example."), dnssec.Bogus, "", 0, lookup.EDENSECMissing},
		{"empty non-terminal", pick(t, chain, "x.w.example."), nodata("y.w.example.", lookup.TypeA), dnssec.Secure, "", 0, 0},
		{"empty non-terminal is no name error", pick(t, chain, "x.w.example.", "example.", "ns2.example."), nxdomain("y.w.example."), dnssec.Bogus, "", 0, lookup.EDENSECMissing},
		{"empty non-terminal is no cut", pick(t, chain, "ns2.example."), noDS("w.example."), dnssec.Secure, "", dnssec.CutNone, 0},
		{"an apex below is the child's", zoneOf("example.", "example. SOA NS\nsub.example. SOA NS").nsec(), noDS("sub.example."), dnssec.Bogus, "", 0, lookup.EDENSECMissing},
		{"no cut at a name", pick(t, chain, "ai.example."), noDS("ai.example."), dnssec.Secure, "", dnssec.CutNone, 0},
		{"no cut at no name", pick(t, chain, "b.example."), noDS("ml.example."), dnssec.Secure, "example.", dnssec.CutNone, 0},
		{"another zone's name", pick(t, chain, "b.example."), nxdomain("ml.test."), dnssec.Bogus, "", 0, lookup.EDENSECMissing},
		{"ANY is never without data", pick(t, chain, "ns1.example."), nodata("ns1.example.", lookup.TypeANY), dnssec.Bogus, "", 0, lookup.EDENSECMissing},
		{"nothing at all", nil, nxdomain("ml.example."), dnssec.Bogus, "", 0, lookup.EDENSECMissing},
	})
}

// RFC 6840 4.1: the parent's NSEC at a cut knows nothing of what is below, nor does
// that of a DNAME.
func TestParentsDoNotDenyTheirChildren(t *testing.T) {
	t.Parallel()
	z := rfc4035()
	z.names[name("d.example.")] = []lookup.Type{lookup.TypeDNAME, lookup.TypeA}
	chain := z.nsec()
	everything := chain
	judge(t, "example.", []claim{
		{"data at the cut", pick(t, chain, "b.example."), nodata("b.example.", lookup.TypeA), dnssec.Bogus, "", 0, lookup.EDENSECMissing},
		{"NS at the cut", pick(t, chain, "a.example."), nodata("a.example.", lookup.TypeMX), dnssec.Bogus, "", 0, lookup.EDENSECMissing},
		{"DS at the cut", pick(t, chain, "b.example."), nodata("b.example.", lookup.TypeDS), dnssec.Secure, "", 0, 0},
		{"a name below the cut", everything, nxdomain("www.b.example."), dnssec.Bogus, "", 0, lookup.EDENSECMissing},
		{"a DS below the cut", everything, noDS("www.b.example."), dnssec.Bogus, "", 0, lookup.EDENSECMissing},
		{"a wildcard over the cut", everything, expansion("www.b.example.", "example."), dnssec.Bogus, "", 0, lookup.EDENSECMissing},
		{"a wildcard below the cut", everything, expansion("www.b.example.", "b.example."), dnssec.Bogus, "", 0, lookup.EDENSECMissing},
		{"a name below a DNAME", everything, nxdomain("www.d.example."), dnssec.Bogus, "", 0, lookup.EDENSECMissing},
		{"data beside the DNAME", everything, nodata("d.example.", lookup.TypeMX), dnssec.Secure, "", 0, 0},
	})
}

// RFC 6840 4.3: where a CNAME is, there is data.
func TestCNAMEIsNoNODATA(t *testing.T) {
	t.Parallel()
	chain := zoneOf("example.", `
		example. SOA NS
		c.example. CNAME
		*.w.example. CNAME`).nsec()
	judge(t, "example.", []claim{
		{"at the name", chain, nodata("c.example.", lookup.TypeA), dnssec.Bogus, "", 0, lookup.EDENSECMissing},
		{"at the wildcard", chain, nodata("c.w.example.", lookup.TypeA), dnssec.Bogus, "", 0, lookup.EDENSECMissing},
	})
}

// The root has no parent, so its own NSEC denies its DS.
func TestNoDSAtTheRoot(t *testing.T) {
	t.Parallel()
	chain := zoneOf(".", ". SOA NS\ncom. NS DS").nsec()
	judge(t, ".", []claim{
		{"DS", chain, nodata(".", lookup.TypeDS), dnssec.Secure, "", 0, 0},
		{"name error", chain, nxdomain("org."), dnssec.Secure, ".", 0, 0},
	})
}

// Records that may have verified and still prove nothing.
func TestNSECThatProvesNothing(t *testing.T) {
	t.Parallel()
	with := func(owner, next string, labels int, bits string) lookup.RRset {
		set := lookup.RRset{Name: name(owner), Type: lookup.TypeNSEC, TTL: 9, Data: lookup.PackRdata(string(name(next)) + bits)}
		set.Sigs = lookup.PackRdata(dnssec.Signature{Covered: lookup.TypeNSEC, Labels: uint8(labels), Signer: name("example."), Octets: "x"}.Rdata())
		return set
	}
	bits := dnssec.Bitmap(lookup.TypeA, lookup.TypeNSEC, lookup.TypeRRSIG)
	good := with("a.example.", "z.example.", 2, bits)
	two := good
	two.Data += good.Data
	unsigned := good
	unsigned.Sigs = ""
	spoilt := good
	spoilt.Sigs += with("a.example.", "z.example.", 1, bits).Sigs
	other := good
	other.Type = lookup.TypeTXT
	for what, c := range map[string]struct {
		set  lookup.RRset
		want dnssec.Status
	}{
		"nothing wrong":                                      {good, dnssec.Secure},
		"row 39: next name is outside the zone":              {with("a.example.", "z.test.", 2, bits), dnssec.Bogus},
		"row 39: next name is the parent":                    {with("a.example.", ".", 2, bits), dnssec.Bogus},
		"row 39: owner is outside the zone":                  {with("a.exampl.", "z.example.", 2, bits), dnssec.Bogus},
		"row 39: next name before the owner, and no apex":    {with("n.example.", "a.example.", 2, bits), dnssec.Bogus},
		"row 39: next name is the owner, and no apex":        {with("a.example.", "a.example.", 2, bits), dnssec.Bogus},
		"row 40, CVE-2017-15105: a wildcard's NSEC":          {with("a.example.", "z.example.", 1, bits), dnssec.Bogus},
		"row 40: one of its signatures is a wildcard's":      {spoilt, dnssec.Bogus},
		"no signature to tell":                               {unsigned, dnssec.Bogus},
		"two RRs":                                            {two, dnssec.Bogus},
		"another type":                                       {other, dnssec.Bogus},
		"bitmap: window without octets":                      {with("a.example.", "z.example.", 2, "\x00\x00"), dnssec.Bogus},
		"bitmap: window of 33 octets":                        {with("a.example.", "z.example.", 2, "\x00\x21"+string(make([]byte, 33))), dnssec.Bogus},
		"bitmap: cut short":                                  {with("a.example.", "z.example.", 2, "\x00\x02\x40"), dnssec.Bogus},
		"bitmap: windows out of order":                       {with("a.example.", "z.example.", 2, "\x01\x01\x40\x00\x01\x40"), dnssec.Bogus},
		"bitmap: one window twice, to hide what is in it":    {with("a.example.", "z.example.", 2, "\x00\x01\x40\x00\x01\x40"), dnssec.Bogus},
		"the last one of the zone, and its gap is elsewhere": {with("x.example.", "example.", 2, bits), dnssec.Bogus},
		"the last one of the zone, and the name is in it":    {with("a.example.", "example.", 2, bits), dnssec.Secure},
		"no bitmap": {with("a.example.", "z.example.", 2, ""), dnssec.Secure},
		"the only name of a zone, which is its own next name": {with("example.", "example.", 1, dnssec.Bitmap(lookup.TypeSOA, lookup.TypeNS)), dnssec.Secure},
	} {
		wild := with("example.", "a.example.", 1, dnssec.Bitmap(lookup.TypeSOA, lookup.TypeNS))
		if p := verifier().Denial(name("example."), []lookup.RRset{c.set, wild}).NXDOMAIN(name("m.example.")); p.Status != c.want {
			t.Errorf("%s: %+v", what, p)
		}
	}
}

func TestBitmap(t *testing.T) {
	t.Parallel()
	types := []lookup.Type{lookup.TypeA, lookup.TypeMX, lookup.TypeRRSIG, lookup.TypeNSEC, 1234}
	// RFC 4034 4.3
	const want = "\x00\x06\x40\x01\x00\x00\x00\x03\x04\x1b" + "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x20"
	if got := dnssec.Bitmap(types...); got != want {
		t.Errorf("%x", got)
	}
	if got := dnssec.Bitmap(1234, lookup.TypeNSEC, lookup.TypeRRSIG, lookup.TypeMX, lookup.TypeA, lookup.TypeA); got != want {
		t.Errorf("in another order: %x", got)
	}
}
