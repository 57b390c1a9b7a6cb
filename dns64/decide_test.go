package dns64

import (
	"errors"
	"testing"

	"github.com/sextant-dns/sextant/lookup"
)

// TestDecideTellsEveryStep plays the questions that `explain` prints: each step
// with its reason.
func TestDecideTellsEveryStep(t *testing.T) {
	t.Parallel()
	var unknown Outcome
	noData, v4 := none.outcome(), said{answer: theA}.outcome()
	native := said{answer: "v4.example. 60 IN AAAA 2001:db8::1"}.outcome()
	fails := Outcome{Err: errors.New("no server answered")}
	for _, test := range []struct {
		rule    Rule
		aaaa, a Outcome
		want    string
	}{
		{Rule{}, unknown, unknown, "ask AAAA: a real AAAA is sought first (RFC 6147 5.1)"},
		{Rule{}, native, unknown, "pass: a real AAAA exists (RFC 6147 5.1.1)"},
		{Rule{}, noData, unknown, "ask A: no usable AAAA: NODATA (RFC 6147 5.1.6)"},
		{Rule{}, fails, unknown, "ask A: no usable AAAA: the lookup failed (RFC 6147 5.1.6)"},
		{Rule{PassRcodes: []lookup.Rcode{lookup.SERVFAIL}}, fails, unknown, "pass: the rule passes SERVFAIL"},
		{Rule{}, noData, v4, "synthesize: an A to synthesize from (RFC 6147 5.1.7)"},
		{Rule{}, noData, noData, "pass: no A to synthesize from (RFC 6147 5.4)"},
		{Rule{}, noData, fails, "pass A: the A lookup failed (RFC 6147 5.1.6)"},
		{Rule{Mode: Forced}, unknown, unknown, "ask A: forced: A is sought first"},
		{Rule{Mode: Forced}, unknown, v4, "synthesize: an A to synthesize from (RFC 6147 5.1.7)"},
		{Rule{Mode: Forced}, unknown, noData, "ask AAAA: no A to synthesize from: a real AAAA will do"},
		{Rule{Mode: Forced, HideNative: true}, unknown, noData, "deny: no A to synthesize from, and the rule hides real AAAA"},
		{Rule{Mode: Off}, unknown, unknown, "ask AAAA: the rule is off"},
		{Rule{Mode: Off}, noData, unknown, "pass: the rule is off"},
	} {
		d, _ := stack(t, Options{Default: test.rule}, nil)
		name := lookup.MustName("v4.example.")
		if got := d.Policy(name).Decide(name, test.aaaa, test.a).String(); got != test.want {
			t.Errorf("%s: got %q, want %q", test.rule.Mode, got, test.want)
		}
	}
}

// FuzzDecideEnds: whatever the lookups come to, a question needs each of them at
// most once.
func FuzzDecideEnds(f *testing.F) {
	outcomes := []said{
		none, {answer: "x.example. 60 IN A 198.41.0.4"}, {answer: "x.example. 60 IN A 10.0.0.1"},
		{answer: "x.example. 60 IN AAAA 2001:db8::1"}, {answer: "x.example. 60 IN AAAA ::ffff:10.0.0.1"},
		{rcode: lookup.NXDOMAIN}, {rcode: lookup.REFUSED}, {err: lookup.Fail(lookup.EDEBogus, "")}, {err: errors.New("timeout")}, {},
		{answer: "x.example. 60 IN CNAME y.example.\ny.example. 60 IN CNAME x.example."},
	}
	for aaaa := range outcomes {
		for a := range outcomes {
			f.Add(uint8(aaaa), uint8(a), uint8(0), false)
			f.Add(uint8(aaaa), uint8(a), uint8(1), true)
		}
	}
	f.Fuzz(func(t *testing.T, aaaa, a, mode uint8, hide bool) {
		rule := Rule{Mode: Mode(mode % 3)}
		rule.HideNative = hide && rule.Mode == Forced
		d, b := stack(t, Options{Default: rule}, world{"x.example. AAAA": outcomes[int(aaaa)%len(outcomes)], "x.example. A": outcomes[int(a)%len(outcomes)]})
		if r, err := d.Resolve(t.Context(), query("x.example. AAAA")); (r == nil) == (err == nil) {
			t.Errorf("got %v and %v", r, err)
		}
		if len(b.asked) > 2 || len(b.asked) == 2 && b.asked[0] == b.asked[1] {
			t.Errorf("below was asked %q", b.asked)
		}
	})
}

func BenchmarkForced(bench *testing.B) {
	d, err := New(lookup.Func(said{answer: theA}.outcome().resolve), Options{Default: Rule{Mode: Forced}})
	if err != nil {
		bench.Fatal(err)
	}
	q := query("v4.example. AAAA")
	q.Budget = lookup.NewBudget(lookup.Limits{})
	bench.ReportAllocs()
	for bench.Loop() {
		if _, err := d.Resolve(bench.Context(), q); err != nil {
			bench.Fatal(err)
		}
	}
}
