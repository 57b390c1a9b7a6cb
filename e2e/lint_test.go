//go:build e2e

package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const peersPage = "../docs/reference/peers.md"

// lintReport is what --json prints.
type lintReport struct {
	Checks []lintCheck
}

type lintCheck struct {
	Check, RFC, What, Result string
	Why                      []string
}

// An instrument is a command that looks at servers.
type instrument struct {
	title, command, about string
	args                  []string // ADDRESS stands for the server's
	fits                  func(linted) bool
}

func instruments() []instrument {
	authority := func(s linted) bool { return !s.resolver }
	resolver := func(s linted) bool { return s.resolver && s.name != "Unbound with DNS64" }
	translator := func(s linted) bool { return s.resolver && s.name != "Unbound" }
	return []instrument{
		{"edns", "sextant lint edns @SERVER example", "The queries of RFC 8906 section 8, to authorities.",
			[]string{"lint", "edns", "@ADDRESS", "example"}, authority},
		{"edns, resolvers", "sextant lint edns @SERVER example.com", "The same, to resolvers.",
			[]string{"lint", "edns", "@ADDRESS", "example.com"}, resolver},
		{"ecs, authorities", "sextant lint ecs @SERVER example www.example plain.example",
			"Client Subnet of authorities. Knot, gdnsd, PowerDNS and Sextant answer `www` for 9.8.0.0/16, 9.9.9.0/24 and everyone else differently.",
			[]string{"lint", "ecs", "@ADDRESS", "example", "www.example", "plain.example"}, authority},
		{"ecs, resolvers", "sextant lint ecs @SERVER --zone probe.example.com --listen …", "Client Subnet of resolvers that are told to take part in it for that zone.",
			[]string{"lint", "ecs", "@ADDRESS", "--zone", "probe.example.com", "--listen", lintWitness + ":53"}, resolver},
		{"dns64", "sextant dns64 audit @SERVER --prefix 2600:64::/96", "DNS64 with one Pref64.",
			[]string{"dns64", "audit", "@ADDRESS", "--prefix", "2600:64::/96"}, translator},
	}
}

// What `sextant lint` and `sextant dns64 audit` find in real servers, ours among them, is
// what the page says, and each finding has been judged.
func TestLintOfRealServers(t *testing.T) {
	needs(t, "root", "ip", "dig", "named", "nsd", "knotd", "gdnsd", "pdns_server", "unbound", "pdns_recursor")
	t.Parallel()
	h, servers := newLintHost(t)
	for _, s := range servers { // otherwise there would be nothing to see in them
		if slices.Contains([]string{"Knot", "gdnsd", "PowerDNS", "Sextant"}, s.name) {
			expect(t, h.dig(t, "@"+s.address, "www.example", "A", "+subnet=9.8.7.0/24"), "NOERROR", "www.example. A 192.0.2.1")
			expect(t, h.dig(t, "@"+s.address, "www.example", "A", "+subnet=9.9.9.0/24"), "NOERROR", "www.example. A 192.0.2.2")
		}
	}
	page := peersHead(servers)
	judged := map[verdict]bool{}
	reports := h.look(t, servers)
	for _, i := range instruments() {
		var names []string
		var found []lintReport
		for _, s := range servers {
			if r, ok := reports[i.title+s.name]; ok && i.fits(s) {
				names, found = append(names, s.name), append(found, r)
			}
		}
		page += chapter(t, i, names, found, judged)
	}
	for _, v := range verdicts() {
		if !judged[v] {
			t.Errorf("a verdict about nothing: %s, %s, %v", v.instrument, v.check, v.servers)
		}
	}
	if *updateDifferences {
		if err := os.WriteFile(peersPage, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(peersPage)
	if err != nil {
		t.Fatal(err)
	}
	sameFindings(t, page, string(want), servers)
}

// look runs all instruments on all servers that they fit, servers side by side.
func (h *lintHost) look(t *testing.T, servers []linted) map[string]lintReport {
	t.Helper()
	var group sync.WaitGroup
	var mu, witness sync.Mutex // there is one address for the witness
	all := map[string]lintReport{}
	for _, s := range servers {
		group.Go(func() {
			for _, i := range instruments() {
				if !i.fits(s) {
					continue
				}
				if slices.Contains(i.args, "--listen") {
					witness.Lock()
				}
				r := h.report(t, i, s)
				if slices.Contains(i.args, "--listen") {
					witness.Unlock()
				}
				mu.Lock()
				all[i.title+s.name] = r
				mu.Unlock()
			}
		})
	}
	group.Wait()
	return all
}

// report is what an instrument says of a server.
func (h *lintHost) report(t *testing.T, i instrument, s linted) (r lintReport) {
	args := append([]string{sextant}, i.args...)
	for at := range args {
		args[at] = strings.ReplaceAll(args[at], "ADDRESS", s.address)
	}
	const patience = 2 * time.Minute // some servers are silent when they ought to answer
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out, err := h.command(ctx, append(args, "--json", "--rate", "2000", "--timeout", "1s")...).CombinedOutput()
	if json.Unmarshal(out, &r) != nil || len(r.Checks) == 0 {
		t.Errorf("%s: %v\n%s", strings.Join(args, " "), err, out)
		return r
	}
	wrong := slices.ContainsFunc(r.Checks, func(c lintCheck) bool { return c.Result == "error" })
	if wrong != (err != nil) {
		t.Errorf("%s: %v, and something is wrong: %v", strings.Join(args, " "), err, wrong)
	}
	return r
}

// chapter is a table of what was found by check and server, and one of what it is.
func chapter(t *testing.T, i instrument, names []string, reports []lintReport, judged map[verdict]bool) string {
	t.Helper()
	text := fmt.Sprintf("\n## %s\n\n`%s`: %s\n\n| check | RFC | what must be so | %s |\n|---|---|---|%s\n",
		i.title, i.command, i.about, strings.Join(names, " | "), strings.Repeat("---|", len(names)))
	var findings []string
	for n, c := range reports[0].Checks {
		row := fmt.Sprintf("| `%s` | %s | %s |", c.Check, strings.TrimPrefix(c.RFC, "RFC "), c.What)
		for s, r := range reports {
			if len(r.Checks) != len(reports[0].Checks) || r.Checks[n].Check != c.Check {
				t.Fatalf("%s: the checks of %s are others than those of %s", i.title, names[s], names[0])
			}
			row += " " + r.Checks[n].Result + " |"
			if got := r.Checks[n]; got.Result != "ok" && got.Result != "skipped" {
				v := judge(t, i.title, c.Check, names[s], got.Result, got.Why)
				judged[v] = true
				findings = append(findings, fmt.Sprintf("| %s | `%s` | %s | %s |", names[s], c.Check, found(got.Why), v.text))
			}
		}
		text += row + "\n"
	}
	if len(findings) == 0 {
		return text + "\nNothing was found.\n"
	}
	return text + "\n| server | check | found | verdict |\n|---|---|---|---|\n" + strings.Join(findings, "\n") + "\n"
}

// found is the reasons, without what is another one each time.
func found(why []string) string {
	const most = 3
	var all []string
	for _, w := range why {
		w = regexp.MustCompile(`198\.1[89]\.\d+\.\d+`).ReplaceAllString(w, "198.18.x.y")
		if ttl, denial := 0, 0; aged(w, &ttl, &denial) { // TTLs, which count down while others are asked
			w = fmt.Sprintf(heldTTLs, (ttl+9)/10*10, (denial+9)/10*10)
		}
		if !slices.Contains(all, w) {
			all = append(all, w)
		}
	}
	if len(all) > most {
		all = append(all[:most], fmt.Sprintf("and %d more", len(all)-most))
	}
	return strings.ReplaceAll(strings.Join(all, "; "), "|", "\\|")
}

// heldTTLs is what the audit of a DNS64 says of one that lives for too long.
const heldTTLs = "%d, and the denial holds %d"

func aged(why string, ttl, denial *int) bool {
	n, err := fmt.Sscanf(why, heldTTLs, ttl, denial)
	return n == 2 && err == nil
}

// peersHead is what the page begins with.
func peersHead(servers []linted) string {
	text := `# What the instruments find in real servers

` + "`sextant lint` and `sextant dns64 audit`" + ` look at the servers of Debian 12, and at Sextant itself, with their defaults, but for
Client Subnet and DNS64, which are on where there is such a thing; none validates (` + "`e2e/lintpeers_test.go`" + ` has the files). A test makes
this page and compares it. An *error* is not as an RFC demands, a *warning* not as it recommends, a *note* is no fault. Each finding was
looked into, and has a verdict: the server's, or none. What was the instrument's own mistake was mended.

| server | version |
|---|---|
`
	for _, s := range servers {
		version := s.version
		if s.command == nil {
			version = "this one"
		}
		text += fmt.Sprintf("| %s | %s |\n", s.name, version)
	}
	return text
}

// sameFindings compares a page with the one that is checked in, line by line. Of another
// version of a server another page is no fault.
func sameFindings(t *testing.T, got, want string, servers []linted) {
	t.Helper()
	complain := t.Errorf
	for _, s := range servers {
		if s.command != nil && !strings.Contains(want, fmt.Sprintf("| %s | %s |", s.name, s.version)) {
			t.Logf("%s here is version %s, the page is about another", s.name, s.version)
			complain = t.Logf
		}
	}
	in := func(text, line string) bool { return slices.Contains(strings.Split(text, "\n"), line) }
	for line := range strings.Lines(got) {
		if line = strings.TrimSuffix(line, "\n"); !in(want, line) {
			complain("not in %s (go test -tags e2e ./e2e -run LintOfReal -update writes it):\n%s", peersPage, line)
		}
	}
	for line := range strings.Lines(want) {
		if line = strings.TrimSuffix(line, "\n"); !in(got, line) {
			complain("in %s, and not so today:\n%s", peersPage, line)
		}
	}
}
