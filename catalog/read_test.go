package catalog

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/zones"
)

// parse is the zone cat.example with these RRs beside SOA and NS.
func parse(t testing.TB, text string) *zones.Zone {
	t.Helper()
	z, err := zones.Load(strings.NewReader("$ORIGIN cat.example.\n$TTL 0\n@ SOA invalid. invalid. 1 3600 600 86400 0\n@ NS invalid.\n"+text), "cat", zones.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// brief is members as text, one a line.
func brief(members []Member) string {
	var lines []string
	for _, m := range members {
		line := m.Label + " " + m.Zone.String()
		for _, g := range m.Groups {
			line += " group=" + g
		}
		if m.Owner != "" {
			line += " coo=" + m.Owner.String()
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// What RFC 9432 4 says of a catalog, rule by rule.
func TestRead(t *testing.T) {
	t.Parallel()
	const v2 = "version TXT 2\n"
	long := strings.Repeat("l", 63)
	for _, c := range []struct {
		rule, text, want string // want that begins with "broken": the error has the rest
	}{
		{"4.2.1 an empty catalog", v2, ""},
		{"4.2.1 no version", "a.zones PTR a.example.", "broken version.cat.example. has no TXT"},
		{"4.2.1 another type", "version A 192.0.2.1", "broken has no TXT"},
		{"4.2.1 a version elsewhere", "version.ext TXT 2", "broken has no TXT"},
		{"4.2.1 version 1", "version TXT 1", `broken "\x011"`},
		{"4.2.1 version 3", "version TXT 3\na.zones PTR a.example.", `broken "\x013"`},
		{"4.2.1 two versions", "version TXT 2\nversion TXT 3", "broken 2 TXT RRs"},
		{"4.2.1 two strings", "version TXT 2 \"\"", "broken"},
		{"4.2.1 no number", "version TXT \" 2\"", "broken"},
		{"4.1 members", v2 + "b.zones PTR b.example.\na.zones PTR a.example.", "a a.example.\nb b.example."},
		{"4.1 names and labels of any case", v2 + "AbC.zones PTR A.Example.\nx.ZONES PTR b.EXAMPLE.", "abc a.example.\nx b.example."},
		{"4.1 a label may be any", v2 + `\001\.\200.zones PTR a.example.`, "\x01.\xc8 a.example."},
		{"4.1 the root and long names", v2 + "r.zones PTR .\nl.zones PTR " + strings.Repeat(long+".", 3) + "example.", "r .\nl " + strings.Repeat(long+".", 3) + "example."},
		{"4.1 two PTR at one node", v2 + "a.zones PTR a.example.\na.zones PTR b.example.\nc.zones PTR c.example.", "broken a.zones.cat.example. has 2 PTR"},
		{"4.1 one zone twice", v2 + "a.zones PTR x.example.\nb.zones PTR X.example.", `broken x.example. is listed twice, under "a" and "b"`},
		{"4.1 a PTR deeper is no member", v2 + "a.b.zones PTR a.example.\nb.zones PTR b.example.", "b b.example."},
		{"4.1 a PTR higher is no member", v2 + "zones PTR a.example.\n", ""},
		{"4.1 a PTR elsewhere is no member", v2 + "a.zone PTR a.example.\na.zones.old PTR b.example.", ""},
		{"4.1 a node without PTR", v2 + "group.a.zones TXT g\na.zones TXT x\nb.zones PTR b.example.", "b b.example."},
		{"3 TTLs mean nothing", v2 + "a.zones 86400 PTR a.example.", "a a.example."},
		{"3 what is unknown is ignored", v2 + "serial.a.zones TXT 7\na.zones PTR a.example.\na.zones A 192.0.2.1\nfoo TXT bar\nzones TXT x\nmasters A 192.0.2.1\n@ A 192.0.2.1", "a a.example."},
		{"4.3.1 coo", v2 + "a.zones PTR a.example.\ncoo.a.zones PTR New.example.\nb.zones PTR b.example.", "a a.example. coo=new.example.\nb b.example."},
		{"4.3.1 two coo", v2 + "a.zones PTR a.example.\ncoo.a.zones PTR x.\ncoo.a.zones PTR y.", "broken coo.a.zones.cat.example. has 2 PTR"},
		{"4.3.1 coo of another type", v2 + "a.zones PTR a.example.\ncoo.a.zones TXT x.", "a a.example."},
		{"4.3.1 coo that is no property", v2 + "a.zones PTR a.example.\ncoo.x.a.zones PTR x.\ncoo.zones PTR b.example.", "a a.example.\ncoo b.example."},
		{"4.3.2 groups", v2 + "a.zones PTR a.example.\ngroup.a.zones TXT one\ngroup.a.zones TXT \"two words\"", "a a.example. group=one group=two words"},
		{"4.3.2 a group that is no single string", v2 + "a.zones PTR a.example.\ngroup.a.zones TXT one two\ngroup.a.zones TXT \"\"\ngroup.a.zones TXT three", "a a.example. group=three"},
		{"4.3.2 groups of another type", v2 + "a.zones PTR a.example.\ngroup.a.zones PTR one.", "a a.example."},
		{"4.4 custom properties", v2 + "a.zones PTR a.example.\nfoo.ext TXT x\nfoo.ext.a.zones TXT y\ngroup.ext.a.zones TXT z\ncoo.ext.a.zones PTR z.\nversion.ext TXT 9", "a a.example."},
	} {
		members, err := Read(parse(t, c.text))
		if what, isBroken := strings.CutPrefix(c.want, "broken"); isBroken {
			if !errors.Is(err, ErrBroken) || !strings.Contains(err.Error(), strings.TrimSpace(what)) || members != nil {
				t.Errorf("%s: got %v, %v, want it broken: %s", c.rule, members, err, what)
			}
			continue
		}
		want := strings.Split(c.want, "\n")
		slices.Sort(want)
		got := strings.Split(brief(members), "\n")
		slices.Sort(got)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %q, %v, want %q", c.rule, got, err, want)
		}
		if !slices.IsSortedFunc(members, func(a, b Member) int { return a.Zone.Compare(b.Zone) }) {
			t.Errorf("%s: out of order: %s", c.rule, brief(members))
		}
	}
}

// RFC 9432 5.1: a catalog that has expired is processed no longer.
func TestAbsentCatalogIsBroken(t *testing.T) {
	t.Parallel()
	if members, err := Read(zones.Absent("\x03cat\x00")); !errors.Is(err, ErrBroken) || members != nil {
		t.Errorf("got %v, %v", members, err)
	}
}

// A name below which nothing fits is no catalog's.
func TestCatalogWithALongName(t *testing.T) {
	t.Parallel()
	name := lookup.MustName(strings.Repeat(strings.Repeat("l", 49)+".", 5))
	z, err := zones.New(name, []zones.Record{
		{Name: name, Type: lookup.TypeSOA, Data: "\x00\x00" + strings.Repeat("\x00", 20)}, {Name: name, Type: lookup.TypeNS, Data: "\x00"},
	}, "test")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Read(z); !errors.Is(err, ErrBroken) {
		t.Errorf("got %v", err)
	}
	if _, err := Write(name, 1, nil); err == nil {
		t.Error("it was written")
	}
}

// What Write writes, Read reads; and a label says nothing but the name.
func TestWriteAndRead(t *testing.T) {
	t.Parallel()
	cat := lookup.MustName("cat.example.")
	members := []Member{
		{Zone: lookup.Root},
		{Zone: lookup.MustName("a.example."), Groups: []string{"one", "two"}, Owner: lookup.MustName("new.example.")},
		{Zone: lookup.MustName("b.example."), Label: "mine"},
	}
	z, err := Write(cat, 7, members)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Read(z)
	members[0].Label, members[1].Label = Label(members[0].Zone), Label(members[1].Zone)
	if err != nil || brief(got) != brief(members) {
		t.Errorf("got\n%s\n%v, want\n%s", brief(got), err, brief(members))
	}
	if got := z.SOA().String(); !strings.Contains(got, "\t0\tIN\tSOA\tinvalid. invalid. 7 ") {
		t.Errorf("got %s", got)
	}
	if got := Label(lookup.MustName("a.example.")); got != "af4181b9fc9791e7602493af58368152716bb0be" {
		t.Errorf("got %s", got)
	}
	again, err := Write(cat, 8, members[1:])
	if err != nil {
		t.Fatal(err)
	}
	if deleted, added := zones.Diff(z, again); len(deleted) != 1 || len(added) != 0 {
		t.Errorf("one member less: took out %d RRs and put in %d", len(deleted), len(added))
	}
	for what, wrong := range map[string][]Member{
		"a zone twice":  {{Zone: cat}, {Zone: cat, Label: "x"}},
		"a label twice": {{Zone: cat, Label: "x"}, {Zone: lookup.Root, Label: "x"}},
		"no group":      {{Zone: cat, Groups: []string{""}}},
		"a large group": {{Zone: cat, Groups: []string{strings.Repeat("g", 256)}}},
		"a long label":  {{Zone: cat, Label: strings.Repeat("g", 64)}},
	} {
		if _, err := Write(cat, 1, wrong); err == nil {
			t.Errorf("%s was written", what)
		}
	}
}

// Whatever a primary sends, there is a list or a reason; and a list can be written and
// read again.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"version TXT 2\na.zones PTR a.example.\ngroup.a.zones TXT g\ncoo.a.zones PTR b.",
		"version TXT 2\n*.zones PTR *.\nzones.zones PTR x.\ncoo.coo.zones PTR .\ngroup.zones PTR y.",
		"version TXT 2\na.zones NS a.example.\nb.a.zones PTR b.", "version TXT 2 2", "zones DNAME x.",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		z, err := zones.Load(strings.NewReader("@ 0 SOA . . 1 1 1 1 1\n@ 0 NS .\n"+text), "f", zones.LoadOptions{Origin: lookup.MustName("cat.example.")})
		if err != nil {
			return
		}
		members, err := Read(z)
		if (err == nil) == errors.Is(err, ErrBroken) {
			t.Fatalf("an error of another kind: %v", err)
		}
		if err != nil {
			return
		}
		seen, labels := map[lookup.Name]bool{}, map[string]bool{}
		for _, m := range members {
			if seen[m.Zone] || labels[m.Label] || m.Zone == "" || m.Label == "" {
				t.Fatalf("twice, or nothing: %+v", m)
			}
			seen[m.Zone], labels[m.Label] = true, true
		}
		again, err := Write(z.Apex(), 1, members)
		if err != nil {
			t.Fatal(err)
		}
		read, err := Read(again)
		if err != nil || fmt.Sprint(read) != fmt.Sprint(members) {
			t.Fatalf("wrote %v, read %v, %v", members, read, err)
		}
	})
}
