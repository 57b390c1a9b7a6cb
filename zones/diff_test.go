package zones

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// Taking out and putting in what Diff says makes one zone of the other, whatever the
// two have in common.
func TestDiffLeadsFromOneZoneToTheOther(t *testing.T) {
	t.Parallel()
	chance := rand.New(rand.NewPCG(1, 2))
	random := func(serial int) *Zone {
		var b strings.Builder
		fmt.Fprintf(&b, "$ORIGIN example.\n@ 300 SOA ns host %d 1 2 3 4\n@ 300 NS ns\nns 300 A 192.0.2.1\n", serial)
		for range chance.IntN(40) {
			fmt.Fprintf(&b, "n%d %d A 192.0.2.%d\n", chance.IntN(9), 60, chance.IntN(4))
			fmt.Fprintf(&b, "t%d %d TXT x%d\n", chance.IntN(9), 60, chance.IntN(4))
		}
		if serial%2 == 0 {
			b.WriteString("ttl 60 A 192.0.2.1\n")
		} else {
			b.WriteString("ttl 61 A 192.0.2.1\n")
		}
		z, err := Load(strings.NewReader(b.String()), "example", LoadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return z
	}
	all := func(z *Zone) map[Record]bool {
		m := map[Record]bool{}
		for r := range z.Records() {
			m[r] = true
		}
		delete(m, Record{z.Apex(), z.SOA().Type, z.SOA().TTL, z.SOA().Data.First()})
		return m
	}
	for serial := range 200 {
		from, to := random(serial), random(serial+1)
		deleted, added := Diff(from, to)
		records := all(from)
		for _, r := range deleted {
			if !records[r] {
				t.Fatalf("%v is to be taken out and is not there", r)
			}
			delete(records, r)
		}
		for _, r := range added {
			if records[r] {
				t.Fatalf("%v is to be put in and is there", r)
			}
			records[r] = true
		}
		if want := all(to); len(want) != len(records) {
			t.Fatalf("%d records, want %d", len(records), len(want))
		} else {
			for r := range want {
				if !records[r] {
					t.Fatalf("%v is missing", r)
				}
			}
		}
	}
	z := random(1)
	if deleted, added := Diff(z, z); len(deleted)+len(added) > 0 {
		t.Errorf("a zone differs from itself: %v %v", deleted, added)
	}
	if !slices.ContainsFunc(func() []Record { d, _ := Diff(random(1), random(2)); return d }(), func(r Record) bool { return r.TTL == 61 }) {
		t.Error("a TTL that has changed is no difference")
	}
}
