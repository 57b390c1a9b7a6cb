package zones

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

// recordSet is the records of a zone without their order.
func recordSet(z *Zone) map[Record]bool {
	all := map[Record]bool{}
	for r := range z.Records() {
		all[r] = true
	}
	return all
}

// written is a zone that was written and read again, and the text between.
func written(t *testing.T, z *Zone) (*Zone, string) {
	t.Helper()
	var b bytes.Buffer
	if err := z.Write(&b); err != nil {
		t.Fatal(err)
	}
	again, err := Load(bytes.NewReader(b.Bytes()), "written", LoadOptions{Origin: z.Apex()})
	if err != nil {
		t.Fatalf("%v in\n%s", err, b.String())
	}
	return again, b.String()
}

// What Write writes, Load reads: names with odd octets, wildcards, types that have a
// presentation of their own and types that nobody knows.
func TestWhatIsWrittenIsRead(t *testing.T) {
	t.Parallel()
	z := load(t, corners+`
odd\.dot\032blank\000\255\;\"\(\)\@\$ 7 A 192.0.2.1
*.wild TXT "a \"quoted\" text;" "\000\200\\ end" ""
Mixed CNAME Target.In.Mixed.CASE.
srv SRV 1 2 3 Host.example.
mx MX 10 odd\.label.example.
naptr NAPTR 1 2 "u" "E2U+sip" "!^.*$!sip:info@example.com!" .
caa CAA 0 issue "ca.example; policy=ev"
svc HTTPS 1 . alpn="h2,h3" ipv4hint=192.0.2.1 key65400="a\,b"
svcb SVCB 0 Other.example.
tlsa TLSA 3 1 1 00112233
sshfp SSHFP 1 2 aabbccdd
hinfo HINFO "a cpu" "an os"
loc LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m
uri URI 10 1 "https://example/a\"b"
csync CSYNC 66 3 A NS AAAA
ds NS ns.elsewhere.
ds DS 1 13 2 3a3b
dnskey DNSKEY 257 3 13 dGhpcyBpcyBub3QgYSBrZXk=
odd TYPE65280 \# 3 abcdef
empty TYPE65281 \# 0
a3597 A \# 4 c0000201
unknown TYPE1234 \# 2 0001
eui EUI48 00-00-5e-00-53-2a
rp RP mail.Box.example. txt.example.
apl APL 1:192.0.2.0/24
none APL
openpgp OPENPGPKEY mQ==
`)
	again, text := written(t, z)
	if !maps.Equal(recordSet(z), recordSet(again)) {
		t.Errorf("read %d RRs, wrote %d:\n%s", len(recordSet(again)), len(recordSet(z)), text)
	}
	for _, want := range []string{"a3597.example.\t300\tIN\tA\t192.0.2.1\n", "TYPE65281\t\\# 0"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if first, _, _ := strings.Cut(text, "\n"); !strings.Contains(first, "\tSOA\t") {
		t.Errorf("begins with %s", first)
	}
}

// Rdata of any octets that fit, of every type that the library knows and of some that
// it does not, is written in one way or the other.
func TestAnyRdataIsWritten(t *testing.T) {
	t.Parallel()
	for number := range dns.TypeToRR {
		typ := lookup.Type(number)
		if isMeta(typ) || typ == lookup.TypeSOA || typ == lookup.TypeRRSIG {
			continue
		}
		for _, data := range []string{"\x00\x00\x00\x00", strings.Repeat("\x03\x22\\\x00", 6), "\x00\x01\x02ab\x00", "\x02a\x00\x00", strings.Repeat("\xff", 30)} {
			if _, err := lookup.UnpackRR("\x01x\x00", typ, 1, data); err != nil {
				continue
			}
			var b bytes.Buffer
			r := Record{Name: "\x01x\x00", Type: typ, TTL: 1, Data: data}
			if err := writeRecord(&b, r); err != nil {
				continue // the library takes rdata that is cut off, and writes none
			}
			if !reads(b.String(), r) {
				t.Errorf("%s %x: %s", typ, data, b.String())
			}
		}
	}
}

// A zone that a machine has made comes back the same, too.
func TestWideZoneIsWritten(t *testing.T) {
	t.Parallel()
	z := load(t, string(wide(500)))
	again, _ := written(t, z)
	if !slices.Equal(slices.Collect(z.Records()), slices.Collect(again.Records())) {
		t.Error("it has changed")
	}
}

func ExampleZone_Write() {
	z, err := Load(strings.NewReader("$TTL 60\nexample. SOA ns host 1 2 3 4 5\nexample. NS ns\nns A 192.0.2.1\n"), "example", LoadOptions{Origin: lookup.MustName("example.")})
	if err != nil {
		fmt.Println(err)
		return
	}
	var b bytes.Buffer
	if err := z.Write(&b); err != nil {
		fmt.Println(err)
	}
	fmt.Print(strings.ReplaceAll(b.String(), "\t", " "))
	// Output:
	// example. 60 IN SOA ns.example. host.example. 1 2 3 4 5
	// example. 60 IN NS ns.example.
	// ns.example. 60 IN A 192.0.2.1
}
