package ecs_test

import (
	"fmt"

	"github.com/sextant-dns/sextant/ecs"
)

// An option that a client has sent.
func ExampleParse() {
	o, err := ecs.Parse("\x00\x01\x18\x00\xc0\x00\x02")
	fmt.Println(o.Source, o.Scope, err)
	_, err = ecs.Parse("\x00\x01\x18\x00\xc0\x00\x02\x01")
	fmt.Println(err)
	// Output:
	// 192.0.2.0/24 0 <nil>
	// malformed Client Subnet option: ADDRESS has not just the octets that SOURCE needs
}
