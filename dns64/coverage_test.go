package dns64_test

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// checklists are the lists that docs/reference/rfc-coverage.md answers line by
// line: the letter of a list, and the numbers of its lines. A further list needs
// its table on that page and its letter here. A list may have parts: G101 is the first
// line of the first part of G.
func checklists() map[string][]span {
	return map[string][]span{
		"D": {{1, 84}}, "E": {{1, 79}}, "T": {{1, 25}}, "V": {{1, 25}}, "R": {{30, 48}}, "C": {{1, 14}}, "U": {{1, 22}}, "L": {{1, 26}},
		"G": {
			{101, 111},   // messages
			{201, 206},   // lookups
			{301, 305},   // wildcards
			{401, 403},   // DNAME
			{501, 502},   // glue and referrals
			{601, 602},   // ANY and RRSIG
			{701, 706},   // EDNS
			{801, 805},   // signed answers
			{901, 904},   // denials
			{1001, 1002}, // SVCB and HTTPS
			{1101, 1106}, // transfers
			{1201, 1204}, // split horizon
		},
	}
}

// span is the numbers of a list's lines, the first and the last.
type span struct{ first, last int }

// TestCoverageTableTellsTheTruth: every line of every checklist has its row, and
// every test that a row names exists.
func TestCoverageTableTellsTheTruth(t *testing.T) {
	t.Parallel()
	page, err := os.Open("../docs/reference/rfc-coverage.md")
	if err != nil {
		t.Fatal(err)
	}
	defer page.Close()
	rows, err := readCoverage(page)
	if err != nil {
		t.Fatal(err)
	}
	tests, err := testFunctions("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, complaint := range checkCoverage(rows, checklists(), tests) {
		t.Error(complaint)
	}
}

// coverage is a row of a table: a line of a checklist and what became of it.
type coverage struct {
	line   string // its ID, a letter and a number
	status string
}

var rowStart = regexp.MustCompile(`^\| *([A-Z]\d+) *\|`)

// readCoverage finds the rows of all tables of a page: those whose first cell is
// an ID. The status is the last of four cells.
func readCoverage(page io.Reader) ([]coverage, error) {
	var rows []coverage
	lines := bufio.NewScanner(page)
	for lines.Scan() {
		start := rowStart.FindStringSubmatch(lines.Text())
		if start == nil {
			continue
		}
		cells := strings.Split(strings.Trim(lines.Text(), "| "), "|")
		if len(cells) != 4 {
			return nil, fmt.Errorf("the row of %s has %d cells, want line, section, requirement, status", start[1], len(cells))
		}
		rows = append(rows, coverage{line: start[1], status: strings.TrimSpace(cells[3])})
	}
	return rows, lines.Err()
}

var (
	testFunc  = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Example)\w*)\(`)
	citedTest = regexp.MustCompile("`([\\w/]+\\.(?:Test|Fuzz|Example)\\w*)`")
	excuse    = regexp.MustCompile(`^not (yet|ours): .`)
	namedLine = regexp.MustCompile(`[A-Z]\d+`)
	lineNames = regexp.MustCompile(`\.(?:Test|Fuzz)((?:[A-Z]\d+)+)`)
)

// testFunctions is the tests of all packages below root, as "directory.Name".
func testFunctions(root string) (map[string]bool, error) {
	tests := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != root && strings.HasPrefix(entry.Name(), "."):
			return fs.SkipDir
		case entry.IsDir() || !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		for _, match := range testFunc.FindAllSubmatch(source, -1) {
			tests[filepath.ToSlash(dir)+"."+string(match[1])] = true
		}
		return nil
	})
	return tests, err
}

// checkCoverage tells what is wrong with the rows.
func checkCoverage(rows []coverage, lists map[string][]span, tests map[string]bool) (complaints []string) {
	complain := func(format string, args ...any) { complaints = append(complaints, fmt.Sprintf(format, args...)) }
	cited := map[string][]string{} // the tests that a line's row names
	for _, row := range rows {
		number, _ := strconv.Atoi(row.line[1:])
		if !slices.ContainsFunc(lists[row.line[:1]], func(s span) bool { return number >= s.first && number <= s.last }) {
			complain("%s is in no checklist", row.line)
		}
		if _, again := cited[row.line]; again {
			complain("%s has two rows", row.line)
		}
		cited[row.line] = []string{}
		for _, match := range citedTest.FindAllStringSubmatch(row.status, -1) {
			cited[row.line] = append(cited[row.line], match[1])
			if !tests[match[1]] {
				complain("%s names %s, which does not exist", row.line, match[1])
			}
		}
		if len(cited[row.line]) == 0 && !excuse.MatchString(row.status) {
			complain(`%s has neither a test nor "not yet: reason" nor "not ours: reason": %q`, row.line, row.status)
		}
	}
	for letter, parts := range lists {
		for _, part := range parts {
			for number := part.first; number <= part.last; number++ {
				if line := letter + strconv.Itoa(number); cited[line] == nil {
					complain("%s has no row", line)
				}
			}
		}
	}
	for test := range tests { // the other way round
		match := lineNames.FindStringSubmatch(test)
		if match == nil {
			continue
		}
		for _, line := range namedLine.FindAllString(match[1], -1) {
			if _, ok := lists[line[:1]]; ok && !slices.Contains(cited[line], test) {
				complain("%s is named after %s, whose row does not name it", test, line)
			}
		}
	}
	slices.Sort(complaints)
	return complaints
}

func TestCoverageCheckComplains(t *testing.T) {
	t.Parallel()
	const page = "| Line | RFC | Requirement | Status |\n|---|---|---|---|\n" +
		"| X1 | 1 | a | `pkg.TestX1Holds` |\n" +
		"| X2 | 1 | b | `pkg.TestGone` and `sub/pkg.FuzzX2` |\n" +
		"| X3 | 1 | c | not yet: because |\n" +
		"| X3 | 1 | c | not ours: because |\n" +
		"| X4 | 1 | d | surely |\n" +
		"| X9 | 1 | e | `pkg.TestX1Holds` |\n"
	rows, err := readCoverage(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]bool{"pkg.TestX1Holds": true, "sub/pkg.FuzzX2": true, "pkg.TestX3X4Both": true, "pkg.TestIPv4": true}
	want := []string{
		"X2 names pkg.TestGone, which does not exist",
		"X3 has two rows",
		`X4 has neither a test nor "not yet: reason" nor "not ours: reason": "surely"`,
		"X5 has no row",
		"X9 is in no checklist",
		"pkg.TestX3X4Both is named after X3, whose row does not name it",
		"pkg.TestX3X4Both is named after X4, whose row does not name it",
	}
	if got := checkCoverage(rows, map[string][]span{"X": {{1, 2}, {3, 5}}}, tests); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if _, err := readCoverage(strings.NewReader("| X1 | too | short |")); err == nil {
		t.Error("a row of three cells was read")
	}
}
