package message

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

// raw is a message made by hand: counts, then octets. Hex digits may be spaced.
func raw(t testing.TB, qd, an, ns, ar uint16, parts ...string) []byte {
	t.Helper()
	b := appendHeader(nil, Header{ID: 0x1234, QR: true}, counts{qd, an, ns, ar})
	for _, p := range parts {
		octets, err := hex.DecodeString(strings.ReplaceAll(p, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		b = append(b, octets...)
	}
	return b
}

// Pieces of messages by hand. www.example. stands at offset 12.
const (
	askA    = "03 777777 07 6578616d706c65 00 0001 0001"
	ownerIs = "c00c"
	tail    = "0001 0001 0000003c 0004 c0000201" // A IN 60 192.0.2.1
)

// packed is the text's RRs in a message that miekg/dns packed.
func packed(t testing.TB, compress bool, answer, authority, additional string) []byte {
	t.Helper()
	m := new(dns.Msg)
	m.SetQuestion("www.example.", dns.TypeA)
	m.Response, m.Compress = true, compress
	for section, text := range map[*[]dns.RR]string{&m.Answer: answer, &m.Ns: authority, &m.Extra: additional} {
		for line := range strings.Lines(text) {
			rr, err := dns.NewRR(line)
			if err != nil {
				t.Fatal(err)
			}
			if rr != nil {
				*section = append(*section, rr)
			}
		}
	}
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func decoded(t testing.TB, b []byte) *Message {
	t.Helper()
	m, err := Decode(b)
	if err != nil {
		t.Fatalf("Decode: %v", err)
	}
	return m
}

// Types whose rdata holds names, texts, and things that are easily misread.
const manyTypes = `www.example. 300 IN CNAME Target.example.
example. 300 IN NS ns.example.
example. 300 IN SOA ns.example. host.example. 1 2 3 4 5
4.3.2.1.in-addr.arpa. 300 IN PTR www.example.
example. 300 IN MX 10 Mx.example.
example. 300 IN TXT "one" "two" ""
example. 300 IN HINFO "cpu" "os"
example. 300 IN MINFO a.example. b.example.
example. 300 IN RP mbox.example. txt.example.
example. 300 IN AFSDB 1 afs.example.
example. 300 IN RT 1 rt.example.
example. 300 IN PX 1 a.example. b.example.
www.example. 300 IN AAAA 2001:db8::1
_sip._udp.example. 300 IN SRV 1 2 3 sip.example.
example. 300 IN NAPTR 1 2 "s" "SIP+D2U" "" _sip._udp.example.
example. 300 IN KX 1 kx.example.
d.example. 300 IN DNAME elsewhere.example.
example. 300 IN DS 1 13 2 8acbb0cd28f41250a80a491389424d341522d946b0da0c0291f2d3d771d7805a
example. 300 IN NSEC a.example. A NS SOA RRSIG NSEC
abc.example. 300 IN NSEC3 1 0 10 AABB 2T7B4G4VSA5SMI47K61MV5BV1A22BOJR A RRSIG
example. 300 IN NSEC3PARAM 1 0 10 AABB
example. 300 IN TLSA 3 1 1 8acbb0cd28f41250a80a491389424d341522d946b0da0c0291f2d3d771d7805a
example. 300 IN HTTPS 1 . alpn=h2 ipv4hint=192.0.2.1
example. 300 IN SVCB 0 svc.example.
example. 300 IN CAA 0 issue "ca.example"
example. 300 IN URI 1 2 "https://example/"
example. 300 IN LP 1 l.example.
example. 300 IN EUI48 00-00-5e-00-53-2a
example. 300 IN TYPE65400 \# 3 010203
`

func TestDecodeReadsTheSameRRsAsTheLibrary(t *testing.T) {
	t.Parallel()
	for _, compress := range []bool{false, true} {
		b := packed(t, compress, manyTypes, "", "")
		want, err := lookup.ParseRRsets(manyTypes)
		if err != nil {
			t.Fatal(err)
		}
		if m := decoded(t, b); !slices.Equal(m.Answer, want) {
			t.Errorf("compress %v: got\n%v\nwant\n%v", compress, m.Answer, want)
		}
	}
}

func TestDecodeReadsHeaderQuestionAndOPT(t *testing.T) {
	t.Parallel()
	m := new(dns.Msg)
	m.SetQuestion("WwW.ExAmPlE.", dns.TypeAAAA)
	m.MsgHdr = dns.MsgHdr{Id: 7, Response: true, Opcode: 4, Authoritative: true, Truncated: true, RecursionDesired: true,
		RecursionAvailable: true, AuthenticatedData: true, CheckingDisabled: true, Rcode: dns.RcodeBadVers}
	m.SetEdns0(1232, true)
	opt := m.IsEdns0()
	opt.SetVersion(1)
	opt.Option = []dns.EDNS0{&dns.EDNS0_NSID{Code: dns.EDNS0NSID, Nsid: "616263"}, &dns.EDNS0_PADDING{Padding: make([]byte, 3)}}
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	got := decoded(t, b)
	if want := (Header{ID: 7, Opcode: 4, Rcode: lookup.BADVERS, QR: true, AA: true, TC: true, RD: true, RA: true, AD: true, CD: true}); got.Header != want {
		t.Errorf("header %+v, want %+v", got.Header, want)
	}
	wantQ := Question{Raw: "\x03WwW\x07ExAmPlE\x00", Name: lookup.MustName("www.example."), Type: lookup.TypeAAAA, Class: lookup.ClassIN}
	if len(got.Question) != 1 || got.Question[0] != wantQ {
		t.Errorf("question %+v", got.Question)
	}
	if o := got.OPT; o == nil || o.Size != 1232 || o.Version != 1 || !o.DO ||
		!slices.Equal(o.Options, []Option{{OptionNSID, "abc"}, {OptionPadding, "\x00\x00\x00"}}) {
		t.Errorf("OPT %+v", o)
	}
}

func TestDecodeMakesRRsets(t *testing.T) {
	t.Parallel()
	const sig = " IN RRSIG %s 13 2 300 20300101000000 20200101000000 1 example. AAAA\n"
	for _, c := range []struct{ title, in, want string }{
		{"RRs of a set that stand apart come together",
			"a. 60 IN A 192.0.2.1\nb. 60 IN A 192.0.2.2\nA. 60 IN A 192.0.2.3\n",
			"a. 60 IN A 192.0.2.1\na. 60 IN A 192.0.2.3\nb. 60 IN A 192.0.2.2\n"},
		{"the lowest TTL counts",
			"a. 60 IN A 192.0.2.1\na. 30 IN A 192.0.2.2\n",
			"a. 30 IN A 192.0.2.1\na. 30 IN A 192.0.2.2\n"},
		{"a TTL with its top bit set is zero",
			"a. 2147483648 IN A 192.0.2.1\n", "a. 0 IN A 192.0.2.1\n"},
		{"duplicates are dropped",
			"a. 60 IN A 192.0.2.1\na. 60 IN A 192.0.2.1\n", "a. 60 IN A 192.0.2.1\n"},
		{"other classes are left out",
			"a. 60 CH TXT \"x\"\na. 60 IN A 192.0.2.1\n", "a. 60 IN A 192.0.2.1\n"},
		{"signatures join what they cover, whichever comes first",
			"a. 20" + fmt.Sprintf(sig, "A") + "a. 60 IN A 192.0.2.1\na. 60 IN AAAA ::1\na. 60" + fmt.Sprintf(sig, "AAAA"),
			"a. 20 IN A 192.0.2.1\na. 20" + fmt.Sprintf(sig, "A") + "a. 60 IN AAAA ::1\na. 60" + fmt.Sprintf(sig, "AAAA")},
		{"signatures without what they cover are one set at the end",
			"a. 20" + fmt.Sprintf(sig, "A") + "a. 60 IN TXT x\na. 10" + fmt.Sprintf(sig, "AAAA"),
			"a. 60 IN TXT x\na. 10" + fmt.Sprintf(sig, "A") + "a. 10" + fmt.Sprintf(sig, "AAAA")},
	} {
		t.Run(c.title, func(t *testing.T) {
			t.Parallel()
			m := decoded(t, packed(t, true, c.in, "", ""))
			var want []string
			for line := range strings.Lines(c.want) {
				rr, err := dns.NewRR(line)
				if err != nil {
					t.Fatal(err)
				}
				want = append(want, rr.String())
			}
			var got []string
			for _, s := range m.Answer {
				got = append(got, s.String())
			}
			if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
				t.Errorf("got\n%s\nwant\n%s", g, w)
			}
		})
	}
}

func TestRRsetsDoNotReachAcrossSections(t *testing.T) {
	t.Parallel()
	m := decoded(t, packed(t, true, "a. 60 IN A 192.0.2.1", "a. 60 IN A 192.0.2.1", "a. 60 IN A 192.0.2.2"))
	if len(m.Answer) != 1 || len(m.Authority) != 1 || len(m.Additional) != 1 {
		t.Errorf("%d, %d, %d sets", len(m.Answer), len(m.Authority), len(m.Additional))
	}
}

func TestOneBadRRIsDroppedAlone(t *testing.T) {
	t.Parallel()
	for title, bad := range map[string]string{
		"A of 5 octets":               "0001 0001 0000003c 0005 c000020100",
		"A of 3 octets":               "0001 0001 0000003c 0003 c00002",
		"A of none":                   "0001 0001 0000003c 0000",
		"AAAA of 4 octets":            "001c 0001 0000003c 0004 c0000201",
		"NS that goes on behind":      "0002 0001 0000003c 0003 016100", // length 3, so far so good
		"CNAME that reads beyond":     "0005 0001 0000003c 0003 056100",
		"CNAME with octets after":     "0005 0001 0000003c 0004 01610000",
		"CNAME that points ahead":     "0005 0001 0000003c 0002 c0ff",
		"CNAME that points to itself": "0005 0001 0000003c 0002 c02b",
		"MX without a name":           "000f 0001 0000003c 0002 0001",
		"SOA cut in its numbers":      "0006 0001 0000003c 0006 0000 00000001",
		"TXT of nothing":              "0010 0001 0000003c 0000",
		"TXT that reads beyond":       "0010 0001 0000003c 0002 0561",
		"RRSIG without a signer":      "002e 0001 0000003c 0004 00010d02",
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			m := decoded(t, raw(t, 1, 2, 0, 0, askA, ownerIs, bad, ownerIs, tail))
			want := 1
			if strings.HasPrefix(title, "NS") {
				want = 2
			}
			if len(m.Answer) != want || m.Answer[want-1].Type != lookup.TypeA || m.Answer[want-1].Name != lookup.MustName("www.example.") {
				t.Errorf("got %v", m.Answer)
			}
			if m.Misfits != 2-want {
				t.Errorf("%d misfits", m.Misfits)
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	const opt = "00 0029 04d0 00000000 0000"
	for title, c := range map[string]struct {
		b    []byte
		want error
	}{
		"nothing":                            {nil, errShort},
		"half a header":                      {make([]byte, 11), errShort},
		"a question that is not there":       {raw(t, 1, 0, 0, 0), errCounts},
		"more RRs than fit":                  {raw(t, 1, 65535, 0, 0, askA, ownerIs, tail), errCounts},
		"counts that add up beyond 16 bits":  {raw(t, 0, 65535, 65535, 65535), errCounts},
		"a question without its type":        {raw(t, 1, 0, 0, 0, "03777777 00 0001"), errShort},
		"a question name that does not end":  {raw(t, 1, 0, 0, 0, "03777777 0377"), errShort},
		"an RR cut in its fixed part":        {raw(t, 1, 1, 0, 0, askA, ownerIs, "0001 0001 0000000000"), errShort},
		"rdata beyond the end":               {raw(t, 1, 1, 0, 0, askA, ownerIs, "0001 0001 0000003c 0005 c0000201"), errShort},
		"an owner that points to itself":     {raw(t, 0, 1, 0, 0, "c00c", tail), errPointer},
		"an owner that points ahead":         {raw(t, 0, 1, 0, 0, "c020", tail), errPointer},
		"an owner that points to the header": {raw(t, 0, 1, 0, 0, "c000", tail), errPointer},
		"half a pointer":                     {append(raw(t, 1, 0, 0, 0, "01 61 01 61"), 0xc0), errShort},
		"a label of kind 01":                 {raw(t, 1, 0, 0, 0, "41 00 00 0001 0001"), errLabel},
		"a label of kind 10":                 {raw(t, 1, 0, 0, 0, "81 00 00 0001 0001"), errLabel},
		"a name of 256 octets":               {raw(t, 1, 0, 0, 0, strings.Repeat("01 61", 127), "01 61 00 0001 0001"), errName},
		"two OPTs":                           {raw(t, 0, 0, 0, 2, opt, opt), errOPT},
		"an OPT in the answer":               {raw(t, 0, 1, 0, 0, opt), errOPT},
		"an OPT that is not the root's":      {raw(t, 1, 0, 0, 1, askA, ownerIs, opt[2:]), errOPT},
		"an EDNS option cut short":           {raw(t, 0, 0, 0, 1, "00 0029 04d0 00000000 0005 0003 0002 61"), errOPT},
		"half an EDNS option":                {raw(t, 0, 0, 0, 1, "00 0029 04d0 00000000 0003 0003 00"), errOPT},
		"33 EDNS options":                    {raw(t, 0, 0, 0, 1, "00 0029 04d0 00000000 0084", strings.Repeat("0003 0000", 33)), errOPT},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			m, err := Decode(c.b)
			if !errors.Is(err, c.want) || !errors.Is(err, ErrMalformed) {
				t.Errorf("got %+v, %v, want %v", m, err, c.want)
			}
		})
	}
}

func TestDecodeAccepts(t *testing.T) {
	t.Parallel()
	for title, b := range map[string][]byte{
		"a bare header":            raw(t, 0, 0, 0, 0),
		"two questions":            raw(t, 2, 0, 0, 0, askA, askA),
		"octets after the end":     raw(t, 1, 0, 0, 0, askA, "ffff"),
		"a name of 255 octets":     raw(t, 1, 0, 0, 0, strings.Repeat("01 61", 127), "00 0001 0001"),
		"32 EDNS options":          raw(t, 0, 0, 0, 1, "00 0029 04d0 00000000 0080", strings.Repeat("0003 0000", 32)),
		"an empty set of options":  raw(t, 0, 0, 0, 1, "00 0029 04d0 00000000 0000"),
		"a transaction signature":  raw(t, 0, 0, 0, 1, "00 00fa 00ff 00000000 0000"),
		"an empty rdata, opaquely": raw(t, 1, 1, 0, 0, askA, ownerIs, "ff00 0001 00000000 0000"),
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			decoded(t, b)
		})
	}
}

// A label, and pointers that lead back to one another as far as they can.
func TestPointersInOneNameAreCounted(t *testing.T) {
	t.Parallel()
	ladder := func(pointers int) []byte {
		b := raw(t, 0, 1, 0, 0, "00 fff0 0003 00000000")
		b = binary.BigEndian.AppendUint16(b, uint16(2+2*pointers)) // rdata of another class: passed over
		b = append(b, 0, 0)
		for range pointers {
			b = binary.BigEndian.AppendUint16(b, uint16(0xc000|(len(b)-2)))
		}
		last := len(b) - 2
		b[7] = 2
		b = binary.BigEndian.AppendUint16(b, uint16(0xc000|last))
		return append(b, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1)
	}
	if m := decoded(t, ladder(maxPointers-1)); len(m.Answer) != 1 || m.Answer[0].Name != lookup.Root {
		t.Errorf("got %v", m.Answer)
	}
	if _, err := Decode(ladder(maxPointers)); !errors.Is(err, errPointer) {
		t.Errorf("got %v, want %v", err, errPointer)
	}
}

// The bomb: one long name, and 64 KiB of RRs that each point to it.
func TestCompressionBombsAreDefused(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("3f"+strings.Repeat("61", 63), 3) + "3d" + strings.Repeat("61", 61) + "00"
	build := func(rr string, n int) []byte {
		return raw(t, 1, uint16(n), 0, 0, long, "0002 0001", strings.Repeat(rr, n))
	}
	// Owners that are the same pointer again cost nothing.
	if m := decoded(t, build("c00c 0001 0001 0000003c 0004 c0000201", 4000)); len(m.Answer) != 1 || m.Answer[0].Data.Len() != 1 {
		t.Errorf("got %d sets", len(m.Answer))
	}
	// Names inside rdata do, until too much is too much.
	const ns = "00 0002 0001 0000003c 0002 c00c"
	if m := decoded(t, build(ns, 200)); len(m.Answer) != 1 {
		t.Errorf("got %d sets", len(m.Answer))
	}
	if _, err := Decode(build(ns, 4000)); !errors.Is(err, errWork) {
		t.Errorf("got %v, want %v", err, errWork)
	}
}

// As many RRs and as many sets as fit: the work must grow with the message and
// no faster. Without the chains by hash this would be 15 million comparisons.
func TestTheLargestMessagesAreSorted(t *testing.T) {
	t.Parallel()
	distinct := func(rr func(i int) string) []byte {
		var b strings.Builder
		for i := range 4000 {
			b.WriteString(rr(i))
		}
		return raw(t, 1, 4000, 0, 0, askA, b.String())
	}
	m := decoded(t, distinct(func(i int) string { return fmt.Sprintf("c00c 0001 0001 0000003c 0004 %08x", i) }))
	if len(m.Answer) != 1 || m.Answer[0].Data.Len() != 4000 {
		t.Errorf("got %d sets, the first of %d RRs", len(m.Answer), m.Answer[0].Data.Len())
	}
	m = decoded(t, distinct(func(i int) string { return fmt.Sprintf("c00c %04x 0001 0000003c 0001 01", 0x8000+i) }))
	if len(m.Answer) != 4000 {
		t.Errorf("got %d sets", len(m.Answer))
	}
}

// What a Decoder gives does not depend on what it has decoded before, and what it
// gave before stays as it was, but for the Message itself.
func TestADecoderIsUsedAgain(t *testing.T) {
	t.Parallel()
	var again Decoder
	large := raw(t, 1, 300, 0, 0, askA, strings.Repeat("c00c 0001 0001 0000003c 0004 01020304", 300))
	var kept, want []Message
	for i := range 60 {
		b := large
		switch all := samples(); i % 5 {
		case 4:
			if _, err := again.Decode(raw(t, 0, 1, 0, 0, "c00c", tail)); err == nil {
				t.Error("a malformed message has been read")
			}
		default:
			b = all[i%len(all)].wire()
		}
		m, err := again.Decode(b)
		if err != nil {
			t.Fatal(err)
		}
		kept, want = append(kept, *m), append(want, *decoded(t, b))
		kept[i].OPT, want[i].OPT = nil, nil
		kept[i].Question, want[i].Question = slices.Clone(m.Question), slices.Clone(want[i].Question)
	}
	if !reflect.DeepEqual(kept, want) {
		t.Error("what it gave is not what Decode gives")
	}
	if cap(again.d.buf) > maxKept || cap(again.d.grouping.rrs) > maxKeptRRs {
		t.Errorf("it keeps %d octets and %d RRs", cap(again.d.buf), cap(again.d.grouping.rrs))
	}
}

func TestDecodeAllocatesAFewTimesOnly(t *testing.T) {
	var again Decoder
	for _, s := range samples()[:1] {
		b := s.wire()
		if allocs := testing.AllocsPerRun(100, func() { _, _ = again.Decode(b) }); allocs > 2 {
			t.Errorf("%s, by a Decoder: %v allocations", s.name, allocs)
		}
	}
	for _, s := range samples() {
		b := s.wire()
		if allocs := testing.AllocsPerRun(100, func() { _, _ = Decode(b) }); allocs > 7 {
			t.Errorf("%s: %v allocations", s.name, allocs)
		}
	}
	bad := raw(t, 0, 1, 0, 0, "c00c", tail)
	if allocs := testing.AllocsPerRun(100, func() { _, _ = Decode(bad) }); allocs > 4 {
		t.Errorf("a malformed message: %v allocations", allocs)
	}
}

func TestNothingRefersToTheOctetsThatWereRead(t *testing.T) {
	t.Parallel()
	b := packed(t, true, manyTypes, "", "")
	m := decoded(t, b)
	want := m.Answer[0].String()
	clear(b)
	if got := m.Answer[0].String(); got != want {
		t.Errorf("%q became %q", want, got)
	}
}
