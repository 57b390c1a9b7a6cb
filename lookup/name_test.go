package lookup

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

func TestParseNamePrintsTheSameNameBack(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, out string }{
		{".", "."},
		{"com", "com."},
		{"WWW.Example.COM.", "www.example.com."},
		{`a\.b.example.`, `a\.b.example.`},
		{`\097bc.example.`, "abc.example."},
		{`tab\009.example.`, `tab\009.example.`},
		{`\\.example.`, `\\.example.`},
		{`*.wild.example.`, `*.wild.example.`},
		{strings.Repeat("a.", 127), strings.Repeat("a.", 127)},
		{strings.Repeat("a", 63) + ".", strings.Repeat("a", 63) + "."},
	} {
		n, err := ParseName(c.in)
		if err != nil {
			t.Errorf("ParseName(%q): %v", c.in, err)
			continue
		}
		if got := n.String(); got != c.out {
			t.Errorf("ParseName(%q) = %q, want %q", c.in, got, c.out)
		}
	}
}

func TestParseNameSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{"", "empty label"},
		{"a..b.", "empty label"},
		{".a.", "empty label"},
		{strings.Repeat("a", 64) + ".", "label longer than 63"},
		{strings.Repeat("a.", 128), "name longer than 255"},
		{`a\`, "single"},
		{`a\12`, "two more digits"},
		{`a\256.`, "above 255"},
	} {
		_, err := ParseName(c.in)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("ParseName(%q): error %v, want one with %q", c.in, err, c.want)
		}
	}
}

func TestNameFromWireRefusesWhatIsNoPlainName(t *testing.T) {
	t.Parallel()
	for _, wire := range []string{"", "\x03ww", "\x03www", "\xc0\x0c", "\x40" + strings.Repeat("a", 64) + "\x00", strings.Repeat("\x01a", 200) + "\x00"} {
		if n, _, err := NameFromWire(wire); err == nil {
			t.Errorf("NameFromWire(%q) = %q, want an error", wire, n)
		}
	}
	n, used, err := NameFromWire("\x03WwW\x00rest")
	if err != nil || n != MustName("www.") || used != 5 {
		t.Errorf("NameFromWire = %q, %d, %v", n, used, err)
	}
}

func TestNameFamily(t *testing.T) {
	t.Parallel()
	www := MustName("www.example.com.")
	if p, ok := www.Parent(); !ok || p != MustName("example.com.") {
		t.Errorf("Parent = %v, %v", p, ok)
	}
	if _, ok := Root.Parent(); ok {
		t.Error("the root has a parent")
	}
	if got := www.Labels(); got != 3 {
		t.Errorf("Labels = %d", got)
	}
	if got := www.Suffix(1); got != MustName("com.") {
		t.Errorf("Suffix(1) = %v", got)
	}
	if got := www.Suffix(0); got != Root {
		t.Errorf("Suffix(0) = %v", got)
	}
	if got := www.Suffix(9); got != www {
		t.Errorf("Suffix(9) = %v", got)
	}
	if got := www.Label(); got != "www" {
		t.Errorf("Label = %q", got)
	}
	child, err := MustName("example.").Child("WWW")
	if err != nil || child != MustName("www.example.") {
		t.Errorf("Child = %v, %v", child, err)
	}
	if _, err := Name(strings.Repeat("\x01a", 126) + "\x00").Child("toolong"); err == nil {
		t.Error("Child made a name of more than 255 octets")
	}
	if got, err := MustName("a.b.old.example.").Replace(MustName("old.example."), MustName("new.")); err != nil || got != MustName("a.b.new.") {
		t.Errorf("Replace = %v, %v", got, err)
	}
	if got := MustName("a.b.example.").CommonLabels(MustName("x.b.example.")); got != 2 {
		t.Errorf("CommonLabels = %d, want 2", got)
	}
	if got := MustName("a.").CommonLabels(MustName("b.")); got != 0 {
		t.Errorf("CommonLabels = %d, want 0", got)
	}
	if !MustName("*.example.").IsWildcard() || MustName("*a.example.").IsWildcard() {
		t.Error("IsWildcard is wrong")
	}
}

func TestIsSubdomainOfComparesLabelsNotOctets(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, zone string
		want       bool
	}{
		{"www.example.com.", "example.com.", true},
		{"example.com.", "example.com.", true},
		{"com.", "example.com.", false},
		{"badexample.com.", "example.com.", false},
		{"anything.", ".", true},
		{".", ".", true},
		// The octets of the zone's name end this one, but inside a label.
		{`\003com.`, "com.", false},
	} {
		if got := MustName(c.name).IsSubdomainOf(MustName(c.zone)); got != c.want {
			t.Errorf("%s below %s = %v, want %v", c.name, c.zone, got, c.want)
		}
	}
	if Root.IsSubdomainOf("") {
		t.Error("a name lies below no name")
	}
}

// RFC 4034 6.1 gives this very order as its example.
func TestCompareOrdersAsRFC4034Says(t *testing.T) {
	t.Parallel()
	want := []string{"example.", "a.example.", "yljkjljk.a.example.", "Z.a.example.", "zABC.a.EXAMPLE.", "z.example.", `\001.z.example.`, "*.z.example.", `\200.z.example.`}
	var names []Name
	for _, s := range want {
		names = append(names, MustName(s))
	}
	shuffled := slices.Clone(names)
	rand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	slices.SortFunc(shuffled, Name.Compare)
	if !slices.Equal(names, shuffled) {
		t.Errorf("order %v, want %v", shuffled, names)
	}
}

func TestHotNameMethodsDoNotAllocate(t *testing.T) {
	n, m := MustName("www.a.example.com."), MustName("example.com.")
	if allocs := testing.AllocsPerRun(100, func() {
		_ = n.IsSubdomainOf(m)
		_ = n.Labels()
		_ = n.CommonLabels(m)
		_ = n.Compare(m)
		_, _ = n.Parent()
	}); allocs != 0 {
		t.Errorf("%v allocations, want none", allocs)
	}
}

func FuzzParseName(f *testing.F) {
	for _, s := range []string{".", "www.example.com", `a\.b\032.`, `\255`, "*.x.", strings.Repeat("a.", 128)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := ParseName(s)
		if err != nil {
			return
		}
		if again, err := ParseName(n.String()); err != nil || again != n {
			t.Fatalf("%q -> %q -> %q, %v", s, n, again, err)
		}
		if w, l, err := NameFromWire(string(n)); err != nil || w != n || l != len(n) {
			t.Fatalf("%q is not its own wire form: %q, %d, %v", n, w, l, err)
		}
		// miekg/dns must read the printed name as the same octets.
		buf := make([]byte, 256)
		end, err := dns.PackDomainName(n.String(), buf, 0, nil, false)
		if err != nil || string(buf[:end]) != string(n) {
			t.Fatalf("the library packs %q as %q, %v", n, buf[:end], err)
		}
	})
}
