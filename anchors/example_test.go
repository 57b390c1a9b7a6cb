package anchors_test

import (
	"fmt"
	"time"

	"github.com/sextant-dns/sextant/anchors"
	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
)

func Example() {
	own, err := anchors.Read("corp.key", "corp.example. IN DS 12345 13 2 "+
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", time.Now())
	if err != nil {
		fmt.Println(err)
		return
	}
	set, err := anchors.NewSet(append(anchors.Root(), own...),
		[]anchors.Negative{{Zone: lookup.MustName("broken.example.")}}, dnssec.Policy{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, name := range []string{"www.example.org.", "db.corp.example.", "www.broken.example."} {
		a, _ := set.Closest(lookup.MustName(name), time.Now())
		fmt.Println(name, "is secured by", a.Zone, "with", len(a.DS), "DS; negative:", a.Negative)
	}
	// Output:
	// www.example.org. is secured by . with 2 DS; negative: false
	// db.corp.example. is secured by corp.example. with 1 DS; negative: false
	// www.broken.example. is secured by broken.example. with 0 DS; negative: true
}
