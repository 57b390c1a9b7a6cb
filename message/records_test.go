package message

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/sextant-dns/sextant/lookup"
)

func records(t testing.TB, b []byte) *Records {
	t.Helper()
	m, err := DecodeRecords(b)
	if err != nil {
		t.Fatalf("DecodeRecords: %v", err)
	}
	return m
}

// What Decode puts in order and leaves out is what transfers are made of.
func TestRecordsKeepOrderDuplicatesAndClasses(t *testing.T) {
	t.Parallel()
	m := records(t, packed(t, true, `
example. 60 IN SOA ns.example. Host.example. 1 2 3 4 5
www.example. 60 IN A 192.0.2.1
www.example. 60 CH TXT "chaos"
example. 60 IN SOA ns.example. Host.example. 1 2 3 4 5
www.example. 61 IN A 192.0.2.1
`, "example. 60 IN NS ns.example.", "x.example. 4294967295 IN A 192.0.2.2"))
	var got []string
	for _, section := range [...][]Record{m.Answer, m.Authority, m.Additional} {
		for _, r := range section {
			got = append(got, fmt.Sprintf("%s %d %s %s %d", r.Name, r.TTL, r.Class, r.Type, len(r.Data)))
		}
	}
	want := "example. 60 IN SOA 46, www.example. 60 IN A 4, www.example. 60 CH TXT 6, example. 60 IN SOA 46, www.example. 61 IN A 4, " +
		"example. 60 IN NS 12, x.example. 0 IN A 4"
	if strings.Join(got, ", ") != want {
		t.Errorf("got %s", strings.Join(got, ", "))
	}
	if q := m.Question; len(q) != 1 || q[0].Name != lookup.MustName("www.example.") || !m.QR {
		t.Errorf("%+v", m)
	}
	if !strings.Contains(m.Answer[0].Data, "\x04Host") {
		t.Errorf("letter case is lost in %q", m.Answer[0].Data)
	}
}

func TestDecodeRecordsRefuses(t *testing.T) {
	t.Parallel()
	for what, b := range map[string][]byte{
		"too short":                 raw(t, 1, 0, 0, 0, askA)[:11],
		"counts beyond the octets":  raw(t, 1, 60000, 0, 0, askA),
		"end in the question":       raw(t, 1, 0, 0, 0, "03 777777 07 6578616d706c65 00 0001"),
		"end in the fixed part":     raw(t, 1, 1, 0, 0, askA, ownerIs, "0001 0001 0000003c 00", "c00c"),
		"end in rdata":              raw(t, 1, 1, 0, 0, askA, ownerIs, "0001 0001 0000003c 0005 c0000201"),
		"rdata that is too long":    raw(t, 1, 1, 0, 0, askA, ownerIs, "0001 0001 0000003c 0005 c000020101"),
		"rdata of another class":    raw(t, 1, 1, 0, 0, askA, ownerIs, "0002 0003 0000003c 0001 ff"),
		"an owner that points on":   raw(t, 1, 1, 0, 0, askA, "c0ff", tail),
		"octets behind the message": raw(t, 1, 1, 0, 0, askA, ownerIs, tail, "00"),
	} {
		if m, err := DecodeRecords(b); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v, %v", what, m, err)
		}
	}
}

// A message of a transfer may be all names: more of them than Decode would follow.
func TestAMessageFullOfNamesIsReadAndABombIsNot(t *testing.T) {
	t.Parallel()
	long := "03 777777" + strings.Repeat(" 3f"+strings.Repeat(" 61", 63), 3) + " 00 0001 0001"
	ns := strings.Repeat("c00c 0002 0001 0000003c 0002 c00c ", 4000)
	b := raw(t, 1, 4000, 0, 0, long, ns)
	if m := records(t, b); len(m.Answer) != 4000 || len(m.Answer[3999].Data) != 197 {
		t.Errorf("%d records", len(m.Answer))
	}
	if _, err := Decode(b); !errors.Is(err, errWork) {
		t.Errorf("Decode: %v; the test is about nothing", err)
	}
	// Two RRs in turn, so that no owner is the one before, each with two names in its rdata.
	minfo := strings.Repeat("c00c 000e 0001 0000003c 0004 c00cc00c 00 000e 0001 0000003c 0004 c00cc00c ", 2000)
	if _, err := DecodeRecords(raw(t, 1, 4000, 0, 0, long, minfo)); err != nil {
		t.Errorf("1.2 MB of names: %v", err)
	}
	longest := "3f" + strings.Repeat(" 61", 63) + " 3f" + strings.Repeat(" 61", 63) + " 3f" + strings.Repeat(" 61", 63) + " 3d" + strings.Repeat(" 61", 61) + " 00 0001 0001"
	minfo = strings.Repeat("c00c 000e 0001 0000003c 0004 c00cc00c c04c 000e 0001 0000003c 0004 c00cc00c ", 2000)
	if _, err := DecodeRecords(raw(t, 1, 4000, 0, 0, longest, minfo)); !errors.Is(err, errWork) {
		t.Errorf("a bomb: %v, want %v", err, errWork)
	}
}

// Whatever the octets: no panic, and what both read is the same.
func FuzzDecodeRecords(f *testing.F) {
	for _, s := range samples() {
		f.Add(s.wire())
	}
	f.Add(packed(f, true, manyTypes, manyTypes, ""))
	f.Add(raw(f, 0, 1, 0, 0, "c00c", tail))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > maxMessage {
			return
		}
		m, err := DecodeRecords(b)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		d, err := Decode(b)
		if err != nil {
			return // Decode is the stricter about OPT and about work
		}
		for _, c := range []struct {
			records []Record
			sets    []lookup.RRset
		}{{m.Answer, d.Answer}, {m.Authority, d.Authority}, {m.Additional, d.Additional}} {
			all := map[one]bool{}
			for _, r := range c.records {
				if r.Class == lookup.ClassIN && r.Type != lookup.TypeOPT {
					all[one{r.Name, r.Type, r.Data}] = true
				}
			}
			if got := flat(c.sets); !maps.Equal(all, got) {
				t.Fatalf("one by one %v\nin sets %v", all, got)
			}
		}
	})
}
