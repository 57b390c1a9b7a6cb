package zones

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/sextant-dns/sextant/lookup"
)

// kinds has each kind of RR that is read without the library, and what is near to it.
const kinds = top + `
a	A	192.0.2.1
	60 IN A	192.0.2.2   ; with a comment
 IN 60 A 192.0.2.3
A.b	IN	aaaa 2001:DB8::1
a.b	AAAA ::
a.b	AAAA ::1
a.b	AAAA 1::
a.b	AAAA 1:2:3:4:5:6:7:8
a.b	AAAA ::ffff:192.0.2.1
c	CNAME	@
d.example.	MX 10 Mail.Elsewhere.
_s._tcp SRV 1 2 3 a
t	TXT	"one" "two ; three" ""
t2	TXT	bare
t3	TXT "esc\"aped" "\065"
t4	TXT "a""b"
t5	TXT "open
 still"
p	PTR	a
*.w	A	192.0.2.1
dn	DNAME	elsewhere.
s	NS	ns.s
	DS	1 13 2 00ff
ns.s	A	192.0.2.5
@	DNSKEY	257 3 13 AAEC AwQF
@	RRSIG	SOA 13 1 300 20300101000000 20200101000000 1 @ AAECAwQFBgcICQ==
@	NSEC	a NS SOA RRSIG NSEC
@	NSEC3PARAM 1 0 0 -
2t7b4g4vsa5smi47k61mv5bv1a22bojr NSEC3 1 0 0 ab 2VPTU5TIMAMQTTGL4LUU9KG21E0AOR3S A NS
$TTL 60
$ORIGIN sub.example.
x	A	192.0.2.7
$TTL 1h
y	A	192.0.2.8
$ORIGIN example.
z 0 A 192.0.2.9
long ( 60 IN
	A 192.0.2.9 ) ; of two kinds
	A 192.0.2.10
$GENERATE 1-2 g$ A 192.0.2.$
after	A 192.0.2.11
$INCLUDE more inside.example.
	A 192.0.2.12
@ HTTPS 1 . alpn=h2
`

func loadBoth(t testing.TB, text string) (fast, slow *Zone, fastErr, slowErr error) {
	t.Helper()
	o := LoadOptions{Generate: 100, narrow: true, Includes: fstest.MapFS{
		"more": {Data: []byte("i A 192.0.2.1\n\n\tA 192.0.2.2\n$TTL 5\nj A 192.0.2.3\n")},
		"bad":  {Data: []byte("i A 192.0.2.1\n\n\tA 192.0.2.256\n")},
	}}
	fast, fastErr = Load(strings.NewReader(text), "f.zone", o)
	o.slow = true
	slow, slowErr = Load(strings.NewReader(text), "f.zone", o)
	return fast, slow, fastErr, slowErr
}

// asTheLibrary fails when text is read in another way than by the library alone.
func asTheLibrary(t testing.TB, text string) (good bool) {
	t.Helper()
	fast, slow, fastErr, slowErr := loadBoth(t, text)
	if a, b := strings.ToLower(fmt.Sprint(fastErr)), strings.ToLower(fmt.Sprint(slowErr)); a != b && !(slowErr != nil && contains(a, b)) { // the library goes no further than a mistake
		t.Fatalf("error\n%s\nand by the library\n%s\nof\n%s\n%q", a, b, text, text)
	}
	if fastErr != nil {
		return false
	}
	a, b := slices.Collect(fast.All()), slices.Collect(slow.All())
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) || a[i] != b[i] {
			t.Fatalf("RRset %d\n%v\nand by the library\n%v\nof\n%q", i, a[min(i, len(a)):], b[min(i, len(b)):], text)
		}
	}
	if !slices.Equal(fast.Lint(), slow.Lint()) {
		t.Fatalf("lint\n%v\nand by the library\n%v\nof\n%q", fast.Lint(), slow.Lint(), text)
	}
	return true
}

// contains tells whether all lines of b are in a.
func contains(a, b string) bool {
	lines := strings.Split(a, "\n")
	for l := range strings.SplitSeq(b, "\n") {
		if !slices.Contains(lines, l) {
			return false
		}
	}
	return true
}

func TestLinesAreReadAsTheLibraryReadsThem(t *testing.T) {
	t.Parallel()
	if !asTheLibrary(t, kinds) {
		_, err := Load(strings.NewReader(kinds), "kinds", LoadOptions{})
		t.Error(err)
	}
	for _, text := range []string{
		"", "\n", top, strings.ReplaceAll(kinds, "\n", "\r\n"), strings.TrimSuffix(top, "\n"),
		"@ 60 SOA . . 1 2 3 4 5\n", "example. 60 SOA . . 1 2 3 4 5\nexample. NS ns.elsewhere.\n A 192.0.2.1\n",
		"example. 0 SOA . . 1 2 3 4 5\nexample. NS ns.elsewhere.\nexample. 5 A 192.0.2.1\nexample. A 192.0.2.2\n",
		"example. IN SOA . . 1 2 3 4 5\nexample. IN NS ns.elsewhere.\n A 192.0.2.1\n",
		top + "\n\n  \n a A 192.0.2.1\nb A 192.0.2.300\n", top + "x A\n", top + "$INCLUDE bad\n", top + "\n\n$INCLUDE bad x.\n", top + "$INCLUDE none\n", top + "$INCLUDE bad\nb A 192.0.2.256\n",
		top + "$INCLUDE more ; x\n A 192.0.2.3\n", top + "$include more more.@\n", top + "$INCLUDE more a b\n", top + "$INCLUDE \"more\"\nz A 192.0.2.1\n", top + "$INCLUDE more sub\nz 0 A 192.0.2.1\n$INCLUDE more sub2\n", top + "$INCLUDE more\n\n$INCLUDE ./x/../more x",
		top + "a A 192.0.2.1 extra\n", top + "a A 192.0.2.1 ; \"\n", top + "a TXT \"" + strings.Repeat("x", 256) + "\"\n",
		top + strings.Repeat("a", 64) + " A 192.0.2.1\n", top + "a A 01.2.3.4\n", top + "a AAAA 1:::2\n", top + "a AAAA ::1::\n", top + "a AAAA 1:2:3:4:5:6:7::8\n",
		top + "a TXT " + strings.Repeat(`"0123456789" `, 6000) + "\n",
		top + "a MX ( 10\n a )\n@ RRSIG SOA 13 1 300 (\n20300101000000 20200101000000 1 @\nAAEC\n  AwQF ) \nb(60 A)192.0.2.1\n",
		top + "a NS (a ; comment\n)\n", top + "a NS (a\n", top + "a NS (\n", top + "( a NS a )\n", top + " ( NS a )\n", top + "a NS (a))\n", top + "a NS )a(\n",
		top + "a NS (\r\na\r\n)\r\n A 192.0.2.1\n", top + "a TXT (\"(\"\n\")\")\nb NS a\n", top + "a NS (\n\n b) c\n", top + "$TTL (5)\na A 192.0.2.1\n", top + "a (A\n) 192.0.2.1\n NS (a\n)b\n",
		top + "a RRSIG SOA 13 1 300 (" + strings.Repeat("\n", 70000) + " 20300101000000 20200101000000 1 @ AAEC )\nb NS (a)\n",
		top + "a 2147483648 A 192.0.2.1\n", top + "a A 192.0.2.1", top + "a IN IN A 192.0.2.1\n", top + "a 5 5 A 192.0.2.1\n", top + "in A 192.0.2.1\n",
	} {
		asTheLibrary(t, text)
	}
}

// The test above would pass if the library read everything.
func TestMostLinesNeedNoLibrary(t *testing.T) {
	t.Parallel()
	r := reader{origin: []byte(name("example."))}
	counts := map[verdict]int{}
	for l := range strings.Lines(kinds) {
		counts[r.line([]byte(l))]++
	}
	if counts[unread] > 20 || counts[whole] < 24 {
		t.Errorf("%v", counts)
	}
}

// Words of master files in a random order are mostly wrong, and wrong in the same way.
func TestRandomFilesAreReadAsTheLibraryReadsThem(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	words := strings.Fields(kinds + " a b c.d. A AAAA IN 60 TXT NS @ . .. \"x\" ; ( ) 1h CH ANY TYPE1 \\# \\ *.w $TTL $ORIGIN NSEC -")
	all := slices.Collect(strings.Lines(kinds))[6:]
	good := 0
	for range 3000 {
		text := top
		for range r.IntN(6) {
			switch r.IntN(5) {
			case 0: // made of words
				for i := range 1 + r.IntN(6) {
					text += strings.Repeat(" ", min(i, 1)) + words[r.IntN(len(words))]
				}
				text += "\n"
			case 1: // a line with something else in it
				l := all[r.IntN(len(all))]
				at := r.IntN(len(l))
				text += l[:at] + []string{" ", "\t", ";", "(", "\"", "\\", "\n", ".", "0", "\r", "@", "a"}[r.IntN(12)] + l[at+r.IntN(2):]
			default:
				text += all[r.IntN(len(all))]
			}
		}
		if asTheLibrary(t, text) {
			good++
		}
	}
	if good < 500 {
		t.Errorf("only %d files were good; the test tests little", good)
	}
}

// FuzzLine compares what is read of a file with and without the library.
func FuzzLine(f *testing.F) {
	f.Add(kinds)
	f.Add(corners)
	for l := range strings.Lines(kinds) {
		f.Add(top + l)
	}
	f.Fuzz(func(t *testing.T, text string) { asTheLibrary(t, text) })
}

// order must agree with the order of names wherever it tells two apart.
func FuzzOrder(f *testing.F) {
	f.Add("a", "a\\000.b")
	f.Add("a\\001b", "a.b")
	f.Add("abcdefgh", "abcdefghi")
	f.Fuzz(func(t *testing.T, a, b string) {
		n, errN := lookup.ParseName(a + ".x.")
		m, errM := lookup.ParseName(b + ".x.")
		if errN != nil || errM != nil || !n.IsSubdomainOf("\x01x\x00") || !m.IsSubdomainOf("\x01x\x00") {
			return
		}
		k, l := order(n, 3), order(m, 3)
		if k != l && (k < l) != (n.Compare(m) < 0) || n == m && k != l {
			t.Errorf("%s %x, %s %x", n, k, m, l)
		}
	})
}
