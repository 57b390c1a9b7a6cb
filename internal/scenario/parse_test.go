package scenario

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sextant-dns/sextant/message"
)

// frame puts entry lines into the smallest story that holds them.
func frame(lines string) string {
	return "server:\nCONFIG_END\nSCENARIO_BEGIN t\nRANGE_BEGIN 0 9\nADDRESS 192.0.2.1\nENTRY_BEGIN\n" +
		lines + "\nENTRY_END\nRANGE_END\nSCENARIO_END\n"
}

func parseEntry(t *testing.T, lines string) *Entry {
	t.Helper()
	s, err := Parse("t.rpl", strings.NewReader(frame(lines)))
	if err != nil {
		t.Fatal(err)
	}
	return s.Ranges[0].Entries[0]
}

func TestAStoryIsReadInAllItsParts(t *testing.T) {
	t.Parallel()
	s, err := Parse("t.rpl", strings.NewReader(`
; a comment
server:
	module-config: "validator iterator" # another
	access-control: 127.0.0.0/8 allow
	local-data: 'a. TXT "x # y"'
forward-zone: name: "." forward-addr: fe80::
auth-zone:
	zonefile:
TEMPFILE_NAME zone
TEMPFILE_CONTENTS zone
a.  60 IN A 192.0.2.1
$INCLUDE_TEMPFILE more
TEMPFILE_END
TEMPFILE_CONTENTS more
b. 60 IN A 192.0.2.2
TEMPFILE_END
CONFIG_END

SCENARIO_BEGIN The title of it
RANGE_BEGIN 0 100
	ADDRESS 192.0.2.9
	ADDRESS 192.0.2.1@5353
	$ORIGIN example.
	ENTRY_BEGIN
		; comment
		# comment
		MATCH opcode qname ede=18 serial=7 ; comment
		ADJUST copy_id copy_query
		REPLY QR AA NXDOMAIN
		REPLY DO
		SECTION QUESTION
			www IN A
		SECTION ANSWER
			www A 192.0.2.3
			$TTL 60
			@ CH MX 10 Mail
		SECTION ADDITIONAL
			HEX_EDNSDATA_BEGIN ; comment
				00 0f	; code
				0 ; odd
			HEX_EDNSDATA_END
	ENTRY_END
RANGE_END
STEP 1 QUERY ADDRESS 192.0.2.77
ENTRY_BEGIN
	SECTION QUESTION
		www IN A
	HEX_ANSWER_BEGIN;
		00
	HEX_ANSWER_END;
EXTRA_PACKET
	REPLY TC
ENTRY_END
STEP 2 TIME_PASSES ELAPSE 1.5
STEP 3 TIME_PASSES EVAL ${1 + 2}
STEP 4 ASSIGN a = ${time}
STEP 5 CHECK_AUTOTRUST zone
FILE_BEGIN
text
FILE_END
STEP 6 INFRA_RTT 192.0.2.1 example. 100
STEP 7 TRAFFIC   ; comment
SCENARIO_END
`))
	if err != nil {
		t.Fatal(err)
	}
	if s.Title != "The title of it" || len(s.Settings) != 3 || len(s.Steps) != 7 {
		t.Errorf("title %q, %d sections, %d steps", s.Title, len(s.Settings), len(s.Steps))
	}
	if got := s.Settings[0].Find("local-data"); len(got) != 1 || got[0] != `a. TXT "x # y"` {
		t.Errorf("local-data is %q", got)
	}
	if got := s.Settings[1].Find("forward-addr"); len(got) != 1 || got[0] != "fe80::" {
		t.Errorf("forward-addr is %q", got)
	}
	if got := s.Texts[s.Settings[2].Find("zonefile")[0]]; got != "a.  60 IN A 192.0.2.1\nb. 60 IN A 192.0.2.2\n" {
		t.Errorf("the zone file is %q", got)
	}
	if r := s.Ranges[0]; r.Port != 5353 || len(r.Addrs) != 2 {
		t.Errorf("range %+v", r)
	}
	e := s.Ranges[0].Entries[0]
	if e.Match != matchOpcode|matchQname|matchEDE|matchSerial || e.EDE != 18 || e.Serial != 7 {
		t.Errorf("match %b, EDE %d, serial %d", e.Match, e.EDE, e.Serial)
	}
	const want = `;; opcode 0, NXDOMAIN, flags: QR AA
; EDNS: version: 0; flags: do; udp: 1232; options: 000f00
;www.example. IN A
;; ANSWER
www.example.	3600	IN	A	192.0.2.3
example.	60	CH	MX	10 Mail.example.
`
	if got := e.Packets[0].String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	ask := s.Steps[0].Entry
	if len(ask.Packets) != 2 || string(ask.Packets[0].Raw) != "\x00" || !ask.Packets[1].Header.TC {
		t.Errorf("packets %+v", ask.Packets)
	}
	if s.Steps[1].Pass != 1500*time.Millisecond || s.Steps[4].Text != "text\n" {
		t.Errorf("steps %+v", s.Steps)
	}
}

func TestErrorsTellFileAndLine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, want string }{
		{"no end", "server:\n", "t.rpl:1: unexpected EOF"},
		{"key without a section", "a: b\nCONFIG_END\n", "t.rpl:1: key"},
		{"value without a key", "server:\n  yes\n", "t.rpl:2: value"},
		{"open quote", "server:\n a: \"b\n", "t.rpl:2: no end"},
		{"no scenario", "CONFIG_END\nRANGE_BEGIN 0 1\n", "SCENARIO_BEGIN should be"},
		{"something behind", frame("") + "more\n", "after SCENARIO_END"},
		{"stray line", "CONFIG_END\nSCENARIO_BEGIN t\nRANGE_END\n", "neither a range nor a step"},
		{"steps go back", "CONFIG_END\nSCENARIO_BEGIN t\nSTEP 2 NOTHING\nSTEP 2 NOTHING\n", "t.rpl:4: step 2 comes after"},
		{"step kind", "CONFIG_END\nSCENARIO_BEGIN t\nSTEP 2 DANCE\n", "no kind of step"},
		{"surplus", "CONFIG_END\nSCENARIO_BEGIN t\nSTEP 2 QUERY NOW\n", "surplus"},
		{"time", "CONFIG_END\nSCENARIO_BEGIN t\nSTEP 2 TIME_PASSES ELAPSE soon\n", "number of seconds"},
		{"match word", frame("MATCH everything"), "t.rpl:7: no MATCH word"},
		{"reply word", frame("REPLY QR MAYBE"), "no REPLY word"},
		{"extended rcode", frame("REPLY BADVERS"), "no REPLY word"},
		{"adjust word", frame("ADJUST all"), "no ADJUST word"},
		{"section", frame("SECTION MIDDLE"), "no section"},
		{"question", frame("SECTION QUESTION\nwww. IN IN IN A"), "a question is"},
		{"type", frame("SECTION QUESTION\nwww. IN WHAT"), "mnemonic"},
		{"RR", frame("SECTION ANSWER\nwww. IN A nowhere"), "t.rpl:8:"},
		{"rdata length", frame(`SECTION ANSWER` + "\n" + `www. IN A \# 3 01`), "1 octets"},
		{"hex", frame("HEX_ANSWER_BEGIN\nxy\nHEX_ANSWER_END"), "invalid byte"},
		{"address", "CONFIG_END\nSCENARIO_BEGIN t\nRANGE_BEGIN 0 1\nADDRESS here\n", "t.rpl:4: ParseAddr"},
		{"long line", "CONFIG_END\nSCENARIO_BEGIN " + strings.Repeat("x", maxLine), "t.rpl:2: bufio.Scanner: token too long"},
	} {
		if _, err := Parse("t.rpl", strings.NewReader(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
}

func TestRRsThatTheLibraryRefusesAreRead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{`a. IN NSEC b. RRSIG A NSEC`, "a.\t3600\tIN\tNSEC\tb. A RRSIG NSEC"},
		{`a. 60 IN A \# 3 01 02 03 ; broken`, "a.\t60\tIN\tA\t\\# 3 010203"},
		{`a. SOA b. c. 1 2 3 4 5 6`, "a.\t3600\tIN\tSOA\tb. c. 1 2 3 4 5"},
		{`a. ANY TXT b`, "a.\t3600\tCLASS255\tTXT\t\"b\""},
		{`a. IN RRSIG A 5 1 60 20200101000000 20200101000000 1 a. AAAAAAA`,
			"a.\t3600\tIN\tRRSIG\tA 5 1 60 20200101000000 20200101000000 1 a. AAAA"},
		{`a. TYPE65400 \# 1 ff`, "a.\t3600\tCLASS1\tTYPE65400\t\\# 1 ff"},
	} {
		z := zoneText{origin: ".", ttl: 3600}
		rr, err := z.rr(c.in)
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
		} else if got := rr.String(); got != c.want {
			t.Errorf("%s: got %q, want %q", c.in, got, c.want)
		}
	}
}

func TestPacketsSurviveTheWire(t *testing.T) {
	t.Parallel()
	e := parseEntry(t, "REPLY QR AA TC RD RA AD CD NOTIFY REFUSED DO\nSECTION QUESTION\nWww.example. CH ANY\n"+
		"SECTION ANSWER\nWww.example. 5 IN NS Ns.example.\nwww.example. IN A \\# 2 0102\nSECTION AUTHORITY\nexample. IN SOA a. b. 1 2 3 4 5")
	want := e.Packets[0]
	got, err := Unpack(want.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != want.String() {
		t.Errorf("got\n%swant\n%s", got, &want)
	}
	for cut := range want.Bytes() {
		if _, err := Unpack(want.Bytes()[:cut]); err == nil {
			t.Errorf("a packet cut to %d octets is accepted", cut)
		}
	}
}

// Every packet of the third-party stories builds and reads back as it was, and
// the program can decode every reply of their servers.
func TestThirdPartyStoriesParseAndTheirPacketsBuild(t *testing.T) {
	t.Parallel()
	packets := 0
	for _, path := range thirdParty(t) {
		s, err := ParseFile(path)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, e := range s.entries() {
			for i := range e.Packets {
				p := e.Packets[i]
				p.Raw = nil // broken on purpose, some of them
				packets++
				if got, err := Unpack(p.Bytes()); err != nil || got.String() != p.String() {
					t.Errorf("%s:%d: %v: got\n%swant\n%s", s.File, e.Line, err, got, &p)
				}
			}
		}
		for _, r := range s.Ranges {
			for _, e := range r.Entries {
				p := e.Packets[0]
				p.Raw = nil
				if _, err := message.Decode(p.Bytes()); err != nil {
					t.Errorf("%s:%d: %v", s.File, e.Line, err)
				}
			}
		}
	}
	t.Logf("%d packets", packets)
}

// entries are all entries of the story.
func (s *Story) entries() []*Entry {
	var all []*Entry
	for _, r := range s.Ranges {
		all = append(all, r.Entries...)
	}
	for _, step := range s.Steps {
		if step.Entry != nil {
			all = append(all, step.Entry)
		}
	}
	return all
}

// thirdParty is the paths of the stories in the folder $SCENARIOS.
func thirdParty(t *testing.T) []string {
	t.Helper()
	dir := os.Getenv("SCENARIOS")
	if dir == "" {
		t.Skip("SCENARIOS names no folder of third-party stories")
	}
	paths, err := filepath.Glob(filepath.Join(dir, "unbound", "*.*rpl"))
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) == 0 {
		t.Fatalf("no stories in %s", dir)
	}
	return paths
}

func FuzzParse(f *testing.F) {
	f.Add("server:\n" + frame("MATCH all\nREPLY QR\nSECTION ANSWER\na. IN A 192.0.2.1\n"))
	f.Add(frame("SECTION ANSWER\na. IN RRSIG A 5 1 60 20200101000000 20200101000000 1 a. AAAAAAA"))
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse("t.rpl", strings.NewReader(text))
		if err != nil {
			return
		}
		for _, e := range s.entries() {
			for i := range e.Packets {
				p := &e.Packets[i]
				_ = p.String()
				if len(e.Differences(p, false, Comparison{})) > 0 {
					continue // it asks for TCP or an EDE that it has not
				}
				if _, err := Unpack(p.Bytes()); err != nil && p.Raw == nil {
					t.Logf("%v: %s", err, p)
				}
			}
		}
	})
}
