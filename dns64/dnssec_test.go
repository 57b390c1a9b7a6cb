package dns64

import (
	"errors"
	"testing"

	"github.com/sextant-dns/sextant/lookup"
)

// The tests of this file follow RFC 6147 5.5.

// TestD40D43Security is who may hear that a synthetic answer is secure: those
// that set DO, and only when the denial of AAAA and the A were both validated.
func TestD40D43Security(t *testing.T) {
	t.Parallel()
	const u, i, s = lookup.Unchecked, lookup.Insecure, lookup.Secure
	forced := Options{Default: Rule{Mode: Forced}}
	for _, test := range []struct {
		name     string
		options  Options
		question string
		aaaa, a  lookup.Security
		want     lookup.Security
	}{
		{"D40 DO=0, both secure", Options{}, "v4.example. AAAA", s, s, u},
		{"D40 DO=0, both insecure", Options{}, "v4.example. AAAA", i, i, u},
		{"D43 DO=1, both secure", Options{}, "v4.example. AAAA DO", s, s, s},
		{"D43 DO=1, only A secure", Options{}, "v4.example. AAAA DO", i, s, i},
		{"D43 DO=1, only the denial secure", Options{}, "v4.example. AAAA DO", s, i, i},
		{"D43 DO=1, A not validated", Options{}, "v4.example. AAAA DO", s, u, u},
		{"D43 DO=1, forced asks for no denial", forced, "v4.example. AAAA DO", s, s, u},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d, _ := stack(t, test.options, world{"v4.example. AAAA": {authority: soa, security: test.aaaa}, "v4.example. A": {answer: theA, security: test.a}})
			r := resolve(t, d, test.question)
			if got := addresses(r); got != thatGave {
				t.Fatalf("got %q", got)
			}
			if r.Security != test.want {
				t.Errorf("got %d, want %d", r.Security, test.want)
			}
		})
	}
}

func TestD43NoAuthenticDataWithoutADenial(t *testing.T) {
	t.Parallel()
	for name, aaaa := range map[string]said{
		"the AAAA lookup failed": {rcode: lookup.SERVFAIL, security: lookup.Secure},
		"all AAAA are excluded":  {answer: "v4.example. 60 IN AAAA ::ffff:198.41.0.4", security: lookup.Secure},
	} {
		d, _ := stack(t, Options{}, world{"v4.example. AAAA": aaaa, "v4.example. A": {answer: theA, security: lookup.Secure}})
		if r := resolve(t, d, "v4.example. AAAA DO"); r.Security != lookup.Unchecked || addresses(r) != thatGave {
			t.Errorf("%s: got %v", name, r)
		}
	}
}

func TestSignaturesOfADoNotCoverAAAA(t *testing.T) {
	t.Parallel()
	const alias = "www.example. 60 IN CNAME v4.example.\nwww.example. 60 IN RRSIG CNAME 13 2 60 20300101000000 20200101000000 1 example. AAAA\n"
	d, _ := stack(t, Options{}, world{
		"www.example. AAAA": {answer: alias, authority: soa},
		"www.example. A":    {answer: alias + theA + "\nv4.example. 3600 IN RRSIG A 13 2 3600 20300101000000 20200101000000 1 example. AAAA"},
	})
	same(t, resolve(t, d, "www.example. AAAA DO"), `NOERROR EDE 29 (Synthesized): DNS64 standard, 64:ff9b::/96
		answer:
		`+alias+`v4.example. 300 IN AAAA 64:ff9b::c629:4`)
}

// bogusOutcomes are the ways in which a validator below says no.
func bogusOutcomes() map[string]said {
	return map[string]said{
		"error":    {err: lookup.Fail(lookup.EDEBogus, "signature does not verify")},
		"expired":  {err: lookup.Fail(7, "signature expired")},
		"undated":  {err: lookup.Fail(25, "signature expired before its inception")},
		"wrapped":  {err: errors.Join(errors.New("resolving v4.example."), lookup.Fail(9, "DNSKEY missing"))},
		"response": {rcode: lookup.SERVFAIL, ede: []lookup.EDE{{Code: 22}, {Code: lookup.EDEBogus}}},
	}
}

func TestD41D42D44BogusDenialEndsItBeforeTheAQuery(t *testing.T) {
	t.Parallel()
	for name, bogus := range bogusOutcomes() {
		for _, question := range []string{"v4.example. AAAA", "v4.example. AAAA DO"} {
			d, b := stack(t, Options{}, world{"v4.example. AAAA": bogus})
			r, err := d.Resolve(t.Context(), query(question))
			if want := b.says["v4.example. AAAA"]; r != want.Response || err != want.Err {
				t.Errorf("%s, %s: got %v, %v, want what came from below", name, question, r, err)
			}
			b.wasAsked("v4.example. AAAA")
		}
	}
}

func TestD44BogusAIsAFailure(t *testing.T) {
	t.Parallel()
	for name, bogus := range bogusOutcomes() {
		for _, mode := range []Mode{Standard, Forced} {
			d, b := stack(t, Options{Default: Rule{Mode: mode}}, world{"v4.example. AAAA": none, "v4.example. A": bogus})
			r, err := d.Resolve(t.Context(), query("v4.example. AAAA DO"))
			if want := b.says["v4.example. A"]; r != want.Response || err != want.Err {
				t.Errorf("%s, %s: got %v, %v, want what came from below", name, mode, r, err)
			}
		}
	}
}

// TestD45D46D47CheckingDisabled is the grid of CD and DO. With both set the
// asker gets the very response from below, proofs and all, to work on by itself.
func TestD45D46D47CheckingDisabled(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name         string
		synthesizeCD bool
		flags        string
		synthesized  bool
	}{
		{"D45 D47 CD=1 DO=1", false, "CD DO", false},
		{"D45 D47 CD=1 DO=1 whatever the policy", true, "CD DO", false},
		{"D46 CD=1 DO=0 by default", false, "CD", false},
		{"D46 CD=1 DO=0 by policy", true, "CD", true},
		{"CD=0 DO=1", false, "DO", true},
		{"CD=0 DO=0", false, "", true},
	} {
		for _, mode := range []Mode{Standard, Forced} {
			t.Run(test.name+" "+mode.String(), func(t *testing.T) {
				t.Parallel()
				w := world{"v4.example. AAAA": none, "v4.example. A": {answer: theA}, "v4.example. HTTPS": {answer: "v4.example. 60 IN HTTPS 1 ."}}
				o := Options{Default: Rule{Mode: mode, HideA: mode == Forced, HideServices: mode == Forced}, SynthesizeCD: test.synthesizeCD}
				d, b := stack(t, o, w)
				if got := addresses(resolve(t, d, "v4.example. AAAA "+test.flags)); (got == thatGave) != test.synthesized {
					t.Errorf("got %q", got)
				}
				if test.synthesized {
					return
				}
				for _, question := range []string{"v4.example. AAAA", "v4.example. A", "v4.example. HTTPS"} {
					if r := resolve(t, d, question+" "+test.flags); r != b.says[question].Response {
						t.Errorf("%s: got %v, want the response from below", question, r)
					}
				}
			})
		}
	}
}

// TestD12D45ValidatorSeesExcludedAAAA: it needs the signed RRset whole.
func TestD12D45ValidatorSeesExcludedAAAA(t *testing.T) {
	t.Parallel()
	d, b := stack(t, Options{}, world{"x.example. AAAA": {answer: "x.example. 60 IN AAAA ::ffff:198.41.0.4"}})
	if r := resolve(t, d, "x.example. AAAA CD DO"); r != b.says["x.example. AAAA"].Response {
		t.Errorf("got %v, want the response from below", r)
	}
}
