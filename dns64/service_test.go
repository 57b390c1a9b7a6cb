package dns64

import (
	"testing"

	"github.com/sextant-dns/sextant/lookup"
)

// The tests of this file follow RFC 9460 4.2.1.

const hinted = `w.example. 60 IN HTTPS 1 . alpn="h2" ipv4hint="198.41.0.4" ipv6hint="2001:db8::1"`

func TestD81ServicesArePassedOrWithheldAsAWhole(t *testing.T) {
	t.Parallel()
	w := world{
		"w.example. HTTPS":       {answer: hinted, authority: "example. 60 IN NS ns.example.", security: lookup.Secure},
		"_x.w.example. SVCB":     {answer: "_x.w.example. 60 IN SVCB 1 w.example. ipv6hint=2001:db8::1"},
		"no.example. HTTPS":      {rcode: lookup.NXDOMAIN, authority: soa},
		"without.example. HTTPS": none,
	}
	for _, rule := range []Rule{{}, {Mode: Forced}, {Mode: Off}} {
		d, b := stack(t, Options{Default: rule}, w)
		for question := range w {
			if r := resolve(t, d, question); r != b.says[question].Response {
				t.Errorf("%s, %s: got %v, want the response from below", rule.Mode, question, r)
			}
		}
	}
	d, b := stack(t, Options{Default: Rule{Mode: Forced, HideServices: true}}, w)
	same(t, resolve(t, d, "w.example. HTTPS"), `NOERROR EDE 17 (Filtered): DNS64 forced: the rule hides HTTPS
		authority:
		w.example. 60 IN SOA w.example. nobody.invalid. 1 3600 1200 604800 60`)
	same(t, resolve(t, d, "_x.w.example. SVCB"), `NOERROR EDE 17 (Filtered): DNS64 forced: the rule hides SVCB
		authority:
		_x.w.example. 60 IN SOA _x.w.example. nobody.invalid. 1 3600 1200 604800 60`)
	for _, question := range []string{"no.example. HTTPS", "without.example. HTTPS"} {
		if r := resolve(t, d, question); r != b.says[question].Response {
			t.Errorf("%s: got %v, want the response from below", question, r)
		}
	}
	if s := d.Stats(); s.Withheld != 2 || s.Passed != 2 {
		t.Errorf("counted %+v", s)
	}
}

// TestD79D80AddressesOfServices: those in Additional are what the client would
// hear if it asked for them.
func TestD79D80AddressesOfServices(t *testing.T) {
	t.Parallel()
	const a, aaaa = "w.example. 60 IN A 198.41.0.4\n", "w.example. 60 IN AAAA 2001:db8::1\n"
	const synthetic = "w.example. 60 IN AAAA 64:ff9b::c629:4\n"
	for _, test := range []struct {
		name             string
		rule             Rule
		additional, want string
		world            world
		asked            string
	}{
		{"D79 A alone becomes AAAA too", Rule{}, a, a + synthetic, world{"w.example. AAAA": none}, "w.example. AAAA"},
		{"D79 not where a real AAAA exists", Rule{}, a, a + aaaa, world{"w.example. AAAA": {answer: aaaa}}, "w.example. AAAA"},
		{"D79 real AAAA stay", Rule{}, a + aaaa, a + aaaa, nil, ""},
		{"D79 excluded AAAA do not", Rule{}, a + "w.example. 60 IN AAAA ::ffff:198.41.0.4", a + synthetic, nil, ""},
		{"D79 forced needs no lookup", Rule{Mode: Forced}, a + aaaa, a + synthetic, nil, ""},
		{"D80 hidden A are left out", Rule{Mode: Forced, HideA: true}, a + aaaa, synthetic, nil, ""},
		{"D79 forced and IPv6-only", Rule{Mode: Forced}, aaaa, aaaa, world{"w.example. A": none}, "w.example. A"},
		{"D79 failures leave the AAAA out", Rule{Mode: Forced}, aaaa, "", world{"w.example. A": {err: lookup.Fail(22, "")}}, "w.example. A"},
		{"nothing without addresses", Rule{}, "", "", nil, ""},
		{"other names stay", Rule{Mode: Forced}, "other.example. 60 IN AAAA 2001:db8::2", "other.example. 60 IN AAAA 2001:db8::2", nil, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := world{"w.example. HTTPS": {answer: hinted, additional: test.additional}}
			for question, s := range test.world {
				w[question] = s
			}
			d, b := stack(t, Options{Default: test.rule}, w)
			want := "NOERROR\nanswer:\n" + lookup.MustRRsets(hinted)[0].String() // D81
			if test.want != "" {
				want += "\nadditional:\n" + test.want
			}
			same(t, resolve(t, d, "w.example. HTTPS"), want)
			if test.asked == "" {
				b.wasAsked("w.example. HTTPS")
			} else {
				b.wasAsked("w.example. HTTPS", test.asked)
			}
		})
	}
}

func TestTargetNames(t *testing.T) {
	t.Parallel()
	got := targets(lookup.MustRRsets(tidy(`a.example. 60 IN HTTPS 0 b.example.
		c.example. 60 IN SVCB 1 .
		c.example. 60 IN SVCB 2 b.example.
		d.example. 60 IN HTTPS 0 .
		e.example. 60 IN A 198.41.0.4
		f.example. 60 IN SVCB 1 f1.example.
		f.example. 60 IN SVCB 1 f2.example.
		f.example. 60 IN SVCB 1 f3.example.`)))
	want := []string{"b.example.", "c.example.", "f1.example.", "f2.example."}
	if len(got) != len(want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	for i := range want {
		if got[i].String() != want[i] {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

func TestD79TargetHasARuleOfItsOwn(t *testing.T) {
	t.Parallel()
	o := Options{Default: Rule{Mode: Forced}, Rules: []Rule{{Suffix: lookup.MustName("cdn.example."), Mode: Off}}}
	d, b := stack(t, o, world{"w.example. HTTPS": {answer: "w.example. 60 IN HTTPS 1 cdn.example.", additional: "cdn.example. 60 IN AAAA 2001:db8::1"}})
	if r := resolve(t, d, "w.example. HTTPS"); r != b.says["w.example. HTTPS"].Response {
		t.Errorf("got %v, want the response from below", r)
	}
}
