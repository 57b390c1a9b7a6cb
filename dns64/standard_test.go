package dns64

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

// The tests of this file follow RFC 6147 5.1 to 5.4.

func TestD1OtherClassesArePassed(t *testing.T) {
	t.Parallel()
	d, b := stack(t, Options{}, world{"v4.example. AAAA": none})
	q := query("v4.example. AAAA")
	q.Class = lookup.ClassCH
	r, err := d.Resolve(t.Context(), q)
	if err != nil || r != b.says["v4.example. AAAA"].Response {
		t.Errorf("got %v, %v, want the response from below", r, err)
	}
	b.wasAsked("v4.example. AAAA")
}

func TestD2D3RealAAAAIsSoughtFirstAndIsTheAnswer(t *testing.T) {
	t.Parallel()
	d, b := stack(t, Options{}, world{"dual.example. AAAA": {answer: theAAAA}})
	if r := resolve(t, d, "dual.example. AAAA"); r != b.says["dual.example. AAAA"].Response {
		t.Errorf("got %v, want the response from below", r)
	}
	b.wasAsked("dual.example. AAAA")
}

func TestD4RealAndSyntheticAreNeverMixed(t *testing.T) {
	t.Parallel()
	mixed := world{
		"dual.example. AAAA": {answer: "dual.example. 60 IN AAAA ::ffff:198.41.0.4\ndual.example. 60 IN AAAA 2001:db8::1"},
		"dual.example. A":    {answer: "dual.example. 60 IN A 198.41.0.4"},
	}
	for _, test := range []struct {
		options Options
		want    string
	}{
		{Options{}, "2001:db8::1"},
		{Options{MixedAsEmpty: true}, "64:ff9b::c629:4"},
		{Options{Default: Rule{Mode: Forced}}, "64:ff9b::c629:4"},
	} {
		d, _ := stack(t, test.options, mixed)
		if got := addresses(resolve(t, d, "dual.example. AAAA")); got != test.want {
			t.Errorf("%+v: got %s, want %s", test.options, got, test.want)
		}
	}
}

func TestD5NXDOMAINIsPassedWithoutAQuery(t *testing.T) {
	t.Parallel()
	d, b := stack(t, Options{}, world{"no.example. AAAA": {rcode: lookup.NXDOMAIN, authority: soa}})
	same(t, resolve(t, d, "no.example. AAAA"), "NXDOMAIN\nauthority:\n"+soa)
	b.wasAsked("no.example. AAAA")
}

func TestD6OtherRcodesCountAsEmpty(t *testing.T) {
	t.Parallel()
	for _, rcode := range []lookup.Rcode{lookup.FORMERR, lookup.SERVFAIL, lookup.NOTIMP, lookup.REFUSED, lookup.NOTAUTH, 20} {
		d, b := stack(t, Options{}, world{"v4.example. AAAA": {rcode: rcode}, "v4.example. A": {answer: theA}})
		if got := addresses(resolve(t, d, "v4.example. AAAA")); got != thatGave {
			t.Errorf("%s: got %q", rcode, got)
		}
		b.wasAsked("v4.example. AAAA", "v4.example. A")
	}
}

func TestD6RuleChoosesRcodesToPass(t *testing.T) {
	t.Parallel()
	o := Options{Rules: []Rule{{Suffix: lookup.MustName("strict.example."), PassRcodes: []lookup.Rcode{lookup.SERVFAIL, lookup.REFUSED}}}}
	d, b := stack(t, o, world{
		"a.strict.example. AAAA": {rcode: lookup.REFUSED},
		"b.strict.example. AAAA": {err: os.ErrDeadlineExceeded},
		"c.strict.example. AAAA": {rcode: lookup.NOTIMP},
		"c.strict.example. A":    {answer: "c.strict.example. 60 IN A 198.41.0.4"},
	})
	if r := resolve(t, d, "a.strict.example. AAAA"); r.Rcode != lookup.REFUSED {
		t.Errorf("got %s, want REFUSED", r.Rcode)
	}
	if _, err := d.Resolve(t.Context(), query("b.strict.example. AAAA")); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v, want the timeout", err)
	}
	if got := addresses(resolve(t, d, "c.strict.example. AAAA")); got != thatGave {
		t.Errorf("got %q for an rcode that is not in the list", got)
	}
	b.wasAsked("a.strict.example. AAAA", "b.strict.example. AAAA", "c.strict.example. AAAA", "c.strict.example. A")
}

func TestD7TimeoutCountsAsEmpty(t *testing.T) {
	t.Parallel()
	d, b := stack(t, Options{}, world{"v4.example. AAAA": {err: os.ErrDeadlineExceeded}, "v4.example. A": {answer: theA}})
	if got := addresses(resolve(t, d, "v4.example. AAAA")); got != thatGave {
		t.Errorf("got %q", got)
	}
	b.wasAsked("v4.example. AAAA", "v4.example. A")
}

func TestD7NoLookupForWhomIsGone(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var asked []lookup.Type
	d, err := New(lookup.Func(func(_ context.Context, q lookup.Query) (*lookup.Response, error) {
		asked = append(asked, q.Type)
		cancel()
		return nil, context.Canceled
	}), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Resolve(ctx, query("v4.example. AAAA")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if len(asked) != 1 {
		t.Errorf("asked for %v, want AAAA alone", asked)
	}
}

// TestD8D9D10D11D12Exclusion is RFC 6147 5.1.4 as a table.
func TestD8D9D10D11D12Exclusion(t *testing.T) {
	t.Parallel()
	const mapped, other, real = "::ffff:198.41.0.4", "2001:db8:bad::1", "2001:db8::1"
	for _, test := range []struct {
		name    string
		options Options
		aaaa    []string
		want    string
	}{
		{"D9 IPv4-mapped AAAA are excluded by default", Options{}, []string{mapped}, thatGave},
		{"D8 the set can be chosen", Options{Exclude: prefixes("2001:db8:bad::/48")}, []string{other}, thatGave},
		{"D8 a chosen set takes the place of the default", Options{Exclude: prefixes("2001:db8:bad::/48")}, []string{mapped}, mapped},
		{"D8 the set can be empty", Options{Exclude: prefixes()}, []string{mapped}, mapped},
		{"D10 all excluded counts as empty", Options{Exclude: prefixes("::/0")}, []string{real, other}, thatGave},
		{"D11 the rest of a mixed set is the answer", Options{}, []string{mapped, real}, real},
		{"D11 a mixed set can count as empty", Options{MixedAsEmpty: true}, []string{mapped, real}, thatGave},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var rrs []string
			for _, a := range test.aaaa {
				rrs = append(rrs, "v4.example. 60 IN AAAA "+a)
			}
			d, _ := stack(t, test.options, world{"v4.example. AAAA": {answer: strings.Join(rrs, "\n")}, "v4.example. A": {answer: theA}})
			if got := addresses(resolve(t, d, "v4.example. AAAA")); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestD12ExcludedAAAANeverGetsOut(t *testing.T) {
	t.Parallel()
	const sig = "x.example. 60 IN RRSIG AAAA 13 2 60 20300101000000 20200101000000 1 example. AAAA"
	const excluded = "x.example. 60 IN AAAA ::ffff:198.41.0.4"
	d, b := stack(t, Options{}, world{
		"x.example. AAAA":     {answer: excluded},
		"x.example. A":        none,
		"fails.example. AAAA": {answer: strings.ReplaceAll(excluded, "x.", "fails.")},
		"fails.example. A":    {rcode: lookup.SERVFAIL},
		"x.example. ANY":      {answer: excluded + "\nx.example. 60 IN TXT kept"},
		"mix.example. ANY":    {answer: strings.ReplaceAll(excluded+"\n"+sig+"\nx.example. 60 IN AAAA 2001:db8::1", "x.", "mix."), security: lookup.Secure},
		"plain.example. ANY":  {answer: "plain.example. 60 IN TXT all"},
	})
	t.Run("no A either", func(t *testing.T) {
		same(t, resolve(t, d, "x.example. AAAA"), `NOERROR EDE 17 (Filtered): DNS64 standard: every AAAA is excluded and no A can be synthesized from (RFC 6147 5.1.4)
			authority:
			`+soa)
	})
	t.Run("the A lookup fails", func(t *testing.T) {
		same(t, resolve(t, d, "fails.example. AAAA"), "SERVFAIL")
	})
	t.Run("ANY", func(t *testing.T) {
		same(t, resolve(t, d, "x.example. ANY"), `NOERROR EDE 17 (Filtered): DNS64 standard: some types are hidden or excluded
			answer:
			x.example. 60 IN TXT "kept"`)
		same(t, resolve(t, d, "mix.example. ANY"), `NOERROR EDE 17 (Filtered): DNS64 standard: some types are hidden or excluded
			answer:
			mix.example. 60 IN AAAA 2001:db8::1`)
		if r := resolve(t, d, "plain.example. ANY"); r != b.says["plain.example. ANY"].Response {
			t.Errorf("got %v, want the response from below", r)
		}
	})
}

func TestD11RestOfASignedSetIsNotSigned(t *testing.T) {
	t.Parallel()
	d, _ := stack(t, Options{}, world{"x.example. AAAA": {security: lookup.Secure, answer: `x.example. 60 IN AAAA ::ffff:198.41.0.4
x.example. 60 IN AAAA 2001:db8::1
x.example. 60 IN RRSIG AAAA 13 2 60 20300101000000 20200101000000 1 example. AAAA`}})
	same(t, resolve(t, d, "x.example. AAAA DO"), "NOERROR\nanswer:\nx.example. 60 IN AAAA 2001:db8::1")
}

// TestD13D14D16D17AliasChain is the shape of a synthetic answer (RFC 6147 5.1.5
// to 5.1.7), with the chain of www.facebook.com and one through a DNAME.
func TestD13D14D16D17AliasChain(t *testing.T) {
	t.Parallel()
	const chain = "www.facebook.com. 60 IN CNAME star.c10r.facebook.com."
	const dname = "old.example. 60 IN DNAME new.example.\nwww.old.example. 60 IN CNAME www.new.example."
	d, b := stack(t, Options{}, world{
		"www.facebook.com. AAAA": {answer: chain, authority: "c10r.facebook.com. 300 IN SOA a. b. 1 2 3 4 300"},
		"www.facebook.com. A":    {answer: chain + "\nstar.c10r.facebook.com. 60 IN A 31.13.79.246"},
		"www.old.example. AAAA":  {answer: dname, authority: soa},
		"www.old.example. A":     {answer: dname + "\nwww.new.example. 60 IN A 198.41.0.4"},
	})
	same(t, resolve(t, d, "www.facebook.com. AAAA"), `NOERROR EDE 29 (Synthesized): DNS64 standard, 64:ff9b::/96
		answer:
		www.facebook.com. 60 IN CNAME star.c10r.facebook.com.
		star.c10r.facebook.com. 60 IN AAAA 64:ff9b::1f0d:4ff6`)
	b.wasAsked("www.facebook.com. AAAA", "www.facebook.com. A")
	same(t, resolve(t, d, "www.old.example. AAAA"), `NOERROR EDE 29 (Synthesized): DNS64 standard, 64:ff9b::/96
		answer:
		old.example. 60 IN DNAME new.example.
		www.old.example. 60 IN CNAME www.new.example.
		www.new.example. 60 IN AAAA 64:ff9b::c629:4`)
}

func TestD13ChainThatEndsNowhereIsNXDOMAIN(t *testing.T) {
	t.Parallel()
	d, b := stack(t, Options{}, world{"a.example. AAAA": {rcode: lookup.NXDOMAIN, answer: "a.example. 60 IN CNAME no.example.", authority: soa}})
	if r := resolve(t, d, "a.example. AAAA"); r.Rcode != lookup.NXDOMAIN || len(r.Answer) != 1 {
		t.Errorf("got %v", r)
	}
	b.wasAsked("a.example. AAAA")
}

// TestD15WhatIsAnsweredWhenNothingCanBeSynthesized has every pair of outcomes.
func TestD15WhatIsAnsweredWhenNothingCanBeSynthesized(t *testing.T) {
	t.Parallel()
	aFails, aaaaFails := errors.New("A failed"), errors.New("AAAA failed")
	noSuchName := said{rcode: lookup.NXDOMAIN, authority: soa}
	for _, test := range []struct {
		name    string
		aaaa, a said
		want    string // the type whose outcome is the reply
	}{
		{"neither exists", none, none, "AAAA"},
		{"A contradicts", none, noSuchName, "AAAA"},
		{"A fails after NODATA", none, said{err: aFails}, "A"},
		{"A is refused after NODATA", none, said{rcode: lookup.REFUSED}, "A"},
		{"both fail", said{err: aaaaFails}, said{err: aFails}, "AAAA"},
		{"both are refused", said{rcode: lookup.REFUSED}, said{rcode: lookup.SERVFAIL}, "AAAA"},
		{"AAAA fails and there is no A", said{err: aaaaFails}, none, "AAAA"},
		{"AAAA fails and A says NXDOMAIN", said{rcode: lookup.SERVFAIL}, noSuchName, "AAAA"},
		{"A is not for synthesis", none, said{answer: "x.example. 60 IN A 10.0.0.1"}, "AAAA"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d, b := stack(t, Options{}, world{"x.example. AAAA": test.aaaa, "x.example. A": test.a})
			r, err := d.Resolve(t.Context(), query("x.example. AAAA"))
			if want := b.says["x.example. "+test.want]; r != want.Response || err != want.Err {
				t.Errorf("got %v, %v, want %+v", r, err, want)
			}
		})
	}
}

func TestD18TypeAndLength(t *testing.T) {
	t.Parallel()
	d, _ := stack(t, Options{}, world{"v4.example. AAAA": none, "v4.example. A": {answer: theA}})
	set := resolve(t, d, "v4.example. AAAA").Answer[0]
	if set.Type != 28 || len(set.Data.First()) != 16 || set.Sigs != "" {
		t.Errorf("got %v", set)
	}
}

func TestD19TTLIsTheLowerOfAAndDenial(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ a, soa, minimum, want uint32 }{
		{60, 300, 300, 60},
		{3600, 300, 900, 300},
		{3600, 900, 300, 300},
		{86400, 7200, 7200, 7200}, // no cap of 600 when there is an SOA
	} {
		d, _ := stack(t, Options{}, world{
			"v4.example. AAAA": {authority: fmt.Sprintf("example. %d IN SOA a. b. 1 2 3 4 %d", test.soa, test.minimum)},
			"v4.example. A":    {answer: fmt.Sprintf("v4.example. %d IN A 198.41.0.4", test.a)},
		})
		if got := resolve(t, d, "v4.example. AAAA").Answer[0].TTL; got != test.want {
			t.Errorf("%+v: got %d", test, got)
		}
	}
}

// Both lookups took part in the answer, so it is kept as long as the one that wants
// to be asked again first, whatever becomes of the other.
func TestTheAnswerIsKeptNoLongerThanEitherLookup(t *testing.T) {
	t.Parallel()
	const a, aaaa, soa = "x.example. 300 IN A 192.0.2.1", "x.example. 300 IN AAAA 2001:db8::1", "example. 300 IN SOA . . 1 1 1 1 300"
	for what, c := range map[string]struct {
		aaaa, a said
		want    uint32
	}{
		"synthesized, A first":    {said{authority: soa, keep: 270}, said{answer: a, keep: 100}, 100},
		"synthesized, AAAA first": {said{authority: soa, keep: 100}, said{answer: a, keep: 270}, 100},
		"synthesized, A alone":    {said{authority: soa}, said{answer: a, keep: 100}, 100},
		"native":                  {said{answer: aaaa, keep: 90}, said{}, 90},
		"nothing":                 {said{authority: soa, keep: 90}, said{authority: soa, keep: 80}, 80},
	} {
		d, _ := stack(t, Options{}, world{"x.example. AAAA": c.aaaa, "x.example. A": c.a})
		if got := resolve(t, d, "x.example. AAAA").Keep; got != c.want {
			t.Errorf("%s: keep %d, want %d", what, got, c.want)
		}
	}
}

func TestD20TTLWithoutSOAIsAtMost600(t *testing.T) {
	t.Parallel()
	for _, aaaa := range []said{{}, {rcode: lookup.SERVFAIL, authority: "example. 60 IN SOA a. b. 1 2 3 4 60"}, {err: os.ErrDeadlineExceeded}} {
		for a, want := range map[uint32]uint32{599: 599, 3600: 600} {
			d, _ := stack(t, Options{}, world{"v4.example. AAAA": aaaa, "v4.example. A": {answer: fmt.Sprintf("v4.example. %d IN A 198.41.0.4", a)}})
			if got := resolve(t, d, "v4.example. AAAA").Answer[0].TTL; got != want {
				t.Errorf("A with TTL %d: got %d, want %d", a, got, want)
			}
		}
	}
}

// TestD21D22IPv4Ranges has A that map to every kind of range.
func TestD21D22IPv4Ranges(t *testing.T) {
	t.Parallel()
	o := Options{
		Prefixes: prefixes("2001:db8:64::/96", "2001:db8:65::/96"),
		Ranges: []Range{
			{IPv4: netip.MustParsePrefix("10.0.0.0/8"), Prefixes: prefixes("2001:db8:10::/48")},
			{IPv4: netip.MustParsePrefix("10.1.0.0/16"), Prefixes: prefixes("2001:db8:11::/96")},
			{IPv4: netip.MustParsePrefix("10.1.2.0/24")},
		},
	}
	for a, want := range map[string]string{
		"198.41.0.4": "2001:db8:64::c629:4 2001:db8:65::c629:4",
		"10.0.0.1":   "2001:db8:10:a00:0:100::",
		"10.1.0.1":   "2001:db8:11::a01:1",
		"10.1.2.3":   "",
	} {
		d, _ := stack(t, o, world{"v4.example. AAAA": none, "v4.example. A": {answer: "v4.example. 60 IN A " + a}})
		if got := addresses(resolve(t, d, "v4.example. AAAA")); got != want {
			t.Errorf("%s: got %q, want %q", a, got, want)
		}
	}
	d, _ := stack(t, o, world{"v4.example. AAAA": none, "v4.example. A": {answer: "v4.example. 60 IN A 10.1.2.3\nv4.example. 60 IN A 10.1.0.1\nv4.example. 60 IN A 10.0.0.1"}})
	same(t, resolve(t, d, "v4.example. AAAA"), `NOERROR EDE 29 (Synthesized): DNS64 standard, 2001:db8:11::/96 2001:db8:10::/48
		answer:
		v4.example. 60 IN AAAA 2001:db8:11::a01:1
		v4.example. 60 IN AAAA 2001:db8:10:a00:0:100::`)
}

// TestD23NothingSyntheticBeforeTheVerdict: the lookups are not parallel, so the
// A lookup, without which there is no synthesis, begins after the AAAA's end.
func TestD23NothingSyntheticBeforeTheVerdict(t *testing.T) {
	t.Parallel()
	open, verdict := false, false
	d, err := New(lookup.Func(func(_ context.Context, q lookup.Query) (*lookup.Response, error) {
		if open {
			t.Error("two lookups at once")
		}
		open = true
		defer func() { open = false }()
		if q.Type == lookup.TypeAAAA {
			verdict = true
			return none.outcome().Response, nil
		}
		if !verdict {
			t.Error("A was asked before AAAA")
		}
		return said{answer: theA}.outcome().Response, nil
	}), Options{})
	if err != nil {
		t.Fatal(err)
	}
	resolve(t, d, "v4.example. AAAA")
}

// TestD26SynthesisIsAPureFunction: whoever asks, however often, hears the same.
func TestD26SynthesisIsAPureFunction(t *testing.T) {
	t.Parallel()
	w := world{"v4.example. AAAA": none, "v4.example. A": {answer: theA}}
	first, _ := stack(t, Options{}, w)
	second, _ := stack(t, Options{}, w)
	want := resolve(t, first, "v4.example. AAAA").String()
	for range 3 {
		q := query("v4.example. AAAA")
		q.Client, q.Subnet = netip.MustParseAddr("2001:db8::53"), netip.MustParsePrefix("2001:db8::/56")
		r, err := second.Resolve(t.Context(), q)
		if err != nil || r.String() != want {
			t.Errorf("got %v, %v, want %s", r, err, want)
		}
	}
}

func TestD28D29D30WellKnownPrefixOnlyWhenNoOtherIsConfigured(t *testing.T) {
	t.Parallel()
	v4 := netip.MustParsePrefix("10.0.0.0/8")
	for _, test := range []struct {
		name    string
		options Options
		want    string
	}{
		{"D29 none configured", Options{}, thatGave},
		{"D28 one configured", Options{Prefixes: prefixes("2001:db8:64::/96")}, "2001:db8:64::c629:4"},
		{"D28 one configured for a range alone", Options{Ranges: []Range{{IPv4: v4, Prefixes: prefixes("2001:db8:64::/96")}}}, ""},
		{"D29 a range without any is no prefix", Options{Ranges: []Range{{IPv4: v4}}}, thatGave},
		{"D28 one configured in the rule", Options{Default: Rule{Prefixes: prefixes("2001:db8:64::/96")}}, "2001:db8:64::c629:4"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d, _ := stack(t, test.options, world{"v4.example. AAAA": none, "v4.example. A": {answer: theA}})
			if got := addresses(resolve(t, d, "v4.example. AAAA")); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestD37OtherTypesAreUnchanged(t *testing.T) {
	t.Parallel()
	d, b := stack(t, Options{}, world{
		"dual.example. A":  {answer: "dual.example. 60 IN A 198.41.0.4"},
		"dual.example. MX": {answer: "dual.example. 60 IN MX 1 mail.example.", additional: "mail.example. 60 IN A 198.41.0.4\nmail.example. 60 IN AAAA ::ffff:198.41.0.4"},
	})
	for _, question := range []string{"dual.example. A", "dual.example. MX"} {
		if r := resolve(t, d, question); r != b.says[question].Response {
			t.Errorf("%s: got %v, want the response from below", question, r)
		}
	}
}

func TestD36D38AuthorityAndAdditionalAreThoseOfTheAResponse(t *testing.T) {
	t.Parallel()
	d, b := stack(t, Options{}, world{
		"v4.example. AAAA": none,
		"v4.example. A": {
			answer:     theA,
			authority:  "example. 3600 IN NS ns.example.",
			additional: "ns.example. 3600 IN A 198.41.0.5",
		},
	})
	same(t, resolve(t, d, "v4.example. AAAA"), `NOERROR EDE 29 (Synthesized): DNS64 standard, 64:ff9b::/96
		answer:
		v4.example. 300 IN AAAA 64:ff9b::c629:4
		authority:
		example. 3600 IN NS ns.example.
		additional:
		ns.example. 3600 IN A 198.41.0.5`)
	// What came from below is as it was.
	same(t, b.says["v4.example. A"].Response, "NOERROR\nanswer:\n"+theA+"\nauthority:\nexample. 3600 IN NS ns.example.\nadditional:\nns.example. 3600 IN A 198.41.0.5")
}

// TestD39SyntheticAnswerIsLarger: twenty A fit in 512 octets and their AAAA do
// not, so whoever packs the response has to look at its size anew.
func TestD39SyntheticAnswerIsLarger(t *testing.T) {
	t.Parallel()
	var rrs []string
	for i := range 20 {
		rrs = append(rrs, fmt.Sprintf("v4.example. 60 IN A 198.41.0.%d", i))
	}
	d, b := stack(t, Options{}, world{"v4.example. AAAA": none, "v4.example. A": {answer: strings.Join(rrs, "\n")}})
	packed := func(r *lookup.Response) int {
		m := new(dns.Msg).SetQuestion("v4.example.", dns.TypeAAAA)
		m.Compress = true
		for _, s := range r.Answer {
			for rdata := range s.Data.All() {
				rr, err := lookup.UnpackRR(s.Name, s.Type, s.TTL, rdata)
				if err != nil {
					t.Fatal(err)
				}
				m.Answer = append(m.Answer, rr)
			}
		}
		return m.Len()
	}
	r := resolve(t, d, "v4.example. AAAA")
	if n := r.Answer[0].Data.Len(); n != 20 {
		t.Errorf("%d AAAA of 20 A", n)
	}
	if a, aaaa := packed(b.says["v4.example. A"].Response), packed(r); a > 512 || aaaa <= 512 {
		t.Errorf("A take %d octets and AAAA %d", a, aaaa)
	}
}

func TestSyntheticAnswerIsBounded(t *testing.T) {
	t.Parallel()
	var rrs []string
	for i := range 250 {
		rrs = append(rrs, fmt.Sprintf("v4.example. 60 IN A 198.41.0.%d", i))
	}
	o := Options{Prefixes: prefixes("2001:db8:1::/96", "2001:db8:2::/96", "2001:db8:3::/96")}
	d, _ := stack(t, o, world{"v4.example. AAAA": none, "v4.example. A": {answer: strings.Join(rrs, "\n")}})
	if n := resolve(t, d, "v4.example. AAAA").Answer[0].Data.Len(); n != maxSynthetic {
		t.Errorf("%d AAAA, want %d", n, maxSynthetic)
	}
}

// TestScope is RFC 7871 7.3.1 for answers that rest on two responses.
func TestScope(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ aaaa, a, want string }{
		{"", "", ""},
		{"", "198.51.100.0/24", "198.51.100.0/24"},
		{"198.51.100.0/24", "", "198.51.100.0/24"},
		{"198.51.100.0/24", "198.51.0.0/16", "198.51.100.0/24"},
		{"198.51.0.0/16", "198.51.100.0/24", "198.51.100.0/24"},
		{"0.0.0.0/0", "", "0.0.0.0/0"},
		{"0.0.0.0/0", "198.51.100.0/24", "198.51.100.0/24"},
	} {
		for kind, a := range map[string]said{"synthesized": {answer: theA}, "passed": none} {
			a.scope = test.a
			d, _ := stack(t, Options{}, world{"v4.example. AAAA": {authority: soa, scope: test.aaaa}, "v4.example. A": a})
			got := resolve(t, d, "v4.example. AAAA").Scope
			if text := got.String(); text != test.want && !(test.want == "" && !got.IsValid()) {
				t.Errorf("%s, AAAA for %q and A for %q: got %s, want %q", kind, test.aaaa, test.a, text, test.want)
			}
		}
	}
}

func TestScopeOfTwoFamiliesIsThatOfTheA(t *testing.T) {
	t.Parallel()
	d, _ := stack(t, Options{}, world{
		"v4.example. AAAA": {authority: soa, scope: "2001:db8::/56"},
		"v4.example. A":    {answer: theA, scope: "198.51.100.0/24"},
	})
	if got := resolve(t, d, "v4.example. AAAA").Scope.String(); got != "198.51.100.0/24" {
		t.Errorf("got %s", got)
	}
}

// TestDenialHoldsNoLongerThanBoth: a NODATA that also rests on the absence of A
// must end when that ends.
func TestDenialHoldsNoLongerThanBoth(t *testing.T) {
	t.Parallel()
	d, _ := stack(t, Options{}, world{"no.example. AAAA": none, "no.example. A": {authority: "example. 20 IN SOA ns.example. host.example. 1 2 3 4 300"}})
	same(t, resolve(t, d, "no.example. AAAA"), "NOERROR\nauthority:\nexample. 20 IN SOA ns.example. host.example. 1 2 3 4 300")
}

func TestSubqueriesAreForTheSameAsker(t *testing.T) {
	t.Parallel()
	d, b := stack(t, Options{}, world{"v4.example. AAAA": none, "v4.example. A": {answer: theA}})
	q := query("v4.example. AAAA DO")
	q.Client, q.Subnet = netip.MustParseAddr("2001:db8::53"), netip.MustParsePrefix("198.51.100.0/24")
	if _, err := d.Resolve(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	aaaa, a := b.queries[0], b.queries[1]
	if aaaa.Budget == nil || aaaa.Budget != a.Budget {
		t.Error("the lookups do not share one budget")
	}
	aaaa.Type, aaaa.NAT64 = lookup.TypeA, true // whoever asks for A to embed it
	if aaaa != a || a.Subnet != q.Subnet || !a.DO || !a.RD {
		t.Errorf("the A lookup was %+v, the AAAA lookup %+v", a, aaaa)
	}
	given := lookup.NewBudget(lookup.Limits{})
	q.Budget = given
	if _, err := d.Resolve(t.Context(), q); err != nil || b.queries[3].Budget != given {
		t.Errorf("the budget of the query was not used: %v", err)
	}
}

func TestNothingFromBelowIsAFailure(t *testing.T) {
	t.Parallel()
	d, err := New(lookup.Func(func(context.Context, lookup.Query) (*lookup.Response, error) { return nil, nil }), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if r, err := d.Resolve(t.Context(), query("v4.example. AAAA")); r != nil || !errors.Is(err, errNothing) {
		t.Errorf("got %v, %v", r, err)
	}
}
