package overlay

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sextant-dns/sextant/lookup"
)

// checkKeys are the settings of checks, which package health reads.
func checkKeys() []string {
	return []string{"check", "fall", "rise", "interval", "timeout", "status", "match", "host", "ca", "insecure", "method", "regexp"}
}

// site reads $SITE NAME [KEY=VALUE...].
func (l *loader) site(d token, words []token) {
	if len(words) == 0 {
		l.mistake(d.at, "write $SITE NAME at=LATITUDE,LONGITUDE check=URL", "$SITE needs a name")
		return
	}
	name := words[0].text
	if !l.siteName(words[0]) {
		return
	}
	if i, again := l.sites[name]; again {
		l.mistake(words[0].at, "", "there is a site %s already (%s)", name, l.overlay.Sites[i].At)
		return
	}
	s := Site{Name: name, Sets: map[Owner]lookup.RRset{}, At: d.at}
	seen := map[string]bool{}
	for _, w := range words[1:] {
		key, value, ok := w.cut("=")
		if !ok {
			l.mistake(w.at, "settings are written KEY=VALUE, with quotes around a value that has blanks", "%q is not a setting", w.text)
			continue
		}
		if seen[key.text] {
			l.mistake(w.at, "", "%s= stands here twice", key.text)
			continue
		}
		seen[key.text] = true
		l.siteSetting(&s, key.text, value, w)
	}
	l.sites[name] = len(l.overlay.Sites)
	l.overlay.Sites = append(l.overlay.Sites, s)
}

// siteName sees to it that the name of a site can be written in a route.
func (l *loader) siteName(t token) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
	switch {
	case strings.Trim(t.text, letters) != "":
		l.mistake(t.at, "a name has letters, digits, -, _ and .", "%q cannot be a site's name", t.text)
	case t.text == "nearest" || t.text == "none":
		l.mistake(t.at, "", "%q cannot be a site's name: it means something", t.text)
	default:
		return true
	}
	return false
}

func (l *loader) siteSetting(s *Site, key string, value, w token) {
	text := value.plain()
	switch known := append(checkKeys(), "at", "state"); {
	case text == "":
		l.mistake(w.at, "", "nothing stands after %s=", key)
	case key == "at":
		l.place(s, value)
	case key == "state":
		switch text {
		case "up", "down", "drain":
			s.State = text
		case "auto": // as without the setting
		default:
			l.mistake(value.at, "states are up, down, drain and auto", "%q is not a state", text)
		}
	case slices.Contains(known, key):
		s.Checks = append(s.Checks, Setting{Key: key, Value: text, At: w.at})
	default:
		l.mistake(w.at, instead(key, "settings", known), "a site has no setting %s", key)
	}
}

// place reads at=LATITUDE,LONGITUDE.
func (l *loader) place(s *Site, value token) {
	const hint = "write at=LATITUDE,LONGITUDE in degrees: at=50.1,8.7"
	parts := value.split(",")
	if len(parts) != 2 {
		l.mistake(value.at, hint, "%q is not a place", value.text)
		return
	}
	for i, most := range []float64{90, 180} {
		degrees, err := strconv.ParseFloat(parts[i].text, 64)
		if err != nil || !(degrees >= -most && degrees <= most) {
			l.mistake(parts[i].at, hint, "%q is not an angle from -%v to %v", parts[i].text, most, most)
			return
		}
		if i == 0 {
			s.Place.Lat = degrees
		} else {
			s.Place.Long = degrees
		}
	}
	s.Placed = true
}

// atSite reads $AT SITE, or $AT * to end it.
func (l *loader) atSite(s *scope, d token, words []token) {
	if !l.count(d, words, 1, 1, "$AT SITE, or $AT * to end it") {
		return
	}
	site := words[0]
	if site.text == "*" {
		s.site = ""
		return
	}
	if s.within != (Position{}) {
		l.mistake(d.at, "write $WHEN * before it", "$AT within a $WHEN (%s)", s.within)
		s.within = Position{}
	}
	s.when, s.keep = []Condition{{}}, nil
	s.site, s.at = site.text, d.at
	l.mustSite(site)
}

// mustSite notes that a site has to be there.
func (l *loader) mustSite(t token) {
	if !l.isSite(t.text) { // it may come later
		l.named = append(l.named, named{"site", t.text, t.at})
	}
}
