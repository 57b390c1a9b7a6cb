package zones

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

const (
	maxIncludes  = 1000 // files that one zone is made of
	streamBuffer = 64 << 10
	maxDirective = 512 // octets of a directive that are worth a look
)

var errIncludes = fmt.Errorf("more than %d files make up the zone", maxIncludes)

// source hands a master file, and the files that it includes, to the parser, and
// watches the octets go by: the parser tells where it met an error, but not where
// an RR began. It reads no further than the line break that ends the RR, so that
// what the source saw last is where the RR stands.
//
// A source is the fs.FS of the parser's $INCLUDEs.
type source struct {
	includes fs.FS
	dir      string   // of the main file, as problems call it
	names    []string // every file so far; the main file is the first
	open     []*stream
	base     int   // of open, the file that is read here; the parser has opened those after it
	closed   bool  // an included file was closed, and nothing read since
	size     int64 // of the main file; 0: unknown
}

// stream is one open file of a source.
type stream struct {
	src    *source
	file   fs.File // nil for the main file, which is the caller's
	octets *bufio.Reader
	index  uint16 // in source.names
	called string // what the parser calls it

	line, column int  // of the octet read last, from 1
	broken       bool // that octet ended its line
	place        place
	begun        bool     // the RR that is being read has begun, at
	at           position // here
	ttl          string   // the value of the latest $TTL, of the file that includes this one if there is none
	directive    []byte   // the latest line that began with $
	prefix       []byte   // what is read before the octets, and stands nowhere
	peeked       int      // octets that peekLine or peekGroup had
	lines        int      // which were so many lines
	lexed        lexed    // since the parser began
	directed     bool     // a $TTL or $ORIGIN has been read
}

// place is what the line being read is so far.
type place uint8

const (
	indent    place = iota // blanks
	entry                  // an RR or a part of it
	comment                // ; and what follows
	directive              // $ and what follows
)

func newSource(r io.Reader, file string, o LoadOptions) *source {
	s := &source{includes: o.Includes, dir: path.Dir(file), size: o.size}
	s.push(nil, r, file).called = path.Base(file)
	return s
}

func (s *source) push(f fs.File, r io.Reader, name string) *stream {
	buffer := streamBuffer
	if f != nil || s.size > 0 && s.size < int64(buffer) {
		buffer = 4 << 10 // there may be thousands of them
	}
	st := &stream{src: s, file: f, octets: bufio.NewReaderSize(r, buffer), index: uint16(len(s.names)), line: 1}
	if f != nil {
		st.ttl = s.now().ttl
	}
	s.names = append(s.names, name)
	s.open = append(s.open, st)
	return st
}

// main is the stream of the main file, or of one that was included without the parser:
// where the parser begins.
func (s *source) main() *stream { return s.open[s.base] }

// now is the stream that the parser reads from.
func (s *source) now() *stream { return s.open[len(s.open)-1] }

// Open opens a file for $INCLUDE.
func (s *source) Open(name string) (fs.File, error) {
	if len(s.names) >= maxIncludes {
		return nil, errIncludes
	}
	f, err := s.includes.Open(name)
	if err != nil {
		return nil, err
	}
	st := s.push(f, f, path.Join(s.dir, name))
	st.called = name
	return st, nil
}

// close closes what the parser left open because of an error.
func (s *source) close() {
	for len(s.open) > 1 {
		s.now().Close()
	}
}

// position is where the RR stands that the parser returned last. What $GENERATE
// makes stands where the directive does.
func (s *source) position() position {
	now := s.now()
	if now.begun {
		return now.at
	}
	return position{line: uint32(now.line), file: now.index, column: 1}
}

// generated tells whether the latest RR was made by $GENERATE.
func (s *source) generated() bool {
	now := s.now()
	return !now.begun && len(now.directive) > 9 && strings.EqualFold(string(now.directive[:9]), "$GENERATE")
}

// setGeneratedTTL gives an RR made by $GENERATE without a TTL the one of $TTL:
// the library gives it an hour.
func (s *source) setGeneratedTTL(rr dns.RR) {
	fields := strings.Fields(string(s.now().directive)) // $GENERATE range owner [ttl] [class] type rdata
	if s.now().ttl == "" || len(fields) < 4 || fields[3][0] >= '0' && fields[3][0] <= '9' {
		return
	}
	if probe, err := dns.NewRR("$TTL " + s.now().ttl + "\n. A 192.0.2.1"); err == nil {
		rr.Header().Ttl = probe.Header().Ttl
	}
}

// next says that the latest RR is done with.
func (s *source) next() {
	s.now().begun = false
	s.now().lexed.longest = 0
}

// ReadByte is what the parser reads by.
func (st *stream) ReadByte() (byte, error) {
	if len(st.prefix) > 0 {
		c := st.prefix[0]
		st.prefix = st.prefix[1:]
		return c, nil
	}
	st.src.closed = false
	c, err := st.octets.ReadByte()
	if err != nil {
		return 0, err
	}
	if st.lexed.glued(c) {
		st.lexed.last = ' '
		return ' ', st.octets.UnreadByte()
	}
	st.settle()
	st.lexed.see(c)
	st.column++
	switch {
	case c == '\n':
		st.broken = true
		st.endLine()
	case st.place == indent && c != ' ' && c != '\t' && c != '\r':
		st.begin(c)
	case st.place == directive && len(st.directive) < maxDirective:
		st.directive = append(st.directive, c)
	}
	return c, nil
}

// lexed is what the parser's lexer is in the middle of.
type lexed struct {
	braces                 int // that are open
	quote, comment, escape bool

	last         byte // octet seen; 0: none
	run, longest int  // octets of the word or string, and of the longest in this RR
}

// idle tells whether it is in the middle of nothing.
func (x *lexed) idle() bool { return x.braces == 0 && !x.quote && !x.comment && !x.escape }

// glued tells whether the lexer would take c, and what is before it, for one word, or
// what is after it. RFC 1035 5.1: parentheses are no part of a word, and the end of a
// line between them is a blank; the lexer drops both.
func (x *lexed) glued(c byte) bool {
	if x.quote || x.comment || x.escape {
		return false
	}
	switch x.last {
	case 0, ' ', '\t', '\n':
		return false
	case '(', ')':
		return c != ' ' && c != '\t' && c != '\r' && c != '\n'
	}
	return c == '(' || c == ')' || x.braces > 0 && (c == '\n' || c == ';')
}

// see goes on as the lexer does.
func (x *lexed) see(c byte) {
	if x.last = c; x.quote || x.escape {
		x.last = 'a' // as good as any
	}
	if x.run++; c == '"' || c == '\n' || !x.quote && (c == ' ' || c == '\t') {
		x.run = 0
	}
	x.longest = max(x.longest, x.run)
	escape := x.escape
	x.escape = false
	switch {
	case c == '\n' && !x.quote:
		x.comment = false
	case x.comment:
	case c == '\\':
		x.escape = !escape
	case escape:
	case c == '"':
		x.quote = !x.quote
	case x.quote:
	case c == ';':
		x.comment = true
	case c == '(':
		x.braces++
	case c == ')':
		x.braces--
	}
}

// begin notes what the line is, by its first octet.
func (st *stream) begin(c byte) {
	switch {
	case c == ';':
		st.place = comment
	case c == '$' && !st.begun:
		st.place = directive
		st.directive = append(st.directive[:0], c)
	default:
		st.place = entry
		if !st.begun {
			st.begun = true
			st.at = position{line: uint32(st.line), file: st.index, column: uint16(min(st.column, 0xffff))}
		}
	}
}

// endLine remembers the $TTL that the line may have set.
func (st *stream) endLine() {
	if st.place != directive {
		return
	}
	f := strings.Fields(string(st.directive))
	if len(f) > 1 && strings.EqualFold(f[0], "$TTL") {
		st.ttl = f[1]
	}
	if !strings.EqualFold(f[0], "$GENERATE") && !strings.EqualFold(f[0], "$INCLUDE") {
		st.directed = true
	}
}

// settle goes to the next line if this one has ended.
func (st *stream) settle() {
	if st.broken {
		st.line, st.column, st.broken = st.line+1, 0, false
		if st.place != directive || !st.lexed.quote && st.lexed.braces == 0 {
			st.place = indent
		}
	}
}

// peekLine is what is left of the line, which is all of it at the beginning, with its
// line break; the end of the file is one. It stays to be read. The error tells why there
// is no line break.
func (st *stream) peekLine() ([]byte, error) {
	for n := 512; ; n *= 2 {
		b, err := st.octets.Peek(min(n, streamBuffer))
		if i := bytes.IndexByte(b, '\n'); i >= 0 {
			st.peeked, st.lines = i+1, 1
			return b[:i+1], nil
		}
		if err == io.EOF && len(b) > 0 {
			st.peeked, st.lines = len(b), 1
			return append(slices.Clip(b), '\n'), nil
		}
		if err != nil || n >= streamBuffer {
			return b, err
		}
	}
}

// ownsLine tells whether the line to be read begins, beyond doubt, with an owner.
func (st *stream) ownsLine() bool {
	b, _ := st.octets.Peek(64)
	for i, c := range b {
		if !plain(c) && c != '.' && c != '@' {
			return i > 0 && (c == ' ' || c == '\t')
		}
	}
	return false
}

// peekGroup writes the lines that the parentheses of the first one hold together, which
// peekLine had, as one into to. It is nil when they are not simple: when there are
// strings, escapes or comments in them, or more than the buffer holds.
func (st *stream) peekGroup(to []byte) []byte {
	for n := 1 << 10; ; n *= 2 {
		b, err := st.octets.Peek(min(n, st.octets.Size()))
		line, octets, lines := group(to[:0], b)
		if octets > 0 {
			st.peeked, st.lines = octets, lines
			return line
		}
		if line == nil || err != nil || n >= st.octets.Size() {
			return nil
		}
	}
}

// group writes the first lines of b, as far as parentheses hold them together, as one
// into to, and tells how many octets and lines they are. It is nil when they are not
// simple, and of no octets when they do not end in b.
func group(to, b []byte) (line []byte, octets, lines int) {
	braces := 0
	for i, c := range b {
		switch c {
		case '"', '\\', ';', '\r':
			return nil, 0, 0
		case '(':
			braces++
			c = ' '
		case ')':
			if braces--; braces < 0 {
				return nil, 0, 0
			}
			c = ' '
		case '\n':
			lines++
			if braces == 0 {
				return append(to, c), i + 1, lines
			}
			c = ' '
		}
		to = append(to, c)
	}
	return to, 0, 0
}

// skip skips what peekLine or peekGroup had.
func (st *stream) skip() {
	_, _ = st.octets.Discard(st.peeked) // which is in the buffer
	st.line += st.lines
}

// Read is not used: the parser reads octet by octet.
func (st *stream) Read([]byte) (int, error) { return 0, errors.ErrUnsupported }

// Stat is not used.
func (st *stream) Stat() (fs.FileInfo, error) { return nil, errors.ErrUnsupported }

// Close ends an included file; reading goes on in the file that included it.
func (st *stream) Close() error {
	st.src.open, st.src.closed = st.src.open[:len(st.src.open)-1], true
	return st.file.Close()
}
