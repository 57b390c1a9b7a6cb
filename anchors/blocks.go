package anchors

import (
	"strings"

	"github.com/sextant-dns/sextant/lookup"
)

// isBlock tells whether a word opens a block of trust anchors in BIND's
// configuration.
func isBlock(word string) bool {
	switch word {
	case "trust-anchors", "managed-keys", "trusted-keys":
		return true
	}
	return false
}

// blocks reads blocks of the configuration of BIND. Whether an anchor is initial
// or static makes no difference here: which zones are managed is configured.
func (r *reader) blocks(text string) {
	s := newScanner(text)
	for {
		kind, ok := r.blockWord(s)
		if !ok {
			return
		}
		if !isBlock(kind.text) {
			r.problem(kind.at, "found %q, expected trust-anchors, managed-keys or trusted-keys", kind.text)
			return
		}
		if w, _ := r.blockWord(s); w.text != "{" {
			r.problem(w.at, "found %s, expected {", w)
			return
		}
		if !r.block(s, kind.text) {
			return
		}
	}
}

// block reads the anchors of one block; ok is false after an error.
func (r *reader) block(s *scanner, kind string) (ok bool) {
	var words []token
	for {
		w, more := r.blockWord(s)
		switch {
		case !more:
			r.problem(s.at, "the file ends within %s", kind)
			return false
		case w.text == "}" && len(words) == 0:
			w, _ = r.blockWord(s)
			if w.text != ";" {
				r.problem(w.at, "found %s, expected ; behind }", w)
				return false
			}
			return true
		case w.text == ";":
			r.blockAnchor(kind, words)
			words = nil
		default:
			words = append(words, w)
		}
	}
}

// blockAnchor reads NAME [initial-key|static-key|initial-ds|static-ds] and rdata.
func (r *reader) blockAnchor(kind string, words []token) {
	if len(words) == 0 {
		return
	}
	rr, at := anchorRR{t: lookup.TypeDNSKEY}, words[0].at
	var err error
	if rr.zone, err = lookup.ParseName(words[0].text); err != nil {
		r.problem(at, "%v", err)
		return
	}
	words = words[1:]
	if kind != "trusted-keys" && len(words) > 0 {
		switch w := words[0]; w.text {
		case "initial-key", "static-key":
		case "initial-ds", "static-ds":
			rr.t = lookup.TypeDS
		default:
			r.problem(w.at, "found %q, expected initial-key, static-key, initial-ds or static-ds", w.text)
			return
		}
		words = words[1:]
	}
	for i, w := range words { // blanks may stand within the quotes
		words[i].text = strings.Join(strings.Fields(w.text), "")
	}
	var ok bool
	if rr.rdata, ok = r.rdata(rr.t, at, words); ok {
		r.add(at, rr)
	}
}

// blockWord is the next word: a quoted text, a name or number, or one of { } ;.
func (r *reader) blockWord(s *scanner) (w token, ok bool) {
	for s.more() {
		w.at = s.at
		switch rest := s.text[s.i:]; {
		case strings.HasPrefix(rest, "/*"):
			for s.more() && !strings.HasPrefix(s.text[s.i:], "*/") {
				s.step()
			}
			for range min(2, len(s.text)-s.i) {
				s.step()
			}
		case strings.HasPrefix(rest, "//"), rest[0] == '#':
			s.until("\n")
		case strings.IndexByte(" \t\r\n", rest[0]) >= 0:
			s.step()
		case strings.IndexByte("{};", rest[0]) >= 0:
			s.step()
			w.text = rest[:1]
			return w, true
		case rest[0] == '"':
			s.step()
			if w.text = s.until(`"`); s.more() {
				s.step()
			} else {
				r.problem(w.at, "no end to the quoted text")
			}
			return w, true
		default:
			w.text = s.until(" \t\r\n{};\"#")
			return w, true
		}
	}
	return token{at: s.at}, false
}
