package overlay_test

import (
	"fmt"
	"strings"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/overlay"
	"github.com/sextant-dns/sextant/zones"
)

func Example() {
	base, err := zones.Load(strings.NewReader(`$ORIGIN example.org.
$TTL 300
@    SOA ns host 1 7200 900 1209600 60
@    NS  ns
ns   A   192.0.2.53
www  A   192.0.2.80
`), "example.org.zone", zones.LoadOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	o, err := overlay.Load(strings.NewReader(`
$SITE fra
$SITE iad
$AT fra
www A 203.0.113.80
$AT iad
www A 198.51.100.80
$AT *
$ROUTE www eu=fra,iad *=iad,fra
`), "example.org.geo", overlay.Options{Base: base})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range o.Routes[0].Choices {
		fmt.Println(c.When, "first to", c.Sites[0].Site)
	}

	_, err = overlay.Load(strings.NewReader("$WHEN uk\nwww A 192.0.2.81\n"), "example.org.geo", overlay.Options{Origin: lookup.MustName("example.org.")})
	fmt.Println(err)
	// Output:
	// eu first to fra
	// * first to iad
	// example.org.geo:1:7: "uk" is not a selector; did you mean gb?
}
