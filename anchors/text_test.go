package anchors

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
)

// memory has a bit of everything.
func memory() Memory {
	p := point("ABCDE")
	p.Keys[0].Changed = time.Time{}
	p.Keys[1].State, p.Keys[1].Seen, p.Keys[1].Signers = AddPend, 3, []uint16{1, 65535}
	p.Keys[2].State = Missing
	p.Keys[3].State, p.Keys[3].Rdata = Revoked, rdataOf('D', revoked)
	p.Keys[4].State, p.Keys[4].Rdata = Removed, rdataOf('E', revoked)
	p.Queried, p.Succeeded, p.Next = noon, noon.Add(-time.Hour), noon.Add(time.Hour)
	p.Failed, p.Interval, p.Retry = 1, 12*time.Hour, time.Hour
	q := Point{Zone: lookup.Root}.Configured(Root())
	return Memory{
		Points:   []Point{p, q},
		Negative: []Negative{{Zone: name(`bad\.one.example.`), Until: noon}},
	}
}

func TestTheMemoryReadsAsItWasWritten(t *testing.T) {
	t.Parallel()
	for _, m := range []Memory{{}, memory(), {Negative: memory().Negative}} {
		got, err := ParseMemory("f", m.String())
		if err != nil {
			t.Fatalf("%v in\n%s", err, m)
		}
		if !reflect.DeepEqual(got, m) {
			t.Errorf("got\n%+v\nwant\n%+v", got, m)
		}
	}
}

func TestTheMemoryIsForPeople(t *testing.T) {
	t.Parallel()
	p := point("A")
	p.Queried, p.Succeeded, p.Next = noon, noon, noon.Add(12*time.Hour)
	p.Interval, p.Retry = 12*time.Hour, 8640*time.Second
	want := `; autotrust trust anchor file
;;id: a. 1
;;last_queried: 1795262400 ;;Sat Nov 21 12:00:00 2026
;;last_success: 1795262400 ;;Sat Nov 21 12:00:00 2026
;;next_probe_time: 1795305600 ;;Sun Nov 22 00:00:00 2026
;;query_failed: 0
;;query_interval: 43200
;;retry_time: 8640
a.	86400	IN	DNSKEY	257 3 15 QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE= ;{id = 6180} ;;state=2 [  VALID  ] ;;count=0 ;;lastchange=1795176000 ;;Fri Nov 20 12:00:00 2026
`
	if got := p.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	p.Keys[0].State, p.Keys[0].Rdata = Revoked, rdataOf('A', revoked)
	if got := p.String(); !strings.Contains(got, "\n;;REVOKED\n") || !strings.Contains(got, "{id = 6308}") || !strings.Contains(got, "[ REVOKED ]") {
		t.Errorf("got\n%s", got)
	}
	// Nobody who knows the format need know that it is ours.
	if s, err := Read("f", memory().String(), noon); err != nil || len(s) != 2 {
		t.Errorf("got %v, %v", s, err)
	}
}

func TestFilesOfUnboundAreUnderstood(t *testing.T) {
	t.Parallel()
	m, err := ParseMemory("root.key", rootKey)
	if err != nil {
		t.Fatal(err)
	}
	p := m.Points[0]
	if p.Zone != lookup.Root || p.Queried.Unix() != 1700000000 || p.Next.Unix() != 1700040000 || p.Interval != 12*time.Hour || p.Retry != 8640*time.Second {
		t.Errorf("got %+v", p)
	}
	want := []Key{{State: Valid, TTL: 86400, Changed: time.Unix(1600000000, 0).UTC()}, {State: AddPend, Seen: 7, Changed: time.Unix(1699000000, 0).UTC()}, {State: Revoked, TTL: 86400, Changed: time.Unix(1600000000, 0).UTC()}}
	for i, k := range p.Keys {
		k.Type, k.Rdata = 0, ""
		if !reflect.DeepEqual(k, want[i]) {
			t.Errorf("key %d: got %+v, want %+v", i, k, want[i])
		}
	}
	// What dig prints is a beginning, too.
	if m, err = ParseMemory("f", ksk2017+"\n"+ksk2024+"\n. IN RRSIG DNSKEY 8 0\n"); err != nil || len(m.Points[0].Keys) != 2 || m.Points[0].Keys[0].State != Valid {
		t.Errorf("got %+v, %v", m, err)
	}
	// The state START is none at all.
	if m, err = ParseMemory("f", ksk2017+"\n"+ksk2024+" ;;state=0 [  START  ]"); err != nil || len(m.Points[0].Keys) != 1 {
		t.Errorf("got %+v, %v", m, err)
	}
}

// A file of ours that was cut short anywhere, or in which one octet changed, is not
// believed.
func TestDamageIsNoticed(t *testing.T) {
	t.Parallel()
	text := memory().String()
	head := strings.Index(text, madeHere) + len(madeHere) + 1
	for i := range text {
		if _, err := ParseMemory("f", text[:i]); err == nil {
			t.Fatalf("cut to %d of %d octets:\n%s", i, len(text), text[:i])
		}
		if i < head { // it is no file of ours then
			continue
		}
		for _, c := range []byte{'0', '\n', text[i] ^ 1} {
			if c == text[i] {
				continue
			}
			if _, err := ParseMemory("f", text[:i]+string(c)+text[i+1:]); err == nil {
				t.Fatalf("octet %d is %q instead of %q:\n%s", i, c, text[i], text)
			}
		}
	}
	if _, err := ParseMemory("f", text+"\n"); err == nil {
		t.Error("something behind the checksum")
	}
}

func TestWhatIsWrongInAMemoryHasItsPlace(t *testing.T) {
	t.Parallel()
	key := strings.Replace(ksk2017, "IN", "60 IN", 1)
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "f:1:1: no trust anchor in this file"},
		{"cut short", madeHere + "\n", "f:2:1: the file ends before its checksum"},
		{"another checksum", madeHere + "\n" + checksum + "00\n", "f:2:1: the checksum does not fit"},
		{"id", ";;id: a.. 1", `f:1:1: id: name "a.."`},
		{"id twice", ";;id: a. 1\n;;id: a. 1", "f:2:1: id: a zone that was there before"},
		{"a number without a zone", ";;last_queried: 1", "f:1:1: last_queried: it stands before"},
		{"not a number", ";;id: a. 1\n;;last_queried: soon", "f:2:1: last_queried: strconv"},
		{"a negative number", ";;id: a. 1\n;;query_failed: -1", "f:2:1: query_failed: value out of range"},
		{"beyond all time", ";;id: a. 1\n;;last_queried: 9999999999999", "f:2:1: last_queried: value out of range"},
		{"an interval beyond all measure", ";;id: a. 1\n;;query_interval: 2147483648", "f:2:1: query_interval: value out of range"},
		{"state", key + " ;;state=9", "f:1:9: the history of the key: value out of range"},
		{"count", key + " ;;state=1 ;;count=x", "f:1:9: the history of the key: strconv"},
		{"lastchange", key + " ;;state=1 ;;lastchange=x", "f:1:9: the history of the key: strconv"},
		{"signers", key + " ;;state=1 ;;signers=1,,2", "f:1:9: the history of the key: strconv"},
		{"revoked and valid", strings.Replace(key, "257", "385", 1) + " ;;state=2", "f:1:9: . DNSKEY: a key that its owner has revoked"},
		{"revoked and waiting", strings.Replace(key, "257", "385", 1) + " ;;state=1", "f:1:9: . DNSKEY: a key that its owner has revoked"},
		{"no key of a zone", ". DNSKEY 1 3 13 AAAA", "f:1:3: . DNSKEY: not a key of a zone"},
		{"twice", key + "\n" + strings.Replace(key, "257", "385", 1) + " ;;state=4", "f:2:9: a key that was there before"},
		{"syntax", ". DNSKEY x", "f:1:10: flags"},
		{"a negative anchor without an end", ";;negative: a. 0\n" + key, "f:1:1: negative: a negative anchor without an end"},
		{"a negative anchor with a bad name", ";;negative: a.. 1\n" + key, `f:1:1: negative: name "a.."`},
		{"a negative anchor with nothing", ";;negative: a.\n" + key, "f:1:1: negative: expected"},
	} {
		_, err := ParseMemory("f", c.text)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
	}
	for _, text := range []string{key + "\n;;newer: thing", key + "\n;;nothing", key + "\n;;novalue:", "; what people write\n" + key} {
		if _, err := ParseMemory("f", text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func FuzzParseMemory(f *testing.F) {
	unsigned, _, _ := strings.Cut(strings.Replace(memory().String(), madeHere+"\n", "", 1), checksum)
	for _, seed := range []string{memory().String(), unsigned, rootKey, point("AB").String()} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := ParseMemory("f", text)
		if err != nil {
			return
		}
		again, err := ParseMemory("f", m.String())
		if err != nil {
			t.Fatalf("%v in\n%s", err, m)
		}
		if again.String() != m.String() {
			t.Fatalf("got\n%s\nwant\n%s", again, m)
		}
		for _, p := range m.Points { // whatever it says, the state table can go on from there
			p.See(sighting("A* B r:C*"), noon, Timing{}, dnssec.Policy{})
			if _, err := NewSet(p.trusted(), m.Negative, dnssec.Policy{}); err != nil {
				t.Fatal(err)
			}
		}
	})
}
