package secondary_test

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/secondary"
)

// A copy of a zone that somebody else keeps fresh in a file. With Primaries in the
// place of File, Run would transfer it.
func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "example.zone")
	if err := os.WriteFile(file, []byte(`$ORIGIN example.
$TTL 3600
@	SOA	ns hostmaster 2026010101 7200 900 1209600 300
@	NS	ns
ns	A	192.0.2.53
`), 0o600); err != nil {
		fmt.Println(err)
		return
	}
	now := time.Now()
	c := secondary.New(secondary.Options{
		Zone:    lookup.MustName("example."),
		File:    file,
		Now:     func() time.Time { return now },
		Observe: func(e secondary.Event) { fmt.Println(e.Kind, e.Serial) },
	})
	if err := c.Load(); err != nil { // Run does it, and goes on
		fmt.Println(err)
		return
	}
	zone, ok := c.Zone()
	fmt.Println(zone.Apex(), ok)

	now = now.Add(15 * 24 * time.Hour) // nobody has touched the file for longer than the SOA allows
	_, ok = c.Zone()
	fmt.Println(ok, c.Status().State)
	// Output:
	// restored 2026010101
	// example. true
	// false expired
}
