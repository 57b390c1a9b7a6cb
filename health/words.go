package health

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// split makes words of text as a shell would, without any expansion: they are parted
// by spaces, and what stands in single or double quotes is taken as it is, less \" and
// \\ in double ones.
func split(text string) (words []string, err error) {
	if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\t' }) {
		return nil, errors.New("control characters, or no UTF-8; want text")
	}
	var word strings.Builder
	inWord, quoted := false, rune(0)
	escaped := false
	for i, r := range text {
		switch {
		case escaped:
			word.WriteRune(r)
			escaped = false
		case quoted == '"' && r == '\\' && i+1 < len(text) && (text[i+1] == '"' || text[i+1] == '\\'):
			escaped = true
		case quoted != 0 && r == quoted:
			quoted = 0
		case quoted != 0:
			word.WriteRune(r)
		case r == '"' || r == '\'':
			quoted, inWord = r, true
		case r == ' ' || r == '\t':
			if inWord {
				words = append(words, word.String())
				word.Reset()
				inWord = false
			}
		default:
			word.WriteRune(r)
			inWord = true
		}
	}
	if quoted != 0 {
		return nil, fmt.Errorf("a quote %c is opened and not closed", quoted)
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}

// quote is a word so that split reads it again, in quotes if there is need.
func quote(word string) string {
	if word != "" && !strings.ContainsAny(word, " \t\"'") {
		return word
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(word) + `"`
}

// suggest is `; did you mean "interval"?` when one of the words is much like what was
// written, or nothing.
func suggest(written string, words ...string) string {
	if len(written) > 40 { // no word is so long, and edits takes time
		return ""
	}
	best, distance := "", max(1, len(written)/3)+1
	for _, w := range words {
		if d := edits(strings.ToLower(written), w); d < distance {
			best, distance = w, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// edits counts the letters that must be put in, taken out, replaced or swapped with
// their neighbour to turn a into b.
func edits(a, b string) int {
	var before []int // the row before the last
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row
		row = make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			replace := last[j]
			if a[i] != b[j] {
				replace++
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, replace)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before = last
	}
	return row[len(b)]
}
