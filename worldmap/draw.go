package worldmap

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"strings"
)

// A Map is what is drawn.
type Map struct {
	Title  string
	Note   string // one line below the map; "" for none
	Groups []string
	Marks  []Mark
}

// A Mark is something at a place.
type Mark struct {
	Lat, Long float64 // in degrees, north and east are positive
	Group     int     // an index of Map.Groups
	Weight    float64 // how much there is; marks of more are larger; 0 counts as 1
	Target    bool    // a ring and no disc: where something leads to
	Text      string  // what the mark is, for its tooltip
}

// The part of the world that is drawn, in degrees: nobody lives south of it.
const (
	north, south = 84, -58
	rowHeight    = 6
	margin       = 4
)

// colours are Okabe and Ito's, without the yellow that white swallows. After the last
// one the first comes again, with another form of mark.
func colours() []string {
	return []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"}
}

// WriteTo writes the map as an SVG document. Marks that are not on Earth, or of no group,
// are left out.
func (m Map) WriteTo(out io.Writer) (int64, error) {
	land, err := rings(landTable)
	if err != nil {
		return 0, err
	}
	counted := &counter{out: out}
	w := bufio.NewWriter(counted)
	rows := (len(m.Groups) + 1) / 2
	height := north - south + margin + rows*rowHeight + 2*rowHeight
	fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-180 %d 360 %d" width="1440" height="%d" font-family="sans-serif" font-size="4">`+"\n", -north, height, 4*height)
	fmt.Fprintf(w, "<title>%s</title>\n", escape(m.Title))
	fmt.Fprintf(w, `<rect x="-180" y="%d" width="360" height="%d" fill="#fff"/>`+"\n", -north, height)
	fmt.Fprintf(w, `<clipPath id="world"><rect x="-180" y="%d" width="360" height="%d"/></clipPath>`+"\n", -north, north-south)
	fmt.Fprintf(w, `<path clip-path="url(#world)" fill="#e4e4df" stroke="#b8b8b0" stroke-width=".2" fill-rule="evenodd" d="%s"/>`+"\n", outline(land))
	for _, mark := range m.Marks {
		if m.draws(mark) {
			fmt.Fprintf(w, "<g>%s%s</g>\n", "<title>"+escape(mark.Text)+"</title>", shape(mark.Long, -mark.Lat, radius(mark.Weight), mark.Group, mark.Target))
		}
	}
	m.legend(w)
	fmt.Fprintln(w, "</svg>")
	err = w.Flush()
	return counted.n, err
}

func (m Map) draws(k Mark) bool {
	return k.Group >= 0 && k.Group < len(m.Groups) && math.Abs(k.Lat) <= 90 && math.Abs(k.Long) <= 180
}

// legend is the title, the groups in two columns, and the note.
func (m Map) legend(w io.Writer) {
	y := -south + margin
	fmt.Fprintf(w, `<text x="-176" y="%d" font-weight="bold">%s</text>`+"\n", y+2, escape(m.Title))
	for i, name := range m.Groups {
		x, row := -176+180*(i%2), y+rowHeight*(1+i/2)
		fmt.Fprintf(w, `<g>%s<text x="%d" y="%d">%s</text></g>`+"\n", shape(float64(x)+1.5, float64(row), 1.5, i, false), x+5, row+1, escape(name))
	}
	if m.Note != "" {
		fmt.Fprintf(w, `<text x="-176" y="%d" font-size="3" fill="#666">%s</text>`+"\n", y+rowHeight*(1+(len(m.Groups)+1)/2)+1, escape(m.Note))
	}
}

// radius grows with the weight, slowly: what is a thousand times as much is four times
// as wide.
func radius(weight float64) float64 {
	return 1 + 0.3*math.Log2(max(1, weight))
}

// shape is the element that a mark of a group is.
func shape(x, y, r float64, group int, ring bool) string {
	palette := colours()
	colour := palette[group%len(palette)]
	paint := fmt.Sprintf(`fill="%s" fill-opacity=".75" stroke="#fff" stroke-width=".2"`, colour)
	if ring {
		r += 1.5
		paint = fmt.Sprintf(`fill="none" stroke="%s" stroke-width=".8"`, colour)
	}
	switch group / len(palette) % 3 {
	case 1:
		return fmt.Sprintf(`<rect x="%.2f" y="%.2f" width="%.2f" height="%.2f" %s/>`, x-r, y-r, 2*r, 2*r, paint)
	case 2:
		return fmt.Sprintf(`<path d="M%.2f %.2fl%.2f %.2fh%.2fz" %s/>`, x, y-r, r, 2*r, -2*r, paint)
	}
	return fmt.Sprintf(`<circle cx="%.2f" cy="%.2f" r="%.2f" %s/>`, x, y, r, paint)
}

func escape(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a Builder takes everything
	return b.String()
}

// counter counts what is written.
type counter struct {
	out io.Writer
	n   int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.out.Write(b)
	c.n += int64(n)
	return n, err
}
