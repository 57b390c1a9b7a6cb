package anchors

import (
	"context"
	"errors"
	"testing"

	"github.com/sextant-dns/sextant/lookup"
)

func TestSentinelNames(t *testing.T) {
	t.Parallel()
	for of, want := range map[string]*Sentinel{
		"root-key-sentinel-is-ta-20326.example.":  {Tag: 20326},
		"root-key-sentinel-not-ta-20326.example.": {Tag: 20326, Not: true},
		"ROOT-KEY-SENTINEL-IS-TA-00042.":          {Tag: 42},
		"root-key-sentinel-is-ta-65535.a.b.":      {Tag: 65535},
		"root-key-sentinel-is-ta-65536.":          nil,
		"root-key-sentinel-is-ta-2032.":           nil, // RFC 8509 2: zero-padded to five digits
		"root-key-sentinel-is-ta-020326.":         nil,
		"root-key-sentinel-is-ta-2032a.":          nil,
		"root-key-sentinel-is-ta-.":               nil,
		"root-key-sentinel-is-ta.20326.":          nil,
		"a.root-key-sentinel-is-ta-20326.":        nil, // leftmost label only
		"_is-ta-4f66.":                            nil, // an early draft
		".":                                       nil,
	} {
		got, ok := ParseSentinel(name(of))
		if ok != (want != nil) || ok && got != *want {
			t.Errorf("%s: got %+v, %v", of, got, ok)
		}
	}
}

func TestSentinelsDeny(t *testing.T) {
	t.Parallel()
	s := mustSet(t, Root(), nil)
	is, not := "root-key-sentinel-is-ta-20326.a.", "root-key-sentinel-not-ta-20326.a."
	for _, c := range []struct {
		name     string
		question lookup.Question
		security lookup.Security
		want     bool
	}{
		// RFC 8509 2.2, the four cases.
		{"is, trusted", lookup.Question{Name: name(is), Type: lookup.TypeA}, lookup.Secure, false},
		{"not, trusted", lookup.Question{Name: name(not), Type: lookup.TypeA}, lookup.Secure, true},
		{"is, not trusted", lookup.Question{Name: name("root-key-sentinel-is-ta-00001.a."), Type: lookup.TypeAAAA}, lookup.Secure, true},
		{"not, not trusted", lookup.Question{Name: name("root-key-sentinel-not-ta-00001.a."), Type: lookup.TypeAAAA}, lookup.Secure, false},
		// RFC 8509 2.1, the preconditions.
		{"not validated", lookup.Question{Name: name(not), Type: lookup.TypeA}, lookup.Unchecked, false},
		{"insecure", lookup.Question{Name: name(not), Type: lookup.TypeA}, lookup.Insecure, false},
		{"CD", lookup.Question{Name: name(not), Type: lookup.TypeA, CD: true}, lookup.Secure, false},
		{"another type", lookup.Question{Name: name(not), Type: lookup.TypeTXT}, lookup.Secure, false},
		{"another name", lookup.Question{Name: name("www.a."), Type: lookup.TypeA}, lookup.Secure, false},
	} {
		c.question.Class = lookup.ClassIN
		if got := s.Denies(c.question, c.security); got != c.want {
			t.Errorf("%s: got %v", c.name, got)
		}
	}
	if s.Denies(lookup.Question{Name: name(not), Type: lookup.TypeA, Class: lookup.ClassCH}, lookup.Secure) {
		t.Error("class CH")
	}
}

func TestSentinelsBeforeAResolver(t *testing.T) {
	t.Parallel()
	set, down := mustSet(t, Root(), nil), errors.New("down")
	answer := &lookup.Response{Security: lookup.Secure}
	next := lookup.Func(func(_ context.Context, q lookup.Query) (*lookup.Response, error) {
		if q.Name.Label() == "root-key-sentinel-not-ta-38696" {
			return nil, down
		}
		return answer, nil
	})
	s := Sentinels(next, func() *Set { return set })
	for of, want := range map[string]uint16{
		"root-key-sentinel-is-ta-20326.a.":  0,
		"root-key-sentinel-not-ta-20326.a.": lookup.EDEBogus,
		"root-key-sentinel-is-ta-19036.a.":  lookup.EDEBogus,
		"www.a.":                            0,
	} {
		r, err := s.Resolve(t.Context(), lookup.Query{Question: lookup.Question{Name: name(of), Type: lookup.TypeA, Class: lookup.ClassIN}})
		if (err == nil) != (want == 0) || err == nil && r != answer || err != nil && lookup.EDEOf(err).Code != want {
			t.Errorf("%s: got %v, %v", of, r, err)
		}
	}
	q := lookup.Query{Question: lookup.Question{Name: name("root-key-sentinel-not-ta-38696.a."), Type: lookup.TypeA, Class: lookup.ClassIN}}
	if _, err := s.Resolve(t.Context(), q); !errors.Is(err, down) {
		t.Errorf("got %v", err)
	}
}
