package geo

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Kind is what a Selector looks at. Kinds are in the order of how specific they
// are: the greater one wins where two selectors are true of a client.
type Kind uint8

// The kinds of selectors, from the widest to the most specific.
const (
	Continent   Kind = iota + 1 // two letters of GeoNames: AF AN AS EU NA OC SA
	Country                     // ISO 3166-1 alpha-2
	Subdivision                 // ISO 3166-2, such as US-NY
	City                        // an English name, or a GeoNames number in decimal
	ASN                         // the number of an autonomous system, in decimal
	Set                         // the name of a set of networks, Sources.Sets
	Network                     // one prefix, in CIDR notation
	View                        // the name of a view's networks, Sources.Views

	Location // degrees north and east; for a Layout, in pairs, and never a Selector's kind
)

func (k Kind) String() string {
	names := [...]string{"none", "continent", "country", "subdivision", "city", "asn", "set", "network", "view", "location"}
	if int(k) < len(names) {
		return names[k]
	}
	return "kind " + strconv.Itoa(int(k))
}

// A Selector is one condition on where a client is. Selectors compare with ==: the
// value is canonical when it comes from ParseSelector (codes in upper case, numbers
// without leading zeros, masked prefixes).
type Selector struct {
	Kind  Kind
	Value string
}

// ErrSelector is what every error of ParseSelector wraps.
var ErrSelector = errors.New("not a selector")

// ParseSelector reads one selector as zones write it:
//
//	eu           a continent       c:as         where a country has the letters, too
//	de           a country         cc:as        the country of these letters
//	us-ny        a subdivision     city:Bonn    city:2946447 (GeoNames)
//	as64500      an AS             192.0.2.0/24 a network
//	net:cdn      a set             view:corp    a view
//
// Letter case does not matter, except in the names of cities, sets and views.
// Codes that ISO 3166-1 does not know are errors, because they would never be true.
func ParseSelector(text string) (Selector, error) {
	s, hint := parseSelector(strings.TrimSpace(text))
	if hint != "" {
		return Selector{}, fmt.Errorf("%w: %q: %s", ErrSelector, text, hint)
	}
	return s, nil
}

func parseSelector(text string) (s Selector, hint string) {
	if p, err := netip.ParsePrefix(text); err == nil {
		return parseNetwork(p)
	}
	if label, value, ok := strings.Cut(text, ":"); ok {
		return parseLabelled(strings.ToLower(label), value)
	}
	code := strings.ToUpper(text)
	if number, ok := strings.CutPrefix(code, "AS"); ok && number != "" && number[0] >= '0' && number[0] <= '9' {
		return parseASN(number)
	}
	if country, _, ok := strings.Cut(code, "-"); ok {
		return parseSubdivision(country, code)
	}
	continent, country := isContinent(code), continentOf(code) != ""
	switch {
	case continent && country:
		return s, "a continent and a country have these letters; write c:" + text + " or cc:" + text
	case continent:
		return Selector{Continent, code}, ""
	case country:
		return Selector{Country, code}, ""
	}
	if meant := map[string]string{"UK": "gb", "EL": "gr"}[code]; meant != "" {
		return s, "did you mean " + meant + "?"
	}
	return s, "no continent, no country (ISO 3166-1), no ASN (as64500), no network (192.0.2.0/24)"
}

func parseLabelled(label, value string) (s Selector, hint string) {
	if value == "" {
		return s, "nothing stands after the colon"
	}
	code := strings.ToUpper(value)
	switch label {
	case "c":
		if !isContinent(code) {
			return s, "continents are af, an, as, eu, na, oc and sa"
		}
		return Selector{Continent, code}, ""
	case "cc":
		if continentOf(code) == "" {
			return s, "ISO 3166-1 has no such country"
		}
		return Selector{Country, code}, ""
	case "city":
		return Selector{City, value}, ""
	case "net":
		return Selector{Set, value}, ""
	case "view":
		return Selector{View, value}, ""
	}
	return s, "before the colon stands one of c, cc, city, net, view"
}

func parseNetwork(p netip.Prefix) (s Selector, hint string) {
	if p != p.Masked() {
		return s, "bits are set after the prefix; did you mean " + p.Masked().String() + "?"
	}
	return Selector{Network, p.String()}, ""
}

func parseASN(number string) (s Selector, hint string) {
	// RFC 6793 1: four octets.
	n, err := strconv.ParseUint(number, 10, 32)
	if err != nil || n == 0 {
		return s, "an ASN is a number from 1 to 4294967295"
	}
	return Selector{ASN, strconv.FormatUint(n, 10)}, ""
}

func parseSubdivision(country, code string) (s Selector, hint string) {
	part := code[len(country)+1:]
	if continentOf(country) == "" {
		return s, "ISO 3166-1 has no country " + country
	}
	if len(part) < 1 || len(part) > 3 || strings.Trim(part, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != "" {
		return s, "a subdivision is a country, a hyphen and one to three letters or digits (ISO 3166-2)"
	}
	return Selector{Subdivision, code}, ""
}

// Implied are the selectors that are true of whoever s is true of, by their names alone:
// the country and the continent of a subdivision, the continent of a country.
func (s Selector) Implied() []Selector {
	switch s.Kind {
	case Subdivision:
		code, _, _ := strings.Cut(s.Value, "-")
		country := Selector{Country, code}
		return append([]Selector{country}, country.Implied()...)
	case Country:
		if continent := continentOf(s.Value); continent != "" {
			return []Selector{{Continent, continent}}
		}
	}
	return nil
}

// String is the selector as ParseSelector reads it.
func (s Selector) String() string {
	lower := strings.ToLower(s.Value)
	switch s.Kind {
	case Continent:
		if continentOf(s.Value) != "" {
			return "c:" + lower
		}
		return lower
	case Country:
		if isContinent(s.Value) {
			return "cc:" + lower
		}
		return lower
	case Subdivision:
		return lower
	case City:
		return "city:" + s.Value
	case ASN:
		return "as" + s.Value
	case Set:
		return "net:" + s.Value
	case View:
		return "view:" + s.Value
	}
	return s.Value
}
