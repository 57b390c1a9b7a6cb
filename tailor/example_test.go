package tailor_test

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/sextant-dns/sextant/geo"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/overlay"
	"github.com/sextant-dns/sextant/tailor"
	"github.com/sextant-dns/sextant/zones"
)

// A branch office hears an inside address, and everyone else what the zone file has.
func Example() {
	base, err := zones.Load(strings.NewReader("@ 300 SOA ns1 hostmaster 1 7200 900 1209600 300\n@ 300 NS ns1\nns1 300 A 192.0.2.53\nwww 300 A 192.0.2.80\n"),
		"example.com.zone", zones.LoadOptions{Origin: lookup.MustName("example.com.")})
	if err != nil {
		fmt.Println(err)
		return
	}
	www, office := lookup.MustName("www.example.com."), geo.Selector{Kind: geo.Network, Value: "198.51.100.64/26"}
	over := &overlay.Overlay{Apex: base.Apex(), Rules: []overlay.Rule{{
		When: overlay.Condition{Terms: []overlay.Term{{Selector: office}}},
		Set:  lookup.RRset{Name: www, Type: lookup.TypeA, TTL: 60, Data: lookup.PackRdata("\x0a\x00\x04\x50")},
	}}}
	places, err := geo.Compile(over.Selectors(), geo.Sources{})
	if err != nil {
		fmt.Println(err)
		return
	}
	zone := tailor.New(base, over, tailor.Options{Atlas: tailor.NewAtlas(func() *geo.Map { return places })})
	for _, client := range []string{"198.51.100.77/32", "198.51.100.200/32"} {
		f := zone.Find(www, lookup.TypeA, tailor.Client{At: netip.MustParsePrefix(client)})
		fmt.Println(f.Set, "for", f.Scope)
	}
	// Output:
	// www.example.com.	60	IN	A	10.0.4.80 for 198.51.100.64/26
	// www.example.com.	300	IN	A	192.0.2.80 for 198.51.100.128/25
}
