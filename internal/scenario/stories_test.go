package scenario

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var (
	update  = flag.Bool("update", false, "write the statuses of the third-party stories to expected.tsv")
	details = flag.Bool("details", false, "tell what happened in the third-party stories that fail")
)

const ownStories = "../../testdata/scenarios"

func TestOurStories(t *testing.T) {
	t.Parallel()
	for _, s := range own(t) {
		t.Run(strings.TrimSuffix(s.File, ".rpl"), func(t *testing.T) {
			t.Parallel()
			if r := Play(t, s, Sextant, Comparison{Mode: Exact}); r.Status != Passed {
				t.Errorf("%s: %s: %s\n%s", s.Title, r.Status, r.Reason, r.Details)
			}
		})
	}
}

// TestThirdPartyStories plays the stories of the folder $SCENARIOS. A story that
// passed when expected.tsv was written must pass, and every story must be in it;
// with -update it is written anew. With -v there is a table of all.
func TestThirdPartyStories(t *testing.T) {
	paths := thirdParty(t)
	index := readTable(t, filepath.Join(os.Getenv("SCENARIOS"), "INDEX.tsv"))
	expected := readTable(t, "expected.tsv")
	results := map[string]Result{}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			s, err := ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if _, known := index[s.File]; !known {
				t.Error("INDEX.tsv does not have it")
			}
			r := Play(t, s, Sextant, s.Comparison())
			results[s.File] = r
			was, known := expected[s.File]
			switch {
			case *update:
			case !known:
				t.Errorf("expected.tsv does not have it; it is a %s now: %s", r.Status, r.Reason)
			case was[0] == string(Passed) && r.Status != Passed:
				t.Errorf("it passed before: %s: %s\n%s", r.Status, r.Reason, r.Details)
			case was[0] != string(r.Status):
				t.Logf("it is a %s now and was a %s; go test -update", r.Status, was[0])
			}
			if *details && r.Status == Fail {
				t.Logf("%s: %s\n%s", s.Title, r.Reason, r.Details)
			}
		})
	}
	t.Log(table(results, index))
	if !*update || t.Failed() {
		return
	}
	for _, path := range paths { // what -run left out stays as it is
		file := filepath.Base(path)
		if _, played := results[file]; !played && len(expected[file]) > 1 {
			results[file] = Result{Status: Status(expected[file][0]), Reason: expected[file][1]}
		}
	}
	writeExpected(t, results, expected)
}

// table is the results for people: the failures one by one, the rest in numbers.
func table(results map[string]Result, index map[string][]string) string {
	var b strings.Builder
	type tally map[Status]int
	byCategory, byNeed, total := map[string]tally{}, map[string]int{}, tally{}
	b.WriteString("\nfailed:\n")
	for _, file := range slices.Sorted(maps.Keys(results)) {
		r, class := results[file], "? "
		if row := index[file]; len(row) > 1 {
			class = row[0] + " " + row[1]
		}
		if byCategory[class] == nil {
			byCategory[class] = tally{}
		}
		byCategory[class][r.Status]++
		total[r.Status]++
		switch r.Status {
		case Fail:
			fmt.Fprintf(&b, "  %-42s %s\n", file, r.Reason)
		case Skipped:
			for need := range strings.FieldsSeq(r.Reason) {
				byNeed[need]++
			}
		}
	}
	row := func(name string, n tally) {
		fmt.Fprintf(&b, "  %-52s %6d %6d %6d\n", name, n[Passed], n[Fail], n[Skipped])
	}
	fmt.Fprintf(&b, "  %-52s %6s %6s %6s\n", "class and category", Passed, Fail, Skipped)
	for _, class := range slices.Sorted(maps.Keys(byCategory)) {
		row(class, byCategory[class])
	}
	row("all", total)
	b.WriteString("not applicable, for want of (a story may want for several things):\n")
	needs := slices.Collect(maps.Keys(byNeed))
	slices.SortFunc(needs, func(x, y string) int { return cmp.Or(cmp.Compare(byNeed[y], byNeed[x]), cmp.Compare(x, y)) })
	for _, need := range needs {
		fmt.Fprintf(&b, "  %-52s %6d\n", need, byNeed[need])
	}
	return b.String()
}

// readTable reads a file of tab-separated columns by the first one.
func readTable(t *testing.T, path string) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		columns := strings.Split(strings.TrimRight(line, "\n"), "\t")
		rows[columns[0]] = append(columns[1:], "", "")
	}
	return rows
}

// writeExpected writes expected.tsv. The reason of a failure that was there
// before stays: it may have been written by a person.
func writeExpected(t *testing.T, results map[string]Result, before map[string][]string) {
	t.Helper()
	var b strings.Builder
	b.WriteString("file\tstatus\treason\n")
	for _, file := range slices.Sorted(maps.Keys(results)) {
		r := results[file]
		if was := before[file]; len(was) > 1 && was[0] == string(Fail) && r.Status == Fail && was[1] != "" {
			r.Reason = was[1]
		}
		fmt.Fprintf(&b, "%s\t%s\t%s\n", file, r.Status, r.Reason)
	}
	if err := os.WriteFile("expected.tsv", []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// own are the project's stories.
func own(t *testing.T) []*Story {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(ownStories, "*.rpl"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no stories in %s: %v", ownStories, err)
	}
	return parsed(t, paths)
}

// allStories are the project's and, where they are, those of third parties.
func allStories(t *testing.T) []*Story {
	t.Helper()
	stories := own(t)
	if os.Getenv("SCENARIOS") != "" {
		stories = append(stories, parsed(t, thirdParty(t))...)
	}
	return stories
}

func parsed(t *testing.T, paths []string) []*Story {
	t.Helper()
	var stories []*Story
	for _, path := range paths {
		s, err := ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		stories = append(stories, s)
	}
	return stories
}
