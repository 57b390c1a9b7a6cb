package geo

import (
	"strconv"
	"strings"
)

// A Layout says where in a database's records the values of a kind stand: paths of
// keys and indices, joined by dots ("subdivisions.0.iso_code"), in the order in which
// they are tried. Only the kinds Continent, Country, Subdivision, City, ASN and
// Location can be in a database; of Location the paths are pairs, north and then east.
// Of subdivisions and cities all that are found are true of a client, of the others
// the first.
type Layout map[Kind][]string

// layoutOf is the layout that a database's type, from its metadata, stands for.
// Types that nobody here has heard of are read as flat records, because that is what
// those who make their own databases write.
func layoutOf(databaseType string) Layout {
	name := strings.ToLower(databaseType)
	switch {
	case strings.HasPrefix(name, "ipinfo"):
		return ipinfo()
	case strings.Contains(name, "geoip2"), strings.Contains(name, "geolite2"), strings.HasPrefix(name, "dbip"):
		return maxmind()
	}
	return flat()
}

// GeoIP2 and GeoLite2, and DB-IP, which follows them.
func maxmind() Layout {
	return Layout{
		Continent:   {"continent.code"},
		Country:     {"country.iso_code"},
		Subdivision: {"subdivisions.0.iso_code", "subdivisions.1.iso_code"},
		City:        {"city.names.en", "city.geoname_id"},
		ASN:         {"autonomous_system_number", "traits.autonomous_system_number"},
		Location:    {"location.latitude", "location.longitude"},
	}
}

// IPinfo's downloads: ipinfo_lite and the standard ones say country_code, the older
// country files say the code in country.
func ipinfo() Layout {
	return Layout{
		Continent:   {"continent_code", "continent"},
		Country:     {"country_code", "country"},
		Subdivision: {"region_code"},
		City:        {"city", "geoname_id"},
		ASN:         {"asn", "as_number"},
		Location:    {"lat", "lng", "latitude", "longitude"},
	}
}

func flat() Layout {
	return Layout{
		Continent:   {"continent_code"},
		Country:     {"country_code", "country"},
		Subdivision: {"region_code", "subdivision_code"},
		City:        {"city"},
		ASN:         {"autonomous_system_number", "asn"},
		Location:    {"latitude", "longitude", "lat", "lng"},
	}
}

// with is the layout with the kinds of other in place of its own.
func (l Layout) with(other Layout) Layout {
	merged := Layout{}
	for k, paths := range l {
		merged[k] = paths
	}
	for k, paths := range other {
		merged[k] = paths
	}
	return merged
}

// path is a dotted path in the form of the library.
func path(dotted string) []any {
	var elements []any
	for key := range strings.SplitSeq(dotted, ".") {
		if index, err := strconv.Atoi(key); err == nil {
			elements = append(elements, index)
		} else {
			elements = append(elements, key)
		}
	}
	return elements
}

// selector is a database's value as a selector, or none. A subdivision without its
// country gets it.
func selector(k Kind, value any, country string) (s Selector, ok bool) {
	var text string
	switch v := value.(type) {
	case string:
		text = v
	case uint64:
		text = strconv.FormatUint(v, 10)
	case int32:
		text = strconv.Itoa(int(v))
	}
	if text == "" {
		return s, false
	}
	switch k {
	case Continent:
		s, ok = Selector{k, strings.ToUpper(text)}, isContinent(strings.ToUpper(text))
	case Country:
		s, ok = Selector{k, strings.ToUpper(text)}, continentOf(strings.ToUpper(text)) != ""
	case Subdivision:
		s, ok = subdivision(strings.ToUpper(text), country)
	case City:
		s, ok = Selector{k, text}, true
	case ASN:
		var hint string
		s, hint = parseASN(strings.TrimPrefix(strings.ToUpper(text), "AS"))
		ok = hint == ""
	}
	return s, ok
}

func subdivision(code, country string) (s Selector, ok bool) {
	if before, _, found := strings.Cut(code, "-"); found {
		country = before
	} else {
		code = country + "-" + code
	}
	s, hint := parseSubdivision(country, code)
	return s, hint == ""
}
