package authoritative

import (
	"strings"
	"testing"

	"github.com/sextant-dns/sextant/lookup"
)

// A root as it is signed: every name that it has in NSEC, delegations with and
// without DS, and, unlike the real one, a wildcard.
const signedRoot = `$TTL 60
.	SOA	a.nic. host.nic. 1 2 3 4 60
.	NS	a.nic.
.	NSEC	com. NS SOA RRSIG NSEC
com.	NS	a.nic.
com.	DS	1 13 2 00
com.	NSEC	net. NS DS RRSIG NSEC
net.	NS	a.nic.
net.	NSEC	nic. NS RRSIG NSEC
nic.	NS	a.nic.
nic.	NSEC	*.w. NS RRSIG NSEC
a.nic.	A	192.0.2.1
*.w.	TXT	"wild"
*.w.	NSEC	a.w. TXT RRSIG NSEC
a.w.	CNAME	b.w.
a.w.	NSEC	. CNAME RRSIG NSEC
`

// sigs are RRSIGs for the RRsets "owner type" of a zone.
func sigs(signer string, sets ...string) string {
	var b strings.Builder
	for _, s := range sets {
		owner, t, _ := strings.Cut(s, " ")
		b.WriteString(owner + " RRSIG " + t + " 13 1 60 20300101000000 20200101000000 1 " + signer + " AAAA\n")
	}
	return b.String()
}

// brief is the response without TTLs and with "+" behind what is signed.
func brief(r *lookup.Response) string {
	b := []string{r.Rcode.String()}
	for _, section := range [...][]lookup.RRset{r.Answer, r.Authority, r.Additional} {
		b = append(b, "|")
		for _, s := range section {
			set := s.Name.String() + " " + s.Type.String()
			if s.Sigs != "" {
				set += "+"
			}
			b = append(b, set)
		}
	}
	return strings.Join(b, " ")
}

func TestG801G802G901ProofsOfASignedZone(t *testing.T) {
	t.Parallel()
	a := New(tree(t, signedRoot+sigs(".", ". SOA", ". NS", ". NSEC", "com. DS", "com. NSEC", "net. NSEC", "nic. NSEC", "*.w. TXT", "*.w. NSEC", "a.w. CNAME", "a.w. NSEC")))
	for _, c := range []struct{ why, question, want string }{
		{"an answer proves itself", ". NS +do", "NOERROR | . NS+ | | a.nic. A"},
		{"a referral to a signed zone", "www.com. A +do", "NOERROR | | com. NS com. DS+ | a.nic. A"},
		{"a referral to an unsigned one: no DS (4035 3.1.4.1)", "www.net. A +do", "NOERROR | | net. NS net. NSEC+ | a.nic. A"},
		{"the DS that there is", "com. DS +do", "NOERROR | com. DS+ | |"},
		{"the DS that there is not", "net. DS +do", "NOERROR | | . SOA+ net. NSEC+ |"},
		{"NODATA (4035 3.1.3.1)", ". TXT +do", "NOERROR | | . SOA+ . NSEC+ |"},
		{"NODATA of an empty non-terminal", "w. TXT +do", "NOERROR | | . SOA+ nic. NSEC+ |"},
		{"NXDOMAIN: neither the name nor a wildcard (4035 3.1.3.2)", "www.foo. A +do", "NXDOMAIN | | . SOA+ com. NSEC+ . NSEC+ |"},
		{"NXDOMAIN where one NSEC says both", "aaa. A +do", "NXDOMAIN | | . SOA+ . NSEC+ |"},
		{"NXDOMAIN behind the last name", "zzz. A +do", "NXDOMAIN | | . SOA+ a.w. NSEC+ . NSEC+ |"},
		{"a wildcard's answer: nothing closer (4035 3.1.3.3)", "x.w. TXT +do", "NOERROR | x.w. TXT+ | a.w. NSEC+ |"},
		{"a wildcard without the type (4035 3.1.3.4)", "x.w. A +do", "NOERROR | | . SOA+ a.w. NSEC+ *.w. NSEC+ |"},
		{"the end of a chain", "a.w. TXT +do", "NOERROR | a.w. CNAME+ b.w. TXT+ | a.w. NSEC+ |"},
		{"without DO nothing of it", "www.net. A", "NOERROR | | net. NS | a.nic. A"},
		{"without DO nothing of it", "www.foo. A", "NXDOMAIN | | . SOA+ |"},
	} {
		if got := brief(ask(t, a, c.question)); got != c.want {
			t.Errorf("%s\n%s\ngot  %s\nwant %s", c.why, c.question, got, c.want)
		}
	}
}

// RRSIGs go with what is authoritative (RFC 4035 3.1.1), which in a referral are the DS and the
// addresses of servers that are in no zone below: never with its NS and its glue.
func TestG501G601G602G801SignaturesStayWithWhatIsAuthoritative(t *testing.T) {
	t.Parallel()
	const sig = " 13 2 300 20300101000000 20200101000000 1 example. AAAA\n"
	a := New(tree(t, parent+"www RRSIG A"+sig+"sub RRSIG DS"+sig+"*.w RRSIG A"+sig+
		"sub RRSIG NS"+sig+"ns.sub RRSIG A"+sig+"ns.sib RRSIG A"+sig+"ns RRSIG A"+sig+"ns RRSIG AAAA"+sig))
	if r := ask(t, a, "www.example. A +do"); r.Answer[0].Sigs.Len() != 1 {
		t.Errorf("unsigned: %v", r)
	}
	if r := ask(t, a, "x.w.example. A +do"); r.Answer[0].Sigs.Len() != 1 {
		t.Errorf("the wildcard's signature is gone: %v", r)
	}
	r := ask(t, a, "x.sub.example. A +do")
	for _, s := range append(r.Authority, r.Additional...) {
		if (s.Sigs != "") != (s.Type == lookup.TypeDS || s.Name == lookup.MustName("ns.example.")) {
			t.Errorf("in a referral: %v", s)
		}
	}
	if len(r.Authority) != 2 || len(r.Additional) != 5 {
		t.Errorf("the referral: %v", r)
	}
	if r := ask(t, a, "x.child.example. A +do"); len(r.Authority) != 1 {
		t.Errorf("a DS that is not signed: %v", r) // RFC 4035 3.1.4 speaks of signed zones
	}
	if r := ask(t, a, "www.example. ANY +do"); len(r.Answer) != 1 || r.Answer[0].Sigs.Len() != 1 {
		t.Errorf("ANY: %v", r)
	}
	// RFC 8482: one RRset's signatures answer for RRSIG.
	if r := ask(t, a, "www.example. RRSIG"); len(r.Answer) != 1 || r.Answer[0].Type != lookup.TypeRRSIG {
		t.Errorf("RRSIG: %v", r)
	}
}

func TestG403OnlyTheDNAMEIsSigned(t *testing.T) {
	t.Parallel()
	a := New(tree(t, "$ORIGIN example.\n$TTL 300\n@ SOA ns host 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\nd DNAME e\nwww.e A 192.0.2.2\n"+
		sigs("example.", "d.example. DNAME", "www.e.example. A")))
	if got, want := brief(ask(t, a, "www.d.example. A +do")), "NOERROR | d.example. DNAME+ www.d.example. CNAME www.e.example. A+ | |"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// The zone of RFC 5155 appendix A, as far as its examples in appendix B need it.
const rfc5155 = `$TTL 3600
example.	SOA	ns1.example. bugs.x.w.example. 1 3600 300 3600000 3600
example.	NS	ns1.example.
example.	MX	1 xx.example.
example.	NSEC3PARAM 1 0 12 aabbccdd
0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example. NSEC3 1 1 12 aabbccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr MX DNSKEY NS SOA NSEC3PARAM RRSIG
2t7b4g4vsa5smi47k61mv5bv1a22bojr.example. NSEC3 1 1 12 aabbccdd 2vptu5timamqttgl4luu9kg21e0aor3s A RRSIG
2vptu5timamqttgl4luu9kg21e0aor3s.example. NSEC3 1 1 12 aabbccdd 35mthgpgcu1qg68fab165klnsnk3dpvl MX RRSIG
35mthgpgcu1qg68fab165klnsnk3dpvl.example. NSEC3 1 1 12 aabbccdd b4um86eghhds6nea196smvmlo4ors995 NS DS RRSIG
a.example.	NS	ns1.a.example.
a.example.	DS	58470 5 1 3079f1593ebad6dc121e202a8b766a6a4837206c
ns1.a.example.	A	192.0.2.5
ai.example.	A	192.0.2.9
b4um86eghhds6nea196smvmlo4ors995.example. NSEC3 1 1 12 aabbccdd gjeqe526plbf1g8mklp59enfd789njgi MX RRSIG
c.example.	NS	ns1.c.example.
ns1.c.example.	A	192.0.2.7
gjeqe526plbf1g8mklp59enfd789njgi.example. NSEC3 1 1 12 aabbccdd ji6neoaepv8b5o6k4ev33abha8ht9fgc HINFO A AAAA RRSIG
ji6neoaepv8b5o6k4ev33abha8ht9fgc.example. NSEC3 1 1 12 aabbccdd k8udemvp1j2f7eg6jebps17vp3n8i58h
k8udemvp1j2f7eg6jebps17vp3n8i58h.example. NSEC3 1 1 12 aabbccdd kohar7mbb8dc2ce8a9qvl8hon4k53uhi
kohar7mbb8dc2ce8a9qvl8hon4k53uhi.example. NSEC3 1 1 12 aabbccdd q04jkcevqvmu85r014c7dkba38o0ji5r A RRSIG
ns1.example.	A	192.0.2.1
ns2.example.	A	192.0.2.2
q04jkcevqvmu85r014c7dkba38o0ji5r.example. NSEC3 1 1 12 aabbccdd r53bq7cc2uvmubfu5ocmm6pers9tk9en A RRSIG
r53bq7cc2uvmubfu5ocmm6pers9tk9en.example. NSEC3 1 1 12 aabbccdd t644ebqk9bibcna874givr6joj62mlhv MX RRSIG
t644ebqk9bibcna874givr6joj62mlhv.example. NSEC3 1 1 12 aabbccdd 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom HINFO A AAAA RRSIG
*.w.example.	MX	1 ai.example.
x.w.example.	MX	1 xx.example.
x.y.w.example.	MX	1 xx.example.
xx.example.	A	192.0.2.10
`

// The responses of RFC 5155 appendix B, by the first letters of the hashes.
func TestG902ResponsesOfRFC5155AppendixB(t *testing.T) {
	t.Parallel()
	a := New(tree(t, rfc5155))
	for _, c := range []struct{ section, question, want string }{
		{"B.1", "a.c.x.w.example. A +do", "NXDOMAIN 0p9m b4um 35mt"},
		{"B.2", "ns1.example. MX +do", "NOERROR 2t7b"},
		{"B.2.1", "y.w.example. A +do", "NOERROR ji6n"},
		{"B.3", "mc.c.example. MX +do", "NOERROR 35mt 0p9m"},
		{"B.4", "a.z.w.example. MX +do", "NOERROR q04j"},
		{"B.5", "a.z.w.example. AAAA +do", "NOERROR k8ud q04j r53b"},
		{"B.6", "example. DS +do", "NOERROR 0p9m"},
	} {
		r := ask(t, a, c.question)
		got := r.Rcode.String()
		want := strings.Fields(c.want)
		for _, s := range r.Authority {
			if s.Type == lookup.TypeNSEC3 {
				got += " " + s.Name.Label()[:4]
			}
		}
		for _, w := range want {
			if !strings.Contains(got, w) || len(strings.Fields(got)) != len(want) {
				t.Errorf("%s %s: got %s, want %s", c.section, c.question, got, c.want)
				break
			}
		}
	}
}
