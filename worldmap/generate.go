//go:build ignore

// Generate writes land.bin, the outline of the continents that this package draws:
//
//	npm pack world-atlas@2.0.2 && tar xzf world-atlas-2.0.2.tgz
//	go run worldmap/generate.go package/land-110m.json > worldmap/land.bin
//
// The input is Natural Earth's map 1:110m of land (naturalearthdata.com, version 4.1, public
// domain), which the npm package world-atlas carries as TopoJSON. The output is a row of
// rings. A ring is the number of its points and then the points, longitude before
// latitude, in tenths of degrees, each as the difference to the point before, all as
// varints (encoding/binary); the first point is the difference to 0, 0.
package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
)

// topology is what there is in a TopoJSON file of one land mass.
type topology struct {
	Objects struct {
		Land struct {
			Geometries []struct {
				Type string
				Arcs [][][]int // polygons, rings, arcs; ^n is arc n from its end
			}
		}
	}
	Arcs      [][][2]int // points, each as the difference to the one before
	Transform struct{ Scale, Translate [2]float64 }
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("usage: generate land-110m.json > land.bin")
	}
	text, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	var t topology
	if err := json.Unmarshal(text, &t); err != nil {
		return err
	}
	var out []byte
	for _, g := range t.Objects.Land.Geometries {
		if g.Type != "MultiPolygon" {
			return fmt.Errorf("geometry %s, expected MultiPolygon", g.Type)
		}
		for _, polygon := range g.Arcs {
			for _, ring := range polygon {
				out = appendRing(out, t.ring(ring))
			}
		}
	}
	_, err = os.Stdout.Write(out)
	return err
}

// ring is the points of a ring in tenths of degrees, without those that fall together.
func (t *topology) ring(arcs []int) (points [][2]int64) {
	for _, n := range arcs {
		reversed := n < 0
		if reversed {
			n = ^n
		}
		var x, y int
		var arc [][2]int64
		for _, d := range t.Arcs[n] {
			x, y = x+d[0], y+d[1]
			arc = append(arc, [2]int64{tenths(x, t.Transform.Scale[0], t.Transform.Translate[0]), tenths(y, t.Transform.Scale[1], t.Transform.Translate[1])})
		}
		if reversed {
			slices.Reverse(arc)
		}
		points = append(points, arc...)
	}
	points = slices.Compact(points)
	if len(points) > 1 && points[0] == points[len(points)-1] {
		points = points[:len(points)-1] // a drawn ring closes itself
	}
	return points
}

func tenths(n int, scale, translate float64) int64 {
	return int64(math.Round((float64(n)*scale + translate) * 10))
}

func appendRing(out []byte, points [][2]int64) []byte {
	if len(points) < 3 {
		return out // smaller than a tenth of a degree
	}
	out = binary.AppendVarint(out, int64(len(points)))
	var before [2]int64
	for _, p := range points {
		out = binary.AppendVarint(out, p[0]-before[0])
		out = binary.AppendVarint(out, p[1]-before[1])
		before = p
	}
	return out
}
