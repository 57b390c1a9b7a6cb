package anchors

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

// token is a word of a file.
type token struct {
	text string
	at   place
}

// String is the word in an error; at the end of a file there is none.
func (t token) String() string {
	if t.text == "" {
		return "nothing"
	}
	return strconv.Quote(t.text)
}

// line is what a master file says up to a line break outside parentheses.
type line struct {
	at       place
	words    []token
	blank    bool   // it begins with a blank: the owner is the one before (RFC 1035 5.1)
	comments string // all of them, each with its semicolon
	fault    string // what ended it too early
}

// scanner goes through a text once.
type scanner struct {
	text string
	i    int
	at   place // of text[i]
}

func newScanner(text string) *scanner {
	return &scanner{text: strings.TrimPrefix(text, "\ufeff"), at: place{1, 1}}
}

// step goes on by one octet. Columns count characters.
func (s *scanner) step() {
	switch c := s.text[s.i]; {
	case c == '\n':
		s.at = place{s.at.line + 1, 1}
	case c&0xc0 != 0x80:
		s.at.column++
	}
	s.i++
}

func (s *scanner) more() bool { return s.i < len(s.text) }

// until steps to the first octet that is one of ends and is the text before it.
func (s *scanner) until(ends string) string {
	start := s.i
	for s.more() && strings.IndexByte(ends, s.text[s.i]) < 0 {
		if s.text[s.i] == '\\' && s.i+1 < len(s.text) && s.text[s.i+1] != '\n' {
			s.step()
		}
		s.step()
	}
	return s.text[start:s.i]
}

// line reads the next one; ok is false at the end of the text.
func (s *scanner) line() (l line, ok bool) {
	if !s.more() {
		return line{}, false
	}
	l.at = s.at
	l.blank = s.text[s.i] == ' ' || s.text[s.i] == '\t'
	for depth := 0; s.more(); {
		switch c := s.text[s.i]; c {
		case ' ', '\t', '\r':
			s.step()
		case '\n':
			s.step()
			if depth == 0 {
				return l, true
			}
		case ';':
			start := s.i
			for s.more() && s.text[s.i] != '\n' {
				s.step()
			}
			l.comments += s.text[start:s.i]
		case '(':
			depth++
			s.step()
		case ')':
			if depth--; depth < 0 {
				l.fault, depth = "a closing parenthesis without an opening one", 0
			}
			s.step()
		case '"':
			at := s.at
			s.step()
			l.words = append(l.words, token{s.until("\"\n"), at})
			if !s.more() || s.text[s.i] != '"' {
				l.fault = "no end to the quoted text"
				continue
			}
			s.step()
		default:
			at := s.at
			l.words = append(l.words, token{s.until(" \t\r\n;()\""), at})
		}
		if !s.more() && depth > 0 {
			l.fault = "no end to the parenthesis"
		}
	}
	return l, true
}

// owners remembers what lines leave to those behind them.
type owners struct {
	origin string
	ttl    uint32
	last   lookup.Name
}

// master reads RRs in presentation form.
func (r *reader) master(text string) {
	o := owners{origin: ".", ttl: 0}
	for s := newScanner(text); ; {
		l, ok := s.line()
		if !ok {
			return
		}
		rr, at, ok := r.rr(&o, l)
		if h, kept := historyOf(rr.comment); !ok || kept && !h.state.trusted() {
			continue // a key of Unbound's that is not, or no longer, an anchor
		}
		r.add(at, rr)
	}
}

// rr reads the RR of a line. ok is false when there is none, or it is of no
// interest, or wrong, which is reported.
func (r *reader) rr(o *owners, l line) (rr anchorRR, at place, ok bool) {
	words := l.words
	switch {
	case l.fault != "":
		r.problem(l.at, "%s", l.fault)
		return rr, at, false
	case len(words) == 0:
		return rr, at, false
	case strings.HasPrefix(words[0].text, "$"):
		r.directive(o, words)
		return rr, at, false
	}
	rr.zone, rr.ttl, rr.comment = o.last, o.ttl, l.comments
	if !l.blank {
		name, err := o.name(words[0].text)
		if err != nil {
			r.problem(words[0].at, "%v", err)
			return rr, at, false
		}
		rr.zone, o.last = name, name
		words = words[1:]
	} else if o.last == "" {
		r.problem(words[0].at, "an RR without an owner")
		return rr, at, false
	}
	end := l.at
	for ; len(words) > 0; words = words[1:] {
		w := words[0]
		end = w.at
		if ttl, err := strconv.ParseUint(w.text, 10, 31); err == nil {
			rr.ttl = uint32(ttl)
			continue
		}
		switch strings.ToUpper(w.text) {
		case "IN":
			continue
		case "CH", "HS", "NONE", "ANY":
			r.problem(w.at, "class %s, expected IN", w.text)
			return rr, at, false
		case "RRSIG":
			return rr, at, false // dig +dnssec prints it behind the keys
		case "DS":
			rr.t = lookup.TypeDS
		case "DNSKEY":
			rr.t = lookup.TypeDNSKEY
		default:
			r.problem(w.at, "found %q, expected DS or DNSKEY", w.text)
			return rr, at, false
		}
		rr.rdata, ok = r.rdata(rr.t, w.at, words[1:])
		return rr, w.at, ok
	}
	r.problem(end, "the RR ends before its type, expected DS or DNSKEY")
	return rr, at, false
}

// directive obeys $TTL and $ORIGIN.
func (r *reader) directive(o *owners, words []token) {
	key := strings.ToUpper(words[0].text)
	if len(words) != 2 || key != "$TTL" && key != "$ORIGIN" {
		r.problem(words[0].at, "found %q, expected an RR, or $TTL or $ORIGIN with one value", words[0].text)
		return
	}
	var err error
	if key == "$TTL" {
		var ttl uint64
		ttl, err = strconv.ParseUint(words[1].text, 10, 31)
		o.ttl = uint32(ttl)
	} else {
		var name lookup.Name
		name, err = o.name(words[1].text)
		o.origin = name.String()
	}
	if err != nil {
		r.problem(words[1].at, "%s %s: %v", key, words[1].text, err)
	}
}

// name reads a name that may be relative to the origin.
func (o *owners) name(text string) (lookup.Name, error) {
	switch {
	case text == "@":
		text = o.origin
	case !strings.HasSuffix(text, ".") && o.origin != ".":
		text += "." + o.origin
	}
	return lookup.ParseName(text)
}

// rdata reads three numbers and what stands behind them, in hexadecimal for a DS
// (RFC 4034 5.3), in base64 for a DNSKEY (RFC 4034 2.2). at is where errors point
// when a word is missing.
func (r *reader) rdata(t lookup.Type, at place, words []token) (string, bool) {
	names, bits := [3]string{"key tag", "algorithm", "digest type"}, [3]int{16, 8, 8}
	if t == lookup.TypeDNSKEY {
		names = [3]string{"flags", "protocol", "algorithm"}
	}
	var wire []byte
	for i, name := range names {
		if len(words) == 0 {
			r.problem(at, "the %s ends before its %s", t, name)
			return "", false
		}
		w := words[0]
		n, err := strconv.ParseUint(w.text, 10, bits[i])
		if algorithm, known := dns.StringToAlgorithm[strings.ToUpper(w.text)]; known && name == "algorithm" {
			n, err = uint64(algorithm), nil
		}
		if err != nil {
			r.problem(w.at, "%s: found %q, expected a number of %d bits", name, w.text, bits[i])
			return "", false
		}
		if bits[i] == 16 {
			wire = append(wire, byte(n>>8))
		}
		wire, words, at = append(wire, byte(n)), words[1:], w.at
	}
	if len(words) == 0 {
		r.problem(at, "the %s ends too early", t)
		return "", false
	}
	var all strings.Builder
	for _, w := range words {
		all.WriteString(w.text)
	}
	last, err := decode(t, all.String())
	if err != nil {
		r.problem(words[0].at, "%v", err)
		return "", false
	}
	if len(wire)+len(last) > 0xffff {
		r.problem(words[0].at, "the rdata has more than 65535 octets")
		return "", false
	}
	return string(append(wire, last...)), true
}

// decode reads the digest of a DS or the key of a DNSKEY.
func decode(t lookup.Type, text string) ([]byte, error) {
	if t == lookup.TypeDS {
		digest, err := hex.DecodeString(text)
		if err != nil {
			return nil, fmt.Errorf("the digest is not hexadecimal: %w", err)
		}
		return digest, nil
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("the key is not base64: %w", err)
	}
	return key, nil
}
