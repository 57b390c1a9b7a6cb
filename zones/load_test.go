package zones

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/sextant-dns/sextant/lookup"
)

// top is the beginning of every zone in these tests: six lines.
const top = `$ORIGIN example.
$TTL 300
@	SOA	ns host 1 7200 900 1209600 60
@	NS	ns
@	NS	ns.elsewhere.
ns	A	192.0.2.53
`

// load loads a zone that must be without errors.
func load(t testing.TB, text string) *Zone {
	t.Helper()
	z, err := Load(strings.NewReader(text), "example.zone", LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func name(s string) lookup.Name { return lookup.MustName(s) }

func TestWhatContradictsTheRFCsIsRefusedWithItsPlace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ what, zone, want string }{
		{"syntax", top + "www A 192.0.2.300\n", `example.zone:7:17: bad A A: "192.0.2.300"`},
		{"syntax in a later line of an RR", top + "www MX (\n\tten ns )\n", `example.zone:8:5: bad MX Pref: "ten"`},
		{"no owner", " TXT x\n", "example.zone:1:2: an RR that should inherit its owner"},
		{"no rdata", top + "www A\n", "example.zone:7:1: www.example. A: nothing follows the type"},
		{"no rdata where zeros are rdata", top + "www MX\n", "example.zone:7:1: www.example. MX: nothing follows the type"},
		{"no rdata, said in full", top + `www A \# 0` + "\n", "example.zone:7:1: www.example. A: nothing follows the type"},
		{"no SOA", "$TTL 60\nexample. NS ns.example.\n", "example.zone: no SOA"},
		{"nothing", "", "example.zone: no SOA"},
		{"two SOAs", top + "@ SOA ns host 2 7200 900 1209600 60\n", "example.zone:7:1: example. SOA: there can be only one"},
		{"SOA below the apex", top + "sub SOA ns host 1 7200 900 1209600 60\n", "example.zone:7:1: sub.example. SOA: a SOA belongs at example., the apex"},
		{"no NS", "$TTL 60\nexample. SOA . . 1 2 3 4 5\n", "example.zone: no NS at example., the apex"},
		{"out of zone", top + "www.example.com. A 192.0.2.1\n", "example.zone:7:1: www.example.com. A: not in zone example."},
		{"a name that only looks as if it were in the zone", top + "notexample. A 192.0.2.1\n", "example.zone:7:1: notexample. A: not in zone example."},
		{"class", top + "www CH TXT chaos\n", "example.zone:7:1: www.example. TXT: class CH, and a zone is of class IN"},
		{"TTL", top + "www 2147483648 A 192.0.2.1\n", "example.zone:7:1: www.example. A: TTL 2147483648 is above 2^31-1 (RFC 2181 8)"},
		{"meta type", top + `www TYPE255 \# 0` + "\n", "example.zone:7:1: www.example. ANY: a type that no zone may hold"},
		{"CNAME and other data", top + "; an alias\n\nwww CNAME ns\n  TXT other\n", "example.zone:10:3: www.example. TXT: stands beside a CNAME, and must not (RFC 2181 10.1)"},
		{"two CNAMEs", top + "www CNAME a.elsewhere.\nwww CNAME b.elsewhere.\n", "example.zone:8:1: www.example. CNAME: there can be only one"},
		{"two DNAMEs", top + "www DNAME a.elsewhere.\nwww DNAME b.elsewhere.\n", "example.zone:8:1: www.example. DNAME: there can be only one"},
		{"data below a DNAME", top + "d DNAME elsewhere.\na.b.d A 192.0.2.1\n", "example.zone:8:1: a.b.d.example. A: below the DNAME of d.example. (RFC 6672 2.4)"},
		{"data below a DNAME at the apex", top + "@ DNAME elsewhere.\n", "example.zone:6:1: ns.example. A: below the DNAME of example. (RFC 6672 2.4)"},
		{"wildcard NS", top + "*.w NS ns\n", "example.zone:7:1: *.w.example. NS: a wildcard delegates nothing (RFC 4592 4.2)"},
		{"wildcard DNAME", top + "*.w DNAME elsewhere.\n", "example.zone:7:1: *.w.example. DNAME: a wildcard DNAME has no defined meaning (RFC 4592 4.4)"},
		{"wildcard SOA", top + "*.w SOA ns host 1 2 3 4 5\n", "example.zone:7:1: *.w.example. SOA: a SOA belongs at example., the apex"},
		{"wildcard zone", "$TTL 60\n*.example. SOA . . 1 2 3 4 5\n*.example. NS ns.elsewhere.\n", "example.zone: *.example.: a wildcard cannot be a zone (RFC 4592 4.1)"},
		{"$INCLUDE", top + "$INCLUDE /etc/passwd\n", "example.zone:7:20: $INCLUDE directive not allowed"},
	} {
		_, err := Load(strings.NewReader(c.zone), "example.zone", LoadOptions{})
		if err == nil {
			t.Errorf("%s: loaded", c.what)
		} else if lines := strings.Split(err.Error(), "\n"); !slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, c.want) }) {
			t.Errorf("%s:\n got %v\nwant %s", c.what, err, c.want)
		}
	}
}

func TestErrorsAreToldTogetherAndInOrder(t *testing.T) {
	t.Parallel()
	text := top + "b.other. A 192.0.2.1\nx CNAME ns\nx A 192.0.2.1\na.other. A 192.0.2.1\n"
	_, err := Load(strings.NewReader(text), "e", LoadOptions{})
	want := `e:7:1: b.other. A: not in zone example.
e:9:1: x.example. A: stands beside a CNAME, and must not (RFC 2181 10.1)
e:10:1: a.other. A: not in zone example.`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	_, err = Load(strings.NewReader(top+strings.Repeat("a.other. A 192.0.2.1\n", 30)), "e", LoadOptions{})
	if lines := strings.Split(err.Error(), "\n"); len(lines) != maxErrors+1 || lines[maxErrors] != "e: and 10 more" {
		t.Errorf("got %d lines:\n%v", len(lines), err)
	}
}

// Reading goes on behind a mistake, so that all of them are told at once; but not where what
// follows would depend on it.
func TestAllMistakesOfAFileAreTold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ what, text, want string }{
		{"lines", "a A 1.2.3\n AAAA zz\nb MX x y\nc..d A 192.0.2.1\nfine A 192.0.2.1\ne NOSUCH x\n",
			`7:9: bad A A: "1.2.3"
8:8: bad AAAA AAAA: "zz"
9:7: bad MX Pref: "x"
10:5: bad owner name: "c..d"
12:9: not a TTL: "NOSUCH"`},
		{"parentheses", "a MX ( x\n y\n ) ; z\nb A 1.2.3\n", "7:9: bad MX Pref: \"x\"\n10:9: bad A A: \"1.2.3\""},
		{"beside what contradicts the zone", "b.other. A 192.0.2.1\nb A 1.2.3\nx CLASS3 A 192.0.2.1\n", "8:9: bad A A: \"1.2.3\"\n9:1: x.example. A: class CH, and a zone is of class IN"},
		{"a string that does not end", "a TXT \"b\nb A 1.2.3\n", `7:6: bad TXT Txt: " "`},
		{"behind $INCLUDE", "$INCLUDE none\nb A 1.2.3\n", "7:13: $INCLUDE directive not allowed: \"none\"\n8:9: bad A A: \"1.2.3\""},
		{"the 20th is the last", strings.Repeat("a A 1.2.3\n", 30), strings.Join(func() (all []string) {
			for line := range maxErrors {
				all = append(all, fmt.Sprintf("%d:9: bad A A: \"1.2.3\"", line+7))
			}
			return all
		}(), "\n")},
	} {
		_, err := Load(strings.NewReader(top+c.text), "e", LoadOptions{})
		if got := strings.TrimPrefix(strings.ReplaceAll(fmt.Sprint(err), "\ne:", "\n"), "e:"); got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.what, got, c.want)
		}
	}
}

func TestWhatIsUnwiseIsLint(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ zone, want string }{
		{"www 300 A 192.0.2.1\nwww 200 A 192.0.2.2\n", "7:1: www.example. A: TTL 300 where another RR of the RRset has 200; lowered (RFC 2181 5.2)"},
		{"www A 192.0.2.1\nwww A 192.0.2.1\n", "8:1: www.example. A: the same RR twice; once is kept (RFC 2181 5)"},
		{"www MX 1 ns\nwww MX 1 NS\n", "8:1: www.example. MX: the same RR twice; once is kept (RFC 2181 5)"}, // RFC 4343 3
		{"sub NS ns\nsub NS ns2\nns2 A 192.0.2.2\nsub NS NS2\n", "10:1: sub.example. NS: the same RR twice; once is kept (RFC 2181 5)"},
		{"@ MX 10 alias\nalias CNAME ns\n", "7:1: example. MX: alias.example. is an alias, and must not be (RFC 2181 10.3)"},
		{"@ MX 10 nobody\n", "7:1: example. MX: nobody.example. has no address"},
		{"_x._tcp SRV 0 0 80 nobody\n", "7:1: _x._tcp.example. SRV: nobody.example. has no address"},
		{"sub NS ns.sub\n", "7:1: sub.example. NS: ns.sub.example. is in the zone that it serves, and has no glue"},
		{"sub NS ns\nsub TXT x\n", "8:1: sub.example. TXT: hidden by the zone cut; it belongs into zone sub.example. (RFC 2181 6.1)"},
		{"sub NS ns\na.sub TXT x\n", "8:1: a.sub.example. TXT: hidden by the zone cut sub.example. (RFC 2181 6.1)"},
		{"www DS 1 13 2 00\n", "7:1: www.example. DS: there is no zone cut here (RFC 4035 2.4)"},
		{"www.example A 192.0.2.1\n", "7:1: www.example.example.: is a final dot missing?"},
		{"@ MX 10 mx.example\n", "7:1: example. MX: mx.example.example. has no address; is a final dot missing?"},
		{"txt TXT \"" + strings.Repeat("x", 256) + "\"\n", "7:1: txt.example. TXT: a string of more than 255 octets, which is split (RFC 1035 3.3)"},
		{"a.*.b A 192.0.2.1\n", "7:1: a.*.b.example.: * in the middle of a name is a label like any other (RFC 4592 2.1.1)"},
		{"*www A 192.0.2.1\n", "7:1: *www.example.: only a label that is * alone is a wildcard (RFC 4592 2.1.1)"},
		{"*.w CNAME x.w\n", "7:1: *.w.example. CNAME: leads to itself"},
		{"self CNAME self\n", "7:1: self.example. CNAME: leads to itself"},
		{"www CNAME www.example\n", "7:1: www.example. CNAME: www.example.example. does not exist; is a final dot missing?"},
		{"@ NS alias\nalias CNAME ns\n", "4:1: example. NS: alias.example. is an alias, and must not be (RFC 2181 10.3)"},
		{"@ NS nobody\n", "4:1: example. NS: nobody.example. has no address"},
		{"_x._tcp SRV 0 0 80 alias\nalias CNAME ns\n", "7:1: _x._tcp.example. SRV: alias.example. is an alias, and must not be (RFC 2181 10.3)"},
		{"www RRSIG A 13 2 300 20300101000000 20200101000000 1 @ AAAA\n", "7:1: www.example. A: an RRSIG covers this RRset, which is not there; left out"},
	} {
		var got []string
		for _, p := range load(t, top+c.zone).Lint() {
			got = append(got, strings.TrimPrefix(p.Error(), "example.zone:"))
		}
		if !slices.Equal(got, []string{c.want}) {
			t.Errorf("%s got  %s\nwant %s", c.zone, strings.Join(got, "\n     "), c.want)
		}
	}
}

func TestGoodZonesHaveNoLint(t *testing.T) {
	t.Parallel()
	z := load(t, top+`
	MX	0 .                ; RFC 7505: no mail here
	MX	10 mail.elsewhere.
sub	NS	ns.sub
	NS	ns.other           ; below another cut: who knows
	DS	1 13 2 00
ns.sub	AAAA	2001:db8::53
other	NS	ns.sub
six	A	192.0.2.6
mx6	MX	5 only6
only6	AAAA	2001:db8::6
alias	CNAME	www.elsewhere.
	RRSIG	CNAME 13 2 300 20300101000000 20200101000000 1 @ AAAA
	NSEC	ns CNAME RRSIG NSEC
`)
	for _, p := range z.Lint() {
		t.Error(p)
	}
}

func TestRRsetsAreAsTheFileHasThem(t *testing.T) {
	t.Parallel()
	z := load(t, top+`www 60 A 192.0.2.2
www 60 A 192.0.2.1
www 60 RRSIG A 13 2 60 20300101000000 20200101000000 1 @ AAAA
odd TYPE65400 \# 3 010203
svc HTTPS 1 . alpn=h2 ipv4hint=192.0.2.1
Esc\.aped\032name TXT "with; semicolon" "and \"quotes\""
Mail MX 10 Mx.Elsewhere.
zeros A 0.0.0.0
empty TXT ""
`)
	for _, c := range []struct {
		owner string
		t     lookup.Type
		want  string
	}{
		{"www.example.", lookup.TypeA, "www.example. 60 IN A 192.0.2.2\nwww.example. 60 IN A 192.0.2.1\nwww.example. 60 IN RRSIG A 13 2 60 20300101000000 20200101000000 1 example. AAAA"},
		{"odd.example.", 65400, `odd.example. 300 CLASS1 TYPE65400 \# 3 010203`}, // RFC 3597 5
		{"svc.example.", lookup.TypeHTTPS, `svc.example. 300 IN HTTPS 1 . alpn="h2" ipv4hint="192.0.2.1"`},
		{`esc\.aped\032name.example.`, lookup.TypeTXT, `esc\.aped\ name.example. 300 IN TXT "with; semicolon" "and \"quotes\""`},
		{"mail.example.", lookup.TypeMX, "mail.example. 300 IN MX 10 Mx.Elsewhere."}, // RFC 1035 2.3.3
		{"zeros.example.", lookup.TypeA, "zeros.example. 300 IN A 0.0.0.0"},
		{"empty.example.", lookup.TypeTXT, `empty.example. 300 IN TXT ""`},
		{"example.", lookup.TypeSOA, "example. 300 IN SOA ns.example. host.example. 1 7200 900 1209600 60"},
	} {
		m := z.Find(name(c.owner), c.t)
		if got := strings.ReplaceAll(m.Set.String(), "\t", " "); m.Kind != Answer || got != c.want {
			t.Errorf("%v\ngot  %s\nwant %s", m.Kind, got, c.want)
		}
	}
	if z.SOA() != z.Find(z.Apex(), lookup.TypeSOA).Set {
		t.Error("SOA() is another one")
	}
}

// RFC 1035 5.1: parentheses, and the ends of lines between them, are between words.
func TestParenthesesEndWords(t *testing.T) {
	t.Parallel()
	const soa = "@ IN SOA ns host 1 7200 900 1209600 60\n"
	const rest = "@ NS ns.elsewhere.\nm MX 10 ns.elsewhere.\nt TXT \"(a\" \"b)\" \\(c\\)\n"
	want := load(t, "$ORIGIN example.\n$TTL 300\n"+soa+rest)
	for _, text := range []string{
		"@ IN SOA ns host (\n1\n7200\n900\n1209600\n60 )\n" + rest,
		"@ IN SOA ns host(1\n7200 ; refresh\n900;retry\n1209600\n60)\n" + rest,
		"@ (IN SOA ns host\r\n1\r\n7200\r\n)900(\r\n1209600\r\n60\r\n)\r\n" + rest,
		soa + "@(NS)ns.elsewhere.\nm MX(10\nns.elsewhere.)\nt TXT(\"(a\"\n\"b)\"\n\\(c\\))\n",
		"$INCLUDE all\n",
	} {
		o := LoadOptions{Includes: fstest.MapFS{"all": {Data: []byte("@ SOA ns host (\n1\n7200\n900\n1209600\n60 )\n" + rest)}}}
		z, err := Load(strings.NewReader("$ORIGIN example.\n$TTL 300\n"+text), "example.zone", o)
		if err != nil {
			t.Errorf("%v\nof\n%s", err, text)
			continue
		}
		if got, want := slices.Collect(z.Records()), slices.Collect(want.Records()); !slices.Equal(got, want) {
			t.Errorf("%v\ninstead of\n%v\nof\n%s", got, want, text)
		}
	}
}

// What the library's parser does not know is read as its RFC has it.
func TestFormsThatTheLibraryDoesNotKnow(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"@ DNSKEY 256 3 ECDSAP256SHA256 AAEC":                                  `@ TYPE48 \# 7 0100030d000102`,
		"@ CDNSKEY 256 3 ed25519 (\nAAEC )":                                    `@ TYPE60 \# 7 0100030f000102`,
		"@ CDNSKEY 0 3 0 AA==":                                                 `@ TYPE60 \# 5 0000030000`,
		"_dsync DSYNC CDS NOTIFY 5300 ns":                                      `_dsync TYPE66 \# 17 003b0114b4026e73076578616d706c6500`,
		"_dsync DSYNC TYPE62 2 53 .":                                           `_dsync TYPE66 \# 6 003e02003500`,
		"_dsync 5 IN dsync CSYNC notify 0 ns.a.":                               `_dsync 5 TYPE66 \# 11 003e010000026e73016100`,
		"l LOC 42 21 N 71 06 W 24m":                                            `l TYPE29 \# 16 0012161389165ae070be5c4000989fe0`,
		"l LOC 42 N 71 W 24m":                                                  `l TYPE29 \# 16 001216138903210070c3da8000989fe0`,
		"l LOC 42 21 54.5 N 71 W -24.5m 30m":                                   `l TYPE29 \# 16 0033161389172fc470c3da8000988cee`,
		"l LOC 42 21 S ( 71 06 18.123 E\n 42849672.95 0.01m ) 1234m 90000000m": `l TYPE29 \# 16 0010159976e9a5208f41ea8bffffffff`,
		"l LOC 90 0 N 180 0 W 10 1 2 3":                                        `l TYPE29 \# 16 00122232934fd90059604e0000989a68`,
		"n NSAP 0x47.0005.80.005a00.0000.0001.e133.ffffff000161.00":            `n TYPE22 \# 20 47000580005a0000000001e133ffffff00016100`,
		"n nsap 0X4700":                                                        `n TYPE22 \# 2 4700`,
		"p APL":                                                                `p TYPE42 \# 0`,
		"p 7 IN apl ; none":                                                    `p 7 TYPE42 \# 0`,
		"p APL \\# 0":                                                          `p TYPE42 \# 0`,
	} {
		got, want := slices.Collect(load(t, top+text+"\n").Records()), slices.Collect(load(t, top+want+"\n").Records())
		if !slices.Equal(got, want) {
			t.Errorf("%s is\n%v\ninstead of\n%v", text, got, want)
		}
	}
	for _, text := range []string{"@ DNSKEY 256 3 NOBODY AAEC", "@ DSYNC CDS NOTIFY 53", "@ DSYNC NOBODY 1 53 a", "@ DSYNC CDS 256 53 a",
		"l LOC 42 60 N 71 06 W 24m", "l LOC 90 1 N 71 06 W 24m", "l LOC 42 21 E 71 06 W 24m", "l LOC 42 21 N 71 06 W", "l LOC 42 21 N 71 06 W 42849672.96m", "l LOC 42 21 N 71 06 W 1 1 1 1 1",
		"n NSAP 4700", "w WKS 192.0.2.1 TCP 25", "n NSAP 0x", "n NSAP 0x470", "n NSAP 0x47 00", "n NSAP 0x47g0", "p APL x", "p APL \\# 1",
	} {
		if _, err := Load(strings.NewReader(top+text+"\n"), "example.zone", LoadOptions{}); err == nil || !strings.HasPrefix(err.Error(), "example.zone:7:") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// A LOC with minutes and seconds the library reads, too.
func TestPlacesAreWhereTheLibraryHasThem(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"42 21 54 N 71 06 18 W -24m 30m", "0 0 0 S 180 0 0 E 0", "89 00 00.250 S 0 59 59.500 E -100000.00m 90000000m 0.00m 12.5m", "52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m",
	} {
		text = top + "l LOC " + text + "\n"
		library, err := Load(strings.NewReader(text), "example.zone", LoadOptions{narrow: true})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := slices.Collect(load(t, text).Records()), slices.Collect(library.Records()); !slices.Equal(got, want) {
			t.Errorf("%s\n%v\ninstead of\n%v", text, got, want)
		}
	}
}

func TestAllIsInCanonicalOrder(t *testing.T) {
	t.Parallel()
	z := load(t, top+"z A 192.0.2.1\na.z A 192.0.2.1\n* A 192.0.2.1\nb.a A 192.0.2.1\nns AAAA 2001:db8::1\nsub NS ns.sub\nns.sub A 192.0.2.1\n")
	var got []string
	for s := range z.All() {
		got = append(got, strings.TrimSuffix(s.Name.String(), ".example.")+" "+s.Type.String())
	}
	want := "example. NS,example. SOA,* A,b.a A,ns A,ns AAAA,sub NS,ns.sub A,z A,a.z A"
	if s := strings.Join(got, ","); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
	if z.Len() != len(got) {
		t.Errorf("Len is %d", z.Len())
	}
}

func TestOriginMayBeGivenOrFound(t *testing.T) {
	t.Parallel()
	const relative = "$TTL 60\n@ SOA ns host 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n"
	z, err := Load(strings.NewReader(relative), "e", LoadOptions{Origin: name("Given.Example.")})
	if err != nil || z.Apex() != name("given.example.") {
		t.Errorf("given: %v", err)
	}
	if _, err := Load(strings.NewReader(relative), "e", LoadOptions{}); err == nil || !strings.HasPrefix(err.Error(), "e:2:") {
		t.Errorf("neither given nor in the file: %v", err)
	}
	if z, err := Load(strings.NewReader("$ORIGIN found.example.\n"+relative), "e", LoadOptions{}); err != nil || z.Apex() != name("found.example.") {
		t.Errorf("found: %v", err)
	}
	if _, err := Load(strings.NewReader(top), "e", LoadOptions{Origin: name("other.")}); err == nil {
		t.Error("a file for another zone is loaded")
	}
}

func TestGenerate(t *testing.T) {
	t.Parallel()
	z := load(t, top+"$GENERATE 1-3 h$ A 192.0.2.$\n$GENERATE 4-5 h$ 7 A 192.0.2.$\nafter A 192.0.2.99\n")
	for owner, ttl := range map[string]uint32{"h1": 300, "h3": 300, "h4": 7, "h5": 7, "after": 300} {
		if m := z.Find(name(owner+".example."), lookup.TypeA); m.Kind != Answer || m.Set.TTL != ttl {
			t.Errorf("%s: %v, TTL %d, want %d", owner, m.Kind, m.Set.TTL, ttl)
		}
	}
	_, err := Load(strings.NewReader(top+"$GENERATE 1-2 h$.other. A 192.0.2.$\n"), "e", LoadOptions{})
	if want := "e:7:1: h1.other. A: not in zone example.\ne:7:1: h2.other. A: not in zone example."; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	_, err = Load(strings.NewReader(top+"$GENERATE 1-70000 h$ A 192.0.2.1\n"), "e", LoadOptions{})
	if err == nil || !strings.HasPrefix(err.Error(), "e:7:") {
		t.Errorf("70000 steps: %v", err)
	}
}

// The forms are of the BIND 9 ARM, "BIND Primary File Extension: the $GENERATE Directive",
// and the names what named-checkzone makes of them.
func TestGenerateOfNibbles(t *testing.T) {
	t.Parallel()
	z := load(t, top+`
$GENERATE 16-18 ${0,3,n}.ip6 PTR h${0,0,x}.x
$GENERATE 171-173/2 ${0,5,N}.ip6 PTR h$
$GENERATE 1-2 ${0,2,n}ip6 60 IN PTR h\$$
$GENERATE 1-2 ${15,0,n}.q A 1.2.3.${0,0,d}
$GENERATE 1-2 ${-1,1,n}.z PTR $$
$generate 1-1 t${300,1,n} TXT "a\;b" "${0,7,N}" ; c
$GENERATE 300-300 ${0,4,x}.${0,4,X}.${0,4,o}.w PTR ${0,4,n}
after A 192.0.2.1
`)
	want := load(t, top+`
td.2.1 TXT "a;b" "1.0.0.0"
B.A.0.ip6 PTR h171
D.A.0.ip6 PTR h173
1.ip6 60 PTR h\$1
0.1.ip6 PTR h10.x
1.1.ip6 PTR h11.x
2.1.ip6 PTR h12.x
2.ip6 60 PTR h\$2
0.1.q A 1.2.3.1
1.1.q A 1.2.3.2
012c.012C.0454.w PTR c.2.1
0.z PTR \$
1.z PTR \$
after A 192.0.2.1
`)
	if got, want := recordSet(z), recordSet(want); !maps.Equal(got, want) {
		t.Errorf("%v\ninstead of\n%v", got, want)
	}
	for text, want := range map[string]string{
		"$GENERATE 1-70000 ${0,1,n} A 192.0.2.1\n":                                                   `e:7:1: bad range "1-70000" in $GENERATE`,
		"$GENERATE 2-1 ${0,1,n} A 192.0.2.1\n":                                                       `e:7:1: bad range "2-1" in $GENERATE`,
		"$GENERATE 1-2/0 ${0,1,n} A 192.0.2.1\n":                                                     `e:7:1: bad range "1-2/0" in $GENERATE`,
		"$GENERATE 1-2 ${-2,1,n} A 192.0.2.1\n":                                                      "e:7:1: bad modifier {-2,1,n} in $GENERATE",
		"$GENERATE 1-2 ${0,256,n} A 192.0.2.1\n":                                                     "e:7:1: bad modifier {0,256,n} in $GENERATE",
		"$GENERATE 1-2 ${0,1,n}\n":                                                                   `e:7:1: $GENERATE makes "1", which is no RR`,
		"$GENERATE 1-3 ${0,1,n} A 192.0.2.1\n$GENERATE 1-3 x${0,1,n} A 192.0.2.1\na A 192.0.2.256\n": "e:8:1: $GENERATE has made more than 5 RRs",
	} {
		if _, err := Load(strings.NewReader(top+text), "e", LoadOptions{Generate: 5}); err == nil || err.Error() != want {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestGenerateIsBoundedInTotal(t *testing.T) {
	t.Parallel()
	const text = top + "$GENERATE 1-3 a$ A 192.0.2.1\n$GENERATE 1-3 b$ A 192.0.2.1\n"
	_, err := Load(strings.NewReader(text), "e", LoadOptions{Generate: 5})
	if want := "e:8:1: $GENERATE has made more than 5 RRs"; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if _, err := Load(strings.NewReader(text), "e", LoadOptions{Generate: 6}); err != nil {
		t.Error(err)
	}
}

// Who writes a zone file shall not be able to stop the server with it.
func TestHostileGenerateIsRefused(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"$GENERATE 0-65536 h$ A 192.0.2.1",
		"$GENERATE 0-4294967295 h$ A 192.0.2.1",
		"$GENERATE 0-99999999999999999999 h$ A 192.0.2.1",
		"$GENERATE 9-1 h$ A 192.0.2.1",
		"$GENERATE 1-3/0 h$ A 192.0.2.1",
		"$GENERATE 1-3/-1 h$ A 192.0.2.1",
		"$GENERATE 1-2 h${0,1000000000,d} A 192.0.2.1",
		"$GENERATE 1-2 h${-9,1,d} A 192.0.2.1",
		"$GENERATE 1-2 $GENERATE 1-2 A 192.0.2.1",
	} {
		_, err := Load(strings.NewReader(top+line+"\n"), "e", LoadOptions{Generate: 1000})
		if err == nil || !strings.HasPrefix(err.Error(), "e:7:") {
			t.Errorf("%s: %v", line, err)
		}
	}
}

func TestIncludeStaysInItsDirectory(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{
		"hosts":     {Data: []byte("; hosts\nwww A 192.0.2.1\n\n$INCLUDE sub/more\nbad.other. A 192.0.2.1\n")},
		"good":      {Data: []byte("www A 192.0.2.1\n")},
		"sub/more":  {Data: []byte("more\tA 192.0.2.2\n\tworse.other. A 192.0.2.300\n")},
		"sub/round": {Data: []byte("$INCLUDE round\n")},
	}
	for include, want := range map[string]string{
		"hosts":        `dir/sub/more:2:14: `,
		"sub/round":    "dir/sub/round:1:14: too deeply nested $INCLUDE",
		"../secret":    "dir/example.zone:7:",
		"/etc/passwd":  "dir/example.zone:7:",
		"sub":          "dir/example.zone",
		"good":         "",
		"good inside.": "dir/good:1:1: www.inside. A: not in zone example.",
	} {
		_, err := Load(strings.NewReader(top+"$INCLUDE "+include+"\nlast A 192.0.2.9\n"), "dir/example.zone", LoadOptions{Includes: files})
		if got := fmt.Sprint(err); !strings.HasPrefix(got, want) || want == "" && err != nil {
			t.Errorf("%s:\ngot  %s\nwant %s", include, got, want)
		}
	}
}

// An included file is read as the main file is: what the library does not know, all that
// is wrong, and nothing of it holds in the file that includes it.
func TestIncludedFilesAreReadAsTheMainFile(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{
		"forms":      {Data: []byte("$TTL 7\n@ DNSKEY 256 3 ECDSAP256SHA256 AAEC\n_dsync DSYNC CDS NOTIFY 5300 ns\n$INCLUDE sub/deep b\nl LOC 42 21 N 71 W 24m\n$GENERATE 1-1 ${0,3,n} CDNSKEY 256 3 ED25519 AAEC")},
		"sub/deep":   {Data: []byte("$ORIGIN c\n$INCLUDE ../sub/deeper")},
		"sub/deeper": {Data: []byte("d APL\n 9 CDNSKEY (\n256 3 ED25519 AAEC )\n")},
		"wrong":      {Data: []byte("a A 192.0.2.256\n$INCLUDE sub/wrong\nb A 192.0.2.1\nb DSYNC CDS\n")},
		"sub/wrong":  {Data: []byte("\na MX x y\nb.other. A 192.0.2.1\nc A 192.0.2.300")},
	}
	o := LoadOptions{Includes: files}
	z, err := Load(strings.NewReader(top+"x A 192.0.2.1\n$INCLUDE forms a\n A 192.0.2.2\ny A 192.0.2.3\n"), "dir/example.zone", o)
	if err != nil {
		t.Fatal(err)
	}
	want := load(t, top+`
x A 192.0.2.1
x A 192.0.2.2
y A 192.0.2.3
a 7 TYPE48 \# 7 0100030d000102
_dsync.a 7 TYPE66 \# 19 003b0114b4026e730161076578616d706c6500
l.a 7 TYPE29 \# 16 0012161389165ae070c3da8000989fe0
1.0.a 7 TYPE60 \# 7 0100030f000102
d.c.b.a 7 TYPE42 \# 0
d.c.b.a 9 TYPE60 \# 7 0100030f000102
`)
	if got, want := recordSet(z), recordSet(want); !maps.Equal(got, want) {
		t.Errorf("%v\ninstead of\n%v", got, want)
	}
	_, err = Load(strings.NewReader(top+"$INCLUDE wrong\nb A 192.0.2.400\n"), "dir/example.zone", o)
	var places []string
	for _, p := range Problems(err) {
		places = append(places, fmt.Sprintf("%s:%d", p.File, p.Line))
	}
	if got, want := strings.Join(places, " "), "dir/example.zone:8 dir/wrong:1 dir/wrong:4 dir/sub/wrong:2 dir/sub/wrong:4"; got != want {
		t.Errorf("%s\ninstead of\n%s\n%v", got, want, err)
	}
	for _, cycle := range []string{"more.zone", "../dir/example.zone"} { // files that include two each end, too
		many := fstest.MapFS{"more.zone": {Data: []byte("$INCLUDE more.zone\n$INCLUDE more.zone\n")}}
		if _, err := Load(strings.NewReader(top+"$INCLUDE "+cycle+"\n"), "dir/example.zone", LoadOptions{Includes: many}); err == nil {
			t.Errorf("%s: no error", cycle)
		}
	}
}

func TestLoadFileFollowsNoLinkOutOfTheDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(file, text string) {
		file = filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("secret", "www A 192.0.2.1\n")
	write("zones/more", "more A 192.0.2.1\n")
	write("zones/up.zone", top+"$INCLUDE ../secret\n")
	write("zones/absolute.zone", top+"$INCLUDE "+dir+"/secret\n")
	write("zones/good.zone", top+"$INCLUDE more\n")
	write("zones/bad.zone", top+"$INCLUDE link\n")
	if err := os.Symlink("../secret", filepath.Join(dir, "zones/link")); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	if _, err := LoadFile(filepath.Join(dir, "zones/good.zone"), name("example.")); err != nil {
		t.Error(err)
	}
	if _, err := LoadFile(filepath.Join(dir, "zones/bad.zone"), name("example.")); err == nil {
		t.Error("a link led out of the directory")
	} else if p, ok := err.(interface{ Unwrap() []error }); !ok || len(p.Unwrap()) != 1 {
		t.Errorf("got %#v", err)
	}
	for _, file := range []string{"zones/up.zone", "zones/absolute.zone"} {
		if _, err := LoadFile(filepath.Join(dir, file), name("example.")); err == nil {
			t.Errorf("%s leads out of the directory", file)
		}
	}
	if _, err := LoadFile(filepath.Join(dir, "zones/none.zone"), name("example.")); err == nil {
		t.Error("no file, no error")
	}
}
