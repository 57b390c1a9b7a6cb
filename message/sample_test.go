package message

import (
	"fmt"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

// sample is a message of everyday life in all the forms that tests want.
type sample struct {
	name     string
	question Question
	response *lookup.Response
}

func samples() []sample {
	var ns, glue strings.Builder
	for i := range 13 {
		fmt.Fprintf(&ns, "com. 172800 IN NS %c.gtld-servers.net.\n", 'a'+i)
		fmt.Fprintf(&glue, "%c.gtld-servers.net. 172800 IN A 192.0.2.%d\n", 'a'+i, i)
		fmt.Fprintf(&glue, "%c.gtld-servers.net. 172800 IN AAAA 2001:db8::%x\n", 'a'+i, i)
	}
	return []sample{
		{"address", ask("www.example.com.", lookup.TypeA), &lookup.Response{
			Answer: lookup.MustRRsets("www.example.com. 300 IN A 192.0.2.1\nwww.example.com. 300 IN A 192.0.2.2"),
		}},
		{"chain", ask("www.example.com.", lookup.TypeA), &lookup.Response{
			Answer: lookup.MustRRsets("www.example.com. 300 IN CNAME www.example.com.cdn.example.\nwww.example.com.cdn.example. 60 IN A 192.0.2.1"),
		}},
		{"denial", ask("nope.example.com.", lookup.TypeA), &lookup.Response{
			Rcode:     lookup.NXDOMAIN,
			Authority: lookup.MustRRsets("example.com. 300 IN SOA ns1.example.com. hostmaster.example.com. 1 7200 3600 1209600 300"),
		}},
		{"referral", ask("www.example.com.", lookup.TypeA), &lookup.Response{
			Authority:  lookup.MustRRsets(ns.String() + "com. 86400 IN DS 19718 13 2 8acbb0cd28f41250a80a491389424d341522d946b0da0c0291f2d3d771d7805a\n" + "com. 86400 IN RRSIG DS 8 1 86400 20300101000000 20200101000000 1 . " + strings.Repeat("AAAA", 85) + "\n"),
			Additional: lookup.MustRRsets(glue.String()),
			Glue:       1,
		}},
	}
}

func (s sample) wire() []byte {
	b, _ := AppendResponse(nil, Header{ID: 1, RD: true, RA: true}, s.question, s.response, true)
	return b
}

func BenchmarkDecode(b *testing.B) {
	for _, s := range samples() {
		wire := s.wire()
		b.Run(s.name, func(b *testing.B) {
			b.ReportAllocs()
			for again := new(Decoder); b.Loop(); {
				if _, err := again.Decode(wire); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// What the library needs for the same, as a yardstick.
func BenchmarkLibraryUnpack(b *testing.B) {
	for _, s := range samples() {
		wire := s.wire()
		b.Run(s.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := new(dns.Msg).Unpack(wire); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppendResponse(b *testing.B) {
	for _, s := range samples() {
		buf := make([]byte, 0, 4096)
		b.Run(s.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				AppendResponse(buf, Header{ID: 1}, s.question, s.response, true)
			}
		})
	}
}
