package overlay

import (
	"strings"
)

// token is a word of a file, as it is written: quotes and escapes are still in it, so
// that an octet of text is a column of the file.
type token struct {
	text string
	at   Position
}

// lexer cuts a master file (RFC 1035 5.1) into entries.
type lexer struct {
	file  string
	text  string
	at    int // the octet that comes next
	line  int // its line, from 1
	start int // where that line begins
}

// entry is the words of a line, or of several that parentheses join.
type entry struct {
	blank  bool // the line began with a blank: the owner is the latest one
	tokens []token
}

func newLexer(file, text string) *lexer {
	return &lexer{file: file, text: strings.TrimPrefix(text, "\ufeff"), line: 1}
}

func (l *lexer) position(at int) Position {
	return Position{File: l.file, Line: l.line, Column: at - l.start + 1}
}

// next reads an entry into e, whose tokens it uses again. It returns false at the end.
// wrong is what is wrong with the spelling, of which then the rest of the line is
// passed over.
func (l *lexer) next(e *entry) (wrong *Problem, more bool) {
	e.tokens, e.blank = e.tokens[:0], false
	var open []Position
	for l.at < len(l.text) {
		switch c := l.text[l.at]; {
		case c == '\n':
			l.breakLine()
			if len(open) == 0 && len(e.tokens) > 0 {
				return nil, true
			}
		case c == ' ' || c == '\t' || c == '\r':
			if len(e.tokens) == 0 && len(open) == 0 && l.at == l.start {
				e.blank = true
			}
			l.at++
			continue
		case c == ';':
			l.skipLine()
			continue
		case c == '(':
			open = append(open, l.position(l.at))
			l.at++
		case c == ')':
			if len(open) == 0 {
				return l.fail(l.at, "a parenthesis is closed that was not opened"), true
			}
			open = open[:len(open)-1]
			l.at++
		default:
			at := l.at
			if wrong := l.word(); wrong != nil {
				return wrong, true
			}
			e.tokens = append(e.tokens, token{l.text[at:l.at], l.position(at)})
		}
		if len(e.tokens) == 0 && len(open) == 0 { // a line without words
			e.blank = false
		}
	}
	if len(open) > 0 {
		return &Problem{open[0], "this parenthesis is not closed", "all that follows is one entry until it is"}, true
	}
	return nil, len(e.tokens) > 0
}

func (l *lexer) breakLine() {
	l.at++
	l.line, l.start = l.line+1, l.at
}

// skipLine goes to the end of the line, before the line break.
func (l *lexer) skipLine() {
	if i := strings.IndexByte(l.text[l.at:], '\n'); i >= 0 {
		l.at += i
	} else {
		l.at = len(l.text)
	}
}

func (l *lexer) fail(at int, text string) *Problem {
	p := &Problem{l.position(at), text, ""}
	l.skipLine()
	return p
}

// word passes over a word. Within quotes anything may stand but the end of the line.
func (l *lexer) word() *Problem {
	quote := -1
	for ; l.at < len(l.text); l.at++ {
		switch c := l.text[l.at]; {
		case c == '\n' && quote >= 0:
			return l.fail(quote, "this quote is not closed on its line")
		case c == '\n':
			return nil
		case c == '\\' && l.at+1 < len(l.text) && l.text[l.at+1] != '\n':
			l.at++
		case c == '"' && quote >= 0:
			quote = -1
		case c == '"':
			quote = l.at
		case quote < 0 && strings.IndexByte(" \t\r;()", c) >= 0:
			return nil
		}
	}
	if quote >= 0 {
		return l.fail(quote, "this quote is not closed on its line")
	}
	return nil
}

// index is where the first of some octets stands in t outside quotes, unescaped; -1 if
// nowhere.
func (t token) index(any string) int {
	quoted := false
	for i := 0; i < len(t.text); i++ {
		switch c := t.text[i]; {
		case c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && strings.IndexByte(any, c) >= 0:
			return i
		}
	}
	return -1
}

// from is the part of t from an octet on.
func (t token) from(i int) token {
	at := t.at
	at.Column += i
	return token{t.text[i:], at}
}

// cut is the parts of t before and after the first sep.
func (t token) cut(sep string) (before, after token, ok bool) {
	i := t.index(sep)
	if i < 0 {
		return t, token{at: t.at}, false
	}
	return token{t.text[:i], t.at}, t.from(i + 1), true
}

// split is the parts of t between separators.
func (t token) split(sep string) (parts []token) {
	parts = make([]token, 0, 1+strings.Count(t.text, sep))
	for {
		before, after, ok := t.cut(sep)
		parts = append(parts, before)
		if !ok {
			return parts
		}
		t = after
	}
}

// plain is what the word means: without quotes, and escapes undone.
func (t token) plain() string {
	if !strings.ContainsAny(t.text, `"\`) {
		return t.text
	}
	var b strings.Builder
	for i := 0; i < len(t.text); i++ {
		switch c := t.text[i]; {
		case c == '"':
		case c != '\\' || i+1 == len(t.text):
			b.WriteByte(c)
		default:
			octet, width := unescape(t.text[i+1:])
			b.WriteByte(octet)
			i += width
		}
	}
	return b.String()
}

// unescape is the octet that follows a backslash, as itself or as three digits.
func unescape(s string) (octet byte, width int) {
	if len(s) < 3 || strings.Trim(s[:3], "0123456789") != "" {
		return s[0], 1
	}
	if n := int(s[0]-'0')*100 + int(s[1]-'0')*10 + int(s[2]-'0'); n <= 255 {
		return byte(n), 3
	}
	return s[0], 1
}
