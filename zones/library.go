package zones

import (
	"errors"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

// parse has the library read from here on, up to the first RR after which all that it
// knows is known here, too. It tells whether there is more after that.
func (l *loader) parse() (more bool, err error) {
	st := l.src.main()
	line := st.line
	p, prefix := l.parser()
	for rr, ok := p.Next(); ok; rr, ok = p.Next() {
		at := l.src.position()
		generated := l.src.generated()
		if generated {
			if l.generated++; l.generated > l.options.Generate {
				l.report.errorf(at, "$GENERATE has made more than %d RRs", l.options.Generate)
				return false, errGenerated
			}
			l.src.setGeneratedTTL(rr)
		}
		if err := l.add(rr, at); errors.Is(err, errZoneSize) {
			return false, err
		} else if err != nil {
			l.report.errorf(at, "%v", err)
		}
		if !generated && l.takeOver(rr) {
			l.src.next()
			return true, nil
		}
		l.src.next()
	}
	if err := p.Err(); err != nil {
		return l.goOn(l.parseProblem(err, line, prefix))
	}
	return false, nil
}

// goOn goes on after a mistake, behind the line that has it: who corrects a
// file wants to see all that is wrong. What is known is known still, unless a directive that
// the library alone has read stands before the mistake, or parentheses or strings do not end.
func (l *loader) goOn(mistake error) (more bool, err error) {
	p, ok := mistake.(Problem)
	st := l.src.main()
	if !ok || p.File != l.src.names[st.index] || len(l.src.open) > l.src.base+1 || l.src.generated() || st.directed || l.options.slow || len(l.report.errors) == maxErrors-1 {
		return false, mistake
	}
	for more = true; more && (!st.broken || !st.lexed.idle()); {
		if _, err := st.ReadByte(); err != nil && (err != io.EOF || l.src.base == 0 || st.lexed.quote || st.lexed.braces > 0) {
			return false, mistake
		} else if err != nil {
			more = false // the file that includes this one goes on
		}
	}
	l.mistaken = true
	l.report.errorf(position{line: uint32(p.Line), file: st.index, column: uint16(min(p.Column, 0xffff))}, "%s", p.Text)
	st.settle()
	l.src.next()
	return more, nil
}

// parser is the library's parser, which knows what is known here: the origin, the TTL
// and, when the line does not begin with an owner, the latest one. Of that it learns by
// an RR in prefix lines, put before the line.
func (l *loader) parser() (p *dns.ZoneParser, prefix int) {
	st, origin := l.src.main(), ""
	if l.lines.origin != nil {
		origin = lookup.Presentation(string(l.lines.origin))
	}
	st.prefix = nil
	if l.lines.owner != nil && !st.ownsLine() {
		st.prefix = []byte(lookup.Presentation(string(l.lines.owner)) + " IN A 192.0.2.0\n")
		prefix = 1
	}
	st.directed, st.lexed = false, lexed{}
	p = dns.NewZoneParser(st, origin, st.called)
	p.SetIncludeAllowed(l.options.Includes != nil)
	p.SetIncludeFS(l.src)
	if l.lines.timed {
		p.SetDefaultTTL(l.lines.ttl)
	}
	if l.lines.fixed {
		st.ttl = strconv.FormatUint(uint64(l.lines.ttl), 10)
	}
	if prefix > 0 {
		p.Next()
	}
	return p, prefix
}

// takeOver makes known what the library knows after an RR, if that can be: not inside
// of a file that the library has included, and not when a directive has told it more.
func (l *loader) takeOver(rr dns.RR) bool {
	st := l.src.main()
	if l.options.slow || len(l.src.open) > l.src.base+1 || st.directed || !st.broken || !st.lexed.idle() || rr.Header().Name == "" {
		return false
	}
	owner, err := lookup.ParseName(rr.Header().Name)
	if err != nil {
		return false
	}
	if ttl := rr.Header().Ttl; !l.lines.fixed && ttl != 0 {
		l.lines.ttl, l.lines.timed = ttl, true
	} else if !l.lines.fixed {
		return false // the RR has no TTL, or 0
	}
	l.lines.owner = append(l.lines.owner[:0], owner...)
	st.settle()
	return true
}

// parseProblem makes a Problem of the library's error, whose fields are private
// and whose text is "file: dns: what: \"token\" at line: 3:14". The library has read
// from that line on, in which it has seen prefix octets that are not there.
func (l *loader) parseProblem(err error, from, prefix int) error {
	st := l.src.main()
	file, what, ok := strings.Cut(err.Error(), ": dns: ")
	at := strings.LastIndex(what, " at line: ")
	if !ok || at < 0 {
		return Problem{File: l.src.names[st.index], Text: err.Error()}
	}
	p := Problem{File: path.Join(path.Dir(l.src.names[0]), file), Text: what[:at]}
	if l.options.Origin == "" && l.lines.origin == nil && strings.HasPrefix(p.Text, `bad owner name: "@"`) {
		p.Text += "; the name of the zone is not known, and there is no $ORIGIN"
	}
	line, column, _ := strings.Cut(what[at+len(" at line: "):], ":")
	p.Line, _ = strconv.Atoi(line)
	p.Column, _ = strconv.Atoi(column)
	switch {
	case file != st.called || l.src.closed && slices.Contains(l.src.names[st.index+1:], l.src.names[st.index]):
		// The mistake is in an included file, which may have included itself.
	case l.src.generated(): // in lines that stand nowhere
		p.Line, p.Column = st.line, 1
	default:
		p.Line += from - 1 - prefix
	}
	return p
}
