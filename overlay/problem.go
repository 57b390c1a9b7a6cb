package overlay

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// String is file:line:column, or the file alone where it is meant as a whole.
func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Error is file:line:column: text, and the hint after a semicolon.
func (p Problem) Error() string {
	text := p.Position.String() + ": " + p.Text
	if p.Hint != "" {
		text += "; " + p.Hint
	}
	return text
}

const (
	maxErrors   = 20  // whoever gets that many knows enough
	maxWarnings = 100 // fifty thousand routes can be unwise as often
)

// report collects what there is to say of a file and those that it includes.
type report struct {
	files              map[string]int // in the order in which they were read
	errors, warnings   []Problem
	dropped, forgotten int // beyond the maximum
}

// mistake notes an error at a place.
func (r *report) mistake(at Position, hint, format string, args ...any) {
	if len(r.errors) == maxErrors {
		r.dropped++
		return
	}
	r.errors = append(r.errors, Problem{at, fmt.Sprintf(format, args...), hint})
}

// warn notes what is unwise.
func (r *report) warn(at Position, hint, format string, args ...any) {
	if len(r.warnings) == maxWarnings {
		r.forgotten++
		return
	}
	r.warnings = append(r.warnings, Problem{at, fmt.Sprintf(format, args...), hint})
}

// err is all errors as one, nil when there are none.
func (r *report) err(file string) error {
	var all []error
	for _, p := range r.inOrder(r.errors, r.dropped, file) {
		all = append(all, p)
	}
	return errors.Join(all...)
}

// inOrder is problems in the order of the files, and how many more there were.
func (r *report) inOrder(found []Problem, more int, file string) []Problem {
	slices.SortStableFunc(found, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(r.files[a.File], r.files[b.File]), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	if more > 0 {
		found = append(found, Problem{Position{File: file}, fmt.Sprintf("and %d more", more), ""})
	}
	return found
}

// instead is a hint of what could be meant by a word: the known one that is nearest,
// or else all of them.
func instead(word, plural string, known []string) string {
	if near := nearest(word, known); near != "" {
		return "did you mean " + near + "?"
	}
	if len(known) == 0 {
		return "there are no " + plural
	}
	const most = 12
	if len(known) > most {
		return fmt.Sprintf("%s are %s and %d more", plural, strings.Join(known[:most], ", "), len(known)-most)
	}
	return plural + " are " + enumerate(known)
}

// enumerate is words with commas, and an and.
func enumerate(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// nearest is the known word that a typing error or two turn into word; "" if none is
// that near.
func nearest(word string, known []string) string {
	most := 1 + len(word)/4
	best, found := most+1, ""
	for _, k := range known {
		if d := distance(strings.ToLower(word), strings.ToLower(k), best); d < best && d < len(k) {
			best, found = d, k
		}
	}
	return found
}

// distance counts the octets to insert, remove, change or swap with their neighbour to
// make b of a; limit if they are that many or more.
func distance(a, b string, limit int) int {
	if max(len(a), len(b))-min(len(a), len(b)) >= limit || len(a) > 64 || len(b) > 64 {
		return limit
	}
	before, row, next := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next[0] = i + 1
		for j := range len(b) {
			change := row[j]
			if a[i] != b[j] {
				change++
			}
			next[j+1] = min(change, row[j+1]+1, next[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row, next = row, next, before
	}
	return min(row[len(b)], limit)
}
