package geo_test

import (
	"fmt"
	"net/netip"

	"github.com/sextant-dns/sextant/geo"
)

// Two offices are answered with one address, everyone else with another. When the
// offices' own address fails, they are answered like everyone: the same Map, another
// Equivalence, and one answer for the whole Internet.
func Example() {
	offices := geo.Selector{Kind: geo.Set, Value: "offices"}
	m, err := geo.Compile([]geo.Selector{offices}, geo.Sources{Sets: map[string][]netip.Prefix{
		"offices": {netip.MustParsePrefix("192.0.2.0/25"), netip.MustParsePrefix("192.0.2.128/25")},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	client := netip.MustParsePrefix("192.0.2.7/32")
	class, scope := m.Locate(client)
	fmt.Println(m.Selectors(class), scope)

	failed := m.Equivalence(func(geo.Class) uint32 { return 0 })
	_, scope = failed.Locate(client)
	fmt.Println(scope)
	// Output:
	// [net:offices] 192.0.2.0/24
	// 0.0.0.0/0
}
