package xdp_test

import (
	"fmt"
	"net/netip"

	"github.com/sextant-dns/sextant/xdp"
)

// Where the driver cannot be had, there is an error that says why, and sockets go on.
func ExampleOpen() {
	_, err := xdp.Open(xdp.Options{
		Interface: "no-such-link",
		Listens:   []netip.AddrPort{netip.MustParseAddrPort("192.0.2.53:53")},
	})
	fmt.Println(err != nil)
	// Output: true
}
