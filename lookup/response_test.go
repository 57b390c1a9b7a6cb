package lookup_test

import (
	"testing"

	"github.com/sextant-dns/sextant/lookup"
)

func TestHowLongAResponseMayBeKept(t *testing.T) {
	t.Parallel()
	a := lookup.MustRRsets("a. 300 IN A 192.0.2.1")
	soa := lookup.MustRRsets("a. 900 IN SOA . . 1 1 1 1 60")
	for _, c := range []struct {
		what string
		r    lookup.Response
		want uint32
	}{
		{"the TTL", lookup.Response{Answer: a}, 300},
		{"a lower Keep", lookup.Response{Answer: a, Keep: 270}, 270},
		{"a higher Keep", lookup.Response{Answer: a, Keep: 3000}, 300},
		{"a denial", lookup.Response{Authority: soa}, 60},
		{"a denial with Keep", lookup.Response{Authority: soa, Keep: 54}, 54},
		{"nothing to take it from", lookup.Response{}, 0},
		{"nothing but Keep", lookup.Response{Keep: 5}, 5},
		{"not at all", lookup.Response{Answer: a, Keep: 5, Uncacheable: true}, 0},
		{"aged", *(&lookup.Response{Answer: a, Keep: 270}).Aged(200), 70},
		{"aged beyond Keep", *(&lookup.Response{Answer: a, Keep: 270}).Aged(270), 0},
		{"aged without Keep", *(&lookup.Response{Answer: a}).Aged(200), 100},
	} {
		if got := c.r.TTL(); got != c.want {
			t.Errorf("%s: %d, want %d", c.what, got, c.want)
		}
	}
}

func TestLeastKeepTakesZeroForNoLimit(t *testing.T) {
	t.Parallel()
	for _, c := range [][3]uint32{{0, 0, 0}, {0, 7, 7}, {7, 0, 7}, {7, 9, 7}, {9, 7, 7}} {
		if got := lookup.LeastKeep(c[0], c[1]); got != c[2] {
			t.Errorf("LeastKeep(%d, %d) = %d, want %d", c[0], c[1], got, c[2])
		}
	}
}
