package overlay

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

// record is an RR and what it is for.
type record struct {
	owner lookup.Name
	t     lookup.Type
	rdata string
	ttl   uint32
	timed bool // the file says the TTL
	at    Position
	when  []Condition
	keep  []lookup.Type
	site  string // "": it is for clients, and not what a site has
}

// record reads an RR.
func (l *loader) record(s *scope, e entry) {
	words := e.tokens
	at := words[0].at
	switch owner, ok := s.owner, true; {
	case !e.blank:
		if owner, ok = l.name(s, words[0]); !ok {
			return
		}
		s.owner, words = owner, words[1:]
	case owner == "":
		l.mistake(at, "a record whose line begins with a blank has the owner of the one before it", "a record without an owner")
		return
	}
	r := record{owner: s.owner, ttl: s.ttl, timed: s.timed, at: at, when: s.when, keep: s.keep, site: s.site}
	words, ok := l.header(&r, words)
	switch {
	case !ok:
		return
	case len(words) == 0:
		l.mistake(at, "write OWNER [TTL] TYPE DATA", "a record without a type")
	case strings.EqualFold(words[0].text, "ALIAS"):
		l.alias(s, r, words)
	default:
		if r.t, ok = l.recordType(words[0]); ok && l.mayVary(r.t, words[0]) {
			if r.rdata, ok = l.rdata(s, r.t, words[0], words[1:]); ok {
				l.records = append(l.records, r)
			}
		}
	}
}

// header reads TTL and class, in any order (RFC 1035 5.1).
func (l *loader) header(r *record, words []token) (rest []token, ok bool) {
	for ; len(words) > 0; words = words[1:] {
		text := words[0].text
		switch ttl, isTTL := parseTTL(text); {
		case isTTL:
			r.ttl, r.timed = ttl, true
		case text[0] >= '0' && text[0] <= '9' && strings.Trim(text, "0123456789") == "":
			l.mistake(words[0].at, "", "TTL %s is above 2^31-1 (RFC 2181 8)", text)
			return nil, false
		case strings.EqualFold(text, "IN"):
		case isClass(text):
			l.mistake(words[0].at, "leave it out", "class %s, and a zone is of class IN", strings.ToUpper(text))
			return nil, false
		default:
			return words, true
		}
	}
	return nil, true
}

func isClass(text string) bool {
	_, known := dns.StringToClass[strings.ToUpper(text)]
	return known && !strings.EqualFold(text, "ANY") && !strings.EqualFold(text, "NONE")
}

// recordType reads the type of records.
func (l *loader) recordType(t token) (lookup.Type, bool) {
	text := strings.ToUpper(t.text)
	number, known := dns.StringToType[text]
	if digits, ok := strings.CutPrefix(text, "TYPE"); ok && !known { // RFC 3597 5
		if n, err := strconv.ParseUint(digits, 10, 16); err == nil {
			number, known = uint16(n), true
		}
	}
	switch rtype := lookup.Type(number); {
	case !known:
		hint := ""
		if near := nearest(text, commonTypes()); near != "" {
			hint = "did you mean " + near + "?"
		} else if strings.Contains(text, ".") || strings.Contains(text, ":") {
			hint = "write OWNER [TTL] TYPE DATA"
		}
		l.mistake(t.at, hint, "%q is not a type", t.text)
	case isMeta(rtype):
		l.mistake(t.at, "", "%s is a type that no zone may hold", rtype)
	default:
		return rtype, true
	}
	return 0, false
}

// commonTypes are those that people mean when they mistype one.
func commonTypes() []string {
	return []string{"A", "AAAA", "ALIAS", "CNAME", "MX", "TXT", "SRV", "HTTPS", "SVCB", "PTR", "NAPTR", "CAA", "TLSA", "SSHFP", "URI", "LOC"}
}

// isMeta tells whether a type exists in messages only (RFC 6895 3.1, RFC 9824 3).
func isMeta(t lookup.Type) bool {
	return t == lookup.TypeNone || t == lookup.TypeOPT || t >= 128 && t <= lookup.TypeANY
}

// mayVary reports types that are the same for all clients or break the zone: those
// that say what the zone is, where it ends, and how it is signed.
func (l *loader) mayVary(t lookup.Type, at token) bool {
	const cdnskey = 60
	switch t {
	case lookup.TypeSOA, lookup.TypeNS, lookup.TypeDNAME, lookup.TypeDS, lookup.TypeDNSKEY, lookup.TypeCDS, cdnskey,
		lookup.TypeNSEC, lookup.TypeNSEC3, lookup.TypeNSEC3PARAM, lookup.TypeRRSIG, lookup.TypeZONEMD:
		l.mistake(at.at, "it belongs into the zone's own file", "%s must be the same for all clients", t)
		return false
	}
	return true
}

// rdata reads the data of a record into wire form, by way of the library's parser.
func (l *loader) rdata(s *scope, t lookup.Type, kind token, words []token) (string, bool) {
	if len(words) == 0 {
		l.mistake(kind.at, "", "nothing follows %s", t)
		return "", false
	}
	var line strings.Builder
	line.WriteString(". 0 IN ")
	line.WriteString(t.String())
	begins := make([]int, len(words))
	for i, w := range words {
		line.WriteByte(' ')
		begins[i] = line.Len()
		line.WriteString(w.text)
	}
	origin := l.presentation(s.origin)
	if origin == "" {
		origin = "."
	}
	parser := dns.NewZoneParser(strings.NewReader(line.String()), origin, "")
	rr, ok := parser.Next()
	if !ok {
		l.badData(t, words, begins, parser.Err())
		return "", false
	}
	rdata, err := lookup.PackRR(rr)
	if err != nil {
		l.mistake(words[0].at, "", "%s: %v", t, err)
		return "", false
	}
	if isBare(rr, rdata) {
		l.mistake(kind.at, "", "nothing follows %s", t)
		return "", false
	}
	return rdata, true
}

// isBare tells whether the parser has found no data, which it lets pass (RFC 2136 2.4.1).
func isBare(rr dns.RR, rdata string) bool {
	fresh, known := dns.TypeToRR[rr.Header().Rrtype]
	if !known || strings.Trim(rdata, "\x00") != "" {
		return false
	}
	bare := fresh()
	*bare.Header() = *rr.Header()
	return reflect.DeepEqual(rr, bare)
}

// badData reports what the library says of data: "dns: what: \"word\" at line: 1:17".
func (l *loader) badData(t lookup.Type, words []token, begins []int, err error) {
	at := words[len(words)-1].at
	what := "this is no data of that type"
	if err != nil {
		what = strings.TrimPrefix(strings.TrimPrefix(err.Error(), ": "), "dns: ")
	}
	if i := strings.LastIndex(what, " at line: "); i >= 0 {
		_, column, _ := strings.Cut(what[i+len(" at line: "):], ":")
		what = what[:i]
		if n, err := strconv.Atoi(column); err == nil {
			for j, begin := range begins {
				if begin < n {
					at = words[j].at
				}
			}
		}
	}
	first, hint := words[0].text, ""
	switch isV6 := strings.Contains(first, ":"); {
	case t == lookup.TypeA && isV6:
		hint = "an IPv6 address belongs into AAAA"
	case t == lookup.TypeAAAA && !isV6 && strings.Trim(first, "0123456789.") == "":
		hint = "an IPv4 address belongs into A"
	}
	l.mistake(at, hint, "%s", what)
}

// alias reads an ALIAS, which exists in overlays only.
func (l *loader) alias(s *scope, r record, words []token) {
	switch {
	case r.site != "":
		l.mistake(words[0].at, "put it outside $AT", "an ALIAS is not data that a site could have")
	case len(words) != 2:
		l.mistake(words[0].at, "write OWNER ALIAS NAME", "an ALIAS has one name after it")
	default:
		target, ok := l.name(s, words[1])
		if !ok {
			return
		}
		if target == r.owner {
			l.mistake(words[1].at, "", "%s is an alias of itself", target)
			return
		}
		ttl := r.ttl
		if !r.timed {
			ttl = l.usualTTL(r.owner, lookup.TypeA)
		}
		for _, c := range r.when {
			l.overlay.Aliases = append(l.overlay.Aliases, Alias{When: c, Owner: r.owner, Target: target, TTL: ttl, At: r.at})
		}
	}
}

// usualTTL is the TTL of what has none: that of the RRset of the zone whose place it
// takes, or else that of the SOA.
func (l *loader) usualTTL(owner lookup.Name, t lookup.Type) uint32 {
	if l.Base == nil {
		return 300
	}
	for _, set := range l.Base.At(owner) {
		if set.Type == t {
			return set.TTL
		}
	}
	return l.Base.SOA().TTL
}

// group makes RRsets of the records: rules, and what sites have.
func (l *loader) group() {
	type key struct {
		site, when string
		Owner
	}
	type group struct {
		set   lookup.RRset
		rdata []string
		first record
		when  Condition
		keep  []lookup.Type
	}
	groups, order := map[key]*group{}, []*group{}
	for _, r := range l.records {
		if !r.timed {
			r.ttl = l.usualTTL(r.owner, r.t)
		}
		for _, c := range r.when {
			k := key{r.site, c.String(), Owner{r.owner, r.t}}
			g := groups[k]
			if g == nil {
				g = &group{set: lookup.RRset{Name: r.owner, Type: r.t, TTL: r.ttl}, first: r, when: c}
				groups[k] = g
				order = append(order, g)
			}
			switch {
			case slices.Contains(g.rdata, r.rdata):
				l.warn(r.at, "", "%s: the same record twice; once is kept (RFC 2181 5)", about(r.owner, r.t))
			case g.set.TTL != r.ttl:
				l.warn(r.at, "", "%s: TTL %d where another record of the RRset has %d; the lower counts (RFC 2181 5.2)", about(r.owner, r.t), r.ttl, g.set.TTL)
			}
			if !slices.Contains(g.rdata, r.rdata) {
				g.rdata = append(g.rdata, r.rdata)
			}
			g.set.TTL = min(g.set.TTL, r.ttl)
			g.keep = append(g.keep, r.keep...)
		}
	}
	for _, g := range order {
		g.set.Data = lookup.PackRdata(g.rdata...)
		if g.first.site == "" {
			slices.Sort(g.keep)
			l.overlay.Rules = append(l.overlay.Rules, Rule{When: g.when, Set: g.set, Keep: slices.Compact(g.keep), At: g.first.at})
		} else if i, known := l.sites[g.first.site]; known {
			l.overlay.Sites[i].Sets[Owner{g.set.Name, g.set.Type}] = g.set
		}
	}
}
