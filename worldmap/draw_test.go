package worldmap

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
)

// inside counts how often a ray to the east leaves the rings.
func inside(all [][]point, lat, long float64) bool {
	x, y, in := long*unit, lat*unit, false
	for _, ring := range all {
		for i := range ring {
			a, b := ring[i], ring[(i+1)%len(ring)]
			if (float64(a.y) > y) != (float64(b.y) > y) &&
				x < float64(a.x)+(y-float64(a.y))/float64(b.y-a.y)*float64(b.x-a.x) {
				in = !in
			}
		}
	}
	return in
}

func TestTheLandIsWhereItIs(t *testing.T) {
	t.Parallel()
	all, err := rings(landTable)
	if err != nil {
		t.Fatal(err)
	}
	if len(landTable) > 60_000 {
		t.Errorf("the table has %d octets", len(landTable))
	}
	for _, ring := range all {
		for _, p := range ring {
			if math.Abs(float64(p.x)) > 180*unit || math.Abs(float64(p.y)) > 90*unit {
				t.Fatalf("%v is not on Earth", p)
			}
		}
	}
	for place, at := range map[string][2]float64{
		"Paris": {48.9, 2.4}, "Alice Springs": {-23.7, 133.9}, "Denver": {39.7, -105}, "Brasilia": {-15.8, -47.9},
		"Nairobi": {-1.3, 36.8}, "Novosibirsk": {55, 82.9}, "Nagano": {36.6, 138.2}, "Delhi": {28.6, 77.2}, "Birmingham": {52.5, -1.9},
	} {
		if !inside(all, at[0], at[1]) {
			t.Errorf("%s is in the water", place)
		}
	}
	for place, at := range map[string][2]float64{
		"Atlantic": {30, -40}, "Pacific": {0, -150}, "Indian Ocean": {-30, 80}, "Caspian Sea": {42, 50.5}, "Gulf of Guinea": {0, 0}, "Tasman Sea": {-40, 160},
	} {
		if inside(all, at[0], at[1]) {
			t.Errorf("%s is dry", place)
		}
	}
}

func TestADamagedTableIsAnError(t *testing.T) {
	t.Parallel()
	for _, table := range []string{"\x80", "\x08\x02", "\x01", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", string(landTable[:len(landTable)-1])} {
		if _, err := rings([]byte(table)); !errors.Is(err, errLand) {
			t.Errorf("%x: %v", table[:min(len(table), 10)], err)
		}
	}
}

func TestAMapIsXMLWithWhatIsOnIt(t *testing.T) {
	t.Parallel()
	m := Map{Title: "www.example & <friends>", Note: "asked 3 times", Groups: make([]string, 16)}
	for i := range m.Groups {
		m.Groups[i] = "group"
	}
	m.Marks = []Mark{
		{Lat: 48.9, Long: 2.4, Text: "Paris & more"}, {Lat: 35, Long: 139, Group: 8, Weight: 100, Text: "Tokyo"},
		{Lat: -33, Long: 151, Group: 15, Target: true, Text: "Sydney"},
		{Lat: 99, Text: "nowhere"}, {Group: 16, Text: "nobody"}, {Group: -1, Text: "nothing"}, {Lat: math.NaN(), Text: "NaN"},
	}
	var out bytes.Buffer
	n, err := m.WriteTo(&out)
	if err != nil || n != int64(out.Len()) {
		t.Fatalf("%d octets of %d: %v", n, out.Len(), err)
	}
	text := out.String()
	for d := xml.NewDecoder(&out); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"www.example &amp; &lt;friends&gt;", "Paris &amp; more", `cx="2.40" cy="-48.90"`, "Tokyo", "Sydney", "asked 3 times"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q", want)
		}
	}
	for _, stranger := range []string{"nowhere", "nobody", "nothing", "NaN", "<script"} {
		if strings.Contains(text, stranger) {
			t.Errorf("there is %q", stranger)
		}
	}
}
