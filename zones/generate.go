package zones

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

const (
	maxGenerated = 1 << 16   // RRs of one $GENERATE
	maxNumber    = 1<<31 - 1 // in what it makes
)

// errGenerated is in the report already.
var errGenerated = errors.New("$GENERATE has made too much")

// template is a $GENERATE: a line in which numbers are to be put.
type template struct {
	start, end, step int64
	parts            []part
}

// part is text and the number after it, if there is one.
type part struct {
	text   string
	number bool
	offset int64
	width  int
	base   byte // d, o, x, X, n or N
}

// nibbled tells whether a line is a $GENERATE that has numbers as nibbles, which the
// library does not read.
func nibbled(line []byte) bool {
	const directive = "$GENERATE"
	return len(line) < maxDirective && len(line) > len(directive) && bytes.EqualFold(line[:len(directive)], []byte(directive)) &&
		(bytes.Contains(line, []byte(",n}")) || bytes.Contains(line, []byte(",N}")))
}

// generate takes in the RRs that a $GENERATE makes. Its error is one after which nothing
// more can be read.
func (l *loader) generate(line string) error {
	st := l.src.main()
	at := position{line: uint32(st.line), file: st.index, column: 1}
	g, err := parseTemplate(line)
	if err != nil {
		l.report.errorf(at, "%v", err)
		return nil
	}
	was := l.lines
	l.lines.owner = nil
	defer func() { l.lines = was }()
	for i := g.start; i <= g.end; i += g.step {
		if l.generated++; l.generated > l.options.Generate {
			l.report.errorf(at, "$GENERATE has made more than %d RRs", l.options.Generate)
			return errGenerated
		}
		if err := l.addGenerated(g.fill(i), at); errors.Is(err, errZoneSize) {
			return err
		} else if err != nil {
			l.report.errorf(at, "%v", err)
			return nil // the others are not better
		}
	}
	return nil
}

// addGenerated takes in the RR of a line that was made at a place.
func (l *loader) addGenerated(line string, at position) error {
	if l.lines.line([]byte(line)) == whole {
		return l.addLine(at)
	}
	origin := ""
	if l.lines.origin != nil {
		origin = lookup.Presentation(string(l.lines.origin))
	}
	p := dns.NewZoneParser(strings.NewReader(line), origin, "")
	if l.lines.timed {
		p.SetDefaultTTL(l.lines.ttl)
	}
	rr, ok := p.Next()
	if !ok {
		return fmt.Errorf("$GENERATE makes %q, which is no RR", strings.TrimSpace(line))
	}
	return l.add(rr, at)
}

// parseTemplate reads a $GENERATE.
func parseTemplate(line string) (*template, error) {
	fields := strings.Fields(line)
	if len(fields) < 2 {
		return nil, errors.New("$GENERATE has no range")
	}
	_, rest, _ := strings.Cut(line, fields[1])
	g := &template{step: 1}
	span, step, stepped := strings.Cut(fields[1], "/")
	start, end, ok := strings.Cut(span, "-")
	for _, n := range []struct {
		text string
		to   *int64
	}{{start, &g.start}, {end, &g.end}, {step, &g.step}} {
		if n.to == &g.step && !stepped {
			continue
		}
		v, err := strconv.ParseUint(n.text, 10, 31)
		ok = ok && err == nil
		*n.to = int64(v)
	}
	if !ok || g.step == 0 || g.end < g.start || (g.end-g.start)/g.step >= maxGenerated {
		return nil, fmt.Errorf("bad range %q in $GENERATE", fields[1])
	}
	return g, g.parse(strings.TrimLeft(rest, " \t"))
}

// parse reads what is behind the range.
func (g *template) parse(rest string) error {
	for text := ""; ; {
		i := strings.IndexAny(rest, `\$`)
		if i < 0 {
			g.parts = append(g.parts, part{text: text + rest})
			return nil
		}
		text, rest = text+rest[:i], rest[i:]
		switch {
		case len(rest) > 1 && rest[0] == '\\':
			text, rest = text+rest[:2], rest[2:]
			continue
		case rest[0] == '\\':
			return errors.New(`$GENERATE ends with \`)
		case strings.HasPrefix(rest, "$$"):
			text, rest = text+`\$`, rest[2:]
			continue
		}
		p := part{text: text, number: true, base: 'd'}
		text, rest = "", rest[1:]
		if strings.HasPrefix(rest, "{") {
			modifier, after, ok := strings.Cut(rest[1:], "}")
			if !ok || !p.modify(modifier) || g.start+p.offset < 0 || g.end+p.offset > maxNumber {
				return fmt.Errorf("bad modifier {%s} in $GENERATE", modifier)
			}
			rest = after
		}
		g.parts = append(g.parts, p)
	}
}

// modify obeys offset[,width[,base]].
func (p *part) modify(modifier string) bool {
	fields := strings.Split(modifier, ",")
	offset, err := strconv.ParseInt(fields[0], 10, 32)
	if err != nil || len(fields) > 3 {
		return false
	}
	p.offset = offset
	if len(fields) > 1 {
		width, err := strconv.ParseUint(fields[1], 10, 8)
		if err != nil {
			return false
		}
		p.width = int(width)
	}
	if len(fields) == 3 {
		if len(fields[2]) != 1 || !strings.Contains("doxXnN", fields[2]) {
			return false
		}
		p.base = fields[2][0]
	}
	return true
}

// fill is the line for a number.
func (g *template) fill(i int64) string {
	var b strings.Builder
	for _, p := range g.parts {
		b.WriteString(p.text)
		switch n := i + p.offset; {
		case !p.number:
		case p.base == 'n':
			b.WriteString(nibbles(n, p.width, "0123456789abcdef"))
		case p.base == 'N':
			b.WriteString(nibbles(n, p.width, "0123456789ABCDEF"))
		default:
			fmt.Fprintf(&b, "%0*"+string(p.base), p.width, n)
		}
	}
	return b.String()
}

// nibbles is a number in hexadecimal digits, the lowest first and dots between them. The
// width counts the dots, as in BIND.
func nibbles(n int64, width int, digits string) string {
	var b []byte
	for {
		b = append(b, digits[n&15])
		if n >>= 4; n == 0 && len(b) >= width {
			return string(b)
		}
		b = append(b, '.')
		if n == 0 && len(b) >= width {
			return string(b)
		}
	}
}
