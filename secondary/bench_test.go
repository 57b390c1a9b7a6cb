package secondary

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

// rootSized is the messages of a transfer like that of the root in 2026: 1450
// delegations, most of them signed, 24 000 RRs, 1.5 MB.
func rootSized(b *testing.B) (stream []byte, records int) {
	sig := strings.Repeat("AAAA", 85) // RSA 2048
	soa := ". 86400 IN SOA a.root-servers.net. nstld.verisign-grs.com. 2026112100 1800 900 604800 86400"
	rrs := []string{soa, ". 518400 IN NS a.root-servers.net.", ". 518400 IN RRSIG SOA 8 0 86400 20300101000000 20200101000000 1 . " + sig}
	for i := range 1450 {
		tld := fmt.Sprintf("tld%04d.", i)
		for j := range 5 {
			ns := fmt.Sprintf("%c.nic.%s", 'a'+j, tld)
			rrs = append(rrs, tld+" 172800 IN NS "+ns, fmt.Sprintf("%s 172800 IN A 192.0.%d.%d", ns, i>>8, i&255), fmt.Sprintf("%s 172800 IN AAAA 2001:db8::%x", ns, i*8+j))
		}
		rrs = append(rrs, tld+" 86400 IN DS 1 8 2 "+strings.Repeat("ab", 32), tld+" 86400 IN RRSIG DS 8 1 86400 20300101000000 20200101000000 1 . "+sig,
			tld+" 86400 IN NSEC tlf. NS DS RRSIG NSEC", tld+" 86400 IN RRSIG NSEC 8 1 86400 20300101000000 20200101000000 1 . "+sig)
	}
	rrs = append(rrs, soa)
	q := new(dns.Msg).SetAxfr(".")
	q.Id = 0
	for at := 0; at < len(rrs); at += 300 {
		m := msg(rrs[at:min(at+300, len(rrs))]...).pack(b, q)
		stream = append(binary.BigEndian.AppendUint16(stream, uint16(len(m))), m...)
	}
	return stream, len(rrs)
}

// BenchmarkTransfer takes in a zone as large as the root; B/zone is what it takes
// while it is held.
func BenchmarkTransfer(b *testing.B) {
	stream, records := rootSized(b)
	b.SetBytes(int64(len(stream)))
	b.ReportAllocs()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var c *Copy
	for b.Loop() {
		c = New(Options{Zone: lookup.Root, Primaries: addrs(first), IntN: func(int) int { return 0 }})
		c.options.Dial = func(context.Context, netip.AddrPort) (net.Conn, error) {
			return octets{Reader: bytes.NewReader(stream)}, nil
		}
		if err := c.transfer(b.Context(), c.options.Primaries[0], nil); err != nil {
			b.Fatal(err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc)-float64(before.HeapAlloc), "B/zone")
	b.ReportMetric(float64(records), "RRs")
	runtime.KeepAlive(c)
}

// BenchmarkStore writes a zone as large as the root and reads it again.
func BenchmarkStore(b *testing.B) {
	stream, _ := rootSized(b)
	c := New(Options{Zone: lookup.Root, Primaries: addrs(first), IntN: func(int) int { return 0 }})
	c.options.Dial = func(context.Context, netip.AddrPort) (net.Conn, error) {
		return octets{Reader: bytes.NewReader(stream)}, nil
	}
	if err := c.transfer(b.Context(), c.options.Primaries[0], nil); err != nil {
		b.Fatal(err)
	}
	h := c.held.Load()
	var text bytes.Buffer
	if err := writeZone(&text, h); err != nil {
		b.Fatal(err)
	}
	b.Run("write", func(b *testing.B) {
		for b.Loop() {
			text.Reset()
			if err := writeZone(&text, h); err != nil {
				b.Fatal(err)
			}
		}
		b.SetBytes(int64(text.Len()))
	})
	b.Run("read", func(b *testing.B) {
		b.SetBytes(int64(text.Len()))
		for b.Loop() {
			if _, err := readZone(text.Bytes()); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkZone is what the resolver pays for each question.
func BenchmarkZone(b *testing.B) {
	c, _, _ := newCopy(b, zone(7))
	if err := c.consult(b.Context(), c.options.Primaries[0]); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		c.Zone()
	}
}
