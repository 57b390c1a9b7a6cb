package anchors

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

// Problem is one thing that is wrong in a file of trust anchors. As an error it
// reads file:line:column: what.
type Problem struct {
	File         string
	Line, Column int // both start at 1
	Text         string
}

// Error is file:line:column: text.
func (p Problem) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Text)
}

const (
	maxProblems = 20
	maxFile     = 1 << 20 // octets; the root's file has 3000
)

// ReadFile is Read for a file on disk.
func ReadFile(path string, now time.Time) ([]lookup.RRset, error) {
	text, err := readLimited(path)
	if err != nil {
		return nil, fmt.Errorf("trust anchors: %w", err)
	}
	return Read(path, text, now)
}

func readLimited(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("%s: more than %d octets", path, maxFile)
	}
	return string(text), err
}

// Read takes trust anchors from the text of a file, of one of three kinds:
//
//   - DS and DNSKEY RRs as in a master file (RFC 1035 5), among them the files that
//     Unbound and unbound-anchor keep: of those, keys in the states VALID and MISSING.
//     RRSIGs are passed over;
//   - trust-anchors, managed-keys and trusted-keys blocks of BIND;
//   - IANA's root-anchors.xml (RFC 9718), of which the anchors count that are valid
//     at the time now.
//
// name is what errors call the file. The error joins a Problem for everything that
// is malformed. A file without any anchor is an error.
func Read(name, text string, now time.Time) ([]lookup.RRset, error) {
	r := &reader{file: name}
	switch word := firstWord(text); {
	case strings.HasPrefix(word, "<"):
		r.xml(text, now)
	case strings.HasPrefix(word, "//"), strings.HasPrefix(word, "/*"), strings.HasPrefix(word, "#"), isBlock(word):
		r.blocks(text)
	default:
		r.master(text)
	}
	if len(r.problems) == 0 && len(r.found) == 0 {
		r.problem(place{1, 1}, "no trust anchor in this file that is in force")
	}
	if len(r.problems) > 0 {
		return nil, errors.Join(r.problems...)
	}
	return r.sets(), nil
}

func firstWord(text string) string {
	text = strings.TrimLeft(strings.TrimPrefix(text, "\ufeff"), " \t\r\n")
	if end := strings.IndexAny(text, " \t\r\n{"); end >= 0 {
		return text[:end]
	}
	return text
}

// place is where something stands in a file.
type place struct{ line, column int }

// anchorRR is one RR of a file.
type anchorRR struct {
	zone    lookup.Name
	t       lookup.Type
	ttl     uint32
	rdata   string
	comment string // all comments of the RR's lines
}

// reader collects what a file says and what is wrong with it.
type reader struct {
	file     string
	found    []anchorRR
	problems []error
}

func (r *reader) problem(at place, format string, args ...any) {
	if len(r.problems) < maxProblems {
		r.problems = append(r.problems, Problem{r.file, at.line, at.column, fmt.Sprintf(format, args...)})
	}
}

// add takes an RR that stands at a place, unless it is no trust anchor.
func (r *reader) add(at place, rr anchorRR) {
	if _, err := asDS(rr.zone, rr.t, rr.rdata); err != nil {
		r.problem(at, "%s %s: %v", rr.zone, rr.t, err)
		return
	}
	r.found = append(r.found, rr)
}

// sets is what was found, grouped by name and type.
func (r *reader) sets() []lookup.RRset {
	type key struct {
		zone lookup.Name
		t    lookup.Type
	}
	var order []key
	rdata, ttl := map[key][]string{}, map[key]uint32{}
	for _, rr := range r.found {
		k := key{rr.zone, rr.t}
		if _, seen := ttl[k]; !seen {
			order = append(order, k)
			ttl[k] = rr.ttl
		}
		ttl[k] = min(ttl[k], rr.ttl)
		rdata[k] = append(rdata[k], rr.rdata)
	}
	sets := make([]lookup.RRset, len(order))
	for i, k := range order {
		sets[i] = lookup.RRset{Name: k.zone, Type: k.t, TTL: ttl[k], Data: lookup.PackRdata(rdata[k]...)}
	}
	return sets
}
