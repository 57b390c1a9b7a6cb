package scenario

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// maxLine is the longest line that the format allows, in octets.
const maxLine = 10240

// Parse reads a story. It accepts the whole grammar and nothing else, but for
// three slips in Unbound's own files (see stray). Errors begin with file:line.
func Parse(file string, r io.Reader) (*Story, error) {
	p := &parser{story: &Story{File: file, Texts: map[string]string{}}, zone: zoneText{origin: ".", ttl: 3600}}
	p.lines = bufio.NewScanner(r)
	p.lines.Buffer(make([]byte, 0, maxLine), maxLine)
	if err := p.file(); err != nil {
		return nil, fmt.Errorf("%s:%d: %w", file, p.number, err)
	}
	return p.story, nil
}

// ParseFile reads the story in a file.
func ParseFile(path string) (*Story, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return Parse(filepath.Base(path), f)
}

// parser goes through a file once, line by line.
type parser struct {
	lines  *bufio.Scanner
	number int // of the line that was read last, from 1
	story  *Story
	zone   zoneText
}

// next is the next line without the blanks around it.
func (p *parser) next() (line string, err error) {
	if !p.lines.Scan() {
		if err := p.lines.Err(); err != nil {
			p.number++
			return "", err
		}
		return "", io.ErrUnexpectedEOF
	}
	p.number++
	return strings.TrimSpace(p.lines.Text()), nil
}

// statement is the next line that says something.
func (p *parser) statement() (string, error) {
	for {
		line, err := p.next()
		if err != nil || line != "" && line[0] != ';' {
			return line, err
		}
	}
}

func (p *parser) file() error {
	if err := p.config(); err != nil {
		return err
	}
	line, err := p.statement()
	if err != nil {
		return err
	}
	title, ok := strings.CutPrefix(line, "SCENARIO_BEGIN")
	if !ok {
		return fmt.Errorf("%q where SCENARIO_BEGIN should be", line)
	}
	p.story.Title = strings.TrimSpace(title)
	if err := p.scenario(); err != nil {
		return err
	}
	switch line, err := p.statement(); {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil
	case err != nil:
		return err
	default:
		return fmt.Errorf("%q after SCENARIO_END", line)
	}
}

// config reads what stands before CONFIG_END.
func (p *parser) config() error {
	var s settings
	for {
		line, err := p.next()
		if err != nil {
			return err
		}
		word, rest, _ := strings.Cut(line, " ")
		rest = strings.TrimSpace(rest)
		switch {
		case line == "CONFIG_END":
			p.story.Settings = s.clauses
			return p.include()
		case line == "" || line[0] == ';':
		case word == "COMMANDLINE":
			return errors.New("COMMANDLINE is not supported")
		case word == "TEMPFILE_CONTENTS":
			err = p.text(rest, "TEMPFILE_END")
		case word == "AUTOTRUST_FILE":
			if p.story.Anchors != "" {
				return errors.New("a second AUTOTRUST_FILE")
			}
			p.story.Anchors = rest
			err = p.text(rest, "AUTOTRUST_END")
		case word == "TEMPFILE_NAME":
			into := s.last()
			if into == nil || len(into.Values) > 0 {
				return errors.New("TEMPFILE_NAME stands for no value")
			}
			into.Values = []string{rest}
		default:
			err = s.line(p.number, line)
		}
		if err != nil {
			return err
		}
	}
}

// text reads a text up to the line end and files it under name.
func (p *parser) text(name, end string) error {
	if name == "" {
		return errors.New("a text without a name")
	}
	text, err := p.until(end)
	if err != nil {
		return err
	}
	p.story.Texts[name] = text
	return nil
}

// until is the lines up to the line end.
func (p *parser) until(end string) (string, error) {
	var b strings.Builder
	for {
		line, err := p.next()
		if err != nil {
			return "", err
		}
		if line == end {
			return b.String(), nil
		}
		b.WriteString(strings.TrimRight(p.lines.Text(), "\r") + "\n")
	}
}

// include puts the texts that others include in their places. An included text
// includes nothing itself.
func (p *parser) include() error {
	for name, text := range p.story.Texts {
		var b strings.Builder
		for line := range strings.Lines(text) {
			included, ok := strings.CutPrefix(strings.TrimSpace(line), "$INCLUDE_TEMPFILE")
			if !ok {
				b.WriteString(line)
				continue
			}
			part, known := p.story.Texts[strings.TrimSpace(included)]
			if !known {
				return fmt.Errorf("text %s includes%s, which is not in the file", name, included)
			}
			b.WriteString(part)
		}
		p.story.Texts[name] = b.String()
	}
	return nil
}

// scenario reads what stands between SCENARIO_BEGIN and SCENARIO_END.
func (p *parser) scenario() error {
	for {
		line, err := p.statement()
		if err != nil {
			return err
		}
		fields := strings.Fields(line)
		switch fields[0] {
		case "SCENARIO_END":
			return nil
		case "RANGE_BEGIN":
			err = p.serverRange(fields[1:])
		case "STEP":
			err = p.step(fields[1:], line)
		default:
			if !p.stray(line) {
				err = fmt.Errorf("%q is neither a range nor a step", line)
			}
		}
		if err != nil {
			return err
		}
	}
}

// stray tells whether the line is one of the slips that three of Unbound's files
// contain, where everything unknown is ignored: a second RANGE_END, and the last
// lines of an entry after RANGE_END.
func (p *parser) stray(line string) bool {
	switch p.story.File {
	case "autotrust_probefail.rpl", "iter_failreply.rpl":
		return line == "RANGE_END"
	case "subnet_cached_ede.crpl":
		return line == "RANGE_END" || line == "ENTRY_END" || strings.HasPrefix(line, "ns.example.com.")
	}
	return false
}

func (p *parser) serverRange(bounds []string) error {
	if len(bounds) < 2 {
		return errors.New("RANGE_BEGIN needs two step numbers")
	}
	r := Range{Line: p.number, Port: 53}
	var err, err2 error
	r.From, err = strconv.Atoi(bounds[0])
	r.To, err2 = strconv.Atoi(bounds[1])
	if err = errors.Join(err, err2); err != nil {
		return err
	}
	for {
		line, err := p.statement()
		if err != nil {
			return err
		}
		fields := strings.Fields(line)
		switch fields[0] {
		case "RANGE_END":
			p.story.Ranges = append(p.story.Ranges, r)
			return nil
		case "ADDRESS":
			err = r.address(fields[1:])
		case "ENTRY_BEGIN":
			var e *Entry
			if e, err = p.entry(); err == nil {
				r.Entries = append(r.Entries, e)
			}
		case "$ORIGIN", "$TTL":
			err = p.zone.directive(fields)
		default:
			err = fmt.Errorf("%q does not belong in a range", line)
		}
		if err != nil {
			return err
		}
	}
}

// address reads an address with perhaps a port after @.
func (r *Range) address(words []string) error {
	if len(words) == 0 {
		return errors.New("ADDRESS without an address")
	}
	text, port, hasPort := strings.Cut(words[0], "@")
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return err
	}
	if hasPort {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			return err
		}
		r.Port = uint16(n)
	}
	r.Addrs = append(r.Addrs, addr)
	return nil
}
