package wire

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

// message builds a query by hand: header fields, then whatever follows.
func message(flags uint16, counts [4]uint16, parts ...string) []byte {
	b := []byte{0x12, 0x34}
	b = binary.BigEndian.AppendUint16(b, flags)
	for _, n := range counts {
		b = binary.BigEndian.AppendUint16(b, n)
	}
	return append(b, strings.Join(parts, "")...)
}

const (
	name     = "\x03wWw\x07Example\x00"
	question = name + "\x00\x1c\x00\x01"
	rd       = 0x0100
)

func opt(size uint16, version byte, do bool, options string) string {
	b := []byte{0, 0, 41}
	b = binary.BigEndian.AppendUint16(b, size)
	b = append(b, 0, version, 0, 0)
	if do {
		b[len(b)-2] = 0x80
	}
	b = binary.BigEndian.AppendUint16(b, uint16(len(options)))
	return string(b) + options
}

func TestParseSumsUpWhatItFinds(t *testing.T) {
	t.Parallel()
	plain := opt(1232, 0, true, "")
	one := [4]uint16{1, 0, 0, 0}
	oneOPT := [4]uint16{1, 0, 0, 1}
	long := strings.Repeat("\x3f"+strings.Repeat("a", 63), 3)
	for _, c := range []struct {
		what string
		msg  []byte
		want Verdict
	}{
		{"a plain question", message(rd, one, question), Plain},
		{"with EDNS", message(rd, oneOPT, question, plain), Plain},
		{"Z set (RFC 8906 8.1.3.3)", message(0x0040, one, question), Plain},
		{"AD and CD set (RFC 8906 8.1.3.1 and 8.1.3.2)", message(0x0030, one, question), Plain},
		{"TC set", message(0x0200, one, question), Plain},
		{"unknown option (RFC 8906 8.2.3)", message(0, oneOPT, question, opt(512, 0, false, "\xff\xf0\x00\x02ab")), Plain},
		{"a name of 255 octets", message(0, one, long, "\x3d", strings.Repeat("b", 61), "\x00", "\x00\x01\x00\x01"), Plain},
		{"the root", message(0, one, "\x00\x00\x02\x00\x01"), Plain},
		{"type ANY (RFC 8482)", message(0, one, "\x00\x00\xff\x00\x01"), Plain},
		{"an unknown type (RFC 3597)", message(0, one, "\x00\xff\x00\x00\x01"), Plain},

		{"nothing", nil, Drop},
		{"eleven octets", message(rd, one)[:11], Drop},
		{"a response", message(0x8000, one, question), Drop},
		{"a response of another opcode", message(0xa800, one, question), Drop},

		{"STATUS (RFC 1035 4.1.1)", message(2<<11, one, question), NotImp},
		{"UPDATE (RFC 2136)", message(5<<11, one, question), Update},
		{"UPDATE, and garbage", message(5<<11, one, "\xff"), FormErr},
		{"NOTIFY of EDNS 1", message(OpcodeNotify<<11, oneOPT, question, opt(1232, 1, false, "")), BadVers},
		{"UPDATE of EDNS 1", message(5<<11, oneOPT, question, opt(1232, 1, false, "")), BadVers},
		{"DSO (RFC 8490)", message(6<<11, [4]uint16{}), NotImp},
		{"an opcode that nobody has, and garbage", message(15<<11, one, "\xff"), NotImp},

		{"EDNS 1 (RFC 6891 6.1.3)", message(0, oneOPT, question, opt(1232, 1, false, "")), BadVers},
		{"EDNS 1 with options of unknown form", message(0, oneOPT, question, opt(1232, 1, false, "x")), BadVers},

		{"class CH", message(0, one, "\x00\x00\x10\x00\x03"), Special},
		{"class ANY", message(0, one, "\x00\x00\x01\x00\xff"), Special},
		{"type OPT", message(0, one, "\x00\x00\x29\x00\x01"), Special},
		{"type AXFR", message(0, one, "\x00\x00\xfc\x00\x01"), Special},
		{"type NXNAME (RFC 9824)", message(0, one, "\x00\x00\x80\x00\x01"), Special},
		{"an RR in the answer section", message(0, [4]uint16{1, 1, 0, 0}, question, "\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x00\x00\x04abcd"), Special},
		{"a TSIG", message(0, [4]uint16{1, 0, 0, 2}, question, plain, "\x00\x00\xfa\x00\xff\x00\x00\x00\x00\x00\x00"), Special},

		{"no question", message(0, [4]uint16{}), FormErr},
		{"no question, an OPT (RFC 7873 5.4)", message(0, [4]uint16{0, 0, 0, 1}, plain), Empty},
		{"no question, an OPT and something else", message(0, [4]uint16{0, 0, 0, 2}, plain, "\x00\x00\x01\x00\x01\x00\x00\x00\x00\x00\x00"), FormErr},
		{"no question, an OPT of version 1", message(0, [4]uint16{0, 0, 0, 1}, opt(1232, 1, false, "")), BadVers},
		{"no question in a NOTIFY", message(OpcodeNotify<<11, [4]uint16{0, 0, 0, 1}, plain), NotImp},
		{"two questions (RFC 9619)", message(0, [4]uint16{2, 0, 0, 0}, question, question), FormErr},
		{"two questions announced", message(0, [4]uint16{2, 0, 0, 0}, question), FormErr},
		{"trailing octets", message(0, one, question, "x"), FormErr},
		{"a cut question", message(0, one, question[:len(question)-1]), FormErr},
		{"a cut name", message(0, one, "\x03ww"), FormErr},
		{"a label of 64 octets", message(0, one, "\x40"+strings.Repeat("a", 64)+"\x00\x00\x01\x00\x01"), FormErr},
		{"a name of 256 octets", message(0, one, long, "\x3e", strings.Repeat("b", 62), "\x00", "\x00\x01\x00\x01"), FormErr},
		{"a question that points into the header", message(0, one, "\xc0\x00\x00\x01\x00\x01"), FormErr},
		{"a question that points to itself", message(0, one, "\xc0\x0c\x00\x01\x00\x01"), FormErr},
		{"an extended label type", message(0, one, "\x41\x01\x00\x00\x01\x00\x01"), FormErr},
		{"a pointer forward", message(0, [4]uint16{1, 0, 0, 1}, question, "\xc0\x40\x00\x01\x00\x01\x00\x00\x00\x00\x00\x00"), FormErr},
		{"a pointer to itself", message(0, [4]uint16{1, 0, 0, 1}, question, "\xc0\x1d\x00\x01\x00\x01\x00\x00\x00\x00\x00\x00"), FormErr},
		{"a pointer that leads into a loop", message(0, [4]uint16{1, 1, 0, 1}, question,
			"\x00\x00\x01\x00\x01\x00\x00\x00\x00\x00\x02\xc0\x2a", // a pointer in rdata, forward
			"\xc0\x28\x00\x01\x00\x01\x00\x00\x00\x00\x00\x00"), FormErr},
		{"an RR that ends too early", message(0, [4]uint16{1, 0, 0, 1}, question, "\x00\x00\x01\x00\x01"), FormErr},
		{"rdata beyond the end", message(0, [4]uint16{1, 0, 0, 1}, question, "\x00\x00\x01\x00\x01\x00\x00\x00\x00\x00\x01"), FormErr},
		{"two OPTs (RFC 6891 6.1.1)", message(0, [4]uint16{1, 0, 0, 2}, question, plain, plain), FormErr},
		{"an OPT whose owner is not the root (RFC 6891 6.1.2)", message(0, oneOPT, question, "\x01a"+plain), FormErr},
		{"an OPT in the answer section", message(0, [4]uint16{1, 1, 0, 0}, question, plain), FormErr},
		{"an OPT in the authority section", message(0, [4]uint16{1, 0, 1, 0}, question, plain), FormErr},
		{"an option that is longer than the OPT", message(0, oneOPT, question, opt(1232, 0, false, "\x00\x03\x00\x01")), FormErr},
		{"33 options", message(0, oneOPT, question, opt(1232, 0, false, strings.Repeat("\x00\x0c\x00\x00", 33))), FormErr},
		{"an RR after the TSIG (RFC 8945 5.1)", message(0, [4]uint16{1, 0, 0, 2}, question, "\x00\x00\xfa\x00\xff\x00\x00\x00\x00\x00\x00", plain), FormErr},
	} {
		var q Query
		if got := Parse(c.msg, &q); got != c.want {
			t.Errorf("%s: verdict %v, want %v", c.what, got, c.want)
		}
	}
}

func TestParseReadsQuestionAndOPT(t *testing.T) {
	t.Parallel()
	msg := message(rd|0x10, [4]uint16{1, 0, 0, 2}, question,
		"\xc0\x10\x00\x01\x00\x01\x00\x00\x00\x00\x00\x04abcd", // the OPT need not be the only or first RR
		opt(4096, 0, true, "\x00\x03\x00\x00"))
	var q Query
	if v := Parse(msg, &q); v != Special {
		t.Fatalf("verdict %v", v)
	}
	if q.ID != 0x1234 || q.Flags != RD|CD || q.Type != lookup.TypeAAAA || q.Class != lookup.ClassIN {
		t.Errorf("header or question: %+v", q)
	}
	if q.Name() != lookup.MustName("www.example.") || string(q.Key()) != strings.ToLower(question) {
		t.Errorf("name %v, key %q", q.Name(), q.Key())
	}
	if !q.EDNS || q.Size != 4096 || !q.DO || q.Version != 0 {
		t.Errorf("OPT: %+v", q)
	}
	code, data, rest, ok := NextOption(q.Options.Of(msg))
	if code != 3 || len(data) != 0 || len(rest) != 0 || !ok {
		t.Errorf("option %d %q, rest %q, %v", code, data, rest, ok)
	}
	if _, _, _, ok := NextOption(rest); ok {
		t.Error("an option after the last")
	}
}

// What is found before a mistake serves the error reply: FORMERR has an OPT when
// the query had one (RFC 6891 7).
func TestParseKeepsWhatItFoundBeforeTheMistake(t *testing.T) {
	t.Parallel()
	var q Query
	if v := Parse(message(0, [4]uint16{1, 0, 0, 1}, question, opt(1232, 0, false, ""), "x"), &q); v != FormErr || !q.EDNS || q.QuestionEnd == HeaderLen {
		t.Errorf("trailing octet: verdict %v, %+v", v, q)
	}
	if v := Parse(message(0, [4]uint16{0, 0, 0, 1}, opt(1232, 0, false, "")), &q); v != Empty || !q.EDNS || q.QuestionEnd != HeaderLen {
		t.Errorf("no question: verdict %v, %+v", v, q)
	}
	if v := Parse(message(0, [4]uint16{2, 0, 0, 1}, question, "\xc0\x0c\x00\x01\x00\x01", opt(1232, 0, false, "")), &q); v != FormErr || !q.EDNS || q.QuestionEnd != HeaderLen {
		t.Errorf("two questions: verdict %v, %+v", v, q)
	}
}

func TestParseIsBoundedInItsWork(t *testing.T) {
	t.Parallel()
	// The longest name there is, then as many pointers to it as fit.
	msg := message(0, [4]uint16{1, 0, 0, 5000}, strings.Repeat("\x01a", 127), "\x00\x00\x01\x00\x01",
		strings.Repeat("\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x00\x00\x00", 5000))
	var q Query
	if v := Parse(msg, &q); v != FormErr {
		t.Errorf("verdict %v", v)
	}
}

func TestAppendHeadEchoesLetterCase(t *testing.T) {
	t.Parallel()
	msg := message(rd|0x0010|0x0040, [4]uint16{1, 0, 0, 0}, question)
	var q Query
	Parse(msg, &q)
	got := q.AppendHead([]byte("before"), msg, AA|RA|CD, Counts{1, 2, 3})
	want := append([]byte("before"), message(0x8000|0x0400|0x0100|0x0080|0x0010, [4]uint16{1, 1, 2, 3}, question)...)
	if !bytes.Equal(got, want) {
		t.Errorf("got  %x\nwant %x", got, want)
	}
	if flags, counts := ReadHead(got[6:]); flags != QR|AA|RD|RA|CD || counts != (Counts{1, 2, 3}) {
		t.Errorf("read back %x %v", flags, counts)
	}
	Parse(message(3<<11, [4]uint16{}), &q)
	if got := q.AppendHead(nil, msg[:HeaderLen], 0, Counts{}); !bytes.Equal(got, message(0x8000|3<<11, [4]uint16{})) {
		t.Errorf("without a question: %x", got)
	}
}

func TestAgeStopsAtZero(t *testing.T) {
	t.Parallel()
	msg := []byte{9, 0, 0, 0, 10, 0, 0, 1, 0}
	Age(msg, "\x00\x01\x00\x05\xff\xff", 20)
	if want := []byte{9, 0, 0, 0, 0, 0, 0, 0, 236}; !bytes.Equal(msg, want) {
		t.Errorf("got %v, want %v", msg, want)
	}
}

func TestParseAllocatesNothing(t *testing.T) {
	msg := message(rd, [4]uint16{1, 0, 0, 1}, question, opt(1232, 0, true, "\x00\x0a\x00\x08abcdefgh"))
	if n := testing.AllocsPerRun(1000, func() {
		var q Query
		if Parse(msg, &q) != Plain {
			t.Error("not plain")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Eight at a time, letters and what stands beside them in ASCII come out as one by one.
func TestLowerIsForLettersAlone(t *testing.T) {
	for length := range 30 {
		for c := range 256 {
			name, want := bytes.Repeat([]byte{'z', byte(c), 'Z'}, 10)[:length], bytes.Repeat([]byte{'z', byte(c), 'z'}, 10)[:length]
			for i, w := range want {
				if 'A' <= w && w <= 'Z' {
					want[i] = w + 'a' - 'A'
				}
			}
			if lower(name); !bytes.Equal(name, want) {
				t.Fatalf("%x, not %x", name, want)
			}
		}
	}
}

// FuzzParse compares with miekg/dns in both directions.
func FuzzParse(f *testing.F) {
	f.Add(message(rd, [4]uint16{1, 0, 0, 1}, question, opt(1232, 0, true, "\x00\x0a\x00\x08abcdefgh")))
	f.Add(message(rd, [4]uint16{1, 0, 0, 0}, question))
	f.Add(message(0, [4]uint16{1, 1, 1, 1}, question, strings.Repeat("\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x00\x00\x04abcd", 3)))
	f.Add(message(5<<11, [4]uint16{2, 0, 0, 0}, question, "\xc0\x0c\x00\x01\x00\x01"))
	f.Fuzz(func(t *testing.T, msg []byte) {
		var q, used Query
		v := Parse(msg, &q)
		Parse(message(rd, [4]uint16{1, 0, 0, 2}, "\x20"+strings.Repeat("A", 32)+question, opt(1232, 0, true, ""), "\x00\x00\xfa\x00\xff\x00\x00\x00\x00\x00\x00"), &used)
		if Parse(msg, &used) != v || used.facts != q.facts || !bytes.Equal(used.Key(), q.Key()) {
			t.Fatalf("what was there before is left: %+v, not %+v", used, q)
		}
		var m dns.Msg
		err := m.Unpack(msg)
		switch {
		case v == Drop:
			if len(msg) >= HeaderLen && msg[2]&0x80 == 0 {
				t.Fatal("dropped a query")
			}
		case v == Plain || v == BadVers && q.Options.From == q.Options.To && !q.extra:
			// Options are where the library is choosier about contents.
			if err == nil {
				same(t, &q, &m)
			} else if q.Options.From == q.Options.To {
				t.Fatalf("accepted what the library refuses: %v", err)
			}
		case v == FormErr && err == nil:
			if reason := stricter(msg, &m); reason == "" {
				t.Fatalf("refused what the library accepts:\n%v", &m)
			}
		}
	})
}

func same(t *testing.T, q *Query, m *dns.Msg) {
	t.Helper()
	name, err := lookup.ParseName(m.Question[0].Name)
	if err != nil {
		t.Fatal(err)
	}
	if q.ID != m.Id || q.Name() != name || uint16(q.Type) != m.Question[0].Qtype || uint16(q.Class) != m.Question[0].Qclass {
		t.Fatalf("%+v is not %v", q, m)
	}
	o := m.IsEdns0()
	if q.EDNS != (o != nil) {
		t.Fatalf("EDNS %v, library %v", q.EDNS, o)
	}
	if o != nil && (q.Size != o.UDPSize() || q.DO != o.Do() || q.Version != o.Version()) {
		t.Fatalf("%+v is not %v", q, o)
	}
}

// stricter names a reason for which Parse refuses what the library accepts.
func stricter(msg []byte, m *dns.Msg) string {
	if len(m.Question) != 1 {
		return "QDCOUNT"
	}
	if _, ok := plainName(msg, HeaderLen); !ok {
		return "a compressed question"
	}
	_, counts := ReadHead(msg)
	for i, section := range [][]dns.RR{m.Answer, m.Ns, m.Extra} {
		if len(section) != int(counts[i]) {
			return "counts" // the library does not mind when RRs are missing
		}
		for j, rr := range section {
			switch rr := rr.(type) {
			case *dns.OPT:
				if i < 2 || rr != m.IsEdns0() || rr.Hdr.Name != "." || len(rr.Option) > maxOptions || len(m.Extra) > 1 {
					return "OPT"
				}
			case *dns.TSIG:
				if i < 2 || j < len(section)-1 {
					return "TSIG"
				}
			}
		}
	}
	// The library does not mind what follows the last RR, and is more generous
	// with pointers: it packs another length than there was.
	var shorter dns.Msg
	if shorter.Unpack(msg[:len(msg)-1]) == nil && len(shorter.Extra) == len(m.Extra) && len(shorter.Ns) == len(m.Ns) && len(shorter.Answer) == len(m.Answer) {
		return "length"
	}
	m.Compress = false
	if packed, err := m.Pack(); err != nil || len(packed) != len(msg) {
		return "length"
	}
	return ""
}
