package worldmap_test

import (
	"fmt"
	"strings"

	"github.com/sextant-dns/sextant/worldmap"
)

func Example() {
	m := worldmap.Map{Title: "www.example.com", Groups: []string{"192.0.2.1"}, Marks: []worldmap.Mark{{Lat: 35.7, Long: 139.7, Text: "JP"}}}
	var b strings.Builder
	if _, err := m.WriteTo(&b); err != nil {
		fmt.Println(err)
		return
	}
	for line := range strings.Lines(b.String()) {
		if strings.Contains(line, "<title>JP") {
			fmt.Print(line)
		}
	}
	// Output:
	// <g><title>JP</title><circle cx="139.70" cy="-35.70" r="1.00" fill="#0072b2" fill-opacity=".75" stroke="#fff" stroke-width=".2"/></g>
}
