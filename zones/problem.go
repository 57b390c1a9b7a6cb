package zones

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/sextant-dns/sextant/lookup"
)

// Problem is one thing that is wrong or unwise in a master file. As an error and
// as text it reads file:line:column: what.
type Problem struct {
	File         string
	Line, Column int // both start at 1; 0 when the whole file is meant
	Text         string
}

// Error is file:line:column: text.
func (p Problem) Error() string {
	if p.File == "" {
		return p.Text
	}
	if p.Line == 0 {
		return p.File + ": " + p.Text
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Text)
}

// Problems is what an error of Load says, one by one; what is not of a place in a file
// has only a Text.
func Problems(err error) []Problem {
	var all []Problem
	switch e := err.(type) {
	case nil:
	case Problem:
		all = append(all, e)
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			all = append(all, Problems(one)...)
		}
	default:
		all = append(all, Problem{Text: e.Error()})
	}
	return all
}

const (
	maxErrors   = 20  // whoever gets that many knows enough
	maxWarnings = 100 // a million RRs can be unwise a million times
)

// report collects what Load has to say, errors and warnings apart.
type report struct {
	files              []string // what position.file counts
	errors, warnings   []placed
	dropped, forgotten int // errors and warnings beyond the maximum
}

// placed is a finding at the RR where it was made.
type placed struct {
	at   position
	text string
}

// position is where an RR stands. A million of them wait for the walk, so it is
// 8 octets.
type position struct {
	line         uint32 // 0: the file as a whole
	file, column uint16
}

func (r *report) errorf(at position, format string, args ...any) {
	if len(r.errors) == maxErrors {
		r.dropped++
		return
	}
	r.errors = append(r.errors, placed{at, fmt.Sprintf(format, args...)})
}

func (r *report) warnf(at position, format string, args ...any) {
	if len(r.warnings) == maxWarnings {
		r.forgotten++
		return
	}
	r.warnings = append(r.warnings, placed{at, fmt.Sprintf(format, args...)})
}

// err is all errors as one, nil when there are none.
func (r *report) err() error {
	var all []error
	for _, p := range r.problems(r.errors, r.dropped) {
		all = append(all, p)
	}
	return errors.Join(all...)
}

// lint is the warnings as Problems.
func (r *report) lint() []Problem { return r.problems(r.warnings, r.forgotten) }

// problems puts findings into the order of the file, and says how many more
// there were.
func (r *report) problems(found []placed, more int) []Problem {
	slices.SortStableFunc(found, func(a, b placed) int {
		return cmp.Or(cmp.Compare(a.at.file, b.at.file), cmp.Compare(a.at.line, b.at.line))
	})
	var out []Problem
	for _, p := range found {
		out = append(out, Problem{File: r.files[p.at.file], Line: int(p.at.line), Column: int(p.at.column), Text: p.text})
	}
	if more > 0 {
		out = append(out, Problem{File: r.files[0], Text: fmt.Sprintf("and %d more", more)})
	}
	return out
}

// about is how a finding names an RRset.
func about(name lookup.Name, t lookup.Type) string { return name.String() + " " + t.String() }
