package message

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

func ask(name string, t lookup.Type) Question {
	raw, err := lookup.ParseNameCase(name)
	if err != nil {
		panic(err)
	}
	return Question{Raw: raw, Name: lookup.MustName(name), Type: t, Class: lookup.ClassIN}
}

// unpacked is the message as miekg/dns understands it.
func unpacked(t testing.TB, b []byte) *dns.Msg {
	t.Helper()
	m := new(dns.Msg)
	if err := m.Unpack(b); err != nil {
		t.Fatalf("the library cannot read it: %v\n%x", err, b)
	}
	return m
}

func rrsets(t testing.TB, rrs []dns.RR) []lookup.RRset {
	t.Helper()
	sets, err := lookup.FromRRs(rrs)
	if err != nil {
		t.Fatal(err)
	}
	return sets
}

func TestTheLibraryReadsResponsesAsTheyWereMeant(t *testing.T) {
	t.Parallel()
	all := samples()
	all = append(all, sample{"many types", ask("www.example.", lookup.TypeANY), &lookup.Response{AA: true, Answer: lookup.MustRRsets(manyTypes)}})
	for _, s := range all {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			m := unpacked(t, s.wire())
			if len(m.Question) != 1 || m.Question[0].Name != s.question.Name.String() || m.Question[0].Qtype != uint16(s.question.Type) {
				t.Errorf("question %v", m.Question)
			}
			if !m.Response || m.Id != 1 || !m.RecursionDesired || m.Authoritative != s.response.AA || m.Rcode != int(s.response.Rcode) {
				t.Errorf("header %v", m.MsgHdr)
			}
			for i, c := range []struct {
				got  []dns.RR
				want []lookup.RRset
			}{{m.Answer, s.response.Answer}, {m.Ns, s.response.Authority}, {m.Extra, s.response.Additional}} {
				if got := rrsets(t, c.got); !slices.Equal(got, c.want) {
					t.Errorf("section %d: got\n%v\nwant\n%v", i, got, c.want)
				}
			}
		})
	}
}

func TestDecodeUndoesAppendResponse(t *testing.T) {
	t.Parallel()
	for _, s := range samples() {
		m := decoded(t, s.wire())
		if m.Question[0] != s.question {
			t.Errorf("%s: question %+v", s.name, m.Question[0])
		}
		if !slices.Equal(m.Answer, s.response.Answer) || !slices.Equal(m.Authority, s.response.Authority) || !slices.Equal(m.Additional, s.response.Additional) {
			t.Errorf("%s: got %+v", s.name, m)
		}
	}
}

// No worse than the library on what servers send all day.
func TestCompressionIsAsGoodAsTheLibrarys(t *testing.T) {
	t.Parallel()
	for _, s := range samples() {
		b := s.wire()
		m := unpacked(t, b)
		m.Compress = true
		other, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		if len(b) > len(other) {
			t.Errorf("%s: %d octets, the library needs %d", s.name, len(b), len(other))
		}
	}
}

func TestLayoutTellsWhereThingsStand(t *testing.T) {
	t.Parallel()
	const prefix = "what the caller had in dst already"
	for _, s := range samples() {
		dst, at := AppendResponse([]byte(prefix), Header{}, s.question, s.response, true)
		if string(dst[:len(prefix)]) != prefix {
			t.Fatalf("%s: dst was overwritten", s.name)
		}
		b := dst[len(prefix):]
		if at.End != len(b) || at.Answer != 12+len(s.question.Raw)+4 || at.Answer > at.Authority || at.Authority > at.Additional || at.Additional > at.End {
			t.Errorf("%s: %+v in %d octets", s.name, at, len(b))
		}
		sets := slices.Concat(s.response.Answer, s.response.Authority, s.response.Additional)
		var want []uint32
		for _, set := range sets {
			for range set.Data.Len() + set.Sigs.Len() {
				want = append(want, set.TTL)
			}
		}
		var got []uint32
		for _, off := range at.TTLs {
			got = append(got, binary.BigEndian.Uint32(b[off:]))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: TTLs %v, want %v", s.name, got, want)
		}
		for i, cut := range []int{at.Answer, at.Authority, at.Additional} {
			short := slices.Clone(b[:cut])
			for k := 3 - i; k > 0; k-- { // a message that is cut and counted anew stays a message
				binary.BigEndian.PutUint16(short[12-2*k:], 0)
			}
			decoded(t, short)
		}
	}
}

func TestOwnersFollowTheLetterCaseOfTheQuestion(t *testing.T) {
	t.Parallel()
	r := &lookup.Response{Answer: lookup.MustRRsets("www.example. 60 IN A 192.0.2.1")}
	b, _ := AppendResponse(nil, Header{}, ask("wWw.eXample.", lookup.TypeA), r, false)
	if got := unpacked(t, b).Answer[0].Header().Name; got != "wWw.eXample." {
		t.Errorf("owner %s", got)
	}
}

// RFC 3597 4: a receiver may not know the type, so names in it stay whole.
func TestOnlyTheTypesOfRFC1035AreCompressedInside(t *testing.T) {
	t.Parallel()
	for text, compressed := range map[string]bool{
		"www.example. NS www.example.":            true,
		"www.example. SOA www.example. . 1 2 3 4": true,
		"www.example. MX 1 www.example.":          true,
		"www.example. PTR www.example.":           true,
		"www.example. SRV 1 2 3 www.example.":     false,
		"www.example. DNAME www.example.":         false,
		"www.example. RP www.example. .":          false,
		"www.example. NSEC www.example. A":        false,
	} {
		if strings.Contains(text, "SOA") {
			text += " 5"
		}
		r := &lookup.Response{Answer: lookup.MustRRsets(text)}
		b, _ := AppendResponse(nil, Header{}, ask("www.example.", lookup.TypeANY), r, true)
		if got := strings.Count(string(b), "\x03www\x07example\x00") == 1; got != compressed {
			t.Errorf("%s: compressed %v, want %v", text, got, compressed)
		}
	}
}

func TestRdataThatDoesNotFitItsTypeIsWrittenAsItIs(t *testing.T) {
	t.Parallel()
	for _, rdata := range []string{"", "\x05www", "\xc0\x0c", "\x00\x00"} {
		r := &lookup.Response{Answer: []lookup.RRset{{Name: lookup.MustName("www.example."), Type: lookup.TypeCNAME, TTL: 1, Data: lookup.PackRdata(rdata)}}}
		b, at := AppendResponse(nil, Header{}, ask("www.example.", lookup.TypeCNAME), r, false)
		if got := string(b[int(at.TTLs[0])+6:]); got != rdata {
			t.Errorf("%q was written as %q", rdata, got)
		}
	}
}

func TestDNSSECRecordsGoToThoseWhoAskOnly(t *testing.T) {
	t.Parallel()
	const sig = " 300 IN RRSIG %s 13 2 300 20300101000000 20200101000000 1 example. AAAA\n"
	r := &lookup.Response{
		Answer: lookup.MustRRsets("www.example. 300 IN A 192.0.2.1\nwww.example." + fmt.Sprintf(sig, "A")),
		Authority: lookup.MustRRsets("example. 300 IN NS ns.example.\nexample. 300 IN NSEC www.example. A\n" +
			"example. 300 IN DS 1 13 2 8acbb0cd28f41250a80a491389424d341522d946b0da0c0291f2d3d771d7805a"),
	}
	count := func(q Question, dnssec bool) int {
		b, _ := AppendResponse(nil, Header{}, q, r, dnssec)
		m := unpacked(t, b)
		return len(m.Answer) + len(m.Ns)
	}
	if got := count(ask("www.example.", lookup.TypeA), true); got != 5 {
		t.Errorf("with DO: %d RRs, want 5", got)
	}
	if got := count(ask("www.example.", lookup.TypeA), false); got != 2 {
		t.Errorf("without DO: %d RRs, want A and NS", got)
	}
	if got := count(ask("www.example.", lookup.TypeNSEC), false); got != 3 {
		t.Errorf("who asks for NSEC gets it: %d RRs, want 3", got)
	}
}

func TestWhatIsTooLongIsCutAtAnRRset(t *testing.T) {
	t.Parallel()
	big := func(name string) lookup.RRset {
		var rrs []string
		for i := range 200 {
			rrs = append(rrs, fmt.Sprintf("\x64%0100d", i))
		}
		return lookup.RRset{Name: lookup.MustName(name), Type: lookup.TypeTXT, TTL: 60, Data: lookup.PackRdata(rrs...)}
	}
	four := []lookup.RRset{big("a."), big("b."), big("c."), big("d.")} // 22.7 kB each: two fit
	q := ask("a.", lookup.TypeTXT)
	for _, c := range []struct {
		title              string
		r                  lookup.Response
		answer, additional int
		tc                 bool
	}{
		{"in the answer", lookup.Response{Answer: four, Additional: four[:1]}, 2, 0, true},
		{"in the authority", lookup.Response{Answer: four[:2], Authority: four[2:]}, 2, 0, true},
		{"in the additional section", lookup.Response{Answer: four[:1], Additional: four}, 1, 1, false},
		{"in the glue", lookup.Response{Answer: four[:1], Additional: four, Glue: 4}, 1, 1, true},
	} {
		t.Run(c.title, func(t *testing.T) {
			t.Parallel()
			b, at := AppendResponse(nil, Header{}, q, &c.r, false)
			if len(b) > maxMessage || at.End != len(b) {
				t.Fatalf("%d octets, End %d", len(b), at.End)
			}
			m := decoded(t, b)
			if m.TC != c.tc || len(m.Answer) != c.answer || len(m.Additional) != c.additional || len(at.TTLs) != 200*(c.answer+c.additional) {
				t.Errorf("TC %v, %d and %d sets, %d TTLs", m.TC, len(m.Answer), len(m.Additional), len(at.TTLs))
			}
		})
	}
}

// Thousands of names, more than are remembered, some beyond the reach of a
// pointer: the result is longer than it could be, and right.
func TestCompressionEndsWhereItsBoundsAre(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for i := range 1500 {
		fmt.Fprintf(&text, "h%d.x%d.example. 60 IN NS n%d.y%d.example.\n", i, i, i, i)
	}
	r := &lookup.Response{Answer: lookup.MustRRsets(text.String())}
	b, _ := AppendResponse(nil, Header{}, ask("h0.x0.example.", lookup.TypeNS), r, false)
	if got := rrsets(t, unpacked(t, b).Answer); !slices.Equal(got, r.Answer) {
		t.Error("the library reads something else")
	}
}

func TestNamesAreComparedWithoutLetterCase(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"\x03www\x00", "\x03wWw\x00", true},
		{"\x03www\x00", "\x03wwx\x00", false},
		{"\x03www\x00", "\x02ww\x00", false},
		{"\x01@\x00", "\x01`\x00", false}, // next to the letters on both sides
		{"\x01[\x00", "\x01{\x00", false},
		{"\x02\xc3\x84\x00", "\x02\xc3\xa4\x00", false}, // only ASCII has a case (RFC 4343 3)
	} {
		if got := sameName(c.a, c.b); got != c.same {
			t.Errorf("%q and %q: %v", c.a, c.b, got)
		}
	}
}

func TestQueriesAreWhatTheLibraryExpects(t *testing.T) {
	t.Parallel()
	q := ask("wWw.example.", lookup.TypeAAAA)
	h := Header{ID: 99, RD: true, CD: true}
	m := unpacked(t, AppendQuery(nil, h, q, &OPT{Size: 1232, DO: true}))
	if m.Id != 99 || m.Response || !m.RecursionDesired || !m.CheckingDisabled || m.Question[0].Name != "wWw.example." {
		t.Errorf("got %v", m)
	}
	if o := m.IsEdns0(); o == nil || o.UDPSize() != 1232 || !o.Do() || o.Version() != 0 {
		t.Errorf("OPT %v", o)
	}
	if m := unpacked(t, AppendQuery(nil, h, q, nil)); m.IsEdns0() != nil {
		t.Error("an OPT that nobody asked for")
	}
}

func TestOPTCarriesTheUpperBitsOfTheRcode(t *testing.T) {
	t.Parallel()
	b, at := AppendResponse(nil, Header{}, ask("a.", lookup.TypeA), &lookup.Response{Rcode: lookup.BADCOOKIE}, false)
	b = AppendOPT(b, OPT{Size: 512, Version: 0, Options: []Option{{OptionCookie, "12345678"}}}, lookup.BADCOOKIE)
	b[11] = 1
	m := decoded(t, b)
	if m.Rcode != lookup.BADCOOKIE || m.OPT == nil || !slices.Equal(m.OPT.Options, []Option{{OptionCookie, "12345678"}}) {
		t.Errorf("got %+v", m)
	}
	if at.End+11+12 != len(b) {
		t.Errorf("the OPT takes %d octets", len(b)-at.End)
	}
	if r := unpacked(t, b); r.Rcode != dns.RcodeBadCookie {
		t.Errorf("the library reads %d", r.Rcode)
	}
}

func TestAResponseMayHaveNoQuestion(t *testing.T) {
	t.Parallel()
	b, at := AppendResponse(nil, Header{ID: 5}, Question{}, &lookup.Response{Rcode: lookup.FORMERR}, false)
	if len(b) != 12 || at.Answer != 12 || at.End != 12 {
		t.Errorf("%x, %+v", b, at)
	}
	if m := decoded(t, b); len(m.Question) != 0 || m.Rcode != lookup.FORMERR || m.ID != 5 {
		t.Errorf("got %+v", m)
	}
}

func TestAppendResponseAllocatesForItsLayoutOnly(t *testing.T) {
	buf := make([]byte, 0, 4096)
	for _, s := range samples() {
		if allocs := testing.AllocsPerRun(100, func() { AppendResponse(buf, Header{}, s.question, s.response, true) }); allocs > 1 {
			t.Errorf("%s: %v allocations", s.name, allocs)
		}
	}
	q := ask("www.example.", lookup.TypeA)
	if allocs := testing.AllocsPerRun(100, func() { AppendQuery(buf, Header{}, q, &OPT{Size: 1232}) }); allocs > 0 {
		t.Errorf("a query: %v allocations", allocs)
	}
}
