package worldmap

import (
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// landTable is what generate.go wrote.
//
//go:embed land.bin
var landTable []byte

// unit is how many of the table's steps are a degree.
const unit = 10

// point is a place in tenths of degrees.
type point struct{ x, y int64 } // east, north

var errLand = errors.New("the table of the land is damaged")

// rings reads a table of rings.
func rings(table []byte) (all [][]point, err error) {
	next := func() (n int64) {
		n, size := binary.Varint(table)
		if size <= 0 {
			err = errLand
			return 0
		}
		table = table[size:]
		return n
	}
	for len(table) > 0 && err == nil {
		n := next()
		if err != nil || n < 0 || n > int64(len(table)) {
			return nil, errLand
		}
		ring := make([]point, n)
		var at point
		for i := range ring {
			at.x += next()
			at.y += next()
			ring[i] = at
		}
		all = append(all, ring)
	}
	if err != nil {
		return nil, err
	}
	return all, nil
}

// outline is all rings as the data of one SVG path.
func outline(all [][]point) string {
	var b strings.Builder
	for _, ring := range all {
		var before point
		for i, p := range ring {
			step := "l"
			if i == 0 {
				step = "M"
			}
			b.WriteString(step + tenth(p.x-before.x) + " " + tenth(before.y-p.y)) // SVG's y points down
			before = p
		}
		b.WriteString("z")
	}
	return b.String()
}

// tenth is a number of tenths, written shortly.
func tenth(n int64) string {
	return strings.TrimSuffix(fmt.Sprintf("%.1f", float64(n)/unit), ".0")
}
