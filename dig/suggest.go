package dig

import (
	"slices"
	"strings"
)

// suggestion is what somebody may have meant by an option that is none; "" when
// nothing is near.
func suggestion(keyword string, off bool) string {
	prefix := "+"
	if off {
		prefix = "+no"
	}
	var begins []string
	best, nearest := 3, "" // two slips of the finger at most
	for _, o := range plusOptions() {
		for _, name := range o.names {
			if keyword != "" && strings.HasPrefix(name, keyword) {
				begins = append(begins, prefix+name)
			}
			if d := distance(keyword, name); d < best && d < len(keyword) {
				best, nearest = d, prefix+name
			}
		}
	}
	switch {
	case len(begins) > 1:
		slices.Sort(begins)
		return "it may be " + strings.Join(begins, ", ")
	case nearest != "":
		return "did you mean " + nearest + "?"
	}
	return ""
}

// distance is how many letters have to be inserted, removed, replaced or
// exchanged with their neighbour to make b of a.
func distance(a, b string) int {
	rows := [3][]int{make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)}
	for j := range rows[1] {
		rows[1][j] = j
	}
	for i := 1; i <= len(a); i++ {
		older, old, row := rows[0], rows[1], rows[2]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			replace := old[j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			row[j] = min(old[j]+1, row[j-1]+1, replace)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], older[j-2]+1)
			}
		}
		rows = [3][]int{old, row, older}
	}
	return rows[1][len(b)]
}
