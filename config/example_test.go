package config_test

import (
	"fmt"

	"github.com/sextant-dns/sextant/config"
)

func Example() {
	c, err := config.Parse("lab.yaml", []byte(`
listen: [127.0.0.1:5300]
dns64:
  mode: forced
  prefixes: [2001:db8:64::/96]
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	lab := c.Views[0]
	fmt.Println(lab.Name, lab.DNS64.Mode, lab.DNS64.Prefixes[0].Prefix)
	// Output: default forced 2001:db8:64::/96
}

func ExampleErrors() {
	_, err := config.Parse("lab.yaml", []byte(`
cache: { pakets: 1000 }
dns64: { prefixes: [2001:db8:64::/80] }
`))
	fmt.Println(err)
	// Output:
	// lab.yaml:2:10: cache: unknown key "pakets"; did you mean "packets"?
	//     cache: { pakets: 1000 }
	//              ^
	// lab.yaml:3:21: dns64.prefixes[0]: found length 80, not 32, 40, 48, 56, 64 or 96, expected an IPv6 prefix that RFC 6052 2.2 allows, such as 64:ff9b::/96
	//     dns64: { prefixes: [2001:db8:64::/80] }
	//                         ^
}
