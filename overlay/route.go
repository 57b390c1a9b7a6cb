package overlay

import (
	"slices"
	"strconv"
	"strings"
)

// routeKeys are the settings of routes.
func routeKeys() []string { return []string{"pick", "down", "sticky"} }

// route reads $ROUTE OWNER CONDITION[,CONDITION...]=SITES... [KEY=VALUE...].
func (l *loader) route(s *scope, d token, words []token) {
	if s.within != (Position{}) {
		l.mistake(d.at, "write $WHEN * before it; conditions stand in the route", "$ROUTE within a $WHEN (%s)", s.within)
	}
	if len(words) < 2 {
		l.mistake(d.at, "write $ROUTE OWNER CONDITION=SITES, such as $ROUTE www de=fra,iad *=iad", "$ROUTE is incomplete")
		return
	}
	owner, ok := l.name(s, words[0])
	if !ok {
		return
	}
	if i, again := l.routes[owner]; again {
		l.mistake(words[0].at, "one $ROUTE has all choices of a name", "%s has a route already (%s)", owner, l.overlay.Routes[i].At)
		return
	}
	r := Route{Owner: owner, Pick: 1, At: d.at}
	seen := map[string]bool{}
	for _, w := range words[1:] {
		left, right, ok := w.cut("=")
		switch {
		case !ok:
			l.mistake(w.at, "choices are written CONDITION=SITES, without blanks around = , and +", "%q is not a choice", w.text)
		case slices.Contains(routeKeys(), left.text):
			if seen[left.text] {
				l.mistake(w.at, "", "%s= stands here twice", left.text)
			}
			seen[left.text] = true
			l.routeSetting(&r, left.text, right)
		case left.index(",+!:") < 0 && nearest(left.text, routeKeys()) != "":
			l.mistake(w.at, instead(left.text, "settings", routeKeys()), "a route has no setting %s", left.text)
		default:
			l.choices(&r, left, right)
		}
	}
	l.routes[owner] = len(l.overlay.Routes)
	l.overlay.Routes = append(l.overlay.Routes, r)
}

func (l *loader) routeSetting(r *Route, key string, value token) {
	switch text := value.text; key {
	case "pick":
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 64 {
			l.mistake(value.at, "pick=1 to 64: how many sites answer at once", "%q is not a number of sites", text)
			return
		}
		r.Pick = n
	case "down":
		down, known := map[string]Down{"base": DownBase, "all": DownAll, "none": DownNone}[text]
		if !known {
			l.mistake(value.at, "down=base answers from the zone, down=all with all sites, down=none with nothing", "%q is not what to do when all sites are down", text)
		}
		r.Down = down
	case "sticky":
		l.sticky(r, value)
	}
}

// sticky reads two lengths: /24,/48.
func (l *loader) sticky(r *Route, value token) {
	const hint = "write sticky=/24,/48: the lengths of IPv4 and IPv6 networks whose clients stay together"
	parts := value.split(",")
	if len(parts) != 2 {
		l.mistake(value.at, hint, "%q is not two lengths", value.text)
		return
	}
	for i, most := range []int{32, 128} {
		bits, err := strconv.Atoi(strings.TrimPrefix(parts[i].text, "/"))
		if err != nil || bits < 1 || bits > most {
			l.mistake(parts[i].at, hint, "%q is not a length from /1 to /%d", parts[i].text, most)
			return
		}
		if i == 0 {
			r.StickyV4 = bits
		} else {
			r.StickyV6 = bits
		}
	}
}

// choices reads CONDITION[,CONDITION...]=SITES.
func (l *loader) choices(r *Route, left, right token) {
	conditions, ok := l.conditions(left)
	c := Choice{}
	if !l.shares(&c, right) || !ok {
		return
	}
	for _, when := range conditions {
		c.When, c.At = when, when.At
		r.Choices = append(r.Choices, c)
	}
}

// shares reads SITE[:WEIGHT][,...] or nearest[:N].
func (l *loader) shares(c *Choice, t token) bool {
	if name, number, counted := t.cut(":"); name.text == "nearest" {
		c.Nearest = 1
		if !counted {
			return true
		}
		n, err := strconv.Atoi(number.text)
		if err != nil || n < 1 || n > 64 {
			l.mistake(number.at, "nearest:1 to nearest:64", "%q is not a number of sites", number.text)
			return false
		}
		c.Nearest = n
		return true
	}
	good, weighted := true, 0
	for _, part := range t.split(",") {
		name, weight, given := part.cut(":")
		share := Share{Site: name.text}
		switch {
		case name.text == "nearest":
			l.mistake(part.at, "nearest stands alone", "nearest beside other sites")
			good = false
		case name.text == "":
			l.mistake(part.at, "", "a site is missing")
			good = false
		case slices.ContainsFunc(c.Sites, func(s Share) bool { return s.Site == name.text }):
			l.mistake(part.at, "", "site %s stands here twice", name.text)
			good = false
		default:
			l.mustSite(name)
		}
		if given {
			weighted++
			n, err := strconv.ParseUint(weight.text, 10, 16)
			if err != nil || n == 0 {
				l.mistake(weight.at, "weights are 1 to 65535; leave out a site that is to have no clients", "%q is not a weight", weight.text)
				good = false
			}
			share.Weight = uint32(n)
		}
		c.Sites = append(c.Sites, share)
	}
	if good && weighted > 0 && weighted < len(c.Sites) {
		l.mistake(t.at, "give all of them one, or none for an order of failover", "some sites have a weight, and some have not")
		return false
	}
	return good
}
