package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// blocks are the blocks of a page of the documentation that are of a kind.
func blocks(t *testing.T, page, kind string) (all []string) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range regexp.MustCompile("(?s)```"+kind+"\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		all = append(all, b[1])
	}
	return all
}

// What the how-to shows is what comes out.
func TestTheWalkOfAnswersByLocation(t *testing.T) {
	t.Parallel()
	const page = "../../docs/how-to/answer-by-location.md"
	database, err := os.ReadFile("../../testdata/geo/toy-city.mmdb")
	if err != nil {
		t.Fatal(err)
	}
	overlay := blocks(t, page, "geo")[0]
	h := newHousehold(t, map[string]string{
		"example.org.zone": blocks(t, page, "zone")[0], "example.org.geo": overlay,
		"next.geo": strings.Replace(overlay, "eu=ber,nyc", "eu=nyc", 1), "toy-city.mmdb": string(database),
	})
	config := strings.Replace(blocks(t, page, "yaml")[0], ":5300", ":0", 1)
	p, at, _ := h.run("sextant.yaml", config)
	commands := regexp.MustCompile(`(?m)^\$ sextant (.*)\n((?:[^$].*\n)*)`)
	ran := 0
	since := regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)`)
	h.until("the socket is there", func() bool { return h.exists("control.sock") || p.control == nil })
	for _, block := range blocks(t, page, "console") {
		for _, c := range commands.FindAllStringSubmatch(block, -1) {
			args := strings.Fields(strings.Replace(c[1], "5300", strconv.Itoa(int(at.Port())), 1))
			for i, a := range args {
				if a == "control.sock" || h.exists(a) && filepath.Ext(a) != "" {
					args[i] = h.path(a)
				}
			}
			var out bytes.Buffer
			run(t.Context(), args, &out, &out)
			got := since.ReplaceAllString(strings.ReplaceAll(out.String(), h.dir+"/", ""), "2026-11-21T08:00:00Z")
			if got != c[2] {
				t.Errorf("$ sextant %s\n%swant\n%s", c[1], got, c[2])
			}
			ran++
		}
	}
	if ran < 8 {
		t.Errorf("%d commands", ran)
	}
}
