//go:build e2e

package e2e_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What `make run` gives a newcomer: the small Internet in memory, asked with dig.
// It needs neither root nor a network.
func TestLab(t *testing.T) {
	needs(t, "dig", "curl")
	const (
		synthesised = "64:ff9b::1f0d:4ff6"
		native      = "2a03:2880:f00d:1:face:b00c:0:1"
		v4only      = "v4only.example.com. AAAA 64:ff9b::5db8:d70e"
	)
	facebook := func(address string) []string {
		return []string{"www.facebook.com. CNAME star.c10r.facebook.com.", "star.c10r.facebook.com. AAAA " + address}
	}
	for mode, want := range map[string]struct{ facebook, v4only []string }{
		"forced":   {facebook(synthesised), []string{v4only}},
		"standard": {facebook(native), []string{v4only}},
		"off":      {facebook(native), nil},
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			metricsAt := freePort(t)
			lab, server := startLab(t, "--metrics", metricsAt, "--dns64", mode)
			ask := func(question string) reply {
				t.Helper()
				return host{}.dig(t, slices.Concat(server, strings.Fields(question))...)
			}
			expect(t, ask("www.facebook.com AAAA"), "NOERROR", want.facebook...)
			expect(t, ask("v4only.example.com AAAA"), "NOERROR", want.v4only...)

			// No mode changes these.
			expect(t, ask("v4only.example.com A"), "NOERROR", "v4only.example.com. A 93.184.215.14")
			expect(t, ask("v6only.example.com AAAA"), "NOERROR", "v6only.example.com. AAAA 2606:2800:21f:cb07:6820:80da:af6b:8b2c")
			for _, name := range []string{"api.corp.io.", "api.corp.jp.", "whatever.wild.example.org."} {
				if r := ask(name + " A"); len(r.answer) == 0 || !strings.HasPrefix(r.answer[0], name+" ") {
					t.Errorf("want an answer, got\n%s", r.text)
				}
			}

			expectFlag(t, ask("large.example.com TXT +ignore"), "tc")
			large := ask("large.example.com TXT")
			expectFlag(t, large, "-tc")
			if len(large.answer) == 0 || !strings.Contains(large.text, "retrying in TCP mode") {
				t.Errorf("want the whole answer over TCP, got\n%s", large.text)
			}

			checkTrials(t, lab.out.String())

			host{}.checkMetrics(t, metricsAt, `sextant_queries_total{proto="tcp",type="TXT"} [1-9]`, `sextant_panics_total 0$`)
			if code := lab.stop(t, os.Interrupt); code != 0 {
				t.Errorf("sextant lab ended with exit code %d", code)
			}
		})
	}
}

// checkTrials runs what the lab printed to be tried, a command of dig with what
// comes out of it on each line, and checks that it does come.
func checkTrials(t *testing.T, printed string) {
	t.Helper()
	trials := regexp.MustCompile(`(?m)^dig (.*?)  +(.*?)  +.*$`).FindAllStringSubmatch(printed, -1)
	if len(trials) < 12 {
		t.Errorf("the lab should print a dozen things to try, printed\n%s", printed)
	}
	for _, trial := range trials {
		question, outcome := strings.Fields(trial[1]), trial[2]
		asked := question[len(question)-1]
		if strings.HasPrefix(asked, "+") {
			asked = question[len(question)-2]
		}
		if slices.Contains(question, "-x") {
			asked = "PTR"
		}
		r := host{}.dig(t, question...)
		var data []string
		for _, rr := range r.answer {
			if f := strings.SplitN(rr, " ", 3); f[1] == asked {
				data = append(data, f[2])
			}
		}
		slices.Sort(data)
		var got string
		switch {
		case r.status != "NOERROR":
			got = r.status
		case len(data) == 0:
			got = "NODATA"
		case strings.HasSuffix(outcome, " octets or more"):
			got = outcome // it came over TCP, as was seen above
		default:
			got = strings.Join(data, " ")
		}
		if got != outcome {
			t.Errorf("the lab says that %s comes, got %s\n%s", outcome, got, r.text)
		}
	}
}

// startLab runs `sextant lab` on a free port, and returns dig's arguments that
// name the server.
func startLab(t *testing.T, args ...string) (lab *process, server []string) {
	t.Helper()
	args = append([]string{sextant, "lab", "--listen", "127.0.0.1:0"}, args...)
	var printed string
	lab = host{}.start(t, func(p *process) error {
		if printed = p.out.String(); !strings.Contains(printed, "Ctrl-C") {
			return errors.New("it has not said how to end it")
		}
		return nil
	}, args...)
	at := regexp.MustCompile(`served on 127\.0\.0\.1:(\d+)`).FindStringSubmatch(printed)
	if at == nil {
		t.Fatalf("the lab does not say where it is served:\n%s", printed)
	}
	return lab, []string{"@127.0.0.1", "-p", at[1]}
}

// freePort is an address of this machine on which nobody listened a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return fmt.Sprint(l.Addr())
}
