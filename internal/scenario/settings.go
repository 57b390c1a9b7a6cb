package scenario

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// settings reads the configuration part of a file line by line into a tree.
type settings struct {
	clauses []Clause
}

// sections are the keys that open a section.
func sections() []string {
	return []string{
		"server", "stub-zone", "forward-zone", "auth-zone", "rpz", "view", "remote-control", "python", "dynlib",
		"cachedb", "dnscrypt", "dnstap",
		"expect", // our own: what the story as a whole must keep to
	}
}

// isKey matches a key with its colon: not an address such as fe80::, nor a URL.
var isKey = regexp.MustCompile(`^[a-z][a-z0-9-]*:$`)

// line reads one line, which may hold several keys with their values.
func (s *settings) line(number int, text string) error {
	words, err := configWords(text)
	if err != nil {
		return err
	}
	for _, w := range words {
		switch {
		case w.quoted || !isKey.MatchString(w.text):
			into := s.last()
			if into == nil {
				return fmt.Errorf("value %q has no key", w.text)
			}
			into.Values = append(into.Values, w.text)
		case slices.Contains(sections(), strings.TrimSuffix(w.text, ":")):
			s.clauses = append(s.clauses, Clause{Line: number, Key: strings.TrimSuffix(w.text, ":")})
		case len(s.clauses) == 0:
			return fmt.Errorf("key %q stands in no section", w.text)
		default:
			section := &s.clauses[len(s.clauses)-1]
			section.Sub = append(section.Sub, Clause{Line: number, Key: strings.TrimSuffix(w.text, ":")})
		}
	}
	return nil
}

// last is the clause that further values belong to: the last key of the last
// section; nil when the section has no key yet.
func (s *settings) last() *Clause {
	if len(s.clauses) == 0 {
		return nil
	}
	section := &s.clauses[len(s.clauses)-1]
	if len(section.Sub) == 0 {
		return nil
	}
	return &section.Sub[len(section.Sub)-1]
}

type configWord struct {
	text   string
	quoted bool
}

// configWords splits a line at blanks; quotes of both kinds protect blanks and #.
func configWords(line string) ([]configWord, error) {
	var words []configWord
	for {
		line = strings.TrimLeft(line, " \t\r")
		if line == "" || line[0] == '#' {
			return words, nil
		}
		if quote := line[0]; quote == '"' || quote == '\'' {
			end := strings.IndexByte(line[1:], quote)
			if end < 0 {
				return nil, fmt.Errorf("no end to the quoted text %s", line)
			}
			words = append(words, configWord{text: line[1 : 1+end], quoted: true})
			line = line[end+2:]
			continue
		}
		end := strings.IndexAny(line, " \t\r#\"'")
		if end < 0 {
			end = len(line)
		}
		words = append(words, configWord{text: line[:end]})
		line = line[end:]
	}
}
