package zones

import (
	"bytes"
	"strings"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

// lineRR is an RR on a line of its own.
type lineRR struct {
	name  []byte // wire form, in lower case
	rdata []byte
	ttl   uint32
	t     lookup.Type

	column int  // where the RR begins, from 1
	own    bool // the line has a TTL of its own
}

// reader reads lines of a master file without the library's parser, as far as they are
// written as nearly all are, so that a million of them are read in a fraction of the
// time. What it makes of a line is what the library makes of it; and what it does not
// understand, the library reads: every mistake, every parenthesis and escape, all that
// is rare. Its zero value knows of no origin, owner or TTL.
type reader struct {
	origin []byte // wire form with its letter case; nil: there is none
	owner  []byte // of the latest RR; nil: there is none
	ttl    uint32 // for RRs without
	timed  bool   // there is such a TTL
	narrow bool   // what the library cannot read is not read here either, for tests
	fixed  bool   // $TTL has set it, so that no RR's own sets it

	rr     lineRR
	buffer []byte // of owner and rdata
	joined []byte // of words that are one
	rest   []byte // of the line
}

// verdict is what became of a line.
type verdict uint8

const (
	unread verdict = iota // the library must read it
	empty                 // there is nothing on it, or a directive that was obeyed
	whole                 // an RR
	obeyed                // a directive that was obeyed, and the line is done with
)

// line reads a line, of which the final line break is a part.
func (r *reader) line(line []byte) verdict {
	if line[len(line)-1] != '\n' {
		return unread
	}
	line = line[:len(line)-1]
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	if len(line) == 0 || line[0] == ';' {
		return empty
	}
	if line[0] == '$' {
		return r.directive(line)
	}
	r.rest = line
	e := &r.rr
	e.column = 1
	if line[0] != ' ' && line[0] != '\t' {
		if !r.readOwner() {
			return unread
		}
	} else if r.skip(); len(r.rest) == 0 || r.rest[0] == ';' {
		return empty
	} else if r.owner == nil {
		return unread
	} else {
		e.column = len(line) - len(r.rest) + 1
	}
	if !r.readHead() || !r.readRdata() {
		return unread
	}
	e.name = r.owner
	if e.own && !r.fixed {
		r.ttl, r.timed = e.ttl, true
	}
	return whole
}

// directive obeys $ORIGIN and $TTL.
func (r *reader) directive(line []byte) verdict {
	r.rest = line
	what := r.word()
	value := r.word()
	if !r.ended() {
		return unread
	}
	switch {
	case bytes.EqualFold(what, []byte("$TTL")):
		ttl, ok := number(value, maxTTL)
		if !ok {
			return unread
		}
		r.ttl, r.timed, r.fixed = ttl, true, true
	case bytes.EqualFold(what, []byte("$ORIGIN")):
		origin, ok := r.appendName(nil, value)
		if !ok || reserved(value) {
			return unread
		}
		r.origin = origin
	default:
		return unread
	}
	return empty
}

// reserved tells whether the library takes a word for a type or a class wherever it is
// not an owner.
func reserved(word []byte) bool {
	w := strings.ToUpper(string(word))
	_, t := dns.StringToType[w]
	_, c := dns.StringToClass[w]
	return t || c || strings.HasPrefix(w, "TYPE") || strings.HasPrefix(w, "CLASS")
}

// readOwner reads the owner that the line begins with.
func (r *reader) readOwner() bool {
	end := bytes.IndexAny(r.rest, " \t")
	if end < 0 {
		return false
	}
	// Not into r.owner, which stays when the library must read the line.
	name, ok := r.appendName(r.buffer[:0], r.rest[:end])
	r.buffer = name[:0]
	if !ok {
		return false
	}
	lower(name)
	r.owner = append(r.owner[:0], name...)
	r.rest = r.rest[end:]
	return true
}

// readHead reads TTL, class and type: the first two in any order, or not at all.
func (r *reader) readHead() bool {
	e := &r.rr
	e.own = false
	class := false
	for {
		w := r.word()
		switch {
		case len(w) == 0:
			return false
		case !e.own && w[0] >= '0' && w[0] <= '9':
			ttl, ok := number(w, maxTTL)
			if !ok {
				return false
			}
			e.ttl, e.own = ttl, true
		case !class && len(w) == 2 && w[0]|0x20 == 'i' && w[1]|0x20 == 'n':
			class = true
		default:
			if e.t = simpleType(w); e.t == lookup.TypeNone && !r.narrow {
				e.t = newType(w)
			}
			if !e.own {
				e.ttl = r.ttl
			}
			return e.t != lookup.TypeNone && (e.own || r.timed)
		}
	}
}

// simpleType is the type whose rdata readRdata reads; TypeNone for all others.
func simpleType(w []byte) lookup.Type {
	var b [6]byte
	if len(w) > len(b) {
		return lookup.TypeNone
	}
	n := copy(b[:], w)
	for i := range n {
		if b[i] >= 'a' && b[i] <= 'z' {
			b[i] -= 'a' - 'A'
		}
	}
	switch string(b[:n]) {
	case "A":
		return lookup.TypeA
	case "AAAA":
		return lookup.TypeAAAA
	case "NS":
		return lookup.TypeNS
	case "CNAME":
		return lookup.TypeCNAME
	case "PTR":
		return lookup.TypePTR
	case "DNAME":
		return lookup.TypeDNAME
	case "MX":
		return lookup.TypeMX
	case "SRV":
		return lookup.TypeSRV
	case "TXT":
		return lookup.TypeTXT
	case "DS":
		return lookup.TypeDS
	case "DNSKEY":
		return lookup.TypeDNSKEY
	case "RRSIG":
		return lookup.TypeRRSIG
	case "NSEC":
		return lookup.TypeNSEC
	case "NSEC3":
		return lookup.TypeNSEC3
	}
	return lookup.TypeNone
}

// The types of RFC 9859 and RFC 1706 that the library does not know.
const (
	typeDSYNC lookup.Type = 66
	typeNSAP  lookup.Type = 22
)

// newType is the type, other than those of simpleType, whose rdata readRdata reads
// because the library does not, or not in all the forms that its RFC has.
func newType(w []byte) lookup.Type {
	switch {
	case bytes.EqualFold(w, []byte("DSYNC")):
		return typeDSYNC
	case bytes.EqualFold(w, []byte("CDNSKEY")):
		return lookup.Type(dns.TypeCDNSKEY)
	case bytes.EqualFold(w, []byte("NSAP")):
		return typeNSAP
	case bytes.EqualFold(w, []byte("LOC")):
		return lookup.Type(dns.TypeLOC)
	case bytes.EqualFold(w, []byte("APL")):
		return lookup.Type(dns.TypeAPL)
	}
	return lookup.TypeNone
}

// skip skips blanks.
func (r *reader) skip() {
	i := 0
	for i < len(r.rest) && (r.rest[i] == ' ' || r.rest[i] == '\t') {
		i++
	}
	r.rest = r.rest[i:]
}

// word is the next word, without the blanks before it; nil when there is none.
func (r *reader) word() []byte {
	r.skip()
	i := 0
	for i < len(r.rest) && r.rest[i] != ' ' && r.rest[i] != '\t' {
		i++
	}
	w := r.rest[:i]
	r.rest = r.rest[i:]
	return w
}

// ended tells whether nothing, or a comment, is left of the line. Before the comment is
// a blank: it was the last word's end.
func (r *reader) ended() bool {
	r.skip()
	return len(r.rest) == 0 || r.rest[0] == ';'
}

// appendName appends the name that a word is, with its letter case. What has more in it
// than letters, digits, - _ * and dots is not read here.
func (r *reader) appendName(to, word []byte) ([]byte, bool) {
	if len(word) == 1 && word[0] == '@' {
		return append(to, r.origin...), r.origin != nil
	}
	if len(word) == 1 && word[0] == '.' {
		return append(to, 0), true
	}
	start := len(to)
	length := start // where the octet with the label's length stands
	to = append(to, 0)
	for _, c := range word {
		if c == '.' {
			n := len(to) - length - 1
			if n == 0 || n > 63 {
				return to, false
			}
			to[length] = byte(n)
			length = len(to)
			to = append(to, 0)
			continue
		}
		if !plain(c) {
			return to, false
		}
		to = append(to, c)
	}
	if n := len(to) - length - 1; n > 0 { // no final dot
		if n > 63 || r.origin == nil {
			return to, false
		}
		to[length] = byte(n)
		to = append(to, r.origin...)
	}
	return to, len(word) > 0 && len(to)-start <= 255
}

// plain tells whether an octet of a name stands for itself in every master file.
func plain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c == '-' || c == '_' || c == '*'
}

// lower makes a wire-form name lower case. Lengths are less than 'A'.
func lower(name []byte) {
	for i, c := range name {
		if c >= 'A' && c <= 'Z' {
			name[i] = c + ('a' - 'A')
		}
	}
}

// number is a word of digits only, at most so large.
func number(word []byte, most uint64) (uint32, bool) {
	n := uint64(0)
	for _, c := range word {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
		if n > most {
			return 0, false
		}
	}
	return uint32(n), len(word) > 0
}
