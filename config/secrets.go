package config

import (
	"regexp"
	"slices"
	"strings"
)

// aKey is a key of a mapping, in block style or in braces, with or without quotes.
var aKey = regexp.MustCompile(`(?:^|[\s{,"'-])([A-Za-z][A-Za-z0-9_-]*)["']?\s*:(?:\s|["']|$)`)

// concealed is a line of a file as it may be shown: with every character of a secret
// replaced. Errors go to logs and into bug reports. What cannot be told apart from a
// secret, as in a file that is not YAML, is taken for one.
func concealed(lines []string, i int) string {
	line := lines[i]
	found := aKey.FindAllStringSubmatchIndex(line, -1)
	if !slices.ContainsFunc(found, func(at []int) bool { return namesSecret(line[at[2]:at[3]]) }) && !(len(found) == 0 && insideSecret(lines[:i])) {
		return line
	}
	var b strings.Builder
	if len(found) == 0 {
		return mask(line)
	}
	done := 0
	for n, at := range found {
		if !namesSecret(line[at[2]:at[3]]) {
			continue
		}
		end := len(line)
		if n+1 < len(found) {
			end = found[n+1][2]
		}
		b.WriteString(line[done:at[3]])
		b.WriteString(mask(line[at[3]:end]))
		done = end
	}
	b.WriteString(line[done:])
	return b.String()
}

// namesSecret tells whether a key is one with a secret behind it, or was meant to be.
func namesSecret(key string) bool {
	key = strings.ToLower(key)
	const typos = 1
	return edits(key, "secret") <= typos || edits(key, "secrets") <= typos
}

// insideSecret tells whether what follows these lines, and has no key, is a secret: the
// last key is one's.
func insideSecret(before []string) bool {
	for _, line := range slices.Backward(before) {
		if found := aKey.FindAllStringSubmatch(line, -1); len(found) > 0 {
			return namesSecret(found[len(found)-1][1])
		}
	}
	return false
}

// mask replaces what a secret may consist of. All else stays, and so does the width, for
// the caret under the line.
func mask(text string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \t:[]{},\"'#-", r) {
			return r
		}
		return '*'
	}, text)
}
