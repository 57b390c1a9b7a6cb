package main

import (
	"errors"
	"testing"

	"github.com/sextant-dns/sextant/lookup"
)

// RFC 7646 4: a negative trust anchor goes when the zone is not bogus any more.
func TestWhatIsMended(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		r    *lookup.Response
		err  error
		want bool
	}{
		{"secure", &lookup.Response{Security: lookup.Secure}, nil, true},
		{"unsigned by now", &lookup.Response{Security: lookup.Insecure}, nil, true},
		{"of algorithms that nobody knows", &lookup.Response{Security: lookup.Insecure, EDE: []lookup.EDE{{Code: lookup.EDEUnsupportedAlgorithm}}}, nil, true},
		{"below another negative anchor", &lookup.Response{Security: lookup.Insecure, EDE: []lookup.EDE{{Code: lookup.EDENegativeAnchor}}}, nil, false},
		{"not validated", &lookup.Response{}, nil, false},
		{"bogus, or silent", nil, errors.New("x"), false},
	} {
		if got := mended(c.r, c.err); got != c.want {
			t.Errorf("%s: got %v", c.name, got)
		}
	}
}
