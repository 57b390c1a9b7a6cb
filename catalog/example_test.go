package catalog_test

import (
	"fmt"

	"github.com/sextant-dns/sextant/catalog"
	"github.com/sextant-dns/sextant/lookup"
)

func Example() {
	name := lookup.MustName("catalog.example.")
	zone, err := catalog.Write(name, 1, []catalog.Member{
		{Zone: lookup.MustName("a.example."), Groups: []string{"gold"}},
		{Zone: lookup.MustName("b.example.")},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	// Here the zone travels to another server.
	members, err := catalog.Read(zone)
	if err != nil {
		fmt.Println(err)
		return
	}
	book := catalog.NewBook()
	book.Configure([]lookup.Name{name}, map[lookup.Name]bool{lookup.MustName("b.example."): true})
	for _, change := range book.Update(name, members) {
		fmt.Println(change.Zone, change.Kind)
	}
	// Output:
	// a.example. added
	// b.example. clash
}
