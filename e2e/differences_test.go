package e2e_test

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What TestDifferences (differential_test.go) accepts, and why, stands in two places:
// a file of rules that it reads, and a page that people read. This test needs no
// peers: it sees that the page says what the rules say.
const (
	differencesFile = "testdata/differences.txt"
	differencesPage = "../docs/reference/differences.md"
)

var updateDifferences = flag.Bool("update", false, "write docs/reference/differences.md from the rules")

// difference is a rule: where one of the peers may answer otherwise than we do.
type difference struct {
	name     string
	peers    []string         // bind, nsd, knot
	query    *regexp.Regexp   // matches the query as text
	items    []*regexp.Regexp // one of them matches the item that differs
	reason   string
	rfc      string
	decision string // why we stay alone where all peers agree; else ""
}

// readDifferences reads rules: paragraphs of "key: value" lines, of which those that
// begin with blanks go on with the value before. Lines with # are comments.
func readDifferences(text string) ([]difference, error) {
	var rules []difference
	for n, paragraph := range strings.Split(text, "\n\n") {
		var d difference
		lines := bufio.NewScanner(strings.NewReader(paragraph))
		var key string
		values := map[string][]string{}
		for lines.Scan() {
			line := lines.Text()
			switch k, v, ok := strings.Cut(line, ": "); {
			case strings.HasPrefix(line, "#") || line == "":
			case strings.HasPrefix(line, " ") && key != "":
				all := values[key]
				all[len(all)-1] += " " + strings.TrimSpace(line)
			case ok:
				key = k
				values[k] = append(values[k], strings.TrimSpace(v))
			default:
				return nil, fmt.Errorf("paragraph %d: %q is no key: value", n+1, line)
			}
		}
		if len(values) == 0 {
			continue
		}
		if err := d.fill(values); err != nil {
			return nil, fmt.Errorf("paragraph %d: %w", n+1, err)
		}
		rules = append(rules, d)
	}
	return rules, nil
}

// fill takes over what the paragraph of a rule says.
func (d *difference) fill(values map[string][]string) error {
	one := func(key string) string { return strings.Join(values[key], " ") }
	d.name, d.peers, d.reason, d.rfc, d.decision = one("rule"), strings.Fields(one("peers")), one("reason"), one("rfc"), one("decision")
	for key := range values {
		if !slices.Contains([]string{"rule", "peers", "query", "item", "reason", "rfc", "decision"}, key) {
			return fmt.Errorf("%s: there is no such key", key)
		}
	}
	for _, p := range d.peers {
		if !slices.Contains([]string{"bind", "nsd", "knot"}, p) {
			return fmt.Errorf("%s: no such peer", p)
		}
	}
	if d.name == "" || len(d.peers) == 0 || len(values["item"]) == 0 || d.reason == "" || d.rfc == "" {
		return fmt.Errorf("rule %q lacks its name, peers, item, reason or rfc", d.name)
	}
	var err error
	if d.query, err = regexp.Compile(one("query")); err != nil {
		return err
	}
	for _, item := range values["item"] {
		r, err := regexp.Compile(item)
		if err != nil {
			return err
		}
		d.items = append(d.items, r)
	}
	return nil
}

// explains tells whether the rule accepts that item of a difference from the peer.
func (d difference) explains(peer, query, item string) bool {
	return slices.Contains(d.peers, peer) && d.query.MatchString(query) &&
		slices.ContainsFunc(d.items, func(r *regexp.Regexp) bool { return r.MatchString(item) })
}

// page is docs/reference/differences.md.
func page(rules []difference) string {
	names := map[string]string{"bind": "BIND", "nsd": "NSD", "knot": "Knot"}
	var b strings.Builder
	b.WriteString(`# Where Sextant answers otherwise than BIND, NSD and Knot

The same zones and the same 10 000 questions are given to Sextant, BIND 9.18, NSD 4.6 and Knot 3.2 (` + "`e2e.TestDifferences`" + `). Order, letter
case and compression do not count; all else does: rcode, AA, TC, the RRs of each section with their TTLs, whether there is an OPT. What
differs must be in this list, and what is in this list must differ: the page is written from the rules that the test applies
(` + "`e2e/testdata/differences.txt`" + `). Where the three others agree against Sextant, the list says why it stays as it is.

| What differs | From | Why | Standard | Where all others agree: our decision |
|---|---|---|---|---|
`)
	for _, d := range rules {
		var from []string
		for _, p := range d.peers {
			from = append(from, names[p])
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", d.name, strings.Join(from, ", "), d.reason, d.rfc, d.decision)
	}
	return b.String()
}

func TestDifferencesPageSaysWhatTheRulesSay(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(differencesFile)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := readDifferences(string(text))
	if err != nil {
		t.Fatal(err)
	}
	want := page(rules)
	if *updateDifferences {
		if err := os.WriteFile(differencesPage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(differencesPage)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not what %s says; go test ./e2e -update writes it anew", differencesPage, differencesFile)
	}
}
