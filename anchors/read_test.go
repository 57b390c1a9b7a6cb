package anchors

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sextant-dns/sextant/dnssec"
)

const digest32 = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

// iana is in the form of root-anchors.xml, with the key of 2010, which is over.
const iana = `<?xml version="1.0" encoding="UTF-8"?>
<TrustAnchor id="C9" source="http://data.iana.org/root-anchors/root-anchors.xml">
<Zone>.</Zone>
<KeyDigest id="Kjqmt7v" validFrom="2010-07-15T00:00:00+00:00" validUntil="2019-01-11T00:00:00+00:00">
<KeyTag>19036</KeyTag><Algorithm>8</Algorithm><DigestType>2</DigestType>
<Digest>49AAC11D7B6F6446702E54A1607371607A1A41855200FD2CE1CDDE32F24E8FB5</Digest>
</KeyDigest>
<KeyDigest id="Klajeyz" validFrom="2017-02-02T00:00:00+00:00">
<KeyTag>20326</KeyTag><Algorithm>8</Algorithm><DigestType>2</DigestType>
<Digest>E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D</Digest>
<PublicKey>AwEAAQ==</PublicKey><Flags>257</Flags>
</KeyDigest>
<KeyDigest id="Kmyv6jo" validFrom="2024-07-18T00:00:00+00:00">
<KeyTag>38696</KeyTag><Algorithm>8</Algorithm><DigestType>2</DigestType>
<Digest>
683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16
</Digest>
</KeyDigest>
</TrustAnchor>
`

// rootKey is as unbound-anchor and Unbound leave it, with a key in each state.
var rootKey = `; autotrust trust anchor file
;;id: . 1
;;last_queried: 1700000000 ;;Tue Nov 14 22:13:20 2023
;;last_success: 1700000000 ;;Tue Nov 14 22:13:20 2023
;;next_probe_time: 1700040000 ;;Wed Nov 15 09:20:00 2023
;;query_failed: 0
;;query_interval: 43200
;;retry_time: 8640
` + strings.Replace(ksk2017, "IN", "86400\tIN", 1) + ` ;{id = 20326 (ksk), size = 2048b} ;;state=2 [  VALID  ] ;;count=0 ;;lastchange=1600000000 ;;Sun Sep 13 12:26:40 2020
` + ksk2024 + ` ;{id = 38696 (ksk), size = 2048b} ;;state=1 [ ADDPEND ] ;;count=7 ;;lastchange=1699000000 ;;Fri Nov  3 08:26:40 2023
. 86400 IN DNSKEY 385 3 15 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8= ;{id = 1} ;;state=4 [ REVOKED ] ;;count=0 ;;lastchange=1600000000
`

func TestReading(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, want string }{
		{"DS", ". 3600 IN DS 20326 8 2 " + digest32, ". DS 20326 8 2 " + digest32},
		{"no TTL, no class, no final dot, lower case", "Example.COM ds 1 13 2 " + digest32, "example.com. DS 1 13 2 " + digest32},
		{"class before TTL", "a. IN 60 DS 1 13 2 " + digest32, "a. DS 1 13 2 " + digest32},
		{"mnemonic", "a. DS 1 ECDSAP256SHA256 2 " + digest32, "a. DS 1 13 2 " + digest32},
		{"broken over lines", "a. IN DS ( 1 13 2 ; why\n " + digest32[:20] + "\n\t" + digest32[20:] + " ) ; end\n", "a. DS 1 13 2 " + digest32},
		{"comments, blank lines, CRLF, BOM", "\ufeff; first\r\n\r\na. DS 1 13 2 " + digest32 + " ; x\r\n;last", "a. DS 1 13 2 " + digest32},
		{"several, for several names", "a. DS 1 13 2 " + digest32 + "\nb. DS 2 13 2 " + digest32 + "\na. DS 3 13 2 " + digest32 + "\n",
			"a. DS 1 13 2 " + digest32 + "\na. DS 3 13 2 " + digest32 + "\nb. DS 2 13 2 " + digest32},
		{"the owner before", "a. DS 1 13 2 " + digest32 + "\n\tIN DS 2 13 2 " + digest32, "a. DS 1 13 2 " + digest32 + "\na. DS 2 13 2 " + digest32},
		{"$ORIGIN and $TTL", "$ORIGIN example.\n$TTL 60\n@ DS 1 13 2 " + digest32 + "\na DS 1 13 2 " + digest32,
			"example. DS 1 13 2 " + digest32 + "\na.example. DS 1 13 2 " + digest32},
		{"an escaped name", `a\.b\;c. DS 1 13 2 ` + digest32, `a\.b\;c. DS 1 13 2 ` + digest32},
		{"a DNSKEY", ksk2017, rootDS(20326)},
		{"with what dig +dnssec prints", ksk2017 + "\n. 172800 IN RRSIG DNSKEY 8 0 172800 20260101000000 20251201000000 20326 . AAAA", rootDS(20326)},
		{"a file of Unbound: only what is trusted", rootKey, rootDS(20326)},
		{"BIND, keys", "trust-anchors {\n  . initial-key 257 3 8 \"" + strings.Join(strings.Fields(ksk2017)[6:], "") + "\"; // KSK-2017\n};\n", rootDS(20326)},
		{"BIND, DS, comments of all kinds", "# one\n/* two\n*/ trust-anchors { \"example.\" static-ds 1 13 2 \"" + digest32[:30] + " " + digest32[30:] + "\"; };",
			"example. DS 1 13 2 " + digest32},
		{"BIND, managed-keys", "managed-keys { \".\" initial-key 257 3 8 \"" + strings.Fields(ksk2017)[6] + "\"; };", rootDS(20326)},
		{"BIND, trusted-keys", "trusted-keys { \".\" 257 3 8 \"" + strings.Fields(ksk2017)[6] + "\"; };", rootDS(20326)},
		{"IANA", iana, rootDS(20326) + "\n" + rootDS(38696)},
	} {
		sets, err := Read("f", c.text, noon)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := mustSet(t, sets, nil).String(); got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
	sets, err := Read("f", iana, time.Date(2018, 1, 1, 0, 0, 0, 0, time.UTC))
	if err != nil || len(sets) != 1 || sets[0].Data.Len() != 2 {
		t.Errorf("in 2018: %v, %v", sets, err)
	}
}

func rootDS(tag int) string {
	for line := range strings.Lines(mustSetString()) {
		if strings.Contains(line, fmt.Sprint(" ", tag, " ")) {
			return strings.TrimSpace(line)
		}
	}
	return "?"
}

func mustSetString() string {
	s, _ := NewSet(Root(), nil, dnssec.Policy{})
	return s.String()
}

func TestProblemsHaveTheirPlace(t *testing.T) {
	t.Parallel()
	good := "a. DS 1 13 2 " + digest32
	for _, c := range []struct{ name, text, want string }{
		{"nothing", "", "f:1:1: no trust anchor"},
		{"only comments", "; none\n", "f:1:1: no trust anchor"},
		{"all revoked", ". DNSKEY 385 3 15 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8= ;;state=4", "f:1:1: no trust anchor in this file that is in force"},
		{"another type", good + "\nwww.example. 60 IN A 192.0.2.1\n", `f:2:20: found "A", expected DS or DNSKEY`},
		{"another class", "a. CH DS 1 13 2 " + digest32, "f:1:4: class CH, expected IN"},
		{"no type", "a. 60 IN", "f:1:7: the RR ends before its type"},
		{"no owner", "\tDS 1 13 2 " + digest32, "f:1:2: an RR without an owner"},
		{"a bad name", "a..b. DS 1 13 2 " + digest32, `f:1:1: name "a..b.": empty label`},
		{"key tag", "a. DS 70000 13 2 " + digest32, `f:1:7: key tag: found "70000", expected a number of 16 bits`},
		{"algorithm", "a. DS 1 ROT13 2 " + digest32, `f:1:9: algorithm: found "ROT13"`},
		{"digest type", "a. DS 1 13 SHA256 " + digest32, `f:1:12: digest type: found "SHA256"`},
		{"no digest", "a. DS 1 13 2 ; gone", "f:1:12: the DS ends too early"},
		{"no digest type", "a. DS 1 13", "f:1:9: the DS ends before its digest type"},
		{"odd digest", "a. DS 1 13 2 000", "f:1:14: the digest is not hexadecimal"},
		{"short digest", "a. DS 1 13 2 0001", "f:1:4: a. DS: a digest of 2 octets, and type 2 has 32"},
		{"flags", "a. DNSKEY x 3 13 AAAA", `f:1:11: flags: found "x"`},
		{"not base64", "a. DNSKEY 257 3 13 AA*A", "f:1:20: the key is not base64"},
		{"not a zone key", "a. DNSKEY 1 3 13 AAAA", "f:1:4: a. DNSKEY: not a key of a zone"},
		{"revoked", "a. DNSKEY 385 3 15 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "f:1:4: a. DNSKEY: a key that its owner has revoked"},
		{"a key too short", "a. DNSKEY 257 3 15 AAAA", "f:1:4: a. DNSKEY: the public key"},
		{"column in characters", "ü. CH DS 1 13 2 " + digest32, "f:1:4: class CH"},
		{"no end to a parenthesis", "a. DS ( 1 13 2 " + digest32, "f:1:1: no end to the parenthesis"},
		{"no beginning", "a. DS 1 13 2 " + digest32 + " )", "f:1:1: a closing parenthesis"},
		{"no end to quotes", `a. DS 1 13 2 "00`, "f:1:1: no end to the quoted text"},
		{"$INCLUDE", "$INCLUDE other", `f:1:1: found "$INCLUDE"`},
		{"$TTL", "$TTL 1h", "f:1:6: $TTL 1h"},
		{"$ORIGIN", "$ORIGIN a..", "f:1:9: $ORIGIN a.."},
		{"two at once", "a. CH DS\nb. HS DS", "f:2:4: class HS"},
		{"BIND, not a block", "trust-anchors { };\noptions { };", `f:2:1: found "options", expected trust-anchors`},
		{"BIND, no brace", "trust-anchors . ", `f:1:15: found ".", expected {`},
		{"BIND, cut short", "trust-anchors { . static-ds", "f:1:28: the file ends within trust-anchors"},
		{"BIND, no semicolon", "trust-anchors { } ", `f:1:19: found nothing, expected ; behind }`},
		{"BIND, another kind", "trust-anchors { . eternal-key 257 3 8 \"AAAA\"; };", `f:1:19: found "eternal-key"`},
		{"BIND, bad name", "trust-anchors { a.. static-ds 1 13 2 \"" + digest32 + "\"; };", `f:1:17: name "a..": empty label`},
		{"BIND, no end to quotes", "trust-anchors { . static-ds 1 13 2 \"00", "f:1:36: no end to the quoted text"},
		{"BIND, short digest", "trust-anchors { . static-ds 1 13 2 \"00\"; };", "f:1:17: . DS: a digest of 1 octets"},
		{"XML, not well-formed", "<TrustAnchor>\n<Zone>", "f:2:7: XML syntax error"},
		{"XML, something else", "<html></html>", "f:1:7: found element html"},
		{"XML, no zone", "<TrustAnchor><KeyDigest/></TrustAnchor>", "f:1:26: a KeyDigest before the Zone"},
		{"XML, no digest", "<TrustAnchor><Zone>.</Zone><KeyDigest><KeyTag>1</KeyTag></KeyDigest></TrustAnchor>", "a KeyDigest lacks its"},
		{"XML, bad date", strings.Replace(iana, "2017-02-02T", "2017-02-32T", 1), "f:8:"},
		{"XML, bad zone", "<TrustAnchor><Zone>a..</Zone></TrustAnchor>", `name "a..": empty label`},
		{"XML, none in force", strings.NewReplacer(`validFrom="2017`, `validFrom="2127`, `validFrom="2024`, `validFrom="2124`).Replace(iana), "f:1:1: no trust anchor in this file that is in force"},
	} {
		_, err := Read("f", c.text, noon)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
	}
	_, err := Read("f", strings.Repeat("a. CH DS\n", 1000), noon)
	if n := strings.Count(err.Error(), "\n") + 1; n != maxProblems {
		t.Errorf("%d problems are told", n)
	}
}

func TestReadFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "root.key")
	if _, err := ReadFile(path, noon); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("no such file: %v", err)
	}
	if err := os.WriteFile(path, []byte(rootKey), 0o600); err != nil {
		t.Fatal(err)
	}
	if sets, err := ReadFile(path, noon); err != nil || len(sets) != 1 {
		t.Errorf("got %v, %v", sets, err)
	}
	if err := os.WriteFile(path, make([]byte, maxFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(path, noon); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("a large file: %v", err)
	}
	if _, err := ReadFile(filepath.Dir(path), noon); err == nil {
		t.Error("a folder was read")
	}
}

func FuzzRead(f *testing.F) {
	for _, seed := range []string{ksk2017, rootKey, iana, "trust-anchors { . static-ds 1 13 2 \"" + digest32 + "\"; };", "a. DS ( 1 13 2 ;x\n" + digest32 + ")"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		sets, err := Read("f", text, noon)
		if (err == nil) != (len(sets) > 0) {
			t.Fatalf("%d sets and %v", len(sets), err)
		}
		if err != nil {
			return
		}
		// What was read can be used, and reads the same once it is written.
		s, err := NewSet(sets, nil, dnssec.Policy{})
		if err != nil {
			t.Fatalf("it was read and is no anchor: %v", err)
		}
		again, err := Read("f", s.String(), noon)
		if err != nil {
			t.Fatalf("%v in\n%s", err, s)
		}
		if got := mustSet(t, again, nil).String(); got != s.String() {
			t.Fatalf("got\n%s\nwant\n%s", got, s)
		}
	})
}
