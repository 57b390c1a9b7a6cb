package geo

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/oschwald/maxminddb-golang/v2"
)

// Point is a place on Earth, in degrees.
type Point struct {
	Lat, Long float64 // north and east are positive
}

// valid says whether p is on Earth.
func (p Point) valid() bool { return math.Abs(p.Lat) <= 90 && math.Abs(p.Long) <= 180 }

// Distance is the length of the great circle between two points of a sphere of the
// Earth's size, in kilometres: within half a percent of the truth, which is much more
// than what databases know of where addresses are.
func (p Point) Distance(q Point) float64 {
	const radius = 6371 // mean, in kilometres
	φ, ψ := p.Lat*math.Pi/180, q.Lat*math.Pi/180
	lat, long := math.Sin((ψ-φ)/2), math.Sin((q.Long-p.Long)*math.Pi/360)
	return 2 * radius * math.Asin(math.Sqrt(min(1, lat*lat+math.Cos(φ)*math.Cos(ψ)*long*long)))
}

// A Ranking asks which of some places are the nearest to clients.
type Ranking struct {
	Places []Point // 255 at most
	Depth  int     // so many of them count; 0: all
}

// ErrRanking is what errors of rankings wrap.
var ErrRanking = errors.New("not a usable ranking")

func (r Ranking) check(name string) error {
	if len(r.Places) == 0 || len(r.Places) > math.MaxUint8 {
		return fmt.Errorf("%w: %s: %d places, expected 1 to 255", ErrRanking, name, len(r.Places))
	}
	if i := slices.IndexFunc(r.Places, func(p Point) bool { return !p.valid() }); i >= 0 {
		return fmt.Errorf("%w: %s: place %d is not on Earth: latitude %v, longitude %v", ErrRanking, name, i, r.Places[i].Lat, r.Places[i].Long)
	}
	return nil
}

// Order is the places by their distance from p, the nearest first, as indices of Places,
// Depth of them at most. Of places that are equally far the first comes first.
func (r Ranking) Order(p Point) []uint8 {
	indices := make([]uint8, len(r.Places))
	far := make([]float64, len(r.Places))
	for i, q := range r.Places {
		indices[i], far[i] = uint8(i), p.Distance(q)
	}
	slices.SortStableFunc(indices, func(i, j uint8) int { return cmp.Compare(far[i], far[j]) })
	if r.Depth > 0 && r.Depth < len(indices) {
		indices = indices[:r.Depth]
	}
	return slices.Clip(indices)
}

// ranked is one order of the places of one ranking. Classes have them like selectors.
type ranked struct {
	ranking string
	places  []uint8
}

// A ranker gives each order that occurs an index after those of the selectors.
type ranker struct {
	m        *Map
	names    []string // ascending
	rankings map[string]Ranking
	index    map[string]uint32 // of a ranking's name and an order
	centres  map[string]Point  // of countries
}

// newRanker makes a ranker for a Map that is being made; nil when nothing is ranked.
func newRanker(m *Map, from Sources) (*ranker, error) {
	if len(from.Rankings) == 0 {
		return nil, nil
	}
	r := &ranker{m: m, rankings: from.Rankings, index: map[string]uint32{}, centres: centres()}
	for name, ranking := range from.Rankings {
		if err := ranking.check(name); err != nil {
			return nil, err
		}
		r.names = append(r.names, name)
	}
	slices.Sort(r.names)
	if d, _ := from.owner(Location); d == nil {
		return nil, fmt.Errorf("%w: no database says where clients are, so nothing is nearest to them", ErrUnknown)
	}
	return r, nil
}

// at is the orders that hold at a point, as indices.
func (r *ranker) at(p Point) (indices []uint32) {
	for _, name := range r.names {
		order := r.rankings[name].Order(p)
		key := name + "\x00" + string(order)
		i, known := r.index[key]
		if !known {
			i = uint32(len(r.m.selectors) + len(r.m.ranked))
			r.index[key] = i
			r.m.ranked = append(r.m.ranked, ranked{name, order})
		}
		indices = append(indices, i)
	}
	return indices
}

// Ranking is the order of a ranking's places for a class, the nearest first, as
// indices of Places. It is nil when nothing says where the class's addresses are. The
// caller must not change it.
func (m *Map) Ranking(c Class, name string) []uint8 {
	if int(c) >= len(m.classes) {
		return nil
	}
	for _, i := range m.classes[c] {
		if n := int(i) - len(m.selectors); n >= 0 && m.ranked[n].ranking == name {
			return m.ranked[n].places
		}
	}
	return nil
}

// location is where a record says that its addresses are: the first pair of paths that
// leads to degrees. A record of 0, 0 says that nobody knows.
func (d *Database) location(result maxminddb.Result) (p Point, ok bool) {
	paths := d.Layout[Location]
	for i := 0; i+1 < len(paths); i += 2 {
		lat, north := degrees(result, paths[i])
		long, east := degrees(result, paths[i+1])
		if p = (Point{lat, long}); north && east && p.valid() && p != (Point{}) {
			return p, true
		}
	}
	return Point{}, false
}

func degrees(result maxminddb.Result, dotted string) (d float64, ok bool) {
	var value any
	if err := result.DecodePath(&value, path(dotted)...); err != nil {
		return 0, false
	}
	switch v := value.(type) {
	case float64:
		return v, true
	case float32:
		return float64(v), true
	case string:
		d, err := strconv.ParseFloat(v, 64)
		return d, err == nil
	}
	return 0, false
}
