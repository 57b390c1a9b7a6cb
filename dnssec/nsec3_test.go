package dnssec_test

import (
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
)

const salt = "\xaa\xbb\xcc\xdd"

// The zone of RFC 5155 A: 12 iterations, opt-out.
func rfc5155() zone {
	return zoneOf("example.", `
		example. SOA NS MX DNSKEY NSEC3PARAM
		2t7b4g4vsa5smi47k61mv5bv1a22bojr.example. A
		a.example. NS DS
		ai.example. A HINFO AAAA
		c.example. NS
		ns1.example. A
		ns2.example. A
		*.w.example. MX
		x.w.example. MX
		x.y.w.example. MX
		xx.example. A HINFO AAAA`)
}

// RFC 5155 A lists what the names hash to.
func TestHashesOfRFC5155(t *testing.T) {
	t.Parallel()
	for n, want := range map[string]string{
		"example.":       "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom",
		"a.example.":     "35mthgpgcu1qg68fab165klnsnk3dpvl",
		"ai.example.":    "gjeqe526plbf1g8mklp59enfd789njgi",
		"ns1.example.":   "2t7b4g4vsa5smi47k61mv5bv1a22bojr",
		"ns2.example.":   "q04jkcevqvmu85r014c7dkba38o0ji5r",
		"w.example.":     "k8udemvp1j2f7eg6jebps17vp3n8i58h",
		"*.w.example.":   "r53bq7cc2uvmubfu5ocmm6pers9tk9en",
		"x.w.example.":   "b4um86eghhds6nea196smvmlo4ors995",
		"y.w.example.":   "ji6neoaepv8b5o6k4ev33abha8ht9fgc",
		"x.y.w.example.": "2vptu5timamqttgl4luu9kg21e0aor3s",
		"xx.example.":    "t644ebqk9bibcna874givr6joj62mlhv",
		"2t7b4g4vsa5smi47k61mv5bv1a22bojr.example.": "kohar7mbb8dc2ce8a9qvl8hon4k53uhi",
	} {
		if got := dnssec.NSEC3Hash(name(n), 12, salt); got != want {
			t.Errorf("%s: %s, want %s", n, got, want)
		}
	}
	for _, n := range []string{".", "a.", strings.Repeat("a23456789.", 25)} {
		for _, iterations := range []uint16{0, 1, 150} {
			for _, salt := range []string{"", "00", strings.Repeat("ff", 255)} {
				want := strings.ToLower(dns.HashName(n, dns.SHA1, iterations, salt))
				raw := ""
				for i := 0; i < len(salt); i += 2 {
					raw += map[string]string{"00": "\x00", "ff": "\xff"}[salt[i:i+2]]
				}
				if got := dnssec.NSEC3Hash(name(n), iterations, raw); got != want {
					t.Errorf("%s, %d iterations: %s, want %s", n, iterations, got, want)
				}
			}
		}
	}
}

// The responses of RFC 5155 B. What rests on an opt-out span is insecure (9.2).
func TestDenialsOfRFC5155(t *testing.T) {
	t.Parallel()
	h := map[string]string{}
	for n := range rfc5155().names {
		h[n.String()] = dnssec.NSEC3Hash(n, 12, salt) + ".example."
	}
	w, y := dnssec.NSEC3Hash(name("w.example."), 12, salt)+".example.", dnssec.NSEC3Hash(name("y.w.example."), 12, salt)+".example."
	for _, optOut := range []bool{true, false} {
		z := rfc5155()
		if !optOut {
			delete(z.names, name("c.example."))
		}
		chain := z.nsec3(12, salt, optOut)
		spanned, cut := dnssec.Secure, dnssec.CutNone
		if optOut {
			spanned, cut = dnssec.Insecure, dnssec.CutInsecure
		}
		b1 := pick(t, chain, h["example."], h["x.w.example."], h["a.example."])
		judge(t, "example.", []claim{
			{"B.1 name error", b1, nxdomain("a.c.x.w.example."), spanned, "x.w.example.", 0, 0},
			{"B.1 without the next closer", b1[1:], nxdomain("a.c.x.w.example."), dnssec.Bogus, "", 0, lookup.EDENSECMissing},
			{"B.1 without the closest encloser", pick(t, chain, h["example."], h["a.example."]), nxdomain("a.c.x.w.example."), dnssec.Bogus, "", 0, lookup.EDENSECMissing},
			{"B.1 without the wildcard", b1[:2], nxdomain("a.c.x.w.example."), dnssec.Bogus, "", 0, lookup.EDENSECMissing},
			{"B.2 no data", pick(t, chain, h["ns1.example."]), nodata("ns1.example.", lookup.TypeMX), dnssec.Secure, "", 0, 0},
			{"B.2 asked for what is there", pick(t, chain, h["ns1.example."]), nodata("ns1.example.", lookup.TypeA), dnssec.Bogus, "", 0, lookup.EDENSECMissing},
			{"B.2.1 empty non-terminal", pick(t, chain, y), nodata("y.w.example.", lookup.TypeA), dnssec.Secure, "", 0, 0},
			{"B.3 referral to an unsigned zone", pick(t, chain, h["a.example."], h["example."]), noDS("c.example."), spanned, "example.", cut, 0},
			{"B.3 DS of a signed zone", pick(t, chain, h["a.example."], h["example."]), noDS("a.example."), dnssec.Bogus, "", 0, lookup.EDENSECMissing},
			{"B.4 wildcard expansion", pick(t, chain, h["ns2.example."]), expansion("a.z.w.example.", "w.example."), spanned, "w.example.", 0, 0},
			{"B.4 with a gap elsewhere", pick(t, chain, h["a.example."]), expansion("a.z.w.example.", "w.example."), dnssec.Bogus, "", 0, lookup.EDENSECMissing},
			{"B.5 wildcard no data", pick(t, chain, w, h["ns2.example."], h["*.w.example."]), nodata("a.z.w.example.", lookup.TypeAAAA), spanned, "w.example.", 0, 0},
			{"B.5 the wildcard has it", pick(t, chain, w, h["ns2.example."], h["*.w.example."]), nodata("a.z.w.example.", lookup.TypeMX), dnssec.Bogus, "", 0, lookup.EDENSECMissing},
			{"B.6 DS at the child", pick(t, chain, h["example."]), nodata("example.", lookup.TypeDS), dnssec.Bogus, "", 0, lookup.EDENSECMissing},
			{"no data at an unsigned delegation", chain, nodata("c.example.", lookup.TypeDS), map[bool]dnssec.Status{true: dnssec.Insecure}[optOut],
				map[bool]string{true: "example."}[optOut], 0, map[bool]uint16{false: lookup.EDENSECMissing}[optOut]},
			{"a name below a cut", chain, nxdomain("www.a.example."), dnssec.Bogus, "", 0, lookup.EDENSECMissing},
			{"no DS below a cut", chain, noDS("www.a.example."), dnssec.Bogus, "", 0, lookup.EDENSECMissing},
		})
	}
}

// raw is an NSEC3 RRset with every field at will.
func raw(owner, rdata string, labels int) lookup.RRset {
	set := lookup.RRset{Name: name(owner), Type: lookup.TypeNSEC3, TTL: 9, Data: lookup.PackRdata(rdata)}
	set.Sigs = lookup.PackRdata(dnssec.Signature{Covered: lookup.TypeNSEC3, Labels: uint8(labels), Signer: name("example."), Octets: "x"}.Rdata())
	return set
}

// Records that may have verified and still prove nothing.
func TestNSEC3ThatProvesNothing(t *testing.T) {
	t.Parallel()
	chain := zoneOf("example.", "example. SOA NS").nsec3(0, "", false) // its own next name: one record denies all
	rdata, owner := chain[0].Data.First(), chain[0].Name.String()
	label, _, _ := strings.Cut(owner, ".")
	change := func(at int, octets string) string { return rdata[:at] + octets + rdata[at+len(octets):] }
	twice := raw(owner, rdata, 2)
	twice.Data += twice.Data
	for what, c := range map[string]struct {
		set  lookup.RRset
		want dnssec.Status
	}{
		"nothing wrong":                         {raw(owner, rdata, 2), dnssec.Secure},
		"opt-out":                               {raw(owner, change(1, "\x01"), 2), dnssec.Insecure},
		"unknown hash algorithm":                {raw(owner, change(0, "\x02"), 2), dnssec.Bogus},
		"unknown flag":                          {raw(owner, change(1, "\x02"), 2), dnssec.Bogus},
		"unknown flag beside opt-out":           {raw(owner, change(1, "\x81"), 2), dnssec.Bogus},
		"row 39: owner is two labels below":     {raw("x."+owner, rdata, 3), dnssec.Bogus},
		"row 39: owner is another zone's":       {raw(label+".test.", rdata, 2), dnssec.Bogus},
		"row 39: owner is a child's":            {raw(label+".sub.example.", rdata, 3), dnssec.Bogus},
		"row 40: a wildcard's":                  {raw(owner, rdata, 1), dnssec.Bogus},
		"two RRs":                               {twice, dnssec.Bogus},
		"owner is no hash":                      {raw("www.example.", rdata, 2), dnssec.Bogus},
		"owner is not in base32hex":             {raw("w"+label[1:]+".example.", rdata, 2), dnssec.Bogus},
		"owner's hash is short":                 {raw(label[:24]+".example.", rdata, 2), dnssec.Bogus},
		"next hash is short":                    {raw(owner, rdata[:5]+"\x13"+rdata[6:25], 2), dnssec.Bogus},
		"next hash is long":                     {raw(owner, rdata[:5]+"\x15"+rdata[6:26]+"x", 2), dnssec.Bogus},
		"salt is longer than all":               {raw(owner, change(4, "\xff"), 2), dnssec.Bogus},
		"cut short":                             {raw(owner, rdata[:20], 2), dnssec.Bogus},
		"nothing in it":                         {raw(owner, "", 2), dnssec.Bogus},
		"bitmap is malformed":                   {raw(owner, rdata[:26]+"\x00\x05\x01", 2), dnssec.Bogus},
		"iterations within the policy, of late": {raw(owner, change(2, "\x00\x32"), 2), dnssec.Bogus}, // other hashes
		"51 iterations":                         {raw(owner, change(2, "\x00\x33"), 2), dnssec.Insecure},
		"65535 iterations":                      {raw(owner, change(2, "\xff\xff"), 2), dnssec.Insecure},
	} {
		p := verifier().Denial(name("example."), []lookup.RRset{c.set}).NXDOMAIN(name("m.example."))
		if p.Status != c.want {
			t.Errorf("%s: %+v", what, p)
		}
		if many := strings.HasSuffix(what, "iterations"); many != (p.EDE.Code == lookup.EDEUnsupportedNSEC3) {
			t.Errorf("%s: EDE %s", what, p.EDE)
		}
	}
	// RFC 5155 8.2: two sets of parameters in one response.
	mixed := append(zoneOf("example.", "example. SOA NS").nsec3(0, "x", false), chain...)
	if p := verifier().Denial(name("example."), mixed).NXDOMAIN(name("m.example.")); p.Status != dnssec.Bogus || p.EDE.Code != lookup.EDEBogus {
		t.Errorf("mixed parameters: %+v", p)
	}
}

// Row 47: a zone on its way from NSEC to NSEC3 may show both.
func TestNSECBesideNSEC3(t *testing.T) {
	t.Parallel()
	z := zoneOf("example.", "example. SOA NS\na.example. A")
	for what, sets := range map[string][]lookup.RRset{
		"both":                       append(z.nsec(), z.nsec3(0, "", false)...),
		"NSEC of one record, NSEC3":  append(z.nsec()[1:], z.nsec3(0, "", false)...),
		"NSEC, NSEC3 of one record":  append(z.nsec(), z.nsec3(0, "", false)[1:]...),
		"NSEC, NSEC3 beyond measure": append(z.nsec(), z.nsec3(100, "", false)...),
	} {
		if p := verifier().Denial(name("example."), sets).NXDOMAIN(name("m.example.")); p.Status != dnssec.Secure {
			t.Errorf("%s: %+v", what, p)
		}
	}
}

// Row 31, CVE-2023-50868: names of many labels, each of which wants a hash of
// many iterations.
func TestHashesAreBounded(t *testing.T) {
	t.Parallel()
	deep := name(strings.Repeat("a.", 120) + "example.")
	z := zoneOf("example.", "example. SOA NS")
	for _, iterations := range []uint16{0, 50} {
		chain := z.nsec3(iterations, strings.Repeat("s", 255), false)
		budget := lookup.NewBudget(lookup.Limits{})
		v := &dnssec.Verifier{Now: now, Budget: budget}
		for what, ask := range map[string]func(*dnssec.Denial) dnssec.Proof{
			"NXDOMAIN": nxdomain(deep.String()), "NODATA": nodata(deep.String(), lookup.TypeA), "NoDS": noDS(deep.String()),
		} {
			if p := ask(v.Denial(name("example."), chain)); p.Status != dnssec.Bogus || !p.Spent {
				t.Errorf("%s: %+v", what, p)
			}
		}
		if budget.Hash() {
			t.Error("there are hashes left")
		}
	}
	// A name is paid for once, however often a response's proofs want it.
	budget := lookup.NewBudget(lookup.Limits{Hashes: 3})
	v := &dnssec.Verifier{Now: now, Budget: budget}
	d := v.Denial(name("example."), z.nsec3(50, "", false))
	for range 5 {
		if p := d.NXDOMAIN(name("a.b.example.")); p.Status != dnssec.Secure { // b, the apex, the wildcard
			t.Errorf("%+v", p)
		}
	}
	if budget.Hash() {
		t.Error("the names were not paid for")
	}
	if p := d.NXDOMAIN(name("c.example.")); p.Status != dnssec.Bogus || !p.Spent {
		t.Errorf("beyond the budget: %+v", p)
	}
	// Beyond the policy nothing is hashed at all.
	budget = lookup.NewBudget(lookup.Limits{Hashes: 1})
	v = &dnssec.Verifier{Now: now, Budget: budget}
	if p := v.Denial(name("example."), z.nsec3(51, "", false)).NXDOMAIN(deep); p.Status != dnssec.Insecure || !budget.Hash() {
		t.Errorf("%+v", p)
	}
	v = &dnssec.Verifier{Now: now, Budget: lookup.NewBudget(lookup.Limits{}), Policy: dnssec.Policy{MaxIterations: 60}}
	if p := v.Denial(name("example."), z.nsec3(51, "", false)).NXDOMAIN(name("a.example.")); p.Status != dnssec.Secure {
		t.Errorf("by policy: %+v", p)
	}
}

func TestDenialsAreBounded(t *testing.T) {
	t.Parallel()
	chain := rfc4035().nsec()
	var sets []lookup.RRset
	for range dnssec.MaxDenials {
		sets = append(sets, pick(t, chain, "xx.example.")...)
	}
	sets = append(sets, pick(t, chain, "b.example.", "example.")...)
	if p := verifier().Denial(name("example."), sets).NXDOMAIN(name("ml.example.")); p.Status != dnssec.Bogus {
		t.Errorf("%+v", p)
	}
}
