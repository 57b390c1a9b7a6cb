package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong in a configuration file.
type Problem struct {
	File    string
	Line    int    // from 1
	Column  int    // from 1, in characters
	Message string // what is wrong and what was expected
	Source  string // the line, without its line break; asterisks in the place of secrets
}

// Error is the place and the message, then the line with a caret under the
// place.
func (p Problem) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s\n    %s\n    %s^", p.File, p.Line, p.Column, p.Message, p.Source, p.indent())
}

// indent is as wide as what stands left of the column: its tabs, and a space
// for everything else.
func (p Problem) indent() string {
	var b strings.Builder
	for _, r := range p.Source {
		if b.Len() == p.Column-1 {
			break
		}
		if r != '\t' {
			r = ' '
		}
		b.WriteRune(r)
	}
	return b.String()
}

// Errors is all that is wrong in a configuration file, in the order of the file.
// It is never empty.
type Errors []Problem

// Error is all the problems, one below the other.
func (e Errors) Error() string {
	texts := make([]string, len(e))
	for i, p := range e {
		texts[i] = p.Error()
	}
	return strings.Join(texts, "\n")
}

// Unwrap is the problems one by one.
func (e Errors) Unwrap() []error {
	errs := make([]error, len(e))
	for i, p := range e {
		errs[i] = p
	}
	return errs
}

// inOrder sorts by place.
func (e Errors) inOrder() Errors {
	slices.SortStableFunc(e, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return e
}

// suggest is `; did you mean "packets"?` when one of the words is much like
// what was written, or nothing.
func suggest(written string, words []string) string {
	if len(written) > 40 { // no key is so long, and edits takes time
		return ""
	}
	best, distance := "", max(1, len(written)/3)+1
	for _, w := range words {
		d := edits(strings.ToLower(written), w)
		if len(w) > 2 && strings.HasPrefix(written, w) {
			d = 1 // warning, warn
		}
		if d < distance {
			best, distance = w, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// edits counts the letters that must be put in, taken out, replaced or swapped
// with their neighbour to turn a into b.
func edits(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			replace := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, replace)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}

// enumerate is "a, b or c".
func enumerate(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
